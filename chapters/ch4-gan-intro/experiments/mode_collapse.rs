//! Mode collapse, made to happen and counted.
//!
//! The same two networks learn the ring three times with each of three settings. A longer z makes it harder: the
//! untrained generator then has all its points in a heap, and one run in three stays there. And in the last setting the
//! discriminator's steps are a tenth of the generator's: it is slow to notice that the generator has put all its points in
//! one place, and by the time it has learnt to reject that place, the generator has gone on to another. The losses tell nothing of this; counting the modes does.
//!
//! ```text
//! cargo run -p ch4-gan-intro --example mode-collapse
//! ```
//!
//! takes a minute or two and writes into `runs/ch4-gan-intro/mode-collapse/`: `modes.svg`, `modes.csv`, `table.md`, and the
//! last thousand steps of one of the collapsed runs, as pictures, as `collapse.gif`, and six of them in `collapse.png`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use ch4_gan_intro::picture::{Judgement, Scene, animate, overview};
use ch4_gan_intro::points::Points;
use ch4_gan_intro::quality::{Modes, energy_distance};
use ch4_gan_intro::run::LOOK_AT;
use ch4_gan_intro::train::{Gan, Losses, Settings};
use clap::Parser;
use plotters::prelude::*;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::{main_with, say};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::progress::Watch;
use toolkit::{Compute, folder};

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };
const SEEDS: [u64; 3] = [0, 1, 2];

/// So often the modes are counted.
const EVERY: u64 = 100;

/// So often a picture is drawn in the last thousand steps of the run that is shown.
const PICTURE_EVERY: u64 = 40;

/// What is varied.
struct Case {
    name: &'static str,
    z_dim: i64,
    discriminator_learning_rate: f64,
    colour: RGBColor,
}

const CASES: [Case; 3] = [
    Case {
        name: "z of length 2, equal steps",
        z_dim: 2,
        discriminator_learning_rate: 1e-3,
        colour: RGBColor(0, 114, 178),
    },
    Case {
        name: "z of length 16, equal steps",
        z_dim: 16,
        discriminator_learning_rate: 1e-3,
        colour: RGBColor(0, 158, 115),
    },
    Case {
        name: "z of length 16, D's steps a tenth",
        z_dim: 16,
        discriminator_learning_rate: 1e-4,
        colour: RGBColor(213, 94, 0),
    },
];

/// How one run went.
struct Course {
    case: &'static Case,
    seed: u64,
    /// After each `EVERY` steps.
    modes: Vec<Modes>,
    energy_distance: f64,
    /// Means over the last `EVERY` steps.
    discriminator_loss: f64,
    generator_loss: f64,
}

#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Folder for the results [default: runs/ch4-gan-intro/mode-collapse]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Generator updates in each run
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(EVERY..))]
    steps: u64,
}

fn main() -> ExitCode {
    main_with("mode-collapse", "Makes mode collapse happen, and counts", "", |cli: Cli| {
        let folder = folder::of_experiment("ch4-gan-intro", "mode-collapse", cli.out)?;
        let samples = folder.join("frames");
        remove_frames(&samples)?;
        let mut courses = Vec::new();
        for case in &CASES {
            for seed in SEEDS {
                // The first run of the last case is shown.
                let shown = case.discriminator_learning_rate < 1e-3 && seed == SEEDS[0];
                let frames = shown.then_some(samples.as_path());
                let course = follow(case, seed, cli.steps, frames)?;
                eprintln!("{}", row(&course));
                courses.push(course);
            }
        }
        folder::write_whole(&folder.join("table.md"), &table(&courses))?;
        folder::write_whole(&folder.join("modes.csv"), &numbers(&courses))?;
        plot(&folder.join("modes.svg"), &courses)?;
        let pictures = animate(&samples, &folder.join("collapse.gif"))?;
        let shown: Vec<u64> = (0..6).rev().map(|i| cli.steps.saturating_sub(160 * i)).collect();
        overview(&pictures, &shown, &folder.join("collapse.png"))?;
        say(folder.join("modes.svg").display());
        Ok(())
    })
}

/// Removes the pictures of an earlier run, which may be of other steps.
fn remove_frames(folder: &Path) -> Result<()> {
    let pictures = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for picture in pictures.filter(|path| path.extension().is_some_and(|ending| ending == "png")) {
        fs::remove_file(&picture).with_context(|| picture.display().to_string())?;
    }
    Ok(())
}

