//! Questions to the machine. What the answers mean is said in `doctor.rs`.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

/// The standard output of a command that succeeded.
fn answer(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = run(program, args)?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(program: impl AsRef<OsStr>, args: &[&str]) -> Option<Output> {
    // LC_ALL, since the answers are parsed.
    Command::new(program).args(args).env("LC_ALL", "C").stdin(Stdio::null()).output().ok()
}

/// The processor, in words, and the number of its threads.
pub fn description() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {threads} threads", name.unwrap_or("unknown processor"))
}

/// The version of the C library, where it is glibc.
pub fn glibc() -> Option<(u32, u32)> {
    let text = answer("getconf", &["GNU_LIBC_VERSION"])?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}

/// The version of the NVIDIA driver, if there is one.
pub fn driver() -> Option<String> {
    if let Ok(text) = fs::read_to_string("/proc/driver/nvidia/version")
        && let Some(version) = driver_version(&text)
    {
        return Some(version);
    }
    let text = answer("nvidia-smi", &["--query-gpu=driver_version", "--format=csv,noheader"])?;
    driver_version(&text)
}

/// The first word that reads like `580.82.07`.
fn driver_version(text: &str) -> Option<String> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let version = |word: &&str| word.contains('.') && word.split('.').all(number);
    text.split_whitespace().find(version).map(str::to_owned)
}

/// Tries the C++ compiler that torch-sys will take. The error is one line.
pub fn compiler() -> Result<String, String> {
    if cfg!(windows) {
        return Ok("not looked for on Windows; torch-sys wants Visual Studio's".into());
    }
    let program = env::var("CXX").unwrap_or_else(|_| "c++".into());
    let mut words = program.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or("c++"))
        .args(words)
        .args(["-std=c++17", "-fsyntax-only", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|_| format!("no C++ compiler: {program} does not run"))?;
    let source = b"#include <optional>\nint main() { return *std::optional<int>(0); }\n";
    // A compiler that ends early breaks the pipe; its exit status tells all.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(source));
    let output = child.wait_with_output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(program)
    } else {
        Err(format!("{program} does not compile C++17"))
    }
}

/// The name of the Python that runs here.
pub fn python() -> Option<&'static str> {
    ["python3", "python"]
        .into_iter()
        .find(|name| answer(name, &["-c", "import sys; assert sys.version_info >= (3,)"]).is_some())
}

/// The folder of the PyTorch that this Python has.
pub fn pytorch(python: &str) -> Option<PathBuf> {
    // Found without importing it: that would take seconds.
    const WHERE: &str =
        "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])";
    answer(python, &["-c", WHERE]).map(|text| text.trim().into())
}

/// The version of pip.
pub fn pip() -> Result<String, String> {
    let python = python().ok_or("no Python 3")?;
    let text = answer(python, &["-m", "pip", "--version"]).ok_or("no pip")?;
    text.split_whitespace().nth(1).map(str::to_owned).ok_or_else(|| "pip tells no version".into())
}

/// Free bytes on the disk of this folder.
pub fn disk_free(folder: &Path) -> Option<u64> {
    let text = answer("df", &["-Pk", folder.to_str()?])?;
    // "Filesystem 1024-blocks Used Available Capacity Mounted"; names may hold blanks.
    let words: Vec<&str> = text.lines().nth(1)?.split_whitespace().collect();
    let capacity = words.iter().position(|word| word.ends_with('%'))?;
    Some(words.get(capacity.checked_sub(1)?)?.parse::<u64>().ok()? * 1024)
}

/// What the loader would complain of in this file: libraries that it does not find, functions that they lack.
/// `None` where that cannot be asked.
pub fn loader_complaints(file: &Path) -> Option<Vec<String>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let output = run("ldd", &["-r", file.to_str()?])?;
    let text = [output.stdout, output.stderr].concat();
    Some(complaints(&String::from_utf8_lossy(&text)))
}

fn complaints(ldd: &str) -> Vec<String> {
    let complains = |line: &&str| {
        ["not found", "undefined symbol", "not defined in", "not a dynamic"]
            .iter()
            .any(|sign| line.contains(sign))
    };
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    ldd.lines().filter(complains).map(plain).collect()
}

/// Whether a program asks the loader for this library. `None` where that cannot be asked.
pub fn needs(program: &Path, library: &str) -> Option<bool> {
    let text = answer("readelf", &["-d", program.to_str()?])?;
    Some(
        text.lines()
            .any(|line| line.contains("(NEEDED)") && line.contains(&format!("[{library}]"))),
    )
}

/// The folders of `LD_LIBRARY_PATH`, which the loader searches before a program's own rpath.
pub fn library_path() -> Vec<PathBuf> {
    env::var_os("LD_LIBRARY_PATH").map_or_else(Vec::new, |paths| env::split_paths(&paths).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_versions_are_found() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: gcc version 12.3.0\n";
        let open =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build\n";
        assert_eq!(driver_version(closed).unwrap(), "550.54.15");
        assert_eq!(driver_version(open).unwrap(), "580.82.07");
        assert_eq!(driver_version("580.82\n").unwrap(), "580.82");
        assert_eq!(driver_version("NVIDIA-SMI has failed.\n"), None);
    }

    #[test]
    fn what_the_loader_misses_is_read_from_ldd() {
        let ldd = "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibcupti.so.13 => not found\nundefined symbol: ncclSend\t(/l/libtorch_cuda.so)\n";
        assert_eq!(
            complaints(ldd),
            ["libcupti.so.13 => not found", "undefined symbol: ncclSend (/l/libtorch_cuda.so)"]
        );
    }
}
