//! A small painter's box: smooth outlines, masks with antialiased or soft edges, and a canvas to lay colour on.
//!
//! A shape is filled by exact area coverage: each edge adds to every pixel that it passes the area to its right,
//! and a running sum along the row turns that into coverage. The cost is the edges' length plus the bounding box.

use image::RgbImage;
use libm::{cosf, sinf};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The width of a portrait in pixels, that of CelebA's aligned pictures.
pub(super) const WIDTH: usize = 178;
/// The height of a portrait in pixels.
pub(super) const HEIGHT: usize = 218;

/// Red, green, blue from 0 to 1, as they are stored in an image file.
pub(super) type Colour = [f32; 3];

/// A colour between `a` and `b`; `t` beyond 0..1 goes beyond them.
pub(super) fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

/// A colour made darker or lighter by a factor.
pub(super) fn scale(colour: Colour, by: f32) -> Colour {
    colour.map(|c| c * by)
}

/// A place on the picture in pixels, x to the right and y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub x: f32,
    pub y: f32,
}

pub(super) fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

/// The point at `t` of the way from `a` to `b`.
pub(super) fn between(a: Point, b: Point, t: f32) -> Point {
    point(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t)
}

/// Straight pieces between two neighbouring control points of a curve.
const PIECES: usize = 6;

/// The point at `t` of a Catmull–Rom curve's piece from `b` to `c`.
fn catmull_rom([a, b, c, d]: [Point; 4], t: f32) -> Point {
    let blend = |a: f32, b: f32, c: f32, d: f32| {
        let cubic = 3.0 * (b - c) + d - a;
        b + 0.5 * t * ((c - a) + t * ((2.0 * a - 5.0 * b + 4.0 * c - d) + t * cubic))
    };
    point(blend(a.x, b.x, c.x, d.x), blend(a.y, b.y, c.y, d.y))
}

/// A smooth open curve through all the given points.
pub(super) fn curve(through: &[Point]) -> Vec<Point> {
    let last = through.len() - 1;
    let mut line = Vec::with_capacity(last * PIECES + 1);
    for i in 0..last {
        let around = [i.saturating_sub(1), i, i + 1, (i + 2).min(last)].map(|j| through[j]);
        line.extend((0..PIECES).map(|k| catmull_rom(around, k as f32 / PIECES as f32)));
    }
    line.push(through[last]);
    line
}

/// A smooth closed outline through all the given points.
fn outline(through: &[Point]) -> Vec<Point> {
    let n = through.len();
    let mut line = Vec::with_capacity(n * PIECES);
    for i in 0..n {
        let around = [i + n - 1, i, i + 1, i + 2].map(|j| through[j % n]);
        line.extend((0..PIECES).map(|k| catmull_rom(around, k as f32 / PIECES as f32)));
    }
    line
}

/// The whole of a symmetric path of which the right half is given.
pub(super) fn mirrored(half: &[(f32, f32)]) -> Vec<(f32, f32)> {
    let left = half.iter().rev().filter(|(u, _)| *u != 0.0).map(|&(u, v)| (-u, v));
    left.chain(half.iter().copied()).collect()
}

/// How much of each pixel in a rectangle is covered, 0 to 1. The rectangle may lie partly outside the picture.
#[derive(Clone)]
pub(super) struct Mask {
    x: i32,
    y: i32,
    width: usize,
    height: usize,
    cover: Vec<f32>,
}

impl Mask {
    fn empty(x: i32, y: i32, width: usize, height: usize) -> Mask {
        Mask { x, y, width, height, cover: vec![0.0; width * height] }
    }

    /// The inside of a closed outline.
    pub fn fill(outline: &[Point]) -> Mask {
        // Twenty pixels around the picture are kept, so that blurring sees what lies just outside.
        const AROUND: f32 = 20.0;
        let (mut low, mut high) = (point(1e9, 1e9), point(-1e9, -1e9));
        for p in outline {
            low = point(low.x.min(p.x), low.y.min(p.y));
            high = point(high.x.max(p.x), high.y.max(p.y));
        }
        let (x0, y0) = (low.x.max(-AROUND).floor(), low.y.max(-AROUND).floor());
        let x1 = high.x.min(WIDTH as f32 + AROUND).ceil().max(x0);
        let y1 = high.y.min(HEIGHT as f32 + AROUND).ceil().max(y0);
        // Two spare columns take what an edge leaves behind the last pixel.
        let mut mask =
            Mask::empty(x0 as i32, y0 as i32, (x1 - x0) as usize + 2, (y1 - y0) as usize);
        for (i, &a) in outline.iter().enumerate() {
            let b = outline[(i + 1) % outline.len()];
            mask.edge(point(a.x - x0, a.y - y0), point(b.x - x0, b.y - y0));
        }
        for row in mask.cover.chunks_exact_mut(mask.width) {
            let mut sum = 0.0;
            for cover in row {
                sum += *cover;
                *cover = sum.abs().min(1.0);
            }
        }
        mask
    }

