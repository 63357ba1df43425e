//! Whole folders: the same bytes with any number of threads, and nothing of the reader's is ever overwritten.

use std::fs;
use std::path::Path;

use data::{Collection, Drawing, digest, draw};
use tempfile::TempDir;

/// Draws with so many threads and gives the digest of the folder.
fn drawn(collection: Collection, count: usize, threads: usize) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("set");
    let drawing = Drawing { count, ..Drawing::new(collection) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert!(pool.install(|| draw(&drawing, &path, &|_, _| ())).unwrap());
    digest(&path).unwrap()
}

/// The digests were taken on x86-64. They cover the drawing and the files' own compression, which Cargo.lock pins.
#[test]
fn one_and_two_threads_draw_the_same_recorded_bytes() {
    for (collection, count, recorded) in [
        (
            Collection::Bricks,
            154,
            "248678261d8826f35cfcb6b82adbdb2be5679f047987356e61ba71ff8de36897",
        ),
        (
            Collection::BricksSmall,
            40,
            "4881b4e8ab304b1672536cab63452566e90c20e50a6656a8e48dd401adac2900",
        ),
        (
            Collection::Portraits,
            40,
            "e48b0110daf5779ca850142ab614f9957f246a215b17f16ad29db42620b914ab",
        ),
    ] {
        let (one, two) = (drawn(collection, count, 1), drawn(collection, count, 2));
        assert_eq!(one, two, "{collection:?}: one thread and two threads differ");
        assert_eq!(one, recorded, "{collection:?}");
    }
}

#[test]
fn a_folder_is_drawn_once_and_a_strangers_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("set");
    let drawing = Drawing { count: 8, side: 16, ..Drawing::new(Collection::BricksSmall) };
    let draw = |drawing: &Drawing, path: &Path| draw(drawing, path, &|_, _| ());
    assert!(draw(&drawing, &path).unwrap());
    assert!(!draw(&drawing, &path).unwrap(), "it was there already");
    let first = digest(&path).unwrap();
    assert!(draw(&Drawing { seed: 1, ..drawing.clone() }, &path).unwrap(), "another seed");
    assert_ne!(first, digest(&path).unwrap());

    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("holiday.jpg"), "precious").unwrap();
    let error = draw(&drawing, &own).unwrap_err().to_string();
    assert!(error.contains("own") && error.contains("left alone"), "{error}");
    assert_eq!(fs::read_to_string(own.join("holiday.jpg")).unwrap(), "precious");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// Draws portraits and gives the name and bytes of each, in order.
fn portraits(collection: Collection, count: usize, folder: &Path) -> Vec<(String, Vec<u8>)> {
    let drawing = Drawing { count, ..Drawing::new(collection) };
    assert!(draw(&drawing, folder, &|_, _| ()).unwrap());
    let entries = fs::read_dir(folder.join("img_align_celeba")).unwrap().map(Result::unwrap);
    let mut images: Vec<(String, Vec<u8>)> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    images.sort();
    images
}

/// What was learnt about the small set holds of the same faces in the large one, labels included.
#[test]
fn the_small_portraits_are_the_first_of_the_large_set() {
    let folder = TempDir::new().unwrap();
    let (small, large) = (folder.path().join("small"), folder.path().join("large"));
    let first = portraits(Collection::PortraitsSmall, 4, &small);
    let more = portraits(Collection::Portraits, 6, &large);
    assert_eq!((first.len(), more.len()), (4, 6));
    assert!(first == more[..4]);
    let table = |folder: &Path| fs::read_to_string(folder.join("list_attr_celeba.csv")).unwrap();
    let (small, large) = (table(&small), table(&large));
    assert_eq!(small.lines().count(), 5);
    assert!(large.starts_with(&small));
}
