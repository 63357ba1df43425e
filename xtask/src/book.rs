//! `cargo xtask book`: mdBook and what it needs, at pinned versions, and the book made with them.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::captions;
use crate::notebooks::{self, NOTEBOOKS};
use crate::project::Project;
use crate::say::say;
use crate::tools::{self, Python};
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
const PACKAGES: &[&str] = &["playwright==1.65.2"];

/// Makes the book; installs what is missing into `.tools` first.
pub fn make(project: &Project, show: Show) -> Result<u8> {
    let problems = pages::problems(project)?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(problems.is_empty(), "{} to mend in the pages", problems.len());
    for (name, version) in TOOLS {
        tools::install(project, name, version)?;
    }
    let mut mdbook = Command::new("mdbook");
    mdbook.current_dir(&project.root).env("PATH", tools::path(project)?);
    if show != Show::Serve {
        mdbook.env(captions::COPIED, "yes");
    }
    mdbook.args(match show {
        Show::Build | Show::Check => &["build"][..],
        Show::Open => &["build", "--open"],
        Show::Serve => &["serve", "--open"],
    });
    let code = cargo::wait(&mut mdbook)?;
    if code != 0 {
        return Ok(code);
    }
    if show != Show::Serve {
        copy_notebooks(project)?;
    }
    match show {
        Show::Build => say(project.root.join("target/book/index.html").display()),
        Show::Check => return check(project),
        Show::Open | Show::Serve => {}
    }
    Ok(0)
}

/// Puts the notebooks where the pages' links look for them.
fn copy_notebooks(project: &Project) -> Result<()> {
    let folder = project.root.join("target/book/notebooks");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (name, _) in NOTEBOOKS {
        let copy = folder.join(name).with_extension("ipynb");
        fs::copy(notebooks::path(project, name), &copy)
            .with_context(|| copy.display().to_string())?;
    }
    Ok(())
}

/// Opens every page in Chromium. Playwright comes into an environment of the project's own.
fn check(project: &Project) -> Result<u8> {
    let browser = Python::new(project, "browser", PACKAGES);
    browser.ensure()?;
    let mut check = Command::new(browser.program("python"));
    check.current_dir(&project.root).args(["tests/book/browser.py", "target/book"]);
    cargo::wait(&mut check)
}
