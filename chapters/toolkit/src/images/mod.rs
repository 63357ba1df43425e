//! Image folders as training sets: every image decoded once, squashed to a square, and kept in
//! memory as bytes.
//!
//! A folder may be flat, or hold one folder a class; or be CelebA as people download it,
//! `img_align_celeba/` with `list_attr_celeba.csv` or `.txt` beside it. Files are taken for images
//! by their extension and recognised by their content; anything else is passed over. What is done
//! to a picture is said in `decode.rs`.

mod cache;
mod celeba;
mod decode;
mod folder;
mod progress;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor, no_grad};

use cache::Cache;
use celeba::Attributes;
use decode::Decoder;
use folder::Listing;
use progress::Progress;

/// How to read a folder.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Width and height of every image once it is read.
    pub side: u32,
    /// 1 for grey, 3 for RGB.
    pub channels: usize,
    /// Leave out files that cannot be read instead of failing at the first.
    pub skip_bad: bool,
    /// The folder for cache files, made if need be. A cache that cannot be written is a warning and
    /// no more.
    pub cache: PathBuf,
}

/// A file named like an image that could not be read as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadFile {
    /// As in [`ImageSet::names`].
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// The images of a folder, sorted by name, and what is known about them.
pub struct ImageSet {
    root: PathBuf,
    cache: PathBuf,
    side: u32,
    channels: usize,
    names: Vec<String>,
    /// `[image][channel][y][x]`.
    pixels: Vec<u8>,
    skipped: Vec<BadFile>,
    attributes: Option<Attributes>,
}

impl ImageSet {
    /// Reads a folder on all cores, or from the cache if nothing in it has changed since. Memory
    /// grows by the images, `channels × side × side` bytes each.
    ///
    /// # Errors
    /// One line that names the file: no such folder, no image in it, an image that cannot be read
    /// (the first by name, if there are several), or a table of attributes that does not fit the
    /// images.
    pub fn load(folder: &Path, options: &LoadOptions) -> Result<ImageSet> {
        let &LoadOptions { side, channels, skip_bad, .. } = options;
        ensure!(side > 0, "images cannot be 0 pixels wide");
        ensure!(channels == 1 || channels == 3, "images have 1 or 3 channels, not {channels}");

        let listing = Listing::of(folder)?;
        let mut attributes = Attributes::of(&listing)?;
        let cache = Cache::of(&options.cache, &listing, side, channels)?;
        let cached = cache.read(listing.names.len(), image_bytes(side, channels));
        let fresh = cached.is_none();
        let (pixels, skipped) = cached.unwrap_or_else(|| read_images(&listing, options));
        if !skip_bad && let Some(BadFile { name, why }) = skipped.first() {
            let path = listing.root.join(name);
            bail!("{}: {why}; --skip-bad leaves such files out", path.display());
        }
        if fresh && let Err(error) = cache.write(&pixels, &skipped) {
            eprintln!("warning: the images are not cached: {error:#}");
        }

        let Listing { root, mut names } = listing;
        ensure!(skipped.len() < names.len(), "{}: no image can be read", root.display());
        if !skipped.is_empty() {
            let keep = kept(&names, &skipped);
            names = names.into_iter().zip(&keep).filter_map(|(n, k)| k.then_some(n)).collect();
            if let Some(attributes) = &mut attributes {
                attributes.retain(&keep);
            }
        }
        let cache = options.cache.clone();
        Ok(ImageSet { root, cache, side, channels, names, pixels, skipped, attributes })
    }

