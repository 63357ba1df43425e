//! `cargo xtask bench`: the chapters' training steps and the reading of images against PyTorch's, in one run and in turns.
//!
//! `chapters/bench` makes the steps, once in Rust and once in Python, and each program is asked for some steps at a time, so that
//! whatever else the machine does meanwhile slows all of them alike.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::project::Project;
use crate::say::say;
use crate::tools::Python;
use crate::{cargo, machine, reproduce, setup};

/// PyTorch at the version of our libtorch.
const PACKAGES: &[&str] = &["torch==2.11.0", "torchvision==0.26.0", "numpy==2.4.6"];

/// Whose networks, and on images of how many channels.
const JOBS: [(&str, u8); 4] = [("dcgan", 1), ("wgan-gp", 1), ("wgan-gp", 3), ("cgan", 3)];

/// The job that reads images.
const READ: &str = "read";

/// Images that are read, and of how many channels: PNG files in class folders, and JPEG files as CelebA has them.
const SETS: [(&str, u8); 2] = [("bricks-small", 1), ("portraits-small", 3)];

/// So long is each program asked to work in each turn, in seconds; at least one step.
const TURN: f64 = 3.0;
/// From so many seconds on, a step counts as long.
const LONG: f64 = 6.0;

/// How thorough it is to be.
pub struct Options {
    /// Where the JSON goes.
    pub json: Option<PathBuf>,
    /// Three turns in place of seven, and two where a step takes long; kernels by a step with a quarter of the batch.
    pub quick: bool,
    /// Only these jobs.
    pub jobs: Vec<String>,
}

/// A row of the table: images per second, medians over all turns.
#[derive(Serialize)]
struct Row {
    job: &'static str,
    channels: u8,
    precision: String,
    images_per_s: f64,
    source_images_per_s: f64,
    best_images_per_s: f64,
    /// The most memory that each had, in bytes.
    peak_bytes: u64,
    source_peak_bytes: u64,
    best_peak_bytes: u64,
    /// Which kernels our convolutions ran in, with their share of the time of all convolutions, by a step of their own.
    kernels: BTreeMap<String, f64>,
}

/// How fast images are read: medians over all turns.
#[derive(Serialize)]
struct Reading {
    data: &'static str,
    images: u64,
    /// Decoded from their files.
    images_per_s: f64,
    torchvision_images_per_s: f64,
    /// At the second start, when the decoded images lie in a cache; torchvision decodes them again.
    second_start_images_per_s: f64,
    peak_bytes: u64,
    torchvision_peak_bytes: u64,
}

#[derive(Serialize)]
struct Report {
    machine: String,
    batch_size: u64,
    steps: Vec<Row>,
    reading: Vec<Reading>,
}

const BATCH_SIZE: u64 = 128;

