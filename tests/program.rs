//! Runs a chapter's real program in a fresh folder and looks at what it says. A chapter's `tests/program.rs` includes this file.
#![allow(dead_code, reason = "not every chapter needs all of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A program, and a folder of its own to run in, which goes when it is dropped.
pub struct Program {
    name: &'static str,
    binary: PathBuf,
    folder: TempDir,
}

impl Program {
    /// `name` is what its errors begin with, `binary` cargo's `CARGO_BIN_EXE_…`.
    pub fn new(name: &'static str, binary: &'static str) -> Program {
        Program { name, binary: binary.into(), folder: TempDir::new().unwrap() }
    }

    /// An experiment of the chapter that is tested, from the file `source`. `cargo test` builds it, but does not tell where, and
    /// `cargo test --test …` does not build it. Its images are drawn into the folder `images`, if they are not there yet.
    pub fn experiment(name: &'static str, source: &str, images: &str) -> Program {
        let test = std::env::current_exe().unwrap();
        let binary = test.ancestors().nth(2).unwrap().join("examples").join(name);
        let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let fresh = time(&binary) >= time(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
        assert!(fresh, "{}: build it first, by cargo build --examples", binary.display());
        let folder = TempDir::new().unwrap();
        let images = Path::new(images).join("data");
        fs::create_dir_all(&images).unwrap();
        std::os::unix::fs::symlink(&images, folder.path().join("data")).unwrap();
        Program { name, binary, folder }
    }

    /// A place in the folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts `count` small pictures in two classes into the folder `pictures`, smooth and all different.
    pub fn draw_pictures(&self, count: u32) {
        for i in 0..count {
            let class = self.at("pictures").join(if i % 2 == 0 { "even" } else { "odd" });
            fs::create_dir_all(&class).unwrap();
            let draw = |x: u32, y: u32| image::Luma([((x * i + y * (count - i)) / 16) as u8]);
            let picture = image::GrayImage::from_fn(64, 64, draw);
            picture.save(class.join(format!("{i:02}.png"))).unwrap();
        }
    }

    /// The program in its folder, ready to be started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it, insists that it succeeds, and gives what it said: standard output and standard error.
    pub fn succeed(&self, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let [out, err] = [output.stdout, output.stderr].map(|s| String::from_utf8(s).unwrap());
        assert!(output.status.success(), "{args:?}: {err}");
        (out, err)
    }

    /// Runs it, insists that it fails with exit code 1 and one line that names every one of `parts`, and gives the line.
    pub fn refuse(&self, args: &[&str], parts: &[&str]) -> String {
        let output = self.run(args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        let start = format!("{}: ", self.name);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(&start)).collect();
        assert_eq!(lines.len(), 1, "{args:?}: {text}");
        assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
        for part in parts {
            assert!(lines[0].contains(part), "{args:?}: {} lacks {part}", lines[0]);
        }
        lines[0].to_string()
    }

    /// Insists that clap refuses each of some command lines, with its exit code 2.
    pub fn misunderstand(&self, lines: &[&[&str]]) {
        for args in lines {
            assert_eq!(self.run(args).status.code(), Some(2), "{args:?}");
        }
    }

    /// The bytes of all files of weights and optimiser moments in a run's checkpoint.
    pub fn checkpoint(&self, run: &str) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.at(run).join("checkpoint"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "safetensors"))
            .collect();
        files.sort();
        // Weights and moments of both networks, and the generator that learns beside the one that draws.
        assert_eq!(files.len(), 5, "{files:?}");
        files.iter().map(|file| fs::read(file).unwrap()).collect()
    }

    /// Width and height of a picture.
    pub fn size(&self, picture: &str) -> (u32, u32) {
        image::image_dimensions(self.at(picture)).unwrap()
    }

    /// A run of four steps, the same again, with another seed, and in two parts: the same seed gives the same run, to the bit,
    /// stopped or not. Leaves the runs `whole` and `parts`; `train` are the arguments that train on what is in the folder.
    pub fn runs_are_reproducible(&self, train: &[&str]) {
        let run = |more: &[&str]| self.succeed(&[train, more].concat());
        run(&["--steps", "4", "--out", "whole"]);
        let files = [
            "config.json",
            "log.csv",
            "losses.svg",
            "real.png",
            "progress.png",
            "checkpoint/state.json",
        ];
        for file in files {
            assert!(self.at("whole").join(file).is_file(), "{file}");
        }
        let tile = |n: u32| n * 66 + 2;
        assert_eq!(self.size("whole/samples/000004.png"), (tile(8), tile(8)));
        let log = fs::read_to_string(self.at("whole/log.csv")).unwrap();
        assert_eq!(log.lines().count(), 5, "{log}");

        run(&["--steps", "4", "--out", "again"]);
        assert!(self.checkpoint("whole") == self.checkpoint("again"));
        run(&["--steps", "4", "--out", "other", "--seed", "1"]);
        assert!(self.checkpoint("whole") != self.checkpoint("other"));

        let changes = ["--learning-rate", "0.01", "--beta1", "0.25", "--dropout", "0.5"];
        run(&[&["--steps", "1", "--out", "asked"], &changes[..]].concat());
        let config = fs::read_to_string(self.at("asked/config.json")).unwrap();
        let settings = &serde_json::from_str::<serde_json::Value>(&config).unwrap()["settings"];
        assert_eq!(settings["learning_rate"], 0.01);
        assert_eq!(settings["betas"][0], 0.25);
        assert_eq!(settings["dropout"], 0.5);

        run(&["--steps", "2", "--out", "parts"]);
        assert!(self.checkpoint("whole") != self.checkpoint("parts"));
        self.succeed(&["--resume", "parts", "--steps", "4"]);
        assert!(self.checkpoint("whole") == self.checkpoint("parts"));
        assert_eq!(log, fs::read_to_string(self.at("parts/log.csv")).unwrap());
        let sheet = |run: &str| fs::read(self.at(run).join("samples/000004.png")).unwrap();
        assert!(sheet("whole") == sheet("parts"));

        // It is finished, and says so.
        self.refuse(&["--resume", "whole"], &["whole", "already at step 4 of 4"]);
    }
}
