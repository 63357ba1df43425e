//! The parts, put together from prisms and solids of revolution. All lengths are in mm. A part stands on the
//! plane z = 0 with a corner of its grid at the origin, its length along x.

use super::mesh::{Axis, Mesh, Wall, round_wall};
use super::outline::{Flat, Outline, arc, circle, grown, hole, rect};

use Axis::{X, Y, Z};

/// From one stud to the next.
const PITCH: f64 = 8.0;
/// Heights of a brick and of a plate.
const BRICK: f64 = 9.6;
const PLATE: f64 = 3.2;
const STUD_RADIUS: f64 = 2.4;
const STUD_HEIGHT: f64 = 1.7;
/// The hole in a hollow stud, into which a 3.2 mm bar fits, and the bar.
const BAR_RADIUS: f64 = 1.6;
/// The tubes underneath that hold the studs of the part below between them and the walls.
const TUBE: [f64; 2] = [3.255, 2.4];
/// The posts that do so in parts one stud wide.
const POST_RADIUS: f64 = 1.5;
const WALL: f64 = 1.5;
const ROOF: f64 = 1.2;
/// Every part is this much smaller than its place on the grid, on each side.
const GAP: f64 = 0.1;
/// A hole for pins: its radius, the radius and the depth of the wider ring at its ends, and its height in a brick.
const PIN_HOLE: f64 = 2.4;
const PIN_RING: f64 = 3.1;
const PIN_RING_DEPTH: f64 = 0.8;
const PIN_HEIGHT: f64 = 5.8;
/// Thickness of a beam.
const BEAM: f64 = 7.8;
/// Half the span and half the thickness of a cross axle's arms.
const AXLE: [f64; 2] = [2.35, 0.9];

/// The parts of `View::Upright`: studs on all of them, and no two of one outline.
pub const UPRIGHT: [&str; 8] = [
    "brick-1x1",
    "brick-1x4",
    "brick-2x2",
    "brick-2x4",
    "corner-brick-2x2",
    "plate-2x4",
    "round-brick-2x2",
    "slope-45-2x2",
];

