//! From the bytes of an image file to the planes of one training image.
//!
//! 1. The format is recognised by content. PNG, JPEG, BMP, WebP, and GIF, of which the first frame
//!    counts.
//! 2. The picture is turned upright as its EXIF orientation says.
//! 3. Sixteen bits become eight; palettes and CMYK become RGB; what is transparent is laid on
//!    white.
//! 4. Grey, where it is wanted, is BT.601's luma `0.299 R + 0.587 G + 0.114 B`, as Pillow's
//!    `convert("L")`.
//! 5. The picture is squashed to a square without a crop, by the triangle filter widened by the
//!    scale, as Pillow's `BILINEAR`, which is antialiased where TensorFlow's is not. A picture of
//!    the right size is not touched.

use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbaImage};

/// Raised whenever the same file begins to give other pixels, so that caches are made anew.
pub(super) const VERSION: u32 = 1;

/// A decoder for one thread, with the buffers that it uses again and again.
pub(super) struct Decoder {
    side: u32,
    channels: usize,
    resizer: Resizer,
    /// `[side][side][channels]` of the picture.
    resized: Vec<u8>,
}

impl Decoder {
    pub fn new(side: u32, channels: usize) -> Self {
        Decoder { side, channels, resizer: Resizer::new(), resized: Vec::new() }
    }

    /// Decodes the file content `bytes` into `planes`: `[channels][side][side]`.
    pub fn decode(&mut self, bytes: &[u8], planes: &mut [u8]) -> Result<()> {
        let mut picture = Picture::read(bytes)?;
        if self.channels == 1 {
            picture.make_grey();
        }
        self.squash(&picture, planes)
    }

    fn squash(&mut self, picture: &Picture, planes: &mut [u8]) -> Result<()> {
        if (picture.width, picture.height) == (self.side, self.side) {
            separate(&picture.pixels, picture.channels, planes);
            return Ok(());
        }
        if picture.channels == 1 {
            self.resize::<U8>(picture)?;
        } else {
            self.resize::<U8x3>(picture)?;
        }
        separate(&self.resized, picture.channels, planes);
        Ok(())
    }

    /// Named pixel types, since `Resizer::resize` would have all thirteen compiled.
    fn resize<P: PixelTrait>(&mut self, picture: &Picture) -> Result<()> {
        let (side, filter) = (self.side, ResizeAlg::Convolution(FilterType::Bilinear));
        self.resized.resize((side as usize).pow(2) * picture.channels, 0);
        let source =
            TypedImageRef::<P>::from_buffer(picture.width, picture.height, &picture.pixels)?;
        let mut target = TypedImage::<P>::from_buffer(side, side, &mut self.resized)?;
        let options = ResizeOptions::new().resize_alg(filter);
        Ok(self.resizer.resize_typed(&source, &mut target, &options)?)
    }
}

/// Interleaved pixels, `[height][width][channels]`, to `planes`, one after the other. Grey fills
/// every plane.
fn separate(pixels: &[u8], channels: usize, planes: &mut [u8]) {
    let area = pixels.len() / channels;
    for (channel, plane) in planes.chunks_exact_mut(area).enumerate() {
        if channels == 1 {
            plane.copy_from_slice(pixels);
        } else {
            for (value, pixel) in plane.iter_mut().zip(pixels.chunks_exact(3)) {
                *value = pixel[channel];
            }
        }
    }
}

/// A whole picture of 1 (grey) or 3 (RGB) interleaved channels.
struct Picture {
    width: u32,
    height: u32,
    channels: usize,
    pixels: Vec<u8>,
}

impl Picture {
    fn read(bytes: &[u8]) -> Result<Picture> {
        ensure!(!bytes.is_empty(), "the file is empty");
        let format = image::guess_format(bytes).context("not an image")?;
        let reader = match format {
            ImageFormat::Jpeg if !jpeg_is_whole(bytes) => bail!("the end of the JPEG is missing"),
            ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::Bmp
            | ImageFormat::Gif
            | ImageFormat::WebP => ImageReader::with_format(Cursor::new(bytes), format),
            other => bail!("{other:?} is not among the formats that are read"),
        };
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(Picture::from(image))
    }

    /// Weights and rounding are Pillow's, to the bit.
    fn make_grey(&mut self) {
        if self.channels == 3 {
            let luma = |rgb: &[u8]| {
                let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
                ((19_595 * r + 38_470 * g + 7_471 * b + 0x8000) >> 16) as u8
            };
            self.pixels = self.pixels.chunks_exact(3).map(luma).collect();
            self.channels = 1;
        }
    }
}

impl From<DynamicImage> for Picture {
    fn from(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let (channels, pixels) = match image {
            DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_) => {
                (1, image.into_luma8().into_raw())
            }
            DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgb16(_) => {
                (3, image.into_rgb8().into_raw())
            }
            other => (3, on_white(&other.into_rgba8())),
        };
        Picture { width, height, channels, pixels }
    }
}

/// RGB of a transparent picture laid on white paper.
fn on_white(image: &RgbaImage) -> Vec<u8> {
    let blend = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    image.pixels().flat_map(|&image::Rgba([r, g, b, a])| [r, g, b].map(|v| blend(v, a))).collect()
}

/// The JPEG decoder fills what is missing with grey and says nothing, so the end-of-image marker is
/// looked for here. In coded data `FF` is followed by `00` or a restart marker, so the marker after
/// the last start of scan is the real one (an EXIF thumbnail has markers of its own, before it).
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    bytes.ends_with(&[0xFF, 0xD9]) || last([0xFF, 0xD9]) > last([0xFF, 0xDA])
}
