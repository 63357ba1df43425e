//! Whole folders as they are drawn on first use.

use std::fs;
use std::path::Path;

use data::{Collection, Drawing, draw};
use tempfile::TempDir;

fn drawn(collection: Collection, count: usize, folder: &Path) -> Vec<(String, Vec<u8>)> {
    let drawing = Drawing { count, ..Drawing::new(collection) };
    assert!(draw(&drawing, folder, &|_, _| ()).unwrap());
    // Once is enough.
    assert!(!draw(&drawing, folder, &|_, _| ()).unwrap());
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
    let first = drawn(Collection::PortraitsSmall, 4, &small);
    let more = drawn(Collection::Portraits, 6, &large);
    assert_eq!((first.len(), more.len()), (4, 6));
    assert!(first == more[..4]);
    let table = |folder: &Path| fs::read_to_string(folder.join("list_attr_celeba.csv")).unwrap();
    let (small, large) = (table(&small), table(&large));
    assert_eq!(small.lines().count(), 5);
    assert!(large.starts_with(&small));
}
