//! Fetches libtorch as Python wheels and unpacks what is needed of them.
//!
//! All happens in `.libtorch/partial-<process>`, which takes its final name when it is whole. Whatever breaks
//! off leaves at most such a folder, and the next set-up removes it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use zip::ZipArchive;

use crate::interrupt;
use crate::libtorch::{self, Build, Libtorch, Platform, VERSION, Wheel};
use crate::progress::Progress;

/// Keeps a second set-up of the same checkout waiting while it lives, and ends with the process.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for other set-ups, then removes what earlier ones left half made.
    pub fn take(home: &Path) -> Result<Self> {
        fs::create_dir_all(home).with_context(|| home.display().to_string())?;
        let path = home.join("lock");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        let mut said = false;
        // Asked again and again, because Ctrl-C does not end a wait inside `File::lock`.
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if said => {}
                TryLockError::WouldBlock => eprintln!("another set-up is at work; waiting for it"),
                // Some network file systems have no locks; there a second set-up is at its own risk.
                TryLockError::Error(_) => break,
            }
            said = true;
            sleep(Duration::from_millis(200));
            interrupt::check()?;
        }
        for entry in fs::read_dir(home)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("partial-") {
                // The pip of a killed set-up may still be writing there; then a later one removes it.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(Self { _file: file })
    }
}

/// A folder that goes away again, whether or not its inside was moved out of it.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Fetches a build into its folder in `home`. The lock is asked for as proof that nobody else does.
pub fn fetch(home: &Path, build: Build, python: &str, _lock: &Lock) -> Result<Libtorch> {
    let platform = Platform::here();
    let wheels = platform.wheels(build)?;
    let partial = Partial(home.join(format!("partial-{}", std::process::id())));
    let whole = partial.0.join("whole");
    fs::create_dir_all(&whole).with_context(|| whole.display().to_string())?;
    let megabytes: u64 = wheels.iter().map(|wheel| wheel.megabytes).sum();
    let count = wheels.len();
    eprintln!(
        "fetching libtorch {VERSION}, {}: {count} wheels, about {megabytes} MB",
        build.name()
    );
    for wheel in &wheels {
        // One by one, so that the disk never holds all wheels beside all that came out of them.
        let file = download(wheel, &partial.0, python, platform)?;
        unpack(&file, build, &whole)?;
        fs::remove_file(&file)?;
    }
    finish(&whole.join("torch"), build)?;
    let destination = home.join(build.folder());
    if destination.exists() {
        // It was looked at before and found wanting.
        fs::remove_dir_all(&destination).with_context(|| destination.display().to_string())?;
    }
    fs::rename(&whole, &destination).with_context(|| destination.display().to_string())?;
    Libtorch::right_at(&destination.join("torch"))
}

/// Lets pip download one wheel, and shows how far it is.
fn download(wheel: &Wheel, partial: &Path, python: &str, platform: Platform) -> Result<PathBuf> {
    let Wheel { name, version, megabytes } = wheel;
    // pip writes into its temporary folder as the bytes come. /tmp may be small, and here it can be measured.
    let (temporary, wheels) = (partial.join("tmp"), partial.join("wheels"));
    for folder in [&temporary, &wheels] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let log = partial.join("pip.log");
    let mut command = Command::new(python);
    command.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]);
    command.args(["--no-deps", "--only-binary=:all:", "--implementation=cp"]);
    command.args(["--python-version", libtorch::PYTHON_TAG]);
    for tag in platform.wheel_tags()? {
        command.args(["--platform", &tag]);
    }
    command.arg("--dest").arg(&wheels).arg(format!("{name}=={version}"));
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, &temporary);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);

    let mut progress = Progress::bytes(format!("fetching {name} {version}"), megabytes * 1_000_000);
    let mut pip = command.spawn().with_context(|| format!("cannot run {python}"))?;
    let status = loop {
        if let Some(status) = pip.try_wait()? {
            break status;
        }
        if interrupt::asked() {
            // Ctrl-C reached pip as well; a SIGTERM to xtask alone did not.
            let _ = pip.kill();
            let _ = pip.wait();
        }
        interrupt::check()?;
        progress.set(size(&temporary));
        sleep(Duration::from_millis(100));
    };
    interrupt::check()?;
    ensure!(status.success(), "pip cannot fetch {name} {version}: {}", reason(&log));
    let file = fs::read_dir(&wheels)?.flatten().next().context("pip left no wheel")?.path();
    progress.done(file.metadata()?.len());
    Ok(file)
}

