//! The checkout, and what its ignored cargo config remembers.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

/// The checkout that xtask works on.
pub struct Project {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// `LIBTORCH`, where the reader exported it.
    pub exported: Option<PathBuf>,
}

impl Project {
    /// The checkout in which `cargo xtask` was called.
    pub fn find() -> Self {
        // Cargo says it when it runs xtask; the other is for a binary called by hand.
        let xtask = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let xtask = xtask.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = xtask.parent().map_or_else(|| xtask.clone(), Path::to_owned);
        let mut project = Self { root, exported: None };
        // `cargo xtask` gives xtask the remembered LIBTORCH too: only another value can be the reader's.
        let named = env::var_os("LIBTORCH").filter(|value| !value.is_empty()).map(PathBuf::from);
        project.exported = named.filter(|named| Some(named) != project.remembered().as_ref());
        project
    }

    /// What set-up fetches goes here.
    pub fn libtorch_home(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    fn config(&self) -> PathBuf {
        self.root.join(".cargo/libtorch.toml")
    }

    /// The libtorch that plain cargo uses.
    pub fn remembered(&self) -> Option<PathBuf> {
        parse(&fs::read_to_string(self.config()).ok()?)
    }

    /// Makes plain cargo use this libtorch, unless the reader exports another.
    pub fn remember(&self, dir: &Path) -> Result<()> {
        if self.remembered().as_deref() == Some(dir) {
            return Ok(());
        }
        let path = self.config();
        let new = path.with_extension(format!("toml.{}", std::process::id()));
        let write = || {
            let dir = dir.to_str().context("the path of libtorch is not UTF-8")?;
            fs::create_dir_all(path.parent().context("no parent folder")?)?;
            fs::write(&new, format(dir))?;
            Ok::<_, anyhow::Error>(fs::rename(&new, &path)?)
        };
        write().with_context(|| path.display().to_string())
    }

    /// The packages that can be run: the folders of `chapters` with a `main.rs`.
    pub fn chapters(&self) -> Vec<String> {
        let folders = fs::read_dir(self.root.join("chapters")).into_iter().flatten().flatten();
        let mut names: Vec<String> = folders
            .filter(|folder| folder.path().join("src/main.rs").is_file())
            .filter_map(|folder| folder.file_name().into_string().ok())
            .filter(|name| name.starts_with("ch"))
            .collect();
        names.sort();
        names
    }
}

fn format(dir: &str) -> String {
    let escaped = dir.replace('\\', r"\\").replace('"', "\\\"");
    format!("# Written by `cargo xtask setup`.\n[env]\nLIBTORCH = \"{escaped}\"\n")
}

fn parse(text: &str) -> Option<PathBuf> {
    let value =
        text.lines().find_map(|line| line.strip_prefix("LIBTORCH = \"")?.strip_suffix('"'))?;
    Some(value.replace("\\\"", "\"").replace(r"\\", r"\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_config() {
        for path in ["/home/a b/torch", r"C:\new\torch", "/x/\"quoted\"", "/büro,1"] {
            assert_eq!(parse(&format(path)).unwrap(), Path::new(path));
        }
        assert_eq!(parse("[env]\n"), None);
    }
}
