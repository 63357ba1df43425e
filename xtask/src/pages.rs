//! Checks the book's pages against the code and against each other. mdBook itself says nothing of most of what can go wrong: a
//! listing whose anchor is gone is an empty box, and a page that is not in the summary is a dead link.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project::Project;
use crate::reproduce;

/// A file with more anchors than this is cut up too much to be read from end to end.
const MOST_ANCHORS: usize = 6;

/// All that is wrong with the pages, one line for each, with the file and the line where there is one.
pub fn problems(project: &Project) -> Result<Vec<String>> {
    let book = project.root.join("book");
    let mut problems = Vec::new();
    let sources = sources(&project.root.join("chapters"))?;
    let mut anchors = BTreeMap::new();
    for path in &sources {
        let text = read(path)?;
        anchors.insert(path.clone(), anchors_of(&text, &shown(project, path), &mut problems));
    }

    let pages = pages(&book)?;
    let mut used = BTreeSet::new();
    for path in pages.values() {
        let text = read(path)?;
        let page = Page { path, name: shown(project, path), text: &text };
        page.check_listings(&anchors, &mut used, &mut problems);
        page.check_links(&pages, &mut problems)?;
    }
    for (path, names) in &anchors {
        for name in names {
            if !used.contains(&(path.clone(), name.clone())) {
                problems.push(format!("{}: no page shows anchor {name:?}", shown(project, path)));
            }
        }
    }
    problems.extend(check_summary(&read(&book.join("SUMMARY.md"))?, &pages));
    problems.extend(reproduce::problems(project)?);
    Ok(problems)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// A path as the reader knows it, from the project's root.
fn shown(project: &Project, path: &Path) -> String {
    path.strip_prefix(&project.root).unwrap_or(path).display().to_string()
}

/// The Rust files of all chapters and their experiments.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The pages by their file names, but for the summary.
fn pages(book: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(book).with_context(|| book.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
        if name.ends_with(".md") && name != "SUMMARY.md" {
            found.insert(name, path);
        }
    }
    Ok(found)
}

/// The names of a source's anchors, each of which must be opened once, closed, and hold something.
fn anchors_of(text: &str, file: &str, problems: &mut Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open: Option<(String, bool)> = None;
    let mut problem = |line: usize, what: String| problems.push(format!("{file}:{line}: {what}"));
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.trim().strip_prefix("// ");
        if let Some(name) = comment.and_then(|text| text.strip_prefix("ANCHOR: ")) {
            if let Some((outer, _)) = &open {
                problem(number, format!("anchor {name:?} inside of {outer:?}"));
            }
            if names.iter().any(|other| other == name) {
                problem(number, format!("anchor {name:?} a second time"));
            }
            names.push(name.to_string());
            open = Some((name.to_string(), false));
        } else if let Some(name) = comment.and_then(|text| text.strip_prefix("ANCHOR_END: ")) {
            match open.take() {
                Some((opened, true)) if opened == name => {}
                Some((opened, false)) if opened == name => {
                    problem(number, format!("anchor {name:?} holds nothing"));
                }
                _ => problem(number, format!("anchor {name:?} ends, but is not open")),
            }
        } else if let Some((_, filled)) = &mut open {
            *filled |= !line.trim().is_empty();
        }
    }
    if let Some((name, _)) = open {
        problem(text.lines().count(), format!("anchor {name:?} is not closed"));
    }
    if names.len() > MOST_ANCHORS {
        problem(1, format!("{} anchors; {MOST_ANCHORS} are the most", names.len()));
    }
    names
}

struct Page<'a> {
    path: &'a Path,
    name: String,
    text: &'a str,
}

