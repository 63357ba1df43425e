//! A trained generator by itself: `sample` draws with it, `evaluate` measures what it draws, `export` takes it out of its run.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor, no_grad};

use crate::cli::{EvaluateArgs, ExportArgs, SampleArgs, say};
use crate::comparison::Comparison;
use crate::compute::{Compute, DeviceChoice};
use crate::config::{self, Config};
use crate::folder::{self, Destination, chosen, weights_folder};
use crate::noise::{fixed_z, seed_step, walks};
use crate::{checkpoint, sheet};

/// Images in a walk from one z to another.
pub const WALK: i64 = 8;

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
    /// The generator of a run as it was before its first step. `None` stands for the weights that come with the book.
    fn untrained<S: Serialize + DeserializeOwned>(
        program: &str,
        checkpoint: Option<&Path>,
        device: DeviceChoice,
        build: Build<S>,
    ) -> Result<(Artist, Config<S>)> {
        let compute = Compute { device: device.resolve()?, kind: Kind::Float };
        let folder = chosen(program, checkpoint)?;
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

    /// Draws `count` images, `[count, channels, 64, 64]` in `[-1, 1]`.
    fn draw(&self, seed: u64, count: i64) -> Tensor {
        self.draw_from(&fixed_z(seed, count, self.z_dim, self.compute))
    }

    /// Draws an image of each `z: [n, z_dim, 1, 1]`, with running statistics in place of the batch's.
    fn draw_from(&self, z: &Tensor) -> Tensor {
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
    sheet::verify_path(&args.out)?;
    let (artist, _) = Artist::untrained(program, args.checkpoint.as_deref(), args.device, build)?;
    artist.read_weights()?;
    let (images, columns) = if args.walk {
        let z = walks(args.seed, args.count, WALK, artist.z_dim, artist.compute);
        (artist.draw_from(&z), WALK as u32)
    } else {
        (artist.draw(args.seed, args.count), sheet::columns(args.count))
    };
    sheet::save_sheet(&images, columns, &args.out)?;
    say(args.out.display());
    Ok(())
}

/// `export`: a run's weights at half precision, in a folder of their own.
///
/// # Errors
/// If there are no weights, they are another program's, or the folder cannot be written.
pub fn export(program: &str, args: &ExportArgs) -> Result<()> {
    let from = chosen(program, Some(&args.checkpoint))?;
    config::read::<serde_json::Value>(&from, program)?;
    let folder = folder::export(&from, Destination::choose(program, Some(&args.out))?)?;
    say(folder.display());
    Ok(())
}

/// `evaluate`: how far are generated images from real ones that the networks never saw?
///
/// # Errors
/// If weights or images cannot be read, or too few images were held out.
pub fn evaluate<S: Clone + Serialize + DeserializeOwned>(
    program: &str,
    args: &EvaluateArgs,
    build: Build<S>,
) -> Result<()> {
    let (artist, config) =
        Artist::untrained(program, args.checkpoint.as_deref(), args.device, build)?;
    let comparison = Comparison::open(&config, args)?;
    let count = comparison.held_out.len() as i64;
    let untrained = artist.draw(args.seed, count);
    artist.read_weights()?;
    let generated = artist.draw(args.seed, count);
    let more = |count| artist.draw(args.seed, count);
    let report = comparison.report(&generated, &untrained, args, more)?;
    if args.json {
        say(serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    Ok(())
}