    /// The folder for what is kept from one start to the next.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Sixteen hexadecimal digits that tell these images from others: they follow from their names and pixels.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for name in &self.names {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
        }
        hash.update(&self.pixels);
        hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never true of a set that was loaded: a folder without images is an error.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Width and height of every image.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// 1 (grey) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Every image's file, relative to the folder that holds the images or the class folders, with
    /// `/` between.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The class folder of an image; `None` in a flat folder.
    pub fn class(&self, index: usize) -> Option<&str> {
        self.names[index].split_once('/').map(|(class, _)| class)
    }

    /// The pixels of one image, 0 to 255: `[channels][side][side]`, from the top left.
    pub fn pixels(&self, index: usize) -> &[u8] {
        let size = image_bytes(self.side, self.channels);
        &self.pixels[index * size..][..size]
    }

    /// The files that were left out because they could not be read.
    pub fn skipped(&self) -> &[BadFile] {
        &self.skipped
    }

    /// The nine images in ten to train on.
    pub fn training(&self) -> Vec<usize> {
        (0..self.len()).filter(|&index| !is_held_out(&self.names[index])).collect()
    }

    /// The image in ten that is never trained on. A hash of the name decides, so the same file is
    /// held out for ever, whatever other files come and go.
    pub fn held_out(&self) -> Vec<usize> {
        (0..self.len()).filter(|&index| is_held_out(&self.names[index])).collect()
    }

    /// The nearest of some images of the set, the `candidates`, to each of `images: [n, channels, side, side]` in `[-1, 1]`, and
    /// how far it is: the root mean square difference of pixels in grey levels from 0 to 255.
    pub fn nearest(&self, images: &Tensor, candidates: &[usize]) -> (Vec<usize>, Vec<f64>) {
        let flat = images.flatten(1, -1); // [n, pixels]
        let mut best = Tensor::full([flat.size()[0]], f64::INFINITY, (Kind::Float, Device::Cpu));
        let mut place = best.zeros_like().to_kind(Kind::Int64);
        for (number, portion) in candidates.chunks(1024).enumerate() {
            let others = self.batch(portion, Device::Cpu, Kind::Float).flatten(1, -1);
            let (distance, nearest) =
                no_grad(|| Tensor::cdist(&flat, &others, 2.0, None).min_dim(1, false));
            let nearer = distance.lt_tensor(&best);
            place = (nearest + number as i64 * 1024).where_self(&nearer, &place);
            best = distance.minimum(&best);
        }
        // From values in [-1, 1] to grey levels.
        let scale = 127.5 / (flat.size()[1] as f64).sqrt();
        let places = Vec::<i64>::try_from(place).expect("a vector of numbers");
        let distances = Vec::<f64>::try_from((best * scale).to_kind(Kind::Double));
        let places = places.into_iter().map(|place| candidates[place as usize]).collect();
        (places, distances.expect("a vector of numbers"))
    }

    /// CelebA's attribute `name`, such as `"Blond_Hair"`, for every image.
    ///
    /// # Errors
    /// If there is no table of attributes, or no such column in it.
    pub fn attribute(&self, name: &str) -> Result<Vec<bool>> {
        match &self.attributes {
            Some(attributes) => attributes.column(name),
            None => {
                bail!("{}: no list_attr_celeba.csv, so no attribute {name:?}", self.root.display())
            }
        }
    }

    /// Images as a tensor on `device`: `[indices.len(), channels, side, side]`, from -1 (black) to
    /// 1.
    ///
    /// Bytes travel to the device and become numbers there, a quarter of the traffic.
    pub fn batch(&self, indices: &[usize], device: Device, kind: Kind) -> Tensor {
        let bytes = indices.iter().map(|&index| self.pixels(index)).collect::<Vec<_>>().concat();
        let side = i64::from(self.side);
        let shape = [indices.len() as i64, self.channels as i64, side, side];
        let bytes = Tensor::from_slice(&bytes).view(shape).to_device(device);
        // Scaled as f32, so that bf16 rounds once.
        (bytes.to_kind(Kind::Float) / 127.5 - 1.0).to_kind(kind)
    }
}

fn image_bytes(side: u32, channels: usize) -> usize {
    channels * (side as usize).pow(2)
}

fn is_held_out(name: &str) -> bool {
    let hash = Sha256::digest(name);
    let first = u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes"));
    first % 10 == 0
}

/// For every name whether it is not among the bad, which are in the same order.
fn kept(names: &[String], bad: &[BadFile]) -> Vec<bool> {
    let mut bad = bad.iter().map(|file| &file.name).peekable();
    names.iter().map(|name| bad.next_if_eq(&name).is_none()).collect()
}

/// Decodes every image into its place. The bad ones are left out of the pixels; unless they are to
/// be skipped, reading ends at the first by name.
fn read_images(listing: &Listing, options: &LoadOptions) -> (Vec<u8>, Vec<BadFile>) {
    let &LoadOptions { side, channels, skip_bad, .. } = options;
    let size = image_bytes(side, channels);
    let mut pixels = vec![0; listing.names.len() * size];
    let progress = Progress::new(listing.names.len());
    let failures = pixels.par_chunks_exact_mut(size).enumerate().map_init(
        || (Decoder::new(side, channels), Vec::new()),
        |(decoder, bytes), (index, planes)| {
            progress.tick();
            let failure = read_image(&listing.path(index), bytes, decoder, planes).err()?;
            Some(BadFile { name: listing.names[index].clone(), why: one_line(&failure) })
        },
    );
    let bad: Vec<BadFile> = if skip_bad {
        failures.flatten().collect()
    } else {
        failures.find_map_first(|failure| failure).into_iter().collect()
    };
    if skip_bad {
        close_gaps(&mut pixels, size, &kept(&listing.names, &bad));
    }
    (pixels, bad)
}

/// `bytes` is a buffer for the file's content, used again from image to image.
fn read_image(
    path: &Path,
    bytes: &mut Vec<u8>,
    decoder: &mut Decoder,
    planes: &mut [u8],
) -> Result<()> {
    bytes.clear();
    File::open(path).and_then(|mut file| file.read_to_end(bytes)).context("cannot be read")?;
    decoder.decode(bytes, planes).context("unreadable or truncated image")
}

fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Moves the images that are kept together.
fn close_gaps(pixels: &mut Vec<u8>, size: usize, keep: &[bool]) {
    let mut end = 0;
    for (index, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
        pixels.copy_within(index * size..(index + 1) * size, end);
        end += size;
    }
    pixels.truncate(end);
}
