//! What `cargo xtask bench` plays against PyTorch: this program and `pytorch.py` understand the same.
//!
//! `dcgan`, `wgan-gp` and `cgan` build a chapter's networks, make one training step, and say the seconds that it took and where it
//! was computed. Then each line of the input is a number of steps, and each line of the output the seconds that they took and the
//! bytes of memory that the process has by then. When the input ends they say how much memory it had at most.
//!
//! `read` reads a folder of images twice, once from its files and once as a second start does, and says the number of images, the
//! seconds that either took, and the most memory.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use tch::{Device, Kind, Tensor};
use toolkit::cli::Preset;
use toolkit::compute::PrecisionChoice;
use toolkit::images::LoadOptions;
use toolkit::{Compute, ImageSet, noise};

/// Makes training steps of a chapter's networks, at the book's widths, or reads images, and measures the time.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Trains DCGAN's networks
    Dcgan(Networks),
    /// Trains WGAN-GP's networks
    WganGp(Networks),
    /// Trains CGAN's networks
    Cgan(Networks),
    /// Reads a folder of images
    Read {
        /// The folder.
        folder: PathBuf,
        /// 1 for grey images, 3 for colour.
        #[arg(long, default_value_t = 1)]
        channels: usize,
        /// Where the decoded images are kept for the second time; it must be empty.
        #[arg(long)]
        cache: PathBuf,
    },
}

#[derive(Args)]
struct Networks {
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

fn main() -> Result<()> {
    match Cli::parse().job {
        Job::Read { folder, channels, cache } => {
            read(&folder, LoadOptions { side: 64, channels, skip_bad: false, cache })
        }
        Job::Dcgan(networks) => steps(&networks, dcgan),
        Job::WganGp(networks) => steps(&networks, wgan_gp),
        Job::Cgan(networks) => steps(&networks, cgan),
    }
}

fn read(folder: &Path, options: LoadOptions) -> Result<()> {
    let timed = || {
        let start = Instant::now();
        let images = ImageSet::load(folder, &options)?;
        Ok::<_, anyhow::Error>((images.len(), start.elapsed().as_secs_f64()))
    };
    let ((images, first), (_, second)) = (timed()?, timed()?);
    println!("{images} {first} {second} {}", memory("VmHWM"));
    Ok(())
}

/// A function that makes one whole training step, an update of the generator with all that goes before it, and gives a loss.
type Stepper = Box<dyn FnMut() -> Tensor>;

fn steps(args: &Networks, build: fn(&Networks, Preset, Compute) -> Stepper) -> Result<()> {
    let device = Device::cuda_if_available();
    let (kind, why) = args.precision.resolve(device);
    let compute = Compute { device, kind };
    tch::manual_seed(0);
    let preset = if args.quick_widths { Preset::Quick } else { Preset::Book };
    let mut step = build(args, preset, compute);
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
        let seconds = timed(steps)?;
        writeln!(out, "{seconds} {}", memory("VmRSS"))?;
        out.flush()?;
    }
    writeln!(out, "{}", memory("VmHWM"))?;
    Ok(())
}

/// A batch of real images that are as good as any: `[batch, channels, 64, 64]`.
fn real(args: &Networks, compute: Compute) -> Tensor {
    let shape = [args.batch_size, args.channels, 64, 64];
    let images = Tensor::rand(shape, (Kind::Float, compute.device)) * 2.0 - 1.0;
    images.to_kind(compute.kind)
}

fn dcgan(args: &Networks, preset: Preset, compute: Compute) -> Stepper {
    let (_, settings) = ch4_dcgan::train::Settings::preset(preset);
    let real = real(args, compute);
    let mut gan = ch4_dcgan::train::Dcgan::new(&settings, args.channels, compute);
    Box::new(move || gan.step(&real).generator)
}

fn wgan_gp(args: &Networks, preset: Preset, compute: Compute) -> Stepper {
    let (_, settings) = ch4_wgan_gp::train::Settings::preset(preset);
    let real = real(args, compute);
    let batch = args.batch_size;
    let mut gan = ch4_wgan_gp::train::WganGp::new(&settings, args.channels, compute);
    Box::new(move || {
        for _ in 0..settings.critic_steps {
            let _ = gan.critic_step(&real);
        }
        gan.generator_step(batch)
    })
}

fn cgan(args: &Networks, preset: Preset, compute: Compute) -> Stepper {
    let (_, settings) = ch4_cgan::train::Settings::preset(preset);
    let real = real(args, compute);
    let mut gan = ch4_cgan::train::Cgan::new(&settings, args.channels, compute);
    let answers = Tensor::randint(2, [args.batch_size, 1], (Kind::Float, compute.device));
    let labels = ch4_cgan::model::one_hot(&answers).to_kind(compute.kind);
    Box::new(move || {
        for _ in 0..settings.critic_steps {
            let _ = gan.critic_step(&real, &labels);
        }
        gan.generator_step(&labels)
    })
}

/// The memory of this process in bytes, `VmRSS` now or `VmHWM` at most, where the system says it; else 0.
fn memory(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    1024 * kilobytes.unwrap_or(0)
}