/// One run, with pictures if there is a folder for them.
fn follow(case: &'static Case, seed: u64, steps: u64, frames: Option<&Path>) -> Result<Course> {
    seed_step(seed, 0);
    let settings = Settings { z_dim: case.z_dim, ..Settings::default() };
    let mut gan = Gan::new(&settings, CPU);
    let [_, (_, discriminator_adam)] = gan.parts();
    discriminator_adam.learning_rate = case.discriminator_learning_rate;
    let z = fixed_z(0, LOOK_AT, case.z_dim, CPU).flatten(1, -1);
    let real = Points::Ring.draw(LOOK_AT);

    let (mut modes, mut losses) = (Vec::new(), Vec::new());
    let mut watch = Watch::begin(&format!("{}, seed {seed}", case.name));
    for step in 1..=steps {
        seed_step(seed, step);
        losses.push(gan.step(&Points::Ring.draw(256)));
        if step % EVERY == 0 {
            let fake = no_grad(|| z.apply_t(&gan.generator, false));
            modes.push(Modes::of(&fake));
        }
        losses.drain(..losses.len().saturating_sub(EVERY as usize));
        watch.tell(step as f64 / steps as f64);
        if let Some(frames) = frames
            && step + 1_000 > steps
            && step % PICTURE_EVERY == 0
        {
            save(frames, step, &real, &no_grad(|| z.apply_t(&gan.generator, false)), &gan)?;
        }
    }
    let mean = |loss: fn(&Losses) -> &Tensor| {
        losses.iter().map(|l| loss(l).double_value(&[])).sum::<f64>() / losses.len() as f64
    };
    Ok(Course {
        case,
        seed,
        modes,
        energy_distance: energy_distance(&no_grad(|| z.apply_t(&gan.generator, false)), &real),
        discriminator_loss: mean(|l| &l.discriminator),
        generator_loss: mean(|l| &l.generator),
    })
}

fn save(folder: &Path, step: u64, real: &Tensor, fake: &Tensor, gan: &Gan) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let judgement = Judgement::of(&gan.discriminator, CPU);
    let scene = Scene {
        title: format!("step {step}"),
        note: format!("{} of 8 modes", Modes::of(fake).reached),
        real: Some(real),
        fake: Some(fake),
        judgement: Some(&judgement),
    };
    scene.save(&folder.join(format!("{step:06}.png")))
}

impl Course {
    /// The mean number of modes reached in the second half of the run.
    fn usual_modes(&self) -> f64 {
        let half = &self.modes[self.modes.len() / 2..];
        half.iter().map(|modes| modes.reached as f64).sum::<f64>() / half.len() as f64
    }
}

/// All runs as a Markdown table.
fn table(courses: &[Course]) -> String {
    let head = "| setting | seed | modes reached, second half | at the end | good points | D's loss | G's loss | energy distance |\n|---|---|---|---|---|---|---|---|\n";
    courses.iter().fold(head.to_string(), |table, course| table + &row(course) + "\n")
}

fn row(course: &Course) -> String {
    let last = course.modes.last().expect("at least one look");
    format!(
        "| {} | {} | {:.1} | {} | {:.0} % | {:.3} | {:.3} | {:.4} |",
        course.case.name,
        course.seed,
        course.usual_modes(),
        last.reached,
        100.0 * last.good,
        course.discriminator_loss,
        course.generator_loss,
        course.energy_distance
    )
}

/// The modes reached over time, a line for each look.
fn numbers(courses: &[Course]) -> String {
    let mut text = String::from("setting,seed,step,modes,good\n");
    for course in courses {
        for (look, modes) in (1..).zip(&course.modes) {
            let name = course.case.name.replace(',', ";");
            let (seed, step) = (course.seed, look * EVERY);
            text += &format!("{name},{seed},{step},{},{}\n", modes.reached, modes.good);
        }
    }
    text
}

/// The modes reached over time, a panel for each setting and a line for each seed.
fn plot(path: &Path, courses: &[Course]) -> Result<()> {
    let root = SVGBackend::new(path, (960, 340)).into_drawing_area();
    let draw = || -> Result<(), DrawingAreaErrorKind<_>> {
        root.fill(&WHITE)?;
        for (panel, case) in root.split_evenly((1, CASES.len())).iter().zip(&CASES) {
            let of_case: Vec<&Course> =
                courses.iter().filter(|course| course.case.name == case.name).collect();
            let last = of_case[0].modes.len() as u64 * EVERY;
            let mut chart = ChartBuilder::on(panel)
                .margin(12)
                .caption(case.name, ("sans-serif", 18))
                .x_label_area_size(48)
                .y_label_area_size(48)
                .build_cartesian_2d(0..last, 0.0..8.2)?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.12))
                .x_labels(6)
                .y_labels(9)
                .y_label_formatter(&|modes| format!("{modes:.0}"))
                .x_desc("generator updates")
                .y_desc("modes reached")
                .label_style(("sans-serif", 17))
                .draw()?;
            for course in of_case {
                // Lines of different seeds lie a little apart where they are equal.
                let apart = (course.seed as f64 - 1.0) * 0.06;
                let points = (1..).zip(&course.modes);
                let points = points.map(|(look, m)| (look * EVERY, m.reached as f64 + apart));
                let style = case.colour.mix(0.75).stroke_width(2);
                chart.draw_series(LineSeries::new(points, style))?;
            }
        }
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}
