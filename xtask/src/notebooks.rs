//! Makes the notebooks out of the pages: prose becomes Markdown cells, the included listings and the page's own steps become code
//! cells. What a notebook says is what its page says; nobody writes in it by hand.
//!
//! A cell of a notebook is compiled by itself, on top of the cells that ran before it. So it has to come after everything that it
//! mentions, where a page may explain the whole before its parts. Three things are done about that:
//!
//! - what a listing needs and the page shows later, or not at all, moves up into the listing's cell;
//! - a type waits for its `impl`, since an `impl` that stood in another cell would be added a second time when that cell is run again;
//! - the programs' own loops, which write files and keep the books, stay listings: the page's steps take their place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::items::{Item, Kind, items, paths};
use crate::project::Project;
use crate::reproduce;

/// The pages that have a notebook, and their crates.
pub const NOTEBOOKS: [(&str, &str); 5] = [
    ("introduction", "ch4-gan-intro"),
    ("dcgan", "ch4-dcgan"),
    ("tricks", "ch4-training-tricks"),
    ("wgan-gp", "ch4-wgan-gp"),
    ("cgan", "ch4-cgan"),
];

/// Jupyter's name for our kernel.
pub const KERNEL: &str = "gan-book-rust";

/// The listings with this anchor are the programs' loops.
const LOOP: &str = "train";

/// Traits whose methods are used where nobody names them.
const TRAITS: [&str; 2] = ["Context", "ModuleT"];

/// Where a notebook lies.
pub fn path(project: &Project, page: &str) -> PathBuf {
    project.root.join("notebooks").join(format!("{page}.ipynb"))
}

/// Writes all notebooks anew. Outputs of cells that have not changed are kept.
pub fn write(project: &Project) -> Result<()> {
    for (page, chapter) in NOTEBOOKS {
        let path = path(project, page);
        let mut notebook = make(project, page, chapter)?;
        if let Ok(text) = fs::read_to_string(&path) {
            let old: Value = serde_json::from_str(&text).with_context(|| shown(&path))?;
            keep_outputs(&mut notebook, &old);
        }
        reproduce::write(&path, written(&notebook)?)?;
    }
    Ok(())
}

/// As Jupyter writes it: indented by one.
fn written(notebook: &Value) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b" ");
    notebook.serialize(&mut serde_json::Serializer::with_formatter(&mut text, form))?;
    text.push(b'\n');
    Ok(text)
}

/// Which notebooks are not what their pages give, one line each.
pub fn problems(project: &Project) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (page, chapter) in NOTEBOOKS {
        let path = path(project, page);
        let name = format!("notebooks/{page}.ipynb");
        let old = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| shown(&path))?,
            Err(_) => Value::Null,
        };
        let (old, new) = (sources(&old), sources(&make(project, page, chapter)?));
        if let Some(at) = (0..old.len().max(new.len())).find(|&at| old.get(at) != new.get(at)) {
            let id = new.get(at).or(old.get(at)).map_or("", |cell| &cell.0);
            problems.push(format!(
                "{name}: cell {id:?} is not what book/{page}.md gives; mend it with `cargo xtask notebooks`"
            ));
        }
    }
    Ok(problems)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What a notebook says: id, kind and text of each cell. Jupyter may write a text as one string or as a list of lines.
fn sources(notebook: &Value) -> Vec<(String, String, String)> {
    let cells = notebook["cells"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().unwrap_or_default().to_string(),
    };
    let field = |cell: &Value, name: &str| cell[name].as_str().unwrap_or_default().to_string();
    cells
        .iter()
        .map(|cell| (field(cell, "id"), field(cell, "cell_type"), text(&cell["source"])))
        .collect()
}

fn keep_outputs(new: &mut Value, old: &Value) {
    let olds: BTreeMap<_, _> = sources(old).into_iter().zip(0..).collect();
    for (source, at) in sources(new).into_iter().zip(0..) {
        if source.1 == "code"
            && let Some(&before) = olds.get(&source)
        {
            for field in ["outputs", "execution_count"] {
                new["cells"][at][field] = old["cells"][before as usize][field].clone();
            }
        }
    }
}

