//! What a folder may look like, and which of its images are held out.

use std::fs;

use super::{Scratch, levels};
use toolkit::images::ImageSet;

#[test]
fn a_flat_folder_is_sorted_and_other_files_are_passed_over() {
    let scratch = Scratch::new();
    for (name, level) in [("b.PNG", 2), ("a.png", 1), ("c.Jpeg", 3), ("._a.png", 9)] {
        scratch.picture(name, level);
    }
    scratch.write("drawn.json", "{}");
    scratch.write(".DS_Store", "");
    let set = scratch.load();
    assert_eq!(set.names(), ["a.png", "b.PNG", "c.Jpeg"]);
    assert_eq!(levels(&set), [1, 2, 3]);
    assert_eq!((set.len(), set.side(), set.channels(), set.class(0)), (3, 8, 1, None));
}

#[test]
fn one_folder_a_class() {
    let scratch = Scratch::new();
    for (name, level) in [("plate/0.png", 3), ("brick/1.png", 2), ("brick/0.png", 1)] {
        scratch.picture(name, level);
    }
    let set = scratch.load();
    assert_eq!(set.names(), ["brick/0.png", "brick/1.png", "plate/0.png"]);
    assert_eq!(levels(&set), [1, 2, 3]);
    assert_eq!([set.class(1), set.class(2)], [Some("brick"), Some("plate")]);
}

#[test]
fn kaggles_wrapping_folder_makes_no_difference() {
    let scratch = Scratch::new();
    scratch.picture("dataset/a.png", 1);
    scratch.write("validation.txt", "a.png");
    assert_eq!(scratch.load().names(), ["a.png"]);
    let inside = ImageSet::load(&scratch.path("images/dataset"), &scratch.options()).unwrap();
    assert_eq!(inside.names(), ["a.png"]);
}

#[test]
fn a_tenth_is_held_out_and_stays_so() {
    let scratch = Scratch::new();
    scratch.picture("0000.png", 0);
    for index in 1..2000 {
        let images = scratch.path("images");
        fs::copy(images.join("0000.png"), images.join(format!("{index:04}.png"))).unwrap();
    }
    let set = scratch.load();
    let (training, held_out) = (set.training(), set.held_out());
    assert!((160..240).contains(&held_out.len()), "{}", held_out.len());
    let mut all = [training, held_out.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..2000).collect::<Vec<_>>());

    // Written down, since runs made long ago rest on it.
    let names: Vec<&str> = held_out.iter().map(|&index| set.names()[index].as_str()).collect();
    assert_eq!(names[..5], ["0002.png", "0006.png", "0023.png", "0026.png", "0053.png"]);

    // The same files are held out when others are gone.
    for index in (0..2000).step_by(3) {
        fs::remove_file(scratch.path("images").join(format!("{index:04}.png"))).unwrap();
    }
    let fewer = scratch.load();
    let left: Vec<&str> =
        names.iter().copied().filter(|n| fewer.names().iter().any(|m| m == n)).collect();
    let again: Vec<&str> = fewer.held_out().iter().map(|&i| fewer.names()[i].as_str()).collect();
    assert_eq!(again, left);
}
