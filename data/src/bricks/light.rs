//! How much of its surroundings each point near a part sees: worked out once for a part on a grid of small
//! cells, looked up for every sample of a picture.

use libm::{cos, sin};

use super::mesh::{Mesh, Vec3};

/// Edge of a cell in mm.
const CELL: f32 = 0.6;

/// Rays sent out from each cell.
const RAYS: usize = 96;

/// Free cells around the box of the part, so that every look-up lies inside the grid.
const MARGIN: usize = 3;

/// Openness around a part: for every free cell near its surface, the share of the surroundings that is not
/// hidden by the part, weighted by the cosine to each of six directions.
pub struct Openness {
    origin: Vec3,
    size: [usize; 3],
    /// -x, x, -y, y, -z, z as 0 to 255; then 1 if the cell counts, 0 if it lies within the part.
    cells: Vec<[u8; 8]>,
}

/// Openness at one point, towards -x, x, -y, y, -z, z, from 0 to 1.
pub struct Around([f32; 8]);

impl Around {
    /// Openness towards a unit vector.
    pub fn towards(&self, [x, y, z]: Vec3) -> f32 {
        let side = |c: f32, low: usize| c * c * self.0[if c < 0.0 { low } else { low + 1 }];
        side(x, 0) + side(y, 2) + side(z, 4)
    }
}

impl Openness {
    /// Works out the openness around a part.
    pub fn new(mesh: &Mesh) -> Self {
        let [low, high] = mesh.bounds();
        let size = [0, 1, 2].map(|k| ((high[k] - low[k]) / CELL) as usize + 1 + 2 * MARGIN);
        let origin = low.map(|c| c - MARGIN as f32 * CELL);
        let filled = filled(mesh, origin, size);
        let rays = rays();
        let mut cells = vec![[0; 8]; filled.len()];
        for z in 0..size[2] {
            for y in 0..size[1] {
                for x in 0..size[0] {
                    let index = (z * size[1] + y) * size[0] + x;
                    if !filled[index] && near(&filled, size, [x, y, z]) {
                        cells[index] = openness(&filled, size, [x, y, z], &rays);
                    }
                }
            }
        }
        Openness { origin, size, cells }
    }

    /// Openness at a point of the surface that faces `normal`, mixed from the free cells just above it.
    pub fn around(&self, at: Vec3, normal: Vec3) -> Around {
        let mut whole = [0; 3];
        let mut part = [0.0; 3];
        for k in 0..3 {
            let p = (at[k] - self.origin[k]) / CELL + normal[k] - 0.5;
            whole[k] = p as usize;
            part[k] = p - whole[k] as f32;
        }
        let mut sum = [0f32; 8];
        for corner in 0..8 {
            let step = [corner & 1, corner >> 1 & 1, corner >> 2];
            let mut weight = 1.0;
            for k in 0..3 {
                weight *= if step[k] == 1 { part[k] } else { 1.0 - part[k] };
            }
            let [x, y, z] = [whole[0] + step[0], whole[1] + step[1], whole[2] + step[2]];
            let cell = self.cells[(z * self.size[1] + y) * self.size[0] + x];
            for k in 0..8 {
                sum[k] += weight * f32::from(cell[k]);
            }
        }
        let scale = 1.0 / (255.0 * sum[6].max(1e-3));
        Around(sum.map(|s| s * scale))
    }
}

