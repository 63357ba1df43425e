//! `cargo xtask book`: mdBook and what it needs, at pinned versions, and the book made with them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::project::Project;
use crate::{cargo, pages};

/// What the book is made with, and at which versions. This mdbook-katex is made for this mdBook.
const TOOLS: [(&str, &str); 2] = [("mdbook", "0.5.3"), ("mdbook-katex", "0.10.0")];

/// How the book is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// In `target/book`.
    Build,
    /// And in the browser.
    Open,
    /// In the browser, built again whenever a page changes.
    Serve,
    /// To a script that opens every page in Chromium.
    Check,
}

/// What `tests/book/browser.py` needs.
const PLAYWRIGHT: &str = "playwright==1.65.2";

/// Makes the book; installs what is missing into `.tools` first.
pub fn make(project: &Project, show: Show) -> Result<u8> {
    let problems = pages::problems(project)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(problems.is_empty(), "{} to mend in the pages", problems.len());
    for (name, version) in TOOLS {
        install(project, name, version)?;
    }
    let mut mdbook = Command::new("mdbook");
    mdbook.current_dir(&project.root).env("PATH", path(project)?);
    mdbook.args(match show {
        Show::Build | Show::Check => &["build"][..],
        Show::Open => &["build", "--open"],
        Show::Serve => &["serve", "--open"],
    });
    let code = cargo::wait(&mut mdbook)?;
    if code != 0 {
        return Ok(code);
    }
    match show {
        Show::Build => println!("{}", project.root.join("target/book/index.html").display()),
        Show::Check => return check(project),
        Show::Open | Show::Serve => {}
    }
    Ok(0)
}

/// Opens every page in Chromium. Playwright comes into an environment of the project's own.
fn check(project: &Project) -> Result<u8> {
    let home = tools(project).join("browser");
    let python = home.join("bin/python");
    let there = home.join(PLAYWRIGHT);
    if !there.is_file() {
        eprintln!("installing {PLAYWRIGHT} into {}", home.display());
        let steps = [
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).status(),
            Command::new(&python).args(["-m", "pip", "install", "--quiet", PLAYWRIGHT]).status(),
        ];
        for status in steps {
            ensure!(status.context("python3")?.success(), "cannot install {PLAYWRIGHT}");
        }
        fs::write(&there, "").with_context(|| there.display().to_string())?;
    }
    let mut check = Command::new(&python);
    check.current_dir(&project.root).args(["tests/book/browser.py", "target/book"]);
    cargo::wait(&mut check)
}

/// The project's own tools before the reader's.
fn path(project: &Project) -> Result<std::ffi::OsString> {
    let own = tools(project).join("bin");
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([own].into_iter().chain(env::split_paths(&others))).context("PATH")
}

/// The folder for tools of the project's own.
pub fn tools(project: &Project) -> PathBuf {
    project.root.join(".tools")
}

/// Installs a tool unless it is there, in the project or on the path, at this very version.
pub fn install(project: &Project, name: &str, version: &str) -> Result<()> {
    // cargo keeps a list of what it installed there.
    let list = fs::read_to_string(tools(project).join(".crates.toml")).unwrap_or_default();
    if list.contains(&format!("\"{name} {version} (")) {
        return Ok(());
    }
    let says = Command::new(name)
        .arg("--version")
        .env("PATH", path(project)?)
        .stderr(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    if says
        .is_ok_and(|says| says.trim_start_matches(name).trim_start_matches([' ', 'v']) == version)
    {
        return Ok(());
    }
    eprintln!(
        "installing {name} {version} into {}; it takes some minutes",
        tools(project).display()
    );
    let mut install = cargo::command(project);
    install.args(["install", name, "--version", version, "--locked", "--force", "--root"]);
    let code = cargo::wait(install.arg(tools(project)))?;
    ensure!(code == 0, "cannot install {name} {version}");
    Ok(())
}