/// A part's name and how it is made.
pub type Recipe = (&'static str, fn() -> Mesh);

/// Every part.
pub const ALL: &[Recipe] = &[
    ("brick-1x1", || studded(1, 1, BRICK)),
    ("brick-1x2", || studded(2, 1, BRICK)),
    ("brick-1x3", || studded(3, 1, BRICK)),
    ("brick-1x4", || studded(4, 1, BRICK)),
    ("brick-1x6", || studded(6, 1, BRICK)),
    ("brick-2x2", || studded(2, 2, BRICK)),
    ("brick-2x3", || studded(3, 2, BRICK)),
    ("brick-2x4", || studded(4, 2, BRICK)),
    ("brick-2x6", || studded(6, 2, BRICK)),
    ("brick-1x2x5", || studded(2, 1, 5.0 * BRICK)),
    ("corner-brick-2x2", || corner(BRICK)),
    ("round-brick-1x1", round_brick_1x1),
    ("round-brick-2x2", || round_2x2(BRICK)),
    ("macaroni-brick-2x2", macaroni),
    ("log-brick-1x4", log_brick),
    ("headlight-brick-1x1", headlight_brick),
    ("side-stud-brick-1x1", || side_studs(1)),
    ("side-stud-brick-1x4", || side_studs(4)),
    ("holed-brick-1x1", || holed_brick(1)),
    ("holed-brick-1x2", || holed_brick(2)),
    ("holed-brick-1x4", || holed_brick(4)),
    ("plate-1x1", || studded(1, 1, PLATE)),
    ("plate-1x2", || studded(2, 1, PLATE)),
    ("plate-1x4", || studded(4, 1, PLATE)),
    ("plate-2x2", || studded(2, 2, PLATE)),
    ("plate-2x3", || studded(3, 2, PLATE)),
    ("plate-2x4", || studded(4, 2, PLATE)),
    ("plate-4x4", || studded(4, 4, PLATE)),
    ("corner-plate-2x2", || corner(PLATE)),
    ("round-plate-1x1", round_plate_1x1),
    ("round-plate-2x2", || round_2x2(PLATE)),
    ("round-plate-4x4", round_plate_4x4),
    ("wedge-plate-2x4", || wedge_plate(&[[0., 0.], [32., 0.], [32., 8.], [8., 16.], [0., 16.]])),
    ("wedge-plate-3x3", || wedge_plate(&[[0., 0.], [24., 0.], [24., 8.], [8., 24.], [0., 24.]])),
    ("wedge-plate-4x4", wing),
    ("jumper-plate-1x2", jumper),
    ("handle-plate-1x2", handle_plate),
    ("holed-plate-2x4", holed_plate),
    ("tile-1x2", || tile(2, 1)),
    ("tile-1x4", || tile(4, 1)),
    ("tile-2x2", || tile(2, 2)),
    ("round-tile-2x2", round_tile),
    ("grille-tile-1x2", grille_tile),
    ("slope-45-2x1", || slope(1, &SLOPE_45)),
    ("slope-45-2x2", || slope(2, &SLOPE_45)),
    ("slope-45-2x4", || slope(4, &SLOPE_45)),
    ("slope-33-3x2", || slope(2, &[[0., 0.], [24., 0.], [24., 1.6], [8., 9.6], [0., 9.6]])),
    ("slope-75-2x1x3", || slope(1, &[[0., 0.], [16., 0.], [16., 1.6], [8., 28.8], [0., 28.8]])),
    ("double-slope-45-2x2", double_slope),
    ("cheese-slope-1x1", || cheese_slope(1)),
    ("cheese-slope-1x2", || cheese_slope(2)),
    ("curved-slope-1x4", curved_slope),
    ("inverted-slope-45-2x1", || inverted_slope(1)),
    ("inverted-slope-45-2x2", || inverted_slope(2)),
    ("arch-1x3", || arch_brick(3, 4.0, BRICK)),
    ("arch-1x4", || arch_brick(4, 8.0, BRICK)),
    ("arch-1x6x2", || arch_brick(6, 16.0, 2.0 * BRICK)),
    ("cone-1x1", cone_1x1),
    ("cone-2x2x2", cone_2x2x2),
    ("dome-2x2", dome),
    ("dish-4x4", dish),
    ("bracket-1x2-2x2", bracket),
    ("panel-1x2x1", panel),
    ("fence-1x4x2", fence),
    ("window-1x2x2", window),
    ("beam-3", || beam(&[[0., 0.], [16., 0.]])),
    ("beam-5", || beam(&[[0., 0.], [32., 0.]])),
    ("beam-9", || beam(&[[0., 0.], [64., 0.]])),
    ("beam-l-3x5", || beam(&[[0., 32.], [0., 0.], [16., 0.]])),
    ("pin", pin),
    ("axle-4", axle),
    ("bush", bush),
    ("gear-8", || gear(8)),
    ("gear-16", || gear(16)),
    ("gear-24", || gear(24)),
    ("wheel", wheel),
    ("tyre", tyre),
];

/// Side view of the 45° slope, y to the right.
const SLOPE_45: [Flat; 5] = [[0., 0.], [16., 0.], [16., 1.6], [8., 9.6], [0., 9.6]];

// ---------------------------------------------------------------- what most parts are made of

/// The outline of `nx` by `ny` places of the grid.
fn places(nx: usize, ny: usize) -> Outline {
    rect(GAP, GAP, nx as f64 * PITCH - GAP, ny as f64 * PITCH - GAP)
}

/// The middles of `nx` by `ny` places.
fn grid(nx: usize, ny: usize) -> impl Iterator<Item = Flat> {
    (0..nx * ny).map(move |i| [0.5 + (i % nx) as f64, 0.5 + (i / nx) as f64].map(|c| c * PITCH))
}

/// A body that is hollow from below.
fn cup(outline: Outline, height: f64) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.solid(Z, &[cup_wall(outline, height)]);
    mesh
}

fn cup_wall(outline: Outline, height: f64) -> Wall {
    let profile = vec![[-WALL, height - ROOF], [-WALL, 0.0], [0.0, 0.0], [0.0, height]];
    Wall { outline, profile }
}

fn stud(mesh: &mut Mesh, [x, y]: Flat, base: f64) {
    stud_along(mesh, Z, [x, y], [base - 0.3, base + STUD_HEIGHT]);
}

fn stud_along(mesh: &mut Mesh, axis: Axis, centre: Flat, [a, b]: [f64; 2]) {
    mesh.turned(axis, centre, &[[STUD_RADIUS, a], [STUD_RADIUS, b]]);
}

fn hollow_stud(mesh: &mut Mesh, centre: Flat, base: f64) {
    mesh.tube(Z, centre, [STUD_RADIUS, BAR_RADIUS], [base - 0.3, base + STUD_HEIGHT]);
}

/// The tubes, or for one row the posts, under `nx` by `ny` places, up to the roof at `top`.
fn grips(mesh: &mut Mesh, nx: usize, ny: usize, top: f64) {
    let span = [0.2, top - ROOF / 2.0];
    let corner = |i: usize, j: usize| [i as f64 * PITCH, j as f64 * PITCH];
    for i in 1..nx {
        if ny == 1 {
            let [x, y] = [i as f64 * PITCH, PITCH / 2.0];
            mesh.turned(Z, [x, y], &span.map(|z| [POST_RADIUS, z]));
        }
        for j in 1..ny {
            mesh.tube(Z, corner(i, j), TUBE, span);
        }
    }
}

