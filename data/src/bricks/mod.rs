//! Grey toy bricks on white, drawn from true proportions: an 8 mm grid, bricks 9.6 mm and plates 3.2 mm
//! high, hollow underneath.
//!
//! `outline` makes flat outlines, `mesh` draws them out to solids, `parts` puts solids together to parts, `light`
//! works out which corners of a part lie in shade, and `render` takes the picture.

mod light;
mod mesh;
mod outline;
mod parts;
mod render;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use image::GrayImage;
use libm::{cos, sin};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use light::Openness;
use mesh::{Mesh, Vec3};
use render::Pose;

/// From where parts are looked at, and which parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Every part, from anywhere on the sphere, the camera rolled at random.
    Anywhere,
    /// Eight studded parts standing upright, from all round and 25–45° above, the camera level.
    Upright,
}

/// A kind of brick.
pub struct Part {
    name: &'static str,
    build: fn() -> Mesh,
    model: OnceLock<Model>,
}

/// What a picture of a part is drawn from, worked out when its first picture is.
struct Model {
    mesh: Mesh,
    openness: Openness,
    /// Middle of the box around the part, in mm.
    centre: Vec3,
    /// Distance of the farthest vertex from `centre`, in mm.
    radius: f32,
}

impl Part {
    /// The name in kebab case, as for a folder: `brick-2x4`.
    pub fn name(&self) -> &str {
        self.name
    }

    fn model(&self) -> &Model {
        self.model.get_or_init(|| Model::new((self.build)()))
    }
}

impl Model {
    fn new(mesh: Mesh) -> Self {
        let [low, high] = mesh.bounds();
        let centre = [0, 1, 2].map(|k| (low[k] + high[k]) / 2.0);
        let distance = |at: Vec3| {
            (0..3).map(|k| (at[k] - centre[k]) * (at[k] - centre[k])).sum::<f32>().sqrt()
        };
        let radius = mesh.vertices.iter().map(|v| distance(v.at)).fold(0.0, f32::max);
        Model { openness: Openness::new(&mesh), mesh, centre, radius }
    }
}

/// The parts that a view shows.
pub fn parts(view: View) -> Vec<Part> {
    let shown = |name: &str| view == View::Anywhere || parts::UPRIGHT.contains(&name);
    parts::ALL
        .iter()
        .filter(|(name, _)| shown(name))
        .map(|&(name, build)| Part { name, build, model: OnceLock::new() })
        .collect()
}

/// Draws a part in the middle of a white square of `side` pixels. The same state of `rng` gives the same picture.
pub fn draw(part: &Part, view: View, side: u32, rng: &mut ChaCha8Rng) -> GrayImage {
    let pose = match view {
        View::Anywhere => Pose { axes: any_axes(rng), fill: between(rng, 0.84, 0.94), zoom: 1.5 },
        View::Upright => Pose { axes: upright_axes(rng), fill: 0.9, zoom: 1.15 },
    };
    render::render(part.model(), &pose, side)
}

/// A rotation drawn uniformly from all: that of a random unit quaternion.
fn any_axes(rng: &mut ChaCha8Rng) -> [Vec3; 3] {
    let [w, x, y, z] = loop {
        let q: [f32; 4] = std::array::from_fn(|_| between(rng, -1.0, 1.0));
        let length = q.iter().map(|c| c * c).sum::<f32>().sqrt();
        if length > 0.1 && length <= 1.0 {
            break q.map(|c| c / length);
        }
    };
    [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ]
}

/// A level camera that looks down from a random azimuth and 25–45° of elevation.
fn upright_axes(rng: &mut ChaCha8Rng) -> [Vec3; 3] {
    let azimuth = f64::from(between(rng, 0.0, 360.0)).to_radians();
    let elevation = f64::from(between(rng, 25.0, 45.0)).to_radians();
    let [sa, ca, se, ce] = [sin(azimuth), cos(azimuth), sin(elevation), cos(elevation)];
    [[-sa, ca, 0.0], [-se * ca, -se * sa, ce], [ce * ca, ce * sa, se]]
        .map(|axis| axis.map(|c| c as f32))
}

fn between(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.random::<f32>()
}
