//! All trials, one after the other, in one folder.
//!
//! ```text
//! runs/ch4-training-tricks/001/
//!   config.json                  what decides the run
//!   trials/baseline/seed-0/      log.csv, samples.png, and result.json when the trial is whole
//!   tables/                      a table for each group of trials, and every number in trials.csv
//!   plots/                       SVG
//!   sheets.png                   what each generator drew at its end, in the order of the tables
//!   report.md                    tables and plots on one page
//! ```
//!
//! A trial is made whole or not at all, and a trial that is there is not made again. So a long experiment may be stopped, and
//! goes on with `--resume`. The trials run one after the other, since libtorch's random generator is one for the whole program.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::Kind;
use toolkit::cli::{Interrupted, say};
use toolkit::compute::DeviceChoice;
use toolkit::folder::{Destination, write_whole};
use toolkit::images::LoadOptions;
use toolkit::{Compute, ImageSet, config, interrupt, sheet, source};

use crate::cli::RunArgs;
use crate::model::SIDE;
use crate::progress::Progress;
use crate::record::{Record, Row};
use crate::report;
use crate::run::{Bench, TrialRun};
use crate::train::train;
use crate::trials::{self, TRIALS, Trial};

/// The contents of `config.json`: all that decides a run beside the list of trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The chapter's crate.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Whether it is the full setting.
    pub full: bool,
    /// The images: an embedded set's name or a folder.
    pub data: String,
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Each trial is made once with each of these.
    pub seeds: Vec<u64>,
    /// Turns of the generator in each trial.
    pub steps: u64,
    /// Measurements in each trial.
    pub looks: u64,
    /// Images on either side of a measurement.
    pub measured: usize,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Number of CPU threads. Sums are added up in another order with another number.
    pub threads: i32,
    /// Whether unreadable images are left out.
    pub skip_bad: bool,
}

/// A run of trials that is going on.
pub struct Experiment {
    /// What decides it.
    pub plan: Plan,
    folder: PathBuf,
    trials: Vec<&'static Trial>,
    /// What the trials were chosen by; empty for all.
    only: Vec<String>,
    bench: Bench,
}

impl Experiment {
    /// Starts the run that the command line asks for, or takes up the one that `--resume` names. Nothing is written
    /// before everything that can be wrong with the input has been looked at.
    ///
    /// # Errors
    /// If a trial is not known, the data cannot be read, the device is not there, or the folder holds something else.
    pub fn open(program: &str, args: &RunArgs) -> Result<Self> {
        let trials = trials::chosen(&args.only)?;
        let mut plan = match &args.resume {
            Some(folder) => config::read(folder, program)?,
            None => planned(program, args),
        };
        let device: DeviceChoice = match &args.resume {
            Some(_) => plan.device.parse().map_err(anyhow::Error::msg)?,
            None => args.device,
        };
        // In f32 whatever the machine: what f32 can hold is one of the things that are tried.
        let compute = Compute { device: device.resolve()?, kind: Kind::Float };
        plan.device = match compute.device {
            tch::Device::Cuda(n) => format!("cuda:{n}"),
            _ => "cpu".into(),
        };
        let threads = tch::get_num_threads();
        if threads != plan.threads {
            eprintln!(
                "{program}: this run began with {} threads and goes on with {threads}; its numbers would differ in the last digits",
                plan.threads
            );
        }
        let destination = match &args.resume {
            Some(folder) => Destination::Existing(folder.clone()),
            None => Destination::choose(program, args.out.as_deref())?,
        };
        let options = LoadOptions {
            side: SIDE as u32,
            channels: plan.channels,
            skip_bad: plan.skip_bad,
            cache: source::home().join("data").join(".cache"),
        };
        let images = ImageSet::load(&source::folder(&plan.data)?, &options)?;
        let (held_out, training) = (images.held_out().len(), images.training().len());
        plan.measured = plan.measured.min(held_out).min(training);
        ensure!(
            plan.measured >= 8,
            "{}: only {} images were held out; a measurement needs at least 8",
            plan.data,
            plan.measured
        );
        let largest = trials.iter().map(|trial| trial.settings.batch_size).max().unwrap_or(0);
        ensure!(
            largest as usize <= training,
            "{}: {training} images to learn from, and a trial takes {largest} at once",
            plan.data
        );

        let folder = destination.create()?;
        let json = serde_json::to_string_pretty(&plan)? + "\n";
        write_whole(&folder.join("config.json"), &json)?;
        interrupt::watch();
        let (steps, looks, measured) = (plan.steps, plan.looks, plan.measured);
        let bench = Bench { images, compute, steps, looks, measured };
        let experiment = Experiment { plan, folder, trials, only: args.only.clone(), bench };
        experiment.introduce();
        Ok(experiment)
    }

