//! `cargo xtask jupyter` and `cargo xtask notebooks`: JupyterLab and the Rust kernel, in the project's own folders, and the
//! notebooks run with them.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::notebooks::{self, KERNEL, NOTEBOOKS};
use crate::project::Project;
use crate::tools::{self, Python};
use crate::{cargo, setup};

/// The kernel.
const EVCXR: (&str, &str) = ("evcxr_jupyter", "0.22.0");

/// JupyterLab, and what `tests/notebooks/run.py` needs.
const PACKAGES: &[&str] = &["jupyterlab==4.6.6", "nbclient==0.11.0", "pillow==13.0.0"];

fn python(project: &Project) -> Python {
    Python::new(project, "jupyter", PACKAGES)
}

fn kernel_spec(project: &Project) -> PathBuf {
    python(project).home().join("share/jupyter/kernels").join(KERNEL).join("kernel.json")
}

/// What is missing for the notebooks, one line each, with what brings it.
pub fn missing(project: &Project) -> Vec<String> {
    let mut missing = Vec::new();
    let mut expect = |there: bool, what: &str| {
        if !there {
            missing.push(format!("{what}; `cargo xtask jupyter` brings it"));
        }
    };
    expect(project.remembered().is_some_and(|dir| dir.is_dir()), "libtorch is not set up");
    expect(python(project).is_there(), "JupyterLab is not installed, or at another version");
    expect(
        tools::program(project, EVCXR.0).is_file(),
        "the Rust kernel, evcxr_jupyter, is not installed",
    );
    expect(kernel_spec(project).is_file(), "Jupyter does not know the kernel yet");
    missing
}

/// Sets up libtorch, JupyterLab and the kernel, whatever of it is missing.
pub fn ensure(project: &Project) -> Result<()> {
    setup::ensure(project, None)?;
    python(project).ensure()?;
    tools::install(project, EVCXR.0, EVCXR.1)?;
    // A copy, so that the kernel starts whatever becomes of cargo's build folder.
    let launcher = tools::program(project, "start-kernel");
    let new = launcher.with_extension("new");
    let own = own_program()?;
    fs::copy(&own, &new)
        .with_context(|| format!("{}, a copy of {}", new.display(), own.display()))?;
    fs::rename(&new, &launcher).with_context(|| launcher.display().to_string())?;
    let spec = json!({
        "argv": [&launcher, "kernel", "{connection_file}"],
        "display_name": "Rust (GAN book)",
        "env": { "GAN_BOOK": &project.root },
        "interrupt_mode": "message",
        "language": "rust",
    });
    write_json(&kernel_spec(project), &spec)?;
    // Otherwise it asks in front of the pictures whether it may fetch news, and asks the network for newer versions of itself.
    let quiet = json!({
        "@jupyterlab/apputils-extension:notification": { "fetchNews": "false", "checkForUpdates": false },
    });
    let settings = python(project).home().join("share/jupyter/lab/settings/overrides.json");
    write_json(&settings, &quiet)
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    let write = || -> Result<()> {
        fs::create_dir_all(path.parent().context("no parent folder")?)?;
        Ok(fs::write(path, serde_json::to_string_pretty(value)?)?)
    };
    write().with_context(|| path.display().to_string())
}

/// The file of this program. Where cargo has built it anew since it was started, as in `cargo xtask ci`, Linux calls the old one
/// deleted; the new one has its place.
fn own_program() -> Result<PathBuf> {
    let path = env::current_exe().context("where is xtask?")?;
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map(PathBuf::from).unwrap_or(path.clone()))
}

