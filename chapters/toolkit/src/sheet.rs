//! Sheets: many small images on one picture.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage, imageops};
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

/// Writes the [`sheet`] of some images as PNG (or whatever the file's ending says).
///
/// # Errors
/// If there is no image, or the file cannot be written.
pub fn save_sheet(images: &Tensor, columns: u32, path: &Path) -> Result<()> {
    ensure!(images.size()[0] > 0, "{}: there are no images to put on it", path.display());
    sheet(images, columns, 1).save(path).with_context(|| path.display().to_string())
}