/// A notebook without outputs.
fn make(project: &Project, page: &str, chapter: &str) -> Result<Value> {
    let file = project.root.join("book").join(format!("{page}.md"));
    let text = fs::read_to_string(&file).with_context(|| shown(&file))?;
    let text = with_tables(&text, file.parent().expect("book/"))?;
    let blocks = blocks(&text).with_context(|| format!("book/{page}.md"))?;
    let code = Crate::read(&project.root.join("chapters").join(chapter))?;
    let cells = code.cells(&blocks).with_context(|| format!("notebook {page}"))?;
    let manifest = project.root.join("Cargo.toml");
    let manifest = fs::read_to_string(&manifest).with_context(|| shown(&manifest))?;
    let first = vec![Cell::prose(opening(page)), code.dependencies(&cells, &manifest)?];
    Ok(notebook(&number([first, cells, closing()].concat())))
}

/// A page with the tables of results in place of the lines that include them, as mdBook does it.
fn with_tables(page: &str, book: &Path) -> Result<String> {
    let mut text = String::new();
    for line in page.lines() {
        let table =
            line.strip_prefix("{{#include results/").and_then(|rest| rest.strip_suffix("}}"));
        match table {
            Some(table) => {
                let path = book.join("results").join(table);
                text += fs::read_to_string(&path).with_context(|| shown(&path))?.trim_end();
            }
            None => text += line,
        }
        text.push('\n');
    }
    Ok(text)
}

/// What the outputs come from, for whoever reads them without running anything.
fn closing() -> Vec<Cell> {
    let prose = "## Where these outputs come from\n\nThe device, how long all cells took, and the settings:";
    vec![Cell::prose(prose.into()), Cell::code("println!(\"{session}\\n{settings:?}\");".into())]
}

fn opening(page: &str) -> String {
    format!(
        "*This notebook is made from the page [{page}](../book/{page}.md) and runs its code cell by cell.\n\
         `cargo xtask jupyter` in the project's folder opens it with all that it needs; \
         [Set-up](../book/setup.md#notebooks) says more.\n\
         Run the cells in their order. The first one compiles what the others use, which takes some minutes the first time and \
         seconds from then on.*"
    )
}

/// A part of a page.
#[derive(Debug, PartialEq)]
enum Block {
    /// Markdown as it stands, but for links.
    Prose(String),
    /// A listing that is included: the file below the crate's `src`, and the anchor.
    Include(String, String),
    /// A step of the page's own.
    Step(String),
}

/// Cuts a page into its parts.
fn blocks(page: &str) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut prose: Vec<String> = Vec::new();
    let mut fence: Option<(Vec<String>, Vec<&str>)> = None; // its tags, and its lines
    let flush = |prose: &mut Vec<String>, blocks: &mut Vec<Block>| {
        let text = prose.join("\n").trim().to_string();
        prose.clear();
        if !text.is_empty() {
            blocks.push(Block::Prose(text));
        }
    };
    for line in page.lines() {
        match (&mut fence, line.strip_prefix("```")) {
            (None, Some(tags)) => {
                fence = Some((tags.split(',').map(String::from).collect(), Vec::new()));
            }
            (None, None) => {
                // A heading begins a cell of its own, so that a notebook can be read and folded by its headings.
                if line.starts_with('#') {
                    flush(&mut prose, &mut blocks);
                }
                prose.push(relink(line));
            }
            (Some((_, lines)), None) => lines.push(line),
            (Some((tags, lines)), Some(_)) => {
                let include = lines.first().and_then(|line| line.strip_prefix("{{#include "));
                if let Some(include) = include {
                    let (file, anchor) = include
                        .strip_suffix("}}")
                        .and_then(|include| include.split_once("/src/")?.1.rsplit_once(':'))
                        .with_context(|| format!("what is {include:?}?"))?;
                    flush(&mut prose, &mut blocks);
                    blocks.push(Block::Include(file.into(), anchor.into()));
                } else if tags.iter().any(|tag| tag == "cell") {
                    flush(&mut prose, &mut blocks);
                    blocks.push(Block::Step(lines.join("\n")));
                } else {
                    prose.push(format!("```{}", tags[0]));
                    prose.extend(lines.iter().map(|line| line.to_string()));
                    prose.push("```".into());
                }
                fence = None;
            }
        }
    }
    ensure!(fence.is_none(), "a listing is not closed");
    flush(&mut prose, &mut blocks);
    Ok(blocks)
}

