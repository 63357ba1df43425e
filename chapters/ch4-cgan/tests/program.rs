//! The real program in fresh folders: what it writes, what it refuses, and that a stopped run goes on as if it had not stopped.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder `faces` in CelebA's layout: 200 small pictures, yellow above where the table says blond, black where it does
/// not, and with a white band below where it says smiling.
fn faces() -> TempDir {
    let folder = TempDir::new().unwrap();
    let images = folder.path().join("faces/img_align_celeba");
    fs::create_dir_all(&images).unwrap();
    let mut table = "image_id,Blond_Hair,Smiling,Bald\n".to_string();
    for i in 0..200u32 {
        let (blond, smiling) = (i % 4 == 0, i % 3 == 0);
        let name = format!("{:06}.png", i + 1);
        let draw = |x: u32, y: u32| match y {
            0..24 if blond => image::Rgb([230, 200, i as u8]),
            0..24 => image::Rgb([20, 10, i as u8]),
            48..56 if smiling => image::Rgb([250; 3]),
            _ => image::Rgb([180, 120, (2 * x) as u8]),
        };
        image::RgbImage::from_fn(64, 64, draw).save(images.join(&name)).unwrap();
        let value = |yes| if yes { 1 } else { -1 };
        table += &format!("{name},{},{},-1\n", value(blond), value(smiling));
    }
    fs::write(folder.path().join("faces/list_attr_celeba.csv"), table).unwrap();
    folder
}

fn program(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ch4-cgan")).current_dir(folder).args(args).output().unwrap()
}

fn train(folder: &Path, more: &[&str]) -> Output {
    let args = ["train", "--data", "faces", "--batch-size", "8"];
    program(folder, &[&args[..], more].concat())
}

