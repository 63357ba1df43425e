//! Markdown tables, and what differs between two of them.

use anyhow::{Result, ensure};

/// A Markdown table: cells without the space around them.
#[derive(Debug, PartialEq)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A number that stands in both tables.
#[derive(Debug, PartialEq)]
pub struct Pair {
    /// The words of its row, and the head of its column.
    pub place: (String, String),
    /// In the book.
    pub book: f64,
    /// Here.
    pub here: f64,
    /// Whether the one is at most this factor from the other, where that is asked for.
    pub near: Option<bool>,
}

/// Reads all tables of a text.
pub fn parse(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let row = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'));
        let Some(row) = row else {
            inside = false;
            continue;
        };
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_string()).collect();
        match tables.last_mut() {
            Some(table) if inside => {
                let ruled = |cell: &String| cell.chars().all(|c| c == '-' || c == ':');
                if !cells.iter().all(ruled) {
                    table.rows.push(cells);
                }
            }
            _ => tables.push(Table { head: cells, rows: Vec::new() }),
        }
        inside = true;
    }
    tables
}

/// Sets the numbers of the book's tables beside those that were found here.
///
/// # Errors
/// If the tables differ in anything but numbers.
pub fn compare(book: &[Table], here: &[Table], judged: &[(&str, f64)]) -> Result<Vec<Pair>> {
    ensure!(book.len() == here.len(), "{} tables here, {} in the book", here.len(), book.len());
    let mut pairs = Vec::new();
    for (book, here) in book.iter().zip(here) {
        ensure!(
            book.head == here.head,
            "columns {:?} here, {:?} in the book",
            here.head,
            book.head
        );
        let (of_book, of_here) = (book.rows.len(), here.rows.len());
        ensure!(of_book == of_here, "{of_here} rows here, {of_book} in the book");
        for (book_row, here_row) in book.rows.iter().zip(&here.rows) {
            let words = words(book_row);
            ensure!(words == self::words(here_row), "{here_row:?} here, {book_row:?} in the book");
            for ((head, book), here) in book.head.iter().zip(book_row).zip(here_row) {
                if let (Some(book), Some(here)) = (number(book), number(here)) {
                    let cell = format!("{}: {head}", book_row[0]);
                    let named = |name: &str| head == name || book_row[0] == name || cell == name;
                    let factor = judged.iter().find(|(name, _)| named(name)).map(|(_, f)| *f);
                    let near = factor.map(|factor| is_near(book, here, factor));
                    pairs.push(Pair { place: (words.clone(), head.clone()), book, here, near });
                }
            }
        }
    }
    Ok(pairs)
}

fn is_near(a: f64, b: f64, factor: f64) -> bool {
    a == b || (a / b).is_finite() && (1.0 / factor..=factor).contains(&(a / b))
}

/// The cells of a row that are no numbers.
fn words(row: &[String]) -> String {
    let words: Vec<&str> =
        row.iter().filter(|cell| number(cell).is_none()).map(String::as_str).collect();
    words.join(", ")
}

/// The number that a cell begins with, such as `1,280`, `−0.5`, `3.2 %` or `**21.3**`.
fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim_matches('*').replace('−', "-").replace(',', "");
    cell.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = "\
Text.

| critic | seed | SWD × 10³ | seconds |
|---|---:|---|---|
| penalty | 0 | **29.2** | 80 |
| clip-0.1 | 0 | 1,039.3 | 81 |
";

    #[test]
    fn numbers_are_set_beside_each_other() {
        let here = BOOK.replace("29.2", "35.0").replace("1,039.3", "100").replace("80", "160");
        let judged = [("SWD × 10³", 1.5)];
        let pairs = compare(&parse(BOOK), &parse(&here), &judged).unwrap();
        let found: Vec<_> = pairs.iter().map(|p| (p.book, p.here, p.near)).collect();
        assert_eq!(
            found,
            [
                (0.0, 0.0, None),
                (29.2, 35.0, Some(true)),
                (80.0, 160.0, None),
                (0.0, 0.0, None),
                (1039.3, 100.0, Some(false)),
                (81.0, 81.0, None)
            ]
        );
        assert_eq!(pairs[1].place, ("penalty".into(), "SWD × 10³".into()));
    }

    #[test]
    fn a_row_can_be_judged_by_its_name() {
        let table =
            |n| format!("| measure | value |\n|---|---|\n| SWD × 10³ | {n} |\n| steps | 6 |\n");
        let judged = [("SWD × 10³", 1.5)];
        let pairs = compare(&parse(&table(20)), &parse(&table(31)), &judged).unwrap();
        assert_eq!([pairs[0].near, pairs[1].near], [Some(false), None]);
        let one_cell = [("steps: value", 1.5)];
        let pairs = compare(&parse(&table(20)), &parse(&table(31)), &one_cell).unwrap();
        assert_eq!([pairs[0].near, pairs[1].near], [None, Some(true)]);
    }

    #[test]
    fn other_tables_are_refused() {
        for (from, to) in
            [("penalty", "clipped"), ("seed", "speed"), ("| penalty | 0 | **29.2** | 80 |\n", "")]
        {
            let here = BOOK.replace(from, to);
            assert!(compare(&parse(BOOK), &parse(&here), &[]).is_err(), "{from}");
        }
        assert!(compare(&parse(BOOK), &[], &[]).is_err());
    }
}
