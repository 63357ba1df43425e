//! The real program in fresh folders: what it writes, what it refuses, and that a stopped run goes on as if it had not stopped.

#[path = "../../../tests/program.rs"]
mod program;

use std::fs;

use program::Program;

/// The program with so many pictures to learn from.
fn with_pictures(count: u32) -> Program {
    let program = Program::new("ch4-wgan-gp", env!("CARGO_BIN_EXE_ch4-wgan-gp"));
    program.draw_pictures(count);
    program
}

const TRAIN: [&str; 7] = ["train", "--data", "pictures", "--channels", "1", "--batch-size", "8"];

#[test]
fn a_run_folder_holds_what_it_should_and_resuming_changes_nothing() {
    let program = with_pictures(60);
    program.runs_are_reproducible(&TRAIN);

    // A kill between the two renames of a checkpoint leaves it under another name.
    let checkpoint = program.at("parts/checkpoint");
    fs::rename(&checkpoint, checkpoint.with_extension("new")).unwrap();
    program.succeed(&["--resume", "parts", "--steps", "5"]);
}

#[test]
fn a_trained_generator_draws_and_is_measured() {
    let program = with_pictures(240);
    program.succeed(&[&TRAIN[..], &["--steps", "1", "--out", "run"]].concat());
    let sample = |more: &[&str]| {
        let args = ["sample", "--checkpoint", "run", "--out", "sheet.png"];
        let (said, _) = program.succeed(&[&args[..], more].concat());
        assert_eq!(said, "sheet.png\n");
        image::open(program.at("sheet.png")).unwrap().to_rgb8()
    };
    let nine = sample(&["--count", "9"]);
    assert_eq!(nine.dimensions(), (8 * 66 + 2, 2 * 66 + 2));
    // The first image of a walk is the first image without it; then it leads elsewhere.
    let walk = sample(&["--count", "16", "--walk"]);
    assert_eq!(walk.dimensions(), (8 * 66 + 2, 2 * 66 + 2));
    let tile = |page: &image::RgbImage, i: u32| {
        image::imageops::crop_imm(page, 2 + 66 * i, 2, 64, 64).to_image()
    };
    // But for rounding.
    let same = |a: &image::RgbImage, b: &image::RgbImage| {
        a.as_raw().iter().zip(b.as_raw()).all(|(a, b)| a.abs_diff(*b) <= 1)
    };
    assert!(same(&tile(&walk, 0), &tile(&nine, 0)));
    assert!(same(&tile(&walk, 7), &tile(&nine, 1)));
    assert!(!same(&tile(&walk, 1), &tile(&nine, 1)) && !same(&tile(&walk, 1), &tile(&walk, 0)));

    let args = ["evaluate", "--checkpoint", "run", "--json", "--nearest", "nearest.png"];
    let (said, _) = program.succeed(&args);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let number = |pointer: &str| {
        let number = report.pointer(pointer).and_then(serde_json::Value::as_f64);
        number.unwrap_or_else(|| panic!("{pointer} in {report}"))
    };
    let count = number("/images") as u32;
    assert!((8..40).contains(&count), "about a tenth of 240 is held out, not {count}");
    let ratio = number("/swd/mean") / number("/floor/mean");
    assert!(ratio > 1.0 && (number("/times_floor") - ratio).abs() < 1e-9);
    assert_eq!(report["swd"]["levels"].as_array().unwrap().len(), 3);
    // After one step it draws noise, which no training image is like.
    assert!(number("/nearest/generated") > 1.5 * number("/nearest/held_out"), "{report}");
    let rows = 2 * (count.min(32) / 8);
    assert_eq!(program.size("nearest.png"), (8 * 66 + 2, rows * 66 + 2));
}

/// That these are bricks is told by grey in the middle, not the same everywhere, and white in the corners.
#[test]
fn the_weights_that_come_with_the_book_draw_bricks() {
    let program = Program::new("ch4-wgan-gp", env!("CARGO_BIN_EXE_ch4-wgan-gp"));
    let (name, said) = program.succeed(&["sample", "--count", "16"]);
    assert_eq!(name, "sample.png\n");
    assert!(said.contains("bricks-small, which come with the book"), "{said}");
    let sheet = image::open(program.at("sample.png")).unwrap().to_luma8();
    assert_eq!(sheet.dimensions(), (8 * 66 + 2, 2 * 66 + 2));
    let brightness = |i: u32, (x, y): (u32, u32)| {
        let square =
            image::imageops::crop_imm(&sheet, 2 + 66 * (i % 8) + x, 2 + 66 * (i / 8) + y, 8, 8);
        let sum: f64 = square.to_image().pixels().map(|p| f64::from(p[0])).sum();
        sum / 64.0
    };
    let middles: Vec<f64> = (0..16).map(|i| brightness(i, (28, 28))).collect();
    assert!(middles.iter().all(|middle| *middle < 230.0), "{middles:?}");
    assert!(toolkit::stats::deviation(&middles) > 5.0, "{middles:?}");
    for corner in [(0, 0), (56, 0), (0, 56), (56, 56)] {
        let white = (0..16).filter(|i| brightness(*i, corner) > 235.0).count();
        assert!(white >= 14, "{white} of 16 are white at {corner:?}");
    }
}

