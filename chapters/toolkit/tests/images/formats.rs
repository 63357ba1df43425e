//! Every format and kind of colour against what Pillow makes of it (`tests/fixtures/make.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma, Rgb, RgbImage};
use tch::{Device, Kind};
use toolkit::images::{ImageSet, LoadOptions};

use super::Scratch;

#[derive(serde::Deserialize)]
struct Expected {
    /// How many levels a pixel may be off.
    tolerance: u8,
    rgb: String,
    grey: String,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn compare(channels: usize, pixels: impl Fn(&Expected) -> &str) {
    let text = fs::read_to_string(fixtures().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    let options = LoadOptions { channels, ..Scratch::new().options() };
    let set = ImageSet::load(&fixtures().join("formats"), &options).unwrap();
    assert_eq!(set.names(), expected.keys().cloned().collect::<Vec<_>>());

    let mut wrong = Vec::new();
    for (index, (name, expected)) in expected.iter().enumerate() {
        let wanted = unhex(pixels(expected));
        assert_eq!(set.pixels(index).len(), wanted.len(), "{name}");
        let pairs = set.pixels(index).iter().zip(&wanted);
        let worst = pairs.map(|(found, wanted)| found.abs_diff(*wanted)).max().unwrap();
        if worst > expected.tolerance {
            wrong.push(format!("{name}: off by {worst}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_format_in_colour() {
    compare(3, |expected| &expected.rgb);
}

#[test]
fn every_format_in_grey() {
    compare(1, |expected| &expected.grey);
}

#[test]
fn a_picture_of_the_right_size_is_not_touched() {
    let scratch = Scratch::new();
    let picture = RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 31, y as u8 * 29, (x ^ y) as u8]));
    picture.save(scratch.path("images/a.png")).unwrap();
    let options = LoadOptions { channels: 3, ..scratch.options() };
    let set = ImageSet::load(&scratch.path("images"), &options).unwrap();
    let planes: Vec<u8> =
        (0..3).flat_map(|channel| picture.pixels().map(move |pixel| pixel.0[channel])).collect();
    assert_eq!(set.pixels(0), planes);
}

/// Left half black, right half white, 32 × 8: nothing is cropped and nothing letterboxed.
#[test]
fn a_wide_picture_is_squashed() {
    let scratch = Scratch::new();
    let picture = GrayImage::from_fn(32, 8, |x, _| Luma([if x < 16 { 0 } else { 255 }]));
    picture.save(scratch.path("images/a.png")).unwrap();
    let set = scratch.load();
    for row in set.pixels(0).chunks(8) {
        assert_eq!(row[..3], [0; 3]);
        assert_eq!(row[5..], [255; 3]);
        // The triangle is 8 pixels wide, so the edge reaches one pixel to either side.
        assert_eq!(u16::from(row[3]) + u16::from(row[4]), 255);
        assert!((1..128).contains(&row[3]), "not antialiased: {row:?}");
    }
}

#[test]
fn a_batch_runs_from_minus_one_to_one() {
    let scratch = Scratch::new();
    let picture = RgbImage::from_fn(8, 8, |x, y| match (x, y) {
        (1, 0) => Rgb([0, 255, 51]),
        _ => Rgb([255, 0, 0]),
    });
    picture.save(scratch.path("images/b.png")).unwrap();
    scratch.picture("a.png", 102);
    let options = LoadOptions { channels: 3, ..scratch.options() };
    let set = ImageSet::load(&scratch.path("images"), &options).unwrap();

    let batch = set.batch(&[1, 0, 1], Device::Cpu, Kind::Float);
    assert_eq!(batch.size(), [3, 3, 8, 8]);
    let at = |image, channel, y, x| batch.double_value(&[image, channel, y, x]) as f32;
    assert_eq!([at(0, 0, 0, 0), at(0, 1, 0, 0), at(0, 2, 0, 0)], [1.0, -1.0, -1.0]);
    assert_eq!([at(2, 0, 0, 1), at(2, 1, 0, 1), at(2, 2, 0, 1)], [-1.0, 1.0, 51.0 / 127.5 - 1.0]);
    assert_eq!([at(0, 0, 1, 0), at(1, 0, 0, 0)], [1.0, 102.0 / 127.5 - 1.0]);

    let half = set.batch(&[1], Device::Cpu, Kind::BFloat16);
    assert_eq!((half.kind(), half.size()), (Kind::BFloat16, vec![1, 3, 8, 8]));
    assert_eq!(half.double_value(&[0, 2, 0, 1]), f64::from(-0.6015625_f32));
}
