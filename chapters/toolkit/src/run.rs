//! A training run and its folder.
//!
//! ```text
//! runs/ch4-wgan-gp/001/
//!   config.json          everything that decides the run
//!   log.csv              the losses of every step
//!   losses.svg           the same as a picture
//!   real.png             64 training images
//!   samples/000500.png   what the generator draws after 500 steps, always from the same z
//!   progress.png         two rows of some of these, from early to late
//!   checkpoint/          weights and optimiser moments of each network, and state.json
//! ```
//!
//! All that a step depends on is in the checkpoint or follows from the seed and the number of the step, so that a run that
//! was stopped goes on as if it had not been.

use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::{Kind, Tensor};

use crate::cli::{Interrupted, Preset, TrainArgs, say};
use crate::clock::Clock;
use crate::compute::{Compute, DeviceChoice};
use crate::config::{Config, Schedule, load_images};
use crate::folder::{self, Destination, State};
use crate::images::ImageSet;
use crate::log::Log;
use crate::progress::Progress;
use crate::{Adam, Batches, interrupt, noise, sheet, source};

/// A run that is going on.
pub struct Run<S> {
    /// What decides it.
    pub config: Config<S>,
    /// The images that it learns from.
    pub images: ImageSet,
    /// Where it computes.
    pub compute: Compute,
    folder: PathBuf,
    batches: Batches,
    done: u64,
    log: Log,
    progress: Progress,
    clock: Clock,
    /// Whether Ctrl-C had been pressed by the end of the last step.
    stopping: bool,
}

impl<S: Clone + Serialize + DeserializeOwned> Run<S> {
    /// Starts the run that the command line asks for, or takes up the one that `--resume` names.
    ///
    /// `preset` gives a chapter's settings. Nothing is written before everything that can be wrong with the input has
    /// been looked at.
    ///
    /// # Errors
    /// If the data cannot be read, the device is not there, or the folder for the run holds something else.
    pub fn open(
        program: &str,
        args: &TrainArgs,
        preset: impl Fn(Preset) -> (Schedule, S),
    ) -> Result<Self> {
        Run::open_checked(program, args, preset, |_, _| Ok(()))
    }

    /// Like [`Run::open`], with a look of the chapter's own at the images before anything is written.
    ///
    /// # Errors
    /// Those of [`Run::open`], and whatever `check` finds.
    pub fn open_checked(
        program: &str,
        args: &TrainArgs,
        preset: impl Fn(Preset) -> (Schedule, S),
        check: impl Fn(&ImageSet, &S) -> Result<()>,
    ) -> Result<Self> {
        let threads = tch::get_num_threads();
        let mut config = match &args.resume {
            Some(folder) => Config::read(folder, program)?,
            None => planned(program, args, preset(args.preset)),
        };
        let (compute, why) = choose_compute(args, &config)?;
        config.device = device_name(compute);
        config.precision = if compute.kind == Kind::BFloat16 { "bf16" } else { "f32" }.into();
        if threads != config.threads {
            eprintln!(
                "{program}: this run began with {} threads and goes on with {threads}; its weights will differ in the last digits",
                config.threads
            );
        }
        let destination = match &args.resume {
            Some(folder) => Destination::Existing(folder.clone()),
            None => Destination::choose(program, args.out.as_deref())?,
        };

        let mut clock = Clock::start();
        source::folder(&config.schedule.data)?;
        clock.lap("drawing data");
        let images = load_images(&config)?;
        check(&images, &config.settings)?;
        clock.lap("reading data");
        let batch_size = config.schedule.batch_size as usize;
        let batches = Batches::new(images.training(), batch_size, config.seed)
            .with_context(|| config.schedule.data.clone())?;
        let per_step = config.schedule.batches_per_step;
        let steps_per_epoch = (batches.per_epoch() as u64).div_ceil(per_step);
        if let Some(epochs) = args.epochs {
            let all = epochs.checked_mul(batches.per_epoch() as u64);
            let all = all
                .with_context(|| format!("--epochs {epochs}: more batches than can be counted"))?;
            config.schedule.steps = all.div_ceil(per_step);
        }
        config.schedule.steps = args.steps.unwrap_or(config.schedule.steps);

        let folder = destination.create()?;
        let state = folder::read_state(&folder)?;
        let done = state.as_ref().map_or(0, |state| state.step);
        let steps = config.schedule.steps;
        ensure!(
            args.resume.is_none() || done < steps,
            "{}: already at step {done} of {steps}; --steps N with a larger N goes further",
            folder.display()
        );
        folder::write_whole(
            &folder.join("config.json"),
            &(serde_json::to_string_pretty(&config)? + "\n"),
        )?;
        let log = Log::open(&folder.join("log.csv"), done, steps_per_epoch)?;
        interrupt::watch();
        let images_per_step = (config.schedule.batch_size * per_step) as f64;
        let progress = Progress::new(done, steps, images_per_step, steps_per_epoch);
        clock.trained_before = state.map_or(0.0, |state| state.seconds);
        let stopping = false;
        let mut run =
            Run { config, images, compute, folder, batches, done, log, progress, clock, stopping };
        run.introduce(&why);
        let shown: Vec<usize> = run.batches.indices(0).iter().copied().take(64).collect();
        let real = run.images.batch(&shown, tch::Device::Cpu, Kind::Float);
        sheet::save_sheet(&real, 8, &run.folder.join("real.png"))?;
        Ok(run)
    }