/// Measures, prints the table, and writes the JSON.
pub fn run(project: &Project, options: &Options) -> Result<u8> {
    expect_known(&options.jobs)?;
    setup::ensure(project, None)?;
    let python = Python::new(project, "bench", PACKAGES);
    python.ensure()?;
    let mut programs = Programs {
        ours: build(project)?,
        python: python.program("python"),
        script: project.root.join("chapters/bench/pytorch.py"),
        bf16: false,
    };
    // As in `1.234 CPU, 2 threads, bf16 (the processor has hardware for bf16, AMX)`.
    let mut auto = programs.ours("dcgan", 1, "auto");
    auto.args(["--batch-size", "8"]);
    let auto = Runner::start(auto)?;
    programs.bf16 = auto.greeting.contains(", bf16 (");
    drop(auto);
    let mut rows = Vec::new();
    say(HEAD);
    for (job, channels) in JOBS {
        if !options.jobs.is_empty() && !options.jobs.iter().any(|wanted| wanted == job) {
            continue;
        }
        for row in contest(&programs, job, channels, options.quick)? {
            say(row.line());
            rows.push(row);
        }
    }
    let mut reading = Vec::new();
    if options.jobs.is_empty() || options.jobs.iter().any(|job| job == READ) {
        say(format!("\n{READING_HEAD}"));
        for (data, channels) in SETS {
            let turns = if options.quick { 3 } else { 7 };
            reading.push(read(project, &programs, data, channels, turns)?);
            say(reading[reading.len() - 1].line());
        }
    }
    for row in &rows {
        let Row { job, channels, precision, .. } = row;
        say(format!("\n{job}, {}, {precision}: convolutions ran in", colours(*channels)));
        for (kernel, share) in &row.kernels {
            say(format!("  {:3.0} %  {kernel}", 100.0 * share));
        }
    }
    if let Some(path) = &options.json {
        let report = Report {
            machine: machine::description(),
            batch_size: BATCH_SIZE,
            steps: rows,
            reading,
        };
        reproduce::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(0)
}

/// An unknown job would be passed over in silence, after all has been set up.
fn expect_known(jobs: &[String]) -> Result<()> {
    let mut known: Vec<&str> = JOBS.iter().map(|(job, _)| *job).chain([READ]).collect();
    known.dedup();
    for job in jobs {
        ensure!(known.contains(&job.as_str()), "no job {job:?}; there are {}", known.join(", "));
    }
    Ok(())
}

const HEAD: &str = "\
| networks | precision | images/s | source's PyTorch | best PyTorch | ours ÷ source's | ours ÷ best | memory | source's | best |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|";

const READING_HEAD: &str = "\
| images | images/s | torchvision | ratio | second start | ratio | memory | torchvision's |
|---|---:|---:|---:|---:|---:|---:|---:|";

impl Reading {
    fn line(&self) -> String {
        let Reading { data, images, images_per_s: ours, torchvision_images_per_s: theirs, .. } =
            self;
        let second = self.second_start_images_per_s;
        let megabytes = |bytes: u64| format!("{:.0} MB", bytes as f64 / 1e6);
        format!(
            "| {data}, {images} | {ours:.0} | {theirs:.0} | {:.1} | {second:.0} | {:.0} | {} | {} |",
            ours / theirs,
            second / theirs,
            megabytes(self.peak_bytes),
            megabytes(self.torchvision_peak_bytes),
        )
    }
}

/// Reads a set, by either program in turns. It is drawn first if that was not done yet.
fn read(
    project: &Project,
    programs: &Programs,
    data: &'static str,
    channels: u8,
    turns: usize,
) -> Result<Reading> {
    let folder = project.root.join("data").join(data);
    let mut draw = cargo::command(project);
    draw.args(["run", "--quiet", "--package", "data", "--", data]);
    ensure!(cargo::wait(draw.stdout(Stdio::null()))? == 0, "{data} cannot be drawn");
    let channels = channels.to_string();
    let cache = project.root.join("target/bench-cache");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        eprintln!("{data}: turn {} of {turns}", turn + 1);
        if cache.exists() {
            fs::remove_dir_all(&cache).with_context(|| cache.display().to_string())?;
        }
        let mut rust = Command::new(&programs.ours);
        rust.arg("read").arg(&folder).args(["--channels", &channels, "--cache"]).arg(&cache);
        ours.push(numbers(&mut rust)?);
        let mut python = programs.python();
        python.arg("read").arg(&folder).args(["--channels", &channels]);
        theirs.push(numbers(&mut python)?);
    }
    fs::remove_dir_all(&cache).with_context(|| cache.display().to_string())?;
    let images = ours[0][0];
    ensure!(
        theirs[0][0] == images,
        "{data}: {} images for torchvision, {images} here",
        theirs[0][0]
    );
    let middle = |turns: &[[f64; 4]], which: usize| {
        median(&mut turns.iter().map(|turn| turn[which]).collect::<Vec<_>>())
    };
    Ok(Reading {
        data,
        images: images as u64,
        images_per_s: images / middle(&ours, 1),
        torchvision_images_per_s: images / middle(&theirs, 1),
        second_start_images_per_s: images / middle(&ours, 2),
        peak_bytes: middle(&ours, 3) as u64,
        torchvision_peak_bytes: middle(&theirs, 3) as u64,
    })
}

/// Runs a program and gives the four numbers that it says.
fn numbers(command: &mut Command) -> Result<[f64; 4]> {
    let output = command.stderr(Stdio::inherit()).output();
    let program = command.get_program().display();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Option<Vec<f64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let four = numbers.and_then(|numbers| numbers.try_into().ok());
    four.with_context(|| format!("{program}: not four numbers: {text:?}"))
}

