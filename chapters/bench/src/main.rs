//! Training steps on request: `cargo xtask bench` plays this program against `pytorch.py`, which understands the same.
//!
//! It builds the networks, makes one step, and says the seconds that it took and where it computes. Then each line of its input is a number of steps, and each line of
//! its output the seconds that they took. When the input ends it says how much memory the process had at most, in bytes.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tch::{Device, Kind, Tensor};
use toolkit::cli::Preset;
use toolkit::compute::PrecisionChoice;
use toolkit::{Compute, noise};

/// Makes training steps of a chapter's networks, at the book's widths, and times them.
#[derive(Parser)]
struct Args {
    /// Whose networks.
    job: Job,
    /// 1 for grey images, 3 for colour.
    #[arg(long, default_value_t = 1)]
    channels: i64,
    /// Images in a batch.
    #[arg(long, default_value_t = 128)]
    batch_size: i64,
    /// What activations are kept in.
    #[arg(long, default_value = "auto")]
    precision: PrecisionChoice,
    /// The quick preset's widths in place of the book's.
    #[arg(long)]
    quick_widths: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Job {
    Dcgan,
    WganGp,
    Cgan,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let device = Device::cuda_if_available();
    let (kind, why) = args.precision.resolve(device);
    let compute = Compute { device, kind };
    tch::manual_seed(0);
    let mut step = stepper(&args, compute);
    let mut number = 0;
    let mut timed = |steps: u64| {
        let start = Instant::now();
        let mut last = None;
        for _ in 0..steps {
            number += 1;
            noise::seed_step(0, number);
            last = Some(step());
        }
        // Reading a number waits for the device.
        let finite = last.is_none_or(|loss| loss.double_value(&[]).is_finite());
        anyhow::ensure!(finite, "the loss is not finite any more");
        Ok(start.elapsed().as_secs_f64())
    };
    let first = timed(1)?;
    let mut out = io::stdout();
    writeln!(out, "{first} {compute} ({why})")?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let steps = line.trim().parse().with_context(|| line.clone())?;
        writeln!(out, "{}", timed(steps)?)?;
        out.flush()?;
    }
    writeln!(out, "{}", peak_memory().unwrap_or(0))?;
    Ok(())
}

/// A function that makes one whole training step, an update of the generator with all that goes before it, and gives a loss.
fn stepper(args: &Args, compute: Compute) -> Box<dyn FnMut() -> Tensor> {
    let preset = if args.quick_widths { Preset::Quick } else { Preset::Book };
    let shape = [args.batch_size, args.channels, 64, 64];
    let images = Tensor::rand(shape, (Kind::Float, compute.device)) * 2.0 - 1.0;
    let real = images.to_kind(compute.kind);
    let batch = args.batch_size;
    match args.job {
        Job::Dcgan => {
            let (_, settings) = ch4_dcgan::train::Settings::preset(preset);
            let mut gan = ch4_dcgan::train::Dcgan::new(&settings, args.channels, compute);
            Box::new(move || gan.step(&real).generator)
        }
        Job::WganGp => {
            let (_, settings) = ch4_wgan_gp::train::Settings::preset(preset);
            let mut gan = ch4_wgan_gp::train::WganGp::new(&settings, args.channels, compute);
            Box::new(move || {
                for _ in 0..settings.critic_steps {
                    let _ = gan.critic_step(&real);
                }
                gan.generator_step(batch)
            })
        }
        Job::Cgan => {
            let (_, settings) = ch4_cgan::train::Settings::preset(preset);
            let mut gan = ch4_cgan::train::Cgan::new(&settings, args.channels, compute);
            let answers = Tensor::randint(2, [batch, 1], (Kind::Float, compute.device));
            let labels = ch4_cgan::model::one_hot(&answers).to_kind(compute.kind);
            Box::new(move || {
                for _ in 0..settings.critic_steps {
                    let _ = gan.critic_step(&real, &labels);
                }
                gan.generator_step(&labels)
            })
        }
    }
}

/// The most memory that this process ever had, in bytes, where the system says so.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
