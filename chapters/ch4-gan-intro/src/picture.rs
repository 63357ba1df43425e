//! Pictures of points and of what the discriminator thinks of every place in the plane.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbImage};
use tch::nn::ModuleT;
use tch::{Device, Kind, Tensor, no_grad};
use toolkit::Compute;
use toolkit::canvas::{Canvas, Colour, Place, mix};
use toolkit::sheet::{self, save_side_by_side};

/// The square that pictures show reaches from −EDGE to EDGE in both directions.
pub const EDGE: f64 = 1.5;

/// Side of that square in pixels.
const SIDE: u32 = 480;

/// The discriminator is asked at so many places in each direction.
const CELLS: i64 = 120;

/// Where the square's upper left corner lies, and how large the whole picture is.
const CORNER: (u32, u32) = (20, 52);
const SIZE: (u32, u32) = (588, 552);

/// Probabilities are shown in so many steps, so that the eye can follow a line of equal probability.
const BANDS: u32 = 20;

/// At most so many points of a kind are drawn; more would hide the rest.
const DOTS: i64 = 350;

// Blue stands for real and orange for fake, which colour-blind readers keep apart too (Okabe & Ito): strong for points,
// pale for the judgement. White is ½, where the discriminator cannot tell.
const REAL: Colour = [0, 95, 160];
const FAKE: Colour = [203, 75, 0];
const JUDGED_REAL: Colour = [132, 190, 232];
const JUDGED_FAKE: Colour = [250, 190, 120];
const WHITE: Colour = [255; 3];
const INK: Colour = [60, 60, 66];
const FRAME: Colour = [190, 190, 196];

/// What a discriminator thinks of every place in the square: the probability that a point there is real, row by row from
/// the upper left corner, one for each pixel.
pub struct Judgement(Vec<f32>);

impl Judgement {
    /// Asks the discriminator.
    pub fn of(discriminator: &dyn ModuleT, compute: Compute) -> Judgement {
        let places = grid(CELLS).to_device(compute.device).to_kind(compute.kind);
        let logits = no_grad(|| discriminator.forward_t(&places, false));
        let side = i64::from(SIDE);
        let smooth = logits
            .view([1, 1, CELLS, CELLS])
            .upsample_bilinear2d([side, side], false, None, None)
            .sigmoid()
            .to_kind(Kind::Float)
            .to_device(Device::Cpu)
            .flatten(0, -1);
        Judgement(Vec::try_from(smooth).expect("a vector of numbers"))
    }
}

/// The middles of `cells` × `cells` cells that fill the square, row by row from the upper left corner: `[cells², 2]`.
fn grid(cells: i64) -> Tensor {
    let middles = (Tensor::arange(cells, (Kind::Float, Device::Cpu)) + 0.5) / cells as f64;
    let across = (middles * 2.0 - 1.0) * EDGE;
    let rows_and_columns = Tensor::meshgrid_indexing(&[-&across, across], "ij");
    Tensor::stack(&[&rows_and_columns[1], &rows_and_columns[0]], 2).view([-1, 2])
}

/// What is to be seen in a picture. Points are `[n, 2]`; of many the first few hundred are drawn.
#[derive(Default)]
pub struct Scene<'a> {
    /// Above the square, on the left. Small letters and digits only.
    pub title: String,
    /// Above the square, on the right.
    pub note: String,
    /// Blue dots.
    pub real: Option<&'a Tensor>,
    /// Orange dots, above the blue ones.
    pub fake: Option<&'a Tensor>,
    /// The ground on which they lie, and its key.
    pub judgement: Option<&'a Judgement>,
}

