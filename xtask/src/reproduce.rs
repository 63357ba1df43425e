//! `cargo xtask reproduce`: makes what the book shows once more and compares. `cargo xtask figures`: lays it into the book.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::progress::spoken;
use crate::project::Project;
use crate::recipes::{Pieces, RECIPES, Recipe, Run, Training};
use crate::say::say;
use crate::{card, cargo, machine, measured, setup, table};

/// What is to be made, and where.
pub struct Options {
    /// Names of recipes; none for all.
    pub names: Vec<String>,
    /// Where their folders are.
    pub runs: Option<PathBuf>,
    /// Makes everything short, to see whether it still works.
    pub quick: bool,
}

/// Where something was made and how: `made.json`, written last.
#[derive(Serialize, Deserialize)]
pub struct Made {
    /// What was run.
    pub commands: Vec<String>,
    /// The commit of the code.
    pub commit: String,
    /// Processor and threads.
    pub machine: String,
    /// How long it took, all its parts together.
    pub seconds: f64,
}

/// Lists the recipes.
pub fn list() {
    say(
        "What the book shows, how long it took on two cores with AMX, and what one learns from it:\n",
    );
    for Recipe { name, takes, shows, .. } in RECIPES {
        say(format!("  {name:<22} {takes:<16} {shows}"));
    }
    say("\ncargo xtask reproduce NAME… makes it anew and compares with what is in the book.");
}

/// Makes what is named, and compares with the book. The exit code is 1 if a number that must come back did not.
pub fn reproduce(project: &Project, options: &Options) -> Result<u8> {
    let recipes = chosen(&options.names)?;
    setup::ensure(project, None)?;
    let mut failed = Vec::new();
    for recipe in recipes {
        let folder = folder(project, recipe, options)?;
        make(project, recipe, &folder, options.quick)?;
        write_tables(recipe, &folder)?;
        let far = compare(project, recipe, &folder, options.quick)
            .with_context(|| recipe.name.to_string())?;
        if far > 0 {
            failed.push(recipe.name);
        }
    }
    if !failed.is_empty() {
        eprintln!("xtask: further from the book's than the recipe allows: {}", failed.join(", "));
    }
    Ok(u8::from(!failed.is_empty()))
}

