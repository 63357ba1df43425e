//! What does each part of WGAN-GP do? The quick preset is trained as the chapter has it, with one part changed at a time, and beside it
//! the DCGAN; along the way the distance of the images from unseen ones is measured.
//!
//! ```text
//! cargo run -p ch4-wgan-gp --example ablations -- --seeds 3
//! ```
//!
//! writes into `runs/ch4-wgan-gp/ablations/`: `table.md` and `ends.md`, `results.json`, `distances.svg` with a line for each variant, a
//! sheet of each variant's images with seed 0, and `rows.png` with the first row of each. A run that is whole is kept in `runs/` there
//! and not made again, so the experiment may be stopped at any time.
//!
//! **What is held equal.** With other numbers of critic steps the networks cannot be alike in everything. Such a variant is trained until it
//! has made as many updates of the generator as the chapter's *and* as many of the critic, and measured at both points. An update of
//! the critic takes a batch of real images, so as many updates of the critic are as many images, with one exception: the variant that uses
//! one batch for all critic steps sees a third of them. DCGAN's discriminator counts as its critic.
//!
//! **As much time** is as many of DCGAN's updates as fit into that of the chapter's run. How many those are is found by making some steps of
//! both in turns, so that whatever else the machine does slows both alike.
//!
//! **What is measured.** Images are drawn with the mean of the generator's weights, as the chapter does. They are compared with images
//! that were drawn with another seed than those to learn from, since of those only some four hundred are held out.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use ch4_dcgan::train::{self as dcgan, Dcgan};
use ch4_wgan_gp::model::Generator;
use ch4_wgan_gp::train::{
    CriticLosses, Settings, WganGp, between, critic_loss, generator_loss, gradient_penalty,
};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tch::nn::{self, Init, ModuleT, Path};
use tch::{Kind, Tensor, no_grad};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::experiment::{Bench, Record, number_or_nan};
use toolkit::layers::{batch_norm2d, conv2d, leaky_relu, to_f32};
use toolkit::noise::{fixed_z, normal, seed_step, with_given};
use toolkit::progress::Watch;
use toolkit::stats::{deviation, mean, median, spread};
use toolkit::{Adam, Batches, Compute, folder, plot, sheet};

/// Trains the quick WGAN-GP with one part changed at a time, and the quick DCGAN.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    shared: ExperimentArgs,
    /// Updates of the chapter's own generator, to which the others are held [default: the quick preset's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Images on either side of a measurement
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(8..))]
    measured: u64,
}

/// What a variant changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// Batch normalisation in the critic.
    BatchNorm,
    /// α is drawn from a normal distribution.
    NormalAlpha,
    /// So many updates of the critic for one of the generator.
    CriticSteps(u64),
    /// One batch of real images for all critic steps of a generator update.
    OneBatch,
    /// The critic drops activations out, as the source's Keras code has it.
    Dropout,
    /// The DCGAN in its place, for as many images.
    Dcgan,
    /// The DCGAN in its place, for as long as the chapter's own takes.
    DcganForTheTime,
}

/// A variant: its name, what it changes, and in words.
type Variant = (&'static str, Change, &'static str);

/// All variants.
pub const VARIANTS: [Variant; 9] = [
    ("chapter", Change::Nothing, "nothing: the chapter's own"),
    ("batch-norm", Change::BatchNorm, "batch normalisation in the critic"),
    ("normal-alpha", Change::NormalAlpha, "α from a normal distribution"),
    ("one-step", Change::CriticSteps(1), "one critic step"),
    ("five-steps", Change::CriticSteps(5), "five critic steps"),
    ("one-batch", Change::OneBatch, "one batch of real images for all critic steps"),
    ("dropout", Change::Dropout, "dropout of 0.3 in the critic"),
    ("dcgan-images", Change::Dcgan, "DCGAN, as many images"),
    ("dcgan-time", Change::DcganForTheTime, "DCGAN, as much time"),
];

/// What decides the numbers.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Plan {
    data: String,
    batch_size: u64,
    /// Updates of the chapter's own generator.
    steps: u64,
    measured: u64,
    wgan_gp: Settings,
    dcgan: dcgan::Settings,
}

