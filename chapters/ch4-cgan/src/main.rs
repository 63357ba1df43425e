//! `ch4-cgan`: trains, samples and evaluates.

use std::process::ExitCode;

use anyhow::{Context, Result};
use ch4_cgan::classifier::{Classifier, Obedience};
use ch4_cgan::labels::{self, Asked};
use ch4_cgan::train::{Cgan, Settings};
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use tch::{Device, Kind, Tensor};
use toolkit::cli::{self, EvaluateArgs, SampleArgs, TrainArgs, say};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::{Comparison, Compute, Config, Run, comparison, folder, sheet};

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const ABOUT: &str = "CGAN: learns to draw faces with what is asked for, blond hair or any other of CelebA's attributes";
const EXAMPLES: &str = "
  PROGRAM train --label Eyeglasses             another attribute
  PROGRAM train --label Blond_Hair --label Smiling
  PROGRAM sample --label Blond_Hair=1          blond faces; without --label, the same faces both ways
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
    cli::main_with(PROGRAM, ABOUT, EXAMPLES, |cli: Cli| {
        match cli.command.unwrap_or(Command::Train(cli.train)) {
            Command::Train(args) => train(args),
            Command::Sample(args) => sample(&args),
            Command::Evaluate(args) => evaluate(&args),
        }
    })
}

fn train(args: Train) -> Result<()> {
    let preset = |preset| {
        let (schedule, settings) = Settings::preset(preset);
        let labels = if args.labels.is_empty() { settings.labels } else { args.labels.clone() };
        (schedule, Settings { labels, ..settings })
    };
    let check = |images: &_, settings: &Settings| labels::verify(images, &settings.labels);
    let mut run = Run::open_checked(PROGRAM, &args.shared, preset, check)?;
    let Config { settings, channels, .. } = run.config.clone();
    let faces = labels::check(&run.images, &settings.labels)?;
    let picture = run.save_picture("labels.png", &faces, labels::CHECK_COLUMNS)?;
    let names = settings.labels.join(", then ");
    eprintln!("labels     {}: real faces without {names}, and with", picture.display());

    run.begin_step(0);
    Cgan::new(&settings, channels, run.compute).train(run)
}

fn sample(args: &Sample) -> Result<()> {
    let Sample { shared, asked } = args;
    let compute = Compute { device: shared.device.resolve()?, kind: Kind::Float };
    let folder = folder::chosen(PROGRAM, shared.checkpoint.as_deref())?;
    let Config { settings, channels, .. } = Config::<Settings>::read(&folder, PROGRAM)?;
    let combinations = labels::combinations(&settings.labels, asked)
        .with_context(|| folder.display().to_string())?;
    let mut gan = Cgan::new(&settings, channels, compute);
    gan.load(&folder)?;

    // Where several combinations take turns, all rows are full.
    let turns = combinations.len() as i64;
    let mut columns = i64::from(sheet::columns(shared.count));
    let mut count = (shared.count + turns - 1) / turns;
    if turns > 1 {
        columns = columns.min(count);
        count = (count + columns - 1) / columns * columns;
    }
    let z = fixed_z(shared.seed, count, settings.z_dim, compute);
    let (z, labels) = labels::in_turn(&z, &combinations, columns);
    sheet::save_sheet(&gan.sample(&z, &labels), columns as u32, &shared.out)?;
    for (row, answers) in combinations.iter().enumerate() {
        eprintln!("row {}      {}", row + 1, labels::caption(&settings.labels, answers));
    }
    say(shared.out.display());
    Ok(())
}

/// What `evaluate` finds.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    quality: comparison::Report,
    /// Number of images that were drawn to see whether they show what was asked for.
    asked: i64,
    /// For each label how often they do.
    labels: Vec<Obedience>,
    /// The mean over the labels of how often they do.
    label_accuracy: f64,
    /// The mean over the labels with what was asked for shuffled.
    control: f64,
}

/// About so many images are drawn to see whether they show what was asked for, as many for each combination of labels.
const ASKED: i64 = 4_000;

