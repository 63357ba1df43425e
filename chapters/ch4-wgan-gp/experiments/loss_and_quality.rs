//! Do the losses say how good the images are? A DCGAN and a WGAN-GP are trained alike, and along the way their losses are
//! put beside the distance of their images from held-out ones.
//!
//! ```text
//! cargo run -p ch4-wgan-gp --example loss-and-quality -- --seeds 3
//! ```
//!
//! takes eight to nine minutes a seed on two cores and writes into `runs/ch4-wgan-gp/loss-and-quality/`: `table.md` with the rank
//! correlations, `courses.csv` with what was measured, `quality.svg`, and a sheet of each network's last images.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use ch4_dcgan::train as dcgan;
use ch4_wgan_gp::train as wgan_gp;
use clap::Parser;
use plotters::prelude::*;
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::{self, ExperimentArgs, Preset, say};
use toolkit::config::embedded_images;
use toolkit::noise::{fixed_z, seed_step};
use toolkit::progress::Watch;
use toolkit::stats::{mean, spearman};
use toolkit::{Batches, Compute, ImageSet, folder, sheet, swd};

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

/// The means of a network's losses since the last measurement, and the distance then.
struct Row {
    images: u64,
    losses: Vec<f64>,
    swd: f64,
}

/// One run of one network.
struct Course {
    network: &'static str,
    losses: &'static [&'static str],
    seed: u64,
    rows: Vec<Row>,
}

/// What a run needs beside its networks.
struct Lesson<'a> {
    images: &'a ImageSet,
    compute: Compute,
    args: &'a Args,
    seed: u64,
    out: &'a Path,
}

fn main() -> ExitCode {
    cli::report("loss-and-quality", compare(&Args::parse()))
}

fn compare(args: &Args) -> Result<()> {
    let compute = Compute { device: Device::cuda_if_available(), kind: Kind::Float };
    let images = embedded_images("bricks-small", 64, 1)?;
    let out = folder::of_experiment("ch4-wgan-gp", "loss-and-quality", args.shared.out.clone())?;
    let mut courses = Vec::new();
    for seed in 0..args.shared.seeds {
        let lesson = Lesson { images: &images, compute, args, seed, out: &out };
        courses.push(lesson.dcgan()?);
        courses.push(lesson.wgan_gp()?);
    }
    folder::write_whole(&out.join("courses.csv"), &numbers(&courses))?;
    let table = table(&courses);
    say(&table);
    folder::write_whole(&out.join("table.md"), &table)?;
    plot(&out.join("quality.svg"), &courses)?;
    say(out.join("quality.svg").display());
    Ok(())
}

