//! Which libtorch goes with which tch, what a libtorch on disk is, and of which wheels one is made.
//!
//! Only Linux on x86-64 is tested. For the other platforms the wheels' names and contents were read, no more.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::machine;

/// The version of tch, as `Cargo.toml` pins it.
#[cfg(test)]
const TCH: &str = "0.24.0";
/// The one version of libtorch that this tch compiles against.
pub const VERSION: &str = "2.11.0";
/// The wheels are CUDA 13, and older drivers cannot run that.
pub const MIN_DRIVER: u32 = 580;

/// The wheels' Python; nothing runs it, but a wheel must be named for one.
pub const PYTHON_TAG: &str = "3.12";

/// The two builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Runs on the CPU alone.
    Cpu,
    /// Runs on an NVIDIA GPU too.
    Cuda,
}

impl Build {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU build",
            Self::Cuda => "CUDA build",
        }
    }

    /// The option of `setup` that asks for it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Cpu => "--cpu",
            Self::Cuda => "--cuda",
        }
    }

    /// Its folder in `.libtorch`.
    pub fn folder(self) -> String {
        let suffix = self.option().trim_start_matches('-');
        format!("{VERSION}-{suffix}")
    }

    /// GiB of disk that fetching, pip's cache, unpacking and compiling take together.
    pub fn gib_needed(self) -> u64 {
        match self {
            Self::Cpu => 4,
            Self::Cuda => 10,
        }
    }
}

/// A libtorch on disk: a folder with `lib` and `include`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Libtorch {
    /// What `LIBTORCH` names.
    pub dir: PathBuf,
    /// Without the `+cu130` at its end; `None` where nothing tells it.
    pub version: Option<String>,
    /// Which build it is.
    pub build: Build,
}

impl Libtorch {
    /// Looks at a folder. An error says what is missing in it.
    pub fn at(dir: &Path) -> Result<Self> {
        ensure!(dir.is_dir(), "{}: no such folder", dir.display());
        let lib = dir.join("lib");
        let library = library("torch_cpu");
        ensure!(lib.join(&library).is_file(), "{}: no lib/{library} in it", dir.display());
        ensure!(dir.join("include/torch").is_dir(), "{}: no include/torch in it", dir.display());
        let cuda = lib.join(self::library("torch_cuda")).is_file();
        let build = if cuda { Build::Cuda } else { Build::Cpu };
        Ok(Self { dir: dir.to_owned(), version: version_in(dir), build })
    }

    /// Looks at a folder, and takes no version but the right one.
    pub fn right_at(dir: &Path) -> Result<Self> {
        let found = Self::at(dir)?;
        match found.version.as_deref() {
            Some(VERSION) => Ok(found),
            Some(other) => bail!("{}: libtorch {other}, but tch wants {VERSION}", dir.display()),
            None => bail!("{}: nothing tells its version; tch wants {VERSION}", dir.display()),
        }
    }

    /// Looks at a folder, and takes only what will compile and load.
    pub fn usable_at(dir: &Path) -> Result<Self> {
        let found = Self::right_at(dir)?;
        match found.complaints().first() {
            Some(complaint) => bail!("{}: it does not load: {complaint}", dir.display()),
            None => Ok(found),
        }
    }

    /// What the loader would complain of in its libraries.
    pub fn complaints(&self) -> Vec<String> {
        let of = |name| machine::loader_complaints(&self.lib().join(library(name)));
        let cuda = if self.build == Build::Cuda { of("torch_cuda") } else { None };
        of("torch_cpu").into_iter().chain(cuda).flatten().collect()
    }

    /// The folder of its libraries.
    pub fn lib(&self) -> PathBuf {
        self.dir.join("lib")
    }
}

/// A library's file name here.
pub fn library(name: &str) -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}{name}{DLL_SUFFIX}")
}

/// The version, from the first of the three places that tells it: libtorch's own archive has a
/// `build-version`, a wheel has a `version.py`, and both have the headers.
fn version_in(dir: &Path) -> Option<String> {
    let read = |file: &str| fs::read_to_string(dir.join(file)).ok();
    let full = read("build-version")
        .or_else(|| version_py(&read("version.py")?))
        .or_else(|| version_header(&read("include/torch/headeronly/version.h")?))
        .or_else(|| version_header(&read("include/torch/csrc/api/include/torch/version.h")?))?;
    let plain = full.trim().split('+').next().unwrap_or_default();
    (!plain.is_empty()).then(|| plain.to_owned())
}

fn version_py(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(value.trim_matches(['\'', '"']).to_owned())
}

