//! Plots of the trials, as SVG.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::record::Row;
use crate::report::Made;
use crate::trials::Group;
use toolkit::plot;
use toolkit::stats::{median, spearman};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Colours that stay apart for colour-blind readers (Okabe & Ito).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(130, 130, 130),
];

/// The x axis is longer than the curves by this factor: room for the legend.
const LEGEND: f64 = 1.42;

/// Gradients below this, 0 among them, are drawn on the lower edge.
const SMALLEST_GRADIENT: f64 = 1e-12;

/// Draws the plot of a group into a folder, and gives its name.
///
/// # Errors
/// If the file cannot be written.
pub fn of_group(group: Group, made: &[Made<'_>], folder: &Path) -> Result<&'static str> {
    let shown: Vec<&Made<'_>> =
        made.iter().filter(|made| made.trial.groups.contains(&group)).collect();
    let name = group.name();
    let path = folder.join(format!("{name}.svg"));
    match group {
        Group::Losses | Group::Remedies | Group::Labels => draw(&path, 960, |root| {
            over_time(root, &shown, [Panel::Gradient, Panel::Right, Panel::Distance])
        })?,
        Group::Generator => draw(&path, 960, |root| {
            over_time(root, &shown, [Panel::Spread, Panel::Right, Panel::Distance])
        })?,
        Group::Sweep => draw(&path, 90 + 32 * shown.len() as u32, |root| dots(root, &shown))?,
    }
    Ok(name)
}

fn draw(path: &Path, height: u32, draw: impl Fn(&Area<'_>) -> Drawn) -> Result<()> {
    let root = SVGBackend::new(path, (900, height)).into_drawing_area();
    let drawn = root.fill(&WHITE).and_then(|()| draw(&root)).and_then(|()| root.present());
    drawn.map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// What is drawn over the turns of the generator.
#[derive(Clone, Copy)]
enum Panel {
    Gradient,
    Right,
    Distance,
    Spread,
}

impl Panel {
    fn title(self) -> &'static str {
        match self {
            Panel::Gradient => "length of the gradient at G (log; 0 on the lower edge)",
            Panel::Right => "share of D's right answers",
            Panel::Distance => "sliced Wasserstein distance × 10³ (lower is better)",
            Panel::Spread => "spread of the images (real ones: 1)",
        }
    }

    fn value(self, row: &Row) -> Option<f64> {
        match self {
            Panel::Gradient => Some(row.g_gradient.max(SMALLEST_GRADIENT)),
            Panel::Right => Some((row.d_real + row.d_fake) / 2.0),
            Panel::Distance => row.swd,
            Panel::Spread => row.spread,
        }
    }

    /// A curve of a trial: the median over the seeds, and for what is logged at every step, over a few steps, since single steps jump about.
    fn curve(self, made: &Made<'_>) -> Vec<(f64, f64)> {
        let steps = made.records.iter().map(|record| record.rows.len()).min().unwrap_or(0);
        let every = match self {
            Panel::Gradient | Panel::Right => (steps / 80).max(1),
            Panel::Distance | Panel::Spread => 1,
        };
        (0..steps / every)
            .filter_map(|k| {
                let rows = made.records.iter().flat_map(|r| &r.rows[k * every..(k + 1) * every]);
                let values: Vec<f64> = rows.filter_map(|row| self.value(row)).collect();
                let step = ((2 * k + 1) * every + 1) as f64 / 2.0;
                (!values.is_empty()).then(|| (step, median(values)))
            })
            .filter(|(_, value)| value.is_finite())
            .collect()
    }
}

/// Panels one below the other, in each a curve for every trial.
fn over_time(root: &Area<'_>, shown: &[&Made<'_>], panels: [Panel; 3]) -> Drawn {
    let last = shown.iter().flat_map(|made| &made.records).map(|r| r.rows.len()).max().unwrap_or(1);
    for (index, (area, panel)) in root.split_evenly((3, 1)).iter().zip(panels).enumerate() {
        let curves: Vec<_> =
            shown.iter().map(|made| (made.trial.name, panel.curve(made))).collect();
        let values = || curves.iter().flat_map(|(_, curve)| curve).map(|point| point.1);
        let high = values().fold(f64::MIN_POSITIVE, f64::max);
        let low = values().fold(high, f64::min);
        let x = 0.0..last as f64 * LEGEND;
        let legend = index == 0;
        match panel {
            Panel::Gradient => {
                lines(area, panel, x, (low / 2.0..high * 2.0).log_scale(), &curves, legend)?
            }
            Panel::Right => lines(area, panel, x, -0.03..1.03, &curves, legend)?,
            Panel::Distance | Panel::Spread => {
                lines(area, panel, x, 0.0..high * 1.05, &curves, legend)?
            }
        }
    }
    Ok(())
}

/// One panel. The room to the right of the curves is for the legend.
fn lines<Y>(
    area: &Area<'_>,
    panel: Panel,
    x: std::ops::Range<f64>,
    y: Y,
    curves: &[(&str, Vec<(f64, f64)>)],
    legend: bool,
) -> Drawn
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let last = x.end / LEGEND;
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title(), ("sans-serif", 19))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)?;
    let number = |value: &f64| match panel {
        Panel::Gradient => format!("{value:.0e}"),
        Panel::Distance => format!("{value:.0}"),
        Panel::Right | Panel::Spread => format!("{value:.1}"),
    };
    let turn = |step: &f64| if *step <= last { format!("{step:.0}") } else { String::new() };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_desc("turns of the generator")
        .x_label_formatter(&turn)
        .y_label_formatter(&number)
        .label_style(("sans-serif", 17))
        .draw()?;
    // Every other curve is thick and lies below the others, so that two equal neighbours can both be seen.
    let styles: Vec<ShapeStyle> = (COLOURS.iter().cycle().zip([2, 5].iter().cycle()))
        .map(|(colour, width)| colour.mix(if *width > 2 { 0.6 } else { 1.0 }).stroke_width(*width))
        .take(curves.len())
        .collect();
    for thick in [true, false] {
        for ((_, curve), style) in curves.iter().zip(&styles) {
            if (style.stroke_width > 2) == thick {
                chart.draw_series(LineSeries::new(curve.iter().copied(), *style))?;
            }
        }
    }
    if legend {
        for ((name, _), style) in curves.iter().zip(styles) {
            let line = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
            chart.draw_series(LineSeries::new([], style))?.label(*name).legend(line);
        }
        plot::legend(&mut chart, 16)?;
    }
    Ok(())
}

