//! Two ways to keep the critic from being too steep: the gradient penalty, and the clipping of weights that the first
//! WGAN made do with (Arjovsky et al. 2017, algorithm 1).
//!
//! Both are trained alike, and three things are looked at that Gulrajani et al. 2017 (section 3) hold against
//! clipping: where the critic's weights end up, what becomes of a gradient on its way through the layers, and how good
//! the images are.
//!
//! ```text
//! cargo run -p ch4-wgan-gp --example clipping -- --seeds 3
//! ```
//!
//! takes five to eight minutes a seed on two cores and writes into `runs/ch4-wgan-gp/clipping/`: `table.md`, `weights.svg`, and a sheet of
//! each critic's generator. A run that is whole is kept in `runs/` there and not made again, so the experiment may be stopped at any time.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use ch4_wgan_gp::train::{Settings, WganGp, critic_loss};
use clap::Parser;
use plotters::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::config::embedded_images;
use toolkit::experiment::{Runs, number_or_nan, numbers_or_nan};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::plot::number;
use toolkit::progress::Watch;
use toolkit::{Batches, Compute, ImageSet, Schedule, checkpoint, folder, swd};

/// Trains the quick WGAN-GP, and the same with clipped weights in place of the penalty.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    shared: ExperimentArgs,
    /// Updates of the generator [default: the quick preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
}

/// What keeps the critic from being too steep.
struct Constraint {
    name: &'static str,
    /// Every weight is kept within ± this. `None`: the gradient penalty.
    clip: Option<f64>,
    /// The critic's step size. The quick preset's, 1e-3, would carry a weight from one limit of 0.01 to the other in
    /// twenty updates.
    critic_rate: f64,
}

const CONSTRAINTS: [Constraint; 3] = [
    Constraint { name: "penalty", clip: None, critic_rate: 1e-3 },
    Constraint { name: "clip-0.01", clip: Some(0.01), critic_rate: 5e-5 },
    Constraint { name: "clip-0.1", clip: Some(0.1), critic_rate: 5e-4 },
];

/// What decides the numbers.
#[derive(Clone, Serialize, Deserialize)]
struct Plan {
    schedule: Schedule,
    settings: Settings,
    /// Names, limits and step sizes.
    constraints: Vec<(String, Option<f64>, f64)>,
}

/// Parts of the histogram of the weights.
const BARS: usize = 41;

/// What is found after a run.
#[derive(Clone, Serialize, Deserialize)]
struct Found {
    #[serde(deserialize_with = "number_or_nan")]
    swd: f64,
    /// Share of the critic's weights that lie within a hundredth of a limit; where there is none, of the largest weight.
    at_the_limit: f64,
    /// Length of the gradient of a score by what goes into each layer, from the image on; the mean over a batch.
    #[serde(deserialize_with = "numbers_or_nan")]
    gradients: Vec<f64>,
    weights: Histogram,
}

/// Where the weights of a critic lie.
#[derive(Clone, Serialize, Deserialize)]
struct Histogram {
    /// It reaches from minus this to this.
    #[serde(deserialize_with = "number_or_nan")]
    edge: f64,
    /// Percent of all weights, in parts of equal width.
    bars: Vec<f64>,
}

fn main() -> ExitCode {
    cli::report("clipping", compare(Args::parse()))
}

