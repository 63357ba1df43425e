//! What did each of the source's settings cost? The quick DCGAN is trained as the chapter has it, then with one setting of the source's
//! at a time, then with all of them; and the distance of the images from unseen ones is compared.
//!
//! ```text
//! cargo run -p ch4-dcgan --example source-settings -- --seeds 3
//! ```
//!
//! writes into `runs/ch4-dcgan/source-settings/`: `table.md`, `results.json`, sheets of each variant's images with seed 0, and `rows.png`
//! with the first row of each. A run that is whole is kept in `runs/` there and not made again, so the experiment may be stopped at any
//! time.
//!
//! **What is held equal.** All variants see the same images in the same order, make as many updates, and begin from the same random
//! numbers.
//!
//! **What is measured.** Images are drawn in evaluation mode, once with the mean of the generator's weights, as the chapter draws, and
//! once with those of the last update, as the source does. The mean is one of the running statistics too, and so hides most of what a wrong
//! momentum does. They are compared with images that were drawn with another seed than those to learn from, since of those only some
//! four hundred are held out.
//!
//! **Dropout** stands in the discriminator only, which takes no part in drawing. Whether it stays on in evaluation mode therefore cannot
//! change an image: the variants `dropout` and `dropout-stays-on` are the same run. What it does change is what the discriminator says
//! in evaluation mode, so the share of its right answers there, on unseen and on drawn images, is measured as well.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use ch4_dcgan::train::{Settings, bce, smooth_labels};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tch::nn::{self, ConvConfig, Init, Path};
use tch::{Kind, Reduction, Tensor, no_grad};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::experiment::{Bench, Record, number_or_nan};
use toolkit::layers::{conv_transpose2d, conv2d, dropout, leaky_relu, to_f32};
use toolkit::noise::{fixed_z, normal, seed_step};
use toolkit::progress::Watch;
use toolkit::stats::median;
use toolkit::{Adam, Batches, Compute, folder, sheet};

/// Trains the quick DCGAN with the source's settings, one at a time and together.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    shared: ExperimentArgs,
    /// Updates of either network
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Images on either side of a measurement
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(8..))]
    measured: u64,
}

/// Settings in which the source differs from the chapter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// Batch norm's momentum, as PyTorch means it: the share of the new.
    pub momentum: f64,
    /// What batch norm adds to the variance.
    pub epsilon: f64,
    /// Whether the generator has ReLUs in place of leaky ones.
    pub relu: bool,
    /// Whether the weights start as PyTorch's do by default, not from N(0, 0.02²).
    pub default_weights: bool,
    /// Share of the discriminator's activations that are set to 0 …
    pub dropout: f64,
    /// … in evaluation mode too, as by `F.dropout`.
    pub always_drops: bool,
    /// Labels move by a random part of this towards each other; if negative, away from each other.
    pub label_noise: f64,
    /// What is done with the logits.
    pub loss: Loss,
    /// Whether other fakes are drawn for the generator's update, and the real images judged once more.
    pub two_calls: bool,
}

/// What is done with the logits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// The loss on logits.
    OnLogits,
    /// A sigmoid, and then the loss on logits: two sigmoids.
    TwoSigmoids,
    /// A sigmoid, and then the loss on probabilities, PyTorch's `BCELoss`.
    OnProbabilities,
}

/// The chapter's quick preset.
pub const CORRECTED: Port = Port {
    momentum: 0.1,
    epsilon: 1e-5,
    relu: false,
    default_weights: false,
    dropout: 0.0,
    always_drops: false,
    label_noise: 0.1,
    loss: Loss::OnLogits,
    two_calls: false,
};

/// A variant, what it is trained with, and its change in words.
type Variant = (&'static str, Port, &'static str);

