//! An mdBook preprocessor: what to do with links to files of the project, which are not in the book.
//!
//! In a page they are relative, `[`chapters/…`](../chapters/…)`, and lead there wherever the pages lie beside the code. In the built
//! book they lead to the repository in the web, or, while book.toml names none, become plain text. A link to a notebook downloads it,
//! where [`COPIED`] says that the notebooks will lie beside the pages.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The environment variable by which `cargo xtask book` says that it copies the notebooks into the book.
pub const COPIED: &str = "GAN_BOOK_COPIES_NOTEBOOKS";

/// Where links to files of the project lead.
struct Targets<'a> {
    repository: &'a str,
    notebooks: bool,
}

/// Answers mdBook: to `supports RENDERER` with yes, else with the book that came on standard input, its links changed.
pub fn answer(args: &[String]) -> Result<()> {
    if args.first().is_some_and(|word| word == "supports") {
        return Ok(());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input")?;
    let input: Value = serde_json::from_str(&text).context("mdBook did not send JSON")?;
    let repository = input.pointer("/0/config/preprocessor/captions/repository");
    let repository = repository.and_then(Value::as_str).unwrap_or_default().trim_end_matches('/');
    let Some(book) = input.get(1) else { bail!("mdBook sent no book") };
    let mut book = book.clone();
    let targets = Targets { repository, notebooks: std::env::var_os(COPIED).is_some() };
    change(&mut book, &targets);
    std::io::stdout().write_all(book.to_string().as_bytes()).context("standard output")
}

/// Changes every chapter's content, however deep it lies.
fn change(value: &mut Value, targets: &Targets<'_>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| change(value, targets)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if name == "content" => *text = relink(text, targets),
                    _ => change(value, targets),
                }
            }
        }
        _ => {}
    }
}

/// A page whose links to files beside the book lead to the repository, or nowhere if that is empty, and those to notebooks to the
/// copies in the book.
fn relink(page: &str, &Targets { repository, notebooks }: &Targets<'_>) -> String {
    let mut done = String::new();
    let mut rest = page;
    while let Some(middle) = rest.find("](../") {
        let (Some(start), Some(length)) = (rest[..middle].rfind('['), rest[middle..].find(')'))
        else {
            break;
        };
        let (label, target) = (&rest[start + 1..middle], &rest[middle + 5..middle + length]);
        done.push_str(&rest[..start]);
        done.push_str(&match repository {
            _ if notebooks && target.ends_with(".ipynb") => {
                format!("<a href=\"{target}\" download>{label}</a>")
            }
            "" => label.to_string(),
            _ => format!("[{label}]({repository}/blob/main/{target})"),
        });
        rest = &rest[middle + length + 1..];
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "*It: [`a.rs`](../chapters/a.rs).* [b](b.md) ![c](images/c.png)\n";

    #[test]
    fn links_lead_to_the_repository_or_nowhere() {
        let there = relink(PAGE, &Targets { repository: "https://x.org/gans", notebooks: true });
        assert!(there.starts_with("*It: [`a.rs`](https://x.org/gans/blob/main/chapters/a.rs).*"));
        assert!(there.ends_with(".* [b](b.md) ![c](images/c.png)\n"));
        let nowhere = Targets { repository: "", notebooks: false };
        assert_eq!(relink(PAGE, &nowhere), "*It: `a.rs`.* [b](b.md) ![c](images/c.png)\n");
    }

    #[test]
    fn notebooks_are_downloaded_where_they_are_copied() {
        let page = "The [notebook](../notebooks/dcgan.ipynb), too.";
        let with = |notebooks| relink(page, &Targets { repository: "", notebooks });
        assert_eq!(with(true), "The <a href=\"notebooks/dcgan.ipynb\" download>notebook</a>, too.");
        assert_eq!(with(false), "The notebook, too.");
    }

    #[test]
    fn every_chapter_is_changed() {
        let chapter = |inner: Value| serde_json::json!({"Chapter": {"name": "x", "content": PAGE, "sub_items": inner}});
        let mut book =
            serde_json::json!({"items": [chapter(serde_json::json!([chapter(Value::Null)]))]});
        change(&mut book, &Targets { repository: "", notebooks: false });
        assert!(!book.to_string().contains("../chapters"), "{book}");
    }
}
