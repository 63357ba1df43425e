//! That labels fit their images, whatever order files and rows come in; and how labels are asked for.

use std::fs;
use std::path::Path;

use ch4_cgan::evaluate::{Agreement, Obedience};
use ch4_cgan::labels::{
    Asked, CHECK_COLUMNS, answers, caption, check, combinations, in_turn, table, verify,
};
use data::portraits;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};
use tempfile::TempDir;
use toolkit::images::LoadOptions;
use toolkit::{Compute, ImageSet};

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };

fn load(folder: &Path) -> ImageSet {
    let cache = folder.join("cache");
    let options = LoadOptions { side: 64, channels: 3, skip_bad: false, cache };
    ImageSet::load(folder, &options).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// Portrait `i` of the embedded set: its picture and its attributes.
fn portrait(i: usize) -> (RgbImage, [bool; 40]) {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    rng.set_stream(i as u64);
    portraits::draw(&mut rng)
}

/// Row and file of an image in CelebA's layout.
struct Entry {
    file: String,
    picture: RgbImage,
    has: [bool; 40],
}

/// Writes a folder in CelebA's layout: files are made in the order of `entries`, rows of the table in another.
fn write(folder: &Path, entries: &[Entry], rng: &mut ChaCha8Rng) {
    let images = folder.join("img_align_celeba");
    fs::create_dir(&images).unwrap();
    let mut rows = Vec::new();
    for Entry { file, picture, has } in entries {
        picture.save(images.join(file)).unwrap();
        let values = has.map(|yes| if yes { "1" } else { "-1" }).join(",");
        rows.push(format!("{file},{values}\n"));
    }
    rows.shuffle(rng);
    let header = format!("image_id,{}\n", portraits::ATTRIBUTES.join(","));
    fs::write(folder.join("list_attr_celeba.csv"), header + &rows.concat()).unwrap();
}

/// How far the picture of an entry is from image `i` of a set: mean difference of their bytes.
fn difference(set: &ImageSet, i: usize, picture: &RgbImage) -> f64 {
    let small = resize(picture, 64, 64, FilterType::Triangle);
    let pixels = set.pixels(i);
    let sum: u64 = small
        .enumerate_pixels()
        .flat_map(|(x, y, colour)| (0..3).map(move |c| (c, (y * 64 + x) as usize, colour.0[c])))
        .map(|(c, place, value)| u64::from(value.abs_diff(pixels[c * 64 * 64 + place])))
        .sum();
    sum as f64 / (3 * 64 * 64) as f64
}

/// Forty-eight portraits are written in CelebA's layout under shuffled names, the files in one random order and the rows
/// in another. Every image that is read must be the picture of one entry, and all its forty labels that entry's.
#[test]
fn every_label_is_its_own_images_whatever_the_order() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut numbers: Vec<u32> = (1..=48).collect();
    numbers.shuffle(&mut rng);
    let entries: Vec<Entry> = numbers
        .iter()
        .enumerate()
        .map(|(i, number)| {
            let (picture, has) = portrait(i);
            Entry { file: format!("{number:06}.jpg"), picture, has }
        })
        .collect();
    let folder = TempDir::new().unwrap();
    write(folder.path(), &entries, &mut rng);
    let set = load(folder.path());
    assert_eq!(set.len(), 48);

    let all = names(&portraits::ATTRIBUTES);
    let read = answers(&set, &all).unwrap(); // [48, 40]
    let one_hots = table(&set, &all, CPU).unwrap(); // [48, 80]
    let mut by_order = 0;
    for i in 0..set.len() {
        // Which entry is this image? The picture tells, not the name.
        let apart: Vec<f64> = entries.iter().map(|e| difference(&set, i, &e.picture)).collect();
        let entry = (0..48).min_by(|&a, &b| apart[a].total_cmp(&apart[b])).unwrap();
        let others = (0..48).filter(|&e| e != entry).map(|e| apart[e]).fold(f64::MAX, f64::min);
        assert!(apart[entry] < 4.0 && others > 10.0, "{} {others}", apart[entry]);

        let labels = Vec::<f32>::try_from(read.get(i as i64)).unwrap();
        assert_eq!(labels, entries[entry].has.map(f32::from), "{}", set.names()[i]);
        let pairs = Vec::<f32>::try_from(one_hots.get(i as i64)).unwrap();
        let expected = entries[entry].has.map(|yes| [f32::from(!yes), f32::from(yes)]);
        assert_eq!(pairs, expected.concat());
        // What comes of pairing the images, as they are read, with the rows in the order of writing.
        by_order += usize::from(labels == entries[i].has.map(f32::from));
    }
    assert!(by_order < 8, "the order of writing would have done: {by_order} of 48");
}

