//! What is the mean of the generator's weights worth? Draws the same z with the weights of the last update and with their mean, and
//! measures both.
//!
//! ```text
//! cargo run -p ch4-dcgan --example average -- --checkpoint newest
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use ch4_dcgan::model::Generator;
use ch4_dcgan::train::Settings;
use clap::Parser;
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::{main_with, say};
use toolkit::noise::fixed_z;
use toolkit::stats::evenly_spaced;
use toolkit::swd::{self, Swd};
use toolkit::{Compute, Config, checkpoint, config, folder, sheet};

/// Which weights draw, and their file in a run's checkpoint.
const WEIGHTS: [(&str, &str); 2] = [
    ("the weights of the last update", "generator-latest"),
    ("the mean of the weights", "generator"),
];

/// So many images of either generator are shown, eight to a row.
const SHOWN: i64 = 16;
const COLUMNS: u32 = 8;

#[derive(Parser)]
#[command(version)]
struct Cli {
    /// A run folder, or newest for your newest run
    #[arg(long, value_name = "RUN", default_value = "newest")]
    checkpoint: PathBuf,
    /// At most so many images on either side of a measurement
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(16..))]
    count: u64,
    /// Folder for the results [default: runs/ch4-dcgan/average]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    main_with("average", "Shows what the mean of a DCGAN's weights is worth", "", |cli: Cli| {
        let run = folder::chosen("ch4-dcgan", Some(&cli.checkpoint))?;
        let config = Config::<Settings>::read(&run, "ch4-dcgan")?;
        let images = config::load_images(&config)?;
        let out = folder::of_experiment("ch4-dcgan", "average", cli.out)?;
        let measured = evenly_spaced(&images.held_out(), cli.count as usize);
        ensure!(
            measured.len() as i64 >= SHOWN,
            "{}: only {} images were held out; here at least {SHOWN} are compared",
            config.schedule.data,
            measured.len()
        );
        let real = images.batch(&measured, Device::Cpu, Kind::Float);

        let compute = Compute { device: Device::Cpu, kind: Kind::Float };
        let Settings { z_dim, widths, .. } = config.settings;
        let variables = compute.variables();
        let generator = Generator::new(&variables.root(), z_dim, widths, config.channels);
        let z = fixed_z(0, measured.len() as i64, z_dim, compute);
        let mut rows = Vec::new();
        let mut sheets = Vec::new();
        for (name, file) in WEIGHTS {
            let weights = folder::weights_folder(&run).join(file).with_extension("safetensors");
            checkpoint::load(&variables, &weights)?;
            let portions = z.split(256, 0);
            let drawn = no_grad(|| {
                portions.iter().map(|z| generator.forward_t(z, false)).collect::<Vec<_>>()
            });
            let drawn = Tensor::cat(&drawn, 0);
            rows.push((name, swd::distances(&real, &[&drawn], 0).remove(0)));
            let sheet = out.join(file).with_extension("png");
            sheet::save_sheet(&drawn.narrow(0, 0, SHOWN), COLUMNS, &sheet)?;
            sheets.push(sheet);
        }
        let table = table(&rows);
        folder::write_whole(&out.join("average.md"), &table)?;
        let picture = out.join("average.png");
        sheet::save_progress(&sheets, images.side(), SHOWN as u32 / COLUMNS, &picture)?;
        say(table);
        say(picture.display());
        Ok(())
    })
}

fn table(rows: &[(&str, Swd)]) -> String {
    let columns = &rows[0].1.levels;
    let sides: String = columns.iter().map(|level| format!(" side {} |", level.side)).collect();
    let rule = "---:|".repeat(columns.len() + 1);
    let mut table = format!("| SWD × 10³, drawn with |{sides} mean |\n|---|{rule}\n");
    for (name, swd) in rows {
        let distances = swd.levels.iter().map(|level| level.distance).chain([swd.mean]);
        let cells: String = distances.map(|distance| format!(" {distance:.1} |")).collect();
        table += &format!("| {name} |{cells}\n");
    }
    table
}