fn version_header(text: &str) -> Option<String> {
    let number = |part: &str| {
        let start = format!("#define TORCH_VERSION_{part} ");
        text.lines().find_map(|line| line.strip_prefix(&start)?.trim().parse::<u32>().ok())
    };
    Some(format!("{}.{}.{}", number("MAJOR")?, number("MINOR")?, number("PATCH")?))
}

/// An operating system, a processor and a C library, in Rust's names.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// As `std::env::consts::OS`.
    pub os: &'static str,
    /// As `std::env::consts::ARCH`.
    pub arch: &'static str,
    /// Whether the C library is musl.
    pub musl: bool,
}

impl Platform {
    /// This machine's.
    pub const fn here() -> Self {
        use std::env::consts::{ARCH, OS};
        Self { os: OS, arch: ARCH, musl: cfg!(target_env = "musl") }
    }

    /// The tags of the wheels that run here, or why there are none.
    pub fn wheel_tags(self) -> Result<Vec<String>> {
        let Self { os, arch, musl } = self;
        match (os, arch) {
            ("linux", _) if musl => {
                bail!(
                    "libtorch {VERSION} is not made for musl; use a Linux with glibc 2.28 or newer"
                )
            }
            // pip takes a tag by the letter: manylinux_2_28 does not let in a manylinux_2_17 wheel.
            ("linux", "x86_64" | "aarch64") => {
                let numbered = (17..=28).rev().map(|minor| format!("manylinux_2_{minor}_{arch}"));
                Ok(numbered.chain([format!("manylinux2014_{arch}")]).collect())
            }
            ("macos", "aarch64") => Ok(vec!["macosx_11_0_arm64".into()]),
            ("windows", "x86_64") => Ok(vec!["win_amd64".into()]),
            _ => bail!("no libtorch {VERSION} is made for {os} on {arch}; use Linux on x86-64"),
        }
    }

    /// The wheels of which a build is made here.
    pub fn wheels(self, build: Build) -> Result<Vec<Wheel>> {
        self.wheel_tags()?;
        match (self.os, build) {
            ("linux", Build::Cpu) => Ok([&[self.torch()], CUPTI_AND_RUNTIME].concat()),
            ("linux", Build::Cuda) => Ok([&[self.torch()], CUPTI_AND_RUNTIME, CUDA].concat()),
            (_, Build::Cpu) => Ok(vec![self.torch()]),
            (os, Build::Cuda) => {
                bail!(
                    "there is no wheel of the CUDA build for {os}; install one and export LIBTORCH"
                )
            }
        }
    }

    fn torch(self) -> Wheel {
        let megabytes = match (self.os, self.arch) {
            ("macos", _) => 81,
            ("windows", _) => 115,
            (_, "aarch64") => 420,
            _ => 531,
        };
        wheel("torch", VERSION, megabytes)
    }
}

/// A wheel in the Python package registry.
#[derive(Clone, Copy, Debug)]
pub struct Wheel {
    /// The package.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// Its size on Linux x86-64, for the bar.
    pub megabytes: u64,
}

const fn wheel(name: &'static str, version: &'static str, megabytes: u64) -> Wheel {
    Wheel { name, version, megabytes }
}

/// Even the CPU's library is linked to these two.
const CUPTI_AND_RUNTIME: &[Wheel] =
    &[wheel("nvidia-cuda-runtime", "13.0.96", 3), wheel("nvidia-cuda-cupti", "13.0.85", 11)];

/// What torch 2.11.0 asks for beside them, without what only Python uses (triton, sympy…).
const CUDA: &[Wheel] = &[
    wheel("nvidia-cublas", "13.1.0.3", 423),
    wheel("nvidia-cuda-nvrtc", "13.0.88", 90),
    wheel("nvidia-cudnn-cu13", "9.19.0.56", 366),
    wheel("nvidia-cufft", "12.0.0.61", 214),
    wheel("nvidia-cufile", "1.15.1.6", 1),
    wheel("nvidia-curand", "10.4.0.35", 60),
    wheel("nvidia-cusolver", "12.0.4.66", 201),
    wheel("nvidia-cusparse", "12.6.3.3", 146),
    wheel("nvidia-cusparselt-cu13", "0.8.0", 170),
    wheel("nvidia-nccl-cu13", "2.28.9", 197),
    wheel("nvidia-nvjitlink", "13.0.88", 41),
    wheel("nvidia-nvshmem-cu13", "3.4.5", 60),
    wheel("nvidia-nvtx", "13.0.85", 1),
];

