//! The folder of a run: where a new one goes, which one `--checkpoint` names, the checkpoint in it, and what can be taken out of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::{Adam, checkpoint, source};

/// The folder with the weights in it: `checkpoint/` of a run folder, or the folder itself.
pub fn weights_folder(folder: &Path) -> PathBuf {
    let checkpoint = folder.join("checkpoint");
    if checkpoint.is_dir() { checkpoint } else { folder.to_path_buf() }
}

/// What `--checkpoint` calls the newest run.
const NEWEST: &str = "newest";

/// The run folder, or folder of weights, that `--checkpoint` names: weights that come with the book by their name, `newest` for
/// the newest run of `program`, or a folder. Without a name, the first weights that come with the book, or where `program` has
/// none, the newest run.
///
/// # Errors
/// If a run is wanted and there is none.
pub fn chosen(program: &str, named: Option<&Path>) -> Result<PathBuf> {
    let mut shipped = shipped(program);
    let Some(named) = named else {
        if shipped.is_empty() {
            return newest(program);
        }
        let first = shipped.remove(0);
        eprintln!(
            "weights    {}, which come with the book; --checkpoint {NEWEST} takes your newest run",
            first.file_name().unwrap_or_default().display()
        );
        return Ok(first);
    };
    if named == Path::new(NEWEST) {
        return newest(program);
    }
    let of_that_name = shipped.into_iter().find(|folder| folder.ends_with(named));
    Ok(of_that_name.unwrap_or_else(|| named.to_path_buf()))
}

/// The folders of weights that come with the book, sorted: `chapters/PROGRAM/weights/NAME`.
fn shipped(program: &str) -> Vec<PathBuf> {
    let chapters =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the toolkit lies in chapters/");
    let entries = fs::read_dir(chapters.join(program).join("weights")).into_iter().flatten();
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The newest numbered run folder of `program` that has a checkpoint.
fn newest(program: &str) -> Result<PathBuf> {
    let runs = source::home().join("runs").join(program);
    let mut numbers = numbered(&runs);
    numbers.retain(|number| folder_of(&runs, *number).join("checkpoint").is_dir());
    let Some(number) = numbers.iter().max() else {
        bail!(
            "{}: no trained run here yet; train one first, or name one with --checkpoint",
            runs.display()
        )
    };
    Ok(folder_of(&runs, *number))
}

/// The folder for an experiment's results, made if need be: the one named, else `runs/PROGRAM/EXPERIMENT`.
///
/// # Errors
/// If it cannot be made.
pub fn of_experiment(program: &str, experiment: &str, named: Option<PathBuf>) -> Result<PathBuf> {
    let usual = || source::home().join("runs").join(program).join(experiment);
    let folder = named.unwrap_or_else(usual);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

fn numbered(runs: &Path) -> Vec<u32> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn folder_of(runs: &Path, number: u32) -> PathBuf {
    runs.join(format!("{number:03}"))
}

/// How far a checkpoint has come: `state.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// Generator updates made.
    pub step: u64,
    /// Seconds of training spent on them.
    pub seconds: f64,
}

/// Where a run is going to be written.
#[derive(Debug)]
pub enum Destination {
    /// The folder of a run that is resumed.
    Existing(PathBuf),
    /// A folder of the reader's choice.
    Named(PathBuf),
    /// The next number under this folder.
    Numbered(PathBuf),
}

impl Destination {
    /// For a new run: the folder that `--out` names, or the next number under `runs/PROGRAM/`. Nothing is made yet.
    ///
    /// # Errors
    /// If the named folder holds another run, or anything at all.
    pub fn choose(program: &str, named: Option<&Path>) -> Result<Destination> {
        let Some(folder) = named else {
            return Ok(Destination::Numbered(source::home().join("runs").join(program)));
        };
        if folder.join("config.json").exists() {
            bail!(
                "{}: holds another run; name a new folder, or go on with that one by --resume",
                folder.display()
            );
        }
        let empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        ensure!(
            empty && !folder.is_file(),
            "{}: exists and is not an empty folder",
            folder.display()
        );
        Ok(Destination::Named(folder.to_path_buf()))
    }

    /// Makes the folder, unless it is there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(self) -> Result<PathBuf> {
        match self {
            Destination::Existing(folder) => Ok(folder),
            Destination::Named(folder) => {
                fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
                Ok(folder)
            }
            Destination::Numbered(runs) => {
                fs::create_dir_all(&runs).with_context(|| runs.display().to_string())?;
                let mut number = numbered(&runs).into_iter().max().unwrap_or(0) + 1;
                // Two runs that start together must not share a folder.
                loop {
                    let folder = folder_of(&runs, number);
                    match fs::create_dir(&folder) {
                        Ok(()) => return Ok(folder),
                        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                        Err(e) => return Err(e).with_context(|| folder.display().to_string()),
                    }
                }
            }
        }
    }
}