/// Makes what is named, where that has not been done yet, and lays it into the book.
pub fn figures(project: &Project, options: &Options) -> Result<u8> {
    let recipes = chosen(&options.names)?;
    setup::ensure(project, None)?;
    for recipe in recipes {
        let folder = folder(project, recipe, options)?;
        make(project, recipe, &folder, false)?;
        write_tables(recipe, &folder)?;
        lay(project, recipe, &folder)?;
    }
    let path = results(project).join("figures.md");
    write(&path, overview(project)?)?;
    say(path.display());
    Ok(0)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Recipe>> {
    if names.is_empty() {
        return Ok(RECIPES.iter().collect());
    }
    let find = |name: &String| {
        let found = RECIPES.iter().find(|recipe| recipe.name == name);
        found.with_context(|| {
            let known: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
            format!("{name}: no such recipe; there are {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

fn folder(project: &Project, recipe: &Recipe, options: &Options) -> Result<PathBuf> {
    let usual = || project.root.join("runs/reproduce");
    let runs = options.runs.clone().unwrap_or_else(usual);
    // The programs get it among their arguments, which are text, and run in the project's folder.
    ensure!(runs.to_str().is_some(), "{}: a path that is not UTF-8", runs.display());
    let runs = absolute(&runs).with_context(|| runs.display().to_string())?;
    let runs = if options.quick { runs.join("quick") } else { runs };
    Ok(runs.join(recipe.name))
}

fn results(project: &Project) -> PathBuf {
    project.root.join("book/results")
}

/// Where a file that the book shows lies, by its name in a recipe.
fn shown(project: &Project, name: &str) -> PathBuf {
    let place =
        if name.ends_with(".md") { results(project) } else { project.root.join("book/images") };
    place.join(name)
}

/// Where it is kept how something that the book shows was made.
fn provenance(project: &Project, recipe: &Recipe) -> PathBuf {
    results(project).join(format!("{}.json", recipe.name))
}

/// Runs a recipe in its folder, or what is left of it there.
fn make(project: &Project, recipe: &Recipe, folder: &Path, quick: bool) -> Result<()> {
    let made = folder.join("made.json");
    if quick && folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    if made.exists() {
        eprintln!("{}: made already; remove it to make it anew", folder.display());
        return Ok(());
    }
    eprintln!(
        "{}: {} ({})",
        recipe.name,
        recipe.shows,
        if quick { "in short" } else { recipe.takes }
    );
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let (begun, commit) = (Instant::now(), commit(project));
    let mut kitchen = Kitchen { project, folder, quick, commands: Vec::new() };
    let done = kitchen.cook(recipe);
    // A recipe that is stopped by Ctrl-C goes on another time, and should say in the end how long it took in all.
    let spent = folder.join("seconds");
    let before = fs::read_to_string(&spent).ok().and_then(|text| text.trim().parse::<f64>().ok());
    let seconds = before.unwrap_or(0.0) + begun.elapsed().as_secs_f64();
    write(&spent, format!("{seconds}\n"))?;
    done?;
    let (commands, machine) = (kitchen.commands, machine::description());
    let provenance = Made { commands, commit, machine, seconds };
    write(&made, serde_json::to_string_pretty(&provenance)? + "\n")
}

/// Writes the tables of what was measured of a recipe's training run, if it has one.
fn write_tables(recipe: &Recipe, folder: &Path) -> Result<()> {
    for run in recipe.runs {
        if let Run::Training(training) = run {
            measured::write_tables(folder, training)?;
        }
    }
    Ok(())
}

/// Where a recipe is being made.
struct Kitchen<'a> {
    project: &'a Project,
    folder: &'a Path,
    quick: bool,
    commands: Vec<String>,
}

impl Kitchen<'_> {
    /// Runs a recipe, or what is left of it.
    fn cook(&mut self, recipe: &Recipe) -> Result<()> {
        for run in recipe.runs {
            match run {
                Run::Experiment { package, example, args, quick: short } => {
                    let args =
                        [&["--out", "{out}"][..], if self.quick { *short } else { *args }].concat();
                    self.run(&["--package", package, "--example", example], &args)?;
                }
                Run::Program { package, args, quick: short } => {
                    let args = if self.quick { short } else { args };
                    self.run(&["--package", package], &self.taken_up(args))?;
                }
                Run::Sheet { package, count, more, file } => {
                    let count = if self.quick { 8 } else { *count }.to_string();
                    let file = format!("{{out}}/{file}");
                    let drawn = ["sample", "--checkpoint", "{out}/run", "--count", &count];
                    let args = [&drawn[..], *more, &["--out", &file]].concat();
                    self.run(&["--package", package], &args)?;
                }
                Run::Training(training) => self.train(training)?,
            }
        }
        Ok(())
    }

    fn cargo(&self, what: &[&str], args: &[&str]) -> Command {
        let mut cargo = cargo::command(self.project);
        cargo.args(["run", "--quiet"]).args(what).arg("--");
        cargo.args(args.iter().map(|arg| self.filled(arg)));
        cargo
    }

    fn filled(&self, arg: &str) -> String {
        arg.replace("{out}", &self.folder.display().to_string())
    }

    fn run(&mut self, what: &[&str], args: &[&str]) -> Result<()> {
        let line = ["cargo run", &what.join(" "), "--", &args.join(" ")].join(" ");
        let line =
            line.replace("{out}/", "").replace(" --out {out}", "").replace("--package", "-p");
        self.commands.push(line.trim_end_matches([' ', '-']).to_string());
        let mut command = self.cargo(what, args);
        command.stdout(Stdio::null());
        let code = cargo::wait(&mut command)?;
        ensure!(code == 0, "{} failed with exit code {code}", what.join(" "));
        Ok(())
    }

    /// The arguments that make a run in `{out}/run`, or those that take it up where it was stopped.
    fn taken_up<'b>(&self, args: &[&'b str]) -> Vec<&'b str> {
        let makes_a_run = args.windows(2).any(|pair| pair == ["--out", "{out}/run"]);
        if !makes_a_run || !self.folder.join("run/config.json").exists() {
            return args.to_vec();
        }
        let command = args.iter().take_while(|arg| !arg.starts_with('-'));
        command.copied().chain(["--resume", "{out}/run"]).collect()
    }

    /// Trains, in pieces where the run is long, and measures.
    fn train(&mut self, training: &Training) -> Result<()> {
        let Training { package, args, pieces, quick, .. } = training;
        let run = self.folder.join("run");
        let whole = ["train", "--out", "{out}/run"];
        // In short there are two steps, a piece each where there are pieces.
        let pieces =
            if self.quick { pieces.map(|_| Pieces { steps: 2, every: 1 }) } else { *pieces };
        let short = if pieces.is_none() && self.quick { &["--steps", "2"][..] } else { &[] };
        let steps = pieces.map(|Pieces { steps, .. }| format!(" --steps {steps}"));
        let said = [&["--out", "run"], *args].concat().join(" ") + &steps.unwrap_or_default();
        self.commands.push(format!("cargo run -p {package} -- train {said}"));
        self.commands.push(format!(
            "cargo run -p {package} -- evaluate --checkpoint run --nearest nearest.png"
        ));
        loop {
            let done = state(&run).map_or(0, |state| state.0);
            let goal = match &pieces {
                Some(pieces) => {
                    if done > 0 && done.is_multiple_of(pieces.every) {
                        self.measure(package, done)?;
                    }
                    if done >= pieces.steps {
                        break;
                    }
                    Some(((done / pieces.every + 1) * pieces.every).min(pieces.steps).to_string())
                }
                None => None,
            };
            let steps: Vec<&str> = goal.iter().flat_map(|goal| ["--steps", goal]).collect();
            let resumed = ["train", "--resume", "{out}/run"];
            let planned = planned_steps(&run);
            // A run that was killed before its first checkpoint is there too.
            let begun = run.join("config.json").exists();
            let args = match (begun, self.quick) {
                (false, true) => [&whole[..], quick, short, &steps].concat(),
                (false, false) => [&whole[..], args, &steps].concat(),
                _ if pieces.is_none() && planned == Some(done) => break,
                _ => [&resumed[..], &steps].concat(),
            };
            let mut command = self.cargo(&["--package", package], &args);
            let code = cargo::wait(command.stdout(Stdio::null()))?;
            ensure!(code == 0, "{package} failed with exit code {code}");
            if pieces.is_none() {
                break;
            }
        }
        let (steps, _) = state(&run).context("no checkpoint")?;
        self.measure(package, steps)
    }

    fn evaluate(&self, package: &str, checkpoint: &str, more: &[&str]) -> Result<Value> {
        let short = if self.quick { &["--count", "16"][..] } else { &[] };
        let args = [&["evaluate", "--json", "--checkpoint", checkpoint], more, short].concat();
        let output = self
            .cargo(&["--package", package], &args)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        ensure!(output.status.success(), "{package} cannot evaluate {checkpoint}");
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Measures a run that has come to `step`, unless that was done before, and draws the nearest training images.
    fn measure(&self, package: &str, step: u64) -> Result<()> {
        let path = measured::file(self.folder, step);
        if path.exists() {
            return Ok(());
        }
        let seconds = state(&self.folder.join("run")).map_or(0.0, |state| state.1);
        let nearest = self.filled("{out}/nearest.png");
        let mut found = self.evaluate(package, "{out}/run", &["--nearest", &nearest])?;
        found["step"] = step.into();
        found["seconds"] = seconds.into();
        let measured = self.folder.join("measured");
        fs::create_dir_all(&measured).with_context(|| measured.display().to_string())?;
        write(&path, serde_json::to_string_pretty(&found)? + "\n")
    }
}

/// Prints the book's numbers beside those of `folder`; gives how many are further off than they may be. Of something short only
/// the form is compared.
fn compare(project: &Project, recipe: &Recipe, folder: &Path, quick: bool) -> Result<usize> {
    for (file, _) in recipe.files {
        ensure!(folder.join(file).is_file(), "{}: not made", folder.join(file).display());
    }
    let mut far = 0;
    for (file, name) in recipe.files.iter().filter(|(file, _)| file.ends_with(".md")) {
        let path = results(project).join(name);
        if quick || !path.exists() {
            continue;
        }
        let [book, here] = [&path, &folder.join(file)].map(|path| {
            Ok::<_, anyhow::Error>(table::parse(
                &fs::read_to_string(path).with_context(|| path.display().to_string())?,
            ))
        });
        let pairs =
            table::compare(&book?, &here?, recipe.judged).with_context(|| name.to_string())?;
        let head = format!("{} ({name})", recipe.name);
        say(format!("{head:<60} {:>10} {:>10}", "book", "here"));
        for table::Pair { place: (row, column), book, here, near } in pairs {
            let verdict = match near {
                Some(true) => "  near enough",
                Some(false) => "  TOO FAR",
                None => "",
            };
            far += usize::from(near == Some(false));
            let place = format!("{row}: {column}");
            say(format!("  {place:<58} {book:>10} {here:>10}{verdict}"));
        }
    }
    Ok(far)
}

/// Copies what the book shows into it, with the weights that come with it.
fn lay(project: &Project, recipe: &Recipe, folder: &Path) -> Result<()> {
    let results = results(project);
    fs::create_dir_all(&results).with_context(|| results.display().to_string())?;
    for (file, name) in recipe.files {
        copy(&folder.join(file), &shown(project, name))?;
    }
    copy(&folder.join("made.json"), &provenance(project, recipe))?;
    for run in recipe.runs {
        if let Run::Training(Training { package, weights: Some(name), .. }) = run {
            ship(project, recipe, folder, package, name)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let done = fs::copy(from, to);
    done.with_context(|| format!("{} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Takes the weights out of a run, measures them as they are shipped, and writes their card.
///
/// All happens in `weights.new`, beside the folder where the programs look for weights, and only what is whole goes there.
fn ship(
    project: &Project,
    recipe: &Recipe,
    folder: &Path,
    package: &str,
    name: &str,
) -> Result<()> {
    let chapter = project.root.join("chapters").join(package);
    let (all, new) = (chapter.join("weights"), chapter.join("weights.new"));
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| new.display().to_string())?;
    }
    let weights = new.join(name);
    let to = weights.to_str();
    let to = to.with_context(|| format!("{}: a path that is not UTF-8", weights.display()))?;
    let mut kitchen = Kitchen { project, folder, quick: false, commands: Vec::new() };
    kitchen.run(&["--package", package], &["export", "--checkpoint", "{out}/run", "--out", to])?;
    let found = kitchen.evaluate(package, to, &[])?;
    write(&weights.join("evaluation.json"), serde_json::to_string_pretty(&found)? + "\n")?;
    let made: Made = read_json(&folder.join("made.json"))?;
    write(&weights.join("README.md"), card::text(recipe, package, &weights, &made)?)?;

    let place = all.join(name);
    fs::create_dir_all(&all).with_context(|| all.display().to_string())?;
    if place.exists() {
        fs::rename(&place, new.join("old")).with_context(|| place.display().to_string())?;
    }
    fs::rename(&weights, &place).with_context(|| place.display().to_string())?;
    fs::remove_dir_all(&new).with_context(|| new.display().to_string())
}

/// All that was laid into the book: what, how, where.
fn overview(project: &Project) -> Result<String> {
    let mut text = String::new();
    for recipe in RECIPES {
        let path = provenance(project, recipe);
        if !path.exists() {
            continue;
        }
        let Made { commands, commit, machine, seconds } = read_json(&path)?;
        let files: Vec<String> = recipe.files.iter().map(|(_, name)| format!("`{name}`")).collect();
        writeln!(
            text,
            "**`{}`**, {}: {}.\n\n```console\n{}\n```\n*{}, {machine}, commit `{commit}`.*\n",
            recipe.name,
            recipe.shows,
            files.join(", "),
            commands.join("\n"),
            spoken(std::time::Duration::from_secs_f64(seconds)),
        )?;
    }
    Ok(text)
}

/// How far a run has come: updates of the generator, seconds.
pub fn state(run: &Path) -> Option<(u64, f64)> {
    let state: Value = read_json(&run.join("checkpoint/state.json")).ok()?;
    Some((state["step"].as_u64()?, state["seconds"].as_f64()?))
}

fn planned_steps(run: &Path) -> Option<u64> {
    read_json::<Value>(&run.join("config.json")).ok()?["schedule"]["steps"].as_u64()
}

/// The commit that is checked out, and whether files were changed since.
fn commit(project: &Project) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").current_dir(&project.root).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(commit) = git(&["rev-parse", "--short=7", "HEAD"]) else { return "unknown".into() };
    let code = ["status", "--porcelain", "--", "chapters", "data", "Cargo.lock"];
    let changed = git(&code).is_some_and(|changes| !changes.is_empty());
    if changed { commit + " with changes" } else { commit }
}

/// Reads a JSON file.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// Writes a file so that a kill leaves the old one or the new one.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).with_context(|| new.display().to_string())?;
    fs::rename(&new, path).with_context(|| path.display().to_string())
}

/// All results that lie in the book belong to a recipe, and all files of a recipe that was made lie in the book.
pub fn problems(project: &Project) -> Result<Vec<String>> {
    let folder = results(project);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut known = vec!["figures.md".to_string()];
    for recipe in RECIPES {
        known.push(format!("{}.json", recipe.name));
        known.extend(recipe.files.iter().map(|(_, name)| name.to_string()));
    }
    let mut problems = Vec::new();
    for entry in entries {
        let Ok(name) = entry?.file_name().into_string() else { bail!("a name that is not UTF-8") };
        if !known.contains(&name) {
            problems.push(format!("book/results/{name}: no recipe makes it"));
        }
    }
    for recipe in RECIPES.iter().filter(|recipe| provenance(project, recipe).exists()) {
        for (_, name) in recipe.files {
            let path = shown(project, name);
            if !path.is_file() {
                let path = path.strip_prefix(&project.root).unwrap_or(&path).display();
                let name = recipe.name;
                problems.push(format!(
                    "{path}: not there, though {name}.json is, which tells how it was made"
                ));
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(root: &Path) -> Project {
        Project { root: root.into(), exported: None }
    }

    #[test]
    fn a_file_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made.json");
        for text in ["{}", "[]"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_folder_of_runs_is_a_whole_path_in_utf_8() {
        let options = |runs: &std::ffi::OsStr| Options {
            names: Vec::new(),
            runs: Some(runs.into()),
            quick: true,
        };
        let project = project(Path::new("/book"));
        let found = folder(&project, &RECIPES[0], &options("x".as_ref())).unwrap();
        assert_eq!(found, absolute(format!("x/quick/{}", RECIPES[0].name)).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let runs = std::ffi::OsStr::from_bytes(b"/runs-\xff");
            let error = folder(&project, &RECIPES[0], &options(runs)).unwrap_err().to_string();
            assert!(error.starts_with("/runs-") && error.contains("UTF-8"), "{error}");
        }
    }

    #[test]
    fn what_was_made_lies_in_the_book_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        for folder in ["book/results", "book/images", "chapters/ch4-training-tricks/results"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let of = |name: &str| RECIPES.iter().find(|recipe| recipe.name == name).unwrap();
        // The second has a table in its chapter.
        for recipe in ["theory", "tricks"].map(of) {
            write(&provenance(&project, recipe), "{}").unwrap();
            let found = problems(&project).unwrap();
            assert_eq!(found.len(), recipe.files.len(), "{found:?}");
            assert!(found.iter().all(|line| line.contains("not there")), "{found:?}");
            for (_, name) in recipe.files {
                write(&shown(&project, name), "").unwrap();
            }
            assert_eq!(problems(&project).unwrap(), [""; 0]);
        }
        fs::write(results(&project).join("other.md"), "").unwrap();
        assert_eq!(problems(&project).unwrap(), ["book/results/other.md: no recipe makes it"]);
    }
}