    fn introduce(&self, why: &str) {
        let Config { schedule, preset, seed, channels, side, .. } = &self.config;
        let held_out = self.images.len() - self.images.training().len();
        let skipped = match self.images.skipped().len() {
            0 => String::new(),
            n => format!(", {n} unreadable left out"),
        };
        eprintln!(
            "data       {}: {} images to learn from, {held_out} held out{skipped}; {side}×{side}, {}",
            schedule.data,
            self.images.len() - held_out,
            if *channels == 1 { "grey" } else { "colour" }
        );
        eprintln!("device     {} ({why})", self.compute);
        let settings = serde_json::to_value(&self.config.settings).unwrap_or_default();
        let preset = if *preset == Preset::Quick { "quick" } else { "book" };
        let mut lines = vec![format!("preset     {preset}: batch {}", schedule.batch_size)];
        for (name, value) in settings.as_object().into_iter().flatten() {
            let setting = format!("{} {value}", name.replace('_', " "));
            let line = lines.last_mut().expect("at least one line");
            *line += ",";
            if line.chars().count() + setting.chars().count() < WIDTH {
                *line += &format!(" {setting}");
            } else {
                lines.push(format!("           {setting}"));
            }
        }
        eprintln!("{}", lines.join("\n"));
        eprintln!(
            "run        {}: {} generator updates ({:.1} epochs), seed {seed}{}",
            self.folder.display(),
            schedule.steps,
            schedule.steps as f64 / self.log.steps_per_epoch() as f64,
            if self.done > 0 { format!(", going on after {}", self.done) } else { String::new() }
        );
    }

    /// Puts back the networks and optimisers of a run that was resumed; does nothing in a new one.
    ///
    /// # Errors
    /// If the checkpoint is damaged or belongs to other networks.
    pub fn restore(&mut self, parts: &mut [(&str, &mut Adam)]) -> Result<()> {
        if self.done == 0 {
            return Ok(());
        }
        folder::read_checkpoint(&self.folder, parts)
    }

    /// The numbers of the steps that are still to be made, counted from 1.
    pub fn steps(&self) -> RangeInclusive<u64> {
        self.done + 1..=self.config.schedule.steps
    }

    /// Makes the random numbers of this step a function of the seed and the step.
    pub fn begin_step(&mut self, step: u64) {
        noise::seed_step(self.config.seed, step);
    }

