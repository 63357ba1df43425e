//! `cargo xtask`: sets the project up and checks it. It knows neither tch nor the chapters, so that it
//! compiles before libtorch is there.

mod bench;
mod book;
mod captions;
mod card;
mod cargo;
mod doctor;
mod fetch;
mod interrupt;
mod items;
mod jupyter;
mod libtorch;
mod machine;
mod measured;
mod notebooks;
mod pages;
mod progress;
mod project;
mod recipes;
mod reproduce;
mod say;
mod setup;
mod table;
mod tools;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::book::Show;
use crate::cargo::Times;
use crate::interrupt::Interrupted;
use crate::libtorch::Build;
use crate::project::Project;
use crate::say::say;

/// Sets the project up and checks it.
///
/// From a fresh clone, `cargo xtask run ch4-wgan-gp` does all that is needed. After that plain `cargo run` and
/// `cargo test` work as well.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Finds libtorch or fetches it, and makes plain cargo use it.
    ///
    /// It takes the libtorch that LIBTORCH names; else what it set up before; else that of an installed PyTorch
    /// of the right version; else it fetches one with pip: the CPU build (0.5 GB), or where there is an
    /// NVIDIA driver the CUDA build (2.5 GB, 3.8 GB on disk). It can be called again at any time.
    Setup(Setup),
    /// Checks everything that is known to go wrong, and says how to mend it.
    Doctor,
    /// Sets up, compiles a chapter and runs it.
    ///
    /// What follows the package is handed to it: `cargo xtask run ch4-dcgan train --steps 100`. Its exit
    /// code is passed on, and at the end stands where the time went.
    #[command(disable_help_flag = true)]
    Run {
        /// The chapter's package, such as ch4-wgan-gp.
        package: String,
        /// The package's own arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Sets up and runs every test.
    ///
    /// Arguments are handed to `cargo test --workspace`.
    #[command(disable_help_flag = true)]
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Checks the pages against the code and builds the book into target/book.
    ///
    /// Installs mdBook and mdbook-katex at the versions that the book is made for, into .tools, unless they are there.
    /// From then on `mdbook build` works too where they are on the path.
    Book {
        /// Shows it in the browser.
        #[arg(long, group = "show")]
        open: bool,
        /// Shows it in the browser and builds it again whenever a page changes.
        #[arg(long, group = "show")]
        serve: bool,
        /// Opens every page in Chromium, wide and narrow, light and dark, and looks for what is wrong.
        #[arg(long, group = "show")]
        check: bool,
    },
    /// Opens the notebooks in JupyterLab.
    ///
    /// Installs JupyterLab and the Rust kernel into .tools and sets libtorch up, unless they are there; the kernel takes some
    /// minutes to compile. What follows is handed to `jupyter lab`, such as `--no-browser` or `--port 8890`.
    Jupyter {
        /// Says what is missing, and installs and opens nothing.
        #[arg(long)]
        check: bool,
        /// Arguments for `jupyter lab`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Makes the notebooks out of the book's pages.
    ///
    /// Outputs of cells that have not changed stay.
    Notebooks {
        /// Changes nothing and fails if a notebook is not what its page gives.
        #[arg(long, group = "what")]
        check: bool,
        /// Then runs them, from the first cell to the last, and keeps their outputs.
        #[arg(long, group = "what")]
        run: bool,
        /// Runs them as they are, and fails if a cell does; keeps nothing.
        #[arg(long, group = "what")]
        test: bool,
        /// With --run and --test, the notebooks to run, such as wgan-gp. Without any, all.
        pages: Vec<String>,
    },
    /// What Jupyter calls to start the kernel.
    #[command(hide = true)]
    Kernel {
        /// Jupyter's connection file.
        connection: PathBuf,
    },
    /// What mdBook calls for the links in captions.
    #[command(hide = true)]
    Captions {
        /// mdBook's arguments.
        args: Vec<String>,
    },
    /// Plays the training steps against PyTorch's, the book's networks at batch 128, 64 × 64 pixels, and the reading of images
    /// against torchvision's.
    ///
    /// Installs PyTorch into .tools (5 GB on disk). "Source's" is PyTorch as the chapter that this book retells writes it, "best" the
    /// best that plain PyTorch makes of the same maths; chapters/bench/pytorch.py is both. All take turns in one run, and medians
    /// count. Leave the machine alone meanwhile.
    Bench {
        /// Writes the figures into this file too.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Three turns in place of seven, two where a step takes long: about 9 minutes.
        #[arg(long)]
        quick: bool,
        /// Only these: dcgan, wgan-gp, cgan, read.
        jobs: Vec<String>,
    },
    /// Makes what the book shows once more, and compares the numbers with the book's.
    ///
    /// Without a name it lists what there is. Long runs go on where they were stopped. It fails if a number is further from the book's
    /// than its recipe allows.
    Reproduce {
        /// What to make.
        names: Vec<String>,
        /// Makes it very short (all of it, if nothing is named), to see whether it still works.
        #[arg(long)]
        quick: bool,
        /// Where the runs lie [default: runs/reproduce].
        #[arg(long, value_name = "DIR")]
        runs: Option<PathBuf>,
    },
    /// Makes the book's figures, tables of results and weights, and lays them into the book.
    ///
    /// What `reproduce` has made already is taken as it is.
    Figures {
        /// What to make; everything, if nothing is named, which takes many hours.
        names: Vec<String>,
        /// Where the runs lie [default: runs/reproduce].
        #[arg(long, value_name = "DIR")]
        runs: Option<PathBuf>,
    },
    /// Does all that CI does: formatting, lints, documentation, tests, every recipe in short, the notebooks, the book.
    ///
    /// The cheap checks come first; the first that fails ends it. How long each took stands at the end.
    Ci,
}

#[derive(Args)]
struct Setup {
    /// Takes the CUDA build, even without a GPU. It needs an NVIDIA driver from 580 on to use one.
    #[arg(long, conflicts_with = "cpu")]
    cuda: bool,
    /// Takes the CPU build, even where there is a GPU.
    #[arg(long)]
    cpu: bool,
}

impl Setup {
    fn wanted(&self) -> Option<Build> {
        match (self.cuda, self.cpu) {
            (true, _) => Some(Build::Cuda),
            (_, true) => Some(Build::Cpu),
            _ => None,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match interrupt::watch().and_then(|()| perform(cli.command)) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            let code = if error.is::<Interrupted>() { interrupt::EXIT_CODE } else { 1 };
            code.into()
        }
    }
}

fn perform(task: Task) -> Result<u8> {
    let project = Project::find();
    match task {
        Task::Setup(options) => setup::ensure(&project, options.wanted()).map(|()| 0),
        Task::Doctor => Ok(doctor(&project)),
        Task::Run { package, args } => run(&project, &package, &args),
        Task::Test { args } => {
            setup::ensure(&project, None)?;
            cargo::wait(cargo::command(&project).args(["test", "--workspace"]).args(args))
        }
        Task::Book { open, serve, check } => book::make(
            &project,
            match (open, serve, check) {
                (true, _, _) => Show::Open,
                (_, true, _) => Show::Serve,
                (_, _, true) => Show::Check,
                _ => Show::Build,
            },
        ),
        Task::Jupyter { check: false, args } => jupyter::lab(&project, &args),
        Task::Jupyter { check: true, .. } => Ok(jupyter_check(&project)),
        Task::Notebooks { run: false, test: false, pages, .. } if !pages.is_empty() => {
            bail!("{}: names go with --run or --test", pages.join(" "))
        }
        Task::Notebooks { check: true, .. } => check_notebooks(&project).map(|()| 0),
        Task::Notebooks { test: true, pages, .. } => jupyter::run(&project, &pages, false),
        Task::Notebooks { run, pages, .. } => {
            notebooks::write(&project)?;
            if run { jupyter::run(&project, &pages, true) } else { Ok(0) }
        }
        Task::Kernel { connection } => jupyter::kernel(&connection),
        Task::Captions { args } => captions::answer(&args).map(|()| 0),
        Task::Bench { json, quick, jobs } => {
            bench::run(&project, &bench::Options { json, quick, jobs })
        }
        Task::Reproduce { names, quick: false, .. } if names.is_empty() => {
            reproduce::list();
            Ok(0)
        }
        Task::Reproduce { names, quick, runs } => {
            reproduce::reproduce(&project, &reproduce::Options { names, runs, quick })
        }
        Task::Figures { names, runs } => {
            reproduce::figures(&project, &reproduce::Options { names, runs, quick: false })
        }
        Task::Ci => ci(&project),
    }
}

fn jupyter_check(project: &Project) -> u8 {
    let missing = jupyter::missing(project);
    for line in &missing {
        say(line);
    }
    if missing.is_empty() {
        say("everything is there");
    }
    u8::from(!missing.is_empty())
}

fn check_notebooks(project: &Project) -> Result<()> {
    let problems = notebooks::problems(project)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    anyhow::ensure!(problems.is_empty(), "{} notebooks differ from their pages", problems.len());
    Ok(())
}

fn doctor(project: &Project) -> u8 {
    let failed = doctor::print(&doctor::checks(&doctor::Findings::gather(project)));
    if failed > 0 {
        eprintln!("xtask: {failed} to mend");
    }
    u8::from(failed > 0)
}

fn run(project: &Project, package: &str, args: &[OsString]) -> Result<u8> {
    let chapters = project.chapters();
    if !chapters.iter().any(|name| name == package) {
        eprintln!("xtask: no chapter {package:?}; there are {}", chapters.join(", "));
        return Ok(2);
    }
    let mut times = Times::start();
    let code = set_up_and_run(project, package, args, &mut times)?;
    eprintln!("{}", times.line());
    Ok(code)
}

fn set_up_and_run(
    project: &Project,
    package: &str,
    args: &[OsString],
    times: &mut Times,
) -> Result<u8> {
    times.measure("set-up", || setup::ensure(project, None))?;
    let cargo = || {
        let mut cargo = cargo::command(project);
        // Paths among the arguments are meant from where the reader stands. Outside of the checkout cargo would not find it.
        if let Ok(here) = env::current_dir()
            && here.starts_with(&project.root)
        {
            cargo.current_dir(here);
        }
        cargo
    };
    let build = || cargo::wait(cargo().args(["build", "--package", package]));
    if times.measure("compile", build)? != 0 {
        eprintln!("xtask: {package} does not compile");
        return Ok(1);
    }
    // Compiled already: cargo only gives it the environment that a plain `cargo run` gives.
    let mut run = cargo();
    run.args(["run", "--quiet", "--package", package, "--"]).args(args);
    times.measure("run", || cargo::wait(&mut run))
}

/// All parts of CI; where the time went is said however they end.
fn ci(project: &Project) -> Result<u8> {
    let mut times = Times::start();
    let failed = first_failure(project, &mut times);
    eprint!("{}", times.table());
    let failed = failed?;
    if let Some(name) = failed {
        eprintln!("xtask: ci stopped at {name}");
    }
    Ok(u8::from(failed.is_some()))
}

/// Runs the parts of CI up to the first that fails, and gives its name.
///
/// Clippy, documentation and tests share one profile, so that torch-sys compiles its C++ once.
fn first_failure(project: &Project, times: &mut Times) -> Result<Option<&'static str>> {
    const PARTS: [(&str, &[&str]); 3] = [
        ("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        ("docs", &["doc", "--workspace", "--no-deps", "--document-private-items"]),
        ("tests", &["test", "--workspace"]),
    ];
    if part(project, times, "format", &["fmt", "--all", "--check"])? != 0 {
        return Ok(Some("format"));
    }
    times.measure("set-up", || setup::ensure(project, None))?;
    for (name, args) in PARTS {
        if part(project, times, name, args)? != 0 {
            return Ok(Some(name));
        }
    }
    let results = || {
        card::check(&project.root.join("chapters"))?;
        let all = reproduce::Options { names: Vec::new(), runs: None, quick: true };
        reproduce::reproduce(project, &all)
    };
    if times.measure("results", results)? != 0 {
        return Ok(Some("results"));
    }
    let notebooks = || {
        check_notebooks(project)?;
        jupyter::run(project, &[], false)
    };
    if times.measure("notebooks", notebooks)? != 0 {
        return Ok(Some("notebooks"));
    }
    if times.measure("book", || book::make(project, Show::Check))? != 0 {
        return Ok(Some("book"));
    }
    Ok(None)
}

/// Runs one part of CI that is cargo's; gives its exit code.
fn part(project: &Project, times: &mut Times, name: &'static str, args: &[&str]) -> Result<u8> {
    eprintln!("{name}: cargo {}", args.join(" "));
    let mut cargo = cargo::command(project);
    cargo.args(args).env("RUSTDOCFLAGS", "-D warnings");
    times.measure(name, || cargo::wait(&mut cargo))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &[&str]) -> Task {
        let line = [&["xtask"], line].concat();
        Cli::try_parse_from(line).map_or_else(|error| panic!("{error}"), |cli| cli.command)
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_chapter_gets_its_own_arguments() {
        let line = ["run", "ch4-x", "train", "--steps", "3", "--help"];
        let Task::Run { package, args } = parsed(&line) else { panic!("not understood") };
        assert_eq!((package.as_str(), args.len()), ("ch4-x", 4));
    }

    #[test]
    fn names_of_notebooks_go_with_running_them() {
        let error = perform(parsed(&["notebooks", "--check", "dcgan"])).unwrap_err().to_string();
        assert_eq!(error, "dcgan: names go with --run or --test");
    }
}
