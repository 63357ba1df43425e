//! `ch4-dcgan`: trains, samples, evaluates and exports.

use std::process::ExitCode;

use ch4_dcgan::model::Generator;
use ch4_dcgan::train::{Settings, train};
use tch::nn::{ModuleT, Path};
use toolkit::cli::{self, Command, Preset, TrainArgs};
use toolkit::{Config, Run, Schedule, artist};

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const ABOUT: &str = "DCGAN: learns to draw toy bricks, faces or your own pictures";

fn main() -> ExitCode {
    cli::main(PROGRAM, ABOUT, |command| match command {
        Command::Train(args) => train(Run::open(PROGRAM, &args, |preset| settings(&args, preset))?),
        Command::Sample(args) => artist::sample(PROGRAM, &args, generator),
        Command::Evaluate(args) => artist::evaluate(PROGRAM, &args, generator),
        Command::Export(args) => artist::export(PROGRAM, &args),
    })
}

/// The settings of a preset, with what was asked for in place of some.
fn settings(args: &TrainArgs, preset: Preset) -> (Schedule, Settings) {
    let (schedule, mut settings) = Settings::preset(preset);
    let Settings { learning_rate, betas, dropout, .. } = &mut settings;
    args.changes.apply(learning_rate, betas, dropout);
    (schedule, settings)
}

/// The generator of a run, and the length of its noise.
fn generator(path: &Path<'_>, config: &Config<Settings>) -> (Box<dyn ModuleT>, i64) {
    let Settings { z_dim, widths, .. } = config.settings;
    (Box::new(Generator::new(path, z_dim, widths, config.channels)), z_dim)
}