fn evaluate(args: &EvaluateArgs) -> Result<()> {
    let compute = Compute { device: args.device.resolve()?, kind: Kind::Float };
    let folder = folder::chosen(PROGRAM, args.checkpoint.as_deref())?;
    let config = Config::<Settings>::read(&folder, PROGRAM)?;
    let Settings { labels: names, z_dim, .. } = &config.settings;
    seed_step(config.seed, 0);
    let mut gan = Cgan::new(&config.settings, config.channels, compute);
    let comparison = Comparison::open(&config, args)?;
    let images = &comparison.images;
    labels::verify(images, names)?;

    // How good are the images? Drawn with the labels of those that they are compared with.
    let on_cpu = Compute { device: Device::Cpu, kind: Kind::Float };
    let real_labels = labels::table(images, names, on_cpu)?;
    let held_out_labels = real_labels.index_select(0, &index(&comparison.held_out));
    let z = fixed_z(args.seed, held_out_labels.size()[0], *z_dim, compute);
    let untrained = gan.sample(&z, &held_out_labels).to_device(Device::Cpu);
    gan.load(&folder)?;
    let generated = gan.sample(&z, &held_out_labels).to_device(Device::Cpu);
    let quality = comparison.report(&generated, &untrained, args.seed);

    // Do they show what was asked for? Each combination is asked for as often as the next.
    eprintln!("training a classifier on real images to see what the generated ones show");
    let truth = labels::answers(images, names)?; // [images, labels]
    let classifier = Classifier::train(images, &truth, compute.device, args.seed)?;
    let combinations = labels::combinations(names, &[])?;
    let each = ASKED / combinations.len() as i64;
    let z = fixed_z(args.seed, each, *z_dim, compute);
    let (z, labels) = labels::in_turn(&z, &combinations, each);
    let asked = labels.view([-1, names.len() as i64, 2]).select(2, 1); // [asked, labels]
    let seen = classifier.answers(&gan.sample(&z, &labels));
    let held_out = images.held_out();
    let real = truth.index_select(0, &index(&held_out)); // [held out, labels]
    let portions = held_out.chunks(256).map(|chunk| images.batch(chunk, Device::Cpu, Kind::Float));
    let seen_real: Vec<Tensor> = portions.map(|faces| classifier.answers(&faces)).collect();
    let seen_real = Tensor::cat(&seen_real, 0);
    let labels: Vec<Obedience> = names
        .iter()
        .zip(0..)
        .map(|(name, i)| {
            let column = |all: &Tensor| all.select(1, i);
            Obedience::of(
                name,
                &column(&asked),
                &column(&seen),
                &column(&real),
                &column(&seen_real),
            )
        })
        .collect();
    let mean = |of: fn(&Obedience) -> f64| labels.iter().map(of).sum::<f64>() / labels.len() as f64;
    let label_accuracy = mean(|label| label.drawn_as_asked.all);
    let control = mean(|label| label.shuffled);
    let asked = asked.size()[0];

    let report = Report { quality, asked, labels, label_accuracy, control };
    if args.json {
        say(serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn index(indices: &[usize]) -> Tensor {
    Tensor::from_slice(&indices.iter().map(|&i| i as i64).collect::<Vec<_>>())
}

fn print(report: &Report) {
    report.quality.print();
    say("");
    say(format!("share of {} generated images that show what was asked for", report.asked));
    say(format!("{:<22}    all       =0       =1   shuffled   classifier on real images", ""));
    for Obedience { name, drawn_as_asked, shuffled, classifier } in &report.labels {
        let percent = |share: f64| format!("{:>5.1} %", 100.0 * share);
        let shares = [drawn_as_asked.all, drawn_as_asked.when_no, drawn_as_asked.when_yes];
        let shares = shares.map(percent).join("  ");
        let (shuffled, classifier) = (percent(*shuffled), percent(classifier.all));
        say(format!("{name:<22}{shares}    {shuffled}   {classifier}"));
    }
}
