//! A training run and its folder.
//!
//! ```text
//! runs/ch4-wgan-gp/001/
//!   config.json          everything that decides the run
//!   log.csv              the losses of every step
//!   losses.svg           the same as a picture
//!   real.png             64 training images
//!   samples/000500.png   what the generator draws after 500 steps, always from the same z
//!   checkpoint/          weights and optimiser moments of each network, and state.json
//! ```
//!
//! All that a step depends on is in the checkpoint or follows from the seed and the number of the step, so that a run that
//! was stopped goes on as if it had not been.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::cli::{Interrupted, Preset, TrainArgs, say};
use crate::compute::{Compute, DeviceChoice};
use crate::images::{ImageSet, LoadOptions};
use crate::progress::Progress;
use crate::{Adam, Batches, checkpoint, noise, plot, sheet, source};

/// How long a preset trains, on what, and in what portions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The images: an embedded set's name or a folder.
    pub data: String,
    /// Number of generator updates.
    pub steps: u64,
    /// Images in a batch.
    pub batch_size: u64,
    /// Batches of real images that one generator update consumes.
    pub batches_per_step: u64,
}

/// The contents of `config.json`: all that decides a run. `S` holds what a chapter's papers speak of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config<S> {
    /// The chapter's crate.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The preset that the rest began from.
    pub preset: Preset,
    /// Where all randomness starts.
    pub seed: u64,
    /// Height and width of the images in pixels.
    pub side: i64,
    /// 1 for grey, 3 for colour.
    pub channels: i64,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// `f32` or `bf16`.
    pub precision: String,
    /// Number of CPU threads. Sums are added up in another order with another number.
    pub threads: i32,
    /// Whether unreadable images are left out.
    pub skip_bad: bool,
    /// Data, length and batches.
    pub schedule: Schedule,
    /// The chapter's own settings.
    pub settings: S,
}

impl<S: Serialize + DeserializeOwned> Config<S> {
    /// Reads the settings that belong to a run folder or a folder of weights.
    ///
    /// # Errors
    /// If there is none, or it is not `program`'s.
    pub fn read(folder: &Path, program: &str) -> Result<Self> {
        let path = folder.join("config.json");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "{}: no run and no weights here, since there is no config.json",
                folder.display()
            )
        })?;
        let value: serde_json::Value =
            serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let found = value["program"].as_str().unwrap_or("another program");
        ensure!(
            found == program,
            "{}: made by {found}, and {program} has other networks",
            path.display()
        );
        serde_json::from_value(value).with_context(|| path.display().to_string())
    }
}

/// Reads the images of a run.
///
/// # Errors
/// If they cannot be read; see [`ImageSet::load`].
pub fn load_images<S>(config: &Config<S>) -> Result<ImageSet> {
    let options = LoadOptions {
        side: config.side as u32,
        channels: config.channels as usize,
        skip_bad: config.skip_bad,
        cache: source::home().join("data").join(".cache"),
    };
    ImageSet::load(&source::folder(&config.schedule.data)?, &options)
}

/// The folder with the weights in it: `checkpoint/` of a run folder, or the folder itself.
pub fn weights_folder(folder: &Path) -> PathBuf {
    let checkpoint = folder.join("checkpoint");
    if checkpoint.is_dir() { checkpoint } else { folder.to_path_buf() }
}

/// The run folder to use when none is named: the newest numbered one of `program` that has a checkpoint.
///
/// # Errors
/// If there is none.
pub fn newest(program: &str) -> Result<PathBuf> {
    let runs = source::home().join("runs").join(program);
    let mut numbers = numbered(&runs);
    numbers.retain(|number| folder_of(&runs, *number).join("checkpoint").is_dir());
    let Some(number) = numbers.iter().max() else {
        bail!(
            "{}: no trained run here yet; train one first, or name one with --checkpoint",
            runs.display()
        )
    };
    Ok(folder_of(&runs, *number))
}