fn succeeds(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// The single line of a failure; it must be one, and the exit code must be `code`.
fn failure(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("ch4-cgan: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    lines[0].to_string()
}

fn weights(run: &Path) -> Vec<Vec<u8>> {
    ["generator", "critic", "generator-adam", "critic-adam"]
        .map(|name| fs::read(run.join("checkpoint").join(format!("{name}.safetensors"))).unwrap())
        .to_vec()
}

fn size(picture: &Path) -> (u32, u32) {
    image::image_dimensions(picture).unwrap()
}

/// Pixels of so many images beside each other.
fn tiles(n: u32) -> u32 {
    n * 66 + 2
}

#[test]
fn a_run_folder_holds_what_it_should_and_resuming_changes_nothing() {
    let folder = faces();
    let at = |name: &str| folder.path().join(name);
    let said = succeeds(&train(folder.path(), &["--steps", "4", "--out", "whole"]));
    assert!(said.contains("whole/labels.png") && said.contains("Blond_Hair"), "{said}");
    for file in ["config.json", "log.csv", "losses.svg", "real.png", "checkpoint/state.json"] {
        assert!(at("whole").join(file).is_file(), "{file}");
    }
    assert_eq!(size(&at("whole/labels.png")), (tiles(10), tiles(2)));
    assert_eq!(size(&at("whole/samples/000004.png")), (tiles(8), tiles(8)));
    let config = fs::read_to_string(at("whole/config.json")).unwrap();
    assert!(config.contains("\"Blond_Hair\""), "{config}");
    let log = fs::read_to_string(at("whole/log.csv")).unwrap();
    assert_eq!(log.lines().count(), 5, "{log}");

    // The same seed gives the same run; another seed or another label another one.
    succeeds(&train(folder.path(), &["--steps", "4", "--out", "again", "--label", "Blond_Hair"]));
    assert!(weights(&at("whole")) == weights(&at("again")));
    succeeds(&train(folder.path(), &["--steps", "4", "--out", "seed", "--seed", "1"]));
    assert!(weights(&at("whole")) != weights(&at("seed")));
    succeeds(&train(folder.path(), &["--steps", "4", "--out", "other", "--label", "Smiling"]));
    assert!(weights(&at("whole")) != weights(&at("other")));

    // Two steps, a stop, and two more steps.
    succeeds(&train(folder.path(), &["--steps", "2", "--out", "parts"]));
    assert!(weights(&at("whole")) != weights(&at("parts")));
    succeeds(&program(folder.path(), &["--resume", "parts", "--steps", "4"]));
    assert!(weights(&at("whole")) == weights(&at("parts")));
    assert_eq!(log, fs::read_to_string(at("parts/log.csv")).unwrap());
    assert_eq!(
        fs::read(at("whole/samples/000004.png")).unwrap(),
        fs::read(at("parts/samples/000004.png")).unwrap()
    );
}

#[test]
fn two_labels_at_once_and_what_can_be_asked_for() {
    let folder = faces();
    let at = |name: &str| folder.path().join(name);
    let both = ["--label", "Smiling", "--label", "Blond_Hair"];
    succeeds(&train(folder.path(), &[&["--steps", "1", "--out", "run"], &both[..]].concat()));
    assert_eq!(size(&at("run/labels.png")), (tiles(10), tiles(4)));
    assert_eq!(size(&at("run/samples/000001.png")), (tiles(8), tiles(8)));

    let sample = |more: &[&str]| {
        let args = ["sample", "--checkpoint", "run", "--out", "sheet.png"];
        program(folder.path(), &[&args[..], more].concat())
    };
    // The same z both ways, for both labels: rows of six, four under each other.
    let output = sample(&["--count", "21"]);
    let said = succeeds(&output);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "sheet.png\n");
    assert_eq!(size(&at("sheet.png")), (tiles(6), tiles(4)));
    let rows = ["Smiling=0 Blond_Hair=0", "Smiling=0 Blond_Hair=1", "Smiling=1 Blond_Hair=0"];
    assert!(rows.iter().all(|row| said.contains(row)), "{said}");
    let all = image::open(at("sheet.png")).unwrap().to_rgb8();
    let row = |n: u32| image::imageops::crop_imm(&all, 0, n * 66 + 2, tiles(6), 64).to_image();

    // One asked for: the other both ways. Both asked for: that row alone.
    succeeds(&sample(&["--count", "12", "--label", "Smiling=1"]));
    assert_eq!(size(&at("sheet.png")), (tiles(6), tiles(2)));
    succeeds(&sample(&["--count", "6", "--label", "Blond_Hair=0", "--label", "Smiling"]));
    assert_eq!(size(&at("sheet.png")), (tiles(6), tiles(1)));
    let asked = image::open(at("sheet.png")).unwrap().to_rgb8();
    let asked = image::imageops::crop_imm(&asked, 0, 2, tiles(6), 64).to_image();
    assert!(asked == row(2), "what is asked for is the third row of all");
    assert!(asked != row(3) && asked != row(0));

    let text = failure(&sample(&["--label", "Bald"]), 1);
    assert!(
        text.contains("run") && text.contains("Smiling, Blond_Hair") && text.contains("\"Bald\""),
        "{text}"
    );
    let text = failure(&sample(&["--label", "Smiling", "--label", "Smiling=0"]), 1);
    assert!(text.contains("twice"), "{text}");
    assert_eq!(sample(&["--label", "Smiling=2"]).status.code(), Some(2));
}

#[test]
fn evaluate_reports_what_was_drawn_and_what_was_asked_for() {
    let folder = faces();
    succeeds(&train(folder.path(), &["--steps", "2", "--out", "run"]));
    let output = program(folder.path(), &["evaluate", "--checkpoint", "run", "--json"]);
    succeeds(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let share = |pointer: &str| {
        let share = report.pointer(pointer).and_then(|value| value.as_f64());
        share.unwrap_or_else(|| panic!("{pointer} in {report}"))
    };
    assert!(share("/swd/mean") > share("/floor/mean"), "{report}");
    assert_eq!(report["labels"][0]["asked"], 4000);
    assert_eq!(report["labels"][0]["name"], "Blond_Hair");
    // Yellow or black: the classifier cannot miss it.
    assert_eq!(share("/labels/0/classifier/all"), 1.0);
    assert_eq!(share("/labels/0/classifier/when_yes"), 1.0);
    let asked = "/labels/0/drawn_as_asked";
    let halves = (share(&format!("{asked}/when_no")) + share(&format!("{asked}/when_yes"))) / 2.0;
    assert!((share(&format!("{asked}/all")) - halves).abs() < 1e-12, "asked as often for both");
    assert_eq!(share("/label_accuracy"), share(&format!("{asked}/all")));
    // Half of the askings are for either; four standard deviations of 4,000 throws of a coin.
    assert!((share("/control") - 0.5).abs() < 0.032, "{report}");
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let folder = faces();
    let at = |name: &str| folder.path().join(name);
    let refuse = |args: &[&str], parts: &[&str]| {
        let text = failure(&program(folder.path(), args), 1);
        for part in parts {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(!at("runs").exists(), "{text}: wrote a run all the same");
    };
    let faces = ["--data", "faces", "--label"];
    let label = |name| [&faces[..], &[name]].concat();
    let table =
        "faces/list_attr_celeba.csv: no column \"Blonde_Hair\"; did you mean \"Blond_Hair\"?";
    refuse(&label("Blonde_Hair"), &[table]);
    refuse(&label("Blond_Hair=1"), &["no column \"Blond_Hair=1\"", "did you mean \"Blond_Hair\"?"]);
    refuse(&label("Bald"), &["0 of", "\"Bald\""]);
    refuse(
        &["--data", "faces", "--label", "Smiling", "--label", "Smiling"],
        &["\"Smiling\"", "twice"],
    );
    fs::remove_file(at("faces/list_attr_celeba.csv")).unwrap();
    refuse(&["--data", "faces"], &["faces", "no list_attr_celeba.csv", "\"Blond_Hair\""]);
    refuse(&["sample"], &["train one first"]);

    // The command line itself: clap's own messages and exit code 2.
    for args in [&["--resume", "faces", "--label", "Smiling"][..], &["evaluate", "--label", "Bald"]]
    {
        assert_eq!(program(folder.path(), args).status.code(), Some(2), "{args:?}");
    }
}
