//! Plots of what a run logged, as SVG.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;

/// One curve: its name and its value at each step.
pub struct Curve<'a> {
    /// Shown in the legend.
    pub name: &'a str,
    /// `(step, value)`, in the order of the steps. Values that are not finite are left out.
    pub points: &'a [(u64, f64)],
}

/// More points than this to a curve cannot be told apart on the page.
const MAX_POINTS: usize = 1500;

/// Colours that stay apart for colour-blind readers (Okabe & Ito) on a light and on a dark page.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(130, 130, 130),
    RGBColor(0, 0, 0),
];

/// Draws the curves of a run, each in a panel of its own, since one loss may be a hundred times another: every step thin and pale, and
/// over it the mean of each epoch.
///
/// # Errors
/// If the file cannot be written.
pub fn losses(path: &Path, curves: &[Curve<'_>], steps_per_epoch: u64) -> Result<()> {
    draw(&SVGBackend::new(path, size(curves)).into_drawing_area(), curves, steps_per_epoch)
        .map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// The same as a text, for where there is no file.
///
/// # Errors
/// If it cannot be drawn.
pub fn losses_svg(curves: &[Curve<'_>], steps_per_epoch: u64) -> Result<String> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, size(curves)).into_drawing_area();
    draw(&root, curves, steps_per_epoch).map_err(|error| anyhow!("{error}"))?;
    drop(root);
    Ok(svg)
}

/// Height of the common axis below the lowest panel, in pixels.
const AXIS: u32 = 38;

/// Width and height in pixels.
fn size(curves: &[Curve<'_>]) -> (u32, u32) {
    (900, AXIS + if curves.len() > 2 { 160 } else { 220 } * curves.len().max(1) as u32)
}

fn draw<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    curves: &[Curve<'_>],
    steps_per_epoch: u64,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let last = curves.iter().flat_map(|curve| curve.points).map(|p| p.0).max().unwrap_or(1).max(2);
    root.fill(&WHITE)?;
    let (width, height) = root.dim_in_pixel();
    let panel_height = (height - AXIS) / curves.len().max(1) as u32;
    for (index, curve) in curves.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let lowest = index + 1 == curves.len();
        let (low, high) =
            range(curve.points.iter().map(|p| p.1).filter(|value| value.is_finite()).collect());
        let below = if lowest { AXIS } else { 0 };
        let panel =
            root.clone().shrink((0, index as u32 * panel_height), (width, panel_height + below));
        let mut chart = ChartBuilder::on(&panel)
            .margin_left(8)
            .margin_right(16)
            .caption(curve.name, ("sans-serif", 18, &colour))
            .x_label_area_size(8 + below)
            .y_label_area_size(74)
            .build_cartesian_2d(0..last, low..high)?;
        // As many digits as tell neighbouring labels apart.
        let digits = (1.5 - (high - low).log10()).clamp(0.0, 4.0) as usize;
        let written = |y: &f64| number(*y, digits);
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .y_labels(5)
            .y_label_formatter(&written)
            .label_style(("sans-serif", 17));
        if lowest {
            mesh.x_desc("generator updates");
        } else {
            mesh.x_label_formatter(&|_| String::new());
        }
        mesh.draw()?;
        chart.draw_series(LineSeries::new(thin_out(curve.points), colour.mix(0.45)))?;
        let means = epoch_means(curve.points, steps_per_epoch);
        chart.draw_series(LineSeries::new(means, colour.stroke_width(2)))?;
    }
    root.present()
}

/// What was measured now and then in several runs: its name and `(x, y)`, in the order of `x`.
pub type Course = (String, Vec<(f64, f64)>);

/// Draws such courses, from `y = 0` on, with a dot for every measurement. Values that are not finite are left out.
///
/// # Errors
/// If the file cannot be written.
pub fn courses(path: &Path, x_is: &str, y_is: &str, courses: &[Course]) -> Result<()> {
    let root = SVGBackend::new(path, (900, 480)).into_drawing_area();
    let draw = || -> Result<(), DrawingAreaErrorKind<_>> {
        let finite = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points.iter().copied().filter(|point| point.1.is_finite()).collect()
        };
        let all = finite(&courses.iter().flat_map(|course| course.1.clone()).collect::<Vec<_>>());
        let most = |value: fn(&(f64, f64)) -> f64| all.iter().map(value).fold(1.0, f64::max);
        root.fill(&WHITE)?;
        // Room to the right of the courses for the legend.
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .x_label_area_size(50)
            .y_label_area_size(74)
            .build_cartesian_2d(0.0..1.35 * most(|p| p.0), 0.0..1.05 * most(|p| p.1))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(x_is)
            .y_desc(y_is)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y:.0}"))
            .label_style(("sans-serif", 17))
            .draw()?;
        for ((name, points), colour) in courses.iter().zip(COLOURS.iter().cycle()) {
            let points = finite(points);
            let line = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(points.clone(), line))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], line));
            chart.draw_series(points.into_iter().map(|p| Circle::new(p, 3, colour.filled())))?;
        }
        legend(&mut chart, 17)?;
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// A number at an axis: with a real minus sign, and no minus before nothing.
pub fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let nothing = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    if nothing { "0".into() } else { text.replace('-', "−") }
}

/// Draws a chart's legend into its upper right corner, in letters of `size` pixels.
///
/// # Errors
/// If it cannot be drawn.
pub fn legend<'a, B: DrawingBackend + 'a, X, Y>(
    chart: &mut ChartContext<'a, B, Cartesian2d<X, Y>>,
    size: u32,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>>
where
    X: Ranged,
    Y: Ranged,
{
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", size))
        .draw()
}

/// The range that holds all but the wildest hundredth on either side, so that one spike does not flatten the rest.
fn range(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return (0.0, 1.0) };
    let (low, high) = (values[last / 100], values[last - last / 100]);
    let margin = ((high - low) * 0.08).max(1e-3);
    (low - margin, high + margin)
}

/// At most [`MAX_POINTS`] finite points of a curve, evenly spaced.
fn thin_out(points: &[(u64, f64)]) -> Vec<(u64, f64)> {
    let every = points.len().div_ceil(MAX_POINTS).max(1);
    points.iter().step_by(every).copied().filter(|p| p.1.is_finite()).collect()
}

/// The mean of each epoch, at its middle.
fn epoch_means(points: &[(u64, f64)], steps_per_epoch: u64) -> Vec<(u64, f64)> {
    let epoch = |p: &(u64, f64)| (p.0.max(1) - 1) / steps_per_epoch.max(1);
    points
        .chunk_by(|a, b| epoch(a) == epoch(b))
        .map(|chunk| {
            let sum: f64 = chunk.iter().map(|p| p.1).sum();
            (chunk[chunk.len() / 2].0, sum / chunk.len() as f64)
        })
        .filter(|p| p.1.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_an_axis() {
        let written = [(-1e-12, 2), (-0.5, 1), (0.01, 2), (1280.0, 0)].map(|(v, d)| number(v, d));
        assert_eq!(written, ["0", "−0.5", "0.01", "1280"]);
    }
}