/// Brick or plate of `nx` by `ny` studs.
fn studded(nx: usize, ny: usize, height: f64) -> Mesh {
    let mut mesh = cup(places(nx, ny), height);
    grips(&mut mesh, nx, ny, height);
    grid(nx, ny).for_each(|at| stud(&mut mesh, at, height));
    mesh
}

/// A box.
fn block(mesh: &mut Mesh, [x0, y0, z0]: [f64; 3], [x1, y1, z1]: [f64; 3]) {
    mesh.prism(Z, rect(x0, y0, x1, y1), &[], [z0, z1]);
}

// ---------------------------------------------------------------- bricks

fn corner_outline() -> Outline {
    let [a, b, c] = [GAP, PITCH - GAP, 2.0 * PITCH - GAP];
    vec![[a, a], [c, a], [c, b], [b, b], [b, c], [a, c]]
}

fn corner(height: f64) -> Mesh {
    let mut mesh = cup(corner_outline(), height);
    for at in [[8., 4.], [4., 8.]] {
        mesh.turned(Z, at, &[0.2, height - ROOF / 2.0].map(|z| [POST_RADIUS, z]));
    }
    grid(2, 2).take(3).for_each(|at| stud(&mut mesh, at, height));
    mesh
}

/// A round body that is hollow from below and stands on a narrower foot, about `centre`.
fn footed(centre: Flat, [radius, foot, bore]: [f64; 3], foot_height: f64, height: f64) -> Mesh {
    let mut mesh = Mesh::default();
    let profile = [
        [bore, height - ROOF],
        [bore, 0.0],
        [foot, 0.0],
        [foot, foot_height],
        [radius, foot_height],
        [radius, height],
    ];
    mesh.turned(Z, centre, &profile);
    mesh
}

fn round_brick_1x1() -> Mesh {
    let mut mesh = footed([4., 4.], [3.9, 3.2, 2.4], 1.7, BRICK);
    hollow_stud(&mut mesh, [4., 4.], BRICK);
    mesh
}

fn round_plate_1x1() -> Mesh {
    let mut mesh = footed([4., 4.], [3.9, 3.2, 2.4], 1.2, PLATE);
    stud(&mut mesh, [4., 4.], PLATE);
    mesh
}

/// Round brick or plate: a cross hole through the middle, four studs.
fn round_2x2(height: f64) -> Mesh {
    let mut mesh = Mesh::default();
    let foot = if height > PLATE { 1.7 } else { 0.8 };
    let (radius, narrow, bore) = (7.9, 7.1, 6.0);
    let outer = [
        [bore, height - ROOF],
        [bore, 0.0],
        [narrow, 0.0],
        [narrow, foot],
        [radius, foot],
        [radius, height],
    ];
    let cross =
        Wall { outline: hole(cross([8., 8.])), profile: vec![[0., height - ROOF], [0., height]] };
    mesh.solid(Z, &[round_wall([8., 8.], &outer), cross]);
    let socket = circle([8., 8.], TUBE[0], 24);
    mesh.prism(Z, socket, &[self::cross([8., 8.])], [0.2, height - ROOF / 2.0]);
    grid(2, 2).for_each(|at| stud(&mut mesh, at, height));
    mesh
}

fn round_plate_4x4() -> Mesh {
    let mut mesh = footed([16., 16.], [15.9, 15.3, 14.2], 0.8, PLATE);
    for at in grid(3, 3).map(|[x, y]| [x + 4.0, y + 4.0]) {
        mesh.tube(Z, at, TUBE, [0.2, PLATE - ROOF / 2.0]);
    }
    grid(4, 4)
        .filter(|[x, y]| (x - 16.0).abs() < 12.0 || (y - 16.0).abs() < 12.0)
        .for_each(|at| stud(&mut mesh, at, PLATE));
    mesh
}

/// A quarter of a ring, one stud wide.
fn macaroni() -> Mesh {
    // Each edge is longer than the wall is thick, or moving the edges inwards would turn some round.
    let mut outline = arc([0., 0.], 16.0 - GAP, 0.0, 90.0, 7);
    outline.extend(arc([0., 0.], 8.0 + GAP, 90.0, 0.0, 5));
    let mut mesh = cup(outline, BRICK);
    for at in [[12., 4.], [4., 12.]] {
        stud(&mut mesh, at, BRICK);
    }
    mesh.turned(
        Z,
        arc([0., 0.], 12.0, 45.0, 45.0, 1)[0],
        &[[POST_RADIUS, 0.2], [POST_RADIUS, 9.0]],
    );
    mesh
}

/// A wall of four logs: half rounds on both long sides.
fn log_brick() -> Mesh {
    let mut mesh = Mesh::default();
    let mut side = Outline::new();
    side.extend(arc([5.5, 2.4], 2.3, -90.0, 90.0, 10));
    side.extend(arc([5.5, 7.2], 2.3, -90.0, 90.0, 10));
    side.extend(arc([2.5, 7.2], 2.3, 90.0, 270.0, 10));
    side.extend(arc([2.5, 2.4], 2.3, 90.0, 270.0, 10));
    mesh.prism(X, side, &[], [GAP, 32.0 - GAP]);
    block(&mut mesh, [0.6, 2.2, 1.2], [31.4, 5.8, 9.6]);
    grid(4, 1).for_each(|at| stud(&mut mesh, at, BRICK));
    mesh
}