/// The checkpoint of a run, `checkpoint/`: weights and moments of each network, a copy of the settings, and [`State`].
///
/// A kill at any moment leaves either the checkpoint before or the one after, whole.
///
/// # Errors
/// If a file cannot be written.
pub fn write_checkpoint(folder: &Path, state: &State, parts: &[(&str, &mut Adam)]) -> Result<()> {
    let (new, old) = (folder.join("checkpoint.new"), folder.join("checkpoint.old"));
    let current = folder.join("checkpoint");
    let write = || -> Result<()> {
        remove_folder(&new)?;
        fs::create_dir(&new)?;
        for (name, adam) in parts {
            let write_weights = |file: &str| {
                checkpoint::write(&checkpoint::variables(adam.network()), &new.join(file))
            };
            // What draws, and where that is a mean, also what goes on learning.
            adam.with_average(|| write_weights(&format!("{name}.safetensors")))?;
            if adam.averages() {
                write_weights(&format!("{name}-latest.safetensors"))?;
            }
            checkpoint::write(&adam.state(), &new.join(format!("{name}-adam.safetensors")))?;
        }
        // A folder of weights can be copied away and used by itself.
        fs::copy(folder.join("config.json"), new.join("config.json"))?;
        fs::write(new.join("state.json"), serde_json::to_string_pretty(state)? + "\n")?;
        for entry in fs::read_dir(&new)? {
            File::open(entry?.path())?.sync_all()?;
        }
        remove_folder(&old)?;
        if current.exists() {
            fs::rename(&current, &old)?;
        }
        fs::rename(&new, &current)?;
        remove_folder(&old)
    };
    write().with_context(|| format!("{}: checkpoint not written", folder.display()))
}

/// Puts back the networks and moments of the last checkpoint.
///
/// # Errors
/// If it is damaged or belongs to other networks.
pub fn read_checkpoint(folder: &Path, parts: &mut [(&str, &mut Adam)]) -> Result<()> {
    let folder = folder.join("checkpoint");
    for (name, adam) in parts {
        adam.load(&folder.join(format!("{name}.safetensors")))?;
        if adam.averages() {
            let latest = folder.join(format!("{name}-latest.safetensors"));
            checkpoint::load(adam.network(), &latest)?;
        }
        let path = folder.join(format!("{name}-adam.safetensors"));
        let state = checkpoint::read(&path)?;
        adam.set_state(&state).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Reads the state of the last whole checkpoint, after finishing a replacement that a kill cut in two. `None` if there is no
/// checkpoint yet.
///
/// # Errors
/// If it cannot be read.
pub fn read_state(folder: &Path) -> Result<Option<State>> {
    let current = folder.join("checkpoint");
    if !current.exists() {
        for other in ["checkpoint.new", "checkpoint.old"] {
            let other = folder.join(other);
            // state.json is written last; where the old folder has been moved away, the new one is whole.
            if other.join("state.json").exists() {
                fs::rename(&other, &current).with_context(|| other.display().to_string())?;
                break;
            }
        }
    }
    let path = current.join("state.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(Some(serde_json::from_str(&text).with_context(|| path.display().to_string())?))
}

/// Copies what draws and judges out of a run folder or folder of weights into `destination`, at half precision, with the run's settings
/// and how far it had come. What only goes on learning needs, moments and latest weights, stays behind.
///
/// # Errors
/// If a file cannot be read or written.
pub fn export(from: &Path, destination: Destination) -> Result<PathBuf> {
    let from = weights_folder(from);
    let entries = fs::read_dir(&from).with_context(|| from.display().to_string())?;
    let mut networks: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_network(path)).collect();
    networks.sort();
    ensure!(!networks.is_empty(), "{}: there are no weights here", from.display());
    let folder = destination.create()?;
    for path in networks {
        let tensors = checkpoint::read(&path)?;
        // Batch norm counts its batches in whole numbers, which half precision would round.
        let halve = |t: Tensor| if t.is_floating_point() { t.to_kind(Kind::Half) } else { t };
        let halved = tensors.into_iter().map(|(name, t)| (name, halve(t))).collect();
        checkpoint::write(&halved, &folder.join(path.file_name().expect("a file")))?;
    }
    for name in ["config.json", "state.json"] {
        fs::copy(from.join(name), folder.join(name))
            .with_context(|| from.join(name).display().to_string())?;
    }
    Ok(folder)
}

/// Whether a file of a checkpoint holds the weights that a network draws or judges with.
fn is_network(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_suffix(".safetensors"));
    name.is_some_and(|name| !name.ends_with("-adam") && !name.ends_with("-latest"))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| folder.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Writes a file so that a kill leaves the old one or the new one.
///
/// # Errors
/// If it cannot be written.
pub fn write_whole(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).with_context(|| new.display().to_string())?;
    fs::rename(&new, path).with_context(|| path.display().to_string())
}
