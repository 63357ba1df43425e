//! The real program in fresh folders: what it writes, what it refuses, and that a stopped run goes on as if it had not stopped.

#[path = "../../../tests/program.rs"]
mod program;

use std::fs;
use std::path::Path;

use program::Program;

fn fresh() -> Program {
    Program::new("ch4-gan-intro", env!("CARGO_BIN_EXE_ch4-gan-intro"))
}

/// All that must be the same in two runs that are the same.
fn bytes(run: &Path) -> Vec<Vec<u8>> {
    [
        "log.csv",
        "quality.csv",
        "real.png",
        "samples/000006.png",
        "training.gif",
        "checkpoint/generator.safetensors",
        "checkpoint/discriminator.safetensors",
        "checkpoint/generator-adam.safetensors",
        "checkpoint/discriminator-adam.safetensors",
    ]
    .map(|name| fs::read(run.join(name)).unwrap())
    .to_vec()
}

#[test]
fn a_run_folder_holds_what_it_should_and_resuming_changes_nothing() {
    let program = fresh();
    let at = |name: &str| program.at(name);
    let success = |args: &[&str]| program.succeed(args).0;
    // No arguments are needed; the first run gets the first number.
    assert_eq!(
        success(&["--steps", "6"]).trim(),
        at("runs/ch4-gan-intro/001/samples/000006.png").display().to_string()
    );
    let whole = at("runs/ch4-gan-intro/001");
    for file in ["config.json", "losses.svg", "quality.svg", "checkpoint/state.json"] {
        assert!(whole.join(file).is_file(), "{file}");
    }
    assert_eq!(fs::read_dir(whole.join("samples")).unwrap().count(), 7);
    let log = fs::read_to_string(whole.join("log.csv")).unwrap();
    assert_eq!(log.lines().next(), Some("step,discriminator_loss,generator_loss"));
    assert_eq!(log.lines().count(), 7);
    let quality = fs::read_to_string(whole.join("quality.csv")).unwrap();
    assert_eq!(quality.lines().count(), 8);

    // The same seed gives the same run, another seed another.
    success(&["train", "--steps", "6", "--out", "again"]);
    assert!(bytes(&whole) == bytes(&at("again")));
    success(&["train", "--steps", "6", "--out", "other", "--seed", "1"]);
    for (one, other) in bytes(&whole).iter().zip(bytes(&at("other"))) {
        assert!(*one != other);
    }

    // Two steps, a stop, and four more.
    success(&["train", "--steps", "2", "--out", "parts"]);
    success(&["--resume", "parts", "--steps", "6"]);
    assert!(bytes(&whole) == bytes(&at("parts")));
    program.refuse(&["--resume", "parts"], &["parts", "already at step 6 of 6"]);
}

#[test]
fn a_trained_generator_is_sampled_and_measured() {
    let program = fresh();
    let at = |name: &str| program.at(name);
    let success = |args: &[&str]| program.succeed(args).0;
    for (data, steps) in [("ring", "3"), ("moons", "3"), ("spiral", "300")] {
        success(&["train", "--data", data, "--batch-size", "64", "--steps", steps, "--out", data]);
    }
    assert_eq!(success(&["sample", "--checkpoint", "ring"]), "sample.png\n");
    assert_eq!(image::open(at("sample.png")).unwrap().width(), 588);
    success(&["sample", "--checkpoint", "ring", "--count", "70", "--out", "points.csv"]);
    let points = fs::read_to_string(at("points.csv")).unwrap();
    assert_eq!((points.lines().next(), points.lines().count()), (Some("x,y"), 71));
    // A shorter list of the same seed is the beginning of a longer one, but for the last digits of sums that are added up in
    // another order.
    success(&["sample", "--checkpoint", "ring/checkpoint", "--count", "7", "--out", "7.csv"]);
    let numbers = |text: &str| -> Vec<f64> {
        let cells = text.lines().skip(1).flat_map(|line| line.split(','));
        cells.map(|cell| cell.parse().unwrap()).collect()
    };
    let seven = numbers(&fs::read_to_string(at("7.csv")).unwrap());
    assert_eq!(seven.len(), 14);
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-5;
    assert!(seven.iter().zip(&numbers(&points)).all(near), "{seven:?}");

    let evaluate = |run: &str| -> serde_json::Value {
        let json = success(&["evaluate", "--checkpoint", run, "--count", "500", "--json"]);
        serde_json::from_str(&json).unwrap()
    };
    let ring = evaluate("ring");
    assert_eq!(ring["points"], 500);
    assert_eq!(ring["shares"].as_array().unwrap().len(), 8);
    assert!(ring["reached"].is_u64() && ring["good"].is_f64());
    let spiral = evaluate("spiral");
    assert!(spiral.get("reached").is_none());
    let number = |name: &str| spiral[name].as_f64().unwrap();
    assert!(0.0 < number("floor") && number("floor") < number("energy_distance"), "{spiral}");
    assert!(number("energy_distance") < number("untrained"), "{spiral}");
    assert!(success(&["evaluate", "--checkpoint", "moons"]).contains("2500 real points of moons"));
}

#[test]
fn bad_input_is_one_line_and_writes_nothing() {
    let program = fresh();
    let at = |name: &str| program.at(name);
    let success = |args: &[&str]| program.succeed(args).0;
    let refuse = |args: &[&str], parts: &[&str]| {
        program.refuse(args, parts);
        assert!(!at("runs").exists(), "{args:?} wrote a run all the same");
    };
    refuse(&["--device", "cuda:97"], &["--device cuda"]);
    refuse(&["sample"], &["train one first"]);
    refuse(&["--resume", "nowhere"], &["nowhere", "config.json"]);
    fs::create_dir(at("mine")).unwrap();
    fs::write(at("mine/letter.txt"), "dear").unwrap();
    refuse(&["--out", "mine"], &["mine", "not an empty folder"]);

    success(&["train", "--steps", "1", "--out", "run"]);
    refuse(&["--out", "run"], &["run", "another run"]);
    refuse(&["sample", "--checkpoint", "run", "--out", "no/where.png"], &["no/where.png"]);
    refuse(&["sample", "--checkpoint", "run", "--out", "sample.xyz"], &["sample.xyz"]);
    let config = fs::read_to_string(at("run/config.json")).unwrap();
    let file = "generator.safetensors";
    for (from, to, parts) in [
        ("\"width\": 64", "\"width\": 32", [file, "shape"]),
        (
            "\"program\": \"ch4-gan-intro\"",
            "\"program\": \"ch4-dcgan\"",
            ["config.json", "ch4-dcgan"],
        ),
    ] {
        assert!(config.contains(from), "{config} lacks {from}");
        fs::write(at("run/config.json"), config.replacen(from, to, 1)).unwrap();
        refuse(&["sample", "--checkpoint", "run"], &parts);
    }

    program.misunderstand(&[
        &["--steps", "0"],
        &["--data", "square"],
        &["--resume", "run", "--seed", "1"],
        &["trian"],
    ]);
}