/// One stud on top, one sunk into the front.
fn headlight_brick() -> Mesh {
    let side = [[0.1, 0.], [7.9, 0.], [7.9, 1.7], [6.3, 1.7], [6.3, 9.6], [0.1, 9.6]];
    let mut mesh = tunnel(1, &side);
    mesh.tube(Y, [4.0, PIN_HEIGHT], [STUD_RADIUS, BAR_RADIUS], [6.0, 6.3 + STUD_HEIGHT]);
    stud(&mut mesh, [4., 4.], BRICK);
    mesh
}

fn side_studs(n: usize) -> Mesh {
    let mut mesh = studded(n, 1, BRICK);
    for [x, _] in grid(n, 1) {
        mesh.tube(Y, [x, PIN_HEIGHT], [STUD_RADIUS, BAR_RADIUS], [7.6, 7.9 + STUD_HEIGHT]);
    }
    mesh
}

/// A brick with holes for pins through its long sides, between the studs; in the single one, under its stud.
fn holed_brick(n: usize) -> Mesh {
    let mut mesh = Mesh::default();
    let length = n as f64 * PITCH - GAP;
    let holes: Vec<f64> =
        if n == 1 { vec![4.0] } else { (1..n).map(|i| i as f64 * PITCH).collect() };
    let wide = PIN_HOLE - PIN_RING;
    // The wider ring lies at the outer end of each wall's holes.
    let front = [[wide, GAP], [wide, GAP + PIN_RING_DEPTH], [0., GAP + PIN_RING_DEPTH], [0., WALL]];
    let back = front.map(|[out, y]| [out, PITCH - y]);
    for (bore, span) in
        [(front.to_vec(), [GAP, WALL]), (back.into_iter().rev().collect(), [6.5, 7.9])]
    {
        let outline = rect(GAP, 0.0, length, BRICK);
        let mut walls = vec![Wall { outline, profile: span.map(|y| [0., y]).to_vec() }];
        walls.extend(holes.iter().map(|&x| Wall {
            outline: hole(circle([x, PIN_HEIGHT], PIN_HOLE, 28)),
            profile: bore.clone(),
        }));
        mesh.solid(Y, &walls);
    }
    block(&mut mesh, [GAP, GAP, 0.0], [WALL, 7.9, BRICK]);
    block(&mut mesh, [length + GAP - WALL, GAP, 0.0], [length, 7.9, BRICK]);
    block(&mut mesh, [GAP, GAP, BRICK - ROOF], [length, 7.9, BRICK]);
    for x in holes {
        mesh.tube(Y, [x, PIN_HEIGHT], [PIN_RING + 0.1, PIN_HOLE], [WALL - 0.4, 6.9]);
    }
    grid(n, 1).for_each(|at| hollow_stud(&mut mesh, at, BRICK));
    mesh
}

// ---------------------------------------------------------------- plates and tiles

/// A plate of the outline given on the grid, with a stud on every place that lies wholly within.
fn wedge_plate(outline: &[Flat]) -> Mesh {
    let mut mesh = cup(grown(outline, -GAP), PLATE);
    let inside = |[x, y]: Flat| {
        (0..outline.len()).all(|i| {
            let ([ax, ay], [bx, by]) = (outline[i], outline[(i + 1) % outline.len()]);
            let (dx, dy) = (bx - ax, by - ay);
            (dx * (y - ay) - dy * (x - ax)) / (dx * dx + dy * dy).sqrt() > STUD_RADIUS + 0.2
        })
    };
    grid(4, 4).filter(|&at| inside(at)).for_each(|at| stud(&mut mesh, at, PLATE));
    for [x, y] in grid(3, 3).map(|[x, y]| [x + 4.0, y + 4.0]) {
        if inside([x + 1.0, y + 1.0]) {
            mesh.tube(Z, [x, y], TUBE, [0.2, PLATE - ROOF / 2.0]);
        }
    }
    mesh
}

/// A wing: a 4 × 4 plate swept back on both sides.
fn wing() -> Mesh {
    wedge_plate(&[[0., 0.], [32., 0.], [32., 8.], [20., 32.], [12., 32.], [0., 8.]])
}

/// One stud in the middle of two places.
fn jumper() -> Mesh {
    let mut mesh = tile(2, 1);
    hollow_stud(&mut mesh, [8., 4.], PLATE);
    mesh
}

