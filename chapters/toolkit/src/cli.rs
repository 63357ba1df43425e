//! The command line, the same for every chapter.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compute::{DeviceChoice, PrecisionChoice};

/// What a chapter was asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train (this is also what happens when no command is named)
    Train(TrainArgs),
    /// Draw images with a trained generator
    Sample(SampleArgs),
    /// Measure how far generated images are from real ones that were held out
    Evaluate(EvaluateArgs),
    /// Copy a run's weights, at half precision, into a folder to keep or to share
    Export(ExportArgs),
}

/// A whole setting of a chapter: networks, optimiser, length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Narrow networks on the small set: minutes on two cores
    Quick,
    /// The book's own networks and settings: hours on a CPU
    Book,
}

/// Options of `train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// Images to learn from: bricks, bricks-small, portraits, portraits-small (drawn on
    /// first use), or a folder
    /// [default: the preset's]
    #[arg(long, value_name = "NAME|DIR")]
    pub data: Option<String>,
    /// Folder for this run; it must be new [default: runs/PROGRAM/NNN]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Networks, optimiser settings and length
    #[arg(long, value_enum, default_value = "quick")]
    pub preset: Preset,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// How precisely to compute: auto takes bf16 where there is hardware for it
    #[arg(long, value_enum, default_value = "auto")]
    pub precision: PrecisionChoice,
    /// Length in passes through the training images
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: Option<u64>,
    /// Length in generator updates [default: the preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// Images in a batch [default: the preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
    pub batch_size: Option<u64>,
    /// Colour channels, 1 or 3 [default: 1 for bricks, else 3]
    #[arg(long, value_name = "1|3", value_parser = ["1", "3"])]
    pub channels: Option<String>,
    /// Where all randomness starts; the same seed gives the same run
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// What may differ from the preset's networks and optimisers.
    #[command(flatten)]
    pub changes: ChangeArgs,
    /// Leave out images that cannot be read, and say how many
    #[arg(long)]
    pub skip_bad: bool,
    /// Go on with a run that was stopped, with its own settings; --steps or --epochs lengthen it
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "out", "preset", "device", "precision", "batch_size", "channels", "seed", "learning_rate", "beta1", "dropout", "skip_bad"])]
    pub resume: Option<PathBuf>,
}

/// The settings of a preset that can be changed one by one.
#[derive(Clone, Debug, Args)]
pub struct ChangeArgs {
    /// Adam's step size, of both networks [default: the preset's]
    #[arg(long, value_name = "X", value_parser = positive)]
    pub learning_rate: Option<f64>,
    /// Adam's β₁, the share of the last steps' direction in the next; 0 keeps none [default: the preset's]
    #[arg(long, value_name = "X", value_parser = share)]
    pub beta1: Option<f64>,
    /// The share of activations that the discriminator or critic drops at random in training [default: the preset's]
    #[arg(long, value_name = "X", value_parser = share)]
    pub dropout: Option<f64>,
}

impl ChangeArgs {
    /// Puts what was asked for in the place of a preset's own step size, β₁ and dropout.
    pub fn apply(&self, learning_rate: &mut f64, betas: &mut (f64, f64), dropout: &mut f64) {
        *learning_rate = self.learning_rate.unwrap_or(*learning_rate);
        betas.0 = self.beta1.unwrap_or(betas.0);
        *dropout = self.dropout.unwrap_or(*dropout);
    }
}

/// Options of `sample`.
#[derive(Clone, Debug, Args)]
pub struct SampleArgs {
    /// A run folder, a folder of weights, newest for your newest run, or the name of weights that come with
    /// the book [default: these, where the chapter has such, else the newest run]
    #[arg(long, value_name = "RUN")]
    pub checkpoint: Option<PathBuf>,
    /// How many images
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub count: i64,
    /// Which images: the same seed gives the same ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The picture to write
    #[arg(long, value_name = "FILE", default_value = "sample.png")]
    pub out: PathBuf,
    /// Walk through the noise: each row of eight leads from one image to another
    #[arg(long)]
    pub walk: bool,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
}

