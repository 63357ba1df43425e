//! Painted faces with CelebA's attributes.
//!
//! A portrait is painted as on an easel, from the back to the front: background, hair behind the neck, neck and
//! clothes, ears, the skin modelled in relief and lit, beard, nose, eyes, mouth, then the hair in front, jewellery,
//! glasses, a hat, and the colour of the light over all. Nobody real is portrayed: every face is a draw of numbers.
//!
//! - `attributes`: which of the forty a portrait has;
//! - `sitter`: pose, light, build and colours that follow from them;
//! - `paint`: masks and brushes;
//! - `face`, `hair`, `dress`: what is painted with them.

mod attributes;
mod dress;
mod face;
mod hair;
mod paint;
mod sitter;
#[cfg(test)]
mod tests;

use image::RgbImage;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use attributes::Attributes;
pub use attributes::{ATTRIBUTES, is_drawn};
use sitter::Sitter;

/// Draws one portrait, 178 × 218, and what it has of the attributes named in [`ATTRIBUTES`].
pub fn draw(rng: &mut ChaCha8Rng) -> (RgbImage, [bool; 40]) {
    let has = attributes::sample(rng);
    (portrait(has, rng), has.0)
}

/// A portrait with exactly these attributes.
fn portrait(has: Attributes, rng: &mut ChaCha8Rng) -> RgbImage {
    // Every layer has a generator of its own, so that a hat more or less does not change the shirt.
    let mut own = || ChaCha8Rng::seed_from_u64(rng.next_u64());
    let sitter = Sitter::new(has, &mut own());
    let mut canvas = dress::background(&mut own());
    let head = face::head(&sitter);
    hair::paint_behind(&mut canvas, &sitter, &mut own());
    face::paint_neck(&mut canvas, &sitter);
    dress::paint_clothes(&mut canvas, &sitter, &mut own());
    face::paint_ears(&mut canvas, &sitter);
    face::paint_skin(&mut canvas, &sitter, &head);
    hair::paint_beard(&mut canvas, &sitter, &head, &mut own());
    face::paint_nose(&mut canvas, &sitter);
    face::paint_eyes(&mut canvas, &sitter, &mut own());
    face::paint_brows(&mut canvas, &sitter, &mut own());
    face::paint_mouth(&mut canvas, &sitter, &mut own());
    hair::paint_hair(&mut canvas, &sitter, &head, &mut own());
    dress::paint_earrings(&mut canvas, &sitter, &mut own());
    dress::paint_glasses(&mut canvas, &sitter, &mut own());
    dress::paint_hat(&mut canvas, &sitter, &mut own());
    let warm = 0.045 * sitter.warmth;
    let tint = [1.0 + warm, 1.0, 1.0 - 1.3 * warm].map(|c| c * sitter.brightness);
    canvas.finish(|_, colour| std::array::from_fn(|i| colour[i] * tint[i]))
}
