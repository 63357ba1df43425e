//! Tables, plots and the picture of all sheets, and the page that holds them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::{DynamicImage, Rgb, RgbImage, imageops};
use serde::Serialize;
use toolkit::folder::write_whole;

use crate::experiment::{Plan, trial_folder};
use crate::plots;
use crate::record::{Record, Summary};
use crate::train::Loss;
use crate::trials::{BALANCED, Group, Trial};
use toolkit::stats::{mean, spearman};

/// A trial and the records of all its seeds.
pub struct Made<'a> {
    /// What was tried.
    pub trial: &'static Trial,
    /// One for each seed, by seed.
    pub records: Vec<&'a Record>,
    summaries: Vec<Summary>,
}

impl Made<'_> {
    fn column(&self, value: fn(&Summary) -> f64) -> Vec<f64> {
        self.summaries.iter().map(value).collect()
    }
}

/// The records by trial, in the order in which they come.
pub fn by_trial<'a>(records: &'a [(&'static Trial, Record)]) -> Vec<Made<'a>> {
    records
        .chunk_by(|a, b| a.0.name == b.0.name)
        .map(|chunk| Made {
            trial: chunk[0].0,
            records: chunk.iter().map(|(_, record)| record).collect(),
            summaries: chunk.iter().map(|(_, record)| record.summary()).collect(),
        })
        .collect()
}

/// A table: the same cells as Markdown and, in `trials.csv`, as numbers.
pub struct Table {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> = self.header.iter().map(|_| "---".to_string()).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.header) + &line(&rule) + &rows
    }
}

/// What a change did to the distance, compared seed by seed with the trial that it is a change of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Smaller by more than a tenth with every seed.
    Helps,
    /// Larger by more than a tenth with every seed.
    Harms,
    /// Neither.
    Unclear,
}

impl Verdict {
    /// `pairs` are the distances (without the change, with it) of each seed.
    pub fn of(pairs: &[(f64, f64)]) -> Verdict {
        if pairs.is_empty() {
            Verdict::Unclear
        } else if pairs.iter().all(|(without, with)| *with < 0.9 * without) {
            Verdict::Helps
        } else if pairs.iter().all(|(without, with)| *with > 1.1 * without) {
            Verdict::Harms
        } else {
            Verdict::Unclear
        }
    }

    fn text(self) -> &'static str {
        match self {
            Verdict::Helps => "helps",
            Verdict::Harms => "harms",
            Verdict::Unclear => "no clear difference",
        }
    }
}

/// Writes everything into the folder of a run, and gives the path of the page.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path, plan: &Plan, records: &[(&'static Trial, Record)]) -> Result<PathBuf> {
    let (tables, plots) = (folder.join("tables"), folder.join("plots"));
    for folder in [&tables, &plots] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let made = by_trial(records);
    let mut page = head(plan, records);
    for group in Group::ALL {
        let table = group_table(group, &made);
        if table.rows.is_empty() {
            continue;
        }
        let markdown = table.markdown();
        write_whole(&tables.join(format!("{}.md", group.name())), &markdown)?;
        page += &format!("\n## {}\n\n{markdown}", group.title());
        if group == Group::Sweep {
            page += &sweep_text(&made);
        }
        let plot = plots::of_group(group, &made, &plots)?;
        page += &format!("\n![{plot}](plots/{plot}.svg)\n");
    }
    let table = loss_table(&made);
    if !table.rows.is_empty() {
        let markdown = table.markdown();
        write_whole(&tables.join("loss-and-quality.md"), &markdown)?;
        page += &format!("\n## Loss does not show quality\n\n{}\n\n{markdown}", loss_text(&made));
        if plots::loss_against_distance(&made, &plots.join("loss-and-quality.svg"))? {
            page += "\n![loss-and-quality](plots/loss-and-quality.svg)\n";
        }
    }
    write_whole(&tables.join("trials.csv"), &csv(&made)?)?;
    let sheets = folder.join("sheets.png");
    write_sheets(folder, &made, &sheets)?;
    page += &format!("\n## What they draw\n\n{}\n![sheets](sheets.png)\n", sheet_key(&made));
    let path = folder.join("report.md");
    write_whole(&path, &page)?;
    Ok(path)
}