impl Lesson<'_> {
    fn dcgan(&self) -> Result<Course> {
        let (schedule, settings) = dcgan::Settings::preset(Preset::Quick);
        seed_step(self.seed, 0);
        let mut gan = dcgan::Dcgan::new(&settings, 1, self.compute);
        let mut batches =
            Batches::new(self.images.training(), schedule.batch_size as usize, self.seed)?;
        let steps = self.args.images / schedule.batch_size;
        let losses = &["discriminator_loss", "generator_loss"];
        let mut course = Course { network: "dcgan", losses, seed: self.seed, rows: Vec::new() };
        let mut seen = Vec::new();
        let mut watch = Watch::begin(&format!("dcgan seed {}", self.seed));
        for step in 1..=steps {
            seed_step(self.seed, step);
            let dcgan::Losses { discriminator, generator } =
                gan.step(&self.batch(&mut batches, step - 1));
            seen.push([discriminator, generator].map(|loss| loss.double_value(&[])).to_vec());
            watch.tell(step as f64 / steps as f64);
            if self.due(step, steps) {
                let images = step * schedule.batch_size;
                self.measure(&mut course, images, &mut seen, &gan.generator, settings.z_dim)?;
            }
        }
        Ok(course)
    }

    fn wgan_gp(&self) -> Result<Course> {
        let (schedule, settings) = wgan_gp::Settings::preset(Preset::Quick);
        seed_step(self.seed, 0);
        let mut gan = wgan_gp::WganGp::new(&settings, 1, self.compute);
        let mut batches =
            Batches::new(self.images.training(), schedule.batch_size as usize, self.seed)?;
        let a_step = schedule.batch_size * settings.critic_steps;
        let steps = self.args.images / a_step;
        let losses = &["critic_loss", "wasserstein", "generator_loss"];
        let mut course = Course { network: "wgan-gp", losses, seed: self.seed, rows: Vec::new() };
        let mut seen = Vec::new();
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
                self.measure(&mut course, images, &mut seen, &gan.generator, settings.z_dim)?;
            }
        }
        Ok(course)
    }

    fn batch(&self, batches: &mut Batches, number: u64) -> Tensor {
        self.images.batch(batches.indices(number), self.compute.device, self.compute.kind)
    }

    /// Whether a measurement falls on this step: as many as are wanted, evenly spread, the last on the last step.
    fn due(&self, step: u64, steps: u64) -> bool {
        let measurement = |step: u64| step * self.args.measurements / steps;
        measurement(step) > measurement(step - 1)
    }

    /// Adds a row to a course, of the losses seen since the last one.
    fn measure(
        &self,
        course: &mut Course,
        images: u64,
        seen: &mut Vec<Vec<f64>>,
        generator: &dyn ModuleT,
        z_dim: i64,
    ) -> Result<()> {
        let held_out = self.images.held_out();
        let z = fixed_z(self.seed, held_out.len() as i64, z_dim, self.compute);
        let drawn = no_grad(|| generator.forward_t(&z, false)).to_device(Device::Cpu);
        let real = self.images.batch(&held_out, Device::Cpu, Kind::Float);
        let swd = swd::distances(&real, &[&drawn], self.seed)[0].mean;
        let column = |i: usize| seen.iter().map(|losses| losses[i]).collect::<Vec<f64>>();
        let losses: Vec<f64> = (0..course.losses.len()).map(|i| mean(&column(i))).collect();
        seen.clear();
        eprintln!("{} seed {}  {images:>6} images  distance {swd:.1}", course.network, course.seed);
        course.rows.push(Row { images, losses, swd });
        let path = self.out.join(format!("{}-{}.png", course.network, course.seed));
        sheet::save_sheet(&drawn.narrow(0, 0, 64), 8, &path)
    }
}

/// ρ of each loss and the distance, one row a loss, with one column a seed.
fn table(courses: &[Course]) -> String {
    let mut text =
        String::from("| network | loss | ρ of the loss and the distance |\n|---|---|---|\n");
    for network in ["dcgan", "wgan-gp"] {
        let runs: Vec<&Course> = courses.iter().filter(|c| c.network == network).collect();
        for (i, loss) in runs[0].losses.iter().enumerate() {
            let one = |course: &&Course| {
                let pairs: Vec<_> = course.rows.iter().map(|r| (r.losses[i], r.swd)).collect();
                spearman(&pairs).map_or("–".into(), |rho| format!("{rho:+.2}").replace('-', "−"))
            };
            let correlations: Vec<String> = runs.iter().map(one).collect();
            text += &format!("| {network} | {loss} | {} |\n", correlations.join(", "));
        }
    }
    text
}

fn numbers(courses: &[Course]) -> String {
    let mut text = String::from("network,seed,images,loss,value,swd\n");
    for Course { network, losses, seed, rows } in courses {
        for Row { images, losses: values, swd } in rows {
            for (loss, value) in losses.iter().zip(values) {
                text += &format!("{network},{seed},{images},{loss},{value:.4},{swd:.2}\n");
            }
        }
    }
    text
}

/// One panel a loss of interest: the loss against the distance, a point for each measurement, a colour for each seed.
fn plot(path: &Path, courses: &[Course]) -> Result<()> {
    const PANELS: [(&str, &str, &str); 3] = [
        ("dcgan", "generator_loss", "DCGAN: the generator's loss"),
        ("dcgan", "discriminator_loss", "DCGAN: the discriminator's loss"),
        ("wgan-gp", "wasserstein", "WGAN-GP: the critic's estimate"),
    ];
    const COLOURS: [RGBColor; 3] =
        [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];
    let root = SVGBackend::new(path, (960, 360)).into_drawing_area();
    let draw = || -> Result<(), DrawingAreaErrorKind<_>> {
        root.fill(&WHITE)?;
        for (area, (network, loss, title)) in root.split_evenly((1, 3)).iter().zip(PANELS) {
            let runs: Vec<&Course> = courses.iter().filter(|c| c.network == network).collect();
            let place = runs[0].losses.iter().position(|name| *name == loss).expect("a loss");
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