/// A measurement. What the critic says is averaged since the last one.
#[derive(Clone, Serialize, Deserialize)]
struct Point {
    generator_updates: u64,
    /// Of the critic or the discriminator.
    critic_updates: u64,
    /// Real images seen, those that came again included.
    images: u64,
    /// Of training.
    seconds: f64,
    #[serde(deserialize_with = "number_or_nan")]
    swd: f64,
    /// The critic's estimate of the Wasserstein distance.
    wasserstein: Option<f64>,
    /// Standard deviation of the estimates, each from one batch.
    scatter: Option<f64>,
    /// Mean length of the gradient of the score at points between real and drawn images.
    gradient: Option<f64>,
}

/// How a run went.
#[derive(Clone, Serialize, Deserialize)]
struct Course {
    points: Vec<Point>,
}

fn main() -> ExitCode {
    cli::report("ablations", compare(Args::parse()))
}

fn compare(args: Args) -> Result<()> {
    let (schedule, wgan_gp) = Settings::preset(Preset::Quick);
    let (_, dcgan) = dcgan::Settings::preset(Preset::Quick);
    let plan = Plan {
        data: schedule.data,
        batch_size: schedule.batch_size,
        steps: args.steps.unwrap_or(schedule.steps),
        measured: args.measured,
        wgan_gp,
        dcgan,
    };
    let measured = (plan.data.clone(), plan.measured as usize);
    let bench =
        Bench::open("ch4-wgan-gp", "ablations", args.shared.out, (&measured.0, measured.1), plan)?;
    let mut records: Vec<Record<Course>> = Vec::new();
    // Seed by seed, so that an experiment that is stopped has whole comparisons of fewer seeds.
    for seed in 0..args.shared.seeds {
        for variant in &VARIANTS {
            records.push(bench.runs.record(variant.0, seed, || follow(&bench, *variant, seed))?);
        }
    }
    let summaries: Vec<Summary> = VARIANTS
        .iter()
        .map(|variant| Summary::of(*variant, &records, &bench.runs.settings))
        .collect();
    bench.save_results(&records, &summaries)?;
    let sheets = VARIANTS.map(|(name, ..)| bench.runs.at(&format!("{name}-0.png")));
    sheet::save_progress(&sheets, bench.images.side(), 1, &bench.runs.at("rows.png"))?;
    for (name, table) in tables(&summaries, bench.floor) {
        folder::write_whole(&bench.runs.at(name), &table)?;
        say(table);
    }
    plot::courses(
        &bench.runs.at("distances.svg"),
        &format!(
            "updates of the critic or the discriminator, {} real images each",
            bench.runs.settings.batch_size
        ),
        "distance of the images × 10³",
        &VARIANTS.map(|(name, ..)| (name.to_string(), median_course(name, &records))),
    )?;
    say(bench.runs.at("results.json").display());
    Ok(())
}

impl Change {
    /// Updates of the critic for one of the generator.
    pub fn critic_steps(self, settings: &Settings) -> u64 {
        match self {
            Change::CriticSteps(steps) => steps,
            Change::Dcgan | Change::DcganForTheTime => 1,
            _ => settings.critic_steps,
        }
    }
}