    fn introduce(&self) {
        let Plan { data, seeds, steps, full, .. } = &self.plan;
        let images = &self.bench.images;
        let skipped = match images.skipped().len() {
            0 => String::new(),
            n => format!(", {n} unreadable left out"),
        };
        eprintln!(
            "data       {data}: {} images to learn from, {} held out{skipped}; {SIDE}×{SIDE}, {}",
            images.training().len(),
            images.held_out().len(),
            if images.channels() == 1 { "grey" } else { "colour" }
        );
        eprintln!("device     {}", self.bench.compute);
        eprintln!(
            "setting    {}: {} trials, {} of each, {steps} turns of the generator",
            if *full { "full" } else { "quick" },
            self.trials.len(),
            if seeds.len() == 1 { "one seed".into() } else { format!("{} seeds", seeds.len()) },
        );
        eprintln!("run        {}", self.folder.display());
    }

    /// Makes the trials that are not there yet, and the tables and plots of all that are.
    ///
    /// # Errors
    /// If a file cannot be written, a trial that is there was made otherwise, or Ctrl-C was pressed ([`Interrupted`]).
    pub fn run(&self) -> Result<()> {
        let mut to_do = Vec::new();
        // Seed by seed, so that a run that is stopped has whole tables of fewer seeds.
        for &seed in &self.plan.seeds {
            for &trial in &self.trials {
                if !self.is_made(trial, seed)? {
                    to_do.push((trial, seed));
                }
            }
        }
        let all = self.plan.seeds.len() * self.trials.len();
        if to_do.len() < all {
            eprintln!("made       {} of {all} trials are there already", all - to_do.len());
        }
        let costs = to_do.iter().map(|(trial, _)| trial.cost(&self.bench)).collect();
        let mut progress = Progress::new(costs, self.plan.steps);
        let begun = Instant::now();
        for (trial, seed) in to_do {
            match self.make(trial, seed, &progress) {
                Ok(record) => progress.made(&record),
                Err(error) if error.is::<Interrupted>() => {
                    progress.finish();
                    self.report()?;
                    let Plan { program, .. } = &self.plan;
                    let only = match self.only.is_empty() {
                        true => String::new(),
                        false => format!(" --only {}", self.only.join(" ")),
                    };
                    eprintln!(
                        "stopped    in {}, seed {seed}; go on with: {program} --resume {}{only}",
                        trial.name,
                        self.folder.display()
                    );
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        progress.finish();
        eprintln!("time       {:.0} s", begun.elapsed().as_secs_f64());
        let report = self.report()?;
        eprintln!("sheets     {}", self.folder.join("sheets.png").display());
        say(report.display());
        Ok(())
    }

    fn make(&self, trial: &Trial, seed: u64, progress: &Progress) -> Result<Record> {
        let folder = trial_folder(&self.folder, trial.name, seed);
        let on_step = |row: &Row| progress.step(trial, row);
        let run = TrialRun::begin(&self.bench, trial, seed, &on_step)?;
        let (record, images) = train(&trial.settings, run)?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let shown = images.size()[0].min(SHOWN);
        sheet::save_sheet(&images.narrow(0, 0, shown), 8, &folder.join("samples.png"))?;
        record.write(&folder)?;
        Ok(record)
    }

    /// Whether a trial has been made, with the settings that it has now.
    fn is_made(&self, trial: &Trial, seed: u64) -> Result<bool> {
        let folder = trial_folder(&self.folder, trial.name, seed);
        let Some(Record { result, .. }) = Record::read(&folder)? else { return Ok(false) };
        if result.settings != trial.settings || result.steps != self.plan.steps {
            bail!(
                "{}: made with other settings than {} has now; take a new folder",
                folder.display(),
                trial.name
            );
        }
        Ok(true)
    }

    /// Writes tables, plots and sheets of all trials that are in the folder, and gives the path of the page that holds them,
    /// or that of the folder while there are none.
    fn report(&self) -> Result<PathBuf> {
        let mut records = Vec::new();
        for trial in TRIALS {
            for &seed in &self.plan.seeds {
                if let Some(record) = Record::read(&trial_folder(&self.folder, trial.name, seed))? {
                    records.push((trial, record));
                }
            }
        }
        if records.is_empty() {
            return Ok(self.folder.clone());
        }
        report::write(&self.folder, &self.plan, &records)
    }
}

/// So many images stand on a trial's sheet.
const SHOWN: i64 = 32;

/// Where a trial's files lie in the folder of a run.
pub fn trial_folder(run: &Path, trial: &str, seed: u64) -> PathBuf {
    run.join("trials").join(trial).join(format!("seed-{seed}"))
}

/// What the command line asks for, before the device is known.
fn planned(program: &str, args: &RunArgs) -> Plan {
    let (seeds, steps, looks, measured) =
        if args.full { (3, 400, 10, 128) } else { (1, 300, 10, 64) };
    let seeds = args.seeds.unwrap_or(seeds);
    Plan {
        program: program.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        full: args.full,
        data: args.data.clone(),
        channels: source::default_channels(&args.data),
        seeds: (args.seed..args.seed + seeds).collect(),
        steps: args.steps.unwrap_or(steps),
        looks,
        measured,
        device: String::new(),
        threads: tch::get_num_threads(),
        skip_bad: args.skip_bad,
    }
}
