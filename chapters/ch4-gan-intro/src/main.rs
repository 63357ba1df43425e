//! `ch4-gan-intro`: trains, samples and evaluates.

use std::process::ExitCode;

use ch4_gan_intro::artist;
use ch4_gan_intro::cli::{Cli, Command, EXAMPLES};
use ch4_gan_intro::run::Run;
use ch4_gan_intro::train::train;
use toolkit::cli;

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const ABOUT: &str = "The first GAN: learns to make points in the plane, and shows how";

fn main() -> ExitCode {
    cli::main_with(PROGRAM, ABOUT, EXAMPLES, |cli: Cli| {
        match cli.command.unwrap_or(Command::Train(cli.train)) {
            Command::Train(args) => train(Run::open(PROGRAM, &args)?),
            Command::Sample(args) => artist::sample(PROGRAM, &args),
            Command::Evaluate(args) => artist::evaluate(PROGRAM, &args),
        }
    })
}
