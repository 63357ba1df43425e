//! A trained generator by itself: `sample` makes points with it, `evaluate` measures them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use tch::nn::{ModuleT, VarStore};
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::cli::say;
use toolkit::compute::DeviceChoice;
use toolkit::folder::{chosen, weights_folder};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::{Compute, checkpoint, config};

use crate::cli::{EvaluateArgs, SampleArgs};
use crate::model::Generator;
use crate::picture::Scene;
use crate::points::Points;
use crate::quality::{Modes, energy_distance};
use crate::run::Config;

/// A generator and the run that it comes from.
struct Artist {
    folder: PathBuf,
    config: Config,
    variables: VarStore,
    generator: Generator,
    compute: Compute,
}

impl Artist {
    /// The generator of a run as it was before its first step. `None` stands for the newest run of the program.
    fn untrained(program: &str, run: Option<&Path>, device: DeviceChoice) -> Result<Artist> {
        let compute = Compute { device: device.resolve()?, kind: Kind::Float };
        let folder = chosen(program, run)?;
        let config: Config = config::read(&folder, program)?;
        seed_step(config.seed, 0);
        let variables = VarStore::new(compute.device);
        let (z_dim, width) = (config.settings.z_dim, config.settings.width);
        let generator = Generator::new(&variables.root(), z_dim, width);
        Ok(Artist { folder, config, variables, generator, compute })
    }

    /// Reads the weights of the last checkpoint.
    fn read_weights(&self) -> Result<()> {
        let file = weights_folder(&self.folder).join("generator.safetensors");
        checkpoint::load(&self.variables, &file)
    }

    /// Makes `count` points, `[count, 2]`.
    fn draw(&self, seed: u64, count: i64) -> Tensor {
        let z = fixed_z(seed, count, self.config.settings.z_dim, self.compute).flatten(1, -1);
        no_grad(|| self.generator.forward_t(&z, false)).to_device(Device::Cpu)
    }
}

/// `sample`: generated points, as a picture or as numbers.
///
/// # Errors
/// If there are no weights, they belong to another network, or the file cannot be written.
pub fn sample(program: &str, args: &SampleArgs) -> Result<()> {
    let artist = Artist::untrained(program, args.checkpoint.as_deref(), args.device)?;
    artist.read_weights()?;
    let points = artist.draw(args.seed, args.count);
    if args.out.extension().is_some_and(|ending| ending == "csv") {
        let numbers: Vec<f32> = Vec::try_from(points.flatten(0, -1))?;
        let rows: Vec<String> =
            numbers.chunks_exact(2).map(|xy| format!("{},{}\n", xy[0], xy[1])).collect();
        fs::write(&args.out, format!("x,y\n{}", rows.concat()))
            .with_context(|| args.out.display().to_string())?;
    } else {
        let title = format!("{} points", args.count);
        Scene { title, fake: Some(&points), ..Scene::default() }.save(&args.out)?;
    }
    say(args.out.display());
    Ok(())
}

/// What `evaluate` finds. All distances are from the same real points.
#[derive(Debug, Serialize)]
struct Report {
    /// The points compared with.
    data: Points,
    /// Number of points on either side.
    points: i64,
    /// Of generated points.
    energy_distance: f64,
    /// Of other real points: what nothing can be expected to beat.
    floor: f64,
    /// Of what the generator made before it was trained.
    untrained: f64,
    /// For the ring, how generated points lie about its modes.
    #[serde(flatten)]
    modes: Option<Modes>,
}

/// `evaluate`: how far are generated points from real ones?
///
/// # Errors
/// If the weights cannot be read.
pub fn evaluate(program: &str, args: &EvaluateArgs) -> Result<()> {
    let artist = Artist::untrained(program, args.checkpoint.as_deref(), args.device)?;
    let data = artist.config.data;
    let untrained = artist.draw(args.seed, args.count);
    artist.read_weights()?;
    let generated = artist.draw(args.seed, args.count);
    seed_step(args.seed, u64::MAX / 2);
    let (real, other) = (data.draw(args.count), data.draw(args.count));
    let report = Report {
        data,
        points: args.count,
        energy_distance: energy_distance(&generated, &real),
        floor: energy_distance(&other, &real),
        untrained: energy_distance(&untrained, &real),
        modes: (data == Points::Ring).then(|| Modes::of(&generated)),
    };
    if args.json {
        say(serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn print(report: &Report) {
    let Report { data, points, energy_distance, floor, untrained, modes } = report;
    say(format!("energy distance from {points} real points of {data}; 0 is best"));
    say(format!("generated             {energy_distance:.5}"));
    say(format!("other real points     {floor:.5}"));
    say(format!("untrained generator   {untrained:.5}"));
    if let Some(Modes { reached, good, .. }) = modes {
        say(format!("modes reached         {reached} of 8"));
        say(format!("good points           {:.1} %", 100.0 * good));
    }
}
