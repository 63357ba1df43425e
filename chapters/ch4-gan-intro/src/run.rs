//! A training run and its folder.
//!
//! ```text
//! runs/ch4-gan-intro/001/
//!   config.json          everything that decides the run
//!   log.csv              the losses of every step
//!   losses.svg           the same as a picture
//!   quality.csv          how good the generated points are, at each picture
//!   quality.svg          the same as a picture
//!   real.png             real points
//!   samples/000500.png   real and generated points and D's judgement after 500 steps
//!   training.gif         all of these pictures, one after the other
//!   progress.png         six of them, from the first to the last
//!   checkpoint/          weights and optimiser moments of each network, and state.json
//! ```
//!
//! All that a step depends on is in the checkpoint or follows from the seed and the number of the step, so that a run that
//! was stopped goes on as if it had not been, but for one more picture and measurement where it was stopped.

use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor};
use toolkit::cli::{Interrupted, say};
use toolkit::clock::Clock;
use toolkit::compute::DeviceChoice;
use toolkit::folder::{self, Destination, State};
use toolkit::log::Log;
use toolkit::{Adam, Compute, config, interrupt, noise};

use crate::cli::TrainArgs;
use crate::picture::{Judgement, Scene, animate, overview};
use crate::points::Points;
use crate::quality::{Modes, energy_distance};
use crate::train::Settings;

/// So many generated points are looked at, as in VEEGAN.
pub const LOOK_AT: i64 = 2_500;

/// The pictures in `progress.png`, by how much of the run lies before them: most happens early.
const SHOWN: [f64; 6] = [0.0, 0.1, 0.13, 0.2, 0.4, 1.0];

/// Generator updates when the reader does not say.
const STEPS: u64 = 5_000;

/// So many points of either kind are enough for a look at the energy distance, which takes time with their square.
const COMPARED: i64 = 1_000;

/// The contents of `config.json`: all that decides a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config {
    /// This crate.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The points.
    pub data: Points,
    /// Number of generator updates.
    pub steps: u64,
    /// Points in a batch.
    pub batch_size: u64,
    /// Where all randomness starts.
    pub seed: u64,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Number of CPU threads. Sums are added up in another order with another number.
    pub threads: i32,
    /// What the paper speaks of.
    pub settings: Settings,
}

/// A run that is going on.
pub struct Run {
    /// What decides it.
    pub config: Config,
    /// Where it computes.
    pub compute: Compute,
    folder: PathBuf,
    done: u64,
    /// Real points to compare with, the same in all pictures.
    real: Tensor,
    log: Log,
    quality: Log,
    clock: Clock,
    /// Whether Ctrl-C had been pressed by the end of the last step.
    stopping: bool,
}

impl Run {
    /// Starts the run that the command line asks for, or takes up the one that `--resume` names.
    ///
    /// # Errors
    /// If the device is not there, or the folder for the run holds something else.
    pub fn open(program: &str, args: &TrainArgs) -> Result<Run> {
        let clock = Clock::start();
        let threads = tch::get_num_threads();
        let mut config = match &args.resume {
            Some(folder) => config::read(folder, program)?,
            None => Config {
                program: program.into(),
                version: env!("CARGO_PKG_VERSION").into(),
                data: args.data,
                steps: STEPS,
                batch_size: args.batch_size,
                seed: args.seed,
                device: String::new(),
                threads,
                settings: Settings::default(),
            },
        };
        config.steps = args.steps.unwrap_or(config.steps);
        let device = match &args.resume {
            Some(_) => config.device.parse::<DeviceChoice>().map_err(anyhow::Error::msg)?,
            None => args.device,
        };
        let compute = Compute { device: device.resolve()?, kind: Kind::Float };
        config.device = match compute.device {
            Device::Cuda(n) => format!("cuda:{n}"),
            _ => "cpu".into(),
        };
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
        let folder = destination.create()?;
        let state = folder::read_state(&folder)?;
        let done = state.as_ref().map_or(0, |state| state.step);
        ensure!(
            args.resume.is_none() || done < config.steps,
            "{}: already at step {done} of {}; --steps N with a larger N goes further",
            folder.display(),
            config.steps
        );
        folder::write_whole(
            &folder.join("config.json"),
            &(serde_json::to_string_pretty(&config)? + "\n"),
        )?;
        // Curves are smoothed over a hundred steps.
        let log = Log::open(&folder.join("log.csv"), done, 100)?;
        let quality = Log::open(&folder.join("quality.csv"), done, 1)?;
        interrupt::watch();
        noise::seed_step(config.seed, u64::MAX);
        let real = config.data.draw(LOOK_AT);
        let stopping = false;
        let mut run = Run { config, compute, folder, done, real, log, quality, clock, stopping };
        run.clock.trained_before = state.map_or(0.0, |state| state.seconds);
        run.introduce();
        let scene =
            Scene { title: run.config.data.to_string(), real: Some(&run.real), ..Scene::default() };
        scene.save(&run.folder.join("real.png"))?;
        Ok(run)
    }