/// A bar held off the long side by two arms.
fn handle_plate() -> Mesh {
    let mut mesh = studded(2, 1, PLATE);
    for [x0, x1] in [[1.0, 3.4], [12.6, 15.0]] {
        block(&mut mesh, [x0, 7.5, 0.4], [x1, 12.4, 2.8]);
    }
    mesh.turned(X, [12.4, 1.6], &[[BAR_RADIUS, 0.3], [BAR_RADIUS, 15.7]]);
    mesh
}

/// A plate with three holes for pins between its studs.
fn holed_plate() -> Mesh {
    let mut mesh = Mesh::default();
    let mut walls = vec![cup_wall(places(4, 2), PLATE)];
    for x in [8., 16., 24.] {
        let outline = hole(circle([x, 8.], PIN_HOLE, 28));
        walls.push(Wall { outline, profile: vec![[0., PLATE - ROOF], [0., PLATE]] });
        mesh.tube(Z, [x, 8.], TUBE, [0.2, PLATE - ROOF / 2.0]);
    }
    mesh.solid(Z, &walls);
    grid(4, 2).for_each(|at| stud(&mut mesh, at, PLATE));
    mesh
}

fn tile(nx: usize, ny: usize) -> Mesh {
    let mut mesh = groove(places(nx, ny));
    grips(&mut mesh, nx, ny, PLATE);
    mesh
}

/// The body of a tile: its foot is narrower, to take a fingernail.
fn groove(outline: Outline) -> Mesh {
    let mut mesh = Mesh::default();
    let profile = vec![
        [-WALL, PLATE - ROOF],
        [-WALL, 0.0],
        [-0.3, 0.0],
        [-0.3, 0.5],
        [0.0, 0.5],
        [0.0, PLATE],
    ];
    mesh.solid(Z, &[Wall { outline, profile }]);
    mesh
}

fn round_tile() -> Mesh {
    let mut mesh = groove(circle([8., 8.], 7.9, 60));
    mesh.tube(Z, [8., 8.], TUBE, [0.2, PLATE - ROOF / 2.0]);
    mesh
}

/// Long bars with slits between them.
fn grille_tile() -> Mesh {
    let mut mesh = Mesh::default();
    let slits: Vec<Outline> = [1.5, 3.4, 5.3].map(|y| rect(1.4, y, 14.6, y + 1.2)).to_vec();
    mesh.prism(Z, places(2, 1), &slits, [1.0, PLATE]);
    mesh.prism(Z, grown(&places(2, 1), -0.2), &[rect(1.5, 1.5, 14.5, 6.5)], [0.0, 1.4]);
    mesh
}

// ---------------------------------------------------------------- slopes and arches

/// A body `n` places wide with the side view given, its first edge the open bottom: hollow, but for its two sides.
fn tunnel(n: usize, side: &[Flat]) -> Mesh {
    let mut mesh = Mesh::default();
    let width = n as f64 * PITCH - GAP;
    let mut inside = grown(side, -WALL);
    inside[0][1] = 0.0;
    inside[1][1] = 0.0;
    let mut skin = side[1..].to_vec();
    skin.push(side[0]);
    skin.push(inside[0]);
    skin.extend(inside[1..].iter().rev());
    mesh.prism(X, skin, &[], [GAP, width]);
    for span in [[GAP, WALL], [width + GAP - WALL, width]] {
        mesh.prism(X, side.to_vec(), &[], span);
    }
    mesh
}

/// Takes the clearance off both ends of a side view that is given on the grid.
fn cleared(side: &[Flat]) -> Vec<Flat> {
    let end = side.iter().fold(0.0, |end: f64, point| end.max(point[0]));
    side.iter().map(|&[y, z]| [y.clamp(GAP, end - GAP), z]).collect()
}

/// Slope with a row of `n` studs along its upper edge.
fn slope(n: usize, side: &[Flat]) -> Mesh {
    let mut mesh = tunnel(n, &cleared(side));
    let height = side[side.len() - 1][1];
    grips(&mut mesh, n, 2, PLATE);
    grid(n, 1).for_each(|at| stud(&mut mesh, at, height));
    mesh
}

/// A ridge along x.
fn double_slope() -> Mesh {
    let mut mesh = tunnel(2, &[[0.1, 0.], [15.9, 0.], [15.9, 1.6], [8., 9.6], [0.1, 1.6]]);
    grips(&mut mesh, 2, 2, PLATE);
    mesh
}

fn cheese_slope(n: usize) -> Mesh {
    tunnel(n, &[[0.1, 0.], [7.9, 0.], [7.9, 1.6], [0.1, 6.4]])
}

fn curved_slope() -> Mesh {
    let mut side = vec![[0.1, 0.], [31.9, 0.], [31.9, 1.6]];
    // A shallow arc that starts level at the far end.
    let (depth, drop) = (31.8, 8.0);
    for i in (0..12).map(|i| 1.0 - f64::from(i + 1) / 12.0) {
        side.push([0.1 + i * depth, BRICK - drop * i * i]);
    }
    tunnel(1, &side)
}

