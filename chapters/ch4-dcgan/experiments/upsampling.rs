//! Repeat pixels and convolve, or convolve transposed? Both generators are trained alike and compared: quality, time,
//! and the checkerboards that the first is said to avoid.
//!
//! ```text
//! cargo run -p ch4-dcgan --example upsampling -- --seeds 3
//! ```

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use ch4_dcgan::model::Generator;
use ch4_dcgan::train::{Dcgan, Settings};
use clap::Parser;
use tch::nn::Path;
use tch::{Device, Kind, Tensor};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::config::embedded_images;
use toolkit::noise::{fixed_z, seed_step};
use toolkit::{Batches, Compute, folder, swd};

/// Trains the quick DCGAN with either generator and writes a table and a sheet of each.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    shared: ExperimentArgs,
    /// Updates of either network [default: the quick preset's]
    #[arg(long)]
    steps: Option<u64>,
}

/// A way to make a generator.
type Build = fn(&Path<'_>, i64, [i64; 4], i64) -> Generator;

const VARIANTS: [(&str, Build); 2] =
    [("transposed", Generator::new), ("upsampling", Generator::upsampling)];

fn main() -> ExitCode {
    cli::report(env!("CARGO_PKG_NAME"), compare(Args::parse()))
}

fn compare(args: Args) -> Result<()> {
    let out = folder::of_experiment("ch4-dcgan", "upsampling", args.shared.out)?;
    let (schedule, settings) = Settings::preset(Preset::Quick);
    let steps = args.steps.unwrap_or(schedule.steps);
    let compute = Compute { device: Device::cuda_if_available(), kind: Kind::Float };
    let images = embedded_images(&schedule.data, 64, 1)?;
    let held_out = images.held_out();
    let real = images.batch(&held_out, Device::Cpu, Kind::Float);
    let count = held_out.len() as i64;

    say(format!("real images: checkerboard {:.1}", checkerboard(&real)));
    let mut table = String::from(
        "| generator | seed | SWD × 10³ | ms a step | checkerboard untrained | trained |\n|---|---|---|---|---|---|\n",
    );
    for seed in 0..args.shared.seeds {
        for (name, build) in VARIANTS {
            seed_step(seed, 0);
            let mut gan = Dcgan::with_generator(build, &settings, 1, compute);
            let draw = |gan: &Dcgan| {
                let z = fixed_z(seed, count, settings.z_dim, compute);
                gan.draw(&z).to_device(Device::Cpu)
            };
            let before = checkerboard(&draw(&gan));
            let mut batches = Batches::new(images.training(), schedule.batch_size as usize, seed)?;
            let begun = Instant::now();
            for step in 1..=steps {
                seed_step(seed, step);
                let real = images.batch(batches.indices(step - 1), compute.device, compute.kind);
                gan.step(&real);
            }
            let drawn = draw(&gan);
            let milliseconds = begun.elapsed().as_secs_f64() * 1e3 / steps as f64;
            let distance = swd::distances(&real, &[&drawn], seed)[0].mean;
            let row = format!(
                "| {name} | {seed} | {distance:.1} | {milliseconds:.1} | {before:.1} | {:.1} |",
                checkerboard(&drawn)
            );
            say(&row);
            table += &(row + "\n");
            let sheet = out.join(format!("{name}-{seed}.png"));
            toolkit::sheet::save_sheet(&drawn.narrow(0, 0, 64.min(count)), 8, &sheet)?;
        }
    }
    let path = out.join("table.md");
    folder::write_whole(&path, &table)?;
    say(path.display());
    Ok(())
}

/// How strongly neighbouring pixels alternate, × 10³: the root mean square of the three patterns of period 2 (columns,
/// rows, both) in windows of 8 × 8 pixels of `images: [n, channels, side, side]`.
///
/// An edge alternates in one place and is averaged away; a checkerboard alternates all over the window.
fn checkerboard(images: &Tensor) -> f64 {
    let side = images.size()[3];
    let odd = Tensor::arange(side, (Kind::Float, images.device())).remainder(2);
    let sign: Tensor = 1.0 - 2.0 * odd;
    let (columns, rows) = (sign.view([1, 1, 1, side]), sign.view([1, 1, side, 1]));
    let power = |pattern: &Tensor| {
        (images * pattern).avg_pool2d(8, 4, 0, false, true, None).square().mean(Kind::Double)
    };
    let sum = power(&columns) + power(&rows) + power(&(&columns * &rows));
    sum.sqrt().double_value(&[]) * 1e3
}