/// Opens JupyterLab with the notebooks.
pub fn lab(project: &Project, args: &[OsString]) -> Result<u8> {
    ensure(project)?;
    let mut lab = Command::new(python(project).program("jupyter"));
    lab.arg("lab").current_dir(&project.root);
    lab.arg(format!("--ServerApp.root_dir={}", project.root.display()));
    let first = NOTEBOOKS[0].0;
    lab.arg(format!("--LabApp.default_url=/lab/tree/notebooks/{first}.ipynb"));
    // With the newer protocol the server takes what the browser sends just after a restart for the older one, and loses it: after "Restart
    // kernel and run all" a cell may then wait for ever.
    lab.arg("--ZMQChannelsWebsocketConnection.kernel_ws_protocol=");
    if is_root() {
        lab.arg("--allow-root");
    }
    cargo::wait(lab.args(args))
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Runs notebooks from their first cell to their last, each on a fresh kernel. With `keep` their outputs are written into them.
pub fn run(project: &Project, pages: &[String], keep: bool) -> Result<u8> {
    for page in pages {
        let known = NOTEBOOKS.iter().any(|(name, _)| name == page);
        let names = NOTEBOOKS.map(|(name, _)| name).join(", ");
        ensure!(known, "no notebook {page:?}; there are {names}");
    }
    ensure(project)?;
    let mut run = Command::new(python(project).program("python"));
    run.current_dir(&project.root).arg("tests/notebooks/run.py").args(["--kernel", KERNEL]);
    run.args(keep.then_some("--keep"));
    let all = NOTEBOOKS.iter().map(|(name, _)| name.to_string());
    let chosen: Vec<String> = if pages.is_empty() { all.collect() } else { pages.to_vec() };
    run.args(chosen.iter().map(|page| notebooks::path(project, page)));
    cargo::wait(&mut run)
}

/// What Jupyter calls: starts evcxr in a build folder that no other kernel is using, with libtorch where it finds it.
///
/// The folder stays, so that the crates are compiled once. Two kernels in one would overwrite each other's files, so each takes the
/// first that is free. A new folder begins as a copy of one that is there.
pub fn kernel(connection: &Path) -> Result<u8> {
    let root = env::var_os("GAN_BOOK").context("GAN_BOOK: not started by Jupyter")?;
    let project = Project { root: root.into(), exported: None };
    let libtorch = project.remembered().context("no libtorch; run `cargo xtask setup`")?;
    let home = project.root.join(".evcxr");
    let (folder, lock) = build_folder(&home)?;
    build_as_we_do(&project.root.join("Cargo.toml"), &home)?;
    let library_path = match env::consts::OS {
        "windows" => "PATH",
        "macos" => "DYLD_LIBRARY_PATH",
        _ => "LD_LIBRARY_PATH",
    };
    let others = env::var_os(library_path).unwrap_or_default();
    let paths = [libtorch.join("lib")].into_iter().chain(env::split_paths(&others));
    let mut evcxr = Command::new(tools::program(&project, EVCXR.0));
    evcxr.arg("--control_file").arg(connection).stdin(Stdio::from(lock));
    evcxr.env("LIBTORCH", &libtorch).env("EVCXR_TMPDIR", &folder);
    evcxr.env(library_path, env::join_paths(paths)?).env_remove("CARGO_TARGET_DIR");
    become_it(&mut evcxr)
}

/// The first build folder that is not in use, and the lock that says so, which is held for as long as the file is open.
fn build_folder(home: &Path) -> Result<(PathBuf, File)> {
    for number in 1..100 {
        let folder = home.join(number.to_string());
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let path = home.join(format!("{number}.lock"));
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => {
                take_over(home, &folder)?;
                return Ok((folder, file));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| path.display().to_string());
            }
        }
    }
    bail!("{}: all build folders are in use", home.display())
}

