//! From a mesh to a picture: perspective, a depth buffer of 4 × 4 samples a pixel, soft light.

use image::{GrayImage, Luma};

use super::Model;
use super::mesh::Vec3;

/// Samples along each side of a pixel.
const SAMPLES: usize = 4;

/// Where the lamps stand as the camera sees it: x to the right, y up, z towards the camera.
const KEY: Vec3 = [-0.48, 0.72, 0.50];
const FILL: Vec3 = [0.70, 0.10, 0.70];

/// Distance of the camera from the middle of the part, in radii of the part.
const DISTANCE: f32 = 5.0;

/// How the camera stands to a part.
pub struct Pose {
    /// The camera's axes in the part's space: to the right, up, and from the part to the camera.
    pub axes: [Vec3; 3],
    /// Share of the picture's side that the part's longer extent fills.
    pub fill: f32,
    /// The largest magnification, where 1 just shows the whole sphere around the part: what is
    /// seen end-on stays smaller than what is seen from the side.
    pub zoom: f32,
}

/// A vertex on the picture, in samples, and the inverse of its distance.
#[derive(Clone, Copy)]
struct Seen {
    x: f32,
    y: f32,
    inverse: f32,
}

/// The triangle of a sample that shows the background.
const NOTHING: u32 = u32::MAX;

/// The nearest triangle at a sample and the inverse of its distance.
#[derive(Clone, Copy)]
struct Sample {
    inverse: f32,
    triangle: u32,
}

/// Draws a part on white.
pub fn render(model: &Model, pose: &Pose, side: u32) -> GrayImage {
    let width = side as usize * SAMPLES;
    let seen = project(model, pose, width as f32);
    let mut samples = vec![Sample { inverse: 0.0, triangle: NOTHING }; width * width];
    for (number, triangle) in model.mesh.triangles.iter().enumerate() {
        let corners = triangle.map(|i| seen[i as usize]);
        cover(&mut samples, width, corners, number as u32);
    }
    let lamps = Lamps::new(&pose.axes);
    let grey = |sample: Sample, x: f32, y: f32| match sample.triangle {
        NOTHING => 1.0,
        triangle => shade(model, &seen, &lamps, triangle, x, y),
    };
    GrayImage::from_fn(side, side, |px, py| {
        let (left, top) = (px as usize * SAMPLES, py as usize * SAMPLES);
        let first = samples[top * width + left];
        let places =
            || (top..top + SAMPLES).flat_map(|y| (left..left + SAMPLES).map(move |x| (x, y)));
        let light = if places().all(|(x, y)| samples[y * width + x].triangle == first.triangle) {
            // Light hardly changes within a triangle: its middle stands for the whole pixel.
            grey(first, (left + SAMPLES / 2) as f32, (top + SAMPLES / 2) as f32)
        } else {
            let each = |(x, y)| grey(samples[y * width + x], x as f32 + 0.5, y as f32 + 0.5);
            places().map(each).sum::<f32>() / (SAMPLES * SAMPLES) as f32
        };
        Luma([(255.0 * light + 0.5) as u8])
    })
}

/// Projects every vertex and fits the result into the middle of a picture `width` samples wide.
fn project(model: &Model, pose: &Pose, width: f32) -> Vec<Seen> {
    let mut low = [f32::INFINITY; 2];
    let mut high = [f32::NEG_INFINITY; 2];
    let mut seen: Vec<Seen> = Vec::with_capacity(model.mesh.vertices.len());
    for vertex in &model.mesh.vertices {
        let from_centre = [0, 1, 2].map(|k| (vertex.at[k] - model.centre[k]) / model.radius);
        let [x, y, z] = pose.axes.map(|axis| dot(axis, from_centre));
        let inverse = 1.0 / (DISTANCE - z);
        let (x, y) = (x * inverse, -y * inverse);
        (low, high) = ([low[0].min(x), low[1].min(y)], [high[0].max(x), high[1].max(y)]);
        seen.push(Seen { x, y, inverse });
    }
    let extent = (high[0] - low[0]).max(high[1] - low[1]);
    let sphere = 2.0 / (DISTANCE * DISTANCE - 1.0).sqrt();
    let scale = pose.fill * width / extent.max(sphere / pose.zoom);
    for vertex in &mut seen {
        vertex.x = (vertex.x - (low[0] + high[0]) / 2.0) * scale + width / 2.0;
        vertex.y = (vertex.y - (low[1] + high[1]) / 2.0) * scale + width / 2.0;
    }
    seen
}

