//! Every way in which the set-up is known to fail, one line each with its mend.
//!
//! [`Findings`] holds what was found; the checks are pure functions of it, so that each failing case is tested.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Result;

use crate::libtorch::{Build, Libtorch, MIN_DRIVER, Platform, VERSION, library};
use crate::machine;
use crate::project::Project;
use crate::say::say;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing to do.
    Ok,
    /// Works, but perhaps not as meant.
    Warn,
    /// Does not work.
    Fail,
}

/// The outcome of one check.
#[derive(Debug)]
pub struct Line {
    /// How it went.
    pub grade: Grade,
    /// What was checked.
    pub what: &'static str,
    /// What was found, and the mend.
    pub text: String,
}

fn ok(what: &'static str, text: impl Into<String>) -> Line {
    Line { grade: Grade::Ok, what, text: text.into() }
}

fn warn(what: &'static str, text: impl Into<String>) -> Line {
    Line { grade: Grade::Warn, what, text: text.into() }
}

fn fail(what: &'static str, text: impl Into<String>) -> Line {
    Line { grade: Grade::Fail, what, text: text.into() }
}

/// A chapter's program, if it is built.
#[derive(Clone, Debug)]
pub struct Program {
    /// The package.
    pub name: String,
    /// Whether it asks for `libtorch_cuda.so`.
    pub needs_cuda: Option<bool>,
    /// What the loader complains of in it.
    pub complaints: Vec<String>,
}

/// What was found on the machine and in the checkout.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The platform.
    pub platform: Platform,
    /// The version of glibc.
    pub glibc: Option<(u32, u32)>,
    /// The variables that could stand in the way, with their values.
    pub variables: Vec<(String, String)>,
    /// The C++ compiler, or what is wrong with it.
    pub compiler: Result<String, String>,
    /// The version of pip, or what is wrong with it.
    pub pip: Result<String, String>,
    /// Free bytes on the checkout's disk.
    pub disk_free: Option<u64>,
    /// Whether the reader exported `LIBTORCH`.
    pub exported: bool,
    /// The libtorch in use, or what is wrong with it; `None` where nothing was set up yet.
    pub libtorch: Option<Result<Libtorch, String>>,
    /// What the loader complains of in libtorch itself.
    pub libtorch_complaints: Vec<String>,
    /// Folders of `LD_LIBRARY_PATH` with another libtorch.
    pub intruders: Vec<PathBuf>,
    /// The version of the NVIDIA driver.
    pub driver: Option<String>,
    /// The chapters' programs that are built.
    pub programs: Vec<Program>,
}

impl Findings {
    /// Asks the machine.
    pub fn gather(project: &Project) -> Self {
        let dir = project.exported.clone().or_else(|| project.remembered());
        let libtorch = dir.map(|dir| Libtorch::at(&dir).map_err(|error| error.to_string()));
        let found = libtorch.as_ref().and_then(|found| found.as_ref().ok());
        Self {
            platform: Platform::here(),
            glibc: machine::glibc(),
            variables: variables(),
            compiler: machine::compiler(),
            pip: machine::pip(),
            disk_free: machine::disk_free(&project.root),
            exported: project.exported.is_some(),
            libtorch_complaints: found.map_or_else(Vec::new, Libtorch::complaints),
            intruders: found.map_or_else(Vec::new, intruders),
            driver: machine::driver(),
            programs: programs(project),
            libtorch,
        }
    }

    /// The libtorch in use, if it can be used.
    fn usable(&self) -> Option<&Libtorch> {
        self.libtorch.as_ref()?.as_ref().ok()
    }

    fn cuda(&self) -> bool {
        self.usable().is_some_and(|found| found.build == Build::Cuda)
    }
}

/// The variables that can change how tch is built or linked.
pub fn variables() -> Vec<(String, String)> {
    // A name that is not Unicode is none of those that matter.
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    };
    env::vars_os().filter_map(text).filter(|(name, _)| matters(name)).collect()
}

fn matters(name: &str) -> bool {
    name.starts_with("LIBTORCH_") || name.ends_with("RUSTFLAGS")
}

/// Folders of `LD_LIBRARY_PATH` in which the loader would find another libtorch than this.
pub fn intruders(libtorch: &Libtorch) -> Vec<PathBuf> {
    let own = fs::canonicalize(libtorch.lib()).ok();
    let other = |dir: &PathBuf| {
        let libtorch = ["torch_cpu", "c10"].iter().any(|name| dir.join(library(name)).exists());
        libtorch && fs::canonicalize(dir).ok() != own
    };
    machine::library_path().into_iter().filter(other).collect()
}

