//! The nearest image of a set to another image.

use tch::{Device, Kind};

use crate::Scratch;

#[test]
fn the_nearest_of_the_candidates_is_found_and_how_far_it_is() {
    let scratch = Scratch::new();
    for level in [10, 60, 110, 200] {
        scratch.picture(&format!("{level:03}.png"), level);
    }
    let set = scratch.load();
    // 10 levels above the second and the third image.
    let images = set.batch(&[1, 2], Device::Cpu, Kind::Float) + 10.0 / 127.5;

    let (places, distances) = set.nearest(&images, &[0, 1, 2, 3]);
    assert_eq!(places, [1, 2]);
    assert!(distances.iter().all(|distance| (distance - 10.0).abs() < 0.01), "{distances:?}");

    // The second is no candidate, and the only good one comes after many others.
    let many = [vec![0; 1500], vec![3, 2], vec![0; 1500]].concat();
    let (places, distances) = set.nearest(&images, &many);
    assert_eq!(places, [2, 2]);
    assert!((distances[0] - 40.0).abs() < 0.01 && (distances[1] - 10.0).abs() < 0.01);
}
