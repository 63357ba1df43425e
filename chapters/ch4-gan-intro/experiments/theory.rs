//! A discriminator on the way to p / (p + q), as a figure.
//!
//! Real points come from one Gaussian, fakes from another, and both stay as they are: the generator does not learn. Along the line
//! through both middles the figure shows the two densities, the answer that the theory gives, and the answers of the
//! discriminator after so and so many steps.
//!
//! ```text
//! cargo run -p ch4-gan-intro --example theory
//! ```
//!
//! writes `runs/ch4-gan-intro/theory/theory.svg`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use ch4_gan_intro::theory::{Gaussian, Grid, best_answer, best_value, jensen_shannon, to_tensor};
use ch4_gan_intro::train::{Gan, Settings};
use clap::Parser;
use plotters::prelude::*;
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::{main_with, say};
use toolkit::noise::seed_step;
use toolkit::plot::legend;
use toolkit::{Compute, folder};

const REAL: Gaussian = Gaussian { mean: [-0.5, 0.0], sd: [0.35, 0.35] };
const FAKE: Gaussian = Gaussian { mean: [0.4, 0.0], sd: [0.8, 0.8] };

/// The discriminator is looked at after so many steps.
const LOOKS: [u64; 4] = [20, 100, 500, 3_000];

/// Points of either kind in a batch: many, since here it is the limit that is of interest.
const BATCH: i64 = 1_024;

/// The line y = 0 is shown from −EDGE to EDGE.
const EDGE: f64 = 2.0;

#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Folder for the figure [default: runs/ch4-gan-intro/theory]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    main_with("theory", "Draws a discriminator on the way to p / (p + q)", "", |cli: Cli| {
        let folder = folder::of_experiment("ch4-gan-intro", "theory", cli.out)?;
        let file = folder.join("theory.svg");
        plot(&file, &learn())?;
        say(file.display());
        Ok(())
    })
}

/// The answers along the line at each look.
fn learn() -> Vec<Vec<f64>> {
    let grid = Grid::new(4.0, 200);
    let places = to_tensor(&grid.middles);
    let theory = best_value(jensen_shannon(&REAL, &FAKE, &grid));
    seed_step(0, 0);
    let compute = Compute { device: Device::Cpu, kind: Kind::Float };
    let mut gan = Gan::new(&Settings::default(), compute);
    let ask = |gan: &Gan, places: &Tensor| -> Vec<f64> {
        let answers = no_grad(|| gan.discriminator.forward_t(places, false).sigmoid());
        Vec::try_from(answers.to_kind(Kind::Double)).expect("a vector of numbers")
    };
    let mut curves = Vec::new();
    for step in 1..=LOOKS[LOOKS.len() - 1] {
        seed_step(0, step);
        if step == 1_000 {
            // Smaller steps from here on, so that it settles instead of dancing about the best answer.
            gan.parts()[1].1.learning_rate = 1e-4;
        }
        let _ = gan.discriminator_step(&REAL.draw(BATCH), &FAKE.draw(BATCH));
        if LOOKS.contains(&step) {
            curves.push(ask(&gan, &to_tensor(&line())));
            let answers = ask(&gan, &places);
            let density = |place| (REAL.density(place), FAKE.density(place));
            let error = grid.integral(|i, place| {
                let (p, q) = density(place);
                (answers[i] - best_answer(p, q)).abs() * (p + q) / 2.0
            });
            let value = grid.integral(|i, place| {
                let (p, q) = density(place);
                p * answers[i].ln() + q * (1.0 - answers[i]).ln()
            });
            eprintln!(
                "after {step:>4} steps: mean |D - p/(p+q)| {error:.4}, value of the game {value:.4}, at best {theory:.4}"
            );
        }
    }
    curves
}

/// Places on the line.
fn line() -> Vec<[f64; 2]> {
    (0..=400).map(|i| [(f64::from(i) / 200.0 - 1.0) * EDGE, 0.0]).collect()
}

fn plot(path: &Path, curves: &[Vec<f64>]) -> Result<()> {
    const BLUE: RGBColor = RGBColor(0, 114, 178);
    const ORANGE: RGBColor = RGBColor(213, 94, 0);
    let root = SVGBackend::new(path, (900, 560)).into_drawing_area();
    let along = |f: &dyn Fn([f64; 2]) -> f64| -> Vec<(f64, f64)> {
        line().iter().map(|place| (place[0], f(*place))).collect()
    };
    let draw = || -> Result<(), DrawingAreaErrorKind<_>> {
        root.fill(&WHITE)?;
        let (upper, lower) = root.split_vertically(200);
        let mut densities = ChartBuilder::on(&upper)
            .margin(14)
            .x_label_area_size(34)
            .y_label_area_size(74)
            .build_cartesian_2d(-EDGE..EDGE, 0.0..1.4)?;
        densities
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .y_desc("density")
            .y_labels(4)
            .label_style(("sans-serif", 17))
            .draw()?;
        for (name, gaussian, colour) in [("p, real", REAL, BLUE), ("q, fake", FAKE, ORANGE)] {
            let curve = along(&|place| gaussian.density(place));
            let area = [(-EDGE, 0.0)].into_iter().chain(curve.clone()).chain([(EDGE, 0.0)]);
            densities.draw_series([Polygon::new(area.collect::<Vec<_>>(), colour.mix(0.2))])?;
            densities
                .draw_series(LineSeries::new(curve, colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
        }
        legend(&mut densities, 15)?;
        let mut answers = ChartBuilder::on(&lower)
            .margin(14)
            .x_label_area_size(52)
            .y_label_area_size(74)
            .build_cartesian_2d(-EDGE..EDGE, 0.0..1.0)?;
        answers
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc("x, where y = 0")
            .y_desc("probability of being real")
            .label_style(("sans-serif", 17))
            .draw()?;
        let best = along(&|place| best_answer(REAL.density(place), FAKE.density(place)));
        answers
            .draw_series(LineSeries::new(best, BLACK.mix(0.3).stroke_width(9)))?
            .label("p / (p + q)")
            .legend(|(x, y)| {
                PathElement::new([(x, y), (x + 18, y)], BLACK.mix(0.3).stroke_width(9))
            });
        for ((step, curve), opacity) in LOOKS.iter().zip(curves).zip([0.25, 0.45, 0.7, 1.0]) {
            let style = RGBColor(150, 40, 110).mix(opacity).stroke_width(2);
            let curve = line().into_iter().zip(curve).map(|(place, answer)| (place[0], *answer));
            answers
                .draw_series(LineSeries::new(curve, style))?
                .label(format!("D after {step} steps"))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        legend(&mut answers, 15)?;
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}
