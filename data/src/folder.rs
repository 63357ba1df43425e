//! Writing a whole collection to a folder: in parallel, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{bricks, portraits};

/// Raised whenever the same settings begin to give other bytes, so that folders drawn before are drawn again.
const VERSION: u32 = 1;

/// The file that says how a folder was drawn. It is written last, so a folder that has it is whole.
const MANIFEST: &str = "drawn.json";

/// What can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Collection {
    /// Every part, seen from anywhere on the sphere and rolled: the `book` preset's set.
    Bricks,
    /// Eight studded parts standing upright, the camera circling 25–45° above them: the `quick` preset's set.
    BricksSmall,
    /// Painted faces in CelebA's layout.
    Portraits,
    /// The first 4,000 of them: what a `quick` preset has time to look at.
    PortraitsSmall,
}

impl Collection {
    /// The name used on the command line and for the folder under `data/`.
    pub fn name(self) -> &'static str {
        match self {
            Collection::Bricks => "bricks",
            Collection::BricksSmall => "bricks-small",
            Collection::Portraits => "portraits",
            Collection::PortraitsSmall => "portraits-small",
        }
    }

    /// How many images it has when nobody says otherwise.
    pub fn default_count(self) -> usize {
        match self {
            Collection::Bricks => 40_000,
            Collection::BricksSmall => 4_000,
            Collection::Portraits => 20_000,
            Collection::PortraitsSmall => 4_000,
        }
    }
}

/// Everything that decides the bytes of a drawn folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// What is drawn.
    pub collection: Collection,
    /// Number of images.
    pub count: usize,
    /// Side of a brick image in pixels, 16 to 512. Portraits are always 178 × 218 and ignore it.
    pub side: u32,
    /// Image `i` depends on `(seed, i)` alone.
    pub seed: u64,
}

impl Drawing {
    /// The collection as the presets use it: its usual count, 64 × 64 bricks, seed 0.
    pub fn new(collection: Collection) -> Self {
        Drawing { collection, count: collection.default_count(), side: 64, seed: 0 }
    }
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Manifest {
    version: u32,
    #[serde(flatten)]
    drawing: Drawing,
}

/// The generator of image `index`, independent of every other image's.
pub(crate) fn rng(seed: u64, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    rng
}

/// Draws a collection into `folder` on all cores and calls `progress(done, total)` now and then, from any thread.
///
/// A folder that already holds exactly this drawing is left as it is and `false` is returned. Drawing goes to a
/// neighbouring folder first and is renamed when whole, so that breaking off leaves nothing half made.
///
/// # Errors
/// If `folder` exists and was not drawn by this function (it may be the reader's own), or cannot be written.
pub fn draw(
    drawing: &Drawing,
    folder: &Path,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<bool> {
    let manifest = Manifest { version: VERSION, drawing: drawing.clone() };
    if folder.exists() {
        let path = folder.join(MANIFEST);
        let Ok(text) = fs::read_to_string(&path) else {
            bail!(
                "{}: exists and was not drawn by this program; it is left alone",
                folder.display()
            );
        };
        if serde_json::from_str::<Manifest>(&text).is_ok_and(|found| found == manifest) {
            return Ok(false);
        }
    }
    let name = folder.file_name().context("the folder to draw into has no name")?;
    let partial = folder.with_file_name(format!(
        ".{}.partial-{}",
        name.to_string_lossy(),
        std::process::id()
    ));
    let in_partial = || partial.display().to_string();
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(in_partial)?;
    }
    fs::create_dir_all(&partial).with_context(in_partial)?;

    let done = AtomicUsize::new(0);
    let tick = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, drawing.count);
    let drawn = match drawing.collection {
        Collection::Bricks => write_bricks(drawing, bricks::View::Anywhere, &partial, &tick),
        Collection::BricksSmall => write_bricks(drawing, bricks::View::Upright, &partial, &tick),
        Collection::Portraits | Collection::PortraitsSmall => {
            write_portraits(drawing, &partial, &tick)
        }
    };
    let written = drawn.and_then(|()| {
        fs::write(partial.join(MANIFEST), serde_json::to_string_pretty(&manifest)? + "\n")?;
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        fs::rename(&partial, folder).with_context(|| folder.display().to_string())
    });
    if written.is_err() {
        // The first error is the one worth reporting.
        let _ = fs::remove_dir_all(&partial);
    }
    written.map(|()| true)
}

/// Image `i` shows part `i % parts`, so that every part has as many views as the next, give or take one.
fn write_bricks(
    drawing: &Drawing,
    view: bricks::View,
    folder: &Path,
    tick: &(dyn Fn() + Sync),
) -> Result<()> {
    let parts = bricks::parts(view);
    for part in &parts {
        fs::create_dir(folder.join(part.name()))?;
    }
    (0..drawing.count).into_par_iter().try_for_each(|index| {
        let part = &parts[index % parts.len()];
        let image = bricks::draw(part, view, drawing.side, &mut rng(drawing.seed, index));
        let path = folder.join(part.name()).join(format!("{:04}.png", index / parts.len()));
        image.save(&path).with_context(|| path.display().to_string())?;
        tick();
        Ok(())
    })
}

fn write_portraits(drawing: &Drawing, folder: &Path, tick: &(dyn Fn() + Sync)) -> Result<()> {
    let images = folder.join("img_align_celeba");
    fs::create_dir(&images)?;
    let rows: Vec<String> = (0..drawing.count)
        .into_par_iter()
        .map(|index| {
            let (image, attributes) = portraits::draw(&mut rng(drawing.seed, index));
            let name = format!("{:06}.jpg", index + 1);
            let path = images.join(&name);
            let file = fs::File::create(&path).with_context(|| path.display().to_string())?;
            let writer = std::io::BufWriter::new(file);
            image::codecs::jpeg::JpegEncoder::new_with_quality(writer, 92)
                .encode_image(&image)
                .with_context(|| path.display().to_string())?;
            tick();
            let values = attributes.map(|yes| if yes { "1" } else { "-1" });
            Ok(format!("{name},{}\n", values.join(",")))
        })
        .collect::<Result<_>>()?;
    let header = format!("image_id,{}\n", portraits::ATTRIBUTES.join(","));
    fs::write(folder.join("list_attr_celeba.csv"), header + &rows.concat())?;
    Ok(())
}

/// The SHA-256 of a drawn folder, in hexadecimal: of every file's name and bytes, in the order of the names.
///
/// Two folders have the same digest if and only if the same files with the same bytes are in them.
///
/// # Errors
/// If a file cannot be read.
pub fn digest(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    let hashes: Vec<_> = files
        .par_iter()
        .map(|path| {
            let bytes = fs::read(path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(folder).expect("it was listed in the folder");
            let name = name.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            Ok(Sha256::new().chain_update(name).chain_update([0]).chain_update(bytes).finalize())
        })
        .collect::<Result<_>>()?;
    let whole = hashes.iter().fold(Sha256::new(), |whole, hash| whole.chain_update(hash));
    Ok(whole.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
