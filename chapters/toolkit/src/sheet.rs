//! Sheets: many small images on one picture.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};
use tch::{Device, Kind, Tensor};

/// Pixels between two images.
const GAP: u32 = 2;

/// Lays out `images: [n, 1 or 3, side, side]` in `[-1, 1]`, row by row, `columns` to a row, on white.
///
/// Every image keeps the same scale from −1 (black) to 1 (white); values outside are clipped. `enlarge` repeats each pixel
/// so many times in both directions.
pub fn sheet(images: &Tensor, columns: u32, enlarge: u32) -> RgbImage {
    let (n, channels, side, _) = images.size4().expect("a batch of images");
    let bytes = ((images.to_kind(Kind::Float) + 1.0) * 127.5).round().clamp(0.0, 255.0);
    let bytes = bytes.to_kind(Kind::Uint8).to_device(Device::Cpu).expand([n, 3, side, side], false);
    // From channels first to the pixel order of image files.
    let bytes = bytes.permute([0, 2, 3, 1]).contiguous();
    let size = (side * side * 3) as usize;
    let mut pixels = vec![0u8; n as usize * size];
    let length = pixels.len();
    bytes.copy_data_u8(&mut pixels, length);
    debug_assert!(channels == 1 || channels == 3);

    let (side, n) = (side as u32, n as u32);
    let (columns, step) = (columns.min(n), side * enlarge + GAP);
    let rows = n.div_ceil(columns);
    let white = Rgb([255; 3]);
    let mut page = RgbImage::from_pixel(columns * step + GAP, rows * step + GAP, white);
    for (index, bytes) in (0..n).zip(pixels.chunks_exact(size)) {
        let tile = RgbImage::from_raw(side, side, bytes.to_vec()).expect("as many bytes as pixels");
        let tile =
            imageops::resize(&tile, side * enlarge, side * enlarge, imageops::FilterType::Nearest);
        let (column, row) = (index % columns, index / columns);
        imageops::replace(
            &mut page,
            &tile,
            i64::from(GAP + column * step),
            i64::from(GAP + row * step),
        );
    }
    page
}

/// How many columns a sheet of so many images has: eight, more where there are many.
pub fn columns(count: i64) -> u32 {
    ((count as f64).sqrt().ceil() as u32).max(8)
}

/// Lays the first `rows` rows of several sheets of images `side` pixels wide and high one above the other: how a run went.
///
/// # Errors
/// If a sheet cannot be read, or the picture cannot be written.
pub fn save_progress(sheets: &[PathBuf], side: u32, rows: u32, path: &Path) -> Result<()> {
    let height = rows * (side + GAP) + GAP;
    let mut strips = Vec::new();
    for sheet in sheets {
        let page = image::open(sheet).with_context(|| sheet.display().to_string())?.into_rgb8();
        let height = height.min(page.height());
        strips.push(imageops::crop_imm(&page, 0, 0, page.width(), height).to_image());
    }
    ensure!(!strips.is_empty(), "{}: there are no sheets to put on it", path.display());
    // A wider gap between two moments than between two rows.
    let whole: u32 = strips.iter().map(|strip| strip.height() + 3 * GAP).sum();
    let width = strips.iter().map(RgbImage::width).max().expect("at least one strip");
    let mut picture = RgbImage::from_pixel(width, whole - 3 * GAP, Rgb([255; 3]));
    let mut y = 0;
    for strip in strips {
        imageops::replace(&mut picture, &strip, 0, y);
        y += i64::from(strip.height() + 3 * GAP);
    }
    save(&picture, path)
}

/// Lays pictures of one size side by side, `columns` to a row, in the order in which they come.
///
/// # Errors
/// If there are none, one cannot be read or is of another size, or the picture cannot be written.
pub fn save_side_by_side(pictures: &[PathBuf], columns: u32, path: &Path) -> Result<()> {
    let read = |picture: &PathBuf| {
        let page = image::open(picture).with_context(|| picture.display().to_string())?;
        Ok(page.into_rgb8())
    };
    let pages: Vec<RgbImage> = pictures.iter().map(read).collect::<Result<_>>()?;
    let first = pages.first();
    let first = first.with_context(|| format!("{}: no pictures to put on it", path.display()))?;
    let ((width, height), columns) = (first.dimensions(), columns.min(pages.len() as u32));
    let rows = (pages.len() as u32).div_ceil(columns);
    let mut whole = RgbImage::from_pixel(columns * width, rows * height, Rgb([255; 3]));
    for (index, (page, picture)) in (0..).zip(pages.iter().zip(pictures)) {
        ensure!(page.dimensions() == (width, height), "{}: another size", picture.display());
        let (column, row) = (index % columns, index / columns);
        imageops::replace(&mut whole, page, i64::from(column * width), i64::from(row * height));
    }
    save(&whole, path)
}

