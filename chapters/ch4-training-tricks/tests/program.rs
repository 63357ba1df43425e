//! The real program in fresh folders: what it writes, what it refuses, and that it goes on where it stopped.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A folder with 160 small pictures, smooth and all different; about sixteen of them are held out.
fn pictures() -> TempDir {
    let folder = TempDir::new().unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for i in 0..160u32 {
        let draw = |x: u32, y: u32| image::Luma([((x * i + y * (160 - i)) / 24) as u8]);
        image::GrayImage::from_fn(32, 32, draw).save(pictures.join(format!("{i:03}.png"))).unwrap();
    }
    folder
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch4-training-tricks"));
    command.current_dir(folder).args(args).stdin(Stdio::null());
    command
}

fn program(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn success(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// The single line of a failure; it must be one, and the exit code must be `code`.
fn failure(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    let lines: Vec<&str> =
        text.lines().filter(|line| line.starts_with("ch4-training-tricks: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    lines[0].to_string()
}

const SHORT: [&str; 4] = ["--data", "pictures", "--steps", "4"];

#[test]
fn a_run_folder_holds_what_it_should_and_trials_are_made_once() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    let run = |more: &[&str]| program(folder.path(), &[&SHORT[..], more].concat());
    let output = run(&["--only", "baseline", "--out", "one"]);
    success(&output);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "one/report.md\n");
    for file in [
        "config.json",
        "report.md",
        "sheets.png",
        "tables/losses.md",
        "tables/remedies.md",
        "tables/loss-and-quality.md",
        "tables/trials.csv",
        "plots/losses.svg",
        "plots/remedies.svg",
        "trials/baseline/seed-0/samples.png",
        "trials/baseline/seed-0/result.json",
    ] {
        assert!(at("one").join(file).is_file(), "{file}");
    }
    let log = fs::read_to_string(at("one/trials/baseline/seed-0/log.csv")).unwrap();
    assert_eq!(log.lines().count(), 5, "{log}");
    let table = fs::read_to_string(at("one/tables/trials.csv")).unwrap();
    let cells: Vec<usize> = table.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(cells, [13, 13], "{table}");
    // One sheet of 8 × 4 images, with a margin around it.
    let sheets = image::open(at("one/sheets.png")).unwrap();
    assert_eq!(sheets.width(), (8 * 34 + 2) + 2 * 14);

    // More trials in the same folder: what is there stays, and the tables hold both.
    let before =
        fs::metadata(at("one/trials/baseline/seed-0/log.csv")).unwrap().modified().unwrap();
    let text = success(&program(
        folder.path(),
        &["--resume", "one", "--only", "baseline", "non-saturating"],
    ));
    assert!(text.contains("1 of 2 trials are there already"), "{text}");
    let after = fs::metadata(at("one/trials/baseline/seed-0/log.csv")).unwrap().modified().unwrap();
    assert_eq!(before, after);
    let table = fs::read_to_string(at("one/tables/losses.md")).unwrap();
    assert!(table.contains("`baseline`") && table.contains("`non-saturating`"), "{table}");

    // The same seed gives the same numbers, whatever was made before; another seed gives others.
    success(&run(&["--only", "non-saturating", "--out", "two", "--seeds", "2"]));
    let log = |run: &str, seed: u32| {
        let path = format!("{run}/trials/non-saturating/seed-{seed}/log.csv");
        fs::read_to_string(at(&path)).unwrap()
    };
    assert_eq!(log("one", 0), log("two", 0));
    assert_ne!(log("two", 0), log("two", 1));
}

#[test]
fn ctrl_c_keeps_the_trials_that_are_whole() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    let args = ["--only", "remedies", "--data", "pictures", "--steps", "30", "--out", "run"];
    let child = command(folder.path(), &args)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let first = at("run/trials/baseline/seed-0/result.json");
    while !first.exists() {
        assert!(begun.elapsed() < Duration::from_secs(300), "the first trial does not end");
        sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("go on with: ch4-training-tricks --resume run"), "{text}");
    assert!(first.exists() && at("run/report.md").exists());
    assert!(!at("run/trials/flipped-labels").exists());
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    let refuse = |args: &[&str], parts: &[&str]| {
        let text = failure(&program(folder.path(), args), 1);
        for part in parts {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(!at("runs").exists(), "{text}: wrote a run all the same");
    };
    refuse(&["--only", "nonsense"], &["nonsense", "list"]);
    refuse(&["--data", "nowhere"], &["nowhere", "no such folder"]);
    refuse(&["--resume", "nowhere"], &["nowhere", "config.json"]);
    refuse(&["--data", "pictures", "--device", "cuda:97"], &["--device cuda"]);
    fs::create_dir(at("few")).unwrap();
    for i in 0..9 {
        let name = format!("{i:03}.png");
        fs::copy(at("pictures").join(&name), at("few").join(&name)).unwrap();
    }
    refuse(&["--data", "few"], &["few", "held out"]);
    fs::create_dir(at("mine")).unwrap();
    fs::write(at("mine/letter.txt"), "dear").unwrap();
    refuse(&["--data", "pictures", "--out", "mine"], &["mine", "not an empty folder"]);
    for args in
        [&["--steps", "0"][..], &["--seeds", "0"], &["--resume", "run", "--full"], &["lsit"]]
    {
        assert_eq!(program(folder.path(), args).status.code(), Some(2), "{args:?}");
    }
    // Trials that were made otherwise than the list has them now are not mixed with others.
    success(&program(
        folder.path(),
        &[&SHORT[..], &["--only", "baseline", "--out", "run"]].concat(),
    ));
    let path = at("run/trials/baseline/seed-0/result.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"d_steps\": 2"), "{text}");
    fs::write(&path, text.replace("\"d_steps\": 2", "\"d_steps\": 3")).unwrap();
    refuse(&["--resume", "run", "--only", "baseline"], &["baseline/seed-0", "other settings"]);
}

#[test]
fn the_list_names_every_group() {
    let output = program(Path::new("."), &["list"]);
    success(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    for group in ["losses:", "remedies:", "generator:", "labels:", "sweep:"] {
        assert!(text.lines().any(|line| line.starts_with(group)), "{group} is missing in {text}");
    }
    assert!(text.contains("flipped-labels"));
}