/// That these are faces is told by skin in the middle of most, grounds of many colours, and no two alike.
#[test]
fn the_weights_that_come_with_the_book_draw_faces() {
    let program = Program::new("ch4-wgan-gp", env!("CARGO_BIN_EXE_ch4-wgan-gp"));
    let args = ["sample", "--checkpoint", "portraits", "--count", "16"];
    let (name, _) = program.succeed(&args);
    assert_eq!(name, "sample.png\n");
    let sheet = image::open(program.at("sample.png")).unwrap().to_rgb8();
    assert_eq!(sheet.dimensions(), (8 * 66 + 2, 2 * 66 + 2));
    let tile = |i: u32| {
        image::imageops::crop_imm(&sheet, 2 + 66 * (i % 8), 2 + 66 * (i / 8), 64, 64).to_image()
    };
    // Red without blue, in the mean of a square of 16 pixels.
    let warmth = |image: &image::RgbImage, x: u32, y: u32| {
        let square = image::imageops::crop_imm(image, x, y, 16, 16).to_image();
        square.pixels().map(|p| f64::from(p[0]) - f64::from(p[2])).sum::<f64>() / 256.0
    };
    let faces: Vec<image::RgbImage> = (0..16).map(tile).collect();
    let with_skin = faces.iter().filter(|face| warmth(face, 24, 28) > 15.0).count();
    assert!(with_skin >= 14, "{with_skin} of 16 have skin in the middle");
    let grounds: Vec<f64> = faces.iter().map(|face| warmth(face, 0, 0)).collect();
    assert!(toolkit::stats::deviation(&grounds) > 10.0, "{grounds:?}");
    let apart = |a: &image::RgbImage, b: &image::RgbImage| {
        let sum: f64 =
            a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        sum / a.as_raw().len() as f64
    };
    for (i, one) in faces.iter().enumerate() {
        for other in &faces[..i] {
            assert!(apart(one, other) > 8.0, "two faces are the same");
        }
    }
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let program = with_pictures(60);
    let refuse = |args: &[&str], parts: &[&str]| {
        program.refuse(args, parts);
        assert!(!program.at("runs").exists(), "{args:?} wrote a run all the same");
    };
    refuse(&["--data", "nowhere"], &["nowhere", "no such folder"]);
    fs::create_dir(program.at("empty")).unwrap();
    refuse(&["--data", "empty"], &["empty", "no image"]);
    refuse(&["--data", "pictures", "--batch-size", "64"], &["pictures", "64"]);
    refuse(&["--data", "pictures", "--device", "cuda:97"], &["--device cuda"]);
    refuse(&["sample", "--checkpoint", "newest"], &["train one first"]);
    refuse(&["sample", "--checkpoint", "pictures"], &["pictures", "config.json"]);

    fs::create_dir(program.at("mine")).unwrap();
    fs::write(program.at("mine/letter.txt"), "dear").unwrap();
    refuse(&["--data", "pictures", "--out", "mine"], &["mine", "not an empty folder"]);

    let picture = program.at("pictures/even/04.png");
    let whole = fs::read(&picture).unwrap();
    fs::write(&picture, &whole[..whole.len() / 2]).unwrap();
    refuse(&["--data", "pictures"], &["even/04.png", "--skip-bad"]);
    let skip = ["--skip-bad", "--steps", "1", "--out", "skipped"];
    let (_, said) = program.succeed(&[&TRAIN[..], &skip].concat());
    assert!(said.contains("1 unreadable left out"), "{said}");

    program.misunderstand(&[
        &["--steps", "0"],
        &["--steps", "2", "--epochs", "2"],
        &["--preset", "slow"],
        &["--learning-rate", "0"],
        &["--beta1", "1"],
        &["--dropout", "1"],
        &["trian"],
    ]);
}

#[test]
fn a_checkpoint_fits_or_is_refused() {
    let program = with_pictures(60);
    let train = [&TRAIN[..], &["--steps", "1", "--out", "run"]].concat();
    program.succeed(&train);
    program.refuse(&train, &["run", "another run"]);

    let sample = ["sample", "--checkpoint", "run"];
    let config = fs::read_to_string(program.at("run/config.json")).unwrap();
    let refuse = |from: &str, to: &str, parts: &[&str]| {
        assert!(config.contains(from), "{config} lacks {from}");
        fs::write(program.at("run/config.json"), config.replacen(from, to, 1)).unwrap();
        program.refuse(&sample, parts);
        assert!(!program.at("sample.png").exists());
    };
    let file = "generator.safetensors";
    refuse("\"channels\": 1", "\"channels\": 3", &[file, "image.bias", "shape"]);
    refuse("\"z_dim\": 128", "\"z_dim\": 64", &[file, "up1.conv.weight", "shape"]);
    let named = "\"program\": \"ch4-wgan-gp\"";
    refuse(named, "\"program\": \"ch4-dcgan\"", &["config.json", "ch4-dcgan"]);
    fs::write(program.at("run/config.json"), &config).unwrap();
    program.succeed(&sample);
    fs::remove_file(program.at("sample.png")).unwrap();

    let path = program.at("run/checkpoint/generator.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    program.refuse(&sample, &[file, "not a whole"]);
    fs::copy(program.at("run/checkpoint/critic.safetensors"), &path).unwrap();
    program.refuse(&sample, &[file, "another network"]);
    assert!(!program.at("sample.png").exists());
}