/// A line whose links lead where they led, now that it stands in another folder. Pages that are notebooks too lead there.
fn relink(line: &str) -> String {
    let mut done = String::new();
    let mut rest = line;
    while let Some(middle) = rest.find("](") {
        let (before, after) = rest.split_at(middle + 2);
        done.push_str(before);
        let page = |end: usize| after[..end].strip_suffix(".md");
        let notebook = after.find([')', '#']).and_then(page);
        if let Some(page) = notebook.filter(|page| NOTEBOOKS.iter().any(|(name, _)| name == page)) {
            done.push_str(page);
            done.push_str(".ipynb");
            rest = &after[page.len() + ".md".len()..];
        } else {
            let target = after.split(')').next().unwrap_or(after);
            if !target.starts_with(['.', '#']) && !target.contains("://") {
                done.push_str("../book/");
            }
            rest = after;
        }
    }
    done + rest
}

/// A chapter's crate.
struct Crate {
    name: String,
    /// The items of each file of `src`, by the file's name.
    files: BTreeMap<String, Vec<Item>>,
}

/// An item, by its file and its number there.
type Place = (String, usize);

impl Crate {
    fn read(folder: &Path) -> Result<Crate> {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut files = BTreeMap::new();
        let src = folder.join("src");
        for entry in fs::read_dir(&src).with_context(|| shown(&src))? {
            let path = entry?.path();
            let text = fs::read_to_string(&path).with_context(|| shown(&path))?;
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            files.insert(file.to_string(), items(&text));
        }
        Ok(Crate { name: name.into(), files })
    }

    fn item(&self, (file, at): &Place) -> &Item {
        &self.files[file][*at]
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        self.files
            .iter()
            .flat_map(|(file, items)| (0..items.len()).map(move |at| (file.clone(), at)))
    }

    /// The items that a listing shows, but for its `use` declarations.
    fn shown_by(&self, file: &str, anchor: &str) -> Vec<Place> {
        let shown = |place: &Place| {
            let item = self.item(place);
            place.0 == file && item.anchor.as_deref() == Some(anchor) && item.kind != Kind::Use
        };
        self.places().filter(shown).collect()
    }

    /// What an item cannot be compiled without: what it mentions of its own file, and of other files what its own brings in from
    /// them. A type that is needed brings the `impl` blocks that no listing shows.
    fn needs(&self, place: &Place) -> BTreeSet<Place> {
        let (file, item) = (&place.0, self.item(place));
        let imported: BTreeSet<(String, String)> = self.files[file]
            .iter()
            .filter(|item| item.kind == Kind::Use)
            .flat_map(|item| paths(&item.text))
            .filter_map(|path| {
                let (module, name) = path.strip_prefix("crate::")?.split_once("::")?;
                Some((format!("{module}.rs"), name.to_string()))
            })
            .collect();
        let needed = |other: &Place| match &self.item(other).kind {
            Kind::Use => false,
            Kind::Named(name) => {
                let reachable =
                    other.0 == *file || imported.contains(&(other.0.clone(), name.clone()));
                other != place && reachable && item.mentions(name)
            }
            Kind::Impl(of) => {
                other.0 == *file
                    && self.item(other).anchor.is_none()
                    && item.kind == Kind::Named(of.clone())
            }
        };
        self.places().filter(needed).collect()
    }

