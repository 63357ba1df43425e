//! The losses of every step, in memory for the plot and in `log.csv`.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tch::Tensor;

use crate::folder::write_whole;
use crate::plot;

/// The losses of every step, in memory for the plot and in `log.csv`.
pub struct Log {
    path: PathBuf,
    file: File,
    steps_per_epoch: u64,
    /// Tensors whose numbers have not been asked for yet.
    pending: Vec<(u64, Vec<(&'static str, Tensor)>)>,
    names: Vec<String>,
    curves: Vec<Vec<(u64, f64)>>,
}

impl Log {
    /// Opens the log of a run of which `done` steps count; rows of later steps, which no checkpoint holds, are dropped.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn open(path: &Path, done: u64, steps_per_epoch: u64) -> Result<Log> {
        let text = match fs::read_to_string(path) {
            Ok(text) if done > 0 => text,
            Err(e) if e.kind() != ErrorKind::NotFound => {
                return Err(e).with_context(|| path.display().to_string());
            }
            _ => String::new(),
        };
        let mut lines = text.lines();
        let names: Vec<String> =
            lines.next().unwrap_or("step").split(',').skip(1).map(String::from).collect();
        let mut kept = text.lines().take(1).map(|header| format!("{header}\n")).collect::<String>();
        let mut curves = vec![Vec::new(); names.len()];
        let mut seen = HashSet::new();
        for line in lines {
            let mut values = line.split(',');
            let step = values.next().and_then(|s| s.parse::<u64>().ok()).unwrap_or(u64::MAX);
            // A kill may have cut the last row.
            let is_whole = values.clone().count() == names.len();
            if step > done || !is_whole || !seen.insert(step) {
                continue;
            }
            kept += line;
            kept.push('\n');
            for (curve, value) in curves.iter_mut().zip(values) {
                curve.push((step, value.parse().unwrap_or(f64::NAN)));
            }
        }
        write_whole(path, &kept)?;
        let file = OpenOptions::new().append(true).open(path);
        let file = file.with_context(|| path.display().to_string())?;
        let pending = Vec::new();
        Ok(Log { path: path.into(), file, steps_per_epoch, pending, names, curves })
    }

    /// Generator updates in a pass through the training images.
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Takes the losses of a step, scalars without a graph. Their numbers are not asked for before [`Log::flush`].
    pub fn push(&mut self, step: u64, losses: Vec<(&'static str, Tensor)>) {
        self.pending.push((step, losses));
    }

    /// How many steps wait for [`Log::flush`].
    pub fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    /// Reads the pending losses from the device, writes them, and returns each one's mean.
    ///
    /// # Errors
    /// If the file cannot be written, or a loss is not a number any more; it is written then too. Whoever flushes before a checkpoint
    /// makes none of weights that are lost.
    pub fn flush(&mut self) -> Result<Vec<(String, f64)>> {
        let pending = std::mem::take(&mut self.pending);
        let count = pending.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut lost = None;
        for (step, losses) in pending {
            if self.names.is_empty() {
                self.names = losses.iter().map(|(name, _)| name.to_string()).collect();
                self.curves = vec![Vec::new(); losses.len()];
                self.write_header()?;
            }
            for (curve, (name, loss)) in self.curves.iter_mut().zip(&losses) {
                let value = loss.double_value(&[]);
                curve.push((step, value));
                if !value.is_finite() {
                    lost.get_or_insert((step, *name));
                }
            }
            self.write_row(self.curves[0].len() - 1)?;
        }
        if let Some((step, name)) = lost {
            let path = self.path.display();
            bail!(
                "{path}: {name} is not a finite number in step {step}; a checkpoint, if there is one, is from before"
            );
        }
        let mean = |curve: &Vec<(u64, f64)>| {
            curve.iter().rev().take(count).map(|p| p.1).sum::<f64>() / count as f64
        };
        Ok(self.names.iter().cloned().zip(self.curves.iter().map(mean)).collect())
    }

    fn write_header(&mut self) -> Result<()> {
        let line = format!("step,{}\n", self.names.join(","));
        self.file.write_all(line.as_bytes()).with_context(|| self.path.display().to_string())
    }

    fn write_row(&mut self, row: usize) -> Result<()> {
        let values: Vec<String> = self.curves.iter().map(|c| c[row].1.to_string()).collect();
        let line = format!("{},{}\n", self.curves[0][row].0, values.join(","));
        self.file.write_all(line.as_bytes()).with_context(|| self.path.display().to_string())
    }

    /// Draws the losses as SVG.
    ///
    /// # Errors
    /// If the picture cannot be written.
    pub fn plot(&self, path: &Path) -> Result<()> {
        let curves: Vec<plot::Curve<'_>> = self
            .names
            .iter()
            .zip(&self.curves)
            .map(|(name, points)| plot::Curve { name, points })
            .collect();
        plot::losses(path, &curves, self.steps_per_epoch)
    }
}