const DROPOUT: Port = Port { dropout: 0.3, ..CORRECTED };
const ALL: Port = Port {
    momentum: 0.9,
    epsilon: 1e-3,
    relu: true,
    default_weights: true,
    dropout: 0.3,
    always_drops: true,
    label_noise: -0.1,
    loss: Loss::TwoSigmoids,
    two_calls: true,
};
/// What the port to PyTorch has at once: its labels move inwards, its ε is PyTorch's, and its one sigmoid is the network's.
const PORT: Port = Port { epsilon: 1e-5, label_noise: 0.1, loss: Loss::OnProbabilities, ..ALL };

/// All variants. Each is compared with the first.
pub const VARIANTS: [Variant; 12] = [
    ("corrected", CORRECTED, "nothing: the chapter's own"),
    (
        "momentum",
        Port { momentum: 0.9, ..CORRECTED },
        "batch norm's momentum 0.9, as PyTorch means it",
    ),
    ("epsilon", Port { epsilon: 1e-3, ..CORRECTED }, "batch norm's ε 1e-3"),
    ("relu", Port { relu: true, ..CORRECTED }, "ReLU in the generator"),
    (
        "default-weights",
        Port { default_weights: true, ..CORRECTED },
        "weights start as PyTorch's by default",
    ),
    ("sharp-labels", Port { label_noise: -0.1, ..CORRECTED }, "labels in [1, 1.1] and [−0.1, 0]"),
    (
        "two-sigmoids",
        Port { loss: Loss::TwoSigmoids, ..CORRECTED },
        "a sigmoid before the loss on logits",
    ),
    (
        "two-calls",
        Port { two_calls: true, ..CORRECTED },
        "other fakes for the generator's update, and D(real) again",
    ),
    ("dropout", DROPOUT, "dropout 0.3 in D, off when it evaluates"),
    (
        "dropout-stays-on",
        Port { always_drops: true, ..DROPOUT },
        "dropout 0.3 in D, on when it evaluates",
    ),
    ("all", ALL, "all of the above at once"),
    ("port", PORT, "all that the port to PyTorch has at once"),
];

/// What decides the numbers.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Plan {
    data: String,
    batch_size: u64,
    steps: u64,
    measured: u64,
    settings: Settings,
    /// By their variants' names.
    ports: BTreeMap<String, Port>,
}

/// What is found after a run.
#[derive(Clone, Serialize, Deserialize)]
struct Found {
    /// The distance, drawn with the mean of the weights.
    #[serde(deserialize_with = "number_or_nan")]
    swd_mean_weights: f64,
    /// Drawn with the last weights.
    #[serde(deserialize_with = "number_or_nan")]
    swd_last_weights: f64,
    /// Share of the discriminator's right answers in evaluation mode, on unseen images and on as many drawn with the last weights.
    right_in_evaluation: f64,
    steps: u64,
    images: u64,
    /// Of training.
    seconds: f64,
}

fn main() -> ExitCode {
    cli::report("source-settings", compare(Args::parse()))
}

fn compare(args: Args) -> Result<()> {
    let (schedule, settings) = Settings::preset(Preset::Quick);
    let data = schedule.data;
    let plan = Plan {
        data: data.clone(),
        batch_size: schedule.batch_size,
        steps: args.steps,
        measured: args.measured,
        settings,
        ports: VARIANTS.iter().map(|(name, port, _)| (name.to_string(), *port)).collect(),
    };
    let measured = (data.as_str(), args.measured as usize);
    let bench = Bench::open("ch4-dcgan", "source-settings", args.shared.out, measured, plan)?;
    let mut records: Vec<Record<Found>> = Vec::new();
    // Seed by seed, so that an experiment that is stopped has whole comparisons of fewer seeds.
    for seed in 0..args.shared.seeds {
        for (name, port, _) in VARIANTS {
            records.push(bench.runs.record(name, seed, || follow(&bench, name, port, seed))?);
        }
    }
    let medians = VARIANTS.map(|variant| Median::of(variant, &records));
    bench.save_results(&records, &medians)?;
    let sheets = VARIANTS.map(|(name, ..)| bench.runs.at(&format!("{name}-0-mean-weights.png")));
    sheet::save_progress(&sheets, bench.images.side(), 1, &bench.runs.at("rows.png"))?;
    let table = table(&records, &medians, bench.floor);
    folder::write_whole(&bench.runs.at("table.md"), &table)?;
    say(table);
    say(bench.runs.at("results.json").display());
    Ok(())
}