    /// The inside of a smooth closed outline through the given points.
    pub fn smooth(through: &[Point]) -> Mask {
        Mask::fill(&outline(through))
    }

    /// An ellipse, turned by `turn` radians.
    pub fn ellipse(centre: Point, rx: f32, ry: f32, turn: f32) -> Mask {
        const CORNERS: usize = 28;
        let (sin, cos) = (sinf(turn), cosf(turn));
        let corner = |i: usize| {
            let angle = std::f32::consts::TAU * i as f32 / CORNERS as f32;
            let (x, y) = (rx * cosf(angle), ry * sinf(angle));
            point(centre.x + x * cos - y * sin, centre.y + x * sin + y * cos)
        };
        Mask::fill(&(0..CORNERS).map(corner).collect::<Vec<_>>())
    }

    /// A brush stroke along `path`, whose width is given at its start, middle and end.
    pub fn stroke(path: &[Point], [start, middle, end]: [f32; 3]) -> Mask {
        let last = path.len() - 1;
        let (mut left, mut right) =
            (Vec::with_capacity(2 * path.len()), Vec::with_capacity(path.len()));
        for (i, p) in path.iter().enumerate() {
            let (a, b) = (path[i.saturating_sub(1)], path[(i + 1).min(last)]);
            let (dx, dy) = (b.x - a.x, b.y - a.y);
            let length = (dx * dx + dy * dy).sqrt().max(1e-3);
            let t = i as f32 / last as f32;
            // The parabola through the three widths.
            let bulge = 4.0 * middle - 2.0 * (start + end);
            let half = 0.5 * (start + (end - start) * t + bulge * t * (1.0 - t)).max(0.0);
            let (nx, ny) = (-dy / length * half, dx / length * half);
            left.push(point(p.x + nx, p.y + ny));
            right.push(point(p.x - nx, p.y - ny));
        }
        left.extend(right.into_iter().rev());
        Mask::fill(&left)
    }

    /// Adds the area that one edge leaves to its right, pixel by pixel, as differences along each row.
    fn edge(&mut self, a: Point, b: Point) {
        if a.y == b.y {
            return;
        }
        let (sign, top, bottom) = if a.y < b.y { (1.0, a, b) } else { (-1.0, b, a) };
        let slope = (bottom.x - top.x) / (bottom.y - top.y);
        let right_border = (self.width - 2) as f32;
        let first = top.y.max(0.0);
        let mut x = top.x + slope * (first - top.y);
        let rows = first as usize..(bottom.y.max(0.0).ceil() as usize).min(self.height);
        for y in rows {
            let height = bottom.y.min(y as f32 + 1.0) - first.max(y as f32);
            let next_x = x + slope * height;
            let area = height * sign;
            let left = x.min(next_x).clamp(0.0, right_border);
            let right = x.max(next_x).clamp(0.0, right_border);
            let row = &mut self.cover[y * self.width..(y + 1) * self.width];
            let (from, to) = (left as usize, (right.ceil() as usize).max(left as usize + 1));
            for column in from..to {
                let (enters, leaves) = (left.max(column as f32), right.min(column as f32 + 1.0));
                let share = if right > left { (leaves - enters) / (right - left) } else { 1.0 };
                let uncovered = 0.5 * (enters + leaves) - column as f32;
                row[column] += area * share * (1.0 - uncovered);
                row[column + 1] += area * share * uncovered;
            }
            x = next_x;
        }
    }