/// Of `steps`, which rise, those that show best how a run went: the last, the one nearest to half of it, to half of that, and so on,
/// at most `count`; they rise too.
pub fn moments(steps: &[u64], count: usize) -> Vec<u64> {
    let mut chosen = Vec::new();
    let Some(mut wanted) = steps.last().copied() else { return chosen };
    while chosen.len() < count && wanted > 0 {
        let nearest = *steps.iter().min_by_key(|step| step.abs_diff(wanted)).expect("a step");
        if chosen.last() != Some(&nearest) {
            chosen.push(nearest);
        }
        wanted /= 2;
    }
    chosen.reverse();
    chosen
}

/// Whether a picture could be written there: for programs that will have something to write only after minutes.
///
/// # Errors
/// If the file's ending is no picture's, or its folder is not there.
pub fn verify_path(path: &Path) -> Result<()> {
    ImageFormat::from_path(path).with_context(|| path.display().to_string())?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let is_there = folder.is_none_or(Path::is_dir);
    ensure!(is_there, "{}: there is no such folder to write it into", path.display());
    Ok(())
}

/// Writes the [`sheet`] of some images as PNG (or whatever the file's ending says).
///
/// # Errors
/// If there is no image, or the file cannot be written.
pub fn save_sheet(images: &Tensor, columns: u32, path: &Path) -> Result<()> {
    ensure!(images.size()[0] > 0, "{}: there are no images to put on it", path.display());
    save(&sheet(images, columns, 1), path)
}

/// Writes a picture so that a kill leaves the old one or the new one: grey ones as such, and PNG as small as it gets, since sheets are
/// kept and sent around.
///
/// # Errors
/// If it cannot be written, or the file's ending is no picture's.
pub fn save(picture: &RgbImage, path: &Path) -> Result<()> {
    let is_grey = picture.pixels().all(|Rgb([r, g, b])| r == g && g == b);
    let picture = DynamicImage::from(picture.clone());
    let picture = if is_grey { DynamicImage::from(picture.into_luma8()) } else { picture };
    let write = || -> Result<()> {
        let format = ImageFormat::from_path(path)?;
        let new = path.with_extension("new");
        let mut file = BufWriter::new(File::create(&new)?);
        if format == ImageFormat::Png {
            let (small, filter) = (CompressionType::Best, FilterType::Adaptive);
            picture.write_with_encoder(PngEncoder::new_with_quality(&mut file, small, filter))?;
        } else {
            picture.write_to(&mut file, format)?;
        }
        file.flush()?;
        Ok(fs::rename(&new, path)?)
    };
    write().with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use tch::Device;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn moments_double() {
        let tenths: Vec<u64> = (1..=10).map(|tenth| tenth * 600).collect();
        assert_eq!(moments(&tenths, 5), [600, 1200, 3000, 6000]);
        let many: Vec<u64> = (1..=160).map(|piece| piece * 50).collect();
        assert_eq!(moments(&many, 5), [500, 1000, 2000, 4000, 8000]);
        assert_eq!(moments(&[7], 5), [7]);
        assert!(moments(&[], 5).is_empty());
    }

    #[test]
    fn pictures_lie_side_by_side_in_order() {
        let folder = TempDir::new().unwrap();
        let files: Vec<PathBuf> = (0..5).map(|i| folder.path().join(format!("{i}.png"))).collect();
        for (i, file) in (0..).zip(&files) {
            RgbImage::from_pixel(4, 3, Rgb([i * 10, 0, 0])).save(file).unwrap();
        }
        let path = folder.path().join("all.png");
        save_side_by_side(&files, 3, &path).unwrap();
        let whole = image::open(&path).unwrap().into_rgb8();
        assert_eq!(whole.dimensions(), (12, 6));
        for (x, y, red) in [(0, 0, 0), (5, 1, 10), (11, 2, 20), (3, 3, 30), (7, 5, 40)] {
            assert_eq!(whole.get_pixel(x, y).0[0], red, "at {x}, {y}");
        }
        assert_eq!(whole.get_pixel(11, 5), &Rgb([255; 3]));

        RgbImage::new(4, 4).save(&files[2]).unwrap();
        assert!(save_side_by_side(&files, 3, &path).unwrap_err().to_string().contains("2.png"));
        assert!(save_side_by_side(&[], 3, &path).is_err());
    }

    #[test]
    fn progress_shows_the_top_of_each_sheet() {
        let folder = TempDir::new().unwrap();
        let files: Vec<PathBuf> = ["a.png", "b.png"].map(|name| folder.path().join(name)).into();
        // Three rows, of which the last is black.
        for (file, grey) in files.iter().zip([0.0, 0.5]) {
            let images = Tensor::full([9, 1, 8, 8], grey, (Kind::Float, Device::Cpu));
            let _ = images.narrow(0, 6, 3).fill_(-1.0);
            save_sheet(&images, 3, file).unwrap();
        }
        let path = folder.path().join("progress.png");
        save_progress(&files, 8, 2, &path).unwrap();
        let picture = image::open(&path).unwrap().into_rgb8();
        assert_eq!(picture.dimensions(), (3 * 10 + 2, 2 * (2 * 10 + 2) + 6));
        let grey = |y| picture.get_pixel(4, y)[0];
        assert_eq!([grey(5), grey(15), grey(33), grey(43)], [128, 128, 191, 191]);
        assert!(picture.pixels().all(|pixel| pixel[0] > 0), "the last row is not shown");
    }
}