fn compare(args: Args) -> Result<()> {
    let (mut schedule, settings) = Settings::preset(Preset::Quick);
    schedule.steps = args.steps.unwrap_or(schedule.steps);
    let compute = Compute { device: Device::cuda_if_available(), kind: Kind::Float };
    let images = embedded_images(&schedule.data, 64, 1)?;
    let constraints = CONSTRAINTS.iter().map(|c| (c.name.to_string(), c.clip, c.critic_rate));
    let plan = Plan { schedule, settings, constraints: constraints.collect() };
    let runs = Runs::open("ch4-wgan-gp", "clipping", args.shared.out, compute, plan)?;
    let mut table = String::from(
        "| critic | seed | SWD × 10³ | weights at the limit | gradient by the image | by the input of layer 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut weights = Vec::new();
    for seed in 0..args.shared.seeds {
        for constraint in &CONSTRAINTS {
            let make = || follow(&runs, &images, constraint, seed);
            let Found { swd, at_the_limit, gradients, weights: histogram } =
                runs.record(constraint.name, seed, make)?.found;
            let gradients: Vec<String> = gradients.iter().map(|&g| two_digits(g)).collect();
            let row = format!(
                "| {} | {seed} | {swd:.1} | {:.0} % | {} |",
                constraint.name,
                100.0 * at_the_limit,
                gradients.join(" | ")
            );
            say(&row);
            table += &(row + "\n");
            if seed == 0 {
                weights.push((constraint, histogram));
            }
        }
    }
    folder::write_whole(&runs.at("table.md"), &table)?;
    plot(&runs.at("weights.svg"), &weights)?;
    say(runs.at("table.md").display());
    Ok(())
}

/// A number of at least 0 with two digits that count: `1200`, `3.1`, `0.0088`.
fn two_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let power = value.log10().floor() as i32 - 1;
    let unit = 10f64.powi(power);
    let digits = (-power).max(0) as usize;
    format!("{:.digits$}", (value / unit).round() * unit)
}

/// Trains one pair of networks and looks at what became of them.
fn follow(
    runs: &Runs<Plan>,
    images: &ImageSet,
    constraint: &Constraint,
    seed: u64,
) -> Result<Found> {
    let (compute, Plan { schedule, settings, .. }) = (runs.compute, &runs.settings);
    let (steps, mut settings) = (schedule.steps, settings.clone());
    if constraint.clip.is_some() {
        // Arjovsky et al. found momentum to unsettle a clipped critic and took RMSProp, which is Adam without it.
        settings.betas = (0.0, 0.9);
    }
    seed_step(seed, 0);
    let mut gan = WganGp::new(&settings, 1, compute);
    let [_, (_, critic_adam)] = gan.parts();
    critic_adam.learning_rate = constraint.critic_rate;
    let mut batches = Batches::new(images.training(), schedule.batch_size as usize, seed)?;
    let mut watch = Watch::begin(&format!("{} seed {seed}", constraint.name));
    for step in 1..=steps {
        seed_step(seed, step);
        for k in 0..settings.critic_steps {
            let number = (step - 1) * settings.critic_steps + k;
            let real = images.batch(batches.indices(number), compute.device, compute.kind);
            match constraint.clip {
                None => drop(gan.critic_step(&real)),
                Some(limit) => clipped_step(&mut gan, &real, limit),
            }
        }
        let _ = gan.generator_step(schedule.batch_size as i64);
        watch.tell(step as f64 / steps as f64);
    }
    drop(watch);

    let held_out = images.held_out();
    let z = fixed_z(seed, held_out.len() as i64, settings.z_dim, compute);
    let drawn = gan.draw(&z);
    let real = images.batch(&held_out, Device::Cpu, Kind::Float);
    let swd = swd::distances(&real, &[&drawn.to_device(Device::Cpu)], seed)[0].mean;
    runs.save_sheet(&drawn, &format!("{}-{seed}", constraint.name))?;
    let gradients = gradients(&gan, &drawn.narrow(0, 0, 64));
    let [_, (_, critic_adam)] = gan.parts();
    let weights: Vec<Tensor> = checkpoint::variables(critic_adam.network())
        .into_iter()
        .filter(|(name, _)| name.ends_with("weight"))
        .map(|(_, weight)| weight.flatten(0, -1).to_kind(Kind::Double).to_device(Device::Cpu))
        .collect();
    let weights = Vec::<f64>::try_from(Tensor::cat(&weights, 0))?;
    let largest = weights.iter().fold(0.0f64, |most, weight| most.max(weight.abs()));
    let limit = constraint.clip.unwrap_or(largest);
    let at = weights.iter().filter(|weight| weight.abs() >= 0.99 * limit).count();
    let at_the_limit = at as f64 / weights.len() as f64;
    let weights = Histogram::of(&weights, constraint.clip);
    Ok(Found { swd, at_the_limit, gradients, weights })
}