/// Overhangs its foot by one place.
fn inverted_slope(n: usize) -> Mesh {
    let mut mesh = Mesh::default();
    let width = n as f64 * PITCH - GAP;
    let side = [[0.1, 0.], [7.9, 0.], [15.9, 8.], [15.9, 9.6], [0.1, 9.6]];
    let mut hollow = vec![[6.4, 0.], [7.9, 0.], [15.9, 8.], [15.9, 9.6], [0.1, 9.6], [0.1, 0.]];
    hollow.extend([[1.6, 0.], [1.6, 8.], [6.4, 8.]]);
    mesh.prism(X, hollow, &[], [GAP, width]);
    for span in [[GAP, WALL], [width + GAP - WALL, width]] {
        mesh.prism(X, side.to_vec(), &[], span);
    }
    grid(n, 1).for_each(|at| stud(&mut mesh, at, BRICK));
    grid(n, 1).for_each(|[x, y]| hollow_stud(&mut mesh, [x, y + PITCH], BRICK));
    mesh
}

/// A round opening of the radius given, in the middle of `n` places.
fn arch_brick(n: usize, radius: f64, height: f64) -> Mesh {
    let mut mesh = Mesh::default();
    let (length, middle) = (n as f64 * PITCH, n as f64 * PITCH / 2.0);
    let opening = arc([middle, 0.0], radius, 180.0, 0.0, 32);
    let mut front = vec![[GAP, 0.0]];
    front.extend(&opening);
    front.extend([[length - GAP, 0.0], [length - GAP, height], [GAP, height]]);
    mesh.prism(Y, front.clone(), &[], [GAP, WALL]);
    mesh.prism(Y, front, &[], [PITCH - WALL, PITCH - GAP]);
    // Between front and back the feet are hollow.
    let deep = height * 0.6;
    let end = middle - radius;
    let mut core = vec![[GAP, 0.0], [WALL, 0.0], [WALL, deep.min(radius * 0.5)]];
    core.push([end - WALL * 0.8, deep.min(radius * 0.5)]);
    core.push([end - WALL * 0.8, 0.0]);
    let mirrored: Vec<Flat> = core.iter().rev().map(|&[x, z]| [length - x, z]).collect();
    core.extend(opening);
    core.extend(mirrored);
    core.extend([[length - GAP, height], [GAP, height]]);
    mesh.prism(Y, core, &[], [GAP + 0.3, PITCH - GAP - 0.3]);
    grid(n, 1).for_each(|at| stud(&mut mesh, at, height));
    mesh
}

// ---------------------------------------------------------------- cones, domes, dishes

fn cone_1x1() -> Mesh {
    let mut mesh = Mesh::default();
    let profile =
        [[2.4, 8.0], [2.4, 0.0], [3.2, 0.0], [3.2, 1.7], [3.9, 1.7], [3.9, 3.0], [2.5, BRICK]];
    mesh.turned(Z, [4., 4.], &profile);
    hollow_stud(&mut mesh, [4., 4.], BRICK);
    mesh
}

fn cone_2x2x2() -> Mesh {
    let mut mesh = Mesh::default();
    let top = 2.0 * BRICK;
    let profile = [
        [2.6, top - ROOF],
        [6.2, 2.0],
        [6.2, 0.0],
        [7.1, 0.0],
        [7.1, 1.7],
        [7.9, 1.7],
        [7.9, 3.2],
        [3.9, top],
    ];
    mesh.turned(Z, [8., 8.], &profile);
    mesh.tube(Z, [8., 8.], TUBE, [0.2, 12.0]);
    hollow_stud(&mut mesh, [8., 8.], top);
    mesh
}

fn dome() -> Mesh {
    let mut mesh = Mesh::default();
    let mut profile = vec![[5.0, 6.0], [6.2, 2.0], [6.2, 0.0], [7.1, 0.0], [7.1, 1.7], [7.9, 1.7]];
    profile.extend(arc([0., 1.9], 7.9, 0.0, 74.0, 14));
    let last = profile.len() - 1;
    profile[last][1] = BRICK;
    mesh.turned(Z, [8., 8.], &profile);
    mesh.tube(Z, [8., 8.], TUBE, [0.2, 6.2]);
    hollow_stud(&mut mesh, [8., 8.], BRICK);
    mesh
}

/// A shallow bowl, hollow side up, with a stud in its middle.
fn dish() -> Mesh {
    let mut mesh = Mesh::default();
    let mut profile = arc([0., 28.0], 28.0, -83.0, -56.0, 12);
    profile.extend(arc([0., 28.0], 26.8, -56.0, -83.0, 12));
    mesh.turned(Z, [16., 16.], &profile);
    mesh.tube(Z, [16., 16.], [4.0, STUD_RADIUS], [-1.4, 1.0]);
    stud(&mut mesh, [16., 16.], 1.6);
    mesh
}