/// Trains one variant and measures it at each quarter of its way, and where its generator has made as many updates as the chapter's.
fn follow(bench: &Bench<Plan>, (name, change, _): Variant, seed: u64) -> Result<Course> {
    let Plan { batch_size, steps, ref wgan_gp, .. } = bench.runs.settings;
    let mut batches = Batches::new(bench.images.training(), batch_size as usize, seed)?;
    let critic_steps = change.critic_steps(wgan_gp);
    let fresh_batches = if change == Change::OneBatch { 1 } else { critic_steps };
    let timed = change == Change::DcganForTheTime;
    // What its critic is to come to: as many updates as the chapter's makes, or has the time for.
    let whole = match change {
        Change::DcganForTheTime => (steps as f64 * dcgan_steps_in_one(bench)).round().max(1.0),
        _ => (steps * wgan_gp.critic_steps) as f64,
    };
    seed_step(seed, 0);
    let mut gan = Gan::new(change, &bench.runs.settings, bench.runs.compute);
    let z = fixed_z(seed, bench.runs.settings.measured as i64, gan.z_dim(), bench.runs.compute);

    let (mut points, mut drawn, mut estimates) = (Vec::new(), Vec::new(), Vec::new());
    let mut watch = Watch::begin(&format!("{name} seed {seed}"));
    let (mut seconds, mut quarters) = (0.0, 0);
    for step in 1.. {
        let begun = Instant::now();
        seed_step(seed, step);
        let mut real = |k: u64| {
            let number = (step - 1) * fresh_batches + k.min(fresh_batches - 1);
            bench.images.batch(
                batches.indices(number),
                bench.runs.compute.device,
                bench.runs.compute.kind,
            )
        };
        estimates.extend(gan.step(change, critic_steps, &mut real));
        seconds += begun.elapsed().as_secs_f64();

        let share = (step * critic_steps) as f64 / whole;
        let over = share >= 1.0 && (timed || step >= steps);
        watch.tell(if timed { share } else { share.min(step as f64 / steps as f64) });
        let quarter = (4.0 * share.min(1.0)) as u64;
        if quarter > quarters || over || (step == steps && !timed) {
            quarters = quarter;
            drawn.push(gan.draw(&z));
            points.push(Point {
                generator_updates: step,
                critic_updates: step * critic_steps,
                images: step * fresh_batches * batch_size,
                seconds,
                swd: f64::NAN,
                wasserstein: (!estimates.is_empty()).then(|| mean(&estimates)),
                scatter: (!estimates.is_empty()).then(|| deviation(&estimates)),
                gradient: gan.gradient(&real(critic_steps - 1), &z),
            });
            estimates.clear();
        }
        if over {
            break;
        }
    }
    drop(watch);
    for (point, swd) in points.iter_mut().zip(bench.distances(&drawn)) {
        point.swd = swd;
    }
    if seed == 0 {
        bench.runs.save_sheet(&drawn[drawn.len() - 1], &format!("{name}-{seed}"))?;
    }
    Ok(Course { points })
}

/// How many steps of the DCGAN take as long as one of the chapter's: by the medians of some of each, made in turns.
fn dcgan_steps_in_one(bench: &Bench<Plan>) -> f64 {
    let Plan { batch_size, steps, ref wgan_gp, .. } = bench.runs.settings;
    eprintln!("timing     a step of each");
    let some = &bench.images.training()[..batch_size as usize];
    let real = bench.images.batch(some, bench.runs.compute.device, bench.runs.compute.kind);
    let mut both = [Change::Nothing, Change::Dcgan].map(|change| {
        (change, Gan::new(change, &bench.runs.settings, bench.runs.compute), Vec::new())
    });
    for _ in 0..steps.clamp(5, 50) {
        for (change, gan, seconds) in &mut both {
            let begun = Instant::now();
            gan.step(*change, change.critic_steps(wgan_gp), &mut |_| real.shallow_clone());
            seconds.push(begun.elapsed().as_secs_f64());
        }
    }
    let [chapter, dcgan] = both.map(|(_, _, seconds)| median(seconds));
    chapter / dcgan
}

/// Both networks of a variant.
pub enum Gan {
    /// The chapter's.
    WganGp(WganGp),
    /// The same with batch normalisation in the critic.
    Normalised(Normalised),
    /// DCGAN's.
    Dcgan(Dcgan, i64),
}

impl Gan {
    fn new(change: Change, plan: &Plan, compute: Compute) -> Self {
        match change {
            Change::Dcgan | Change::DcganForTheTime => {
                Gan::Dcgan(Dcgan::new(&plan.dcgan, 1, compute), plan.dcgan.z_dim)
            }
            Change::BatchNorm => Gan::Normalised(Normalised::new(&plan.wgan_gp, compute)),
            Change::Dropout => {
                let settings = Settings { dropout: 0.3, ..plan.wgan_gp.clone() };
                Gan::WganGp(WganGp::new(&settings, 1, compute))
            }
            _ => Gan::WganGp(WganGp::new(&plan.wgan_gp, 1, compute)),
        }
    }

