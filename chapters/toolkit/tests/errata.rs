//! Claims of the source chapter about reading and showing images that are false, and what is true instead;
//! `book/errata.md` lists them all.

use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma};
use tch::{Kind, Tensor, vision};
use toolkit::images::{ImageSet, LoadOptions};
use toolkit::sheet::sheet;

/// An image whose every pixel is `level`.
fn plain(level: u8) -> GrayImage {
    GrayImage::from_pixel(8, 8, Luma([level]))
}

/// Labels by number of row go wrong where files come in the order of the folder;
/// `images::celeba::rows_are_joined_on_image_id` shows that ours are joined by name. tch's own reader has the fault:
/// the order is the folder's, and a bad file is left out without a word, so that every label after it is another
/// image's.
#[test]
fn erratum_27_labels_by_row_number() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20u8 {
        plain(number * 10).save(folder.path().join(format!("{number:02}.png"))).unwrap();
    }
    fs::write(folder.path().join("03.png"), "no picture").unwrap();

    let read = vision::image::load_dir(folder.path(), 8, 8).unwrap();
    let first_pixels = read.select(1, 0).select(1, 0).select(1, 0).to_kind(Kind::Int64);
    let levels = Vec::<i64>::try_from(first_pixels).unwrap();
    let in_folder = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut expected: Vec<i64> =
        in_folder.map(|name| name.to_str().unwrap()[..2].parse::<i64>().unwrap() * 10).collect();
    expected.retain(|&level| level != 30);
    assert_eq!(levels, expected);

    // Ours refuses the folder.
    let cache = folder.path().join("cache");
    let options = LoadOptions { side: 8, channels: 1, skip_bad: false, cache };
    let error = ImageSet::load(folder.path(), &options).err().expect("one file is bad");
    assert!(format!("{error:#}").contains("03.png"), "{error:#}");
}

/// Enlarging is the same everywhere, making smaller is not: TensorFlow's bilinear filter looks at two pixels in each
/// direction however many there are, Pillow's and ours at all of them. Stripes of which half is white become white or
/// grey.
#[test]
fn erratum_30_resizing() {
    let folder = tempfile::tempdir().unwrap();
    let white = |x: u32| (2..6).contains(&(x % 8));
    let stripes = GrayImage::from_fn(128, 128, |x, _| Luma([if white(x) { 255 } else { 0 }]));
    stripes.save(folder.path().join("stripes.png")).unwrap();

    // Without antialiasing, and with the same places of the pixels as in TensorFlow 2.
    let x = Tensor::from_slice(stripes.as_raw()).view([1, 1, 128, 128]).to_kind(Kind::Float);
    let two_pixels = x.upsample_bilinear2d([16, 16], false, None, None);
    assert_eq!(two_pixels.min().double_value(&[]), 255.0);

    let cache = folder.path().join("cache");
    let options = LoadOptions { side: 16, channels: 1, skip_bad: false, cache };
    let set = ImageSet::load(folder.path(), &options).unwrap();
    let inside = &set.pixels(0)[16 * 8 + 1..16 * 8 + 15];
    assert!(inside.iter().all(|level| (120..=136).contains(level)), "{inside:?}");
}

/// `display` guesses the range from a batch's smallest and largest value, so that the same pixel looks different in
/// another batch (`tests/errata.py 33`), and its `gray_r` shows white as black. On our sheets −1 is black and 1 is
/// white, whatever is beside it.
#[test]
fn erratum_33_a_fixed_scale() {
    let image = Tensor::from_slice(&[0.0f32, 0.25, 0.5, 1.0]).view([1, 1, 2, 2]);
    let shown = |batch: &Tensor| {
        let page = sheet(batch, 8, 1);
        [(2, 2), (3, 2), (2, 3), (3, 3)].map(|(x, y)| page.get_pixel(x, y).0[0])
    };
    assert_eq!(shown(&image), [128, 159, 191, 255]);
    let darker = &image - 1.0;
    assert_eq!(shown(&darker), [0, 32, 64, 128]);
    assert_eq!(shown(&Tensor::cat(&[&image, &darker], 0)), shown(&image));
}

/// Every file below a folder, or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// The page lists 38 errata, and each test and function that it says to run is there.
#[test]
fn the_page_names_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("book/errata.md")).unwrap();
    let script = fs::read_to_string(root.join("tests/errata.py")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), 38);
    for (row, number) in rows.iter().zip(1..) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!((cells.len(), cells[0]), (5, number.to_string().as_str()), "{row}");
        let commands: Vec<&str> = cells[4].split('`').skip(1).step_by(2).collect();
        assert_eq!(commands.is_empty(), cells[3].starts_with("citation"), "{row}");
        for command in commands {
            let words: Vec<&str> = command.split(' ').collect();
            let name = words.last().unwrap();
            if words[0] == "python" {
                assert!(script.contains(&format!("def erratum_{number:02}_")), "{command}");
                assert_eq!(*name, number.to_string(), "{command}");
                continue;
            }
            let after = |flag: &str| {
                let pairs = words.windows(2).filter(|pair| pair[0] == flag);
                pairs.map(|pair| pair[1].to_string()).collect::<Vec<_>>()
            };
            let test = &after("--test")[0];
            for package in after("-p") {
                let tests = root.join("chapters").join(&package).join("tests");
                let sources = [tests.join(test), tests.join(test).with_extension("rs")];
                let there = sources.iter().flat_map(|path| files(path)).any(|path| {
                    let text = fs::read_to_string(path).unwrap_or_default();
                    text.contains(&format!("fn {name}")) || text.contains(&format!("mod {name};"))
                });
                assert!(there, "{package} has no {name}: {command}");
            }
        }
    }
}