/// Options of `evaluate`.
#[derive(Clone, Debug, Args)]
pub struct EvaluateArgs {
    /// A run folder, a folder of weights, newest for your newest run, or the name of weights that come with
    /// the book [default: these, where the chapter has such, else the newest run]
    #[arg(long, value_name = "RUN")]
    pub checkpoint: Option<PathBuf>,
    /// Images to compare with [default: those it was trained on; a tenth of them was held out]
    #[arg(long, value_name = "NAME|DIR")]
    pub data: Option<String>,
    /// At most so many images on either side
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(8..))]
    pub count: u64,
    /// Seed of the generated images and of the measure's random directions
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Also look for the nearest training image of each generated one: is it learnt by heart? Writes a
    /// picture, generated images in odd rows and below each its nearest
    #[arg(long, value_name = "FILE")]
    pub nearest: Option<PathBuf>,
    /// Also count how many of the classes, the folders of the images, are drawn: has it collapsed? The first
    /// time it trains a classifier, which takes long where there are many images, and keeps it. It turns images by
    /// any angle, so it is not for classes that differ by how they stand, such as 6 and 9
    #[arg(long)]
    pub coverage: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
}

/// Options of `export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// A run folder, a folder of weights, or newest for your newest run
    #[arg(long, value_name = "RUN", default_value = "newest")]
    pub checkpoint: PathBuf,
    /// Folder for the weights; it must be new
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Options that experiments with several seeds have in common.
#[derive(Clone, Debug, Args)]
pub struct ExperimentArgs {
    /// Runs of each variant, with the seeds 0, 1, …
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Folder for the results [default: runs/, the chapter and the experiment]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true, version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: TrainArgs,
}

/// How the help of a chapter ends. PROGRAM stands for its name, MORE for more examples.
pub const EXAMPLES: &str = "\
With no arguments it trains the quick preset on an embedded set into a new folder under runs/.

Examples:
  PROGRAM                                      train for a few minutes
  PROGRAM train --preset book                  the book's own networks and length
  PROGRAM train --data photos --steps 5000     your own pictures
  PROGRAM train --resume runs/PROGRAM/001      go on where it stopped
  PROGRAM sample --checkpoint newest           with your newest run
  PROGRAM sample --walk                        each row from one image to another
  PROGRAM evaluate --checkpoint newest
  PROGRAM evaluate --checkpoint newest --nearest nearest.png
                                               is it learnt by heart?
MORE
Exit codes: 0 done, 1 failed, 2 wrong command line, 130 stopped by Ctrl-C after a checkpoint.";

/// The run was stopped by Ctrl-C, after its checkpoint.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Interrupted {}

/// A number above 0.
fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "not a number above 0".into())
}

/// A number from 0 to below 1.
fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "not a number from 0 to below 1".into())
}

/// The `main` of a chapter: reads the command line, does what it says, and turns errors into one line and an exit code.
pub fn main(
    name: &'static str,
    about: &'static str,
    execute: impl FnOnce(Command) -> Result<()>,
) -> ExitCode {
    main_with(name, about, &EXAMPLES.replace("MORE", ""), |cli: Cli| {
        execute(cli.command.unwrap_or(Command::Train(cli.train)))
    })
}

/// The same for a chapter with a command line `C` of its own. In `examples`, which end the help, PROGRAM stands for the name.
pub fn main_with<C: Parser>(
    name: &'static str,
    about: &'static str,
    examples: &str,
    execute: impl FnOnce(C) -> Result<()>,
) -> ExitCode {
    let command = C::command()
        .name(name)
        .bin_name(name)
        .about(about)
        .after_help(examples.replace("PROGRAM", name));
    let cli = match C::from_arg_matches(&command.get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    report(name, execute(cli))
}

/// The exit code of a program called `name`, after its error, if there is one, has been printed as one line.
pub fn report(name: &str, result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(130),
        Err(error) => {
            // libtorch's own messages go on for pages of addresses; the first line says what happened.
            let text = format!("{error:#}");
            eprintln!("{name}: {}", text.lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

/// Prints a line to standard output. A reader that has gone away (`| head`) is no error.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