    /// One update of the generator, and before it those of the critic, of which number `k` takes the images `real(k)`. Gives the
    /// critic's last estimate of the distance, if it makes one.
    pub fn step(
        &mut self,
        change: Change,
        critic_steps: u64,
        real: &mut dyn FnMut(u64) -> Tensor,
    ) -> Option<f64> {
        let (mut estimate, mut batch) = (None, 0);
        for k in 0..critic_steps {
            let real = real(k);
            batch = real.size()[0];
            let losses = match self {
                Gan::WganGp(gan) if change == Change::NormalAlpha => with_normal_alpha(gan, &real),
                Gan::WganGp(gan) => gan.critic_step(&real),
                Gan::Normalised(gan) => gan.critic_step(&real),
                Gan::Dcgan(gan, _) => {
                    let losses = gan.step(&real); // of both networks
                    // Reading a number waits for a GPU, as the other variants do.
                    losses.generator.double_value(&[]);
                    return None;
                }
            };
            estimate = Some(losses.wasserstein.double_value(&[]));
        }
        match self {
            Gan::WganGp(gan) => drop(gan.generator_step(batch)),
            Gan::Normalised(gan) => gan.generator_step(batch),
            Gan::Dcgan(..) => {}
        }
        estimate
    }

    fn z_dim(&self) -> i64 {
        match self {
            Gan::WganGp(gan) => gan.noise(1).size()[1],
            Gan::Normalised(gan) => gan.noise(1).size()[1],
            Gan::Dcgan(_, z_dim) => *z_dim,
        }
    }

    /// Images of `z`, with the mean of the generator's weights.
    fn draw(&self, z: &Tensor) -> Tensor {
        match self {
            Gan::WganGp(gan) => gan.draw(z),
            Gan::Normalised(gan) => gan.draw(z),
            Gan::Dcgan(gan, _) => gan.draw(z),
        }
    }

    /// Mean length of the gradient of the critic's score, by the image, at points between real images and as many that the generator draws now.
    fn gradient(&self, real: &Tensor, z: &Tensor) -> Option<f64> {
        let (generator, critic): (&Generator, &dyn ModuleT) = match self {
            Gan::WganGp(gan) => (&gan.generator, &gan.critic),
            Gan::Normalised(gan) => (&gan.generator, &gan.critic),
            Gan::Dcgan(..) => return None,
        };
        // In evaluation mode, so that looking at the generator does not move its running statistics.
        let count = real.size()[0].min(z.size()[0]);
        let fake = no_grad(|| z.narrow(0, 0, count).apply_t(generator, false));
        let points = between(&real.narrow(0, 0, count), &fake).set_requires_grad(true);
        let score = critic.forward_t(&points, true).sum(Kind::Float);
        let gradient = Tensor::run_backward(&[score], &[&points], false, false).remove(0);
        let length = to_f32(&gradient).flatten(1, -1).norm_scalaropt_dim(2, 1, false);
        Some(length.mean(Kind::Double).double_value(&[]))
    }
}

/// A critic step of the chapter's in which α is normal: the step is handed what it would draw. (The quick preset drops nothing out, so
/// that is all.)
pub fn with_normal_alpha(gan: &mut WganGp, real: &Tensor) -> CriticLosses {
    let batch = real.size()[0];
    with_given(vec![gan.noise(batch), normal_alpha(real)], || gan.critic_step(real))
}

/// α as the source's Keras code draws it, one for each of `images`: `[batch, 1, 1, 1]`.
pub fn normal_alpha(images: &Tensor) -> Tensor {
    let compute = Compute { device: images.device(), kind: images.kind() };
    normal(&[images.size()[0], 1, 1, 1], compute)
}

