//! Which images a folder holds: the layouts in which people download them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::celeba;

const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "jpe", "bmp", "gif", "webp"];

/// The images of a folder, sorted by name.
pub(super) struct Listing {
    /// The folder that holds the images or the class folders, which may lie below the one that was
    /// given.
    pub root: PathBuf,
    /// Relative to `root`, with `/` between class and file.
    pub names: Vec<String>,
}

impl Listing {
    /// # Errors
    /// If there is no such folder, it cannot be listed, or holds no image.
    pub fn of(folder: &Path) -> Result<Listing> {
        ensure!(folder.exists(), "{}: no such folder", folder.display());
        ensure!(folder.is_dir(), "{}: not a folder", folder.display());
        let root = descend(folder);
        let mut top = Entries::of(&root, "")?;
        for class in &top.folders {
            top.images.extend(Entries::of(&root.join(class), &format!("{class}/"))?.images);
        }
        let mut names = top.images;
        if names.is_empty() {
            bail!(
                "{}: no images (PNG, JPEG, BMP, GIF or WebP), neither here nor in a folder a class",
                folder.display()
            );
        }
        names.par_sort_unstable();
        Ok(Listing { root, names })
    }

    /// The path of an image, for reading it and for messages.
    pub fn path(&self, index: usize) -> PathBuf {
        self.root.join(&self.names[index])
    }

    /// A hash of every file's name, size and time of change.
    pub fn fingerprint(&self) -> [u8; 32] {
        let indices = (0..self.names.len()).into_par_iter().with_min_len(64);
        let stamps: Vec<(u64, i128)> = indices.map(|index| stamp(&self.path(index))).collect();
        let mut hash = Sha256::new();
        for (name, (size, changed)) in self.names.iter().zip(stamps) {
            hash.update(name);
            hash.update([0]);
            hash.update(size.to_le_bytes());
            hash.update(changed.to_le_bytes());
        }
        hash.finalize().into()
    }
}

/// A file's size, and its time of change in nanoseconds. What cannot even be asked about is zero
/// and fails when it is read.
fn stamp(path: &Path) -> (u64, i128) {
    let Ok(metadata) = fs::metadata(path) else { return (0, 0) };
    let changed = metadata.modified().unwrap_or(UNIX_EPOCH);
    let changed = match changed.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    (metadata.len(), changed)
}

/// Kaggle's archives wrap the images in a folder: `dataset/` for the bricks, `img_align_celeba/`
/// for the faces, and the latter sometimes twice.
fn descend(folder: &Path) -> PathBuf {
    let mut root = folder.to_path_buf();
    while root.join(celeba::FOLDER).is_dir() {
        root.push(celeba::FOLDER);
    }
    let wrapped = root.join("dataset");
    let holds_images = || Entries::of(&root, "").is_ok_and(|top| !top.images.is_empty());
    if wrapped.is_dir() && !holds_images() { wrapped } else { root }
}

/// What lies directly in a folder. Names that begin with a dot are passed over: caches of other
/// programs, and the `._name.jpg` with which macOS accompanies a file.
#[derive(Default)]
struct Entries {
    images: Vec<String>,
    folders: Vec<String>,
}

impl Entries {
    /// `prefix` is put before the name of every image.
    fn of(folder: &Path, prefix: &str) -> Result<Entries> {
        let in_folder = || folder.display().to_string();
        let mut entries = Entries::default();
        for entry in fs::read_dir(folder).with_context(in_folder)? {
            let entry = entry.with_context(in_folder)?;
            let mut kind = entry.file_type().with_context(in_folder)?;
            if let (true, Ok(target)) = (kind.is_symlink(), fs::metadata(entry.path())) {
                kind = target.file_type();
            }
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            if shown.starts_with('.') || !(kind.is_dir() || is_image(&shown)) {
                continue;
            }
            let Some(name) = name.to_str() else {
                bail!("{}: the name is not valid UTF-8", entry.path().display());
            };
            if kind.is_dir() {
                entries.folders.push(name.to_string());
            } else {
                entries.images.push(format!("{prefix}{name}"));
            }
        }
        Ok(entries)
    }
}

fn is_image(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}