impl Scene<'_> {
    /// Draws the scene.
    pub fn draw(&self) -> RgbImage {
        let mut canvas = Canvas::new(SIZE.0, SIZE.1, WHITE);
        if let Some(Judgement(probabilities)) = self.judgement {
            for (index, probability) in (0..).zip(probabilities) {
                let (x, y) = (index % SIDE, index / SIDE);
                canvas.pixel(CORNER.0 + x, CORNER.1 + y, judged(f64::from(*probability)));
            }
        }
        let kinds = [(self.real, REAL, 2.2, 0.65), (self.fake, FAKE, 2.4, 0.8)];
        for (points, colour, radius, opacity) in kinds {
            for place in points.into_iter().flat_map(places) {
                canvas.dot(place, radius, colour, opacity);
            }
        }
        frame(&mut canvas);
        let (left, top, side) = (f64::from(CORNER.0), f64::from(CORNER.1), f64::from(SIDE));
        canvas.text((left, top - 18.0), 17.0, &self.title, INK);
        let width = Canvas::text_width(17.0, &self.note);
        canvas.text((left + side - width, top - 18.0), 17.0, &self.note, INK);
        self.key(&mut canvas);
        canvas.into_image()
    }

    /// On the right: what the colours mean.
    fn key(&self, canvas: &mut Canvas) {
        let (left, width, height) = (CORNER.0 + SIDE + 18, 16, 300);
        let top = CORNER.1 + (SIDE - height) / 2;
        if self.judgement.is_some() {
            for y in 0..height {
                let colour = judged(1.0 - (f64::from(y) + 0.5) / f64::from(height));
                for x in 0..width {
                    canvas.pixel(left + x, top + y, colour);
                }
            }
        }
        let (x, top, height) = (f64::from(left), f64::from(top), f64::from(height));
        if self.judgement.is_some() {
            for (text, share) in [("1", 0.0), ("1/2", 0.5), ("0", 1.0)] {
                canvas.text((x + 22.0, top + 6.0 + share * (height - 12.0) + 6.0), 12.0, text, INK);
            }
        }
        let kinds =
            [(self.real, "real", REAL, top - 20.0), (self.fake, "fake", FAKE, top + height + 30.0)];
        for (points, name, colour, baseline) in kinds {
            if points.is_some() {
                canvas.dot((x + 4.0, baseline - 5.0), 4.5, colour, 1.0);
                canvas.text((x + 14.0, baseline), 13.0, name, colour);
            }
        }
    }

    /// Draws the scene into a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        sheet::save(&self.draw(), path)
    }
}

/// The colour of a probability.
fn judged(probability: f64) -> Colour {
    let band = (probability * f64::from(BANDS)).floor().min(f64::from(BANDS - 1));
    let sure = (band + 0.5) / f64::from(BANDS) * 2.0 - 1.0;
    mix(WHITE, if sure > 0.0 { JUDGED_REAL } else { JUDGED_FAKE }, sure.abs())
}

/// Where the first points lie on the canvas, if they do.
fn places(points: &Tensor) -> Vec<Place> {
    let first = points.narrow(0, 0, points.size()[0].min(DOTS)).to_device(Device::Cpu);
    let numbers: Vec<f32> = Vec::try_from(first.flatten(0, -1)).expect("a vector of numbers");
    let inside = |xy: &&[f32]| xy.iter().all(|c| f64::from(c.abs()) < EDGE);
    let place = |xy: &[f32]| {
        let share = [xy[0], -xy[1]].map(|c| (f64::from(c) / EDGE + 1.0) / 2.0 * f64::from(SIDE));
        (f64::from(CORNER.0) + share[0], f64::from(CORNER.1) + share[1])
    };
    numbers.chunks_exact(2).filter(inside).map(place).collect()
}

/// A thin line around the square.
fn frame(canvas: &mut Canvas) {
    let (left, top) = CORNER;
    for i in 0..SIDE {
        for (x, y) in [(i, 0), (i, SIDE - 1), (0, i), (SIDE - 1, i)] {
            canvas.pixel(left + x, top + y, FRAME);
        }
    }
}

/// Shows all PNG pictures in a folder one after the other, in the order of their names, again and again, as an animated GIF, and
/// gives their paths in that order.
///
/// # Errors
/// If a picture cannot be read or the GIF cannot be written.
pub fn animate(folder: &Path, path: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut pictures: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    pictures.retain(|path| path.extension().is_some_and(|ending| ending == "png"));
    pictures.sort();
    let write = || -> Result<()> {
        let mut encoder = GifEncoder::new_with_speed(File::create(path)?, 10);
        encoder.set_repeat(Repeat::Infinite)?;
        for (index, picture) in pictures.iter().enumerate() {
            let image = image::open(picture).with_context(|| picture.display().to_string())?;
            // Time to look at how it ended before it begins anew.
            let ms = if index + 1 == pictures.len() { 3000 } else { 150 };
            let delay = Delay::from_numer_denom_ms(ms, 1);
            encoder.encode_frame(Frame::from_parts(image.into_rgba8(), 0, 0, delay))?;
        }
        Ok(())
    };
    write().with_context(|| path.display().to_string())?;
    Ok(pictures)
}

/// Lays those of `pictures`, which are called by their steps, that are nearest to some `steps` into two rows.
///
/// # Errors
/// If there are none, one cannot be read or the whole cannot be written.
pub fn overview(pictures: &[PathBuf], steps: &[u64], path: &Path) -> Result<()> {
    let step_of = |picture: &PathBuf| picture.file_stem()?.to_str()?.parse::<u64>().ok();
    let nearest = |step: &u64| {
        let distance =
            |picture: &&PathBuf| step_of(picture).map_or(u64::MAX, |at| at.abs_diff(*step));
        pictures.iter().min_by_key(distance).cloned()
    };
    let chosen: Vec<PathBuf> = steps.iter().filter_map(nearest).collect();
    save_side_by_side(&chosen, steps.len().div_ceil(2) as u32, path)
}