/// Which cells have their centre within the part. Along every column of cells the surfaces are crossed from
/// below: each way in adds one solid, each way out takes one away.
fn filled(mesh: &Mesh, origin: Vec3, size: [usize; 3]) -> Vec<bool> {
    // The columns stand a hair off the cells' centres, and off their diagonals, where edges of triangles lie.
    let column = |k: usize, i: usize| {
        f64::from(origin[k]) + (i as f64 + [0.500_31, 0.500_73][k]) * f64::from(CELL)
    };
    let mut crossings: Vec<Vec<(f64, i32)>> = vec![Vec::new(); size[0] * size[1]];
    for triangle in &mesh.triangles {
        let [a, b, c] = triangle.map(|i| mesh.vertices[i as usize].at.map(f64::from));
        let edge = |p: [f64; 3], q: [f64; 3], x: f64, y: f64| {
            (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
        };
        let area = edge(a, b, c[0], c[1]);
        if area == 0.0 {
            continue;
        }
        let range = |k: usize| {
            let cell = |c: f64| ((c - f64::from(origin[k])) / f64::from(CELL)) as usize;
            cell(a[k].min(b[k]).min(c[k])) - 1..cell(a[k].max(b[k]).max(c[k])) + 1
        };
        for j in range(1) {
            for i in range(0) {
                let (x, y) = (column(0, i), column(1, j));
                let [wa, wb, wc] =
                    [edge(b, c, x, y), edge(c, a, x, y), edge(a, b, x, y)].map(|e| e / area);
                if wa >= 0.0 && wb >= 0.0 && wc >= 0.0 {
                    let height = wa * a[2] + wb * b[2] + wc * c[2];
                    crossings[j * size[0] + i].push((height, if area < 0.0 { 1 } else { -1 }));
                }
            }
        }
    }
    let mut filled = vec![false; size[0] * size[1] * size[2]];
    for (i, column) in crossings.iter_mut().enumerate() {
        column.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut next, mut depth) = (0, 0);
        for z in 0..size[2] {
            let height = f64::from(origin[2]) + (z as f64 + 0.5) * f64::from(CELL);
            while next < column.len() && column[next].0 < height {
                depth += column[next].1;
                next += 1;
            }
            filled[z * size[0] * size[1] + i] = depth > 0;
        }
    }
    filled
}

/// Directions spread evenly over the sphere, on a spiral from pole to pole.
fn rays() -> Vec<Vec3> {
    let golden_angle = 2.399_963_229_728_653;
    (0..RAYS)
        .map(|i| {
            let z = 1.0 - (2 * i + 1) as f64 / RAYS as f64;
            let (r, angle) = ((1.0 - z * z).sqrt(), golden_angle * i as f64);
            [r * cos(angle), r * sin(angle), z].map(|c| c as f32)
        })
        .collect()
}

/// Whether a filled cell lies within two cells of this one.
fn near(filled: &[bool], size: [usize; 3], cell: [usize; 3]) -> bool {
    let range = |k: usize| cell[k].saturating_sub(2)..(cell[k] + 3).min(size[k]);
    range(2).any(|z| range(1).any(|y| range(0).any(|x| filled[(z * size[1] + y) * size[0] + x])))
}

/// The six values of a free cell.
fn openness(filled: &[bool], size: [usize; 3], cell: [usize; 3], rays: &[Vec3]) -> [u8; 8] {
    let mut open = [0f32; 6];
    let mut whole = [0f32; 6];
    for ray in rays {
        let free = escapes(filled, size, cell, ray);
        for (k, cosine) in ray.iter().enumerate() {
            let side = 2 * k + usize::from(*cosine > 0.0);
            let cosine = cosine.abs();
            whole[side] += cosine;
            if free {
                open[side] += cosine;
            }
        }
    }
    let mut result = [0, 0, 0, 0, 0, 0, 1, 0];
    for side in 0..6 {
        result[side] = (255.0 * open[side] / whole[side] + 0.5) as u8;
    }
    result
}

/// Whether a ray from the centre of a cell leaves the grid without meeting the part. It sets out one and a half
/// cells away, above the steps that a slanting surface makes in the grid.
fn escapes(filled: &[bool], size: [usize; 3], cell: [usize; 3], ray: &Vec3) -> bool {
    let mut at = [0, 1, 2].map(|k| cell[k] as f32 + 0.5 + 1.5 * ray[k]);
    loop {
        for k in 0..3 {
            if at[k] < 0.0 || at[k] >= size[k] as f32 {
                return true;
            }
        }
        let [x, y, z] = at.map(|c| c as usize);
        if filled[(z * size[1] + y) * size[0] + x] {
            return false;
        }
        for k in 0..3 {
            at[k] += ray[k];
        }
    }
}
