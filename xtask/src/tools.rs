//! Tools of the project's own, in `.tools` and at pinned versions: programs that cargo installs, and Python packages.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::project::Project;

fn folder(project: &Project) -> PathBuf {
    project.root.join(".tools")
}

/// Where a program that [`install`] installed lies.
pub fn program(project: &Project, name: &str) -> PathBuf {
    folder(project).join("bin").join(name).with_extension(env::consts::EXE_EXTENSION)
}

/// PATH with the project's own tools before the reader's.
pub fn path(project: &Project) -> Result<OsString> {
    let own = folder(project).join("bin");
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([own].into_iter().chain(env::split_paths(&others))).context("PATH")
}

/// Installs a program with cargo unless it is there, in the project or on the path, at this very version.
pub fn install(project: &Project, name: &str, version: &str) -> Result<()> {
    // cargo keeps a list of what it installed there. Not every program tells its version.
    let list = fs::read_to_string(folder(project).join(".crates.toml")).unwrap_or_default();
    if list.contains(&format!("\"{name} {version} (")) {
        return Ok(());
    }
    let says = Command::new(name).arg("--version").stderr(Stdio::null()).output();
    let says = says.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    if says
        .is_ok_and(|says| says.trim_start_matches(name).trim_start_matches([' ', 'v']) == version)
    {
        return Ok(());
    }
    let home = folder(project);
    eprintln!("installing {name} {version} into {}; it takes some minutes", home.display());
    let mut install = cargo::command(project);
    install.args(["install", name, "--version", version, "--locked", "--force", "--root"]);
    let code = cargo::wait(install.arg(home))?;
    ensure!(code == 0, "cannot install {name} {version}");
    Ok(())
}

/// A Python environment with some packages.
pub struct Python {
    home: PathBuf,
    packages: &'static [&'static str],
}

impl Python {
    /// The environment of this name; it need not be there yet. `packages` are as pip wants them, with their versions.
    pub fn new(project: &Project, name: &str, packages: &'static [&'static str]) -> Python {
        Python { home: folder(project).join(name), packages }
    }

    /// Where it lies.
    pub fn home(&self) -> &PathBuf {
        &self.home
    }

    /// A program of the environment, such as `python` itself.
    pub fn program(&self, name: &str) -> PathBuf {
        let folder = if cfg!(windows) { "Scripts" } else { "bin" };
        self.home.join(folder).join(name).with_extension(env::consts::EXE_EXTENSION)
    }

    /// Written when pip is done, with the versions.
    fn list(&self) -> PathBuf {
        self.home.join("installed.txt")
    }

    /// Whether all packages are there, at these versions.
    pub fn is_there(&self) -> bool {
        fs::read_to_string(self.list()).is_ok_and(|text| text == self.packages.join("\n"))
    }

    /// Makes the environment unless it is there.
    pub fn ensure(&self) -> Result<()> {
        if self.is_there() {
            return Ok(());
        }
        let packages = self.packages.join(", ");
        eprintln!("installing {packages} into {}; it can take minutes", self.home.display());
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&self.home);
        let mut pip = Command::new(self.program("python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check"]).args(self.packages);
        // In a log, where nobody waits for the bars, they would be hundreds of lines.
        pip.args((!io::stderr().is_terminal()).then_some("--quiet"));
        // Standard output is for the figures of `cargo xtask bench`.
        pip.stdout(io::stderr());
        for mut step in [venv, pip] {
            ensure!(cargo::wait(&mut step)? == 0, "cannot install {packages}");
        }
        let list = self.list();
        fs::write(&list, self.packages.join("\n")).with_context(|| list.display().to_string())
    }
}