// ---------------------------------------------------------------- walls and brackets

/// A thin plate with two studs, bent down to one with four.
fn bracket() -> Mesh {
    let mut mesh = Mesh::default();
    let thick = 1.6;
    block(&mut mesh, [GAP, GAP, 16.0 - thick], [15.9, 8.0, 16.0]);
    block(&mut mesh, [GAP, 8.0 - thick, 0.1], [15.9, 8.0, 16.0]);
    grid(2, 1).for_each(|at| stud(&mut mesh, at, 16.0));
    for at in grid(2, 2) {
        mesh.tube(Y, at, [STUD_RADIUS, BAR_RADIUS], [7.7, 8.0 + STUD_HEIGHT]);
    }
    mesh
}

/// A thin wall on the edge of a floor.
fn panel() -> Mesh {
    let mut mesh = tile(2, 1);
    block(&mut mesh, [GAP, 6.4, 1.0], [15.9, 7.9, BRICK]);
    mesh
}

/// Spindles between a foot and a studded rail.
fn fence() -> Mesh {
    let mut mesh = cup(places(4, 1), PLATE);
    grips(&mut mesh, 4, 1, PLATE);
    let top = 2.0 * BRICK;
    block(&mut mesh, [GAP, GAP, top - PLATE], [31.9, 7.9, top]);
    for x in [4., 12., 20., 28.] {
        let profile =
            [[2.3, 3.0], [2.3, 4.2], [1.5, 5.0], [1.9, 9.6], [1.5, 14.2], [2.3, 15.0], [2.3, 16.2]];
        mesh.turned(Z, [x, 4.], &profile);
    }
    grid(4, 1).for_each(|at| stud(&mut mesh, at, top));
    mesh
}

fn window() -> Mesh {
    let mut mesh = Mesh::default();
    let top = 2.0 * BRICK;
    mesh.prism(Y, rect(GAP, 0.0, 15.9, top), &[rect(1.6, 1.6, 14.4, top - 1.6)], [GAP, 7.9]);
    grid(2, 1).for_each(|at| stud(&mut mesh, at, top));
    mesh
}

// ---------------------------------------------------------------- beams, axles, gears, wheels

/// The cross-section of an axle.
fn cross([x, y]: Flat) -> Outline {
    let [a, b] = AXLE;
    let quarter = [[a, -b], [a, b], [b, b]];
    let turns: [fn(Flat) -> Flat; 4] =
        [|[u, v]| [u, v], |[u, v]| [-v, u], |[u, v]| [-u, -v], |[u, v]| [v, -u]];
    turns.iter().flat_map(|turn| quarter.map(turn)).map(|[u, v]| [x + u, y + v]).collect()
}

/// A beam with rounded ends along a path on the grid of straight pieces, with a hole every 8 mm.
fn beam(path: &[Flat]) -> Mesh {
    let mut mesh = Mesh::default();
    let radius = BEAM / 2.0;
    for piece in path.windows(2) {
        let ([ax, ay], [bx, by]) = (piece[0], piece[1]);
        let length = (bx - ax).abs() + (by - ay).abs();
        let (dx, dy) = ((bx - ax) / length, (by - ay) / length);
        let turned = |[u, v]: Flat| [ax + dx * u - dy * v, ay + dy * u + dx * v];
        let mut outline = arc([length, 0.], radius, -90.0, 90.0, 16);
        outline.extend(arc([0., 0.], radius, 90.0, 270.0, 16));
        let outer = Wall {
            outline: outline.into_iter().map(turned).collect(),
            profile: vec![[0., 0.], [0., BEAM]],
        };
        let holes =
            (0..=(length / PITCH) as usize).map(|i| pin_hole(turned([i as f64 * PITCH, 0.])));
        mesh.solid(Z, &std::iter::once(outer).chain(holes).collect::<Vec<_>>());
    }
    mesh
}

/// The wall of a hole for pins through a beam: wider at both ends.
fn pin_hole(centre: Flat) -> Wall {
    let wide = PIN_HOLE - PIN_RING;
    let [low, high] = [PIN_RING_DEPTH, BEAM - PIN_RING_DEPTH];
    let profile = vec![[wide, 0.], [wide, low], [0., low], [0., high], [wide, high], [wide, BEAM]];
    Wall { outline: hole(circle(centre, PIN_HOLE, 28)), profile }
}

/// Two slit ends on a collar, hollow throughout.
fn pin() -> Mesh {
    let mut mesh = Mesh::default();
    mesh.tube(Z, [0., 0.], [3.0, BAR_RADIUS], [7.2, 8.8]);
    mesh.tube(Z, [0., 0.], [2.35, BAR_RADIUS], [4.5, 11.5]);
    for start in [12.0, 192.0] {
        for (from, to, radius) in [(0.0, 16.0, 2.35), (0.0, 0.9, 2.65), (15.1, 16.0, 2.65)] {
            let mut outline = arc([0., 0.], radius, start, start + 156.0, 14);
            outline.extend(arc([0., 0.], BAR_RADIUS, start + 152.0, start + 4.0, 14));
            mesh.prism(Z, outline, &[], [from, to]);
        }
    }
    mesh
}

