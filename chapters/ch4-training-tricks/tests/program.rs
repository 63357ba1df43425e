//! The real program in fresh folders: what it writes, what it refuses, and that it goes on where it stopped.

#[path = "../../../tests/program.rs"]
mod program;

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use program::Program;

fn fresh() -> Program {
    Program::new("ch4-training-tricks", env!("CARGO_BIN_EXE_ch4-training-tricks"))
}

/// The program with 160 small pictures, of which about sixteen are held out.
fn with_pictures() -> Program {
    let program = fresh();
    program.draw_pictures(160);
    program
}

const SHORT: [&str; 4] = ["--data", "pictures", "--steps", "4"];

#[test]
fn a_run_folder_holds_what_it_should_and_trials_are_made_once() {
    let program = with_pictures();
    let at = |name: &str| program.at(name);
    let run = |more: &[&str]| program.succeed(&[&SHORT[..], more].concat()).0;
    assert_eq!(run(&["--only", "baseline", "--out", "one"]), "one/report.md\n");
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
    let (_, text) = program.succeed(&["--resume", "one", "--only", "baseline", "non-saturating"]);
    assert!(text.contains("1 of 2 trials are there already"), "{text}");
    let after = fs::metadata(at("one/trials/baseline/seed-0/log.csv")).unwrap().modified().unwrap();
    assert_eq!(before, after);
    let table = fs::read_to_string(at("one/tables/losses.md")).unwrap();
    assert!(table.contains("`baseline`") && table.contains("`non-saturating`"), "{table}");

    // The same seed gives the same numbers, whatever was made before; another seed gives others.
    run(&["--only", "non-saturating", "--out", "two", "--seeds", "2"]);
    let log = |run: &str, seed: u32| {
        let path = format!("{run}/trials/non-saturating/seed-{seed}/log.csv");
        fs::read_to_string(at(&path)).unwrap()
    };
    assert_eq!(log("one", 0), log("two", 0));
    assert_ne!(log("two", 0), log("two", 1));
}

#[test]
fn ctrl_c_keeps_the_trials_that_are_whole() {
    let program = with_pictures();
    let at = |name: &str| program.at(name);
    let args = ["--only", "remedies", "--data", "pictures", "--steps", "30", "--out", "run"];
    let child =
        program.command(&args).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
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
    assert!(
        text.contains("go on with: ch4-training-tricks --resume run --only remedies"),
        "{text}"
    );
    assert!(first.exists() && at("run/report.md").exists());
    assert!(!at("run/trials/flipped-labels").exists());
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let program = with_pictures();
    let at = |name: &str| program.at(name);
    let refuse = |args: &[&str], parts: &[&str]| {
        program.refuse(args, parts);
        assert!(!at("runs").exists(), "{args:?} wrote a run all the same");
    };
    refuse(&["--only", "nonsense"], &["nonsense", "list"]);
    refuse(&["--data", "nowhere"], &["nowhere", "no such folder"]);
    refuse(&["--resume", "nowhere"], &["nowhere", "config.json"]);
    refuse(&["--data", "pictures", "--device", "cuda:97"], &["--device cuda"]);
    fs::create_dir(at("few")).unwrap();
    for name in (10..28).step_by(2).map(|i| format!("{i}.png")) {
        fs::copy(at("pictures/even").join(&name), at("few").join(&name)).unwrap();
    }
    refuse(&["--data", "few"], &["few", "held out"]);
    fs::create_dir(at("mine")).unwrap();
    fs::write(at("mine/letter.txt"), "dear").unwrap();
    refuse(&["--data", "pictures", "--out", "mine"], &["mine", "not an empty folder"]);
    program.misunderstand(&[
        &["--steps", "0"],
        &["--seeds", "0"],
        &["--resume", "run", "--full"],
        &["lsit"],
    ]);
    // Trials that were made otherwise than the list has them now are not mixed with others.
    program.succeed(&[&SHORT[..], &["--only", "baseline", "--out", "run"]].concat());
    let path = at("run/trials/baseline/seed-0/result.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"d_steps\": 2"), "{text}");
    fs::write(&path, text.replace("\"d_steps\": 2", "\"d_steps\": 3")).unwrap();
    refuse(&["--resume", "run", "--only", "baseline"], &["baseline/seed-0", "other settings"]);
}

#[test]
fn the_list_names_every_group() {
    let (text, _) = fresh().succeed(&["list"]);
    for group in ["losses:", "remedies:", "generator:", "labels:", "sweep:"] {
        assert!(text.lines().any(|line| line.starts_with(group)), "{group} is missing in {text}");
    }
    assert!(text.contains("flipped-labels"));
}
