//! Bad input is answered in one line that names the file.

use std::fs;
use std::path::Path;

use toolkit::images::{ImageSet, LoadOptions};

use super::{Scratch, failure, levels};

#[test]
fn no_such_folder() {
    let options = Scratch::new().options();
    assert_eq!(failure(Path::new("data/brics"), &options), "data/brics: no such folder");
    assert_eq!(failure(Path::new("Cargo.toml"), &options), "Cargo.toml: not a folder");
}

#[test]
fn an_empty_folder() {
    let scratch = Scratch::new();
    scratch.write("notes.txt", "no picture");
    assert_eq!(
        scratch.failure(),
        "/images: no images (PNG, JPEG, BMP, GIF or WebP), neither here nor in a folder a class"
    );
}

#[test]
fn settings_that_make_no_image() {
    let scratch = Scratch::new();
    let with = |side, channels| {
        let options = LoadOptions { side, channels, ..scratch.options() };
        failure(&scratch.path("images"), &options)
    };
    assert_eq!(with(8, 2), "images have 1 or 3 channels, not 2");
    assert_eq!(with(0, 1), "images cannot be 0 pixels wide");
}

/// Every fixture cut off at several places. Half a picture would train the network on grey bars.
#[test]
fn truncated_images_of_every_format() {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats");
    let mut accepted = Vec::new();
    for entry in fs::read_dir(formats).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "two-frames.gif" {
            continue; // Its first frame, which is all that counts, ends long before the file.
        }
        let whole = fs::read(&path).unwrap();
        for percent in [0, 1, 10, 30, 50, 70, 80] {
            let scratch = Scratch::new();
            let cut = &whole[..whole.len() * percent / 100];
            fs::write(scratch.path("images").join(name), cut).unwrap();
            match ImageSet::load(&scratch.path("images"), &scratch.options()) {
                Ok(_) => accepted.push(format!("{name} at {percent}%")),
                Err(error) => {
                    let line = format!("{error:#}");
                    let path = scratch.path("images").join(name);
                    assert!(
                        line.starts_with(&format!("{}: unreadable or truncated", path.display()))
                    );
                    assert!(line.ends_with("; --skip-bad leaves such files out"), "{line}");
                    assert!(!line.contains('\n'), "{line}");
                }
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

/// Many good files and two bad ones, the first at the end of one thread's half and the second at
/// the beginning of the other's: the second is found first, and still the first is named.
#[test]
fn the_first_bad_image_by_name_is_named() {
    let scratch = Scratch::new();
    for index in 0..300 {
        scratch.picture(&format!("{index:03}.png"), 7);
    }
    scratch.write("149.png", "");
    scratch.write("150.png", "GIF, so it says");
    for _ in 0..5 {
        assert_eq!(
            scratch.failure(),
            "/images/149.png: unreadable or truncated image: the file is empty; \
             --skip-bad leaves such files out"
        );
    }
    assert!(!scratch.path("cache").exists(), "nothing is written when reading fails");
}

#[test]
fn skip_bad_leaves_them_out() {
    let scratch = Scratch::new();
    for (name, level) in [("a.png", 1), ("c.png", 3), ("e.png", 5)] {
        scratch.picture(name, level);
    }
    scratch.write("b.png", "no picture");
    scratch.write("f.png", "");
    let options = LoadOptions { skip_bad: true, ..scratch.options() };
    let set = ImageSet::load(&scratch.path("images"), &options).unwrap();
    assert_eq!(set.names(), ["a.png", "c.png", "e.png"]);
    assert_eq!(levels(&set), [1, 3, 5]);
    let skipped: Vec<&str> = set.skipped().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(skipped, ["b.png", "f.png"]);
}

#[test]
fn nothing_but_bad_images() {
    let scratch = Scratch::new();
    scratch.write("a.png", "no picture");
    let options = LoadOptions { skip_bad: true, ..scratch.options() };
    let error = failure(&scratch.path("images"), &options);
    assert!(error.ends_with("/images: no image can be read"), "{error}");
}

#[test]
#[cfg(unix)]
fn a_link_to_nothing_is_a_bad_image() {
    let scratch = Scratch::new();
    scratch.picture("a.png", 1);
    std::os::unix::fs::symlink("gone.png", scratch.path("images/b.png")).unwrap();
    assert!(scratch.failure().starts_with("/images/b.png: cannot be read: "));
}
