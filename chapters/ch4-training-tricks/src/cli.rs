//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use toolkit::compute::DeviceChoice;

/// `ch4-training-tricks [run] …` or `ch4-training-tricks list`.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, version)]
pub struct Cli {
    /// What to do; without a command, the trials are made.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `run`, which may stand without the word.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the trials, and tables and plots of them (this is also what happens when no command is named)
    Run(RunArgs),
    /// List the trials: what each changes, and why one would
    List,
}

/// Options of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Only these trials, by name or by group (see `list`)
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub only: Vec<String>,
    /// The full setting: longer trials, three seeds each
    #[arg(long)]
    pub full: bool,
    /// Seeds of each trial [default: 1, with --full 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub seeds: Option<u64>,
    /// The first seed; the same seed gives the same numbers
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..u64::MAX / 2))]
    pub seed: u64,
    /// Turns of the generator in each trial [default: the setting's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// Images to learn from: bricks, bricks-small, portraits, portraits-small (drawn on first use), or a folder
    #[arg(long, value_name = "NAME|DIR", default_value = "bricks-small")]
    pub data: String,
    /// Folder for this run; it must be new [default: runs/PROGRAM/NNN]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Leave out images that cannot be read, and say how many
    #[arg(long)]
    pub skip_bad: bool,
    /// Go on with a run: make the trials that it lacks, with its own settings
    #[arg(long, value_name = "RUN", conflicts_with_all = ["full", "seeds", "seed", "steps", "data", "out", "device", "skip_bad"])]
    pub resume: Option<PathBuf>,
}

/// Shown at the end of the help; PROGRAM stands for the program's name.
pub const EXAMPLES: &str = "\
With no arguments it makes every trial once, on the embedded bricks at 32×32, in a new folder under runs/.

Examples:
  PROGRAM                                      every trial once
  PROGRAM list                                 what the trials are
  PROGRAM --only losses                        one group
  PROGRAM --only baseline flipped-labels --seeds 3
  PROGRAM --full --out full                    three seeds, longer
  PROGRAM --resume full                        go on where it stopped

Exit codes: 0 done, 1 failed, 2 wrong command line, 130 stopped by Ctrl-C; finished trials are kept.";
