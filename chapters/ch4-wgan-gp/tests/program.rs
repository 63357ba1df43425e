//! The real program in fresh folders: what it writes, what it refuses, and that a stopped run goes on as if it had not stopped.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with sixty small pictures in two classes, smooth and all different.
fn pictures() -> TempDir {
    let folder = TempDir::new().unwrap();
    for i in 0..60u32 {
        let class = folder.path().join("pictures").join(if i % 2 == 0 { "even" } else { "odd" });
        fs::create_dir_all(&class).unwrap();
        let draw = |x: u32, y: u32| image::Luma([((x * i + y * (60 - i)) / 16) as u8]);
        image::GrayImage::from_fn(64, 64, draw).save(class.join(format!("{i:02}.png"))).unwrap();
    }
    folder
}

fn program(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ch4-wgan-gp")).current_dir(folder).args(args).output().unwrap()
}

fn train(folder: &Path, more: &[&str]) -> Output {
    let args = ["train", "--data", "pictures", "--channels", "1", "--batch-size", "8"];
    program(folder, &[&args[..], more].concat())
}

/// The single line of a failure; it must be one, and the exit code must be `code`.
fn failure(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("ch4-wgan-gp: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    lines[0].to_string()
}

fn weights(run: &Path) -> Vec<Vec<u8>> {
    ["generator", "critic", "generator-adam", "critic-adam"]
        .map(|name| fs::read(run.join("checkpoint").join(format!("{name}.safetensors"))).unwrap())
        .to_vec()
}

#[test]
fn a_run_folder_holds_what_it_should_and_resuming_changes_nothing() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    assert!(train(folder.path(), &["--steps", "4", "--out", "whole"]).status.success());
    for file in [
        "config.json",
        "log.csv",
        "losses.svg",
        "real.png",
        "samples/000004.png",
        "checkpoint/state.json",
    ] {
        assert!(at("whole").join(file).is_file(), "{file}");
    }
    let log = fs::read_to_string(at("whole/log.csv")).unwrap();
    assert_eq!(log.lines().count(), 5, "{log}");

    // The same seed gives the same run, another seed another.
    assert!(train(folder.path(), &["--steps", "4", "--out", "again"]).status.success());
    assert!(weights(&at("whole")) == weights(&at("again")));
    assert!(
        train(folder.path(), &["--steps", "4", "--out", "other", "--seed", "1"]).status.success()
    );
    assert!(weights(&at("whole")) != weights(&at("other")));

    // Two steps, a stop, and two more steps.
    assert!(train(folder.path(), &["--steps", "2", "--out", "parts"]).status.success());
    assert!(weights(&at("whole")) != weights(&at("parts")));
    assert!(program(folder.path(), &["--resume", "parts", "--steps", "4"]).status.success());
    assert!(weights(&at("whole")) == weights(&at("parts")));
    assert_eq!(log, fs::read_to_string(at("parts/log.csv")).unwrap());
    assert_eq!(
        fs::read(at("whole/samples/000004.png")).unwrap(),
        fs::read(at("parts/samples/000004.png")).unwrap()
    );

    // A kill between the two renames of a checkpoint leaves it under another name.
    fs::rename(at("parts/checkpoint"), at("parts/checkpoint.new")).unwrap();
    assert!(program(folder.path(), &["--resume", "parts", "--steps", "5"]).status.success());

    // It is finished, and says so.
    let text = failure(&program(folder.path(), &["--resume", "whole"]), 1);
    assert!(text.contains("whole") && text.contains("already at step 4 of 4"), "{text}");

    // Sampling and measuring.
    let sampled = program(
        folder.path(),
        &["sample", "--checkpoint", "whole", "--count", "9", "--out", "nine.png"],
    );
    assert!(sampled.status.success());
    assert_eq!(String::from_utf8(sampled.stdout).unwrap(), "nine.png\n");
    assert_eq!(image::open(at("nine.png")).unwrap().width(), 8 * 66 + 2);
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    let refuse = |args: &[&str], code, parts: &[&str]| {
        let text = failure(&program(folder.path(), args), code);
        for part in parts {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(!at("runs").exists(), "{text}: wrote a run all the same");
    };
    refuse(&["--data", "nowhere"], 1, &["nowhere", "no such folder"]);
    fs::create_dir(at("empty")).unwrap();
    refuse(&["--data", "empty"], 1, &["empty", "no image"]);
    refuse(&["--data", "pictures", "--batch-size", "64"], 1, &["pictures", "64"]);
    refuse(&["--data", "pictures", "--device", "cuda:97"], 1, &["--device cuda"]);
    refuse(&["sample"], 1, &["train one first"]);
    refuse(&["sample", "--checkpoint", "pictures"], 1, &["pictures", "config.json"]);

    fs::create_dir(at("mine")).unwrap();
    fs::write(at("mine/letter.txt"), "dear").unwrap();
    refuse(&["--data", "pictures", "--out", "mine"], 1, &["mine", "not an empty folder"]);

    let whole = fs::read(at("pictures/even/04.png")).unwrap();
    fs::write(at("pictures/even/04.png"), &whole[..whole.len() / 2]).unwrap();
    refuse(&["--data", "pictures"], 1, &["even/04.png", "--skip-bad"]);
    let skipped = train(folder.path(), &["--skip-bad", "--steps", "1", "--out", "skipped"]);
    let text = String::from_utf8(skipped.stderr).unwrap();
    assert!(skipped.status.success() && text.contains("1 unreadable left out"), "{text}");

    // The command line itself: clap's own messages and exit code 2.
    for args in [
        &["--steps", "0"][..],
        &["--steps", "2", "--epochs", "2"],
        &["--preset", "slow"],
        &["trian"],
    ] {
        assert_eq!(program(folder.path(), args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_checkpoint_fits_or_is_refused() {
    let folder = pictures();
    let at = |name: &str| folder.path().join(name);
    assert!(train(folder.path(), &["--steps", "1", "--out", "run"]).status.success());
    let text = failure(&train(folder.path(), &["--steps", "1", "--out", "run"]), 1);
    assert!(text.contains("run") && text.contains("another run"), "{text}");

    let sample = || program(folder.path(), &["sample", "--checkpoint", "run"]);
    let config = fs::read_to_string(at("run/config.json")).unwrap();
    let refuse = |from: &str, to: &str, parts: &[&str]| {
        assert!(config.contains(from), "{config} lacks {from}");
        fs::write(at("run/config.json"), config.replacen(from, to, 1)).unwrap();
        let text = failure(&sample(), 1);
        for part in parts {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        assert!(!at("sample.png").exists());
    };
    let file = "generator.safetensors";
    refuse("\"channels\": 1", "\"channels\": 3", &[file, "image.bias", "shape"]);
    refuse("\"z_dim\": 128", "\"z_dim\": 64", &[file, "up1.conv.weight", "shape"]);
    refuse(
        "\"program\": \"ch4-wgan-gp\"",
        "\"program\": \"ch4-dcgan\"",
        &["config.json", "ch4-dcgan"],
    );
    fs::write(at("run/config.json"), &config).unwrap();
    assert!(sample().status.success());
    fs::remove_file(at("sample.png")).unwrap();

    let path = at("run/checkpoint/generator.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    let text = failure(&sample(), 1);
    assert!(text.contains(file) && text.contains("not a whole"), "{text}");
    fs::copy(at("run/checkpoint/critic.safetensors"), &path).unwrap();
    let text = failure(&sample(), 1);
    assert!(text.contains(file) && text.contains("another network"), "{text}");
}
