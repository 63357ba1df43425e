//! Runs, by way of the toolkit's own types.

use std::path::Path;

use clap::Parser;
use image::GrayImage;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};
use toolkit::cli::TrainArgs;
use toolkit::{Adam, Run, Schedule};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    train: TrainArgs,
}

#[derive(Clone, Serialize, Deserialize)]
struct Settings {}

/// A run on a few grey pictures.
fn run(folder: &Path) -> Run<Settings> {
    let pictures = folder.join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for i in 0..30 {
        let picture = GrayImage::from_pixel(8, 8, image::Luma([i * 8]));
        picture.save(pictures.join(format!("{i}.png"))).unwrap();
    }
    let out = folder.join("run");
    let line = ["x", "--data", pictures.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let args = Line::parse_from(line.into_iter().chain(["--precision", "f32"])).train;
    let schedule = Schedule { data: String::new(), steps: 100, batch_size: 4, batches_per_step: 1 };
    Run::open("x", &args, |_| (schedule.clone(), Settings {})).unwrap()
}

/// Losses are looked at a few at a time, but a checkpoint must not be made of weights that are lost already.
#[test]
fn no_checkpoint_is_made_after_a_loss_that_is_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    let network = tch::nn::VarStore::new(Device::Cpu);
    let _ = network.root().zeros("weight", &[1]);
    let mut adam = Adam::new(network, 1e-3, (0.9, 0.999));

    run.end_step(1, &[("loss", &Tensor::from(1.0))]).unwrap();
    run.save_checkpoint(1, &[("network", &mut adam)]).unwrap();
    run.end_step(2, &[("loss", &Tensor::from(f64::NAN))]).unwrap();
    let error = run.save_checkpoint(2, &[("network", &mut adam)]).unwrap_err().to_string();
    assert!(error.contains("loss is not a finite number in step 2"), "{error}");

    let state = folder.path().join("run/checkpoint/state.json");
    let state = std::fs::read_to_string(state).unwrap();
    assert!(state.contains("\"step\": 1"), "{state}");
}