/// The same of the embedded set as the program draws it: each file's label is that of the portrait with its number, and
/// the hair of those with `Blond_Hair` is the lightest and yellowest.
#[test]
fn embedded_portraits_show_their_labels() {
    let folder = TempDir::new().unwrap();
    let drawing =
        data::Drawing { count: 150, ..data::Drawing::new(data::Collection::PortraitsSmall) };
    data::draw(&drawing, &folder.path().join("portraits"), &|_, _| ()).unwrap();
    let set = load(&folder.path().join("portraits"));
    let column = |name: &str| set.attribute(name).unwrap();
    let place = |name: &str| portraits::ATTRIBUTES.iter().position(|known| *known == name).unwrap();
    for i in 0..set.len() {
        assert_eq!(set.names()[i], format!("{:06}.jpg", i + 1));
        let (_, has) = portrait(i);
        for name in ["Blond_Hair", "Smiling", "Eyeglasses"] {
            assert_eq!(column(name)[i], has[place(name)], "{name} of {i}");
        }
    }

    // Hair is seen above the forehead where nothing hides it: mean red, green and blue of that patch.
    let hidden = ["Bald", "Wearing_Hat", "Receding_Hairline"].map(&column);
    let blond = column("Blond_Hair");
    let mut counted = [0, 0];
    for i in (0..set.len()).filter(|&i| !hidden.iter().any(|column| column[i])) {
        let pixels = set.pixels(i);
        let mean = |c: usize| {
            let patch = (13..15).flat_map(|y| (29..36).map(move |x| c * 4096 + y * 64 + x));
            patch.map(|at| f64::from(pixels[at])).sum::<f64>() / 14.0
        };
        let (red, green, blue) = (mean(0), mean(1), mean(2));
        let looks_blond = red > 165.0 && green > 0.68 * red && red > 1.12 * blue;
        assert_eq!(looks_blond, blond[i], "image {i}: {red:.0} {green:.0} {blue:.0}");
        counted[usize::from(blond[i])] += 1;
    }
    assert!(counted[0] >= 80 && counted[1] >= 12, "{counted:?}");
}

/// Grey pictures, lighter from image to image; every third has the first attribute, the last alone the second.
fn simple(count: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let entries: Vec<Entry> = (0..count)
        .map(|i| {
            let mut has = [false; 40];
            has[0] = i % 3 == 0;
            has[1] = i + 1 == count;
            let picture = RgbImage::from_pixel(64, 64, image::Rgb([(i * 5) as u8; 3]));
            Entry { file: format!("{i:06}.png"), picture, has }
        })
        .collect();
    write(folder.path(), &entries, &mut ChaCha8Rng::seed_from_u64(2));
    folder
}

#[test]
fn the_check_shows_a_row_without_and_a_row_with() {
    let folder = simple(48);
    let set = load(folder.path());
    let [first, second] = [portraits::ATTRIBUTES[0], portraits::ATTRIBUTES[1]];
    let faces = check(&set, &names(&[first, second])).unwrap();
    let columns = i64::from(CHECK_COLUMNS);
    assert_eq!(faces.size(), [4 * columns, 3, 64, 64]);
    // The number of the image from its grey; 51 is white.
    let shown = ((faces.select(1, 0).select(1, 0).select(1, 0) + 1.0) * 127.5 / 5.0).round();
    let shown: Vec<i64> = Vec::try_from(shown.to_kind(Kind::Int64)).unwrap();
    let rows: Vec<&[i64]> = shown.chunks(columns as usize).collect();
    assert!(rows[0].iter().all(|i| i % 3 != 0), "{rows:?}");
    assert!(rows[1].iter().all(|i| i % 3 == 0), "{rows:?}");
    assert!(rows[2].iter().all(|&i| i != 47), "{rows:?}");
    assert!(rows[3][0] == 47 && rows[3][1..].iter().all(|&i| i == 51), "{rows:?}");
    // From all over the set.
    for row in &rows[..3] {
        assert!(row[0] < 5 && row[9] > 40 && row.is_sorted(), "{rows:?}");
    }
}