/// The programs beside xtask's own, and those of the other profile.
fn programs(project: &Project) -> Vec<Program> {
    let Some(profile) = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned))
    else {
        return Vec::new();
    };
    let folders = [profile.clone(), profile.with_file_name("release")];
    let paths =
        folders.iter().flat_map(|dir| project.chapters().into_iter().map(|name| dir.join(name)));
    paths
        .filter(|path| path.is_file())
        .map(|path| Program {
            name: path
                .strip_prefix(profile.parent().unwrap_or(&profile))
                .unwrap_or(&path)
                .display()
                .to_string(),
            needs_cuda: machine::needs(&path, "libtorch_cuda.so"),
            complaints: machine::loader_complaints(&path).unwrap_or_default(),
        })
        .collect()
}

/// GiB of disk that the compiled crates take.
pub const GIB_TO_COMPILE: u64 = 2;

/// All checks.
pub fn checks(findings: &Findings) -> Vec<Line> {
    let wanted = findings.usable().map_or(Build::Cpu.gib_needed(), |_| GIB_TO_COMPILE);
    let mut lines = vec![
        platform(findings),
        compiler(&findings.compiler),
        pip(findings),
        disk(findings.disk_free, wanted),
    ];
    lines.extend(environment(&findings.variables, &findings.intruders));
    lines.extend([version(findings), loading(findings), driver(findings)]);
    lines.extend(findings.programs.iter().flat_map(|program| self::program(findings, program)));
    lines
}

/// What set-up needs before it fetches this build.
pub fn before_fetch(findings: &Findings, build: Build) -> Vec<Line> {
    vec![platform(findings), pip(findings), disk(findings.disk_free, build.gib_needed())]
}

/// Is there a libtorch for this machine?
pub fn platform(findings: &Findings) -> Line {
    const WHAT: &str = "platform";
    let Platform { os, arch, .. } = findings.platform;
    match (findings.platform.wheel_tags(), findings.glibc) {
        (Err(error), _) => fail(WHAT, error.to_string()),
        (Ok(_), Some(glibc)) if glibc < (2, 28) => fail(
            WHAT,
            format!("glibc {}.{}; libtorch wants 2.28: use a newer system", glibc.0, glibc.1),
        ),
        (Ok(_), _) if (os, arch) == ("linux", "x86_64") => ok(WHAT, "Linux on x86-64"),
        (Ok(_), _) => warn(WHAT, format!("{os} on {arch} is not tested; Linux on x86-64 is")),
    }
}

/// torch-sys compiles C++.
pub fn compiler(found: &Result<String, String>) -> Line {
    match found {
        Ok(found) => ok("compiler", found),
        Err(wrong) => fail(
            "compiler",
            format!("{wrong}: install g++ or clang++ (Debian: apt-get install g++)"),
        ),
    }
}

/// Set-up fetches with pip, unless libtorch is there already.
pub fn pip(findings: &Findings) -> Line {
    const WHAT: &str = "pip";
    const MEND: &str = "install it (Debian: apt-get install python3-pip)";
    match &findings.pip {
        // Older ones take only the last of several --platform.
        Ok(version) if major(version).is_some_and(|major| major < 21) => {
            fail(WHAT, format!("{version} is too old: python3 -m pip install --upgrade pip"))
        }
        Ok(version) => ok(WHAT, version),
        Err(wrong) if findings.usable().is_some() => {
            warn(WHAT, format!("{wrong}; not needed until libtorch is fetched again: {MEND}"))
        }
        Err(wrong) => fail(WHAT, format!("{wrong}: {MEND}")),
    }
}

/// Is there room for as many GiB as are wanted?
pub fn disk(free: Option<u64>, wanted: u64) -> Line {
    const GIB: u64 = 1 << 30;
    match free {
        None => ok("disk", format!("cannot tell how much is free; {wanted} GiB are wanted")),
        Some(free) if free < wanted * GIB => {
            let free = free as f64 / GIB as f64;
            fail("disk", format!("{free:.1} GiB free, {wanted} wanted: make room"))
        }
        Some(free) => ok("disk", format!("{} GiB free", free / GIB)),
    }
}