    /// A round spot that fades from its centre to nothing at its rim.
    pub fn spot(centre: Point, rx: f32, ry: f32, turn: f32) -> Mask {
        let (sin, cos) = (sinf(turn), cosf(turn));
        let reach = point(rx * cos.abs() + ry * sin.abs(), rx * sin.abs() + ry * cos.abs());
        let (x, y) = ((centre.x - reach.x).floor() as i32, (centre.y - reach.y).floor() as i32);
        let (width, height) = (2.0 * reach.x, 2.0 * reach.y);
        let mut mask = Mask::empty(x, y, width as usize + 3, height as usize + 3);
        for (j, row) in mask.cover.chunks_exact_mut(mask.width).enumerate() {
            let dy = y as f32 + j as f32 + 0.5 - centre.y;
            for (i, cover) in row.iter_mut().enumerate() {
                let dx = x as f32 + i as f32 + 0.5 - centre.x;
                let (u, v) = ((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry);
                let inside = (1.0 - u * u - v * v).max(0.0);
                *cover = inside * inside;
            }
        }
        mask
    }

    /// The mask with its edge blurred over about `radius` pixels to either side.
    pub fn soften(&self, radius: usize) -> Mask {
        let grow = 2 * radius;
        let (width, height) = (self.width + 2 * grow, self.height + 2 * grow);
        let mut soft = Mask::empty(self.x - grow as i32, self.y - grow as i32, width, height);
        for (j, row) in self.cover.chunks_exact(self.width).enumerate() {
            let start = (j + grow) * width + grow;
            soft.cover[start..start + self.width].copy_from_slice(row);
        }
        let side = 2 * radius + 1;
        let share = 1.0 / side as f32;
        let mut before = soft.cover.clone();
        // Two box blurs each way make a tent. The border, as wide as both, starts empty, and so does each sum.
        for _ in 0..2 {
            before.copy_from_slice(&soft.cover);
            for (from, to) in before.chunks_exact(width).zip(soft.cover.chunks_exact_mut(width)) {
                let mut sum = 0.0;
                for i in 0..width {
                    sum += from.get(i + radius).unwrap_or(&0.0);
                    sum -= if i > radius { from[i - radius - 1] } else { 0.0 };
                    to[i] = sum * share;
                }
            }
            before.copy_from_slice(&soft.cover);
            let mut sums = vec![0.0; width];
            for j in 0..height {
                let rows = |j: usize| &before[j * width..(j + 1) * width];
                if j + radius < height {
                    sums.iter_mut().zip(rows(j + radius)).for_each(|(sum, c)| *sum += c);
                }
                if j > radius {
                    sums.iter_mut().zip(rows(j - radius - 1)).for_each(|(sum, c)| *sum -= c);
                }
                let to = &mut soft.cover[j * width..(j + 1) * width];
                to.iter_mut().zip(&sums).for_each(|(c, sum)| *c = sum * share);
            }
        }
        soft
    }

    /// The mask moved by whole pixels.
    pub fn moved(mut self, dx: i32, dy: i32) -> Mask {
        self.x += dx;
        self.y += dy;
        self
    }

    /// Only what lies within `other` too.
    pub fn within(mut self, other: &Mask) -> Mask {
        self.combine(other, |mine, theirs| mine * theirs);
        self
    }

    /// Only what `other` leaves free.
    pub fn without(mut self, other: &Mask) -> Mask {
        self.combine(other, |mine, theirs| mine * (1.0 - theirs));
        self
    }

    fn combine(&mut self, other: &Mask, how: impl Fn(f32, f32) -> f32) {
        for (j, row) in self.cover.chunks_exact_mut(self.width).enumerate() {
            let y = self.y + j as i32;
            for (i, cover) in row.iter_mut().enumerate() {
                *cover = how(*cover, other.at(self.x + i as i32, y));
            }
        }
    }

    /// A place within the mask, or none if it is so thin that a few throws miss it.
    pub fn somewhere(&self, rng: &mut ChaCha8Rng) -> Option<Point> {
        (0..6).find_map(|_| {
            let x = self.x as f32 + self.width as f32 * rng.random::<f32>();
            let y = self.y as f32 + self.height as f32 * rng.random::<f32>();
            (self.at(x.floor() as i32, y.floor() as i32) > 0.5).then_some(point(x, y))
        })
    }

    fn at(&self, x: i32, y: i32) -> f32 {
        let (i, j) = (x - self.x, y - self.y);
        let inside = i >= 0 && j >= 0 && i < self.width as i32 && j < self.height as i32;
        if inside { self.cover[j as usize * self.width + i as usize] } else { 0.0 }
    }
}

/// The picture while it is being painted.
pub(super) struct Canvas {
    pixels: Vec<Colour>,
}

impl Canvas {
    /// A canvas coloured by a function of the pixel's centre.
    pub fn new(colour: impl Fn(Point) -> Colour) -> Canvas {
        let centre = |i: usize| point((i % WIDTH) as f32 + 0.5, (i / WIDTH) as f32 + 0.5);
        Canvas { pixels: (0..WIDTH * HEIGHT).map(|i| colour(centre(i))).collect() }
    }

    /// Lays one colour on the mask.
    pub fn fill(&mut self, mask: &Mask, opacity: f32, colour: Colour) {
        self.blend(mask, opacity, |_, _| colour);
    }

