//! What else does a label bring along? Counts the attributes that go with it in the table, and averages faces without the label and
//! faces with it, real ones and generated ones, whose z are the same both ways.
//!
//! ```text
//! cargo run -p ch4-cgan --example label-means -- --checkpoint newest
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use ch4_cgan::labels::in_turn;
use ch4_cgan::train::{Cgan, Settings};
use clap::Parser;
use tch::{Device, Kind, Tensor};
use toolkit::cli::{main_with, say};
use toolkit::noise::fixed_z;
use toolkit::{Compute, Config, ImageSet, config, folder, sheet};

const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };

/// Attributes that are counted.
const COUNTED: [&str; 4] = ["Male", "Wearing_Lipstick", "No_Beard", "Pale_Skin"];

/// Where a cheek lies: the first row and column of a square of so many pixels.
const CHEEK: [i64; 2] = [36, 20];
const CHEEK_SIDE: i64 = 6;

/// Each pixel of a mean is shown so large.
const ENLARGED: i64 = 2;

#[derive(Parser)]
#[command(version)]
struct Cli {
    /// A run folder, a folder of weights, newest for your newest run, or the name of weights that come with
    /// the book [default: these, where the chapter has such, else the newest run]
    #[arg(long, value_name = "RUN")]
    checkpoint: Option<PathBuf>,
    /// Real faces to count and to average [default: those it was trained on]
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// So many generated faces, each with the label and without it
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..))]
    count: i64,
    /// Folder for the results [default: runs/ch4-cgan/label-means]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Mean faces without the label and with it, `[channels, side, side]` in `[-1, 1]`, and of how many each is the mean.
struct Means {
    of: &'static str,
    faces: [Tensor; 2],
    counts: [i64; 2],
}

fn main() -> ExitCode {
    main_with("label-means", "Shows what else a CGAN's first label means to it", "", |cli: Cli| {
        let checkpoint = folder::chosen("ch4-cgan", cli.checkpoint.as_deref())?;
        let mut config = Config::<Settings>::read(&checkpoint, "ch4-cgan")?;
        config.schedule.data = cli.data.unwrap_or(config.schedule.data);
        let images = config::load_images(&config)?;
        let label = &config.settings.labels[0];
        let out = folder::of_experiment("ch4-cgan", "label-means", cli.out)?;

        let counts = counted(&images, label)?;
        let mut gan = Cgan::new(&config.settings, config.channels, CPU);
        gan.load(&checkpoint)?;
        let means = [real(&images, label)?, generated(&gan, &config.settings, cli.count)];
        let cheeks = cheeks(&means, label);
        for (name, table) in [("counts.md", &counts), ("means.md", &cheeks)] {
            folder::write_whole(&out.join(name), table)?;
            say(table);
        }
        let picture = out.join("means.png");
        sheet::save_sheet(&pictures(&means), 3, &picture)?;
        say(picture.display());
        Ok(())
    })
}

/// The mean of all real faces without a label, and of all with it.
fn real(images: &ImageSet, label: &str) -> Result<Means> {
    let has_label = images.attribute(label)?;
    let [without, with] = [false, true].map(|answer| {
        let chosen: Vec<usize> = (0..images.len()).filter(|&i| has_label[i] == answer).collect();
        let sums: Vec<Tensor> = chosen
            .chunks(256)
            .map(|part| images.batch(part, Device::Cpu, Kind::Float))
            .map(|faces| faces.sum_dim_intlist(0, false, Kind::Double))
            .collect();
        let sum = Tensor::stack(&sums, 0).sum_dim_intlist(0, false, Kind::Double);
        (sum / chosen.len() as f64, chosen.len() as i64)
    });
    Ok(Means { of: "real faces", faces: [without.0, with.0], counts: [without.1, with.1] })
}

/// The mean of generated faces without the first label, and of the same z with it; all other labels are absent both times.
fn generated(gan: &Cgan, settings: &Settings, count: i64) -> Means {
    let z = fixed_z(0, count, settings.z_dim, CPU);
    let faces = [false, true].map(|answer| {
        let mut answers = vec![false; settings.labels.len()];
        answers[0] = answer;
        let (z, labels) = in_turn(&z, &[answers], count);
        gan.sample(&z, &labels).mean_dim(0, false, Kind::Double)
    });
    Means { of: "generated faces", faces, counts: [count; 2] }
}

/// How many faces in a hundred have other attributes, with the label and without it.
fn counted(images: &ImageSet, label: &str) -> Result<String> {
    let has_label = images.attribute(label)?;
    let mut table = format!("| attribute | with `{label}` | without |\n|---|---:|---:|\n");
    for name in COUNTED {
        let has = images.attribute(name)?;
        let share = |answer: bool| {
            let those: Vec<bool> = has_label
                .iter()
                .zip(&has)
                .filter(|(l, _)| **l == answer)
                .map(|(_, h)| *h)
                .collect();
            100.0 * those.iter().filter(|has| **has).count() as f64 / those.len() as f64
        };
        table += &format!("| `{name}` | {:.1} % | {:.1} % |\n", share(true), share(false));
    }
    Ok(table)
}

/// The mean cheek in grey levels from 0 to 255, red, green and blue.
fn cheeks(means: &[Means], label: &str) -> String {
    let mut table = format!(
        "| cheek of the mean of | how many without, with | without `{label}` | with | lighter by |\n|---|---:|---:|---:|---:|\n"
    );
    for Means { of, faces, counts } in means {
        let cheek = |face: &Tensor| {
            let square = face.narrow(1, CHEEK[0], CHEEK_SIDE).narrow(2, CHEEK[1], CHEEK_SIDE);
            (square.mean_dim([1, 2].as_slice(), false, Kind::Double) + 1.0) * 127.5
        };
        let [without, with] = [cheek(&faces[0]), cheek(&faces[1])];
        let numbers = |colour: &Tensor| {
            let values = Vec::<f64>::try_from(colour).expect("a vector of numbers");
            values.iter().map(|v| format!("{v:.0}")).collect::<Vec<_>>().join(", ")
        };
        table += &format!(
            "| {of} | {}, {} | {} | {} | {} |\n",
            counts[0],
            counts[1],
            numbers(&without),
            numbers(&with),
            numbers(&(&with - &without))
        );
    }
    table
}

/// A row for each: without, with, and where the two differ, the darker the more: `[n, channels, side, side]`.
fn pictures(means: &[Means]) -> Tensor {
    let mut rows = Vec::new();
    for Means { faces: [without, with], .. } in means {
        let distance = (with - without).abs().mean_dim(0, true, Kind::Double);
        let shade: Tensor = 1.0 - 2.0 * distance;
        let shade = shade.expand(without.size(), false);
        rows.extend([without.shallow_clone(), with.shallow_clone(), shade]);
    }
    let rows = Tensor::stack(&rows, 0).to_kind(Kind::Float);
    let side = rows.size()[3] * ENLARGED;
    rows.upsample_nearest2d([side, side], None, None)
}
