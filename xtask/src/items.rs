//! The top-level items of the chapters' Rust files, as the notebooks need them: which there are, what they are called, and which of
//! them mention which.
//!
//! The files are formatted by rustfmt, so that an item begins and ends at the left margin. That is all that is used here; a whole
//! parser would lose the comments, which the reader of a notebook wants.

use std::collections::BTreeSet;

/// A top-level item with the comments and attributes above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The anchor that it stands in, if any.
    pub anchor: Option<String>,
    /// Its source.
    pub text: String,
    /// What it is.
    pub kind: Kind,
}

/// What an item is, with the name that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A `use` declaration.
    Use,
    /// An `impl` block of this type.
    Impl(String),
    /// A function, a type, a constant…, that defines this name.
    Named(String),
}

/// Cuts a file into its items. Modules and the file's own documentation are left out.
pub fn items(source: &str) -> Vec<Item> {
    let mut found = Vec::new();
    let mut anchor = None;
    let mut lines: Vec<&str> = Vec::new();
    for line in source.lines() {
        let comment = line.strip_prefix("// ");
        if let Some(name) = comment.and_then(|text| text.strip_prefix("ANCHOR: ")) {
            anchor = Some(name.to_string());
        } else if comment.is_some_and(|text| text.starts_with("ANCHOR_END: ")) {
            anchor = None;
        } else if line.starts_with("//!") || line.is_empty() && lines.is_empty() {
            // Between items.
        } else {
            lines.push(line);
            if ends(line) {
                let text = lines.join("\n");
                lines.clear();
                if let Some(kind) = kind(&text) {
                    found.push(Item { anchor: anchor.clone(), text, kind });
                }
            }
        }
    }
    found
}

/// Whether an item ends with this line.
fn ends(line: &str) -> bool {
    let at_the_margin = !line.starts_with([' ', '/', '#']);
    at_the_margin && (line.ends_with('}') || line.ends_with(';'))
}

fn kind(text: &str) -> Option<Kind> {
    let head = text.lines().find(|line| !line.starts_with(['/', '#', ' ', ')', ']']))?;
    let head = head.strip_prefix("pub(crate) ").unwrap_or(head);
    let head = head.strip_prefix("pub ").unwrap_or(head);
    let (word, rest) = head.split_once([' ', '<'])?;
    match word {
        "use" => Some(Kind::Use),
        "impl" => {
            let rest = if head.starts_with("impl<") { without_parameters(rest) } else { rest };
            let of = rest.split_once(" for ").map_or(rest, |(_, of)| of);
            Some(Kind::Impl(first_word(of)))
        }
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" => {
            Some(Kind::Named(first_word(rest)))
        }
        _ => None,
    }
}

/// What follows the parameters of an `impl`, whose first `<` is gone already.
fn without_parameters(text: &str) -> &str {
    let mut depth = 1;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            // Not that of an arrow, as in `F: Fn(i64) -> i64`.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text[at + 1..].trim_start();
        }
        before = c;
    }
    text
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect()
}

impl Item {
    /// Whether a word occurs in its code, in whatever role.
    pub fn has_word(&self, word: &str) -> bool {
        self.text.lines().map(bare).any(|line| {
            let mut words = line.split(|c| !in_a_word(c));
            words.any(|other| other == word)
        })
    }

    /// Whether it needs what `name` stands for: it names it as a type or a constant, or calls it as a function. Comments, texts,
    /// fields and methods do not count.
    pub fn mentions(&self, name: &str) -> bool {
        let function = name.starts_with(|c: char| c.is_lowercase());
        self.text.lines().map(bare).any(|line| {
            line.match_indices(name).any(|(start, _)| {
                let (before, after) = (&line[..start], &line[start + name.len()..]);
                let whole = !before.ends_with(in_a_word) && !after.starts_with(in_a_word);
                let (before, after) = (before.trim_end(), after.trim_start());
                let defined = ["fn", "let", "mod"].iter().any(|word| before.ends_with(word));
                let own = !before.ends_with('.') && !before.ends_with("::") && !defined;
                // A function is called, or handed on as it is.
                let handed_on = before.ends_with(['(', '{']) && after.starts_with([')', '}']);
                whole && own && (!function || after.starts_with('(') || handed_on)
            })
        })
    }
}

