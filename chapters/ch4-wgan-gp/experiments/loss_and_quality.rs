//! Do the losses say how good the images are? A DCGAN and a WGAN-GP are trained alike, and along the way their losses are
//! put beside the distance of their images from held-out ones.
//!
//! ```text
//! cargo run -p ch4-wgan-gp --example loss-and-quality -- --seeds 3
//! ```
//!
//! takes eight to nine minutes a seed on two cores and writes into `runs/ch4-wgan-gp/loss-and-quality/`: `table.md` with the rank
//! correlations, `courses.csv` with what was measured, `quality.svg`, and a sheet of each network's last images. A run that is whole is
//! kept in `runs/` there and not made again, so the experiment may be stopped at any time.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use ch4_dcgan::train as dcgan;
use ch4_wgan_gp::train as wgan_gp;
use clap::Parser;
use plotters::prelude::*;
use serde::{Deserialize, Serialize};
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::config::embedded_images;
use toolkit::experiment::{Runs, number_or_nan, numbers_or_nan};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::progress::Watch;
use toolkit::stats::{mean, spearman};
use toolkit::{Batches, Compute, ImageSet, Schedule, folder, swd};

/// Trains both quick presets and says how well each loss goes with the distance of the images.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    shared: ExperimentArgs,
    /// Images that each network is shown in a run; the WGAN-GP's critic takes three batches a step
    #[arg(long, value_name = "N", default_value_t = 61_440, value_parser = clap::value_parser!(u64).range(240..))]
    images: u64,
    /// Measurements along a run
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(3..))]
    measurements: u64,
}

/// What decides the numbers.
#[derive(Clone, Serialize, Deserialize)]
struct Plan {
    images: u64,
    measurements: u64,
    dcgan: (Schedule, dcgan::Settings),
    wgan_gp: (Schedule, wgan_gp::Settings),
}

/// The means of a network's losses since the last measurement, and the distance then.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    images: u64,
    #[serde(deserialize_with = "numbers_or_nan")]
    losses: Vec<f64>,
    #[serde(deserialize_with = "number_or_nan")]
    swd: f64,
}

/// How a run went.
#[derive(Clone, Serialize, Deserialize)]
struct Rows {
    rows: Vec<Row>,
}

/// One run of one network.
struct Course {
    network: Network,
    seed: u64,
    rows: Vec<Row>,
}

/// What a run needs beside its networks.
struct Lesson<'a> {
    runs: &'a Runs<Plan>,
    images: &'a ImageSet,
    seed: u64,
}

/// What is trained.
#[derive(Clone, Copy, PartialEq)]
enum Network {
    Dcgan,
    WganGp,
}

impl Network {
    fn name(self) -> &'static str {
        match self {
            Network::Dcgan => "dcgan",
            Network::WganGp => "wgan-gp",
        }
    }

    /// The losses that are looked at.
    fn losses(self) -> &'static [&'static str] {
        match self {
            Network::Dcgan => &["discriminator_loss", "generator_loss"],
            Network::WganGp => &["critic_loss", "wasserstein", "generator_loss"],
        }
    }
}

fn main() -> ExitCode {
    cli::report("loss-and-quality", compare(Args::parse()))
}

fn compare(args: Args) -> Result<()> {
    let compute = Compute { device: Device::cuda_if_available(), kind: Kind::Float };
    let images = embedded_images("bricks-small", 64, 1)?;
    let plan = Plan {
        images: args.images,
        measurements: args.measurements,
        dcgan: dcgan::Settings::preset(Preset::Quick),
        wgan_gp: wgan_gp::Settings::preset(Preset::Quick),
    };
    let runs = Runs::open("ch4-wgan-gp", "loss-and-quality", args.shared.out, compute, plan)?;
    let mut courses = Vec::new();
    for seed in 0..args.shared.seeds {
        let lesson = Lesson { runs: &runs, images: &images, seed };
        for network in [Network::Dcgan, Network::WganGp] {
            let make = || match network {
                Network::Dcgan => lesson.dcgan(),
                Network::WganGp => lesson.wgan_gp(),
            };
            let rows = runs.record(network.name(), seed, make)?.found.rows;
            courses.push(Course { network, seed, rows });
        }
    }
    folder::write_whole(&runs.at("courses.csv"), &numbers(&courses))?;
    let table = table(&courses);
    say(&table);
    folder::write_whole(&runs.at("table.md"), &table)?;
    plot(&runs.at("quality.svg"), &courses)?;
    say(runs.at("quality.svg").display());
    Ok(())
}

