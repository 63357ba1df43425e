//! Solids as triangle meshes. A part is several closed solids that may run into one another: what lies
//! inside another solid is hidden by the depth test and costs nothing but a few triangles.

use super::outline::{
    Flat, Knot, Outline, bevelled, bevelled_profile, circle, grown, hole, triangulated,
};

/// A point or a vector of space: mm, z up, for a part as it stands on a table.
pub type Vec3 = [f32; 3];

/// How far the edges of every solid are rounded, in mm.
const BEVEL: f64 = 0.25;

/// A point of a surface and the direction that the surface faces there.
#[derive(Clone, Copy, Debug)]
pub struct Vertex {
    pub at: Vec3,
    pub normal: Vec3,
}

/// Triangles by their vertices' numbers, counter-clockwise as seen from outside.
#[derive(Clone, Debug, Default)]
pub struct Mesh {
    pub vertices: Vec<Vertex>,
    pub triangles: Vec<[u32; 3]>,
}

/// The direction in which an outline is drawn out to a solid. The outline's own two axes are the other two:
/// y, z for `X`; x, z for `Y`; x, y for `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    X,
    Y,
    Z,
}

impl Axis {
    fn place(self, [u, v]: Flat, along: f64) -> Vec3 {
        let at = match self {
            Axis::X => [along, u, v],
            Axis::Y => [u, along, v],
            Axis::Z => [u, v, along],
        };
        at.map(|c| c as f32)
    }
}

/// One closed wall of a solid: an outline, and the profile that it keeps all the way round, as points
/// (distance outwards from the outline, height) from bottom to top.
pub struct Wall {
    pub outline: Outline,
    pub profile: Vec<Flat>,
}

/// A flat face that closes a solid: its loops and the numbers of their vertices.
#[derive(Default)]
struct Face {
    loops: Vec<Vec<Flat>>,
    numbers: Vec<u32>,
}

impl Mesh {
    /// Adds the solid between an outer wall, the first, and the walls of holes that pass right through.
    pub fn solid(&mut self, axis: Axis, walls: &[Wall]) {
        let start = self.triangles.len();
        let mut bottom = Face::default();
        let mut top = Face::default();
        for wall in walls {
            let profile = bevelled_profile(&wall.profile, BEVEL);
            let ring = |knot: &Knot| bevelled(&grown(&wall.outline, knot.at[0]), BEVEL);
            let rings: Vec<Vec<Knot>> = profile.iter().map(ring).collect();
            let (base, n) = (self.vertices.len(), rings[0].len());
            let number = |level: usize, i: usize| (base + level * n + i % n) as u32;
            for (ring, level) in rings.iter().zip(&profile) {
                self.vertices.extend(ring.iter().map(|knot| {
                    let across = knot.normal.map(|c| c * level.normal[0]);
                    Vertex {
                        at: axis.place(knot.at, level.at[1]),
                        normal: axis.place(across, level.normal[1]),
                    }
                }));
            }
            for level in 1..rings.len() {
                for i in 0..n {
                    let [a, b] = [i, i + 1].map(|i| number(level - 1, i));
                    let [c, d] = [i + 1, i].map(|i| number(level, i));
                    self.triangles.extend([[a, b, c], [a, c, d]]);
                }
            }
            for (face, level) in [(&mut bottom, 0), (&mut top, rings.len() - 1)] {
                face.loops.push(rings[level].iter().map(|knot| knot.at).collect());
                face.numbers.extend((0..n).map(|i| number(level, i)));
            }
        }
        let numbers = |face: &Face| {
            triangulated(&face.loops)
                .into_iter()
                .map(|t| t.map(|i| face.numbers[i]))
                .collect::<Vec<_>>()
        };
        self.triangles.extend(numbers(&bottom).into_iter().map(|[a, b, c]| [a, c, b]));
        self.triangles.extend(numbers(&top));
        if axis == Axis::Y {
            // x, z, y is a left-handed order.
            self.triangles[start..].iter_mut().for_each(|t| t.swap(1, 2));
        }
    }

    /// An outline, with holes, drawn out along an axis.
    pub fn prism(&mut self, axis: Axis, outline: Outline, holes: &[Outline], span: [f64; 2]) {
        let profile = span.map(|along| [0.0, along]).to_vec();
        let outer = Wall { outline, profile: profile.clone() };
        let inner =
            holes.iter().map(|h| Wall { outline: hole(h.clone()), profile: profile.clone() });
        self.solid(axis, &std::iter::once(outer).chain(inner).collect::<Vec<_>>());
    }

    /// A solid of revolution: its profile as points (radius, distance along the axis) from bottom to top.
    pub fn turned(&mut self, axis: Axis, centre: Flat, profile: &[Flat]) {
        self.solid(axis, &[round_wall(centre, profile)]);
    }

    /// A round tube of an outer and an inner radius.
    pub fn tube(&mut self, axis: Axis, centre: Flat, [outer, inner]: [f64; 2], [a, b]: [f64; 2]) {
        let outer = round_wall(centre, &[[outer, a], [outer, b]]);
        let bore = Wall {
            outline: hole(circle(centre, inner, sides(inner))),
            profile: outer.profile.clone(),
        };
        self.solid(axis, &[outer, bore]);
    }

    /// The corners of the box around the mesh, in mm.
    pub fn bounds(&self) -> [Vec3; 2] {
        let mut low = [f32::INFINITY; 3];
        let mut high = [f32::NEG_INFINITY; 3];
        for vertex in &self.vertices {
            for k in 0..3 {
                low[k] = low[k].min(vertex.at[k]);
                high[k] = high[k].max(vertex.at[k]);
            }
        }
        [low, high]
    }
}

/// A wall that is round about `centre`, from a profile of (radius, height).
pub fn round_wall(centre: Flat, profile: &[Flat]) -> Wall {
    let radius = profile.iter().fold(0.0, |widest: f64, point| widest.max(point[0]));
    let profile = profile.iter().map(|&[r, along]| [r - radius, along]).collect();
    Wall { outline: circle(centre, radius, sides(radius)), profile }
}

/// As many edges as make a circle of this radius look round at 512 pixels.
fn sides(radius: f64) -> usize {
    match radius {
        r if r < 3.0 => 28,
        r if r < 5.0 => 36,
        _ => 60,
    }
}
