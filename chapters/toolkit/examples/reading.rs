//! How fast a folder of images is read, and what memory that takes.
//!
//! ```text
//! cargo run --release -p toolkit --example reading -- FOLDER [side] [channels]
//! ```
//!
//! `reading_torchvision.py` beside it does the same by torchvision.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use toolkit::images::{ImageSet, LoadOptions};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().context("usage: reading FOLDER [side] [channels]")?;
    let number = |index: usize, usual: usize| arguments.get(index).map_or(Ok(usual), |s| s.parse());
    let cache = tempfile::tempdir()?;
    let options = LoadOptions {
        side: number(1, 64)? as u32,
        channels: number(2, 1)?,
        skip_bad: false,
        cache: cache.path().to_path_buf(),
    };
    for start in ["first read", "second start", "third start"] {
        measure(start, Path::new(folder), &options)?;
    }
    Ok(())
}

fn measure(what: &str, folder: &Path, options: &LoadOptions) -> Result<()> {
    let before = resident_bytes("VmRSS:");
    let start = Instant::now();
    let set = ImageSet::load(folder, options)?;
    let seconds = start.elapsed().as_secs_f64();
    let held = (set.len() * set.pixels(0).len()) as f64 / 1e6;
    print!(
        "{what}: {} images in {seconds:.3} s, {:.0} a second",
        set.len(),
        set.len() as f64 / seconds
    );
    match (before, resident_bytes("VmHWM:")) {
        (Some(before), Some(peak)) => println!(
            "; memory grew by {:.1} MB at most, the images take {held:.1} MB",
            (peak - before) / 1e6
        ),
        _ => println!(),
    }
    Ok(())
}

/// Linux's account of this process's memory: `VmRSS:` is what it has now, `VmHWM:` the most that it
/// ever had.
fn resident_bytes(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0)
}