    /// The page's cells.
    fn cells(&self, blocks: &[Block]) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        let mut done = BTreeSet::new(); // what stands in a cell already
        let mut imports = BTreeSet::new();
        let mut waiting: Vec<Place> = Vec::new(); // types that wait for their impl
        for (at, block) in blocks.iter().enumerate() {
            match block {
                Block::Prose(text) => cells.push(Cell::prose(text.clone())),
                Block::Step(text) => cells.push(Cell::code(text.clone())),
                Block::Include(file, anchor) => {
                    let shown = self.shown_by(file, anchor);
                    ensure!(!shown.is_empty(), "{file} has nothing at {anchor:?}");
                    let later = |item: &Place| self.has_impl_later(item, &blocks[at + 1..]);
                    if anchor == LOOP || shown.iter().all(|item| done.contains(item)) {
                        cells.push(self.listing(&shown));
                    } else if shown.iter().any(later) {
                        waiting.extend(shown.iter().filter(|item| !done.contains(*item)).cloned());
                        cells.push(self.listing(&shown));
                    } else {
                        let mut cell = Vec::new();
                        let items: Vec<Place> = waiting.drain(..).chain(shown).collect();
                        self.add(&items, &mut done, &mut cell);
                        cells.extend(self.import(&cell, &mut imports));
                        cells.push(self.listing_to_run(&cell)?);
                    }
                }
            }
        }
        ensure!(waiting.is_empty(), "a type waits for an impl that never comes");
        Ok(cells)
    }

    /// Whether a type's `impl` is shown by one of these blocks.
    fn has_impl_later(&self, place: &Place, blocks: &[Block]) -> bool {
        let Kind::Named(name) = &self.item(place).kind else { return false };
        blocks.iter().any(|block| {
            let Block::Include(file, anchor) = block else { return false };
            let shown = self.shown_by(file, anchor);
            let of_it = |other: &Place| self.item(other).kind == Kind::Impl(name.clone());
            *file == place.0 && anchor != LOOP && shown.iter().any(of_it)
        })
    }

    /// Adds items to a cell, and before them what they need and is not there yet. An `impl` that no listing shows follows its type.
    fn add(&self, items: &[Place], done: &mut BTreeSet<Place>, cell: &mut Vec<Place>) {
        let mut new = Vec::new();
        for item in items {
            let impls = self.needs(item).into_iter();
            let impls = impls.filter(|other| matches!(self.item(other).kind, Kind::Impl(_)));
            for place in [item.clone()].into_iter().chain(impls) {
                if done.insert(place.clone()) {
                    new.push(place);
                }
            }
        }
        for needed in new.iter().flat_map(|item| self.needs(item)).collect::<Vec<_>>() {
            if !done.contains(&needed) {
                self.add(&[needed], done, cell);
            }
        }
        cell.extend(new);
    }

    /// The imports that these items need and no cell has brought in before, as a cell.
    fn import(&self, cell: &[Place], done: &mut BTreeSet<String>) -> Option<Cell> {
        let mut new = BTreeSet::new();
        for place in cell {
            let item = self.item(place);
            let uses = self.files[&place.0].iter().filter(|item| item.kind == Kind::Use);
            for path in uses.flat_map(|item| paths(&item.text)) {
                let name = path.rsplit(" as ").next().unwrap_or(&path);
                let name = name.rsplit("::").next().unwrap_or(name);
                let needed = TRAITS.contains(&name) || item.has_word(name);
                let own =
                    path.starts_with("crate::") || path.starts_with(|c: char| c.is_uppercase());
                if needed && !own && done.insert(path.clone()) {
                    new.insert(path);
                }
            }
        }
        (!new.is_empty()).then(|| Cell::code(declarations(&new)))
    }

    fn text(&self, items: &[Place]) -> String {
        let texts: Vec<&str> = items.iter().map(|place| self.item(place).text.as_str()).collect();
        texts.join("\n\n")
    }

    /// Items that are shown and not run.
    fn listing(&self, items: &[Place]) -> Cell {
        Cell::prose(format!("```rust\n{}\n```", self.text(items)))
    }

    /// Items that are run.
    fn listing_to_run(&self, items: &[Place]) -> Result<Cell> {
        if let Some(place) = items.iter().find(|place| self.item(place).has_word("crate")) {
            let first = self.item(place).text.lines().next().unwrap_or_default();
            bail!("{}: {first:?}: a notebook has no `crate` of its own", place.0);
        }
        Ok(Cell::code(self.text(items)))
    }

    /// The first cell: the crates that the others name, at the versions of the workspace.
    fn dependencies(&self, cells: &[Cell], manifest: &str) -> Result<Cell> {
        let section = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let code: Vec<&str> =
            cells.iter().filter(|cell| cell.code).map(|cell| cell.text.as_str()).collect();
        let code = code.join("\n");
        let mut lines =
            vec!["// The crates that this notebook uses, as the project itself does.".to_string()];
        let own = format!("{} = {{ path = \"chapters/{0}\" }}", self.name);
        for line in section.lines().chain([own.as_str()]) {
            let Some((name, value)) = line.split_once(" = ") else { continue };
            if code.contains(&format!("{}::", name.replace('-', "_"))) {
                let line = format!(":dep {name} = {}", value.replace("path = \"", "path = \"../"));
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        Ok(Cell::code(lines.join("\n")))
    }
}

/// Paths as `use` declarations, one for each stem.
fn declarations(paths: &BTreeSet<String>) -> String {
    let mut stems: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths {
        let (stem, name) = path.rsplit_once("::").unwrap_or(("", path));
        stems.entry(stem).or_default().push(name);
    }
    let lines = stems.iter().map(|(stem, names)| match (stem.is_empty(), &names[..]) {
        (true, names) => format!("use {};", names.join(", ")),
        (_, [name]) => format!("use {stem}::{name};"),
        (_, names) => format!("use {stem}::{{{}}};", names.join(", ")),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[derive(Clone)]
struct Cell {
    id: String,
    code: bool,
    text: String,
}

impl Cell {
    fn prose(text: String) -> Cell {
        Cell { id: String::new(), code: false, text }
    }

    fn code(text: String) -> Cell {
        Cell { id: String::new(), code: true, text }
    }
}

/// Gives the cells names that stay as long as the page's headings do: the heading, and the number of the cell below it.
fn number(mut cells: Vec<Cell>) -> Vec<Cell> {
    let (mut heading, mut count) = ("start".to_string(), 0);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for cell in &mut cells {
        if !cell.code && cell.text.starts_with('#') {
            let title = cell.text.lines().next().unwrap_or_default().trim_start_matches('#').trim();
            let title = title.to_lowercase().replace(' ', "-");
            heading =
                title.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
            let again = seen.entry(heading.clone()).or_default();
            *again += 1;
            if *again > 1 {
                heading = format!("{heading}-again{again}");
            }
            count = 0;
        }
        count += 1;
        cell.id = format!("{heading}-{count}");
    }
    cells
}

fn notebook(cells: &[Cell]) -> Value {
    let lines =
        |text: &str| -> Vec<String> { text.split_inclusive('\n').map(String::from).collect() };
    let cells: Vec<Value> = cells
        .iter()
        .map(|Cell { id, code, text }| {
            if *code {
                json!({
                    "cell_type": "code", "execution_count": null, "id": id, "metadata": {}, "outputs": [],
                    "source": lines(text),
                })
            } else {
                json!({ "cell_type": "markdown", "id": id, "metadata": {}, "source": lines(text) })
            }
        })
        .collect();
    json!({
        "cells": cells,
        "metadata": {
            "kernelspec": { "display_name": "Rust (GAN book)", "language": "rust", "name": KERNEL },
            "language_info": {
                "codemirror_mode": "rust", "file_extension": ".rs", "mimetype": "text/rust", "name": "Rust",
                "pygment_lexer": "rust", "version": "",
            },
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const PAGE: &str = "# Title\n\nSee [x](other.md) and [y](dcgan.md#logits).\n\n```rust,ignore\n\
                        {{#include ../chapters/ch4-x/src/model.rs:net}}\n```\n*Caption.*\n\n```console\ncargo run\n```\n\n\
                        ```rust,ignore,handwritten,cell\nlet net = Net;\n```\n";

    fn net(source: &str) -> Crate {
        Crate { name: "ch4-x".into(), files: [("model.rs".to_string(), items(source))].into() }
    }

    fn texts(cells: &[Cell]) -> Vec<&str> {
        cells.iter().map(|cell| cell.text.as_str()).collect()
    }

    #[test]
    fn tables_of_results_stand_in_the_notebook() {
        let book = TempDir::new().unwrap();
        fs::create_dir(book.path().join("results")).unwrap();
        fs::write(book.path().join("results/x.md"), "| a |\n|---|\n| 1 |\n").unwrap();
        let page = "Before.\n\n{{#include results/x.md}}\n\nAfter.\n";
        let found = with_tables(page, book.path()).unwrap();
        assert_eq!(found, "Before.\n\n| a |\n|---|\n| 1 |\n\nAfter.\n");
        let page = "{{#include results/y.md}}\n";
        assert!(with_tables(page, book.path()).unwrap_err().to_string().contains("y.md"));
    }

    #[test]
    fn a_page_is_cut_into_prose_listings_and_steps() {
        let found = blocks(PAGE).unwrap();
        let prose = |text: &str| Block::Prose(text.into());
        let expected = [
            prose("# Title\n\nSee [x](../book/other.md) and [y](dcgan.ipynb#logits)."),
            Block::Include("model.rs".into(), "net".into()),
            prose("*Caption.*\n\n```console\ncargo run\n```"),
            Block::Step("let net = Net;".into()),
        ];
        assert_eq!(found, expected);
        assert!(blocks("```rust\n").is_err());
    }

    #[test]
    fn links_lead_where_they_led() {
        let cases = [
            ("![a](images/a.png)", "![a](../book/images/a.png)"),
            ("[f](../chapters/x.rs)", "[f](../chapters/x.rs)"),
            ("[h](#here) [w](https://x.org)", "[h](#here) [w](https://x.org)"),
            ("[s](setup.md) [w](https://x.org)", "[s](../book/setup.md) [w](https://x.org)"),
            ("[c](cgan.md), [s](setup.md#a)", "[c](cgan.ipynb), [s](../book/setup.md#a)"),
        ];
        for (line, expected) in cases {
            assert_eq!(relink(line), expected);
        }
    }

    #[test]
    fn what_a_listing_needs_comes_before_it() {
        let source = "use tch::Tensor;\n\n// ANCHOR: net\nstruct Net(Tensor);\n\nfn net() {\n    part()\n}\n\
                      // ANCHOR_END: net\n\nimpl Clone for Net {}\n\n// ANCHOR: part\nfn part() {}\n// ANCHOR_END: part\n";
        let include = |anchor: &str| Block::Include("model.rs".into(), anchor.into());
        let found = net(source).cells(&[include("net"), include("part")]).unwrap();
        let expected = [
            "use tch::Tensor;",
            "fn part() {}\n\nstruct Net(Tensor);\n\nimpl Clone for Net {}\n\nfn net() {\n    part()\n}",
            "```rust\nfn part() {}\n```",
        ];
        assert_eq!(texts(&found), expected);
    }

    #[test]
    fn a_type_waits_for_its_impl() {
        let source = "// ANCHOR: a\nstruct Net;\n// ANCHOR_END: a\n\n// ANCHOR: b\nimpl Net {}\n// ANCHOR_END: b\n";
        let include = |anchor: &str| Block::Include("model.rs".into(), anchor.into());
        let found = net(source).cells(&[include("a"), include("b")]).unwrap();
        assert_eq!(texts(&found), ["```rust\nstruct Net;\n```", "struct Net;\n\nimpl Net {}"]);
    }

    #[test]
    fn a_notebook_keeps_its_outputs_and_is_compared_without_them() {
        let cells = number(vec![Cell::prose("# A b".into()), Cell::code("1 + 1\n2".into())]);
        assert_eq!(cells[1].id, "a-b-2");
        let mut new = notebook(&cells);
        let mut old = new.clone();
        old["cells"][1]["outputs"] = json!([{ "name": "stdout" }]);
        old["cells"][1]["source"] = json!("1 + 1\n2");
        assert_eq!(sources(&new), sources(&old));
        keep_outputs(&mut new, &old);
        assert_eq!(new["cells"][1]["outputs"], old["cells"][1]["outputs"]);
        old["cells"][1]["source"] = json!("1 + 1");
        assert_ne!(sources(&new), sources(&old));
    }

    #[test]
    fn the_first_cell_names_the_crates() {
        let manifest = "[workspace.dependencies]\nch4-y = { path = \"chapters/ch4-y\" }\nserde = \"1\"\ntch = \"=0.24.0\"\n\n[x]\n";
        let cells = [Cell::code("use tch::Tensor;\nch4_y::f();\nch4_x::g();".into())];
        let found = net("").dependencies(&cells, manifest).unwrap();
        let lines: Vec<&str> = found.text.lines().skip(1).collect();
        let expected = [
            ":dep ch4-y = { path = \"../chapters/ch4-y\" }",
            ":dep tch = \"=0.24.0\"",
            ":dep ch4-x = { path = \"../chapters/ch4-x\" }",
        ];
        assert_eq!(lines, expected);
    }

    /// The notebooks as they are.
    #[test]
    fn the_notebooks_are_what_the_pages_give() {
        let found = problems(&Project::find()).unwrap();
        assert!(found.is_empty(), "{found:#?}");
    }
}
