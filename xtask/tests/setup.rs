//! The real `xtask setup` and `xtask doctor` in a made-up checkout, on a made-up machine: its PATH is one folder, in which
//! Python, the compiler and the driver are shell scripts, and whose pip has wheels of a few kilobytes.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::FileOptions;

/// Plays Python and its pip. Files beside `bin` steer it: `slow` holds a download up, `offline` makes it fail.
const PYTHON: &str = r#"#!/bin/sh
root=$(dirname "$0")/..
case "$*" in
    *sys.version_info*) exit 0 ;;
    *find_spec*) [ -d "$root/site/torch" ] && echo "$root/site/torch" && exit 0; exit 1 ;;
    "-m pip --version") echo "pip 23.2.1 from somewhere" ;;
    "-m pip download "*)
        while [ "$1" != --dest ]; do shift; done
        echo "$3" >> "$root/asked"
        if [ -e "$root/offline" ]; then
            echo "WARNING: Retrying (Retry(total=4)) after connection broken" >&2
            echo "ERROR: No matching distribution found for $3" >&2
            exit 1
        fi
        [ -e "$root/slow" ] && : > "$TMPDIR/half-a-wheel"
        while [ -e "$root/slow" ]; do sleep 0.02; done
        cp "$root/wheels/${3%%==*}.whl" "$2" ;;
esac
"#;

struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: TempDir::new().unwrap() };
        for folder in ["bin", "checkout/xtask", "wheels"] {
            fs::create_dir_all(machine.at(folder)).unwrap();
        }
        for tool in ["cp", "df", "dirname", "getconf", "ldd", "sh", "sleep"] {
            let real = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(tool));
            let real = real.iter().find(|path| path.exists()).expect(tool);
            symlink(real, machine.at("bin").join(tool)).unwrap();
        }
        machine.script("python3", PYTHON);
        machine.script("c++", "#!/bin/sh\nwhile read -r line; do :; done\n");
        // Any library that loads will do for libtorch's.
        let library = fs::read("/bin/sh").unwrap();
        let torch = [
            ("torch/lib/libtorch_cpu.so", &library[..]),
            ("torch/lib/libc10.so", &library),
            ("torch/lib/libtorch_cuda.so", &library),
            ("torch/include/torch/version.h", b"//"),
        ];
        wheel(&machine.at("wheels/torch.whl"), &torch);
        let runtime: [(&str, &[u8]); 1] = [("nvidia/cu13/lib/libcudart.so.13", b"")];
        wheel(&machine.at("wheels/nvidia-cuda-runtime.whl"), &runtime);
        wheel(&machine.at("wheels/nvidia-cuda-cupti.whl"), &[]);
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Written by another process: a file that this one has open for writing, in any thread, cannot be run.
    fn script(&self, name: &str, text: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", r#"rm -f "$0" && cat > "$0" && chmod 755 "$0""#]);
        let mut child =
            command.arg(self.at("bin").join(name)).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// `xtask` with these arguments, `NAME=value` first as in a shell.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.env_clear().env("PATH", self.at("bin"));
        command.env("CARGO_MANIFEST_DIR", self.at("checkout/xtask"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for word in line.split(' ') {
            match word.split_once('=') {
                Some((name, value)) => command.env(name, value),
                None => command.arg(word),
            };
        }
        command
    }

    /// Runs it; gives the exit code and all that it printed.
    fn run(&self, line: &str) -> (i32, String) {
        let Output { status, stdout, stderr } = self.command(line).output().unwrap();
        (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// Begins a set-up that gets stuck in its first download.
    fn stuck(&self) -> Child {
        File::create(self.at("slow")).unwrap();
        let child = self.command("setup --cpu").spawn().unwrap();
        let begun = Instant::now();
        while !self.at("asked").exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "pip is never asked");
            sleep(Duration::from_millis(10));
        }
        child
    }

    /// Set-up fails in one line that names all of these.
    #[track_caller]
    fn refused(&self, line: &str, names: &[&str]) {
        let (code, text) = self.run(line);
        assert_eq!(code, 1, "{text}");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("xtask: ")).collect();
        let [line] = lines[..] else { panic!("not one line: {text}") };
        assert!(names.iter().all(|name| line.contains(name)), "{line:?} does not name {names:?}");
        assert!(self.left().is_empty(), "{:?}", self.left());
    }

    /// What of libtorch lies in the checkout.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.at("checkout/.libtorch")).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let mut left: Vec<String> = names.filter(|name| name != "lock").collect();
        left.extend(self.at("checkout/.cargo/libtorch.toml").exists().then(|| "config".into()));
        left.sort();
        left
    }

    #[track_caller]
    fn sets_up(&self) {
        let (code, text) = self.run("setup --cpu");
        assert!(
            code == 0 && text.contains("CPU build, fetched: .libtorch/2.11.0-cpu/torch"),
            "{text}"
        );
        assert_eq!(self.left(), ["2.11.0-cpu", "config"]);
    }
}