/// Trains one variant and measures it.
fn follow(bench: &Bench<Plan>, name: &str, port: Port, seed: u64) -> Result<Found> {
    let Plan { batch_size, steps, measured, ref settings, .. } = bench.runs.settings;
    seed_step(seed, 0);
    let mut gan = Gan::new(port, settings, bench.runs.compute);
    let mut batches = Batches::new(bench.images.training(), batch_size as usize, seed)?;
    let mut watch = Watch::begin(&format!("{name} seed {seed}"));
    let begun = Instant::now();
    for step in 1..=steps {
        seed_step(seed, step);
        let indices = batches.indices(step - 1);
        gan.step(&bench.images.batch(indices, bench.runs.compute.device, bench.runs.compute.kind));
        watch.tell(step as f64 / steps as f64);
    }
    let seconds = begun.elapsed().as_secs_f64();
    drop(watch);

    let z = fixed_z(seed, measured as i64, settings.z_dim, bench.runs.compute);
    let last = gan.draw(&z);
    let drawn = [gan.generator_adam.with_average(|| gan.draw(&z)), last];
    let right_in_evaluation = gan.right_in_evaluation(bench.unseen(), &drawn[1]);
    if seed == 0 {
        for (images, weights) in drawn.iter().zip(["mean", "last"]) {
            bench.runs.save_sheet(images, &format!("{name}-{seed}-{weights}-weights"))?;
        }
    }
    let swd = bench.distances(&drawn);
    Ok(Found {
        swd_mean_weights: swd[0],
        swd_last_weights: swd[1],
        right_in_evaluation,
        steps,
        images: steps * batch_size,
        seconds,
    })
}

/// Both networks of a variant. With [`CORRECTED`] they are the chapter's.
pub struct Gan {
    /// Draws.
    pub generator: nn::SequentialT,
    /// Judges.
    pub discriminator: nn::SequentialT,
    /// The generator's optimiser, and the mean of its weights.
    pub generator_adam: Adam,
    /// The discriminator's.
    pub discriminator_adam: Adam,
    port: Port,
    z_dim: i64,
    compute: Compute,
}

impl Gan {
    /// New networks for grey images; libtorch's generator decides their weights.
    pub fn new(port: Port, settings: &Settings, compute: Compute) -> Self {
        let Settings { z_dim, widths, learning_rate, betas, averaging, .. } = *settings;
        let (g, d) = (compute.variables(), compute.variables());
        Self {
            generator: port.generator(&g.root(), z_dim, widths),
            discriminator: port.discriminator(&d.root(), widths),
            generator_adam: Adam::new(g, learning_rate, betas).averaging(averaging),
            discriminator_adam: Adam::new(d, learning_rate, betas),
            port,
            z_dim,
            compute,
        }
    }

    fn fakes(&self, batch: i64) -> Tensor {
        normal(&[batch, self.z_dim, 1, 1], self.compute).apply_t(&self.generator, true)
    }