    /// Real batch `k` of a step, `k` from 0: `[batch, channels, side, side]` in `[-1, 1]`, fresh in every step until
    /// the epoch is over and all images have been seen once.
    pub fn real_batch(&mut self, step: u64, k: u64) -> Tensor {
        let number = self.batch_number(step, k);
        let indices = self.batches.indices(number);
        self.images.batch(indices, self.compute.device, self.compute.kind)
    }

    /// Which images [`Run::real_batch`] consists of: `[batch]`, 64-bit, for picking what is known about them.
    pub fn real_indices(&mut self, step: u64, k: u64) -> Tensor {
        let number = self.batch_number(step, k);
        let indices: Vec<i64> = self.batches.indices(number).iter().map(|&i| i as i64).collect();
        Tensor::from_slice(&indices).to_device(self.compute.device)
    }

    fn batch_number(&self, step: u64, k: u64) -> u64 {
        (step - 1) * self.config.schedule.batches_per_step + k
    }

    /// Ends a step: logs its losses (scalars, whatever graph hangs on them) and moves the progress bar.
    ///
    /// # Errors
    /// If the log cannot be written, or a loss is not a number any more.
    pub fn end_step(&mut self, step: u64, losses: &[(&'static str, &Tensor)]) -> Result<()> {
        self.done = step;
        let losses = losses.iter().map(|(name, loss)| (*name, loss.detach())).collect();
        self.log.push(step, losses);
        // Reading a number waits for the device; a few steps at once keep it busy.
        if self.log.pending() >= LOG_TOGETHER || step == self.config.schedule.steps {
            let means = self.log.flush()?;
            self.progress.losses(&means);
        }
        self.progress.step(step);
        // Asked once a step, so that sheet, checkpoint and loop agree.
        self.stopping = interrupt::requested();
        Ok(())
    }

    /// Whether a sheet of samples is to be drawn after this step: ten times in a run, and at its end.
    pub fn sheet_due(&self, step: u64) -> bool {
        let steps = self.config.schedule.steps;
        step == steps || step.is_multiple_of((steps / 10).max(1)) || self.stopping
    }

    /// Writes a sheet of generated images, `[n, channels, side, side]` in `[-1, 1]`, and the loss plot.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save_sheet(&mut self, step: u64, images: &Tensor) -> Result<()> {
        self.clock.lap("training");
        let samples = self.folder.join("samples");
        fs::create_dir_all(&samples).with_context(|| samples.display().to_string())?;
        sheet::save_sheet(images, 8, &samples.join(format!("{step:06}.png")))?;
        self.save_progress()?;
        self.log.flush()?;
        self.log.plot(&self.folder.join("losses.svg"))?;
        self.clock.lap("sheets and plots");
        Ok(())
    }

    /// Writes the picture of how the sheets changed, and gives the steps that it shows.
    fn save_progress(&self) -> Result<Vec<u64>> {
        let samples = self.folder.join("samples");
        let entries = fs::read_dir(&samples).with_context(|| samples.display().to_string())?;
        let mut steps: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".png")?.parse().ok())
            .collect();
        steps.sort_unstable();
        let shown = sheet::moments(&steps, MOMENTS);
        let files: Vec<PathBuf> =
            shown.iter().map(|step| samples.join(format!("{step:06}.png"))).collect();
        let path = self.folder.join("progress.png");
        sheet::save_progress(&files, self.config.side as u32, PROGRESS_ROWS, &path)?;
        Ok(shown)
    }

    /// Writes one more picture into the run folder, of images `[n, channels, side, side]` in `[-1, 1]`, `columns` to a row, and
    /// tells its path.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_picture(&self, name: &str, images: &Tensor, columns: u32) -> Result<PathBuf> {
        let path = self.folder.join(name);
        sheet::save_sheet(images, columns, &path)?;
        Ok(path)
    }

    /// Whether a checkpoint is to be written after this step: every minute, at the end, and when Ctrl-C was pressed.
    pub fn checkpoint_due(&self, step: u64) -> bool {
        step == self.config.schedule.steps
            || self.stopping
            || self.clock.last_checkpoint.elapsed() > Duration::from_secs(60)
    }

    /// Writes weights, moments and the number of the step. A kill at any moment leaves either the last checkpoint or
    /// this one, whole.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save_checkpoint(&mut self, step: u64, parts: &[(&str, &mut Adam)]) -> Result<()> {
        self.clock.lap("training");
        self.log.flush()?;
        let state = State { step, seconds: self.clock.trained() };
        folder::write_checkpoint(&self.folder, &state, parts)?;
        self.clock.last_checkpoint = Instant::now();
        self.clock.lap("checkpoints");
        Ok(())
    }

    /// Whether Ctrl-C was pressed before the end of this step; the loop then ends after a checkpoint.
    pub fn interrupted(&self) -> bool {
        self.stopping
    }

    /// Ends the run: says where the pictures are and where the time went.
    ///
    /// # Errors
    /// [`Interrupted`] when Ctrl-C ended it.
    pub fn finish(mut self) -> Result<()> {
        self.clock.lap("training");
        self.progress.finish();
        eprintln!("time       {}", self.clock);
        if self.stopping && self.done < self.config.schedule.steps {
            let Config { program, .. } = &self.config;
            eprintln!(
                "stopped    after step {}; go on with: {program} train --resume {}",
                self.done,
                self.folder.display()
            );
            return Err(Interrupted.into());
        }
        eprintln!("losses     {}", self.folder.join("losses.svg").display());
        let shown: Vec<String> = self.save_progress()?.iter().map(u64::to_string).collect();
        eprintln!(
            "progress   {}: rows after {} updates",
            self.folder.join("progress.png").display(),
            shown.join(", ")
        );
        let Config { program, .. } = &self.config;
        eprintln!("more       {program} sample --checkpoint {}", self.folder.display());
        say(self.folder.join("samples").join(format!("{:06}.png", self.done)).display());
        Ok(())
    }
}

