//! Flat outlines in millimetres: making them, moving their edges, taking off their corners, and cutting
//! them into triangles.

use libm::{cos, sin};

/// A point or a vector of the plane, in mm.
pub type Flat = [f64; 2];

/// The points of a closed outline. Material lies to the left of the way along it, so an outer edge runs
/// counter-clockwise and the edge of a hole clockwise.
pub type Outline = Vec<Flat>;

/// Turns of direction above 40° (this is the cosine) are corners; below, the outline counts as smooth.
const CORNER: f64 = 0.766;

/// A point of an outline together with the direction that its surface faces.
#[derive(Clone, Copy)]
pub struct Knot {
    pub at: Flat,
    pub normal: Flat,
}

/// The rectangle from corner `(x0, y0)` to corner `(x1, y1)`.
pub fn rect(x0: f64, y0: f64, x1: f64, y1: f64) -> Outline {
    vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
}

/// A circle of `sides` edges that touch it from outside, so that moving its edges keeps it a circle.
pub fn circle(centre: Flat, radius: f64, sides: usize) -> Outline {
    arc(centre, radius / cos(180f64.to_radians() / sides as f64), 0.0, 360.0, sides)[..sides]
        .to_vec()
}

/// The `steps + 1` points of an arc from one angle to another, in degrees.
pub fn arc(centre: Flat, radius: f64, from: f64, to: f64, steps: usize) -> Outline {
    let point = |i: usize| {
        let angle = (from + (to - from) * i as f64 / steps as f64).to_radians();
        [centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)]
    };
    (0..=steps).map(point).collect()
}

/// The edge of a hole in the shape of `outline`.
pub fn hole(mut outline: Outline) -> Outline {
    outline.reverse();
    outline
}

/// The outline with every edge moved outwards by `by` mm (inwards if negative).
pub fn grown(outline: &[Flat], by: f64) -> Outline {
    let n = outline.len();
    let moved = |i: usize| {
        let before = facing(outline[(i + n - 1) % n], outline[i]);
        let after = facing(outline[i], outline[(i + 1) % n]);
        let scale = by / (1.0 + dot(before, after));
        [0, 1].map(|k| outline[i][k] + scale * (before[k] + after[k]))
    };
    (0..n).map(moved).collect()
}

/// The knots of a closed outline: every corner cut off by `bevel` mm. The two ends of a cut face like the
/// edges that they end, so that shading across it turns smoothly, as over the rounded edge of a moulded part.
pub fn bevelled(outline: &[Flat], bevel: f64) -> Vec<Knot> {
    let n = outline.len();
    (0..n)
        .flat_map(|i| knots(outline[(i + n - 1) % n], outline[i], outline[(i + 1) % n], bevel))
        .collect()
}

/// The knots of a wall's profile, drawn as points (distance outwards, height) from bottom to top. Beyond
/// both ends the solid goes on inwards, to the flat faces that close it.
pub fn bevelled_profile(profile: &[Flat], bevel: f64) -> Vec<Knot> {
    const FAR: f64 = 1e3;
    let (first, last) = (profile[0], profile[profile.len() - 1]);
    let mut points = vec![[first[0] - FAR, first[1]]];
    points.extend_from_slice(profile);
    points.push([last[0] - FAR, last[1]]);
    points.windows(3).flat_map(|p| knots(p[0], p[1], p[2], bevel)).collect()
}

/// One knot where the way from `before` through `at` to `after` is smooth, two where it has a corner.
fn knots(before: Flat, at: Flat, after: Flat, bevel: f64) -> Vec<Knot> {
    let (facing_in, facing_out) = (facing(before, at), facing(at, after));
    if dot(facing_in, facing_out) > CORNER {
        let normal = unit([facing_in[0] + facing_out[0], facing_in[1] + facing_out[1]]);
        return vec![Knot { at, normal }];
    }
    let cut = |towards: Flat, normal: Flat| {
        let edge = [towards[0] - at[0], towards[1] - at[1]];
        let length = dot(edge, edge).sqrt();
        let part = bevel.min(0.45 * length) / length;
        Knot { at: [at[0] + edge[0] * part, at[1] + edge[1] * part], normal }
    };
    vec![cut(before, facing_in), cut(after, facing_out)]
}

/// The unit vector to the right of the way from `a` to `b`: out of the material.
fn facing(a: Flat, b: Flat) -> Flat {
    unit([b[1] - a[1], a[0] - b[0]])
}

fn dot(a: Flat, b: Flat) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

