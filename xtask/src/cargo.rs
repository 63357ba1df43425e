//! Runs cargo, and measures how long its parts take.

use std::env;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::interrupt::{self, Interrupted};
use crate::progress::spoken;
use crate::project::Project;

/// A cargo that builds just as the reader's own would: what `cargo run` put into xtask's environment about
/// xtask is taken out again, and libtorch comes from the config. Else the two would undo each other's builds.
pub fn command(project: &Project) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&project.root).env_remove("LIBTORCH");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(about_xtask) {
            cargo.env_remove(&name);
        }
    }
    if cfg!(windows)
        && let Some(libtorch) = project.remembered()
    {
        // There is no rpath: Windows finds the DLLs through PATH.
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [libtorch.join("lib")].into_iter().chain(env::split_paths(&path));
        if let Ok(joined) = env::join_paths(paths) {
            cargo.env("PATH", joined);
        }
    }
    cargo
}

fn about_xtask(name: &str) -> bool {
    let starts = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    starts.iter().any(|start| name.starts_with(start)) || name == "OUT_DIR"
}

/// Runs a command to its end and gives its exit code. Ctrl-C reaches it from the terminal.
pub fn wait(command: &mut Command) -> Result<u8> {
    let status = command.status();
    let status =
        status.with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let code = code(status);
    // Cargo itself dies of Ctrl-C, or says 101 when its compiler did.
    if interrupt::asked() && code != 0 && code != 1 { Err(Interrupted.into()) } else { Ok(code) }
}

#[cfg(unix)]
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let signal = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Where the time went.
pub struct Times {
    begun: Instant,
    parts: Vec<(&'static str, Duration)>,
}

impl Times {
    /// Starts the clock.
    pub fn start() -> Self {
        Self { begun: Instant::now(), parts: Vec::new() }
    }

    /// Measures one part.
    pub fn measure<T>(&mut self, part: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.parts.push((part, begun.elapsed()));
        result
    }

    /// All parts in one line.
    pub fn line(&self) -> String {
        let parts: Vec<String> =
            self.parts.iter().map(|(part, time)| format!("{part} {}", spoken(*time))).collect();
        format!("time: {}; together {}", parts.join(", "), spoken(self.begun.elapsed()))
    }

    /// A line for each part.
    pub fn table(&self) -> String {
        let total = [("together", self.begun.elapsed())];
        let rows = self.parts.iter().chain(&total);
        rows.map(|(part, time)| format!("  {part:<10} {:>12}\n", spoken(*time))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_xtask_is_taken_out() {
        assert!(
            about_xtask("CARGO_PKG_NAME")
                && about_xtask("CARGO_MANIFEST_DIR")
                && about_xtask("OUT_DIR")
        );
        assert!(
            !about_xtask("CARGO_HOME") && !about_xtask("CARGO_TARGET_DIR") && !about_xtask("CARGO")
        );
    }
}