impl Lesson<'_> {
    fn dcgan(&self) -> Result<Rows> {
        let Plan { images, dcgan: (schedule, settings), .. } = &self.runs.settings;
        seed_step(self.seed, 0);
        let mut gan = dcgan::Dcgan::new(settings, 1, self.runs.compute);
        let mut batches = self.batches(schedule)?;
        let steps = images / schedule.batch_size;
        let (mut rows, mut seen) = (Vec::new(), Vec::new());
        let mut watch = Watch::begin(&format!("dcgan seed {}", self.seed));
        for step in 1..=steps {
            seed_step(self.seed, step);
            let dcgan::Losses { discriminator, generator } =
                gan.step(&self.batch(&mut batches, step - 1));
            seen.push([discriminator, generator].map(|loss| loss.double_value(&[])).to_vec());
            watch.tell(step as f64 / steps as f64);
            if self.due(step, steps) {
                let images = step * schedule.batch_size;
                let row =
                    self.measure(Network::Dcgan, images, &seen, &gan.generator, settings.z_dim)?;
                rows.push(row);
                seen.clear();
            }
        }
        Ok(Rows { rows })
    }

    fn wgan_gp(&self) -> Result<Rows> {
        let Plan { images, wgan_gp: (schedule, settings), .. } = &self.runs.settings;
        seed_step(self.seed, 0);
        let mut gan = wgan_gp::WganGp::new(settings, 1, self.runs.compute);
        let mut batches = self.batches(schedule)?;
        let a_step = schedule.batch_size * settings.critic_steps;
        let steps = images / a_step;
        let (mut rows, mut seen) = (Vec::new(), Vec::new());
        let mut watch = Watch::begin(&format!("wgan-gp seed {}", self.seed));
        for step in 1..=steps {
            seed_step(self.seed, step);
            let first = (step - 1) * settings.critic_steps;
            let mut critic = gan.critic_step(&self.batch(&mut batches, first));
            for k in 1..settings.critic_steps {
                critic = gan.critic_step(&self.batch(&mut batches, first + k));
            }
            let generator = gan.generator_step(schedule.batch_size as i64);
            let losses = [critic.loss, critic.wasserstein, generator];
            seen.push(losses.map(|loss| loss.double_value(&[])).to_vec());
            watch.tell(step as f64 / steps as f64);
            if self.due(step, steps) {
                let images = step * a_step;
                let row =
                    self.measure(Network::WganGp, images, &seen, &gan.generator, settings.z_dim)?;
                rows.push(row);
                seen.clear();
            }
        }
        Ok(Rows { rows })
    }

    fn batches(&self, schedule: &Schedule) -> Result<Batches> {
        Batches::new(self.images.training(), schedule.batch_size as usize, self.seed)
    }

    fn batch(&self, batches: &mut Batches, number: u64) -> Tensor {
        let Compute { device, kind } = self.runs.compute;
        self.images.batch(batches.indices(number), device, kind)
    }

    /// Whether a measurement falls on this step: as many as are wanted, evenly spread, the last on the last step.
    fn due(&self, step: u64, steps: u64) -> bool {
        let measurement = |step: u64| step * self.runs.settings.measurements / steps;
        measurement(step) > measurement(step - 1)
    }

    /// A row of a course, of the losses seen since the last one. Its sheet takes the last one's place.
    fn measure(
        &self,
        network: Network,
        images: u64,
        seen: &[Vec<f64>],
        generator: &dyn ModuleT,
        z_dim: i64,
    ) -> Result<Row> {
        let (name, seed) = (network.name(), self.seed);
        let held_out = self.images.held_out();
        let z = fixed_z(seed, held_out.len() as i64, z_dim, self.runs.compute);
        let drawn = no_grad(|| generator.forward_t(&z, false)).to_device(Device::Cpu);
        let real = self.images.batch(&held_out, Device::Cpu, Kind::Float);
        let swd = swd::distances(&real, &[&drawn], seed)[0].mean;
        let column = |i: usize| seen.iter().map(|losses| losses[i]).collect::<Vec<f64>>();
        let losses = (0..network.losses().len()).map(|i| mean(&column(i))).collect();
        eprintln!("{name} seed {seed}  {images:>6} images  distance {swd:.1}");
        self.runs.save_sheet(&drawn, &format!("{name}-{seed}"))?;
        Ok(Row { images, losses, swd })
    }
}