impl Page<'_> {
    /// Every listing in Rust is included from a chapter or says that it is not, and every include finds something.
    fn check_listings(
        &self,
        anchors: &BTreeMap<PathBuf, Vec<String>>,
        used: &mut BTreeSet<(PathBuf, String)>,
        problems: &mut Vec<String>,
    ) {
        let mut problem =
            |line: usize, what: String| problems.push(format!("{}:{line}: {what}", self.name));
        let mut fence: Option<(usize, String, bool)> = None; // its line, its language, and whether something is included
        for (number, line) in (1..).zip(self.text.lines()) {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                match fence.take() {
                    None => fence = Some((number, language.to_string(), false)),
                    Some((start, language, included)) => {
                        let tags: Vec<&str> = language.split(',').collect();
                        let rust = tags[0] == "rust";
                        if rust && !tags.contains(&"ignore") {
                            problem(start, "a listing in Rust is not marked `ignore`".into());
                        }
                        if rust && included == tags.contains(&"handwritten") {
                            let what = if included {
                                "is included but"
                            } else {
                                "is not included and not"
                            };
                            problem(
                                start,
                                format!("a listing in Rust {what} marked `handwritten`"),
                            );
                        }
                    }
                }
            }
            let Some(include) = between(line, "{{#include ", "}}") else { continue };
            if let Some((_, _, included)) = &mut fence {
                *included = true;
            }
            let (file, anchor) = match include.rsplit_once(".rs:") {
                Some((file, anchor)) => (format!("{file}.rs"), Some(anchor)),
                None => (include.to_string(), None),
            };
            let path = tidy(&self.path.with_file_name(&file));
            match (anchors.get(&path), anchor) {
                _ if !path.is_file() => problem(number, format!("no file {file}")),
                (Some(names), Some(anchor)) if !names.iter().any(|name| name == anchor) => {
                    problem(number, format!("{file} has no anchor {anchor:?}"));
                }
                (_, Some(anchor)) => drop(used.insert((path, anchor.to_string()))),
                (_, None) => {}
            }
        }
        if let Some((start, _, _)) = fence {
            problem(start, "a listing is not closed".into());
        }
    }

    /// Links to pages, their headings and files of the project lead somewhere, and every picture says what it shows.
    fn check_links(
        &self,
        pages: &BTreeMap<String, PathBuf>,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        for (number, line) in prose(self.text) {
            for (picture, label, target) in links(line) {
                let mut problem =
                    |what: String| problems.push(format!("{}:{number}: {what}", self.name));
                if picture && label.trim().is_empty() {
                    problem(format!("picture {target} does not say what it shows"));
                }
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let path = match file {
                    "" => self.path.to_path_buf(),
                    _ => tidy(&self.path.with_file_name(file)),
                };
                if !path.exists() {
                    problem(format!("link to {target}, which is not there"));
                } else if file.ends_with(".md") && !file.contains('/') && !pages.contains_key(file)
                {
                    problem(format!("link to {target}, which is no page"));
                } else if !heading.is_empty() && !headings(&read(&path)?).contains(heading) {
                    problem(format!("link to {target}: no such heading"));
                }
            }
        }
        Ok(())
    }
}

/// Every page is in the summary once, and the summary names no other.
fn check_summary(summary: &str, pages: &BTreeMap<String, PathBuf>) -> Vec<String> {
    let named: Vec<&str> = summary.lines().flat_map(links).map(|(_, _, target)| target).collect();
    let mut problems = Vec::new();
    for name in pages.keys() {
        match named.iter().filter(|other| *other == name).count() {
            1 => {}
            n => problems.push(format!("book/SUMMARY.md: {name} stands there {n} times")),
        }
    }
    for name in named.iter().filter(|name| !pages.contains_key(**name)) {
        problems.push(format!("book/SUMMARY.md: no page {name}"));
    }
    problems
}

/// The lines of a page that are not in listings, with their numbers from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut listing = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        listing ^= fence;
        !listing && !fence
    })
}

/// The Markdown links of a line: whether it is a picture, its label, and its target.
fn links(line: &str) -> Vec<(bool, &str, &str)> {
    let mut found = Vec::new();
    for (middle, _) in line.match_indices("](") {
        let Some(end) = line[middle..].find(')') else { continue };
        let Some(start) = line[..middle].rfind('[') else { continue };
        let picture = line[..start].ends_with('!');
        found.push((picture, &line[start + 1..middle], &line[middle + 2..middle + end]));
    }
    found
}

