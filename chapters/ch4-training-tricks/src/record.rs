//! What a trial leaves behind: its log, the numbers that the tables are made of, and the files that hold both.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use toolkit::folder::write_whole;

use crate::train::Settings;
use toolkit::stats::{mean, median, spearman};

/// A row of `log.csv`: what was seen at one generator step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Turns of the generator so far.
    pub step: u64,
    /// What the discriminator minimised.
    pub d_loss: f64,
    /// What the generator minimised.
    pub g_loss: f64,
    /// The length of the gradient of the generator's loss by its weights.
    pub g_gradient: f64,
    /// How far the generator's weights moved.
    pub g_moved: f64,
    /// Share of real images that the discriminator took for real.
    pub d_real: f64,
    /// Share of fakes that the discriminator took for fakes.
    pub d_fake: f64,
    /// Sliced Wasserstein distance × 10³ from held-out images, where it was measured.
    pub swd: Option<f64>,
    /// How much the generated images differ among each other, as a share of how much real ones do, where it was measured.
    pub spread: Option<f64>,
}

/// A trial that has been made, with one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was made: `result.json`.
    pub result: TrialResult,
    /// One row for each step: `log.csv`.
    pub rows: Vec<Row>,
}

/// The contents of `result.json`, which is written last: where it exists, the trial is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The trial's name.
    pub trial: String,
    /// Where its randomness started.
    pub seed: u64,
    /// Turns of the generator.
    pub steps: u64,
    /// What it was made with.
    pub settings: Settings,
    /// Seconds of training and measuring.
    pub seconds: f64,
    /// The distance of other real images, which nothing can be expected to beat.
    pub swd_floor: f64,
    /// The distance of what the generator drew before its first step.
    pub swd_untrained: f64,
}

/// The later half of a trial in a few numbers, for the tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The distance at the end.
    pub swd: f64,
    /// The spread at the end.
    pub spread: f64,
    /// Median length of the generator's gradient.
    pub g_gradient: f64,
    /// Median distance that the generator's weights moved in a step.
    pub g_moved: f64,
    /// Share of steps, of the whole trial, in which the generator's gradient was exactly 0.
    pub dead: f64,
    /// Mean share of right answers on real images.
    pub d_real: f64,
    /// Mean share of right answers on fakes.
    pub d_fake: f64,
    /// Rank correlation of the generator's loss and the distance over the whole trial, where it is defined.
    pub rho: Option<f64>,
}

impl Record {
    /// The trial in a few numbers.
    pub fn summary(&self) -> Summary {
        let late = &self.rows[self.rows.len() / 2..];
        let column = |value: fn(&Row) -> f64| late.iter().map(value).collect::<Vec<f64>>();
        let last = |value: fn(&Row) -> Option<f64>| {
            self.rows.iter().rev().find_map(value).unwrap_or(f64::NAN)
        };
        let dead = self.rows.iter().filter(|row| row.g_gradient == 0.0).count();
        Summary {
            swd: last(|row| row.swd),
            spread: last(|row| row.spread),
            g_gradient: median(column(|row| row.g_gradient)),
            g_moved: median(column(|row| row.g_moved)),
            dead: dead as f64 / self.rows.len().max(1) as f64,
            d_real: mean(&column(|row| row.d_real)),
            d_fake: mean(&column(|row| row.d_fake)),
            rho: spearman(&self.loss_and_distance()),
        }
    }

    /// The generator's loss, averaged over the steps since the last measurement, beside each distance that was measured.
    pub fn loss_and_distance(&self) -> Vec<(f64, f64)> {
        let mut losses = Vec::new();
        let mut pairs = Vec::new();
        for row in &self.rows {
            losses.push(row.g_loss);
            if let Some(swd) = row.swd {
                pairs.push((mean(&losses), swd));
                losses.clear();
            }
        }
        pairs
    }

    /// Writes `log.csv` and, last, `result.json`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        for row in &self.rows {
            csv.serialize(row)?;
        }
        write_whole(&folder.join("log.csv"), &String::from_utf8(csv.into_inner()?)?)?;
        let json = serde_json::to_string_pretty(&self.result)? + "\n";
        write_whole(&folder.join("result.json"), &json)
    }

    /// Reads what [`Record::write`] wrote; `None` if the trial has not been made, or not to its end.
    ///
    /// # Errors
    /// If a file is damaged.
    pub fn read(folder: &Path) -> Result<Option<Record>> {
        let path = folder.join("result.json");
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let result: TrialResult =
            serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let path = folder.join("log.csv");
        let rows = || -> Result<Vec<Row>> {
            Ok(csv::Reader::from_path(&path)?.deserialize().collect::<Result<_, _>>()?)
        };
        let rows = rows().with_context(|| path.display().to_string())?;
        ensure!(
            rows.len() as u64 == result.steps,
            "{}: {} rows for {} steps",
            path.display(),
            rows.len(),
            result.steps
        );
        Ok(Some(Record { result, rows }))
    }
}