fn numbered(runs: &Path) -> Vec<u32> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn folder_of(runs: &Path, number: u32) -> PathBuf {
    runs.join(format!("{number:03}"))
}

#[derive(Serialize, Deserialize)]
struct State {
    step: u64,
    seconds: f64,
}

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
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

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
        let threads = tch::get_num_threads();
        let (mut config, resumed) = match &args.resume {
            Some(folder) => (Config::<S>::read(folder, program)?, Some(folder.clone())),
            None => {
                let (mut schedule, settings) = preset(args.preset);
                if let Some(data) = &args.data {
                    schedule.data.clone_from(data);
                }
                schedule.batch_size = args.batch_size.unwrap_or(schedule.batch_size);
                let channels = match args.channels.as_deref() {
                    Some("1") => 1,
                    Some(_) => 3,
                    None => source::default_channels(&schedule.data) as i64,
                };
                let config = Config {
                    program: program.into(),
                    version: env!("CARGO_PKG_VERSION").into(),
                    preset: args.preset,
                    seed: args.seed,
                    side: 64,
                    channels,
                    device: String::new(),
                    precision: String::new(),
                    threads,
                    skip_bad: args.skip_bad,
                    schedule,
                    settings,
                };
                (config, None)
            }
        };
        let (compute, why) = choose_compute(args, &config, resumed.is_some())?;
        config.device = device_name(compute);
        config.precision = if compute.kind == Kind::BFloat16 { "bf16" } else { "f32" }.into();
        if threads != config.threads {
            eprintln!(
                "{program}: this run began with {} threads and goes on with {threads}; its weights will differ in the last digits",
                config.threads
            );
        }
        let out = match (&resumed, &args.out) {
            (Some(folder), _) => Out::Existing(folder.clone()),
            (None, Some(folder)) => Out::named(folder)?,
            (None, None) => Out::Numbered(source::home().join("runs").join(program)),
        };

        let mut clock = Clock::new();
        source::folder(&config.schedule.data)?;
        clock.lap("drawing data");
        let images = load_images(&config)?;
        clock.lap("reading data");
        let batch_size = config.schedule.batch_size as usize;
        let batches = Batches::new(images.training(), batch_size, config.seed)
            .with_context(|| config.schedule.data.clone())?;
        let per_step = config.schedule.batches_per_step;
        let steps_per_epoch = (batches.per_epoch() as u64).div_ceil(per_step);
        if let Some(epochs) = args.epochs {
            config.schedule.steps = (epochs * batches.per_epoch() as u64).div_ceil(per_step);
        }
        config.schedule.steps = args.steps.unwrap_or(config.schedule.steps);

        let folder = out.create()?;
        let state = read_state(&folder)?;
        let done = state.as_ref().map_or(0, |state| state.step);
        let steps = config.schedule.steps;
        ensure!(
            resumed.is_none() || done < steps,
            "{}: already at step {done} of {steps}; --steps N with a larger N goes further",
            folder.display()
        );
        write_whole(&folder.join("config.json"), &(serde_json::to_string_pretty(&config)? + "\n"))?;
        let log = Log::open(&folder.join("log.csv"), done, steps_per_epoch)?;
        let _ = ctrlc::set_handler(|| {
            // The second Ctrl-C does not wait for the checkpoint.
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
        let images_per_step = (config.schedule.batch_size * per_step) as f64;
        let progress = Progress::new(done, steps, images_per_step, steps_per_epoch);
        clock.trained_before = state.map_or(0.0, |state| state.seconds);
        let mut run = Run { config, images, compute, folder, batches, done, log, progress, clock };
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
        let settings: Vec<String> = settings
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{} {value}", name.replace('_', " ")))
            .collect();
        eprintln!(
            "preset     {}: batch {}, {}",
            if *preset == Preset::Quick { "quick" } else { "book" },
            schedule.batch_size,
            settings.join(", ")
        );
        eprintln!(
            "run        {}: {} generator updates ({:.1} epochs), seed {seed}{}",
            self.folder.display(),
            schedule.steps,
            schedule.steps as f64 / self.log.steps_per_epoch as f64,
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
        let folder = self.folder.join("checkpoint");
        for (name, adam) in parts {
            checkpoint::load(adam.network(), &folder.join(format!("{name}.safetensors")))?;
            let path = folder.join(format!("{name}-adam.safetensors"));
            let state = checkpoint::read(&path)?;
            adam.set_state(&state).with_context(|| path.display().to_string())?;
        }
        Ok(())
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
        let number = (step - 1) * self.config.schedule.batches_per_step + k;
        let indices = self.batches.indices(number);
        self.images.batch(indices, self.compute.device, self.compute.kind)
    }

    /// Ends a step: logs its losses (scalars, whatever graph hangs on them) and moves the progress bar.
    ///
    /// # Errors
    /// If the log cannot be written, or a loss is not a number any more.
    pub fn end_step(&mut self, step: u64, losses: &[(&'static str, &Tensor)]) -> Result<()> {
        self.done = step;
        let losses = losses.iter().map(|(name, loss)| (*name, loss.detach())).collect();
        self.log.pending.push((step, losses));
        // Reading a number waits for the device; a few steps at once keep it busy.
        if self.log.pending.len() as u64 >= LOG_TOGETHER || step == self.config.schedule.steps {
            let means = self.log.flush()?;
            self.progress.losses(&means);
            if let Some((name, _)) = means.iter().find(|(_, value)| !value.is_finite()) {
                bail!(
                    "{}: {name} is not a finite number after step {step}; the last checkpoint is from before",
                    self.folder.display()
                );
            }
        }
        self.progress.step(step);
        Ok(())
    }

    /// Whether a sheet of samples is to be drawn after this step: ten times in a run, and at its end.
    pub fn sheet_due(&self, step: u64) -> bool {
        let steps = self.config.schedule.steps;
        step == steps || step.is_multiple_of((steps / 10).max(1)) || interrupted()
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
        self.log.flush()?;
        self.log.plot(&self.folder.join("losses.svg"))?;
        self.clock.lap("sheets and plots");
        Ok(())
    }

    /// Whether a checkpoint is to be written after this step: every minute, at the end, and when Ctrl-C was pressed.
    pub fn checkpoint_due(&self, step: u64) -> bool {
        step == self.config.schedule.steps
            || interrupted()
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
        let (new, old) = (self.folder.join("checkpoint.new"), self.folder.join("checkpoint.old"));
        let current = self.folder.join("checkpoint");
        let write = || -> Result<()> {
            remove_folder(&new)?;
            fs::create_dir(&new)?;
            for (name, adam) in parts {
                let weights = checkpoint::variables(adam.network());
                checkpoint::write(&weights, &new.join(format!("{name}.safetensors")))?;
                checkpoint::write(&adam.state(), &new.join(format!("{name}-adam.safetensors")))?;
            }
            let state = State { step, seconds: self.clock.trained() };
            // A folder of weights can be copied away and used by itself.
            fs::copy(self.folder.join("config.json"), new.join("config.json"))?;
            fs::write(new.join("state.json"), serde_json::to_string_pretty(&state)? + "\n")?;
            for entry in fs::read_dir(&new)? {
                File::open(entry?.path())?.sync_all()?;
            }
            remove_folder(&old)?;
            if current.exists() {
                fs::rename(&current, &old)?;
            }
            fs::rename(&new, &current)?;
            remove_folder(&old)
        };
        write().with_context(|| format!("{}: checkpoint not written", self.folder.display()))?;
        self.clock.last_checkpoint = Instant::now();
        self.clock.lap("checkpoints");
        Ok(())
    }

    /// Whether Ctrl-C was pressed; the loop then ends after a checkpoint.
    pub fn interrupted(&self) -> bool {
        interrupted()
    }

    /// Ends the run: says where the pictures are and where the time went.
    ///
    /// # Errors
    /// [`Interrupted`] when Ctrl-C ended it.
    pub fn finish(mut self) -> Result<()> {
        self.clock.lap("training");
        self.progress.finish();
        eprintln!("time       {}", self.clock);
        if interrupted() && self.done < self.config.schedule.steps {
            let Config { program, .. } = &self.config;
            eprintln!(
                "stopped    after step {}; go on with: {program} train --resume {}",
                self.done,
                self.folder.display()
            );
            return Err(Interrupted.into());
        }
        eprintln!("losses     {}", self.folder.join("losses.svg").display());
        say(self.folder.join("samples").join(format!("{:06}.png", self.done)).display());
        Ok(())
    }
}

/// So many steps are logged together.
const LOG_TOGETHER: u64 = 10;

fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn choose_compute<S>(
    args: &TrainArgs,
    config: &Config<S>,
    resumed: bool,
) -> Result<(Compute, String)> {
    if resumed {
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

/// Where a run is going to be written.
enum Out {
    Existing(PathBuf),
    Named(PathBuf),
    Numbered(PathBuf),
}

impl Out {
    fn named(folder: &Path) -> Result<Out> {
        if folder.join("config.json").exists() {
            bail!(
                "{}: holds another run; name a new folder, or go on with that one by --resume",
                folder.display()
            );
        }
        let empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        ensure!(
            empty && !folder.is_file(),
            "{}: exists and is not an empty folder",
            folder.display()
        );
        Ok(Out::Named(folder.to_path_buf()))
    }

    fn create(self) -> Result<PathBuf> {
        match self {
            Out::Existing(folder) => Ok(folder),
            Out::Named(folder) => {
                fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
                Ok(folder)
            }
            Out::Numbered(runs) => {
                fs::create_dir_all(&runs).with_context(|| runs.display().to_string())?;
                let mut number = numbered(&runs).into_iter().max().unwrap_or(0) + 1;
                // Two runs that start together must not share a folder.
                loop {
                    let folder = folder_of(&runs, number);
                    match fs::create_dir(&folder) {
                        Ok(()) => return Ok(folder),
                        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                        Err(e) => return Err(e).with_context(|| folder.display().to_string()),
                    }
                }
            }
        }
    }
}

/// Reads the state of the last whole checkpoint, after finishing a replacement that a kill cut in two.
fn read_state(folder: &Path) -> Result<Option<State>> {
    let current = folder.join("checkpoint");
    if !current.exists() {
        for other in ["checkpoint.new", "checkpoint.old"] {
            let other = folder.join(other);
            // state.json is written last; where the old folder has been moved away, the new one is whole.
            if other.join("state.json").exists() {
                fs::rename(&other, &current).with_context(|| other.display().to_string())?;
                break;
            }
        }
    }
    let path = current.join("state.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(Some(serde_json::from_str(&text).with_context(|| path.display().to_string())?))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| folder.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Writes a file so that a kill leaves the old one or the new one.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).with_context(|| new.display().to_string())?;
    fs::rename(&new, path).with_context(|| path.display().to_string())
}

/// The losses of every step, in memory for the plot and in `log.csv`.
struct Log {
    path: PathBuf,
    file: File,
    steps_per_epoch: u64,
    /// Tensors whose numbers have not been asked for yet.
    pending: Vec<(u64, Vec<(&'static str, Tensor)>)>,
    names: Vec<String>,
    curves: Vec<Vec<(u64, f64)>>,
}

impl Log {
    /// Opens the log of a run of which `done` steps count; rows of later steps, which no checkpoint holds, are dropped.
    fn open(path: &Path, done: u64, steps_per_epoch: u64) -> Result<Log> {
        let text =
            if done > 0 { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        let mut lines = text.lines();
        let names: Vec<String> =
            lines.next().unwrap_or("step").split(',').skip(1).map(String::from).collect();
        let mut curves = vec![Vec::new(); names.len()];
        let mut seen = HashSet::new();
        for line in lines {
            let mut values = line.split(',');
            let step = values.next().and_then(|s| s.parse::<u64>().ok()).unwrap_or(u64::MAX);
            if step > done || !seen.insert(step) {
                continue;
            }
            for (curve, value) in curves.iter_mut().zip(values) {
                curve.push((step, value.parse().unwrap_or(f64::NAN)));
            }
        }
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let pending = Vec::new();
        let mut log = Log { path: path.into(), file, steps_per_epoch, pending, names, curves };
        if !log.names.is_empty() {
            log.write_header()?;
            for row in 0..log.curves[0].len() {
                log.write_row(row)?;
            }
        }
        Ok(log)
    }

    /// Reads the pending losses from the device, writes them, and returns each one's mean.
    fn flush(&mut self) -> Result<Vec<(String, f64)>> {
        let pending = std::mem::take(&mut self.pending);
        let count = pending.len();
        for (step, losses) in pending {
            if self.names.is_empty() {
                self.names = losses.iter().map(|(name, _)| name.to_string()).collect();
                self.curves = vec![Vec::new(); losses.len()];
                self.write_header()?;
            }
            for (curve, (_, loss)) in self.curves.iter_mut().zip(&losses) {
                curve.push((step, loss.double_value(&[])));
            }
            self.write_row(self.curves[0].len() - 1)?;
        }
        let mean = |curve: &Vec<(u64, f64)>| {
            curve.iter().rev().take(count).map(|p| p.1).sum::<f64>() / count.max(1) as f64
        };
        Ok(self.names.iter().cloned().zip(self.curves.iter().map(mean)).collect())
    }

    fn write_header(&mut self) -> Result<()> {
        let line = format!("step,{}\n", self.names.join(","));
        self.file.write_all(line.as_bytes()).with_context(|| self.path.display().to_string())
    }

    fn write_row(&mut self, row: usize) -> Result<()> {
        let values: Vec<String> = self.curves.iter().map(|c| c[row].1.to_string()).collect();
        let line = format!("{},{}\n", self.curves[0][row].0, values.join(","));
        self.file.write_all(line.as_bytes()).with_context(|| self.path.display().to_string())
    }

    fn plot(&self, path: &Path) -> Result<()> {
        let curves: Vec<plot::Curve<'_>> = self
            .names
            .iter()
            .zip(&self.curves)
            .map(|(name, points)| plot::Curve { name, points })
            .collect();
        plot::losses(path, &curves, self.steps_per_epoch)
    }
}

/// Where the time of a run goes.
struct Clock {
    lap: Instant,
    parts: Vec<(&'static str, Duration)>,
    last_checkpoint: Instant,
    /// Seconds of training before this start of the program.
    trained_before: f64,
}

impl Clock {
    fn new() -> Clock {
        let now = Instant::now();
        Clock { lap: now, parts: Vec::new(), last_checkpoint: now, trained_before: 0.0 }
    }

    /// Books the time since the last call under a name.
    fn lap(&mut self, name: &'static str) {
        let spent = self.lap.elapsed();
        self.lap = Instant::now();
        match self.parts.iter_mut().find(|part| part.0 == name) {
            Some(part) => part.1 += spent,
            None => self.parts.push((name, spent)),
        }
    }

    fn trained(&self) -> f64 {
        let here = self.parts.iter().find(|part| part.0 == "training").map(|part| part.1);
        self.trained_before + here.unwrap_or_default().as_secs_f64()
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: Vec<String> =
            self.parts.iter().map(|(name, d)| format!("{name} {:.1} s", d.as_secs_f64())).collect();
        f.write_str(&shown.join(", "))
    }
}