fn colours(channels: u8) -> &'static str {
    if channels == 1 { "grey" } else { "colour" }
}

impl Row {
    fn line(&self) -> String {
        let Row { job, precision, images_per_s: ours, .. } = self;
        let (source, best) = (self.source_images_per_s, self.best_images_per_s);
        let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
        format!(
            "| {job}, {} | {precision} | {ours:.1} | {source:.1} | {best:.1} | {:.2} | {:.2} | {} | {} | {} |",
            colours(self.channels),
            ours / source,
            ours / best,
            gigabytes(self.peak_bytes),
            gigabytes(self.source_peak_bytes),
            gigabytes(self.best_peak_bytes),
        )
    }
}

/// What is started.
struct Programs {
    ours: PathBuf,
    python: PathBuf,
    script: PathBuf,
    /// Whether bf16 is of use on this machine.
    bf16: bool,
}

impl Programs {
    fn ours(&self, job: &str, channels: u8, precision: &str) -> Command {
        let mut command = Command::new(&self.ours);
        command.args([job, "--precision", precision, "--channels", &channels.to_string()]);
        command
    }

    fn python(&self) -> Command {
        let mut command = Command::new(&self.python);
        // A plain Python does not have what cargo sets for our programs.
        command.env_remove("MALLOC_MMAP_MAX_").env_remove("MALLOC_TRIM_THRESHOLD_");
        command.arg(&self.script);
        command
    }

    fn pytorch(&self, job: &str, channels: u8, precision: &str, variant: &str) -> Command {
        let mut command = self.python();
        command.args([job, "--precision", precision, "--variant", variant]);
        command.args(["--channels", &channels.to_string()]);
        command
    }
}

/// Compiles the program of `chapters/bench` and says where it is.
fn build(project: &Project) -> Result<PathBuf> {
    let mut cargo = cargo::command(project);
    cargo.args(["build", "--package", "bench", "--message-format", "json-render-diagnostics"]);
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    ensure!(output.status.success(), "bench does not compile");
    let messages = String::from_utf8(output.stdout).context("cargo")?;
    let program = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == "bench";
        is_it.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    program.context("cargo names no program")
}

/// One job in every precision that is of use on this machine.
fn contest(programs: &Programs, job: &'static str, channels: u8, quick: bool) -> Result<Vec<Row>> {
    let mut source = Runner::start(programs.pytorch(job, channels, "f32", "source"))?;
    let mut pairs = Vec::new();
    for precision in ["f32"].into_iter().chain(programs.bf16.then_some("bf16")) {
        let ours = Runner::start(programs.ours(job, channels, precision))?;
        let best = Runner::start(programs.pytorch(job, channels, precision, "best"))?;
        pairs.push((precision, ours, best));
    }
    let long = pairs.iter().any(|(_, ours, _)| ours.first >= LONG);
    let turns = match (quick, long) {
        (false, _) => 7,
        (true, false) => 3,
        (true, true) => 2,
    };
    for turn in 0..turns {
        eprintln!("{job}, {}: turn {} of {turns}", colours(channels), turn + 1);
        source.turn()?;
        for (_, ours, best) in &mut pairs {
            ours.turn()?;
            best.turn()?;
        }
    }
    let (source_images_per_s, source_peak_bytes) = source.finish()?;
    pairs
        .into_iter()
        .map(|(precision, ours, best)| {
            let (images_per_s, peak_bytes) = ours.finish()?;
            let (best_images_per_s, best_peak_bytes) = best.finish()?;
            Ok(Row {
                job,
                channels,
                precision: precision.into(),
                images_per_s,
                source_images_per_s,
                best_images_per_s,
                peak_bytes,
                source_peak_bytes,
                best_peak_bytes,
                kernels: kernels(programs.ours(job, channels, precision), quick)?,
            })
        })
        .collect()
}

/// A program that makes steps when it is told to.
struct Runner {
    /// For messages.
    program: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What it said when it was ready.
    greeting: String,
    /// Seconds that a step took in each turn.
    seconds: Vec<f64>,
    /// Seconds that the first step took.
    first: f64,
    /// Steps that fill a turn.
    steps: u64,
}

