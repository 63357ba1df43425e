//! Where training images come from: an embedded set, drawn on first use, or a folder of the reader's.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use data::{Collection, Drawing};

use crate::progress::Watch;

/// The folder under which `data/` and `runs/` lie: the book's own when we are somewhere inside it, else the current one.
pub fn home() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let book = here.ancestors().find(|folder| folder.join("book.toml").is_file());
    book.map(Path::to_path_buf).unwrap_or(here)
}

/// The folder of the images named by `--data`: `bricks`, `bricks-small`, `portraits` or `portraits-small`, drawn first if
/// that has not been done, or a folder as it is.
///
/// # Errors
/// If there is no such folder, or the embedded set cannot be drawn.
pub fn folder(data: &str) -> Result<PathBuf> {
    let Some(collection) = collection(data) else {
        let path = PathBuf::from(data);
        ensure!(
            path.is_dir(),
            "{data}: no such folder, and no embedded set of that name (bricks, bricks-small, portraits, portraits-small)"
        );
        return Ok(path);
    };
    drawn(&Drawing::new(collection), collection.name())
}

/// A folder of `count` images of the kind of an embedded set, none of which is in it: they are drawn with another seed. For measuring
/// where more images are wanted than the set holds out.
///
/// # Errors
/// If there is no embedded set of that name, or the images cannot be drawn.
pub fn unseen(data: &str, count: usize) -> Result<PathBuf> {
    let collection = collection(data).with_context(|| format!("{data}: no embedded set"))?;
    let drawing = Drawing { count, seed: 1, ..Drawing::new(collection) };
    drawn(&drawing, &format!("{data}-unseen-{count}"))
}

/// The folder of that name under `data/`, drawn first if that has not been done.
fn drawn(drawing: &Drawing, name: &str) -> Result<PathBuf> {
    let folder = home().join("data").join(name);
    let (begun, watch) = (Instant::now(), Mutex::new(Watch::begin(&format!("drawing {name}"))));
    let tell = |done: usize, all: usize| {
        // Several threads draw; whoever finds another one telling goes on drawing.
        if let Ok(mut watch) = watch.try_lock() {
            watch.tell(done as f64 / all as f64);
        }
    };
    let drawn = data::draw(drawing, &folder, &tell)?;
    drop(watch);
    if drawn {
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!(
            "drew {} images of {name} in {seconds:.1} s: {}",
            drawing.count,
            folder.display()
        );
    }
    Ok(folder)
}

fn collection(data: &str) -> Option<Collection> {
    use Collection::{Bricks, BricksSmall, Portraits, PortraitsSmall};
    [Bricks, BricksSmall, Portraits, PortraitsSmall]
        .into_iter()
        .find(|collection| collection.name() == data)
}

/// How many channels images of this source have when the reader does not say: bricks are grey, everything else is taken in
/// colour.
pub fn default_channels(data: &str) -> usize {
    match collection(data) {
        Some(Collection::Bricks | Collection::BricksSmall) => 1,
        _ => 3,
    }
}