#[test]
fn labels_that_cannot_be_learnt_are_refused() {
    let folder = simple(48);
    let set = load(folder.path());
    let [first, _, third] = [0, 1, 2].map(|i| portraits::ATTRIBUTES[i]);
    let refused = |list: &[&str]| verify(&set, &names(list)).unwrap_err().to_string();
    verify(&set, &names(&[first])).unwrap();
    assert!(refused(&[third]).contains("0 of 4"), "{}", refused(&[third]));
    assert!(refused(&[first, first]).contains("twice"));
    assert!(refused(&["Blonde_Hair"]).contains("did you mean \"Blond_Hair\"?"));
    assert!(refused(&[first, "a", "b", "c"]).contains("4 labels"));
}

#[test]
fn asking_is_by_name_and_answer() {
    let asked = |text: &str| text.parse::<Asked>();
    let named = |name: &str, yes| Ok(Asked { name: name.into(), yes });
    assert_eq!(asked("Blond_Hair"), named("Blond_Hair", true));
    assert_eq!(asked("Blond_Hair=1"), named("Blond_Hair", true));
    assert_eq!(asked("Blond_Hair=0"), named("Blond_Hair", false));
    for wrong in ["Blond_Hair=2", "Blond_Hair=", "Blond_Hair=yes", "Blond_Hair=1=1"] {
        assert!(asked(wrong).is_err(), "{wrong}");
    }

    let both = names(&["Blond_Hair", "Smiling"]);
    let left = |texts: &[&str]| {
        let asked: Vec<Asked> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let captions = |found: Vec<Vec<bool>>| found.iter().map(|a| caption(&both, a)).collect();
        combinations(&both, &asked).map(captions).map_err(|error| error.to_string())
    };
    let ok = |captions: &[&str]| Ok::<Vec<String>, String>(names(captions));
    assert_eq!(
        left(&[]),
        ok(&[
            "Blond_Hair=0 Smiling=0",
            "Blond_Hair=0 Smiling=1",
            "Blond_Hair=1 Smiling=0",
            "Blond_Hair=1 Smiling=1"
        ])
    );
    assert_eq!(left(&["Smiling"]), ok(&["Blond_Hair=0 Smiling=1", "Blond_Hair=1 Smiling=1"]));
    assert_eq!(left(&["Smiling=0", "Blond_Hair=1"]), ok(&["Blond_Hair=1 Smiling=0"]));
    assert!(left(&["Bald=0"]).unwrap_err().contains("Blond_Hair, Smiling"));
    assert!(left(&["Smiling", "Smiling=0"]).unwrap_err().contains("twice"));
}

#[test]
fn the_same_z_stand_under_each_other() {
    let z = Tensor::arange(4, (Kind::Float, Device::Cpu)).view([4, 1, 1, 1]);
    let (all_z, labels) = in_turn(&z, &[vec![false], vec![true]], 2);
    let of = |x: Tensor| Vec::<f32>::try_from(x.flatten(0, -1)).unwrap();
    assert_eq!(of(all_z), [0., 1., 0., 1., 2., 3., 2., 3.]);
    assert_eq!(of(labels.select(1, 1)), [0., 0., 1., 1., 0., 0., 1., 1.]);
    assert_eq!(of(labels.sum_dim_intlist(1, false, Kind::Float)), [1.0; 8]);
}

#[test]
fn agreement_is_counted_for_each_answer() {
    let right = Tensor::from_slice(&[0f32, 0.0, 0.0, 0.0, 1.0, 1.0]);
    let seen = Tensor::from_slice(&[0f32, 0.0, 0.0, 1.0, 1.0, 0.0]);
    let expected = Agreement { all: 4.0 / 6.0, when_no: 0.75, when_yes: 0.5 };
    assert_eq!(Agreement::of(&seen, &right), expected);
}

#[test]
fn the_table_says_what_was_counted() {
    let label = Obedience {
        name: "Blond_Hair".into(),
        asked: 4000,
        drawn_as_asked: Agreement { all: 0.875, when_no: 1.0, when_yes: 0.75 },
        shuffled: 0.4984,
        classifier: Agreement { all: 0.9876, when_no: 0.99, when_yes: 0.98 },
    };
    let row = label.to_string();
    let expected = "Blond_Hair 87.5 % 100.0 % 75.0 % 49.8 % 98.8 %";
    assert_eq!(row.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{row}");
}
