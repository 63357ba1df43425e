//! `config.json`: all that decides a run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cli::Preset;
use crate::images::{ImageSet, LoadOptions};
use crate::source;

/// How long a preset trains, on what, and in what portions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The images: an embedded set's name or a folder.
    pub data: String,
    /// Number of generator updates.
    pub steps: u64,
    /// Images in a batch.
    pub batch_size: u64,
    /// Batches of real images that one generator update consumes.
    pub batches_per_step: u64,
}

/// The contents of `config.json`: all that decides a run. `S` holds what a chapter's papers speak of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Config<S> {
    /// The chapter's crate.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The preset that the rest began from.
    pub preset: Preset,
    /// Where all randomness starts.
    pub seed: u64,
    /// Height and width of the images in pixels.
    pub side: i64,
    /// 1 for grey, 3 for colour.
    pub channels: i64,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// `f32` or `bf16`.
    pub precision: String,
    /// Number of CPU threads. Sums are added up in another order with another number.
    pub threads: i32,
    /// Whether unreadable images are left out.
    pub skip_bad: bool,
    /// Data, length and batches.
    pub schedule: Schedule,
    /// The chapter's own settings.
    pub settings: S,
}

impl<S: Serialize + DeserializeOwned> Config<S> {
    /// Reads the settings that belong to a run folder or a folder of weights.
    ///
    /// # Errors
    /// If there is none, or it is not `program`'s.
    pub fn read(folder: &Path, program: &str) -> Result<Self> {
        read(folder, program)
    }
}

/// Reads the `config.json` of a run folder or a folder of weights, whatever else than `program` it holds.
///
/// # Errors
/// If there is none, or it is not `program`'s.
pub fn read<C: DeserializeOwned>(folder: &Path, program: &str) -> Result<C> {
    let path = folder.join("config.json");
    let text = fs::read_to_string(&path).with_context(|| {
        format!("{}: no run and no weights here, since there is no config.json", folder.display())
    })?;
    let value: serde_json::Value =
        serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let found = value["program"].as_str().unwrap_or("another program");
    ensure!(
        found == program,
        "{}: made by {found}, and {program} has other networks",
        path.display()
    );
    serde_json::from_value(value).with_context(|| path.display().to_string())
}

/// Reads the images of a run.
///
/// # Errors
/// If they cannot be read; see [`ImageSet::load`].
pub fn load_images<S>(config: &Config<S>) -> Result<ImageSet> {
    let folder = source::folder(&config.schedule.data)?;
    load_folder(&folder, config.side as u32, config.channels as usize, config.skip_bad)
}

/// Reads an embedded set by itself, for an experiment that needs no run: `side` pixels, 1 or 3 `channels`.
///
/// # Errors
/// If it cannot be drawn or read; see [`ImageSet::load`].
pub fn embedded_images(name: &str, side: u32, channels: usize) -> Result<ImageSet> {
    load_folder(&source::folder(name)?, side, channels, false)
}

/// Reads `count` images of the kind of an embedded set that are not in it; see [`source::unseen`].
///
/// # Errors
/// As [`embedded_images`].
pub fn unseen_images(name: &str, count: usize, side: u32, channels: usize) -> Result<ImageSet> {
    load_folder(&source::unseen(name, count)?, side, channels, false)
}

fn load_folder(folder: &Path, side: u32, channels: usize, skip_bad: bool) -> Result<ImageSet> {
    let cache = source::home().join("data").join(".cache");
    ImageSet::load(folder, &LoadOptions { side, channels, skip_bad, cache })
}
