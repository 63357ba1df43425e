//! What was measured of a training run, as the tables that the book shows.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::recipes::Training;
use crate::reproduce::{read_json, state, write};

/// Where what was measured after so many updates of the generator is kept.
pub fn file(folder: &Path, step: u64) -> PathBuf {
    folder.join("measured").join(format!("{step:06}.json"))
}

/// Writes the tables of the run in `folder`: `table.md` for its end, and `course.md` for the way there where it was measured on the way.
pub fn write_tables(folder: &Path, training: &Training) -> Result<()> {
    let (steps, seconds) = state(&folder.join("run")).context("no checkpoint")?;
    let last: Value = read_json(&file(folder, steps))?;
    write(&folder.join("table.md"), &summary(&last, steps, seconds)?)?;
    if training.pieces.is_some() {
        write(&folder.join("course.md"), &course(folder)?)?;
    }
    Ok(())
}

/// What was found at the end of a training run: the distances, how often was drawn what was asked for where something was, and the rest.
fn summary(found: &Value, steps: u64, seconds: f64) -> Result<String> {
    let sides = found["swd"]["levels"].as_array().context("no levels")?;
    let mut text = "| SWD × 10³ |".to_string();
    for side in sides {
        write!(text, " side {} |", side["side"])?;
    }
    text += " mean |\n|---|";
    text += &"---:|".repeat(sides.len() + 1);
    for (what, name) in [
        ("generated", "swd"),
        ("other real images, the floor", "floor"),
        ("untrained generator", "untrained"),
    ] {
        write!(text, "\n| {what} |")?;
        for level in 0..sides.len() {
            write!(text, " {:.1} |", number(&found[name]["levels"][level], "/distance")?)?;
        }
        write!(text, " {:.1} |", number(&found[name], "/mean")?)?;
    }
    text += "\n";

    if let Some(labels) = found["labels"].as_array() {
        text += "\n| drawn as asked, % | all | asked for \"no\" | asked for \"yes\" | requests shuffled | classifier on real images |\n|---|---:|---:|---:|---:|---:|\n";
        for label in labels {
            let name = label["name"].as_str().context("a label without a name")?;
            let percent = |pointer| Ok::<_, anyhow::Error>(100.0 * number(label, pointer)?);
            writeln!(
                text,
                "| `{name}` | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
                percent("/drawn_as_asked/all")?,
                percent("/drawn_as_asked/when_no")?,
                percent("/drawn_as_asked/when_yes")?,
                percent("/shuffled")?,
                percent("/classifier/all")?
            )?;
        }
    }

    text += "\n| the run | |\n|---|---:|\n";
    let mut row = |what: &str, value: String| writeln!(text, "| {what} | {value} |");
    row("times the floor", format!("{:.2}", number(found, "/times_floor")?))?;
    row("images on either side", grouped(number(found, "/images")?))?;
    for (pointer, what) in
        [("/nearest/generated", "a generated"), ("/nearest/held_out", "a held-out")]
    {
        let what = format!("nearest training image, from {what} one, grey levels");
        row(&what, format!("{:.1}", number(found, pointer)?))?;
    }
    row("updates of the generator", grouped(steps as f64))?;
    row("seconds of training", grouped(seconds))?;
    Ok(text)
}