/// ρ of each loss and the distance, one row a loss, with one column a seed.
fn table(courses: &[Course]) -> String {
    let mut text =
        String::from("| network | loss | ρ of the loss and the distance |\n|---|---|---|\n");
    for network in [Network::Dcgan, Network::WganGp] {
        let runs: Vec<&Course> = courses.iter().filter(|c| c.network == network).collect();
        for (i, loss) in network.losses().iter().enumerate() {
            let one = |course: &&Course| {
                let pairs: Vec<_> = course.rows.iter().map(|r| (r.losses[i], r.swd)).collect();
                spearman(&pairs).map_or("–".into(), |rho| format!("{rho:+.2}").replace('-', "−"))
            };
            let correlations: Vec<String> = runs.iter().map(one).collect();
            text += &format!("| {} | {loss} | {} |\n", network.name(), correlations.join(", "));
        }
    }
    text
}

fn numbers(courses: &[Course]) -> String {
    let mut text = String::from("network,seed,images,loss,value,swd\n");
    for Course { network, seed, rows } in courses {
        let name = network.name();
        for Row { images, losses, swd } in rows {
            for (loss, value) in network.losses().iter().zip(losses) {
                text += &format!("{name},{seed},{images},{loss},{value:.4},{swd:.2}\n");
            }
        }
    }
    text
}

/// One panel a loss of interest: the loss against the distance, a point for each measurement, a colour for each seed.
fn plot(path: &Path, courses: &[Course]) -> Result<()> {
    const PANELS: [(Network, &str, &str); 3] = [
        (Network::Dcgan, "generator_loss", "DCGAN: the generator's loss"),
        (Network::Dcgan, "discriminator_loss", "DCGAN: the discriminator's loss"),
        (Network::WganGp, "wasserstein", "WGAN-GP: the critic's estimate"),
    ];
    const COLOURS: [RGBColor; 3] =
        [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];
    let root = SVGBackend::new(path, (960, 360)).into_drawing_area();
    let draw = || -> Result<(), DrawingAreaErrorKind<_>> {
        root.fill(&WHITE)?;
        for (area, (network, loss, title)) in root.split_evenly((1, 3)).iter().zip(PANELS) {
            let runs: Vec<&Course> = courses.iter().filter(|c| c.network == network).collect();
            let known = network.losses();
            let place = known.iter().position(|name| *name == loss).expect("one of its losses");
            let points = |course: &Course| -> Vec<(f64, f64)> {
                course.rows.iter().map(|row| (row.losses[place], row.swd)).collect()
            };
            let all: Vec<(f64, f64)> = runs.iter().flat_map(|course| points(course)).collect();
            let most = |value: fn(&(f64, f64)) -> f64| all.iter().map(value).fold(0.0, f64::max);
            let mut chart = ChartBuilder::on(area)
                .caption(title, ("sans-serif", 19))
                .margin(12)
                .x_label_area_size(50)
                .y_label_area_size(72)
                .build_cartesian_2d(0.0..most(|p| p.0) * 1.05, 0.0..most(|p| p.1) * 1.05)?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.12))
                .x_labels(6)
                .x_desc("loss")
                .y_desc("distance of the images × 10³")
                .label_style(("sans-serif", 17))
                .draw()?;
            for (course, colour) in runs.iter().zip(COLOURS.iter().cycle()) {
                let dots = points(course).into_iter().map(|p| Circle::new(p, 3, colour.filled()));
                chart.draw_series(dots)?;
            }
        }
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}