fn in_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A line without its comment and without what stands in quotation marks.
fn bare(line: &str) -> String {
    let mut parts = line.split('"');
    let mut code = String::new();
    while let Some(outside) = parts.next() {
        if let Some((before, _)) = outside.split_once("//") {
            code.push_str(before);
            break;
        }
        code.push_str(outside);
        parts.next();
    }
    code
}

/// The paths that a `use` declaration brings in, one for each name: `tch::nn::{self, Path}` is `tch::nn` and `tch::nn::Path`.
pub fn paths(declaration: &str) -> Vec<String> {
    let code: String = declaration.lines().map(bare).collect();
    let code = code.trim_start_matches("pub ").trim_start_matches("use ").trim_end_matches(';');
    let mut found = BTreeSet::new();
    expand("", code, &mut found);
    found.into_iter().collect()
}

fn expand(before: &str, tree: &str, found: &mut BTreeSet<String>) {
    let tree = tree.trim();
    let Some((stem, branches)) = tree.split_once('{') else {
        if tree == "self" {
            found.insert(before.trim_end_matches("::").to_string());
        } else if !tree.is_empty() {
            found.insert(format!("{before}{tree}"));
        }
        return;
    };
    let branches = branches.trim_end().trim_end_matches('}');
    let before = format!("{before}{}", stem.trim());
    let (mut depth, mut start) = (0, 0);
    for (at, c) in branches.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, &branches[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand(&before, &branches[start..], found);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"//! A file.

use std::fmt;

// ANCHOR: net
/// Calls `helper()`.
#[derive(Debug)]
pub struct Net<T> {
    field: T,
}

impl<T> fmt::Display for Net<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Other")
    }
}
// ANCHOR_END: net

pub const TABLE: [(i64, &str); 2] = [
    (1, "one"),
];

fn helper(
    net: &Net<i64>,
) -> i64 {
    // Not TABLE.
    other(net.field).map(handed)
}
"#;

    #[test]
    fn a_file_is_cut_into_its_items() {
        let found = items(SOURCE);
        let kinds: Vec<Kind> = found.iter().map(|item| item.kind.clone()).collect();
        let named = |name: &str| Kind::Named(name.into());
        let expected =
            [Kind::Use, named("Net"), Kind::Impl("Net".into()), named("TABLE"), named("helper")];
        assert_eq!(kinds, expected);
        let anchors: Vec<bool> = found.iter().map(|item| item.anchor.is_some()).collect();
        assert_eq!(anchors, [false, true, true, false, false]);
        assert!(found[1].text.starts_with("/// Calls") && found[1].text.ends_with("\n}"));
    }

    #[test]
    fn an_impl_is_of_its_type() {
        for head in [
            "impl Net {",
            "impl fmt::Display for Net {",
            "impl<'a> Net<'a> {",
            "impl<T> Net<T> {",
            "impl<T: Into<Vec<T>>, const N: usize> From<T> for Net<N> {",
            "impl<F: Fn(i64) -> i64> Net<F> {",
        ] {
            assert_eq!(kind(head), Some(Kind::Impl("Net".into())), "{head}");
        }
    }

    #[test]
    fn an_item_mentions_what_it_uses() {
        let found = items(SOURCE);
        let helper = &found[4];
        assert!(["Net", "other", "handed"].iter().all(|name| helper.mentions(name)));
        assert!(!helper.mentions("helper") && !helper.mentions("TABLE"));
        assert!(!helper.mentions("field") && !helper.mentions("Ne"));
        assert!(!found[1].mentions("helper") && !found[2].mentions("Other"));
    }

    #[test]
    fn a_use_declaration_names_its_paths() {
        let expected = ["anyhow::Result", "tch::Tensor", "tch::nn", "tch::nn::Path"];
        let found = paths("use tch::{Tensor, nn::{self, Path}};");
        assert_eq!(found, expected[1..]);
        assert_eq!(paths("use anyhow::Result;"), expected[..1]);
        assert_eq!(paths("use a::{\n    b, // why\n    c,\n};"), ["a::b", "a::c"]);
    }
}