/// The chapter's networks with batch normalisation in the critic.
pub struct Normalised {
    /// Draws.
    pub generator: Generator,
    /// Scores.
    pub critic: nn::SequentialT,
    generator_adam: Adam,
    /// The critic's optimiser.
    pub critic_adam: Adam,
    settings: Settings,
    compute: Compute,
}

impl Normalised {
    /// New networks, which begin with the weights that the chapter's would.
    pub fn new(settings: &Settings, compute: Compute) -> Self {
        let Settings { z_dim, widths, learning_rate, betas, averaging, .. } = *settings;
        let (g, c) = (compute.variables(), compute.variables());
        Self {
            generator: Generator::new(&g.root(), z_dim, widths, 1),
            critic: normalised_critic(&c.root(), widths),
            generator_adam: Adam::new(g, learning_rate, betas).averaging(averaging),
            critic_adam: Adam::new(c, learning_rate, betas),
            settings: settings.clone(),
            compute,
        }
    }

    fn noise(&self, batch: i64) -> Tensor {
        normal(&[batch, self.settings.z_dim, 1, 1], self.compute)
    }

    /// The chapter's step, from its parts.
    pub fn critic_step(&mut self, real: &Tensor) -> CriticLosses {
        let fake = no_grad(|| self.noise(real.size()[0]).apply_t(&self.generator, true));
        // One after the other, as in the source: together they would share their statistics.
        let (real_scores, fake_scores) =
            (real.apply_t(&self.critic, true), fake.apply_t(&self.critic, true));
        let wasserstein_loss = critic_loss(&real_scores, &fake_scores);
        let penalty = gradient_penalty(&self.critic, real, &fake);
        let loss = &wasserstein_loss + self.settings.gp_weight * &penalty;
        self.critic_adam.minimise(&loss);
        CriticLosses { loss, wasserstein: -wasserstein_loss, penalty }
    }

    fn generator_step(&mut self, batch: i64) {
        let fake = self.noise(batch).apply_t(&self.generator, true);
        self.generator_adam.minimise(&generator_loss(&fake.apply_t(&self.critic, true)));
    }

    fn draw(&self, z: &Tensor) -> Tensor {
        self.generator_adam.with_average(|| no_grad(|| z.apply_t(&self.generator, false)))
    }
}

/// The chapter's critic of grey images, normalised where DCGAN's discriminator is: after the second, third and fourth convolution.
pub fn normalised_critic(path: &Path<'_>, [w32, w16, w8, w4]: [i64; 4]) -> nn::SequentialT {
    // Keras' uniform distribution, as in the chapter.
    let conv = |inputs: i64, outputs: i64, stride, padding| {
        let bound = (6.0 / (16 * (inputs + outputs)) as f64).sqrt();
        let ws_init = Init::Uniform { lo: -bound, up: bound };
        nn::ConvConfig { stride, padding, ws_init, ..Default::default() }
    };
    let down = |name: &str, inputs: i64, outputs: i64| {
        let path = path / name;
        nn::seq_t()
            .add(conv2d(&path / "conv", inputs, outputs, 4, conv(inputs, outputs, 2, 1)))
            .add(batch_norm2d(&path / "norm", outputs))
            .add_fn(|x| leaky_relu(x, 0.2))
    };
    nn::seq_t()
        .add(conv2d(path / "down1" / "conv", 1, w32, 4, conv(1, w32, 2, 1)))
        .add_fn(|x| leaky_relu(x, 0.2))
        .add(down("down2", w32, w16))
        .add(down("down3", w16, w8))
        .add(down("down4", w8, w4))
        .add(conv2d(path / "score", w4, 1, 4, conv(w4, 1, 1, 0)))
        .add_fn(|x| to_f32(&x.flatten(0, -1)))
}

/// What the table shows of a variant: each number once for each seed.
#[derive(Serialize)]
struct Summary {
    variant: &'static str,
    change: &'static str,
    /// The distance after as many updates of the generator as the chapter's.
    swd_equal_generator_updates: Vec<f64>,
    /// After as many updates of the critic; where time is held equal, after as much time.
    swd: Vec<f64>,
    /// What follows belongs to the same point.
    wasserstein: Vec<f64>,
    scatter: Vec<f64>,
    gradient: Vec<f64>,
    generator_updates: Vec<f64>,
    critic_updates: Vec<f64>,
    images: Vec<f64>,
    seconds: Vec<f64>,
}