    fn introduce(&self) {
        let Config { data, steps, batch_size, seed, settings, .. } = &self.config;
        let Settings { z_dim, width, learning_rate, betas } = settings;
        eprintln!(
            "data       {data}: points in the plane, drawn afresh for every batch of {batch_size}"
        );
        eprintln!("device     {}", self.compute);
        eprintln!(
            "settings   z dim {z_dim}, width {width}, learning rate {learning_rate}, betas {betas:?}"
        );
        let going_on =
            if self.done > 0 { format!(", going on after {}", self.done) } else { String::new() };
        eprintln!(
            "run        {}: {steps} generator updates, seed {seed}{going_on}",
            self.folder.display()
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

    /// Whether no step has been made yet.
    pub fn is_new(&self) -> bool {
        self.done == 0
    }

    /// The numbers of the steps that are still to be made, counted from 1.
    pub fn steps(&self) -> RangeInclusive<u64> {
        self.done + 1..=self.config.steps
    }

    /// Makes the random numbers of this step a function of the seed and the step.
    pub fn begin_step(&mut self, step: u64) {
        noise::seed_step(self.config.seed, step);
    }

    /// Fresh real points: `[batch, 2]`.
    pub fn real_batch(&mut self) -> Tensor {
        self.config.data.draw(self.config.batch_size as i64).to_device(self.compute.device)
    }

    /// Ends a step: logs its losses (scalars, whatever graph hangs on them).
    ///
    /// # Errors
    /// If the log cannot be written, or a loss is not a number any more.
    pub fn end_step(&mut self, step: u64, losses: &[(&'static str, &Tensor)]) -> Result<()> {
        self.done = step;
        let losses = losses.iter().map(|(name, loss)| (*name, loss.detach())).collect();
        self.log.push(step, losses);
        let tenth = (self.config.steps / 10).max(1);
        if step.is_multiple_of(tenth) || step == self.config.steps {
            let means: Vec<String> = self
                .log
                .flush()?
                .iter()
                .map(|(name, value)| format!("{name} {value:.3}"))
                .collect();
            eprintln!("{:<11}{}", format!("step {step}"), means.join("  "));
        }
        // Asked once a step, so that picture, checkpoint and loop agree.
        self.stopping = interrupt::requested();
        Ok(())
    }

    /// Whether a picture is to be drawn after this step: twenty times in the first fifth of a run, where most happens, and eight
    /// times in the rest.
    pub fn picture_due(&self, step: u64) -> bool {
        let steps = self.config.steps;
        let every = if step <= steps / 5 { steps / 100 } else { steps / 10 };
        step == steps || step.is_multiple_of(every.max(1)) || self.stopping
    }

    /// Draws a picture of generated points, `[n, 2]`, and of the discriminator's judgement, and measures the points.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save_picture(
        &mut self,
        step: u64,
        fake: &Tensor,
        discriminator: &dyn ModuleT,
    ) -> Result<()> {
        self.clock.lap("training");
        let fake = fake.to_device(Device::Cpu);
        let few = |points: &Tensor| points.narrow(0, 0, COMPARED);
        let mut found = vec![("energy_distance", energy_distance(&few(&fake), &few(&self.real)))];
        let mut note = String::new();
        if self.config.data == Points::Ring {
            let modes = Modes::of(&fake);
            note = format!("{} of 8 modes", modes.reached);
            found.push(("share_of_modes_reached", modes.reached as f64 / 8.0));
            found.push(("share_of_good_points", modes.good));
        }
        let found = found.into_iter().map(|(name, value)| (name, Tensor::from(value))).collect();
        self.quality.push(step, found);
        self.clock.lap("measuring");

        let samples = self.folder.join("samples");
        fs::create_dir_all(&samples).with_context(|| samples.display().to_string())?;
        let judgement = Judgement::of(discriminator, self.compute);
        let scene = Scene {
            title: format!("step {step}"),
            note,
            real: Some(&self.real),
            fake: Some(&fake),
            judgement: Some(&judgement),
        };
        scene.save(&samples.join(format!("{step:06}.png")))?;
        self.clock.lap("pictures");
        Ok(())
    }

    /// Whether a checkpoint is to be written after this step: every minute, at the end, and when Ctrl-C was pressed.
    pub fn checkpoint_due(&self, step: u64) -> bool {
        step == self.config.steps
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
        self.quality.flush()?;
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

    /// Ends the run: draws the curves and the animation, and says where they are and where the time went.
    ///
    /// # Errors
    /// If a file cannot be written; [`Interrupted`] when Ctrl-C ended it.
    pub fn finish(mut self) -> Result<()> {
        self.clock.lap("training");
        let (losses, quality) = (self.folder.join("losses.svg"), self.folder.join("quality.svg"));
        self.log.plot(&losses)?;
        self.quality.plot(&quality)?;
        let animation = self.folder.join("training.gif");
        let pictures = animate(&self.folder.join("samples"), &animation)?;
        let shown = SHOWN.map(|share| (share * self.config.steps as f64) as u64);
        overview(&pictures, &shown, &self.folder.join("progress.png"))?;
        self.clock.lap("animation");
        eprintln!("time       {}", self.clock);
        if self.stopping && self.done < self.config.steps {
            eprintln!(
                "stopped    after step {}; go on with: {} train --resume {}",
                self.done,
                self.config.program,
                self.folder.display()
            );
            return Err(Interrupted.into());
        }
        eprintln!("losses     {}", losses.display());
        eprintln!("quality    {}", quality.display());
        eprintln!("animation  {}", animation.display());
        say(self.folder.join("samples").join(format!("{:06}.png", self.done)).display());
        Ok(())
    }
}