impl Runner {
    fn start(mut command: Command) -> Result<Runner> {
        let program = command.get_program().display().to_string();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot run {program}"))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (greeting, seconds) = (String::new(), Vec::new());
        let mut runner =
            Runner { program, child, input, output, greeting, seconds, first: 0.0, steps: 1 };
        runner.greeting = runner.line()?;
        runner.first = runner.number(&runner.greeting)?;
        // The first step is slower, so this errs to the side of too few.
        runner.steps = (TURN / runner.first).ceil() as u64;
        Ok(runner)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).with_context(|| self.program.clone())?;
        ensure!(!line.is_empty(), "{} ended early", self.program);
        Ok(line.trim().into())
    }

    /// The number that a line begins with.
    fn number<T: FromStr>(&self, line: &str) -> Result<T> {
        let number = line.split(' ').next().and_then(|word| word.parse().ok());
        number.with_context(|| format!("{}: {line:?} begins with no number", self.program))
    }

    /// Makes so many steps; gives the seconds for each.
    fn make(&mut self, steps: u64) -> Result<f64> {
        let input = self.input.as_mut().expect("it is piped");
        writeln!(input, "{steps}").with_context(|| self.program.clone())?;
        // As in `1.234 567890`, the memory being of no interest here.
        let line = self.line()?;
        Ok(self.number::<f64>(&line)? / steps as f64)
    }

    fn turn(&mut self) -> Result<()> {
        let seconds = self.make(self.steps)?;
        self.seconds.push(seconds);
        Ok(())
    }

    /// Images per second, the median over the turns, and the most memory in bytes.
    fn finish(mut self) -> Result<(f64, u64)> {
        self.input = None;
        let line = self.line()?;
        let memory = self.number(&line)?;
        self.child.wait().with_context(|| self.program.clone())?;
        Ok((BATCH_SIZE as f64 / median(&mut self.seconds), memory))
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// The kernels that oneDNN chose for the convolutions of one step, with their shares of the time; where it has to be `quick`, of a step with
/// a quarter of the batch. Empty on a GPU.
fn kernels(mut command: Command, quick: bool) -> Result<BTreeMap<String, f64>> {
    let batch_size = if quick { BATCH_SIZE / 4 } else { BATCH_SIZE };
    command.args(["--batch-size", &batch_size.to_string()]);
    command.env("ONEDNN_VERBOSE", "profile_exec").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output();
    let output =
        output.with_context(|| format!("cannot run {}", command.get_program().display()))?;
    Ok(kernel_shares(&String::from_utf8_lossy(&output.stdout)))
}

/// From lines such as `onednn_verbose,v1,primitive,exec,cpu,convolution,brgconv:avx512_core_amx,forward_training,…,0.42`, whose last
/// field are milliseconds.
fn kernel_shares(verbose: &str) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for line in verbose.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        if let [
            "onednn_verbose",
            _,
            "primitive",
            "exec",
            _,
            "convolution" | "deconvolution",
            kernel,
            ..,
            time,
        ] = fields[..]
            && let Ok(time) = time.parse::<f64>()
        {
            *shares.entry(kernel.to_string()).or_insert(0.0) += time;
        }
    }
    let total: f64 = shares.values().sum();
    shares.values_mut().for_each(|share| *share /= total);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_job_is_named_beside_the_known() {
        let jobs = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        expect_known(&jobs(&["wgan-gp", "read"])).unwrap();
        let error = expect_known(&jobs(&["cgan", "dcgna"])).unwrap_err().to_string();
        assert_eq!(error, "no job \"dcgna\"; there are dcgan, wgan-gp, cgan, read");
    }

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn kernels_share_the_time_of_the_convolutions() {
        let line = |what, kernel, time| {
            format!(
                "onednn_verbose,v1,primitive,exec,cpu,{what},{kernel},forward_training,src:bf16,mb128,{time}\n"
            )
        };
        let text = line("convolution", "brgconv:avx512_core_amx", 3.0)
            + &line("reorder", "simple:any", 5.0)
            + &line("deconvolution", "ref:any", 1.0)
            + "onednn_verbose,v1,info,cpu\n";
        let shares = kernel_shares(&text);
        assert_eq!(shares["brgconv:avx512_core_amx"], 0.75);
        assert_eq!(shares["ref:any"], 0.25);
        assert_eq!(shares.len(), 2);
    }
}