fn wheel(path: &Path, files: &[(&str, &[u8])]) {
    let mut wheel = ZipWriter::new(File::create(path).unwrap());
    for (name, content) in files {
        wheel.start_file(*name, FileOptions::default()).unwrap();
        wheel.write_all(content).unwrap();
    }
    wheel.finish().unwrap();
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[test]
fn it_fetches_once_and_remembers() {
    let machine = Machine::new();
    machine.sets_up();
    let torch = machine.at("checkout/.libtorch/2.11.0-cpu/torch");
    assert_eq!(fs::read_to_string(torch.join("build-version")).unwrap(), "2.11.0\n");
    assert_eq!(
        fs::read_to_string(torch.join("lib/libtorch.so")).unwrap(),
        "INPUT(-ltorch_cpu -lc10)\n"
    );
    assert!(!torch.join("lib/libtorch_cuda.so").exists());
    let config = fs::read_to_string(machine.at("checkout/.cargo/libtorch.toml")).unwrap();
    assert!(config.contains(&format!("LIBTORCH = \"{}\"", torch.display())), "{config}");

    let asked = fs::read_to_string(machine.at("asked")).unwrap();
    assert_eq!(asked.lines().count(), 3, "{asked}");
    let (code, text) = machine.run("setup");
    assert!(code == 0 && text.contains("set up before"), "{text}");
    assert_eq!(fs::read_to_string(machine.at("asked")).unwrap(), asked);
}

#[test]
fn killed_in_the_middle_it_leaves_nothing_that_counts() {
    let machine = Machine::new();
    let mut child = machine.stuck();
    child.kill().unwrap();
    child.wait().unwrap();
    let left = machine.left();
    assert!(matches!(&left[..], [name] if name.starts_with("partial-")), "{left:?}");
    fs::remove_file(machine.at("slow")).unwrap();
    machine.sets_up();
}

#[test]
fn stopped_by_ctrl_c_it_cleans_up() {
    let machine = Machine::new();
    let child = machine.stuck();
    signal(&child, "INT");
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(String::from_utf8(stderr).unwrap().ends_with("xtask: stopped\n"));
    assert!(machine.left().is_empty(), "{:?}", machine.left());
    fs::remove_file(machine.at("slow")).unwrap();
    machine.sets_up();
}

#[test]
fn a_second_set_up_waits_for_the_first() {
    let machine = Machine::new();
    let first = machine.stuck();
    let second = machine.command("setup").spawn().unwrap();
    sleep(Duration::from_millis(500));
    fs::remove_file(machine.at("slow")).unwrap();
    let text = |child: Child| String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(text(first).contains("fetched"));
    let second = text(second);
    assert!(second.contains("waiting for it") && second.contains("set up before"), "{second}");
}

#[test]
fn a_damaged_wheel_is_not_taken() {
    let machine = Machine::new();
    let path = machine.at("wheels/torch.whl");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    machine.refused("setup --cpu", &["torch.whl", "not a whole wheel"]);
    let mut flipped = whole.clone();
    flipped[whole.len() / 8] ^= 1;
    fs::write(&path, flipped).unwrap();
    machine.refused("setup --cpu", &["torch.whl", "is damaged"]);
    // A wheel without what makes a libtorch.
    wheel(&path, &[("torch/lib/libc10.so", b"")]);
    machine.refused("setup --cpu", &["no lib/libtorch_cpu.so"]);
    fs::write(&path, whole).unwrap();
    machine.sets_up();
}

#[test]
fn without_a_network_it_says_so() {
    let machine = Machine::new();
    File::create(machine.at("offline")).unwrap();
    machine.refused("setup --cpu", &["torch 2.11.0", "cannot be reached", "check the network"]);
    fs::remove_file(machine.at("offline")).unwrap();
    machine.sets_up();
}

#[test]
fn what_would_fail_later_is_refused_before_anything_is_fetched() {
    let machine = Machine::new();
    machine.refused("RUSTFLAGS=-Ctarget-feature=+crt-static setup", &["unset RUSTFLAGS"]);
    machine.refused("LIBTORCH_USE_PYTORCH=1 setup", &["unset LIBTORCH_USE_PYTORCH"]);
    machine.refused("LIBTORCH=/nowhere setup", &["LIBTORCH", "/nowhere: no such folder"]);
    machine.script("df", "#!/bin/sh\necho head\necho /dev/x 9 9 1048576 1% /\n");
    machine.refused("setup --cpu", &["1.0 GiB free", "4 wanted", "make room"]);
    symlink("/bin/true", machine.at("bin/df.new")).unwrap();
    fs::rename(machine.at("bin/df.new"), machine.at("bin/df")).unwrap();

    machine.script("python3", &PYTHON.replace("pip 23.2.1", "pip 20.0.2"));
    machine.refused("setup --cpu", &["20.0.2 is too old", "install --upgrade pip"]);
    machine.script("python3", &PYTHON.replace("--version\") echo", "--version\") exit 1; echo"));
    machine.refused("setup --cpu", &["no pip", "apt-get install python3-pip"]);
    fs::remove_file(machine.at("bin/python3")).unwrap();
    machine.refused("setup --cpu", &["no Python 3"]);
    machine.script("python3", PYTHON);

    machine.script("c++", "#!/bin/sh\nexit 1\n");
    machine.refused("setup --cpu", &["c++ does not compile C++17", "install g++"]);
    fs::remove_file(machine.at("bin/c++")).unwrap();
    machine.refused("setup --cpu", &["no C++ compiler", "install g++"]);
    machine.script("c++", "#!/bin/sh\n");

    assert!(!machine.at("asked").exists());
    machine.sets_up();
}

/// A PyTorch where Python would have it, with this library and version.
fn pytorch(machine: &Machine, version: &str, library: &[u8]) {
    let torch = machine.at("site/torch");
    fs::create_dir_all(torch.join("lib")).unwrap();
    fs::create_dir_all(torch.join("include/torch")).unwrap();
    fs::write(torch.join("lib/libtorch_cpu.so"), library).unwrap();
    fs::write(torch.join("version.py"), format!("__version__ = '{version}'\n")).unwrap();
}

#[test]
fn an_installed_pytorch_is_taken_if_it_is_the_right_one() {
    let machine = Machine::new();
    pytorch(&machine, "2.11.0+cu130", &fs::read("/bin/sh").unwrap());
    let (code, text) = machine.run("setup");
    assert!(code == 0 && text.contains("CPU build, of the installed PyTorch"), "{text}");
    assert_eq!(machine.left(), ["config"]);
    assert!(!machine.at("asked").exists());

    // It is gone later.
    fs::remove_dir_all(machine.at("site")).unwrap();
    let (code, text) = machine.run("setup --cpu");
    assert!(code == 0 && text.contains("site/torch: no such folder"), "{text}");
    assert!(text.contains("fetched"), "{text}");
}

#[test]
fn another_pytorch_is_named_and_not_taken() {
    let machine = Machine::new();
    pytorch(&machine, "2.9.1", &fs::read("/bin/sh").unwrap());
    let (code, text) = machine.run("setup --cpu");
    assert!(code == 0 && text.contains("not taken") && text.contains("libtorch 2.9.1"), "{text}");
    assert!(text.contains("fetched"), "{text}");

    let machine = Machine::new();
    pytorch(&machine, "2.11.0", b"not a library");
    let (code, text) = machine.run("setup --cpu");
    assert!(code == 0 && text.contains("site/torch: it does not load"), "{text}");
    assert!(text.contains("fetched"), "{text}");
}

#[test]
fn doctor_names_what_is_wrong_here() {
    let machine = Machine::new();
    let failed = |line: &str, what: &str| {
        let (code, text) = machine.run(line);
        let hit = text.lines().any(|l| l.starts_with("FAIL") && l.contains(what));
        assert!(code == 1 && hit, "no FAIL with {what:?}:\n{text}");
    };
    failed("doctor", "not set up: cargo xtask setup");
    machine.sets_up();
    let (code, text) = machine.run("doctor");
    assert!(code == 0 && !text.contains("FAIL"), "{text}");
    failed("RUSTFLAGS=-Clink-arg=-Wl,--as-needed doctor", "unset RUSTFLAGS");
    let old = machine.at("old");
    pytorch(&machine, "2.9.1", b"");
    fs::rename(machine.at("site/torch"), &old).unwrap();
    failed(&format!("LIBTORCH={} doctor", old.display()), "2.9.1");
    failed(&format!("LD_LIBRARY_PATH={}/lib doctor", old.display()), "unset LD_LIBRARY_PATH");
    fs::write(machine.at("checkout/.libtorch/2.11.0-cpu/torch/lib/libtorch_cpu.so"), "").unwrap();
    failed("doctor", "does not load");
    fs::remove_file(machine.at("bin/c++")).unwrap();
    failed("doctor", "no C++ compiler");
}

#[test]
fn the_driver_is_asked_before_a_cuda_fetch() {
    if Path::new("/proc/driver/nvidia/version").exists() {
        return; // A real driver answers before the made-up one.
    }
    let machine = Machine::new();
    machine.script("nvidia-smi", "#!/bin/sh\necho 550.54.15\n");
    machine.refused("setup --cuda", &["550.54.15 is too old", "580", "--cpu"]);
    let (code, text) = machine.run("setup");
    assert!(code == 0 && text.contains("550.54.15 is too old"), "{text}");
    assert!(text.contains("CPU build, fetched"), "{text}");
    machine.script("nvidia-smi", "#!/bin/sh\necho 580.82.07\n");
    let (_, text) = machine.run("doctor");
    assert!(
        text.contains("but libtorch is not the CUDA build: cargo xtask setup --cuda"),
        "{text}"
    );
}