/// Writes a triangle that faces the camera to the samples at which it is the nearest so far. Neighbours
/// work out their common edge from the same numbers, so no sample between them is missed or covered twice.
fn cover(samples: &mut [Sample], width: usize, [a, b, c]: [Seen; 3], triangle: u32) {
    // The picture's y runs downwards, so counter-clockwise has a negative area here.
    let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if area > -1e-6 {
        return;
    }
    let row = |y: f32| ((y + 0.5).max(0.0) as usize).min(width);
    let rows = row(a.y.min(b.y).min(c.y))..row(a.y.max(b.y).max(c.y));
    let (db, dc) = (b.inverse - a.inverse, c.inverse - a.inverse);
    let slope_x = (db * (c.y - a.y) - dc * (b.y - a.y)) / area;
    let slope_y = (dc * (b.x - a.x) - db * (c.x - a.x)) / area;
    for y in rows {
        let middle = y as f32 + 0.5;
        // In each row that a triangle crosses, one edge goes down, to the left, and one up, to the right.
        let (mut left, mut right) = (width as f32, 0.0);
        for (p, q) in [(a, b), (b, c), (c, a)] {
            // The upper end first, so that both neighbours along this edge compute alike.
            let down = p.y < q.y;
            let (top, end) = if down { (p, q) } else { (q, p) };
            if top.y > middle || end.y <= middle {
                continue;
            }
            let x = top.x + (middle - top.y) * ((end.x - top.x) / (end.y - top.y));
            if down { left = x.max(0.0) } else { right = x.max(0.0) }
        }
        let (from, to) = ((left + 0.5) as usize, ((right + 0.5) as usize).min(width));
        let start = a.inverse + (middle - a.y) * slope_y + (0.5 - a.x) * slope_x;
        for x in from..to {
            let inverse = start + x as f32 * slope_x;
            let sample = &mut samples[y * width + x];
            if inverse > sample.inverse {
                *sample = Sample { inverse, triangle };
            }
        }
    }
}

/// The lamps and the camera in the part's space, for the poses' axes.
struct Lamps {
    key: Vec3,
    fill: Vec3,
    up: Vec3,
    view: Vec3,
    half: Vec3,
}

impl Lamps {
    fn new(axes: &[Vec3; 3]) -> Self {
        let world = |v: Vec3| {
            let v = unit(v);
            [0, 1, 2].map(|k| axes[0][k] * v[0] + axes[1][k] * v[1] + axes[2][k] * v[2])
        };
        let key = unit(KEY);
        Lamps {
            key: world(KEY),
            fill: world(FILL),
            up: axes[1],
            view: axes[2],
            half: world([key[0], key[1], key[2] + 1.0]),
        }
    }
}

/// The grey, 0 to 1, of the point of a triangle that the sample at `(x, y)` shows.
fn shade(model: &Model, seen: &[Seen], lamps: &Lamps, triangle: u32, x: f32, y: f32) -> f32 {
    let numbers = model.mesh.triangles[triangle as usize].map(|i| i as usize);
    let [a, b, c] = numbers.map(|i| seen[i]);
    // Seen from inside the triangle every edge has the same sign; rounding must not take a sliver's sample out.
    let edge = |p: Seen, q: Seen| ((q.y - p.y) * (x - p.x) - (q.x - p.x) * (y - p.y)).max(1e-9);
    let weights = [edge(b, c) * a.inverse, edge(c, a) * b.inverse, edge(a, b) * c.inverse];
    let scale = 1.0 / (weights[0] + weights[1] + weights[2]);
    let (mut at, mut normal) = ([0.0; 3], [0.0; 3]);
    for (number, weight) in numbers.into_iter().zip(weights) {
        let vertex = &model.mesh.vertices[number];
        for k in 0..3 {
            at[k] += weight * scale * vertex.at[k];
            normal[k] += weight * scale * vertex.normal[k];
        }
    }
    let normal = unit(normal);
    let around = model.openness.around(at, normal);

    let open = around.towards(normal);
    let lit = |lamp: Vec3| {
        let cosine = dot(normal, lamp);
        // Even on a plane the surface itself hides part of what lies around the lamp.
        let plane = 0.5 + 0.5 * cosine * cosine;
        cosine.max(0.0) * (around.towards(lamp) / plane).min(1.0)
    };
    let sky = 0.5 + 0.5 * dot(normal, lamps.up);
    let front = dot(normal, lamps.view).max(0.0);
    let shine = power_16(dot(normal, lamps.half).max(0.0));
    let soft = open * open * (0.05 + 0.06 * sky + 0.05 * front);
    let light = soft + 0.52 * lit(lamps.key) + 0.07 * lit(lamps.fill) + 0.08 * shine * open;
    light.clamp(0.0, 1.0).sqrt()
}

fn power_16(x: f32) -> f32 {
    let mut power = x;
    for _ in 0..4 {
        power *= power;
    }
    power
}

fn dot(a: Vec3, b: Vec3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(a: Vec3) -> Vec3 {
    let length = dot(a, a).sqrt();
    a.map(|c| c / length)
}