/// The generator's loss against the distance in the trial `balanced`: a dot for each measurement, darker with time, a colour for each seed.
/// `false` if that trial has not been made.
///
/// # Errors
/// If the file cannot be written.
pub fn loss_against_distance(made: &[Made<'_>], path: &Path) -> Result<bool> {
    let Some(balanced) = made.iter().find(|made| made.trial.name == "balanced") else {
        return Ok(false);
    };
    let runs: Vec<Vec<(f64, f64)>> =
        balanced.records.iter().map(|record| record.loss_and_distance()).collect();
    let points = || runs.iter().flatten();
    let span = |value: fn(&(f64, f64)) -> f64| {
        let low = points().map(value).fold(f64::INFINITY, f64::min);
        let high = points().map(value).fold(f64::NEG_INFINITY, f64::max);
        let margin = 0.08 * (high - low).max(1e-3);
        low - margin..high + margin
    };
    if points().any(|point| !point.0.is_finite() || !point.1.is_finite()) {
        return Ok(false);
    }
    let rho: Vec<String> =
        runs.iter().filter_map(|run| spearman(run)).map(|rho| format!("{rho:+.2}")).collect();
    draw(path, 520, |root| {
        let caption =
            format!("one dot a measurement, darker is later; rank correlation {}", rho.join(", "));
        let mut chart = ChartBuilder::on(root)
            .caption(caption, ("sans-serif", 19))
            .margin(14)
            .x_label_area_size(52)
            .y_label_area_size(74)
            .build_cartesian_2d(span(|point| point.0), span(|point| point.1))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc("generator's loss, mean since the last measurement")
            .y_desc("sliced Wasserstein distance × 10³")
            .y_label_formatter(&|y| format!("{y:.0}"))
            .label_style(("sans-serif", 17))
            .draw()?;
        for (run, colour) in runs.iter().zip(COLOURS[1..].iter().cycle()) {
            chart.draw_series(LineSeries::new(run.iter().copied(), colour.mix(0.25)))?;
            let age = |i: usize| 0.25 + 0.75 * (i + 1) as f64 / run.len() as f64;
            let dots = run.iter().enumerate();
            chart.draw_series(
                dots.map(|(i, point)| Circle::new(*point, 5, colour.mix(age(i)).filled())),
            )?;
        }
        Ok(())
    })?;
    Ok(true)
}

/// A line for each trial, with a dot for each seed at its distance.
fn dots(root: &Area<'_>, shown: &[&Made<'_>]) -> Drawn {
    let distances = |made: &Made<'_>| -> Vec<f64> {
        made.records.iter().map(|r| r.summary().swd).filter(|swd| swd.is_finite()).collect()
    };
    let high = shown.iter().flat_map(|made| distances(made)).fold(1.0, f64::max);
    let rows = shown.len() as f64;
    let mut chart = ChartBuilder::on(root)
        .margin(14)
        .x_label_area_size(52)
        .y_label_area_size(190)
        .build_cartesian_2d(0.0..high * 1.08, -rows + 0.5..0.5)?;
    let name = |y: &f64| {
        let row = (-y).round() as usize;
        shown.get(row).filter(|_| *y <= 0.1).map_or(String::new(), |made| made.trial.name.into())
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_desc("sliced Wasserstein distance × 10³ (lower is better)")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_labels(shown.len())
        .y_label_formatter(&name)
        .label_style(("sans-serif", 17))
        .draw()?;
    for (row, made) in shown.iter().enumerate() {
        let dots = distances(made).into_iter().map(|swd| (swd, -(row as f64)));
        let colour = COLOURS[1].mix(0.8).filled();
        chart.draw_series(dots.map(|dot| Circle::new(dot, 6, colour)))?;
    }
    Ok(())
}