/// The names under which a page's headings can be linked to, as mdBook makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|(_, line)| line.starts_with('#'));
    let name = |title: &str| -> String {
        let title = title.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    titles.map(|(_, title)| name(title)).collect()
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = line.split_once(start)?.1;
    Some(rest.split_once(end)?.0)
}

/// A path without `..`, which need not exist.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(tidy.pop()),
            _ => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project with one chapter and one page, and what is wrong with it.
    fn problems_of(source: &str, page: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("chapters/ch4-x/src")).unwrap();
        fs::create_dir_all(at("book/images")).unwrap();
        fs::write(at("chapters/ch4-x/src/model.rs"), source).unwrap();
        fs::write(at("book/images/sheet.png"), "").unwrap();
        fs::write(at("book/page.md"), page).unwrap();
        fs::write(at("book/SUMMARY.md"), "- [Page](page.md)\n").unwrap();
        problems(&Project { root: root.path().into(), exported: None }).unwrap()
    }

    const SOURCE: &str = "// ANCHOR: net\nstruct Net;\n// ANCHOR_END: net\n";
    const LISTING: &str = "```rust,ignore\n{{#include ../chapters/ch4-x/src/model.rs:net}}\n```\n";

    #[test]
    fn a_page_that_is_right_has_no_problems() {
        let prose = "# A page\n\n## What it's for\n\n[here](#what-its-for), [page](page.md#a-page), \
                     [file](../chapters/ch4-x/src/model.rs), ![bricks](images/sheet.png), [far](https://x.org)\n";
        let handwritten =
            "```rust,ignore,handwritten\nlet x = 1;\n```\n```console\ncargo run\n```\n";
        assert_eq!(problems_of(SOURCE, &[prose, LISTING, handwritten].concat()), [""; 0]);
    }

    #[test]
    fn whatever_is_wrong_is_found() {
        let page = |more: &str| [LISTING, more].concat();
        let cases = [
            (SOURCE, String::new(), "no page shows anchor \"net\""),
            ("struct Net;\n", page(""), "has no anchor \"net\""),
            ("// ANCHOR: net\nstruct Net;\n", page(""), "is not closed"),
            ("// ANCHOR: net\n// ANCHOR_END: net\n", page(""), "holds nothing"),
            ("// ANCHOR: net\nx\n// ANCHOR_END: nat\n", page(""), "is not open"),
            (&[SOURCE, SOURCE].concat(), page(""), "a second time"),
            (SOURCE, page("```rust,ignore\nlet x = 1;\n```\n"), "not marked `handwritten`"),
            (SOURCE, page("```rust,handwritten\nlet x = 1;\n```\n"), "not marked `ignore`"),
            (SOURCE, page("```text\n"), "is not closed"),
            (SOURCE, page("{{#include ../chapters/gone.rs}}"), "no file"),
            (SOURCE, page("[x](gone.md)"), "link to gone.md, which is not there"),
            (SOURCE, page("[x](page.md#gone)"), "no such heading"),
            (SOURCE, page("![](images/sheet.png)"), "does not say what it shows"),
            (SOURCE, page("![x](images/gone.png)"), "which is not there"),
        ];
        for (source, page, expected) in cases {
            let found = problems_of(source, &page);
            assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:?}");
        }
        let many: String = (0..7).map(|i| SOURCE.replace("net", &format!("net{i}"))).collect();
        assert!(problems_of(&many, "").iter().any(|line| line.contains("7 anchors")));
    }

    #[test]
    fn the_summary_names_every_page_once() {
        let pages: BTreeMap<String, PathBuf> =
            ["a.md", "b.md"].map(|name| (name.to_string(), PathBuf::new())).into();
        let found = check_summary("- [A](a.md)\n- [A](a.md)\n- [C](c.md)\n", &pages);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    /// The book as it is.
    #[test]
    fn the_pages_fit_the_code() {
        let found = problems(&Project::find()).unwrap();
        assert!(found.is_empty(), "{found:#?}");
    }
}