/// Does a variable stand in the way?
pub fn environment(variables: &[(String, String)], intruders: &[PathBuf]) -> Vec<Line> {
    const WHAT: &str = "environment";
    let mut lines: Vec<Line> =
        variables.iter().map(|(name, value)| variable(name, value)).collect();
    lines.extend(intruders.iter().map(|dir| {
        fail(
            WHAT,
            format!(
                "LD_LIBRARY_PATH finds another libtorch first, in {}: unset LD_LIBRARY_PATH",
                dir.display()
            ),
        )
    }));
    if lines.is_empty() {
        lines.push(ok(WHAT, "no variable in the way"));
    }
    lines
}

fn variable(name: &str, value: &str) -> Line {
    const WHAT: &str = "environment";
    // Cargo's encoded form parts the flags by a control character.
    let value = value.replace('\x1f', " ");
    let breaks = ["crt-static", "as-needed", "-static", "--sysroot", "-nodefaultlibs"];
    match name {
        "LIBTORCH_BYPASS_VERSION_CHECK" => warn(
            WHAT,
            format!("{name} is set: a wrong libtorch will fail later and worse: unset {name}"),
        ),
        "LIBTORCH_CXX11_ABI" if value == "1" => ok(WHAT, format!("{name} has its default")),
        _ if name.starts_with("LIBTORCH_") => fail(
            WHAT,
            format!("{name}={value} makes torch-sys build against another libtorch: unset {name}"),
        ),
        _ if breaks.iter().any(|flag| value.contains(flag)) => {
            fail(WHAT, format!("{name}=\"{value}\" changes how libtorch is linked: unset {name}"))
        }
        _ => warn(
            WHAT,
            format!(
                "{name}=\"{value}\" replaces the flags of cargo's config and compiles all anew: unset {name}"
            ),
        ),
    }
}

/// Is there a libtorch, of the right version?
pub fn version(findings: &Findings) -> Line {
    const WHAT: &str = "libtorch";
    let mend = another(findings);
    let found = match &findings.libtorch {
        None => return fail(WHAT, format!("not set up: {mend}")),
        Some(Err(wrong)) => return fail(WHAT, format!("{wrong}: {mend}")),
        Some(Ok(found)) => found,
    };
    let (dir, build) = (found.dir.display(), found.build.name());
    match found.version.as_deref() {
        Some(VERSION) => ok(WHAT, format!("{VERSION}, {build}, in {dir}")),
        other => {
            let other = other.unwrap_or("of an unknown version");
            fail(WHAT, format!("{other} in {dir}, but tch wants {VERSION}: {mend}"))
        }
    }
}

/// How to get another libtorch.
fn another(findings: &Findings) -> &'static str {
    if findings.exported { "unset LIBTORCH and run cargo xtask setup" } else { "cargo xtask setup" }
}

/// Does the loader find what libtorch needs?
pub fn loading(findings: &Findings) -> Line {
    const WHAT: &str = "loading";
    match (findings.usable(), findings.libtorch_complaints.first()) {
        (None, _) => ok(WHAT, "nothing to load yet"),
        (Some(_), None) => ok(WHAT, "every library that libtorch needs is found"),
        (Some(_), Some(complaint)) => {
            fail(WHAT, format!("libtorch does not load: {complaint}: {}", another(findings)))
        }
    }
}

/// Do the driver and the build go together?
pub fn driver(findings: &Findings) -> Line {
    const WHAT: &str = "GPU";
    match (&findings.driver, findings.cuda()) {
        (None, false) => ok(WHAT, "no NVIDIA driver, and none is needed"),
        (None, true) => warn(
            WHAT,
            format!(
                "CUDA build but no NVIDIA driver; the CPU is used: install a driver from {MIN_DRIVER} on, or cargo xtask setup --cpu"
            ),
        ),
        (Some(version), cuda) => match (runs_cuda(version), cuda) {
            (false, true) => fail(
                WHAT,
                format!(
                    "driver {version} is too old for CUDA 13: install {MIN_DRIVER} or newer, or cargo xtask setup --cpu"
                ),
            ),
            (false, false) => warn(
                WHAT,
                format!(
                    "driver {version} is too old for CUDA 13; the CPU is used: install {MIN_DRIVER} or newer"
                ),
            ),
            (true, false) => warn(
                WHAT,
                format!(
                    "driver {version}, but libtorch is not the CUDA build: cargo xtask setup --cuda"
                ),
            ),
            (true, true) => ok(WHAT, format!("driver {version} and the CUDA build")),
        },
    }
}