/// The bytes in a folder. Files may come and go meanwhile.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// What pip said, in one line: its last error, else its last line.
fn reason(log: &Path) -> String {
    reason_in(&fs::read_to_string(log).unwrap_or_default())
}

/// Its messages go to the same disk.
const NO_REASON: &str = "it gave no reason; is the disk full?";

fn reason_in(log: &str) -> String {
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // The connection's trouble is the cause of the "not found" that pip ends with.
    let connection = lines.iter().rev().find(|line| line.contains("Retrying"));
    if connection.is_some() {
        return "the package registry cannot be reached; check the network (pip's settings apply)"
            .into();
    }
    let error = lines.iter().rev().find(|line| line.starts_with("ERROR:"));
    error.or(lines.last()).map_or_else(|| NO_REASON.into(), |line| (*line).to_owned())
}

/// Unpacks what a build needs of a wheel; the archive's own checksums are checked on the way.
fn unpack(wheel: &Path, build: Build, into: &Path) -> Result<()> {
    let name = wheel.file_name().unwrap_or_default().display().to_string();
    let mut archive = ZipArchive::new(io::BufReader::new(File::open(wheel)?))
        .with_context(|| format!("{name} is not a whole wheel"))?;
    let wanted: Vec<String> = archive
        .file_names()
        .filter(|path| libtorch::keeps(build, path))
        .map(str::to_owned)
        .collect();
    let mut total = 0;
    for path in &wanted {
        total += archive.by_name(path)?.size();
    }
    let short = name.split('-').next().unwrap_or(&name);
    let mut progress = Progress::bytes(format!("unpacking {short}"), total);
    let (mut done, mut buffer) = (0, vec![0; 1 << 20]);
    for path in &wanted {
        let mut entry = archive.by_name(path)?;
        let inside = entry.enclosed_name().with_context(|| format!("{name}: bad path {path}"))?;
        let target = into.join(inside);
        let folder = target.parent().context("no parent folder")?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let mut file = File::create(&target).with_context(|| target.display().to_string())?;
        loop {
            let count =
                entry.read(&mut buffer).with_context(|| format!("{name}: {path} is damaged"))?;
            if count == 0 {
                break;
            }
            file.write_all(&buffer[..count]).with_context(|| target.display().to_string())?;
            done += count as u64;
            progress.set(done);
            interrupt::check()?;
        }
    }
    progress.done(done);
    Ok(())
}

/// Adds what a wheel lacks, and checks that the loader finds everything.
fn finish(torch: &Path, build: Build) -> Result<()> {
    // torch-sys checks the version only where it finds this file.
    fs::write(torch.join("build-version"), format!("{VERSION}\n"))?;
    if cfg!(target_os = "linux") && build == Build::Cpu {
        fs::write(torch.join("lib/libtorch.so"), libtorch::linker_script())?;
    }
    Libtorch::usable_at(torch).context("what was fetched")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_gives_its_reason_in_one_line() {
        let none = "ERROR: Could not find a version that satisfies torch==9\nERROR: No matching distribution found for torch==9\n";
        assert_eq!(reason_in(none), "ERROR: No matching distribution found for torch==9");
        let offline = "WARNING: Retrying (Retry(total=4)) after connection broken\nERROR: No matching distribution found\n";
        assert!(reason_in(offline).contains("network"));
        assert_eq!(reason_in(""), NO_REASON);
    }
}