fn unit(a: Flat) -> Flat {
    let length = dot(a, a).sqrt();
    [a[0] / length, a[1] / length]
}

/// Twice the area of a triangle, positive if it runs counter-clockwise.
fn area(a: Flat, b: Flat, c: Flat) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Cuts the face between an outer loop and its holes into triangles by clipping ears. Corners are numbered
/// through all loops one after the other.
pub fn triangulated(loops: &[Vec<Flat>]) -> Vec<[usize; 3]> {
    let points = loops.concat();
    let mut ring = joined(loops, &points);
    let mut triangles = Vec::with_capacity(ring.len());
    while ring.len() > 3 {
        let n = ring.len();
        let corner = |i: usize| [ring[(i + n - 1) % n], ring[i], ring[(i + 1) % n]];
        let size = |[a, b, c]: [usize; 3]| area(points[a], points[b], points[c]);
        let clear = |triangle: [usize; 3]| {
            !ring.iter().any(|&p| blocks(points[p], triangle.map(|corner| points[corner])))
        };
        let ear = (0..n)
            .find(|&i| size(corner(i)) > 1e-9 && clear(corner(i)))
            .or_else(|| (0..n).find(|&i| size(corner(i)).abs() <= 1e-9))
            .expect("a simple outline has an ear");
        triangles.push(corner(ear));
        ring.remove(ear);
    }
    triangles.push([ring[0], ring[1], ring[2]]);
    triangles
}

/// Whether point `p` lies in a counter-clockwise triangle or on its edge, and is none of its corners.
fn blocks(p: Flat, [a, b, c]: [Flat; 3]) -> bool {
    p != a
        && p != b
        && p != c
        && area(a, b, p) >= 0.0
        && area(b, c, p) >= 0.0
        && area(c, a, p) >= 0.0
}

/// One ring through all loops: each hole is joined to what is outside it by a bridge, walked both ways.
fn joined(loops: &[Vec<Flat>], points: &[Flat]) -> Vec<usize> {
    let mut numbers = 0..;
    let mut rings: Vec<Vec<usize>> =
        loops.iter().map(|each| numbers.by_ref().take(each.len()).collect()).collect();
    let edges: Vec<[Flat; 2]> = rings
        .iter()
        .flat_map(|ring| (0..ring.len()).map(|i| [ring[i], ring[(i + 1) % ring.len()]]))
        .map(|edge| edge.map(|p| points[p]))
        .collect();
    let mut outer = rings.remove(0);
    let mut bridges: Vec<[Flat; 2]> = Vec::new();
    while !rings.is_empty() {
        let mut best: Option<(f64, usize, usize, usize)> = None;
        for (h, ring) in rings.iter().enumerate() {
            for (i, &from) in outer.iter().enumerate() {
                for (j, &to) in ring.iter().enumerate() {
                    let (a, b) = (points[from], points[to]);
                    let length = dot([b[0] - a[0], b[1] - a[1]], [b[0] - a[0], b[1] - a[1]]);
                    let before = points[outer[(i + outer.len() - 1) % outer.len()]];
                    let after = points[outer[(i + 1) % outer.len()]];
                    if best.is_none_or(|(shortest, ..)| length < shortest)
                        && opens(before, a, after, b)
                        && !edges.iter().chain(&bridges).any(|&edge| cross([a, b], edge))
                    {
                        best = Some((length, h, i, j));
                    }
                }
            }
        }
        let (_, h, i, j) = best.expect("a hole lies inside the outline");
        let ring = rings.remove(h);
        bridges.push([points[outer[i]], points[ring[j]]]);
        let mut detour = vec![outer[i]];
        detour.extend((0..=ring.len()).map(|k| ring[(j + k) % ring.len()]));
        outer.splice(i..i, detour);
    }
    outer
}

/// Whether the way from `at` to `b` sets out into the material, at the corner of a ring that passes through it.
fn opens(before: Flat, at: Flat, after: Flat, b: Flat) -> bool {
    if area(before, at, after) > 0.0 {
        area(at, b, before) > 0.0 && area(b, at, after) > 0.0
    } else {
        !(area(at, b, after) >= 0.0 && area(b, at, before) >= 0.0)
    }
}

/// Whether two segments cross away from their ends.
fn cross([a, b]: [Flat; 2], [c, d]: [Flat; 2]) -> bool {
    let apart = |p: f64, q: f64| (p > 0.0 && q < 0.0) || (p < 0.0 && q > 0.0);
    apart(area(a, b, c), area(a, b, d)) && apart(area(c, d, a), area(c, d, b))
}
