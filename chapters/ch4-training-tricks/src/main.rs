//! `ch4-training-tricks`: makes the trials, and lists them.

use std::process::ExitCode;

use ch4_training_tricks::cli::{Cli, Command, EXAMPLES};
use ch4_training_tricks::experiment::Experiment;
use ch4_training_tricks::trials;
use toolkit::cli;

const PROGRAM: &str = env!("CARGO_PKG_NAME");
const ABOUT: &str =
    "Training tricks: each tried against the same failing baseline, with tables and plots";

fn main() -> ExitCode {
    cli::main_with(PROGRAM, ABOUT, EXAMPLES, |cli: Cli| {
        match cli.command.unwrap_or(Command::Run(cli.run)) {
            Command::Run(args) => Experiment::open(PROGRAM, &args)?.run(),
            Command::List => {
                trials::list();
                Ok(())
            }
        }
    })
}
