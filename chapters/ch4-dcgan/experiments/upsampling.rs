//! Repeat pixels and convolve, or convolve transposed? Both generators are trained alike and compared: quality, time,
//! and the checkerboards that the first is said to avoid.
//!
//! ```text
//! cargo run -p ch4-dcgan --example upsampling -- --seeds 3
//! ```
//!
//! writes into `runs/ch4-dcgan/upsampling/`: `table.md`, `results.json`, a sheet of each generator's images for each seed, and `rows.png`
//! with two rows of each with seed 0. A run that is whole is kept in `runs/` there and not made again, so the experiment may be stopped
//! at any time.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use ch4_dcgan::model::Generator;
use ch4_dcgan::train::{Dcgan, Settings};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::experiment::{Bench, Record, number_or_nan};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::progress::Watch;
use toolkit::stats::median;
use toolkit::{Batches, Schedule, folder, sheet};

/// Trains the quick DCGAN with either generator and writes a table and a sheet of each.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    shared: ExperimentArgs,
    /// Updates of either network [default: the quick preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Images on either side of a measurement
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(8..))]
    measured: u64,
}

/// A way to make a generator.
type Build = fn(&Path<'_>, i64, [i64; 4], i64) -> Generator;

/// Both generators: file name, name in the table, and how it is made.
const VARIANTS: [(&str, &str, Build); 2] = [
    ("transposed", "transposed convolution", Generator::new),
    ("upsampling", "repeated pixels", Generator::upsampling),
];

/// What decides the numbers.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Plan {
    schedule: Schedule,
    settings: Settings,
    measured: u64,
}

/// What is found after a run.
#[derive(Clone, Serialize, Deserialize)]
struct Found {
    /// The distance × 10³.
    #[serde(deserialize_with = "number_or_nan")]
    swd: f64,
    /// Of a whole step, both networks.
    milliseconds: f64,
    /// Of what the generator drew before it was trained.
    checkerboard_before: f64,
    /// Of what it draws now.
    #[serde(deserialize_with = "number_or_nan")]
    checkerboard: f64,
}

fn main() -> ExitCode {
    cli::report("upsampling", compare(Args::parse()))
}

fn compare(args: Args) -> Result<()> {
    let (mut schedule, settings) = Settings::preset(Preset::Quick);
    schedule.steps = args.steps.unwrap_or(schedule.steps);
    let data = schedule.data.clone();
    let measured = (data.as_str(), args.measured as usize);
    let plan = Plan { schedule, settings, measured: args.measured };
    let bench = Bench::open("ch4-dcgan", "upsampling", args.shared.out, measured, plan)?;
    let mut records: Vec<Record<Found>> = Vec::new();
    // Seed by seed, so that both generators meet the same hours of the machine.
    for seed in 0..args.shared.seeds {
        for (name, _, build) in VARIANTS {
            records.push(bench.runs.record(name, seed, || follow(&bench, name, build, seed))?);
        }
    }
    bench.save_results::<_, ()>(&records, &[])?;
    let sheets = VARIANTS.map(|(name, ..)| bench.runs.at(&format!("{name}-0.png")));
    sheet::save_progress(&sheets, bench.images.side(), 2, &bench.runs.at("rows.png"))?;
    let table = table(&records, &bench);
    folder::write_whole(&bench.runs.at("table.md"), &table)?;
    say(table);
    say(bench.runs.at("table.md").display());
    Ok(())
}

/// Trains with one generator and measures it.
fn follow(bench: &Bench<Plan>, name: &str, build: Build, seed: u64) -> Result<Found> {
    let Plan { ref schedule, ref settings, measured } = bench.runs.settings;
    let Schedule { steps, batch_size, .. } = *schedule;
    let compute = bench.runs.compute;
    seed_step(seed, 0);
    let mut gan = Dcgan::with_generator(build, settings, 1, compute);
    let z = fixed_z(seed, measured as i64, settings.z_dim, compute);
    let checkerboard_before = checkerboard(&gan.draw(&z));
    let mut batches = Batches::new(bench.images.training(), batch_size as usize, seed)?;
    let mut watch = Watch::begin(&format!("{name} seed {seed}"));
    let begun = Instant::now();
    for step in 1..=steps {
        seed_step(seed, step);
        let indices = batches.indices(step - 1);
        gan.step(&bench.images.batch(indices, compute.device, compute.kind));
        watch.tell(step as f64 / steps as f64);
    }
    // Reading a number waits for a GPU.
    let drawn = gan.draw(&z);
    let checkerboard = checkerboard(&drawn);
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3 / steps as f64;
    drop(watch);
    bench.runs.save_sheet(&drawn, &format!("{name}-{seed}"))?;
    let swd = bench.distances(&[drawn])[0];
    Ok(Found { swd, milliseconds, checkerboard_before, checkerboard })
}

fn table(records: &[Record<Found>], bench: &Bench<Plan>) -> String {
    let mut text = String::from(
        "| generator | SWD × 10³ | ms a step | checkerboard untrained | trained |\n|---|---|---|---|---|\n",
    );
    for (variant, name, _) in VARIANTS {
        let found = |of: fn(&Found) -> f64| -> String {
            let runs = records.iter().filter(|run| run.variant == variant);
            let values: Vec<f64> = runs.map(|run| of(&run.found)).collect();
            let all: Vec<String> = values.iter().map(|value| format!("{value:.1}")).collect();
            format!("{:.1} ({})", median(values), all.join(", "))
        };
        text += &format!(
            "| {name} | {} | {} | {} | {} |\n",
            found(|found| found.swd),
            found(|found| found.milliseconds),
            found(|found| found.checkerboard_before),
            found(|found| found.checkerboard)
        );
    }
    let real = checkerboard(bench.unseen());
    text += &format!("| real images | {:.1} | | | {real:.1} |\n", bench.floor);
    text
}

/// How strongly neighbouring pixels alternate, × 10³: the root mean square of the three patterns of period 2 (columns,
/// rows, both) in windows of 8 × 8 pixels of `images: [n, channels, side, side]`.
///
/// An edge alternates in one place and is averaged away; a checkerboard alternates all over the window.
fn checkerboard(images: &Tensor) -> f64 {
    let images = images.to_kind(Kind::Float);
    let side = images.size()[3];
    let odd = Tensor::arange(side, (Kind::Float, images.device())).remainder(2);
    let sign: Tensor = 1.0 - 2.0 * odd;
    let (columns, rows) = (sign.view([1, 1, 1, side]), sign.view([1, 1, side, 1]));
    let power = |pattern: &Tensor| {
        (&images * pattern).avg_pool2d(8, 4, 0, false, true, None).square().mean(Kind::Double)
    };
    let sum = power(&columns) + power(&rows) + power(&(&columns * &rows));
    sum.sqrt().double_value(&[]) * 1e3
}