/// How the numbers came about, for whoever finds the page by itself.
fn head(plan: &Plan, records: &[(&'static Trial, Record)]) -> String {
    let seconds: f64 = records.iter().map(|(_, record)| record.result.seconds).sum();
    let seeds: Vec<String> = plan.seeds.iter().map(u64::to_string).collect();
    let floor = mean(&records.iter().map(|(_, r)| r.result.swd_floor).collect::<Vec<f64>>());
    let untrained =
        mean(&records.iter().map(|(_, r)| r.result.swd_untrained).collect::<Vec<f64>>());
    format!(
        "# Training tricks\n\n\
        {} {}, {} setting: {}, {} turns of the generator in each trial, seeds {}; device {}, {} threads, f32; {:.1} minutes in all.\n\n\
        The distance is the sliced Wasserstein distance × 10³ of {} generated images from as many held-out ones at the end of a trial; lower is better. \
        Other real images come to {floor:.1}, an untrained generator to {untrained:.1}. \
        The spread says how much the generated images differ from each other, real ones being 1. \
        The gradient is that of the generator's loss by its weights, its length; it and D's share of right answers are from the later half of a trial. \
        Where there are several seeds a cell holds the mean and, in brackets, the smallest and the largest. \
        \"Helps\" and \"harms\" mean a distance that is smaller or larger by more than a tenth with every seed.\n",
        plan.program,
        plan.version,
        if plan.full { "full" } else { "quick" },
        plan.data,
        plan.steps,
        seeds.join(", "),
        plan.device,
        plan.threads,
        seconds / 60.0,
        plan.measured,
    )
}

/// The table of a group.
pub fn group_table(group: Group, made: &[Made<'_>]) -> Table {
    let header = [
        "trial",
        "what changes",
        "distance",
        "spread",
        "gradient at G",
        "steps with gradient 0",
        "G moves",
        "D right on real",
        "D right on fakes",
        "against",
        "",
    ];
    let rows = made
        .iter()
        .filter(|made| made.trial.groups.contains(&group))
        .map(|one| {
            let percent = |values: Vec<f64>| {
                cell(&values.iter().map(|v| 100.0 * v).collect::<Vec<f64>>(), |v| {
                    format!("{v:.0} %")
                })
            };
            let against = one.trial.against.and_then(|name| {
                let other = made.iter().find(|other| other.trial.name == name)?;
                let pairs = seed_pairs(other, one);
                // One seed is an indication, and has to say so itself.
                let doubt = if pairs.len() == 1 { ", with one seed" } else { "" };
                Some((name, format!("{}{doubt}", Verdict::of(&pairs).text())))
            });
            vec![
                format!("`{}`", one.trial.name),
                one.trial.changes.into(),
                cell(&one.column(|s| s.swd), |v| format!("{v:.1}")),
                cell(&one.column(|s| s.spread), |v| format!("{v:.2}")),
                cell(&one.column(|s| s.g_gradient), scientific),
                percent(one.column(|s| s.dead)),
                cell(&one.column(|s| s.g_moved), |v| format!("{v:.3}")),
                percent(one.column(|s| s.d_real)),
                percent(one.column(|s| s.d_fake)),
                against.as_ref().map_or(String::new(), |(name, _)| format!("`{name}`")),
                against.map_or(String::new(), |(_, verdict)| verdict),
            ]
        })
        .collect();
    Table { header: header.map(String::from).to_vec(), rows }
}

/// How far seeds and how far settings move the outcome, where there are several of both.
fn sweep_text(made: &[Made<'_>]) -> String {
    let distances = |one: &Made<'_>| one.column(|s| s.swd);
    let sweep = made.iter().filter(|one| one.trial.groups.contains(&Group::Sweep));
    let means: Vec<f64> = sweep.map(|one| mean(&distances(one))).collect();
    let balanced = made.iter().find(|one| one.trial.settings == BALANCED).map(distances);
    let Some(balanced) = balanced.filter(|d| d.len() > 1 && means.len() > 1) else {
        return String::new();
    };
    let (low, high) = span(&means);
    let (lowest, highest) = span(&balanced);
    format!(
        "\nThe seed alone moves `balanced` from {lowest:.1} to {highest:.1}; one hyperparameter moves the mean from {low:.1} to {high:.1}.\n"
    )
}

fn span(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// What the table of losses says, and the same question asked of all trials under one loss.
fn loss_text(made: &[Made<'_>]) -> String {
    let mut text = "ρ is Spearman's rank correlation of the generator's loss, averaged between two measurements, and the distance, within one trial. \
        If a falling loss meant better images, it would be near +1 everywhere."
        .to_string();
    let pairs: Vec<(f64, f64)> = made
        .iter()
        .filter(|one| one.trial.settings.loss == Loss::NonSaturating)
        .map(|one| {
            let losses: Vec<f64> = one.records.iter().map(|r| half_loss(r, true)).collect();
            (mean(&losses), mean(&one.column(|s| s.swd)))
        })
        .collect();
    if let Some(rho) = spearman(&pairs) {
        text += &format!(
            " Between the {} trials under the non-saturating loss on logits, the correlation of the loss in the second half and the distance at the end is {rho:+.2}.",
            pairs.len()
        );
    }
    text
}

/// The rank correlation of loss and distance in every trial.
pub fn loss_table(made: &[Made<'_>]) -> Table {
    let header = [
        "trial",
        "ρ",
        "generator's loss, first half",
        "second half",
        "distance, middle",
        "at the end",
    ];
    let rows = made
        .iter()
        .map(|one| {
            let rho: Vec<f64> = one.summaries.iter().filter_map(|summary| summary.rho).collect();
            let half = |later: bool| {
                let losses: Vec<f64> = one.records.iter().map(|r| half_loss(r, later)).collect();
                cell(&losses, |v| if v.abs() < 0.01 { scientific(v) } else { format!("{v:.2}") })
            };
            let middle: Vec<f64> = one.records.iter().filter_map(|r| middle_distance(r)).collect();
            vec![
                format!("`{}`", one.trial.name),
                if rho.is_empty() { "–".into() } else { cell(&rho, |v| format!("{v:+.2}")) },
                half(false),
                half(true),
                if middle.is_empty() { "–".into() } else { cell(&middle, |v| format!("{v:.1}")) },
                cell(&one.column(|s| s.swd), |v| format!("{v:.1}")),
            ]
        })
        .collect();
    Table { header: header.map(String::from).to_vec(), rows }
}

fn half_loss(record: &Record, later: bool) -> f64 {
    let (first, second) = record.rows.split_at(record.rows.len() / 2);
    let rows = if later { second } else { first };
    mean(&rows.iter().map(|row| row.g_loss).collect::<Vec<f64>>())
}

fn middle_distance(record: &Record) -> Option<f64> {
    let half = &record.rows[..record.rows.len() / 2];
    half.iter().rev().find_map(|row| row.swd)
}

/// The distances of each seed that both trials have: (of `a`, of `b`).
fn seed_pairs(a: &Made<'_>, b: &Made<'_>) -> Vec<(f64, f64)> {
    let find = |made: &Made<'_>, seed: u64| {
        made.records.iter().position(|r| r.result.seed == seed).map(|i| made.summaries[i].swd)
    };
    let seeds = a.records.iter().map(|record| record.result.seed);
    seeds.filter_map(|seed| Some((find(a, seed)?, find(b, seed)?))).collect()
}

/// The mean and, where there are several values, the smallest and the largest.
fn cell(values: &[f64], format: impl Fn(f64) -> String) -> String {
    let (low, high) = span(values);
    let middle = format(mean(values));
    let (low, high) = (format(low), format(high));
    if low == high { middle } else { format!("{middle} ({low} to {high})") }
}

fn scientific(value: f64) -> String {
    if value == 0.0 {
        "0".into()
    } else if value.abs() >= 0.1 {
        format!("{value:.1}")
    } else {
        format!("{value:.0e}")
    }
}

/// A row of `trials.csv`.
#[derive(Serialize)]
struct CsvRow<'a> {
    trial: &'a str,
    seed: u64,
    swd: f64,
    spread: f64,
    g_gradient: f64,
    dead: f64,
    g_moved: f64,
    d_real: f64,
    d_fake: f64,
    rho: Option<f64>,
    swd_floor: f64,
    swd_untrained: f64,
    seconds: f64,
}

fn csv(made: &[Made<'_>]) -> Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for one in made {
        for (record, s) in one.records.iter().zip(&one.summaries) {
            let result = &record.result;
            csv.serialize(CsvRow {
                trial: one.trial.name,
                seed: result.seed,
                swd: s.swd,
                spread: s.spread,
                g_gradient: s.g_gradient,
                dead: s.dead,
                g_moved: s.g_moved,
                d_real: s.d_real,
                d_fake: s.d_fake,
                rho: s.rho,
                swd_floor: result.swd_floor,
                swd_untrained: result.swd_untrained,
                seconds: result.seconds,
            })?;
        }
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

/// Sheets to a row of the picture.
const ACROSS: usize = 3;
/// White pixels between two sheets.
const BETWEEN: u32 = 14;

/// Every trial's sheet of its first seed, in the order of the tables.
fn write_sheets(folder: &Path, made: &[Made<'_>], path: &Path) -> Result<()> {
    let mut sheets = Vec::new();
    for one in made {
        let from = trial_folder(folder, one.trial.name, one.records[0].result.seed);
        let from = from.join("samples.png");
        let sheet = image::open(&from).with_context(|| from.display().to_string())?;
        sheets.push(sheet.to_rgb8());
    }
    let (width, height) =
        sheets.iter().fold((0, 0), |(w, h), s| (w.max(s.width()), h.max(s.height())));
    let (step_x, step_y) = (width + BETWEEN, height + BETWEEN);
    let (columns, rows) = (sheets.len().min(ACROSS) as u32, sheets.len().div_ceil(ACROSS) as u32);
    let size = (columns * step_x + BETWEEN, rows * step_y + BETWEEN);
    let mut page = RgbImage::from_pixel(size.0, size.1, Rgb([200, 208, 216]));
    for (index, sheet) in sheets.iter().enumerate() {
        let (x, y) = ((index % ACROSS) as u32, (index / ACROSS) as u32);
        imageops::replace(
            &mut page,
            sheet,
            i64::from(BETWEEN + x * step_x),
            i64::from(BETWEEN + y * step_y),
        );
    }
    let page = DynamicImage::from(page);
    // A third of the size, where all images are grey.
    let grey =
        sheets.iter().all(|sheet| sheet.pixels().all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2]));
    let page = if grey { page.to_luma8().into() } else { page };
    page.save(path).with_context(|| path.display().to_string())
}

/// Which sheet stands where: a table of the same shape as the picture.
fn sheet_key(made: &[Made<'_>]) -> String {
    let rows = made
        .chunks(ACROSS)
        .map(|row| {
            let mut cells: Vec<String> = row
                .iter()
                .map(|one| {
                    let swd = one.summaries[0].swd;
                    format!("`{}`: {}; distance {swd:.1}", one.trial.name, one.trial.changes)
                })
                .collect();
            cells.resize(ACROSS.min(made.len()), String::new());
            cells
        })
        .collect();
    let header = ["left", "middle", "right"].map(String::from)[..ACROSS.min(made.len())].to_vec();
    Table { header, rows }.markdown()
}