/// Whether a wheel's file is part of a build: headers, and libraries without Python's own.
pub fn keeps(build: Build, path: &str) -> bool {
    if path.ends_with('/') {
        return false;
    }
    if let Some(name) = path.strip_prefix("torch/lib/") {
        let python = name.starts_with("libtorch_python") || name.starts_with("torch_python");
        return !(python || name.contains('/') || build == Build::Cpu && cuda_only(name));
    }
    if let Some((_, name)) = path.strip_prefix("nvidia/").and_then(|p| p.split_once("/lib/")) {
        let library = name.contains(".so") && !name.contains('/');
        let linked = ["libcudart.so", "libcupti.so"].iter().any(|start| name.starts_with(start));
        return library && (build == Build::Cuda || linked);
    }
    path.starts_with("torch/include/")
}

/// Libraries that only the CUDA build needs. `libtorch.so` is among them because it only pulls in the
/// others; [`linker_script`] stands in for it.
fn cuda_only(name: &str) -> bool {
    let starts = ["libtorch_cuda", "libc10_cuda", "libcaffe2_nvrtc", "libtorch_nvshmem", "libshm"];
    starts.iter().any(|start| name.starts_with(start))
        || ["libtorch.so", "libtorch_global_deps.so"].contains(&name)
}

/// What the linker reads instead of Linux's `libtorch.so` in the CPU build.
pub const fn linker_script() -> &'static str {
    "INPUT(-ltorch_cpu -lc10)\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_holds_the_tch_of_the_pair() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
        for name in ["tch", "torch-sys"] {
            let package = format!("name = \"{name}\"\nversion = \"{TCH}\"\n");
            assert!(
                lock.contains(&package),
                "Cargo.lock has no {name} {TCH}; see xtask/src/libtorch.rs"
            );
        }
    }

    #[test]
    fn a_version_is_read_from_wheel_and_header() {
        assert_eq!(
            version_py("debug = False\n__version__ = '2.11.0+cu130'\n").unwrap(),
            "2.11.0+cu130"
        );
        let header = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 11\n#define TORCH_VERSION_PATCH 0\n";
        assert_eq!(version_header(header).unwrap(), "2.11.0");
        assert_eq!(version_header("#define TORCH_VERSION_MAJOR 2\n"), None);
    }

    #[test]
    fn the_cpu_build_keeps_what_it_needs_and_no_more() {
        let cpu = |path| keeps(Build::Cpu, path);
        assert!(cpu("torch/lib/libtorch_cpu.so") && cpu("torch/lib/libgomp.so.1"));
        assert!(cpu("torch/lib/libnvpl_blas_core.so.0"), "64-bit Arm links more");
        assert!(cpu("torch/include/torch/csrc/api/include/torch/version.h"));
        assert!(cpu("nvidia/cu13/lib/libcupti.so.13") && cpu("nvidia/cu13/lib/libcudart.so.13"));
        assert!(!cpu("torch/lib/") && !cpu("torch/include/"), "folders come with their files");
        assert!(!cpu("torch/lib/libtorch.so") && !cpu("torch/lib/libtorch_cuda.so"));
        assert!(!cpu("torch/lib/libtorch_python.so") && !cpu("torch/lib/libshm/err.h"));
        assert!(!cpu("nvidia/cu13/lib/libnvperf_host.so") && !cpu("torch/nn/modules/conv.py"));
        assert!(keeps(Build::Cuda, "torch/lib/libtorch.so"));
        assert!(keeps(Build::Cuda, "torch/lib/libtorch_cuda.so"));
        assert!(keeps(Build::Cuda, "nvidia/cudnn/lib/libcudnn.so.9"));
        assert!(!keeps(Build::Cuda, "nvidia/cudnn/include/cudnn.h"));
    }

    #[test]
    fn platforms_without_wheels_are_refused() {
        let platform = |os, arch, musl| Platform { os, arch, musl };
        for good in
            [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64"), ("windows", "x86_64")]
        {
            assert!(platform(good.0, good.1, false).wheel_tags().is_ok(), "{good:?}");
        }
        for bad in [
            ("macos", "x86_64"),
            ("windows", "aarch64"),
            ("freebsd", "x86_64"),
            ("linux", "riscv64"),
        ] {
            assert!(platform(bad.0, bad.1, false).wheel_tags().is_err(), "{bad:?}");
        }
        assert!(platform("linux", "x86_64", true).wheel_tags().is_err());
        assert!(platform("macos", "aarch64", false).wheels(Build::Cuda).is_err());
        let tags = platform("linux", "x86_64", false).wheel_tags().unwrap();
        assert!(
            ["manylinux_2_17_x86_64", "manylinux_2_25_x86_64", "manylinux_2_28_x86_64"]
                .iter()
                .all(|tag| tags.iter().any(|t| t == tag))
        );
    }
}