/// `progress.png` shows at most so many moments of a run …
const MOMENTS: usize = 5;
/// … by so many rows of images each.
const PROGRESS_ROWS: u32 = 2;

/// Lines that list many things are broken before this column.
const WIDTH: usize = 90;

/// So many steps are logged together.
const LOG_TOGETHER: u64 = 10;

/// What the command line asks for, before the device is known.
fn planned<S>(program: &str, args: &TrainArgs, preset: (Schedule, S)) -> Config<S> {
    let (mut schedule, settings) = preset;
    if let Some(data) = &args.data {
        schedule.data.clone_from(data);
    }
    schedule.batch_size = args.batch_size.unwrap_or(schedule.batch_size);
    let channels = match args.channels.as_deref() {
        Some("1") => 1,
        Some(_) => 3,
        None => source::default_channels(&schedule.data) as i64,
    };
    Config {
        program: program.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        preset: args.preset,
        seed: args.seed,
        side: 64,
        channels,
        device: String::new(),
        precision: String::new(),
        threads: tch::get_num_threads(),
        skip_bad: args.skip_bad,
        schedule,
        settings,
    }
}

fn choose_compute<S>(args: &TrainArgs, config: &Config<S>) -> Result<(Compute, String)> {
    if args.resume.is_some() {
        let device =
            config.device.parse::<DeviceChoice>().map_err(anyhow::Error::msg)?.resolve()?;
        let kind = if config.precision == "bf16" { Kind::BFloat16 } else { Kind::Float };
        return Ok((Compute { device, kind }, "as before".into()));
    }
    let device = args.device.resolve()?;
    let (kind, why) = args.precision.resolve(device);
    Ok((Compute { device, kind }, why))
}

fn device_name(compute: Compute) -> String {
    match compute.device {
        tch::Device::Cuda(n) => format!("cuda:{n}"),
        _ => "cpu".into(),
    }
}
