//! Finds libtorch or fetches it, and makes plain cargo use it.

use std::path::{PathBuf, absolute};

use anyhow::{Context, Result, bail, ensure};

use crate::doctor::{self, Findings, Grade, Line};
use crate::fetch::{self, Lock};
use crate::libtorch::{Build, Libtorch, MIN_DRIVER, Platform, VERSION};
use crate::machine;
use crate::project::Project;

/// Where a libtorch was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Exported,
    SetUpBefore,
    Python,
    Fetched,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Exported => "named by LIBTORCH",
            Self::SetUpBefore => "set up before",
            Self::Python => "of the installed PyTorch",
            Self::Fetched => "fetched",
        }
    }
}

/// Sets up: afterwards plain `cargo run` and `cargo test` find libtorch. `wanted` is the build that was asked for.
///
/// What would fail in the middle of a fetch or of a compile is looked for before.
pub fn ensure(project: &Project, wanted: Option<Build>) -> Result<()> {
    first_failure(&[doctor::compiler(&machine::compiler())])?;
    first_failure(&doctor::environment(&doctor::variables(), &[]))?;
    let lock = Lock::take(&project.libtorch_home())?;
    let (found, source) = find(project, wanted, &lock)?;
    first_failure(&doctor::environment(&[], &doctor::intruders(&found)))?;
    first_failure(&[doctor::disk(machine::disk_free(&project.root), doctor::GIB_TO_COMPILE)])?;
    project.remember(&absolute(&found.dir)?)?;
    let dir = found.dir.strip_prefix(&project.root).unwrap_or(&found.dir).display();
    eprintln!("libtorch {VERSION}, {}, {}: {dir}", found.build.name(), source.name());
    if cfg!(windows) {
        eprintln!(
            "Windows finds its DLLs through PATH: add {} for plain cargo",
            found.lib().display()
        );
    }
    Ok(())
}

/// `LIBTORCH`, else what was set up before, else the installed PyTorch, else the registry.
fn find(project: &Project, wanted: Option<Build>, lock: &Lock) -> Result<(Libtorch, Source)> {
    let fits = |found: &Libtorch| wanted.is_none_or(|build| found.build == build);
    if let Some(dir) = &project.exported {
        let found = Libtorch::usable_at(dir).context("LIBTORCH")?;
        let (build, dir) = (found.build.name(), dir.display());
        ensure!(fits(&found), "LIBTORCH={dir} is a {build}; unset it to get another");
        return Ok((found, Source::Exported));
    }
    let home = project.libtorch_home();
    let own = [Build::Cuda, Build::Cpu].map(|build| home.join(build.folder()).join("torch"));
    let before = project.remembered().into_iter().chain(own.into_iter().filter(|dir| dir.exists()));
    if let Some(found) = first_usable(before, fits) {
        return Ok((found, Source::SetUpBefore));
    }
    let python = machine::python();
    if let Some(found) = first_usable(python.and_then(machine::pytorch), fits) {
        return Ok((found, Source::Python));
    }
    let build = choose(wanted, machine::driver().as_deref(), Platform::here())?;
    first_failure(&doctor::before_fetch(&Findings::gather(project), build))?;
    let python = python.context("no Python 3")?;
    Ok((fetch::fetch(&home, build, python, lock)?, Source::Fetched))
}

/// The first that will do. Why another does not is said, since the reader may have counted on it.
fn first_usable(
    folders: impl IntoIterator<Item = PathBuf>,
    fits: impl Fn(&Libtorch) -> bool,
) -> Option<Libtorch> {
    folders.into_iter().find_map(|dir| match Libtorch::usable_at(&dir) {
        Ok(found) => fits(&found).then_some(found),
        Err(error) => {
            eprintln!("not taken: {error:#}");
            None
        }
    })
}

/// Which build to fetch: the one asked for, else the one for which there is a driver.
fn choose(wanted: Option<Build>, driver: Option<&str>, platform: Platform) -> Result<Build> {
    let runs = driver.is_some_and(doctor::runs_cuda);
    let has_wheels = platform.wheels(Build::Cuda).is_ok();
    match (wanted, driver) {
        (Some(Build::Cuda), Some(version)) if !runs => bail!(
            "NVIDIA driver {version} is too old for CUDA 13; install {MIN_DRIVER} or newer, or take --cpu"
        ),
        (Some(Build::Cuda), None) => {
            eprintln!("no NVIDIA driver: the CUDA build will run on the CPU");
            Ok(Build::Cuda)
        }
        (Some(build), _) => Ok(build),
        (None, Some(version)) if !runs => {
            eprintln!(
                "NVIDIA driver {version} is too old for CUDA 13, which wants {MIN_DRIVER}: taking the CPU build"
            );
            Ok(Build::Cpu)
        }
        (None, Some(_)) if has_wheels => Ok(Build::Cuda),
        (None, _) => Ok(Build::Cpu),
    }
}

/// Turns the first failed check into an error.
fn first_failure(lines: &[Line]) -> Result<()> {
    match lines.iter().find(|line| line.grade == Grade::Fail) {
        Some(Line { what, text, .. }) => bail!("{what}: {text}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Platform = Platform { os: "linux", arch: "x86_64", musl: false };
    const MAC: Platform = Platform { os: "macos", arch: "aarch64", musl: false };

    #[test]
    fn the_driver_chooses_unless_the_reader_does() {
        let chosen = |wanted, driver, platform| choose(wanted, driver, platform).ok();
        assert_eq!(chosen(None, None, LINUX), Some(Build::Cpu));
        assert_eq!(chosen(None, Some("580.82.07"), LINUX), Some(Build::Cuda));
        assert_eq!(chosen(None, Some("550.54.15"), LINUX), Some(Build::Cpu));
        assert_eq!(chosen(None, Some("580.82.07"), MAC), Some(Build::Cpu));
        assert_eq!(chosen(Some(Build::Cpu), Some("580.82.07"), LINUX), Some(Build::Cpu));
        assert_eq!(chosen(Some(Build::Cuda), None, LINUX), Some(Build::Cuda));
        let error = choose(Some(Build::Cuda), Some("550.54.15"), LINUX).unwrap_err().to_string();
        assert!(error.contains("550.54.15") && error.contains("580"), "{error}");
    }
}
