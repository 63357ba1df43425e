use std::collections::HashSet;
use std::sync::LazyLock;

use rand::SeedableRng;
use sha2::{Digest, Sha256};

use super::outline::{circle, hole, rect, triangulated};
use super::*;

fn rng(stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    rng.set_stream(stream);
    rng
}

/// Shared, so that each part is worked out once.
static ALL: LazyLock<Vec<Part>> = LazyLock::new(|| parts(View::Anywhere));

fn part(name: &str) -> &'static Part {
    ALL.iter().find(|part| part.name() == name).expect(name)
}

/// The parts of a view, from those shared.
fn shown(view: View) -> impl Iterator<Item = &'static Part> {
    parts(view).into_iter().map(|shown| part(shown.name()))
}

#[test]
fn names_are_unique_and_fit_for_folders() {
    let names: HashSet<&str> = ALL.iter().map(Part::name).collect();
    assert!(ALL.len() >= 50);
    assert_eq!(names.len(), ALL.len());
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    }
    assert_eq!(parts(View::Upright).len(), 8);
}

#[test]
fn every_mesh_is_closed() {
    for part in ALL.iter() {
        let triangles = (part.build)().triangles;
        let edges: Vec<(u32, u32)> =
            triangles.iter().flat_map(|&[a, b, c]| [(a, b), (b, c), (c, a)]).collect();
        let once: HashSet<(u32, u32)> = edges.iter().copied().collect();
        assert_eq!(
            once.len(),
            edges.len(),
            "{}: an edge is used twice in one direction",
            part.name()
        );
        for (a, b) in edges {
            assert!(once.contains(&(b, a)), "{}: an edge has one triangle only", part.name());
        }
    }
}

#[test]
fn every_triangle_faces_the_way_its_normals_do() {
    for part in ALL.iter() {
        let mesh = (part.build)();
        for triangle in &mesh.triangles {
            let [a, b, c] = triangle.map(|i| mesh.vertices[i as usize]);
            let side = |end: Vec3| [0, 1, 2].map(|k| end[k] - a.at[k]);
            let (u, v) = (side(b.at), side(c.at));
            let facing = [0, 1, 2].map(|k| {
                let (i, j) = ((k + 1) % 3, (k + 2) % 3);
                u[i] * v[j] - u[j] * v[i]
            });
            let along: f32 =
                (0..3).map(|k| facing[k] * (a.normal[k] + b.normal[k] + c.normal[k])).sum();
            assert!(along > -1e-4, "{}: {along} at {:?}", part.name(), a.at);
        }
    }
}

#[test]
fn sizes_are_the_systems() {
    for (name, size) in [
        ("brick-1x1", [7.8, 7.8, 11.3]),
        ("brick-2x4", [31.8, 15.8, 11.3]),
        ("plate-2x3", [23.8, 15.8, 4.9]),
        ("tile-1x4", [31.8, 7.8, 3.2]),
        ("slope-45-2x2", [15.8, 15.8, 11.3]),
        ("holed-brick-1x4", [31.8, 7.8, 11.3]),
        ("arch-1x6x2", [47.8, 7.8, 20.9]),
        ("beam-5", [39.8, 7.8, 7.8]),
        ("axle-4", [32.0, 4.7, 4.7]),
    ] {
        let [low, high] = (part(name).build)().bounds();
        for k in 0..3 {
            assert!((high[k] - low[k] - size[k]).abs() < 0.02, "{name}: {low:?} to {high:?}");
        }
    }
}

#[test]
fn a_face_with_holes_keeps_its_area() {
    let loops =
        [rect(0., 0., 20., 10.), hole(rect(2., 2., 5., 5.)), hole(circle([12., 5.], 3., 24))];
    let points = loops.concat();
    let area = |ring: &[[f64; 2]]| {
        let next = |i: usize| ring[(i + 1) % ring.len()];
        (0..ring.len()).map(|i| ring[i][0] * next(i)[1] - ring[i][1] * next(i)[0]).sum::<f64>()
            / 2.0
    };
    let whole: f64 = loops.iter().map(|ring| area(ring)).sum();
    let pieces: Vec<f64> =
        triangulated(&loops).iter().map(|t| area(&t.map(|corner| points[corner]))).collect();
    assert!(pieces.iter().all(|&piece| piece > 0.0));
    assert!((pieces.iter().sum::<f64>() - whole).abs() < 1e-9);
}

#[test]
fn a_flat_top_is_open_and_a_cavity_is_not() {
    let tile = part("tile-2x2");
    let top = tile.model().openness.around([8.0, 8.0, 3.2], [0.0, 0.0, 1.0]);
    assert!(top.towards([0.0, 0.0, 1.0]) > 0.99);
    let brick = part("brick-1x1");
    let ceiling = brick.model().openness.around([4.0, 4.0, 8.4], [0.0, 0.0, -1.0]);
    let share = ceiling.towards([0.0, 0.0, -1.0]);
    assert!(share > 0.02 && share < 0.3, "{share}");
}

#[test]
fn every_picture_shows_a_part_on_white() {
    for view in [View::Anywhere, View::Upright] {
        for (stream, part) in shown(view).enumerate() {
            let image = draw(part, view, 64, &mut rng(stream as u64));
            let edge = image.enumerate_pixels().filter(|&(x, y, _)| x % 63 == 0 || y % 63 == 0);
            assert!(
                edge.into_iter().all(|(.., p)| p.0 == [255]),
                "{} touches the edge",
                part.name()
            );
            let (mut wide, mut high) = (HashSet::new(), HashSet::new());
            for (x, y, _) in image.enumerate_pixels().filter(|(.., p)| p.0[0] < 230) {
                wide.insert(x);
                high.insert(y);
            }
            assert!(wide.len().max(high.len()) > 24, "{} is tiny", part.name());
            let darkest = image.pixels().map(|p| p.0[0]).min();
            assert!(darkest < Some(200), "{} is pale", part.name());
        }
    }
}

/// A tile is as good as convex: every row of its picture is one run of grey.
#[test]
fn no_background_shows_through() {
    let tile = part("tile-2x2");
    for stream in 0..200 {
        let image = draw(tile, View::Anywhere, 48, &mut rng(stream));
        for row in image.rows() {
            let grey: Vec<bool> = row.map(|p| p.0[0] < 255).collect();
            let starts = grey.windows(2).filter(|w| !w[0] && w[1]).count();
            assert!(starts <= 1, "picture {stream}");
        }
    }
}

#[test]
fn the_generator_alone_decides_a_picture() {
    let part = part("slope-45-2x2");
    let again: Vec<Part> =
        parts(View::Upright).into_iter().filter(|p| p.name() == part.name()).collect();
    let drawn = |stream| draw(part, View::Anywhere, 32, &mut rng(stream));
    assert_eq!(drawn(3), drawn(3));
    assert_ne!(drawn(3), drawn(4));
    assert_eq!(drawn(3), draw(&again[0], View::Anywhere, 32, &mut rng(3)));
}

/// The same on every machine. When this changes, so must `VERSION` in `folder.rs`.
#[test]
fn the_bytes_are_those_of_version_1() {
    let mut hash = Sha256::new();
    for view in [View::Anywhere, View::Upright] {
        for (stream, part) in shown(view).enumerate() {
            hash.update(draw(part, view, 32, &mut rng(stream as u64)).as_raw());
        }
    }
    let start: Vec<String> = hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(start.concat(), "54266c1dd5b61839");
}