fn axle() -> Mesh {
    let mut mesh = Mesh::default();
    mesh.prism(X, cross([0., 0.]), &[], [0., 32.]);
    mesh
}

/// A sleeve for an axle, with a rim at both ends.
fn bush() -> Mesh {
    let mut mesh = Mesh::default();
    let profile = [[3.7, 0.], [3.7, 1.6], [3.0, 1.6], [3.0, 6.4], [3.7, 6.4], [3.7, 8.0]];
    let outer = round_wall([0., 0.], &profile);
    let bore = Wall { outline: hole(cross([0., 0.])), profile: vec![[0., 0.], [0., 8.]] };
    mesh.solid(Z, &[outer, bore]);
    mesh
}

/// A spur gear with teeth of module 1 mm on an axle's sleeve.
fn gear(teeth: usize) -> Mesh {
    let mut mesh = Mesh::default();
    let pitch = teeth as f64 / 2.0;
    let step = 360.0 / teeth as f64;
    // Share of a tooth's step at which its flank meets the foot, and where it meets the tip.
    let (foot, tip) = ((pitch - 1.2).max(3.1), pitch + 0.9);
    let knees = [(foot, -0.32), (tip, -0.14), (tip, 0.14), (foot, 0.32)];
    let outline: Outline = (0..teeth)
        .flat_map(|i| knees.map(|(r, share)| (r, (i as f64 + share) * step)))
        .map(|(r, angle)| arc([0., 0.], r, angle, angle, 1)[0])
        .collect();
    let mut holes = vec![cross([0., 0.])];
    if teeth == 24 {
        holes.extend(
            [[8., 0.], [0., 8.], [-8., 0.], [0., -8.]].map(|at| circle(at, PIN_HOLE - 0.3, 24)),
        );
    } else if teeth == 16 {
        holes.extend(
            [45., 135., 225., 315.].map(|a| circle(arc([0., 0.], 5.0, a, a, 1)[0], 1.3, 16)),
        );
    }
    let (face, hub) = if teeth == 8 { (3.0, 3.1) } else { (1.9, 3.4) };
    mesh.prism(Z, outline, &holes, [-face, face]);
    mesh.prism(Z, circle([0., 0.], hub, 36), &[cross([0., 0.])], [-3.9, 3.9]);
    mesh
}

/// A rim with spokes' worth of holes about its hub.
fn wheel() -> Mesh {
    let mut mesh = Mesh::default();
    let rim = [[9.0, 0.0], [9.0, 1.2], [7.8, 2.4], [7.8, 11.6], [9.0, 12.8], [9.0, 14.0]];
    let bore =
        Wall { outline: hole(circle([0., 0.], 6.6, 60)), profile: vec![[0., 0.], [0., 14.]] };
    mesh.solid(Z, &[round_wall([0., 0.], &rim), bore]);
    let holes: Vec<Outline> = (0..6)
        .map(|i| f64::from(i) * 60.0)
        .map(|a| circle(arc([0., 0.], 4.7, a, a, 1)[0], 1.3, 16))
        .chain([circle([0., 0.], PIN_HOLE, 24)])
        .collect();
    mesh.prism(Z, circle([0., 0.], 7.0, 60), &holes, [5.5, 9.0]);
    mesh.tube(Z, [0., 0.], [3.2, PIN_HOLE], [1.0, 13.0]);
    mesh
}

/// A ring of rubber with blocks of tread left and right in turn.
fn tyre() -> Mesh {
    let mut mesh = Mesh::default();
    let profile = [[11.0, 0.0], [14.0, 1.2], [15.0, 3.0], [15.0, 11.0], [14.0, 12.8], [11.0, 14.0]];
    let bore = Wall {
        outline: hole(circle([0., 0.], 8.6, 60)),
        profile: vec![
            [-0.6, 0.],
            [-0.6, 1.6],
            [-1.6, 3.0],
            [-1.6, 11.0],
            [-0.6, 12.4],
            [-0.6, 14.],
        ],
    };
    mesh.solid(Z, &[round_wall([0., 0.], &profile), bore]);
    for i in 0..18 {
        for (half, span) in [(0.0, [1.6, 7.4]), (10.0, [6.6, 12.4])] {
            let middle = f64::from(i) * 20.0 + half;
            let mut outline = arc([0., 0.], 16.2, middle - 5.0, middle + 5.0, 3);
            outline.extend(arc([0., 0.], 14.0, middle + 5.0, middle - 5.0, 3));
            mesh.prism(Z, outline, &[], span);
        }
    }
    mesh
}