/// What was measured on the way.
fn course(folder: &Path) -> Result<String> {
    let measured = folder.join("measured");
    let mut files: Vec<PathBuf> = fs::read_dir(&measured)
        .with_context(|| measured.display().to_string())?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let found: Vec<Value> = files.iter().map(|file| read_json(file)).collect::<Result<_>>()?;
    let first =
        found.first().with_context(|| format!("{}: nothing measured", measured.display()))?;
    let sides = first["swd"]["levels"].as_array().context("no levels")?;
    let labels = first["labels"].as_array().map_or(&[][..], Vec::as_slice);

    let mut table = "| updates of the generator | hours |".to_string();
    for side in sides {
        write!(table, " side {} |", side["side"])?;
    }
    table += " SWD × 10³ | times the floor |";
    for label in labels {
        let name = label["name"].as_str().context("a label without a name")?;
        write!(table, " `{name}` as asked, % |")?;
    }
    table = table + "\n|" + &"---:|".repeat(4 + sides.len() + labels.len());
    for one in &found {
        let hours = number(one, "/seconds")? / 3600.0;
        write!(table, "\n| {} | {hours:.2} |", grouped(number(one, "/step")?))?;
        for level in 0..sides.len() {
            write!(table, " {:.1} |", number(&one["swd"]["levels"][level], "/distance")?)?;
        }
        let [swd, times] = [number(one, "/swd/mean")?, number(one, "/times_floor")?];
        write!(table, " {swd:.1} | {times:.2} |")?;
        for label in 0..labels.len() {
            let drawn = number(&one["labels"][label], "/drawn_as_asked/all")?;
            write!(table, " {:.1} |", 100.0 * drawn)?;
        }
    }
    table += "\n";
    Ok(table)
}

/// A whole number with commas between its thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn number(value: &Value, pointer: &str) -> Result<f64> {
    let found = value.pointer(pointer).and_then(Value::as_f64);
    found.with_context(|| format!("evaluate says nothing about {pointer}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_run_is_told_in_tables() {
        let levels = |mean: f64| json!({"levels": [{"side": 64, "distance": 2.0 * mean}, {"side": 32, "distance": 0.5}], "mean": mean});
        let mut found = json!({
            "swd": levels(30.0), "floor": levels(10.0), "untrained": levels(200.0),
            "times_floor": 3.0, "images": 2048, "nearest": {"generated": 35.46, "held_out": 6.0},
        });
        let text = summary(&found, 6000, 130.4).unwrap();
        assert_eq!(
            text,
            "| SWD × 10³ | side 64 | side 32 | mean |\n|---|---:|---:|---:|\n\
             | generated | 60.0 | 0.5 | 30.0 |\n\
             | other real images, the floor | 20.0 | 0.5 | 10.0 |\n\
             | untrained generator | 400.0 | 0.5 | 200.0 |\n\n\
             | the run | |\n|---|---:|\n\
             | times the floor | 3.00 |\n| images on either side | 2,048 |\n\
             | nearest training image, from a generated one, grey levels | 35.5 |\n\
             | nearest training image, from a held-out one, grey levels | 6.0 |\n\
             | updates of the generator | 6,000 |\n| seconds of training | 130 |\n"
        );

        let share = |all: f64| json!({"all": all, "when_no": 0.99, "when_yes": 0.97});
        found["labels"] = json!([{
            "name": "Hat", "drawn_as_asked": share(0.98), "shuffled": 0.5, "classifier": share(1.0),
        }]);
        let text = summary(&found, 6000, 130.4).unwrap();
        assert!(text.contains("| `Hat` | 98.0 | 99.0 | 97.0 | 50.0 | 100.0 |\n"), "{text}");
    }

    #[test]
    fn what_a_kill_cut_off_is_not_part_of_the_course() {
        let folder = tempfile::tempdir().unwrap();
        let whole = file(folder.path(), 500);
        fs::create_dir(whole.parent().unwrap()).unwrap();
        let found = json!({
            "step": 500, "seconds": 36.0, "times_floor": 3.0,
            "swd": { "levels": [{ "side": 64, "distance": 40.0 }], "mean": 30.0 },
            "labels": [{ "name": "Hat", "drawn_as_asked": { "all": 0.98 } }],
        });
        fs::write(&whole, found.to_string()).unwrap();
        fs::write(file(folder.path(), 1000).with_extension("new"), "{").unwrap();
        let table = course(folder.path()).unwrap();
        assert_eq!(
            table,
            "| updates of the generator | hours | side 64 | SWD × 10³ | times the floor | `Hat` as asked, % |\n\
             |---:|---:|---:|---:|---:|---:|\n\
             | 500 | 0.01 | 40.0 | 30.0 | 3.00 | 98.0 |\n"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [7.0, 999.6, 12_345.0, 1_234_567.0].map(grouped);
        assert_eq!(texts, ["7", "1,000", "12,345", "1,234,567"]);
    }
}
