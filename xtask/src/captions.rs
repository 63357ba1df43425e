//! An mdBook preprocessor: what to do with links to files of the project, which are not in the book.
//!
//! In a page they are relative, `[`chapters/…`](../chapters/…)`, and lead there wherever the pages lie beside the code. In the built
//! book they lead to the repository in the web, or, while book.toml names none, become plain text.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail};
use serde_json::Value;

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
    change(&mut book, repository);
    std::io::stdout().write_all(book.to_string().as_bytes()).context("standard output")
}

/// Changes every chapter's content, however deep it lies.
fn change(value: &mut Value, repository: &str) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| change(value, repository)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if name == "content" => *text = relink(text, repository),
                    _ => change(value, repository),
                }
            }
        }
        _ => {}
    }
}

/// A page whose links to files beside the book lead to the repository, or nowhere if that is empty.
fn relink(page: &str, repository: &str) -> String {
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
        let there = relink(PAGE, "https://x.org/gans");
        assert!(there.starts_with("*It: [`a.rs`](https://x.org/gans/blob/main/chapters/a.rs).*"));
        assert!(there.ends_with(".* [b](b.md) ![c](images/c.png)\n"));
        assert_eq!(relink(PAGE, ""), "*It: `a.rs`.* [b](b.md) ![c](images/c.png)\n");
    }

    #[test]
    fn every_chapter_is_changed() {
        let chapter = |inner: Value| serde_json::json!({"Chapter": {"name": "x", "content": PAGE, "sub_items": inner}});
        let mut book =
            serde_json::json!({"items": [chapter(serde_json::json!([chapter(Value::Null)]))]});
        change(&mut book, "");
        assert!(!book.to_string().contains("../chapters"), "{book}");
    }
}