    /// One update of each network, as in the chapter but for what the variant changes.
    pub fn step(&mut self, real: &Tensor) {
        let Port { label_noise, loss, two_calls, .. } = self.port;
        let mut fake = self.fakes(real.size()[0]);
        let real_logits = real.apply_t(&self.discriminator, true);
        let fake_logits = fake.detach().apply_t(&self.discriminator, true);
        let real_loss = loss.of(&real_logits, &smooth_labels(&real_logits, true, label_noise));
        let fake_loss = loss.of(&fake_logits, &smooth_labels(&fake_logits, false, label_noise));
        self.discriminator_adam.minimise(&((real_loss + fake_loss) / 2.0));

        if two_calls {
            fake = self.fakes(real.size()[0]);
            // What it says is not used. Its running statistics move all the same.
            let _ = no_grad(|| real.apply_t(&self.discriminator, true));
        }
        let fake_logits = fake.apply_t(&self.discriminator, true);
        self.generator_adam.minimise(&loss.of(&fake_logits, &fake_logits.ones_like()));
    }

    /// Images of `z`, with the weights as they are, in evaluation mode.
    pub fn draw(&self, z: &Tensor) -> Tensor {
        no_grad(|| z.apply_t(&self.generator, false))
    }

    /// Share of right answers, in evaluation mode.
    fn right_in_evaluation(&self, real: &Tensor, fake: &Tensor) -> f64 {
        let share_real = |images: &Tensor| {
            let images = images.to_device(self.compute.device);
            let logits = no_grad(|| images.apply_t(&self.discriminator, false));
            logits.gt(0.0).to_kind(Kind::Float).mean(Kind::Double).double_value(&[])
        };
        (share_real(real) + 1.0 - share_real(fake)) / 2.0
    }
}

impl Loss {
    /// Of `logits: [batch]` against `labels: [batch]`, a scalar.
    pub fn of(self, logits: &Tensor, labels: &Tensor) -> Tensor {
        match self {
            Loss::OnLogits => bce(logits, labels),
            Loss::TwoSigmoids => bce(&logits.sigmoid(), labels),
            Loss::OnProbabilities => {
                logits.sigmoid().binary_cross_entropy::<Tensor>(labels, None, Reduction::Mean)
            }
        }
    }
}

impl Port {
    /// The chapter's generator of grey images, but for the settings.
    pub fn generator(self, path: &Path<'_>, z_dim: i64, widths: [i64; 4]) -> nn::SequentialT {
        let [w32, w16, w8, w4] = widths;
        let up = |name: &str, inputs, outputs, stride, padding| {
            let path = path / name;
            // PyTorch counts a transposed convolution's outputs as what goes into it.
            let config = self.conv(outputs, stride, padding);
            nn::seq_t()
                .add(conv_transpose2d(&path / "conv", inputs, outputs, 4, config))
                .add(self.batch_norm(&path / "norm", outputs))
                .add_fn(move |x| if self.relu { x.relu() } else { leaky_relu(x, 0.2) })
        };
        nn::seq_t()
            .add(up("up1", z_dim, w4, 1, 0))
            .add(up("up2", w4, w8, 2, 1))
            .add(up("up3", w8, w16, 2, 1))
            .add(up("up4", w16, w32, 2, 1))
            .add(conv_transpose2d(path / "image", w32, 1, 4, self.conv(1, 2, 1)))
            .add_fn(Tensor::tanh)
    }

    /// The chapter's discriminator of grey images, but for the settings.
    pub fn discriminator(self, path: &Path<'_>, widths: [i64; 4]) -> nn::SequentialT {
        let [w32, w16, w8, w4] = widths;
        let leak_and_drop = || {
            let layers = nn::seq_t().add_fn(|x| leaky_relu(x, 0.2));
            let drop =
                move |x: &Tensor, train| dropout(x, self.dropout, train || self.always_drops);
            if self.dropout > 0.0 { layers.add_fn_t(drop) } else { layers }
        };
        let down = |name: &str, inputs, outputs| {
            let path = path / name;
            nn::seq_t()
                .add(conv2d(&path / "conv", inputs, outputs, 4, self.conv(inputs, 2, 1)))
                .add(self.batch_norm(&path / "norm", outputs))
                .add(leak_and_drop())
        };
        nn::seq_t()
            .add(conv2d(path / "down1" / "conv", 1, w32, 4, self.conv(1, 2, 1)))
            .add(leak_and_drop())
            .add(down("down2", w32, w16))
            .add(down("down3", w16, w8))
            .add(down("down4", w8, w4))
            .add(conv2d(path / "logit", w4, 1, 4, self.conv(w4, 1, 0)))
            .add_fn(|x| to_f32(&x.flatten(0, -1)))
    }

