//! The command line: that of every chapter, as far as it makes sense for points.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};
use toolkit::compute::DeviceChoice;

use crate::points::Points;

/// What is typed after the program's name.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true, version)]
pub struct Cli {
    /// `None` stands for `train`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `train`, when the word is left out.
    #[command(flatten)]
    pub train: TrainArgs,
}

/// What the chapter was asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train (this is also what happens when no command is named)
    Train(TrainArgs),
    /// Make points with a trained generator
    Sample(SampleArgs),
    /// Measure how far generated points are from real ones
    Evaluate(EvaluateArgs),
}

/// Options of `train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// Points to learn from
    #[arg(long, value_enum, default_value = "ring")]
    pub data: Points,
    /// Folder for this run; it must be new [default: runs/PROGRAM/NNN]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Length in generator updates [default: 5000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// Points in a batch
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = value_parser!(u64).range(2..=1_000_000))]
    pub batch_size: u64,
    /// Where all randomness starts; the same seed gives the same run
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Go on with a run that was stopped, with its own settings; --steps lengthens it
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "out", "device", "batch_size", "seed"])]
    pub resume: Option<PathBuf>,
}

/// Options of `sample`.
#[derive(Clone, Debug, Args)]
pub struct SampleArgs {
    /// A run folder, a folder of weights, or newest for your newest run, which is also the default
    #[arg(long, value_name = "RUN")]
    pub checkpoint: Option<PathBuf>,
    /// How many points
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = value_parser!(i64).range(1..=1_000_000))]
    pub count: i64,
    /// Which points: the same seed gives the same ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The picture to write, or with the ending .csv the numbers
    #[arg(long, value_name = "FILE", default_value = "sample.png")]
    pub out: PathBuf,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
}

/// Options of `evaluate`.
#[derive(Clone, Debug, Args)]
pub struct EvaluateArgs {
    /// A run folder, a folder of weights, or newest for your newest run, which is also the default
    #[arg(long, value_name = "RUN")]
    pub checkpoint: Option<PathBuf>,
    /// So many points on either side
    #[arg(long, value_name = "N", default_value_t = 2500, value_parser = value_parser!(i64).range(100..=20_000))]
    pub count: i64,
    /// Seed of the points
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
}

/// What stands at the end of the help.
pub const EXAMPLES: &str = "\
With no arguments it trains on the ring into a new folder under runs/.

Examples:
  PROGRAM                                      train for less than a minute
  PROGRAM train --data spiral                  another set of points
  PROGRAM train --resume runs/PROGRAM/001 --steps 10000
  PROGRAM sample --count 2000 --out points.csv
  PROGRAM evaluate --json

Exit codes: 0 done, 1 failed, 2 wrong command line, 130 stopped by Ctrl-C after a checkpoint.";
