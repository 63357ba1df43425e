//! The pixels of a folder in one file, so that the second start need not decode anything.
//!
//! The file is a line of JSON, the [`Header`], and after it the pixels as they stand in memory. It
//! holds for one listing: as soon as any image is added, removed or changed, or the way of decoding
//! is, the fingerprints differ and the images are read anew.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{BadFile, decode, folder::Listing};

/// Bytes that are read and checked at a time, by one thread.
const BLOCK: usize = 4 << 20;

/// No header is longer than this, however many bad files it names; whatever else lies at the path
/// is not read to its end.
const LONGEST_HEADER: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    fingerprint: String,
    /// The files that could not be read, which the pixels leave out.
    bad: Vec<BadFile>,
    /// CRC-32 of every block of pixels.
    checksums: Vec<u32>,
}

/// The place of a listing's pixels in the cache.
pub(super) struct Cache {
    folder: PathBuf,
    path: PathBuf,
    fingerprint: String,
}

impl Cache {
    /// `folder` is where cache files lie; it need not exist yet.
    pub fn of(folder: &Path, listing: &Listing, side: u32, channels: usize) -> Result<Cache> {
        let root =
            fs::canonicalize(&listing.root).with_context(|| listing.root.display().to_string())?;
        let place = hex(&Sha256::digest(root.as_os_str().as_encoded_bytes())[..8]);
        let settings = format!("filter {} of {side} x {side} x {channels}", decode::VERSION);
        let fingerprint =
            Sha256::new().chain_update(settings).chain_update(listing.fingerprint()).finalize();
        let path = folder.join(format!("{place}-{side}x{side}x{channels}.u8"));
        Ok(Cache { folder: folder.to_path_buf(), path, fingerprint: hex(&fingerprint) })
    }

    /// The pixels and the files left out, if the cache holds this very listing whole: `image_bytes`
    /// for each of `count` files but the bad ones.
    pub fn read(&self, count: usize, image_bytes: usize) -> Option<(Vec<u8>, Vec<BadFile>)> {
        let mut file = File::open(&self.path).ok()?;
        let mut line = Vec::new();
        BufReader::new((&mut file).take(LONGEST_HEADER)).read_until(b'\n', &mut line).ok()?;
        let header: Header = serde_json::from_slice(&line).ok()?;
        let size = count.checked_sub(header.bad.len())? * image_bytes;
        let start = line.len() as u64;
        let whole = header.fingerprint == self.fingerprint
            && header.checksums.len() == size.div_ceil(BLOCK)
            && file.metadata().ok()?.len() == start + size as u64;
        if !whole {
            return None;
        }
        let mut pixels = vec![0; size];
        let blocks = pixels.par_chunks_mut(BLOCK).zip(&header.checksums).enumerate();
        let intact = blocks.all(|(number, (block, &checksum))| {
            let read = read_at(&self.path, start + (number * BLOCK) as u64, block);
            read.is_ok() && crc32fast::hash(block) == checksum
        });
        intact.then_some((pixels, header.bad))
    }

    /// Writes beside the place and renames, so that a cache is whole or not there.
    pub fn write(&self, pixels: &[u8], bad: &[BadFile]) -> Result<()> {
        let header = Header {
            fingerprint: self.fingerprint.clone(),
            bad: bad.to_vec(),
            checksums: pixels.par_chunks(BLOCK).map(crc32fast::hash).collect(),
        };
        let header = serde_json::to_string(&header)? + "\n";
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(header.as_bytes())?;
            file.write_all(pixels)?;
            file.persist(&self.path)?;
            Ok(())
        };
        write().with_context(|| self.path.display().to_string())
    }
}

fn read_at(path: &Path, start: u64, block: &mut [u8]) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(block)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
