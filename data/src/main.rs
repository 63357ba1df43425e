//! `data`: draws the embedded sets, for a look at them or at another size.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use data::{Collection, Drawing, digest, draw, recorded_digest};
use indicatif::{ProgressBar, ProgressStyle};

/// Draws one of the embedded image sets into a new folder.
///
/// Training does this by itself on first use; draw by hand for another seed, another number or larger bricks.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// What to draw
    #[arg(value_enum)]
    collection: Collection,
    /// The folder to make [default: data/<collection> in the current folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many images [default: 40000 bricks, 4000 bricks-small, 20000 portraits, 4000 portraits-small]
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Side of a brick's image in pixels; portraits are always 178 × 218
    #[arg(long, value_name = "PIXELS", default_value_t = 64, value_parser = clap::value_parser!(u32).range(16..=512))]
    side: u32,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

fn main() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("data: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> Result<()> {
    let usual = Drawing::new(cli.collection);
    let count = cli.count.unwrap_or(usual.count);
    let drawing = Drawing { side: cli.side, seed: cli.seed, count, ..usual.clone() };
    let folder = cli.out.unwrap_or_else(|| PathBuf::from("data").join(cli.collection.name()));
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} · {eta} left");
    let bar = ProgressBar::new(drawing.count as u64).with_style(style.expect("a valid template"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let drawn = draw(&drawing, &folder, &|done, _| bar.set_position(done as u64));
    let seconds = bar.elapsed().as_secs_f64();
    bar.finish_and_clear();
    if drawn? {
        println!("{}: {} images in {seconds:.1} s", folder.display(), drawing.count);
    } else {
        println!("{}: already drawn", folder.display());
    }
    let found = digest(&folder)?;
    println!("sha256 {found}");
    if drawing == usual
        && let Some(recorded) = recorded_digest(cli.collection)
    {
        ensure!(
            found == recorded,
            "{}: data/hashes.txt has {recorded}; these are other bytes than everyone else's",
            folder.display()
        );
        println!("as recorded in data/hashes.txt");
    }
    Ok(())
}