    /// Lays a colour that depends on the place on the mask.
    pub fn shade(&mut self, mask: &Mask, opacity: f32, colour: impl Fn(Point) -> Colour) {
        self.blend(mask, opacity, |place, _| colour(place));
    }

    /// Lays a transparent colour on the mask: what lies below is multiplied by it.
    pub fn glaze(&mut self, mask: &Mask, opacity: f32, colour: Colour) {
        self.blend(mask, opacity, |_, below| std::array::from_fn(|i| below[i] * colour[i]));
    }

    /// A brush stroke along a path.
    pub fn line(&mut self, path: &[Point], widths: [f32; 3], opacity: f32, colour: Colour) {
        self.fill(&Mask::stroke(path, widths), opacity, colour);
    }

    /// A brush stroke along a smooth curve through the given points.
    pub fn brush(&mut self, through: &[Point], widths: [f32; 3], opacity: f32, colour: Colour) {
        self.line(&curve(through), widths, opacity, colour);
    }

    fn blend(&mut self, mask: &Mask, opacity: f32, colour: impl Fn(Point, Colour) -> Colour) {
        let columns = mask.x.max(0)..(mask.x + mask.width as i32).min(WIDTH as i32);
        let rows = mask.y.max(0)..(mask.y + mask.height as i32).min(HEIGHT as i32);
        if columns.is_empty() {
            return;
        }
        for y in rows {
            let start = (y - mask.y) as usize * mask.width + (columns.start - mask.x) as usize;
            let cover = &mask.cover[start..start + columns.len()];
            let start = y as usize * WIDTH + columns.start as usize;
            let pixels = &mut self.pixels[start..start + columns.len()];
            for (i, (&cover, pixel)) in cover.iter().zip(pixels).enumerate() {
                // Sums leave a residue of rounding where there is no cover.
                if cover > 1e-3 {
                    let place = point((columns.start + i as i32) as f32 + 0.5, y as f32 + 0.5);
                    *pixel = mix(*pixel, colour(place, *pixel), (cover * opacity).min(1.0));
                }
            }
        }
    }

    /// The finished picture, each colour passed through `finish` first.
    pub fn finish(&self, finish: impl Fn(Point, Colour) -> Colour) -> RgbImage {
        RgbImage::from_fn(WIDTH as u32, HEIGHT as u32, |x, y| {
            let colour = self.pixels[y as usize * WIDTH + x as usize];
            let finished = finish(point(x as f32 + 0.5, y as f32 + 0.5), colour);
            image::Rgb(finished.map(|c| (c.clamp(0.0, 1.0) * 255.0 + 0.5) as u8))
        })
    }
}

/// A height over every pixel, modelled like clay and then lit.
pub(super) struct Relief {
    height: Vec<f32>,
}

impl Relief {
    /// The upper half of an ellipsoid; outside it the ground is flat.
    pub fn dome(centre: Point, rx: f32, ry: f32, turn: f32, height: f32) -> Relief {
        let (sin, cos) = (sinf(turn), cosf(turn));
        let rise = |i: usize| {
            let dx = (i % WIDTH) as f32 + 0.5 - centre.x;
            let dy = (i / WIDTH) as f32 + 0.5 - centre.y;
            let (u, v) = ((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry);
            height * (1.0 - u * u - v * v).max(0.0).sqrt()
        };
        Relief { height: (0..WIDTH * HEIGHT).map(rise).collect() }
    }

    /// Adds to the height (or takes away) where the mask covers.
    pub fn raise(&mut self, mask: &Mask, by: f32) {
        for (j, row) in mask.cover.chunks_exact(mask.width).enumerate() {
            let y = mask.y + j as i32;
            for (i, cover) in row.iter().enumerate() {
                let x = mask.x + i as i32;
                if (0..WIDTH as i32).contains(&x) && (0..HEIGHT as i32).contains(&y) {
                    self.height[y as usize * WIDTH + x as usize] += by * cover;
                }
            }
        }
    }

    /// How much brighter than a flat, frontal surface a place is under light from `direction` (of length 1).
    pub fn light(&self, place: Point, direction: [f32; 3]) -> f32 {
        let (x, y) = (place.x as usize, place.y as usize);
        let at = |x: usize, y: usize| self.height[y.min(HEIGHT - 1) * WIDTH + x.min(WIDTH - 1)];
        let dx = 0.5 * (at(x + 1, y) - at(x.saturating_sub(1), y));
        let dy = 0.5 * (at(x, y + 1) - at(x, y.saturating_sub(1)));
        let facing = direction[2] - dx * direction[0] - dy * direction[1];
        facing / (1.0 + dx * dx + dy * dy).sqrt() - direction[2]
    }
}
