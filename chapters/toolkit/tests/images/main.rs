//! Reading image folders: what every format becomes, what the cache notices, how CelebA's table is
//! joined, what bad input is answered with, and the order of batches.

mod bad_input;
mod batches;
mod cache;
mod celeba;
mod formats;
mod layouts;
mod nearest;

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};
use tempfile::TempDir;
use toolkit::images::{ImageSet, LoadOptions};

const SIDE: u32 = 8;

/// A folder for images, and beside it one for their cache; both go when it is dropped.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        let scratch = Scratch(TempDir::new().unwrap());
        fs::create_dir(scratch.path("images")).unwrap();
        scratch
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// A grey 8 × 8 picture of one level, in `images/`.
    fn picture(&self, name: &str, level: u8) {
        let path = self.path("images").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        GrayImage::from_pixel(SIDE, SIDE, Luma([level])).save(path).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("images").join(name), text).unwrap();
    }

    fn options(&self) -> LoadOptions {
        LoadOptions { side: SIDE, channels: 1, skip_bad: false, cache: self.path("cache") }
    }

    fn load(&self) -> ImageSet {
        ImageSet::load(&self.path("images"), &self.options()).unwrap()
    }

    /// The message with which loading fails, the scratch folder's own path left out.
    fn failure(&self) -> String {
        failure(&self.path("images"), &self.options()).replace(self.0.path().to_str().unwrap(), "")
    }
}

fn failure(folder: &Path, options: &LoadOptions) -> String {
    let error = ImageSet::load(folder, options).err().expect("loading should fail");
    format!("{error:#}")
}

/// The first pixel of every image.
fn levels(set: &ImageSet) -> Vec<u8> {
    (0..set.len()).map(|index| set.pixels(index)[0]).collect()
}
