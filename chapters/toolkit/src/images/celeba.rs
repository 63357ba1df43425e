//! CelebA's table of attributes, joined to the images on the file name and never on the number of
//! the row.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::folder::Listing;

/// The folder in which CelebA's images lie; in Kaggle's archive twice, one in the other.
pub(super) const FOLDER: &str = "img_align_celeba";

/// The table as Kaggle has it, and as its authors published it.
const TABLES: [&str; 2] = ["list_attr_celeba.csv", "list_attr_celeba.txt"];

/// Yes or no for every image and attribute, in the order of the listing.
pub(super) struct Attributes {
    table: PathBuf,
    columns: Vec<String>,
    /// `[image][column]`.
    values: Vec<bool>,
}

impl Attributes {
    /// Reads the table that belongs to a listing, if there is one: beside the images, or beside
    /// `img_align_celeba/`.
    ///
    /// # Errors
    /// If the table cannot be read, has a row without an image, or has no row for an image.
    pub fn of(listing: &Listing) -> Result<Option<Attributes>> {
        let Some(table) = find(&listing.root) else { return Ok(None) };
        let mut join = Join::new(listing, &table);
        let joined = if table.extension().is_some_and(|extension| extension == "csv") {
            join.csv()
        } else {
            join.text()
        };
        joined.with_context(|| table.display().to_string())?;
        join.finish().map(Some)
    }

    /// One attribute of every image.
    pub fn column(&self, name: &str) -> Result<Vec<bool>> {
        let width = self.columns.len();
        if let Some(column) = self.columns.iter().position(|known| known == name) {
            return Ok(self.values.chunks_exact(width).map(|row| row[column]).collect());
        }
        let likeness =
            |known: &String| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
        let closest = self
            .columns
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .filter(|column| likeness(column) > 0.8);
        let hint = closest.map(|c| format!("; did you mean {c:?}?")).unwrap_or_default();
        bail!("{}: no column {name:?}{hint}", self.table.display())
    }

    /// Leaves out the images for which `keep` is false.
    pub fn retain(&mut self, keep: &[bool]) {
        let rows = self.values.chunks_exact(self.columns.len()).zip(keep);
        self.values = rows.filter(|(_, keep)| **keep).flat_map(|(row, _)| row).copied().collect();
    }
}

/// Looks in the folder of the images and, as long as that is called `img_align_celeba`, in the one
/// above.
fn find(root: &Path) -> Option<PathBuf> {
    let mut folder = root;
    loop {
        let table = TABLES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        if table.is_some() || folder.file_name()? != FOLDER {
            return table;
        }
        folder = folder.parent()?;
    }
}

/// A table being joined to a listing, row by row.
struct Join<'a> {
    listing: &'a Listing,
    table: &'a Path,
    columns: Vec<String>,
    values: Vec<bool>,
    seen: Vec<bool>,
}

impl<'a> Join<'a> {
    fn new(listing: &'a Listing, table: &'a Path) -> Self {
        let seen = vec![false; listing.names.len()];
        Join { listing, table, columns: Vec::new(), values: Vec::new(), seen }
    }

    /// `image_id,5_o_Clock_Shadow,…`, then a row an image.
    fn csv(&mut self) -> Result<()> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_path(self.table)?;
        let header = reader.headers()?;
        ensure!(header.get(0) == Some("image_id"), "the first column is not \"image_id\"");
        self.set_columns(header.iter().skip(1))?;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            let line = record.position().map_or(0, csv::Position::line);
            self.row(record.iter()).with_context(|| format!("line {line}"))?;
        }
        Ok(())
    }

    /// The number of rows; the names of the attributes; then a row an image. Any white space
    /// separates.
    fn text(&mut self) -> Result<()> {
        let text = fs::read_to_string(self.table)?;
        let mut lines = text.lines().zip(1..).skip(1);
        let (header, _) = lines.next().context("the second line, with the names, is missing")?;
        self.set_columns(header.split_whitespace())?;
        for (row, line) in lines.filter(|(row, _)| !row.trim().is_empty()) {
            self.row(row.split_whitespace()).with_context(|| format!("line {line}"))?;
        }
        Ok(())
    }

    fn set_columns<'c>(&mut self, names: impl Iterator<Item = &'c str>) -> Result<()> {
        self.columns = names.map(str::to_string).collect();
        ensure!(!self.columns.is_empty(), "no attribute is named");
        self.values = vec![false; self.columns.len() * self.seen.len()];
        Ok(())
    }

    fn row<'c>(&mut self, mut cells: impl Iterator<Item = &'c str>) -> Result<()> {
        let id = cells.next().unwrap_or_default();
        let Ok(image) = self.listing.names.binary_search_by(|name| name.as_str().cmp(id)) else {
            bail!("{id:?} has no image in {}", self.listing.root.display());
        };
        ensure!(!self.seen[image], "a second row for {id:?}");
        self.seen[image] = true;

        let width = self.columns.len();
        let mut count = 0;
        for cell in cells {
            if let Some(column) = self.columns.get(count) {
                self.values[image * width + count] = match cell {
                    "1" => true,
                    "-1" | "0" => false,
                    _ => bail!("{cell:?} in column {column:?} is neither 1 nor -1"),
                };
            }
            count += 1;
        }
        ensure!(count == width, "{count} values for {width} columns");
        Ok(())
    }

    fn finish(self) -> Result<Attributes> {
        if let Some(image) = self.seen.iter().position(|seen| !seen) {
            bail!("{}: no row in {}", self.listing.path(image).display(), self.table.display());
        }
        let Join { columns, values, .. } = self;
        Ok(Attributes { table: self.table.to_path_buf(), columns, values })
    }
}