    /// Settings of a 4 × 4 convolution of so many channels. PyTorch's default, Kaiming's uniform distribution with a = √5, reaches to ±1/√(numbers that are
    /// added up).
    fn conv(self, channels: i64, stride: i64, padding: i64) -> ConvConfig {
        let bound = ((16 * channels) as f64).sqrt().recip();
        let ws_init = if self.default_weights {
            Init::Uniform { lo: -bound, up: bound }
        } else {
            Init::Randn { mean: 0.0, stdev: 0.02 }
        };
        ConvConfig { stride, padding, bias: false, ws_init, ..Default::default() }
    }

    /// With the settings.
    pub fn batch_norm(self, path: Path<'_>, channels: i64) -> nn::BatchNorm {
        let (momentum, eps, ws_init) = (self.momentum, self.epsilon, Init::Const(1.0));
        let config = nn::BatchNormConfig { momentum, eps, ws_init, ..Default::default() };
        nn::batch_norm2d(path, channels, config)
    }
}

/// A variant in a few numbers, medians over the seeds.
#[derive(Serialize)]
struct Median {
    variant: &'static str,
    change: &'static str,
    swd_mean_weights: f64,
    swd_last_weights: f64,
    /// Each seed's distance over that of the chapter's own with the same seed.
    times_mean_weights: f64,
    times_last_weights: f64,
    right_in_evaluation: f64,
}

impl Median {
    fn of((variant, _, change): Variant, records: &[Record<Found>]) -> Self {
        let runs = |name: &'static str| records.iter().filter(move |run| run.variant == name);
        let middle =
            |value: fn(&Found) -> f64| median(runs(variant).map(|run| value(&run.found)).collect());
        let times = |value: fn(&Found) -> f64| {
            let pairs = runs(variant).zip(runs(VARIANTS[0].0));
            median(pairs.map(|(run, own)| value(&run.found) / value(&own.found)).collect())
        };
        Median {
            variant,
            change,
            swd_mean_weights: middle(|found| found.swd_mean_weights),
            swd_last_weights: middle(|found| found.swd_last_weights),
            times_mean_weights: times(|found| found.swd_mean_weights),
            times_last_weights: times(|found| found.swd_last_weights),
            right_in_evaluation: middle(|found| found.right_in_evaluation),
        }
    }
}

/// A row for each variant: the medians, and in brackets the distances of all seeds.
fn table(records: &[Record<Found>], medians: &[Median], floor: f64) -> String {
    let mut text = String::from(
        "| what is changed | SWD × 10³, mean of the weights | times as far | SWD × 10³, last weights | times as far | D right when it evaluates |\n\
        |---|---:|---:|---:|---:|---:|\n",
    );
    for one in medians {
        let seeds = |value: fn(&Found) -> f64| {
            let runs = records.iter().filter(|run| run.variant == one.variant);
            runs.map(|run| format!("{:.1}", value(&run.found))).collect::<Vec<_>>().join(", ")
        };
        text += &format!(
            "| {} | {:.1} ({}) | {:.2} | {:.1} ({}) | {:.2} | {:.0} % |\n",
            one.change,
            one.swd_mean_weights,
            seeds(|found| found.swd_mean_weights),
            one.times_mean_weights,
            one.swd_last_weights,
            seeds(|found| found.swd_last_weights),
            one.times_last_weights,
            100.0 * one.right_in_evaluation,
        );
    }
    text + &format!("| other real images, the floor | {floor:.1} | | {floor:.1} | | |\n")
}