/// Whether a driver runs CUDA 13.
pub fn runs_cuda(driver: &str) -> bool {
    major(driver).is_some_and(|major| major >= MIN_DRIVER)
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Is a built program linked as it should be?
fn program(findings: &Findings, program: &Program) -> Vec<Line> {
    const WHAT: &str = "program";
    let name = &program.name;
    let package = Path::new(name).file_name().unwrap_or_default().display();
    let mut lines = Vec::new();
    if let Some(complaint) = program.complaints.first() {
        lines.push(fail(
            WHAT,
            format!("{name}: at run time {complaint}: cargo clean -p {package} and build it again"),
        ));
    }
    if findings.cuda() && program.needs_cuda == Some(false) {
        lines.push(fail(
            WHAT,
            format!("{name} sees no GPU, since the linker dropped libtorch_cuda or it was built for the CPU: cargo clean -p {package} and build it again"),
        ));
    }
    if lines.is_empty() {
        lines.push(ok(WHAT, format!("{name} finds libtorch")));
    }
    lines
}

/// Prints the lines and tells how many failed.
pub fn print(lines: &[Line]) -> usize {
    for Line { grade, what, text } in lines {
        let grade = match grade {
            Grade::Ok => "ok",
            Grade::Warn => "warn",
            Grade::Fail => "FAIL",
        };
        say(format!("{grade:<4}  {what:<11}  {text}"));
    }
    lines.iter().filter(|line| line.grade == Grade::Fail).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libtorch(build: Build, version: &str) -> Libtorch {
        Libtorch { dir: "/l/torch".into(), version: Some(version.into()), build }
    }

    /// A machine on which all is well: Linux, no GPU, the CPU build.
    fn healthy() -> Findings {
        Findings {
            platform: Platform { os: "linux", arch: "x86_64", musl: false },
            glibc: Some((2, 36)),
            variables: Vec::new(),
            compiler: Ok("c++".into()),
            pip: Ok("23.2.1".into()),
            disk_free: Some(50 << 30),
            exported: false,
            libtorch: Some(Ok(libtorch(Build::Cpu, VERSION))),
            libtorch_complaints: Vec::new(),
            intruders: Vec::new(),
            driver: None,
            programs: vec![Program {
                name: "debug/ch4-x".into(),
                needs_cuda: Some(false),
                complaints: Vec::new(),
            }],
        }
    }

    fn with_gpu(driver: &str, build: Build) -> Findings {
        let program =
            Program { name: "debug/ch4-x".into(), needs_cuda: Some(true), complaints: Vec::new() };
        Findings {
            driver: Some(driver.into()),
            libtorch: Some(Ok(libtorch(build, VERSION))),
            programs: vec![program],
            ..healthy()
        }
    }

    /// Exactly one line is not ok: it has this grade and names all of these.
    #[track_caller]
    fn only(findings: &Findings, grade: Grade, names: &[&str]) {
        let lines = checks(findings);
        let bad: Vec<&Line> = lines.iter().filter(|line| line.grade != Grade::Ok).collect();
        let [line] = bad[..] else { panic!("{bad:?}") };
        assert_eq!(line.grade, grade, "{line:?}");
        for name in names {
            assert!(line.text.contains(name), "{line:?} does not name {name}");
        }
        assert!(!line.text.contains('\n'));
    }

    #[test]
    fn a_healthy_machine_has_nothing_to_mend() {
        for findings in
            [healthy(), with_gpu("580.82.07", Build::Cuda), with_gpu("610.1", Build::Cuda)]
        {
            let lines = checks(&findings);
            assert!(lines.iter().all(|line| line.grade == Grade::Ok), "{lines:?}");
        }
    }

    #[test]
    fn unsupported_platform() {
        let on = |os, arch, musl| Findings { platform: Platform { os, arch, musl }, ..healthy() };
        only(&on("macos", "x86_64", false), Grade::Fail, &["macos", "x86_64", "use Linux"]);
        only(&on("linux", "x86_64", true), Grade::Fail, &["musl", "glibc"]);
        only(&Findings { glibc: Some((2, 27)), ..healthy() }, Grade::Fail, &["2.27", "2.28"]);
        only(
            &Findings { glibc: None, ..on("macos", "aarch64", false) },
            Grade::Warn,
            &["not tested"],
        );
    }

    #[test]
    fn no_compiler() {
        let findings = Findings { compiler: Err("c++ does not run".into()), ..healthy() };
        only(&findings, Grade::Fail, &["c++ does not run", "install g++"]);
    }

    #[test]
    fn no_pip() {
        let findings = Findings { pip: Err("no pip".into()), ..healthy() };
        only(&findings, Grade::Warn, &["no pip", "python3-pip"]);
        assert_eq!(pip(&Findings { libtorch: None, ..findings }).grade, Grade::Fail);
        only(
            &Findings { pip: Ok("20.0.2".into()), ..healthy() },
            Grade::Fail,
            &["20.0.2", "--upgrade pip"],
        );
    }

    #[test]
    fn no_disk_space() {
        let findings = Findings { disk_free: Some(3 << 29), ..healthy() };
        only(&findings, Grade::Fail, &["1.5 GiB free", "2 wanted"]);
        let five = Findings { disk_free: Some(5 << 30), ..healthy() };
        let grades = |build| before_fetch(&five, build).iter().map(|line| line.grade).max();
        assert_eq!(grades(Build::Cpu), Some(Grade::Ok));
        assert_eq!(grades(Build::Cuda), Some(Grade::Fail));
    }

    #[test]
    fn variables_in_the_way() {
        let set = |name: &str, value: &str| Findings {
            variables: vec![(name.into(), value.into())],
            ..healthy()
        };
        only(
            &set("RUSTFLAGS", "-C target-cpu=native"),
            Grade::Warn,
            &["RUSTFLAGS", "unset RUSTFLAGS"],
        );
        only(&set("RUSTFLAGS", "-C link-arg=-Wl,--as-needed"), Grade::Fail, &["unset RUSTFLAGS"]);
        let encoded = "-C\x1ftarget-feature=+crt-static";
        only(
            &set("CARGO_ENCODED_RUSTFLAGS", encoded),
            Grade::Fail,
            &["unset CARGO_ENCODED_RUSTFLAGS"],
        );
        only(&set("LIBTORCH_USE_PYTORCH", "1"), Grade::Fail, &["unset LIBTORCH_USE_PYTORCH"]);
        only(&set("LIBTORCH_STATIC", "1"), Grade::Fail, &["unset LIBTORCH_STATIC"]);
        only(&set("LIBTORCH_BYPASS_VERSION_CHECK", "1"), Grade::Warn, &["unset"]);
        only(
            &Findings { intruders: vec!["/opt/old".into()], ..healthy() },
            Grade::Fail,
            &["/opt/old", "unset LD_LIBRARY_PATH"],
        );
        assert!(
            matters("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS")
                && matters("CARGO_BUILD_RUSTFLAGS")
        );
        assert!(!matters("LIBTORCH"));
    }

    #[test]
    fn no_or_wrong_libtorch() {
        only(&Findings { libtorch: None, ..healthy() }, Grade::Fail, &["cargo xtask setup"]);
        let broken = Some(Err("/l/torch: no include/torch in it".into()));
        only(
            &Findings { libtorch: broken, ..healthy() },
            Grade::Fail,
            &["no include", "cargo xtask setup"],
        );
        let old = Some(Ok(libtorch(Build::Cpu, "2.9.1")));
        let old = Findings { libtorch: old, ..healthy() };
        only(&old, Grade::Fail, &["2.9.1", "2.11.0", "/l/torch", "cargo xtask setup"]);
        only(&Findings { exported: true, ..old }, Grade::Fail, &["unset LIBTORCH"]);
    }

    #[test]
    fn library_not_found_at_run_time() {
        let missing = vec!["libcupti.so.13 => not found".to_owned()];
        let findings = Findings { libtorch_complaints: missing.clone(), ..healthy() };
        only(&findings, Grade::Fail, &["libcupti.so.13", "cargo xtask setup"]);
        let mut findings = healthy();
        findings.programs[0].complaints = missing;
        only(&findings, Grade::Fail, &["debug/ch4-x", "libcupti.so.13", "cargo clean -p ch4-x"]);
    }

    #[test]
    fn driver_and_build_that_do_not_go_together() {
        only(&with_gpu("550.54.15", Build::Cuda), Grade::Fail, &["550.54.15", "580"]);
        only(&with_gpu("550.54.15", Build::Cpu), Grade::Warn, &["550.54.15", "580"]);
        only(&with_gpu("580.82.07", Build::Cpu), Grade::Warn, &["cargo xtask setup --cuda"]);
        only(
            &Findings { driver: None, ..with_gpu("580", Build::Cuda) },
            Grade::Warn,
            &["no NVIDIA driver", "--cpu"],
        );
    }

    #[test]
    fn cuda_dropped_by_the_linker() {
        let mut findings = with_gpu("580.82.07", Build::Cuda);
        findings.programs[0].needs_cuda = Some(false);
        only(&findings, Grade::Fail, &["debug/ch4-x", "libtorch_cuda", "cargo clean -p ch4-x"]);
    }
}
