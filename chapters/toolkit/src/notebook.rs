//! For the notebooks: where to compute, the clock, and pictures that Jupyter shows below a cell.

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, Rgb, RgbImage};
use tch::Tensor;

use crate::compute::DeviceChoice;
pub use crate::compute::PrecisionChoice;
use crate::plot::{self, Curve};
use crate::{Compute, sheet};

/// A notebook that is being run.
pub struct Session {
    /// Where it computes, and how precisely.
    pub compute: Compute,
    why: String,
    begun: Instant,
}

impl Session {
    /// Starts the clock, and chooses as `--device auto` and `--precision` do.
    ///
    /// # Errors
    /// If libtorch names a GPU that it cannot use.
    pub fn begin(precision: PrecisionChoice) -> Result<Session> {
        let device = DeviceChoice::Auto.resolve()?;
        let (kind, why) = precision.resolve(device);
        Ok(Session { compute: Compute { device, kind }, why, begun: Instant::now() })
    }
}

impl fmt::Display for Session {
    /// Where it computes and how long it has been running.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.begun.elapsed().as_secs_f64();
        write!(f, "{} ({}); {seconds:.0} seconds since the start", self.compute, self.why)
    }
}

/// A picture. As the last expression of a cell it is shown below it.
pub enum Picture {
    /// Pixels, which go to Jupyter as PNG.
    Pixels(RgbImage),
    /// A drawing, as SVG.
    Drawing(String),
}

impl Picture {
    /// What evcxr calls to show the value of a cell.
    pub fn evcxr_display(&self) {
        match self {
            Picture::Pixels(image) => {
                // A grey picture takes a third of the room as such.
                let grey = image.pixels().all(|Rgb([r, g, b])| r == g && g == b);
                let image = DynamicImage::from(image.clone());
                let image = if grey { image.into_luma8().into() } else { image };
                let mut png = Vec::new();
                let encoder = PngEncoder::new_with_quality(
                    &mut png,
                    CompressionType::Best,
                    FilterType::Adaptive,
                );
                image.write_with_encoder(encoder).expect("memory takes everything");
                evcxr_runtime::mime_type("image/png").bytes(&png);
            }
            Picture::Drawing(svg) => evcxr_runtime::mime_type("image/svg+xml").text(svg),
        }
    }
}

impl From<RgbImage> for Picture {
    fn from(image: RgbImage) -> Picture {
        Picture::Pixels(image)
    }
}

/// A sheet of images, `[n, 1 or 3, side, side]` in `[-1, 1]`, eight to a row.
pub fn sheet(images: &Tensor) -> Picture {
    sheet::sheet(images, 8, 1).into()
}

/// The curves of some losses: each a name and its values by step. `steps_per_epoch` steps make a point of the strong line.
///
/// # Errors
/// If they cannot be drawn.
pub fn curves(curves: &[(&str, &[(u64, f64)])], steps_per_epoch: u64) -> Result<Picture> {
    let curves: Vec<Curve<'_>> =
        curves.iter().map(|&(name, points)| Curve { name, points }).collect();
    Ok(Picture::Drawing(plot::losses_svg(&curves, steps_per_epoch)?))
}
