//! `ch4-cgan`: trains, samples, evaluates and exports.

use std::process::ExitCode;

use anyhow::{Context, Result};
use ch4_cgan::evaluate::evaluate;
use ch4_cgan::labels::{self, Asked};
use ch4_cgan::train::{Cgan, Settings};
use clap::{Args, Parser, Subcommand};
use tch::Kind;
use toolkit::artist::{self, WALK};
use toolkit::cli::{self, EvaluateArgs, ExportArgs, SampleArgs, TrainArgs, say};
use toolkit::noise::{fixed_z, walks};
use toolkit::{Compute, Config, Run, folder, sheet};

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const ABOUT: &str = "CGAN: learns to draw faces with what is asked for, blond hair or any other of CelebA's attributes";
const EXAMPLES: &str = "  PROGRAM train --label Eyeglasses             another attribute
  PROGRAM train --label Blond_Hair --label Smiling
  PROGRAM sample                               at once, with weights that come with the book: the same faces both ways
  PROGRAM sample --label Blond_Hair=1          blond faces
";

#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true, version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: Train,
}

#[derive(Subcommand)]
enum Command {
    /// Train (this is also what happens when no command is named)
    Train(Train),
    /// Draw images with a trained generator
    Sample(Sample),
    /// Measure how far generated images are from real ones that were held out, and how often they show what was asked for
    Evaluate(EvaluateArgs),
    /// Copy a run's weights, at half precision, into a folder to keep or to share
    Export(ExportArgs),
}

#[derive(Args)]
struct Train {
    #[command(flatten)]
    shared: TrainArgs,
    /// What can be asked for: an attribute of the images, as CelebA's table names it; up to three, each
    /// with its own --label [default: Blond_Hair]
    #[arg(long = "label", value_name = "NAME", conflicts_with = "resume")]
    labels: Vec<String>,
}

#[derive(Args)]
struct Sample {
    #[command(flatten)]
    shared: SampleArgs,
    /// What to ask for: with the attribute (=1, or nothing) or without (=0) [default: the same faces, row under row, each way]
    #[arg(long = "label", value_name = "NAME[=0|1]")]
    asked: Vec<Asked>,
}

fn main() -> ExitCode {
    cli::main_with(PROGRAM, ABOUT, &cli::EXAMPLES.replace("MORE", EXAMPLES), |cli: Cli| {
        match cli.command.unwrap_or(Command::Train(cli.train)) {
            Command::Train(args) => train(args),
            Command::Sample(args) => sample(&args),
            Command::Evaluate(args) => evaluate(PROGRAM, &args),
            Command::Export(args) => artist::export(PROGRAM, &args),
        }
    })
}

fn train(args: Train) -> Result<()> {
    let preset = |preset| {
        let (schedule, mut settings) = Settings::preset(preset);
        let Settings { learning_rate, betas, dropout, .. } = &mut settings;
        args.shared.changes.apply(learning_rate, betas, dropout);
        let labels = if args.labels.is_empty() { settings.labels } else { args.labels.clone() };
        (schedule, Settings { labels, ..settings })
    };
    let check = |images: &_, settings: &Settings| labels::verify(images, &settings.labels);
    let mut run = Run::open_checked(PROGRAM, &args.shared, preset, check)?;
    let Config { settings, channels, .. } = run.config.clone();
    let faces = labels::check(&run.images, &settings.labels)?;
    let picture = run.save_picture("labels.png", &faces, labels::CHECK_COLUMNS)?;
    let rows: Vec<String> =
        settings.labels.iter().map(|name| format!("without {name}, with {name}")).collect();
    eprintln!("labels     {}: rows of real faces {}", picture.display(), rows.join(", "));

    run.begin_step(0);
    Cgan::new(&settings, channels, run.compute).train(run)
}

fn sample(args: &Sample) -> Result<()> {
    let Sample { shared, asked } = args;
    sheet::verify_path(&shared.out)?;
    let compute = Compute { device: shared.device.resolve()?, kind: Kind::Float };
    let folder = folder::chosen(PROGRAM, shared.checkpoint.as_deref())?;
    let Config { settings, channels, .. } = Config::<Settings>::read(&folder, PROGRAM)?;
    let combinations = labels::combinations(&settings.labels, asked)
        .with_context(|| folder.display().to_string())?;
    let mut gan = Cgan::new(&settings, channels, compute);
    gan.load(&folder)?;

    // Where several combinations take turns, all rows are full.
    let turns = combinations.len() as i64;
    let mut count = (shared.count + turns - 1) / turns;
    let columns = match turns {
        _ if shared.walk => WALK,
        1 => i64::from(sheet::columns(shared.count)),
        _ => i64::from(sheet::columns(shared.count)).min(count),
    };
    if turns > 1 {
        count = (count + columns - 1) / columns * columns;
    }
    let z = match shared.walk {
        true => walks(shared.seed, count, WALK, settings.z_dim, compute),
        false => fixed_z(shared.seed, count, settings.z_dim, compute),
    };
    let (z, labels) = labels::in_turn(&z, &combinations, columns);
    sheet::save_sheet(&gan.sample(&z, &labels), columns as u32, &shared.out)?;
    let captions: Vec<String> =
        combinations.iter().map(|answers| labels::caption(&settings.labels, answers)).collect();
    let in_turn = if turns > 1 { ", in turn" } else { "" };
    eprintln!("rows       {}{in_turn}", captions.join(", "));
    say(shared.out.display());
    Ok(())
}