impl Histogram {
    /// A little beyond the limit, and where there is none, of all weights but the largest thousandth.
    fn of(weights: &[f64], limit: Option<f64>) -> Self {
        let mut sorted: Vec<f64> = weights.iter().map(|weight| weight.abs()).collect();
        sorted.sort_by(f64::total_cmp);
        let edge = limit.unwrap_or(sorted[sorted.len() * 999 / 1000]) * 1.05;
        let mut bars = vec![0.0; BARS];
        for weight in weights.iter().filter(|weight| weight.abs() < edge) {
            let place = (weight + edge) / (2.0 * edge / BARS as f64);
            bars[place as usize] += 100.0 / weights.len() as f64;
        }
        Histogram { edge, bars }
    }
}

/// An update of the critic without a penalty; then every weight that is over the limit is put back on it.
fn clipped_step(gan: &mut WganGp, real: &Tensor, limit: f64) {
    let batch = real.size()[0];
    let fake = no_grad(|| gan.noise(batch).apply_t(&gan.generator, true));
    let scores = Tensor::cat(&[real, &fake], 0).apply_t(&gan.critic, true); // [2 · batch]
    let loss = critic_loss(&scores.narrow(0, 0, batch), &scores.narrow(0, batch, batch));
    let [_, (_, critic_adam)] = gan.parts();
    critic_adam.minimise(&loss);
    no_grad(|| {
        for mut weight in critic_adam.network().trainable_variables() {
            let _ = weight.clamp_(-limit, limit);
        }
    });
}

/// Length of the gradient of the score of each of `images` by what goes into each of the critic's layers, from the image on; means.
fn gradients(gan: &WganGp, images: &Tensor) -> Vec<f64> {
    let images = images.detach().set_requires_grad(true);
    let activations = gan.critic.activations(&images);
    let scores = &activations[activations.len() - 1];
    // The last two are no layer's inputs: the scores before and after their shape is made flat.
    let mut inputs = vec![images.shallow_clone()];
    inputs.extend(activations[..activations.len() - 2].iter().map(Tensor::shallow_clone));
    let by_input = Tensor::run_backward(&[scores.sum(Kind::Float)], &inputs, false, false);
    let length = |g: Tensor| g.flatten(1, -1).norm_scalaropt_dim(2, 1, false).mean(Kind::Double);
    by_input.into_iter().map(|gradient| length(gradient).double_value(&[])).collect()
}

/// Where the critics' weights lie, a panel for each.
fn plot(path: &Path, critics: &[(&Constraint, Histogram)]) -> Result<()> {
    let root = SVGBackend::new(path, (960, 300)).into_drawing_area();
    let draw = || -> Result<(), DrawingAreaErrorKind<_>> {
        root.fill(&WHITE)?;
        for (area, (constraint, Histogram { edge, bars })) in
            root.split_evenly((1, critics.len())).iter().zip(critics)
        {
            let (edge, width) = (*edge, 2.0 * edge / bars.len() as f64);
            let highest = bars.iter().fold(0.0f64, |most, bar| most.max(*bar));
            let title = match constraint.clip {
                None => "gradient penalty".to_string(),
                Some(limit) => format!("weights clipped to ±{limit}"),
            };
            let mut chart = ChartBuilder::on(area)
                .caption(title, ("sans-serif", 19))
                .margin(12)
                .x_label_area_size(50)
                .y_label_area_size(58)
                .build_cartesian_2d(-edge..edge, 0.0..highest * 1.05)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.12))
                .x_labels(5)
                .x_label_formatter(&|x| number(*x, if edge < 0.05 { 3 } else { 2 }))
                .x_desc("weight of the critic")
                .y_desc("percent of all")
                .label_style(("sans-serif", 17))
                .draw()?;
            chart.draw_series(bars.iter().enumerate().map(|(i, bar)| {
                let left = i as f64 * width - edge;
                Rectangle::new([(left, 0.0), (left + width, *bar)], RGBColor(0, 114, 178).filled())
            }))?;
        }
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}
