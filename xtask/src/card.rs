//! The card of weights that come with the book: what they are, where they come from, how good they are.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::progress::spoken;
use crate::recipes::Recipe;
use crate::reproduce::{Made, read_json};

/// A file of weights may have so many bytes, …
const LARGEST: u64 = 15_000_000;
/// … and all together so many.
const ALL: u64 = 60_000_000;

/// The card of the weights in `folder`, as Markdown.
pub fn text(recipe: &Recipe, package: &str, folder: &Path, made: &Made) -> Result<String> {
    let config: Value = read_json(&folder.join("config.json"))?;
    let state: Value = read_json(&folder.join("state.json"))?;
    let found: Value = read_json(&folder.join("evaluation.json"))?;
    let name = folder.file_name().unwrap_or_default().display();
    let schedule = &config["schedule"];
    let number = |value: &Value, pointer: &str| {
        let found = value.pointer(pointer).and_then(Value::as_f64);
        found.with_context(|| format!("{}: nothing about {pointer}", folder.display()))
    };
    let updates = number(&state, "/step")?;
    let images =
        updates * number(schedule, "/batch_size")? * number(schedule, "/batches_per_step")?;
    let seconds = number(&state, "/seconds")?;
    let Made { commands, commit, machine, .. } = made;

    let mut text = format!("# Weights of `{package}`: {name}\n\n");
    writeln!(
        text,
        "Both networks of {}, at half precision; the generator is the running mean of its last updates.\n",
        recipe.shows.replace(", whose weights come with the book", "")
    )?;
    writeln!(text, "```console\ncargo run -p {package} -- sample --checkpoint {name}\n```\n")?;
    writeln!(text, "| | |\n|---|---|")?;
    let mut row = |what: &str, value: String| writeln!(text, "| {what} | {value} |");
    row("made by", commands.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", "))?;
    row("again by", format!("`cargo xtask reproduce {}`", recipe.name))?;
    row("commit", format!("`{commit}`"))?;
    row("machine", format!("{machine}, {}", config["precision"].as_str().unwrap_or_default()))?;
    row(
        "data, seed",
        format!("{}, {}", schedule["data"].as_str().unwrap_or_default(), config["seed"]),
    )?;
    row("updates of the generator", updates.to_string())?;
    row("real images seen", images.to_string())?;
    row("time of training", spoken(std::time::Duration::from_secs_f64(seconds)))?;
    if let Some(settings) = config["settings"].as_object() {
        for (name, value) in settings {
            row(&name.replace('_', " "), value.to_string())?;
        }
    }
    row("SWD × 10³ from held-out images", format!("{:.1}", number(&found, "/swd/mean")?))?;
    row("of other real images, the floor", format!("{:.1}", number(&found, "/floor/mean")?))?;
    row("times the floor", format!("{:.2}", number(&found, "/times_floor")?))?;
    if found.get("label_accuracy").is_some() {
        row("drawn as asked", format!("{:.1} %", 100.0 * number(&found, "/label_accuracy")?))?;
    }
    for file in networks(folder)? {
        let name = file.file_name().unwrap_or_default().display().to_string();
        row(&format!("SHA-256 of `{name}`"), format!("`{}`", hash(&file)?))?;
    }
    text += "\nThe images that they learnt from are drawn by this project's own `data` crate and show no real person and no real product.\n";
    Ok(text)
}

/// The files of weights in a folder, sorted.
fn networks(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "safetensors"))
        .collect();
    files.sort();
    Ok(files)
}

fn hash(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Checks all weights under `chapters`: their sizes, and whether they are those that their cards speak of.
pub fn check(chapters: &Path) -> Result<usize> {
    let (mut all, mut count) = (0, 0);
    for chapter in fs::read_dir(chapters)?.flatten() {
        let Ok(folders) = fs::read_dir(chapter.path().join("weights")) else { continue };
        for folder in folders.flatten() {
            let folder = folder.path();
            let card = folder.join("README.md");
            let text = fs::read_to_string(&card).with_context(|| card.display().to_string())?;
            let networks = networks(&folder)?;
            ensure!(!networks.is_empty(), "{}: no weights beside the card", folder.display());
            for file in networks {
                let size = fs::metadata(&file)?.len();
                ensure!(size <= LARGEST, "{}: {size} bytes", file.display());
                ensure!(text.contains(&hash(&file)?), "{}: not what the card says", file.display());
                all += size;
                count += 1;
            }
        }
    }
    ensure!(all <= ALL, "all weights together have {all} bytes");
    Ok(count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::project::Project;
    use crate::recipes::RECIPES;

    /// Weights called `bricks` in a made-up chapter, with their card.
    fn made_up(chapters: &Path) -> PathBuf {
        let folder = chapters.join("ch4-x/weights/bricks");
        fs::create_dir_all(&folder).unwrap();
        let schedule = json!({ "data": "bricks", "batch_size": 64, "batches_per_step": 6 });
        let settings = json!({ "penalty_weight": 10.0 });
        for (name, value) in [
            (
                "config.json",
                json!({ "seed": 7, "precision": "f32", "schedule": schedule, "settings": settings }),
            ),
            ("state.json", json!({ "step": 3000, "seconds": 185.0 })),
            (
                "evaluation.json",
                json!({ "swd": { "mean": 30.0 }, "floor": { "mean": 10.0 }, "times_floor": 3.0 }),
            ),
        ] {
            fs::write(folder.join(name), value.to_string()).unwrap();
        }
        fs::write(folder.join("generator.safetensors"), "weights").unwrap();
        let made = Made {
            commands: vec!["cargo run -p ch4-x -- train".into()],
            commit: "0123456".into(),
            machine: "a machine".into(),
            seconds: 200.0,
        };
        let text = text(&RECIPES[0], "ch4-x", &folder, &made).unwrap();
        fs::write(folder.join("README.md"), text).unwrap();
        folder
    }

    #[test]
    fn a_card_tells_what_the_weights_are() {
        let chapters = tempfile::tempdir().unwrap();
        let card = fs::read_to_string(made_up(chapters.path()).join("README.md")).unwrap();
        for part in [
            "# Weights of `ch4-x`: bricks\n",
            "cargo run -p ch4-x -- sample --checkpoint bricks\n",
            "| made by | `cargo run -p ch4-x -- train` |\n",
            "| data, seed | bricks, 7 |\n",
            "| updates of the generator | 3000 |\n",
            "| real images seen | 1152000 |\n",
            "| time of training | 3 min 05 s |\n",
            "| penalty weight | 10.0 |\n",
            "| times the floor | 3.00 |\n",
            "| SHA-256 of `generator.safetensors` | `",
        ] {
            assert!(card.contains(part), "no {part:?} in\n{card}");
        }
    }

    #[test]
    fn other_weights_than_those_of_the_card_are_noticed() {
        let chapters = tempfile::tempdir().unwrap();
        let file = made_up(chapters.path()).join("generator.safetensors");
        assert_eq!(check(chapters.path()).unwrap(), 1);
        let refused = |expected: &str| {
            let error = check(chapters.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fs::write(&file, "others").unwrap();
        refused("not what the card says");
        fs::remove_file(&file).unwrap();
        refused("no weights beside the card");
        fs::remove_file(file.with_file_name("README.md")).unwrap();
        refused("README.md");
    }

    /// The weights as they are; there may be none yet.
    #[test]
    fn weights_are_those_of_their_cards() {
        check(&Project::find().root.join("chapters")).unwrap();
    }
}
