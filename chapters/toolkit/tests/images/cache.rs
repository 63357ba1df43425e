//! The cache gives what a fresh read gives, and only as long as nothing has changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use toolkit::images::{ImageSet, LoadOptions};

use super::{Scratch, levels};

/// Three pictures, read once, so that the cache is there.
fn cached() -> Scratch {
    let scratch = Scratch::new();
    for (name, level) in [("a.bmp", 1), ("b.bmp", 2), ("c.bmp", 3)] {
        scratch.picture(name, level);
    }
    assert_eq!(levels(&scratch.load()), [1, 2, 3]);
    scratch
}

/// Gives a picture another level without leaving a trace: a BMP is as long as before, and the time
/// is set back. Only a fresh read sees it.
fn change_unseen(scratch: &Scratch, name: &str, level: u8) {
    let path = scratch.path("images").join(name);
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    scratch.picture(name, level);
    File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
}

fn cache_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.next().expect("a cache file");
    assert_eq!(files.next(), None, "one cache file, and nothing left over from writing it");
    file
}

#[test]
fn the_second_start_reads_the_cache_and_gives_the_same() {
    let scratch = Scratch::new();
    for index in 0..20 {
        let picture = image::RgbImage::from_fn(30, 20, |x, y| {
            image::Rgb([x as u8 * 8, y as u8 * 12, (x * y) as u8 ^ index])
        });
        picture.save(scratch.path("images").join(format!("{index}.png"))).unwrap();
    }
    let options = LoadOptions { channels: 3, ..scratch.options() };
    let fresh = ImageSet::load(&scratch.path("images"), &options).unwrap();
    let again = ImageSet::load(&scratch.path("images"), &options).unwrap();
    assert_eq!(fresh.names(), again.names());
    assert!((0..20).all(|index| fresh.pixels(index) == again.pixels(index)));
}

#[test]
fn nothing_is_decoded_the_second_time() {
    let scratch = cached();
    change_unseen(&scratch, "b.bmp", 9);
    assert_eq!(levels(&scratch.load()), [1, 2, 3]);
}

#[test]
fn a_changed_file_is_noticed() {
    let scratch = cached();
    scratch.picture("b.bmp", 9);
    assert_eq!(levels(&scratch.load()), [1, 9, 3]);
    assert_eq!(levels(&scratch.load()), [1, 9, 3]);
}

#[test]
fn an_added_or_removed_file_is_noticed() {
    let scratch = cached();
    scratch.picture("aa.bmp", 9);
    assert_eq!(levels(&scratch.load()), [1, 9, 2, 3]);
    fs::remove_file(scratch.path("images/a.bmp")).unwrap();
    assert_eq!(levels(&scratch.load()), [9, 2, 3]);
}

#[test]
fn a_renamed_file_is_noticed() {
    let scratch = cached();
    fs::rename(scratch.path("images/a.bmp"), scratch.path("images/d.bmp")).unwrap();
    assert_eq!(levels(&scratch.load()), [2, 3, 1]);
}

#[test]
fn sizes_and_channels_do_not_share_a_cache() {
    let scratch = cached();
    let images = scratch.path("images");
    let larger = ImageSet::load(&images, &LoadOptions { side: 16, ..scratch.options() }).unwrap();
    assert_eq!(larger.pixels(2), [3; 256]);
    let colour =
        ImageSet::load(&images, &LoadOptions { channels: 3, ..scratch.options() }).unwrap();
    assert_eq!(colour.pixels(2), [3; 192]);
    assert_eq!(scratch.load().pixels(2), [3; 64]);
}

#[test]
fn a_truncated_or_corrupt_cache_is_read_anew() {
    let scratch = cached();
    let cache = cache_file(&scratch.path("cache"));
    let whole = fs::read(&cache).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut headless = whole.clone();
    headless[0] = b'?';
    let damaged = [&whole[..whole.len() - 1], &whole[..10], &flipped, &headless, b""];
    for (round, bytes) in damaged.into_iter().enumerate() {
        fs::write(&cache, bytes).unwrap();
        let level = 10 + round as u8;
        change_unseen(&scratch, "b.bmp", level);
        assert_eq!(levels(&scratch.load()), [1, level, 3], "round {round}");
    }
    assert_eq!(fs::read(&cache).unwrap().len(), whole.len());
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let scratch = Scratch::new();
    scratch.picture("a.png", 5);
    fs::write(scratch.path("cache"), "a file where the folder should be").unwrap();
    assert_eq!(levels(&scratch.load()), [5]);
}

#[test]
fn skipped_files_are_remembered() {
    let scratch = cached();
    scratch.write("aa.png", "no picture");
    let options = LoadOptions { skip_bad: true, ..scratch.options() };
    let fresh = ImageSet::load(&scratch.path("images"), &options).unwrap();
    change_unseen(&scratch, "b.bmp", 9);
    let again = ImageSet::load(&scratch.path("images"), &options).unwrap();
    assert_eq!(fresh.skipped(), again.skipped());
    assert_eq!(levels(&again), [1, 2, 3]);
    // Who does not want them skipped is told so all the same.
    assert!(scratch.failure().starts_with("/images/aa.png: "));
}