/// Fills a build folder in which nothing has been compiled yet from the first that has the crates.
///
/// cargo holds `.cargo-lock` while it compiles. Then nothing is taken over, since Jupyter would not wait for so long until a kernel
/// answers. The times of the files are kept, since cargo goes by them. The copy is made under another name first: one that broke off
/// would look like a folder that is done.
fn take_over(home: &Path, folder: &Path) -> Result<()> {
    let target = folder.join("target");
    let lock = |target: &Path| target.join("debug/.cargo-lock");
    let others = (1..100).map(|number| home.join(number.to_string()).join("target"));
    let Some(other) = others.into_iter().find(|other| lock(other).is_file()) else {
        return Ok(());
    };
    if target.is_dir() {
        return Ok(());
    }
    let compiling = File::open(lock(&other))?;
    if compiling.try_lock_shared().is_err() {
        return Ok(());
    }
    let new = folder.join("target.new");
    if new.is_dir() {
        fs::remove_dir_all(&new).with_context(|| new.display().to_string())?;
    }
    copy_tree(&other, &new)?;
    fs::rename(&new, &target).with_context(|| target.display().to_string())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&path, &copy)?;
        } else {
            fs::copy(&path, &copy).with_context(|| copy.display().to_string())?;
            File::options()
                .append(true)
                .open(&copy)?
                .set_modified(entry.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

/// Makes evcxr compile crates as the workspace does, which is faster: its profiles for them, in a config that cargo finds above
/// evcxr's build folders. The workspace's own profile is left out, since cells need not be fast but compiled fast.
fn build_as_we_do(manifest: &Path, home: &Path) -> Result<()> {
    let text = fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let config = home.join(".cargo/config.toml");
    fs::create_dir_all(home.join(".cargo"))?;
    fs::write(&config, profiles(&text)).with_context(|| config.display().to_string())
}

fn profiles(manifest: &str) -> String {
    let sections = manifest.split_inclusive('\n').fold(Vec::new(), |mut sections, line| {
        if line.starts_with('[') || sections.is_empty() {
            sections.push(String::new());
        }
        sections.last_mut().expect("there is one").push_str(line);
        sections
    });
    let of_crates = ["[profile.dev.package", "[profile.dev.build-override]"];
    let wanted = |text: &String| of_crates.iter().any(|start| text.starts_with(start));
    sections.into_iter().filter(wanted).collect()
}

/// In place of this process, so that Jupyter's signals reach evcxr itself. The lock goes along as its standard input.
#[cfg(unix)]
fn become_it(command: &mut Command) -> Result<u8> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).with_context(|| command.get_program().display().to_string())
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> Result<u8> {
    cargo::wait(command)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn crates_are_compiled_as_in_the_workspace() {
        let manifest = "[workspace]\n\n[profile.dev]\nopt-level = 3\n\n[profile.dev.package.tch]\nopt-level = 0\n\n\
                        [profile.dev.build-override]\nopt-level = 0\n";
        let expected = "[profile.dev.package.tch]\nopt-level = 0\n\n[profile.dev.build-override]\nopt-level = 0\n";
        assert_eq!(profiles(manifest), expected);
    }

    #[test]
    fn two_kernels_get_two_folders_and_a_third_the_first_again() {
        let home = tempfile::tempdir().unwrap();
        let (first, lock) = build_folder(home.path()).unwrap();
        let (second, _other) = build_folder(home.path()).unwrap();
        assert_ne!(first, second);
        drop(lock);
        assert_eq!(build_folder(home.path()).unwrap().0, first);
    }

    #[test]
    fn a_new_build_folder_takes_over_what_is_compiled() {
        let home = tempfile::tempdir().unwrap();
        let (first, _lock) = build_folder(home.path()).unwrap();
        let crates = first.join("target/debug/deps");
        fs::create_dir_all(&crates).unwrap();
        fs::write(first.join("target/debug/.cargo-lock"), "").unwrap();
        fs::write(crates.join("tch"), "compiled").unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options()
            .append(true)
            .open(crates.join("tch"))
            .unwrap()
            .set_modified(long_ago)
            .unwrap();

        let (second, _other) = build_folder(home.path()).unwrap();
        let copy = second.join("target/debug/deps/tch");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "compiled");
        assert_eq!(fs::metadata(&copy).unwrap().modified().unwrap(), long_ago);
    }
}