impl Summary {
    fn of((variant, change, in_words): Variant, records: &[Record<Course>], plan: &Plan) -> Self {
        let timed = change == Change::DcganForTheTime;
        let critic_updates = plan.steps * plan.wgan_gp.critic_steps;
        let courses = || records.iter().filter(|record| record.variant == variant);
        // Where the critic has come as far as the chapter's.
        let ends: Vec<&Point> = courses()
            .map(|record| {
                let points = &record.found.points;
                let far = points.iter().position(|point| point.critic_updates >= critic_updates);
                &points[far.filter(|_| !timed).unwrap_or(points.len() - 1)]
            })
            .collect();
        let generators = courses().filter_map(|record| {
            let mut points = record.found.points.iter();
            points.find(|point| point.generator_updates == plan.steps && !timed)
        });
        let all = |value: fn(&Point) -> f64| ends.iter().map(|point| value(point)).collect();
        let some = |value: fn(&Point) -> Option<f64>| {
            ends.iter().filter_map(|point| value(point)).collect()
        };
        Summary {
            variant,
            change: in_words,
            swd_equal_generator_updates: generators.map(|point| point.swd).collect(),
            swd: all(|point| point.swd),
            wasserstein: some(|point| point.wasserstein),
            scatter: some(|point| point.scatter),
            gradient: some(|point| point.gradient),
            generator_updates: all(|point| point.generator_updates as f64),
            critic_updates: all(|point| point.critic_updates as f64),
            images: all(|point| point.images as f64),
            seconds: all(|point| point.seconds),
        }
    }

    /// How near its images come.
    fn distances(&self) -> String {
        let (generators, end) =
            (spread(&self.swd_equal_generator_updates, 1), spread(&self.swd, 1));
        format!("| `{}` | {} | {generators} | {end} |\n", self.variant, self.change)
    }

    /// What led to the second of these distances.
    fn ends(&self) -> String {
        let middle = |values: &[f64]| format!("{:.0}", median(values.to_vec()));
        let cells = [
            spread(&self.wasserstein, 2),
            spread(&self.scatter, 2),
            spread(&self.gradient, 2),
            middle(&self.generator_updates),
            middle(&self.images),
            middle(&self.seconds),
        ];
        format!("| `{}` | {} |\n", self.variant, cells.join(" | "))
    }
}

/// Two tables with a row for each variant: the median of its seeds and, in brackets, the smallest and the largest.
fn tables(summaries: &[Summary], floor: f64) -> [(&'static str, String); 2] {
    let distances: String = summaries.iter().map(Summary::distances).collect();
    let ends: String = summaries.iter().map(Summary::ends).collect();
    [
        (
            "table.md",
            format!(
                "| variant | what is changed | SWD × 10³, as many generator updates | at the end |\n\
                |---|---|---|---|\n{distances}\
                | | other real images, the floor | {floor:.1} | {floor:.1} |\n"
            ),
        ),
        (
            "ends.md",
            format!(
                "| variant | critic's estimate | its deviation | gradient between | generator updates | real images | seconds |\n\
                |---|---|---|---|---:|---:|---:|\n{ends}"
            ),
        ),
    ]
}

/// The distance along the way of a variant, the median of its seeds.
fn median_course(variant: &str, records: &[Record<Course>]) -> Vec<(f64, f64)> {
    let runs: Vec<&[Point]> = records
        .iter()
        .filter(|record| record.variant == variant)
        .map(|record| &record.found.points[..])
        .collect();
    let shortest = runs.iter().map(|points| points.len()).min().unwrap_or(0);
    let middle = |i: usize, value: fn(&Point) -> f64| {
        median(runs.iter().map(|points| value(&points[i])).collect())
    };
    (0..shortest).map(|i| (middle(i, |p| p.critic_updates as f64), middle(i, |p| p.swd))).collect()
}
