//! A trained generator by itself: `sample` draws with it, `evaluate` measures what it draws.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor, no_grad};

use crate::cli::{EvaluateArgs, SampleArgs, say};
use crate::compute::{Compute, DeviceChoice};
use crate::config::{Config, load_images};
use crate::folder::{newest, weights_folder};
use crate::noise::{fixed_z, seed_step};
use crate::swd::{Swd, distances};
use crate::{checkpoint, sheet};

/// A generator and the run that it comes from.
pub struct Artist {
    folder: PathBuf,
    variables: VarStore,
    generator: Box<dyn ModuleT>,
    z_dim: i64,
    compute: Compute,
}

/// Builds a chapter's generator for a run's settings, and tells the length of its noise vectors.
pub type Build<S> = fn(&nn::Path<'_>, &Config<S>) -> (Box<dyn ModuleT>, i64);

impl Artist {
    /// The generator of a run as it was before its first step. `None` stands for the newest run of the program.
    fn untrained<S: Serialize + DeserializeOwned>(
        program: &str,
        checkpoint: Option<&Path>,
        device: DeviceChoice,
        build: Build<S>,
    ) -> Result<(Artist, Config<S>)> {
        let compute = Compute { device: device.resolve()?, kind: Kind::Float };
        let folder =
            checkpoint.map_or_else(|| newest(program), |folder| Ok(folder.to_path_buf()))?;
        let config = Config::<S>::read(&folder, program)?;
        seed_step(config.seed, 0);
        let variables = VarStore::new(compute.device);
        let (generator, z_dim) = build(&variables.root(), &config);
        Ok((Artist { folder, variables, generator, z_dim, compute }, config))
    }

    /// Reads the weights of the last checkpoint.
    fn read_weights(&self) -> Result<()> {
        let file = weights_folder(&self.folder).join("generator.safetensors");
        checkpoint::load(&self.variables, &file)
    }

    /// Draws `count` images, `[count, channels, 64, 64]` in `[-1, 1]`, with running statistics in place of the batch's.
    fn draw(&self, seed: u64, count: i64) -> Tensor {
        let z = fixed_z(seed, count, self.z_dim, self.compute);
        let draw = |z: &Tensor| no_grad(|| self.generator.forward_t(z, false));
        let portions: Vec<Tensor> = z.split(256, 0).iter().map(draw).collect();
        Tensor::cat(&portions, 0).to_device(Device::Cpu)
    }
}

/// `sample`: a sheet of generated images, eight to a row, more where there are many.
///
/// # Errors
/// If there are no weights, they belong to another network, or the picture cannot be written.
pub fn sample<S: Serialize + DeserializeOwned>(
    program: &str,
    args: &SampleArgs,
    build: Build<S>,
) -> Result<()> {
    let (artist, _) = Artist::untrained(program, args.checkpoint.as_deref(), args.device, build)?;
    artist.read_weights()?;
    let columns = ((args.count as f64).sqrt().ceil() as u32).max(8);
    sheet::save_sheet(&artist.draw(args.seed, args.count), columns, &args.out)?;
    say(args.out.display());
    Ok(())
}

/// What `evaluate` finds. All distances are from the same held-out images.
#[derive(Debug, Serialize)]
struct Report {
    /// The images compared with.
    data: String,
    /// Number of images on either side.
    images: usize,
    /// Of generated images.
    swd: Swd,
    /// Of other real images: what nothing can be expected to beat.
    floor: Swd,
    /// Of what the generator drew before it was trained.
    untrained: Swd,
    /// `swd.mean / floor.mean`.
    times_floor: f64,
}

/// `evaluate`: how far are generated images from real ones that the networks never saw?
///
/// # Errors
/// If weights or images cannot be read, or too few images were held out.
pub fn evaluate<S: Serialize + DeserializeOwned>(
    program: &str,
    args: &EvaluateArgs,
    build: Build<S>,
) -> Result<()> {
    let (artist, mut config) =
        Artist::untrained(program, args.checkpoint.as_deref(), args.device, build)?;
    if let Some(data) = &args.data {
        config.schedule.data.clone_from(data);
    }
    let set = load_images(&config)?;
    let (held_out, training) = (set.held_out(), set.training());
    let n = held_out.len().min(training.len()).min(args.count as usize);
    let data = &config.schedule.data;
    ensure!(n >= 8, "{data}: only {n} images were held out; a comparison needs at least 8");
    eprintln!("comparing {n} generated images with {n} held-out ones of {data}");

    let untrained = artist.draw(args.seed, n as i64);
    artist.read_weights()?;
    let generated = artist.draw(args.seed, n as i64);
    let batch = |indices: &[usize]| set.batch(&spread(indices, n), Device::Cpu, Kind::Float);
    let others = [&generated, &batch(&training), &untrained];
    let found = distances(&batch(&held_out), &others, args.seed);
    let [swd, floor, untrained]: [Swd; 3] = found.try_into().expect("three sets were compared");
    let times_floor = swd.mean / floor.mean;
    let report = Report { data: data.clone(), images: n, swd, floor, untrained, times_floor };
    if args.json {
        say(serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

/// `n` of the indices, evenly spaced: names are sorted by class, so the classes stay in proportion.
fn spread(indices: &[usize], n: usize) -> Vec<usize> {
    (0..n).map(|i| indices[i * indices.len() / n]).collect()
}

fn print(report: &Report) {
    say("sliced Wasserstein distance × 10³ from held-out images; 0 is best");
    let sides: Vec<String> =
        report.swd.levels.iter().map(|level| format!("{:>4} px", level.side)).collect();
    say(format!("{:<22}{}     mean", "", sides.join("  ")));
    let rows = [
        ("generated", &report.swd),
        ("other real images", &report.floor),
        ("untrained generator", &report.untrained),
    ];
    for (name, swd) in rows {
        let levels: Vec<String> =
            swd.levels.iter().map(|level| format!("{:>7.1}", level.distance)).collect();
        say(format!("{name:<22}{}  {:>7.1}", levels.join("  "), swd.mean));
    }
    say(format!("generated images are {:.1} times as far as other real ones", report.times_floor));
}
