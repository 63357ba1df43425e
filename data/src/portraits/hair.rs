//! Hair and beards, lock by lock.

use std::f32::consts::TAU;

use libm::{cosf, sinf};
use rand_chacha::ChaCha8Rng;

use super::attributes::Attribute::*;
use super::face::{OUTLINE, SKIN_SHADOW};
use super::paint::{Canvas, Mask, Point, between, curve, mirrored, point, scale};
use super::sitter::{Sitter, Style, range};

/// How much brighter the hair is at a place, for the side of the head that it is on.
fn lie_of_light(sitter: &Sitter, p: Point) -> f32 {
    let toward = (p.x - 89.0) * sitter.light[0] + (p.y - 80.0) * sitter.light[1];
    (0.011 * toward).clamp(-0.55, 0.35)
}

/// A sheet of hair between two edges that both run from the roots to the tips.
struct Sheet {
    inner: Vec<Point>,
    outer: Vec<Point>,
    /// How far it waves to either side, how often, and where the wave begins.
    wave: f32,
    turns: f32,
    phase: f32,
}

impl Sheet {
    fn new(inner: &[Point], outer: &[Point]) -> Sheet {
        Sheet { inner: curve(inner), outer: curve(outer), wave: 0.0, turns: 0.0, phase: 0.0 }
    }

    /// The place at `s` from the inner edge (0) to the outer (1) and `t` from the roots (0) to the tips (1).
    fn at(&self, s: f32, t: f32) -> Point {
        let along = |edge: &[Point]| {
            let place = t.max(0.0) * (edge.len() - 1) as f32;
            let before = (place as usize).min(edge.len() - 2);
            between(edge[before], edge[before + 1], place - before as f32)
        };
        let (inner, outer) = (along(&self.inner), along(&self.outer));
        let place = between(inner, outer, s);
        if self.wave == 0.0 {
            return place;
        }
        let (dx, dy) = (outer.x - inner.x, outer.y - inner.y);
        let across = (dx * dx + dy * dy).sqrt().max(1.0);
        let swing = TAU * self.turns * t + self.phase + 1.2 * s;
        let by = self.wave * (2.2 * t * (1.0 - 0.3 * t)).min(1.0) * sinf(swing) / across;
        point(place.x + dx * by, place.y + dy * by)
    }

    /// The part of the sheet from `s0` to `s1`, down to `end`, where it runs out in a point.
    fn lock(&self, s0: f32, s1: f32, end: f32) -> Vec<Point> {
        const STEPS: usize = 36;
        let side = |s: f32, i: usize| {
            let t = end * i as f32 / STEPS as f32;
            let taper = ((t / end - 0.7) / 0.3).max(0.0);
            self.at(s + (0.5 * (s0 + s1) - s) * taper * taper, t)
        };
        let down = (0..=STEPS).map(|i| side(s0, i));
        down.chain((0..=STEPS).rev().map(|i| side(s1, i))).collect()
    }

    /// Paints the sheet as overlapping locks with strands in them. `light` is how bright it is as a whole.
    fn paint(
        &self,
        canvas: &mut Canvas,
        sitter: &Sitter,
        light: f32,
        locks: usize,
        rng: &mut ChaCha8Rng,
    ) {
        let tone = |p: Point, by: f32| sitter.hair_tone(light + by + lie_of_light(sitter, p));
        let step = 1.0 / locks as f32;
        for i in 0..locks {
            // From the outside inwards, so that the locks at the face lie on top.
            let s = 1.0 - (i as f32 + 1.0) * step;
            let end = range(rng, 0.93, 1.04);
            let mask =
                Mask::fill(&self.lock((s - 0.35 * step).max(0.0), (s + 1.35 * step).min(1.0), end));
            let by = range(rng, -0.22, 0.12);
            canvas.shade(&mask, 1.0, |p| tone(p, by));
        }
        for i in 0..14 * locks {
            let s = range(rng, 0.02, 0.98);
            let (from, length) = (range(rng, -0.1, 0.75), range(rng, 0.2, 0.5));
            let drift = range(rng, -0.06, 0.06);
            let path: Vec<Point> = (0..=12)
                .map(|k| {
                    self.at(s + drift * k as f32 / 12.0, (from + length * k as f32 / 12.0).min(1.0))
                })
                .collect();
            let by = if i % 2 == 0 { -0.75 } else { 0.55 };
            let width = range(rng, 0.7, 1.7);
            let mask = Mask::stroke(&path, [0.2, width, 0.2]);
            canvas.shade(&mask, 0.5, |p| tone(p, by));
        }
        // The band of light across the crown.
        for _ in 0..7 * locks {
            let s = range(rng, 0.25, 0.9);
            let from = range(rng, 0.12, 0.22);
            let path: Vec<Point> = (0..=5).map(|k| self.at(s, from + 0.03 * k as f32)).collect();
            canvas.shade(&Mask::stroke(&path, [0.2, 1.8, 0.2]), 0.4, |p| tone(p, 0.95));
        }
    }
}

/// Waves, if the sitter's hair waves, over a sheet about `length` pixels long.
fn waved(sheet: Sheet, sitter: &Sitter, length: f32, rng: &mut ChaCha8Rng) -> Sheet {
    let (size, phase) = (range(rng, 3.6, 5.2), range(rng, 0.0, TAU));
    if sitter.has[WavyHair] {
        Sheet { wave: size, turns: length / 38.0, phase, ..sheet }
    } else {
        sheet
    }
}

/// The hair behind the neck and shoulders, and the bun.
pub(super) fn paint_behind(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let bun = (range(rng, -10.0, 10.0), range(rng, 13.0, 18.0));
    match sitter.style {
        Style::Long(end) => {
            let edge = |s: f32| {
                let down = [(4.0, -70.0), (46.0, -52.0), (55.0, -10.0), (54.0, 30.0), (50.0, end)];
                down.map(|(u, v)| sitter.at(s * u, v, -6.0))
            };
            let sheet = Sheet::new(&edge(-1.0), &edge(1.0));
            waved(sheet, sitter, end + 60.0, rng).paint(canvas, sitter, -0.6, 8, rng);
        }
        Style::Up => {
            let (u, r) = bun;
            let centre = sitter.at(u, -82.0, -7.0);
            canvas.shade(&Mask::ellipse(centre, r + 2.0, r, 0.0), 1.0, |p| {
                let toward =
                    (p.x - centre.x) * sitter.light[0] + (p.y - centre.y) * sitter.light[1];
                sitter.hair_tone(0.03 * toward - 0.1)
            });
            for _ in 0..34 {
                let (turn, reach) = (range(rng, -0.9, 0.9), range(rng, 0.3, 0.95));
                let arc: Vec<Point> = (-3..=3)
                    .map(|k| {
                        let k = k as f32 / 3.0;
                        point(centre.x + r * k * 0.95, centre.y + r * reach * turn * (1.0 - k * k))
                    })
                    .collect();
                let light = range(rng, -0.9, 0.8);
                canvas.brush(&arc, [0.2, 1.4, 0.2], 0.5, sitter.hair_tone(light));
            }
        }
        _ => {}
    }
}

/// The hair on the head: what frames the face and falls in front.
pub(super) fn paint_hair(canvas: &mut Canvas, sitter: &Sitter, head: &Mask, rng: &mut ChaCha8Rng) {
    let part = range(rng, -20.0, 20.0);
    let volume = range(rng, 0.0, 5.0);
    match sitter.style {
        Style::None => {}
        Style::Crop => crop(canvas, sitter, rng),
        Style::Curly => {
            let end = if sitter.has[Male] { 8.0 } else { 34.0 };
            for sheet in sides(sitter, 0.0, end, 10.0 + volume) {
                curls(canvas, sitter, &sheet, 150, rng);
            }
        }
        Style::Short | Style::Long(_) | Style::Up => {
            let (end, part) = match sitter.style {
                Style::Long(end) => (end, part),
                Style::Short => (9.0, part),
                _ => (2.0, 0.3 * part),
            };
            let sheets = sides(sitter, part, end, volume);
            // The hair's shadow on the face.
            let aside = (-3.0 * sitter.light[0]) as i32;
            for sheet in &sheets {
                let mask = Mask::fill(&sheet.lock(0.0, 1.0, 1.0)).soften(2).moved(aside, 3);
                canvas.glaze(&mask.within(head), 0.55, SKIN_SHADOW);
            }
            for sheet in sheets {
                waved(sheet, sitter, end + 60.0, rng).paint(canvas, sitter, 0.0, 7, rng);
            }
            let line = sitter.all(&[(part, sitter.hairline + 1.0), (part, -76.0)], OUTLINE);
            canvas.brush(&line, [1.8, 1.4, 0.2], 0.6, sitter.hair_tone(-1.0));
        }
    }
    if sitter.has[Bangs] {
        bangs(canvas, sitter, head, 0.4 * part, rng);
    }
}

/// The two sides of parted hair: inner edges along the face, outer edges around the head, down to `end`.
fn sides(sitter: &Sitter, part: f32, end: f32, volume: f32) -> [Sheet; 2] {
    let h = sitter.hairline;
    let corner = if sitter.has[RecedingHairline] { -4.0 } else { 3.0 };
    [-1.0, 1.0].map(|s| {
        // Half-way from the part to the temple on this side, whichever way the part lies.
        let toward = |u: f32, t: f32| part + (s * u - part) * t;
        let w = sitter.temple;
        let mut inner = vec![
            (part, h),
            (toward(36.0, 0.5), h + corner * 0.5),
            (s * 33.0, h + corner + 6.0),
            (s * (w - 4.0), -19.0),
            (s * (w - 1.0), 0.0),
        ];
        let v = volume;
        let mut outer = vec![
            (part, -75.0 - v),
            (toward(36.0, 0.6), -74.0 - v),
            (s * (43.0 + 0.5 * v), -59.0 - 0.6 * v),
            (s * (w + 7.0 + v), -30.0),
            (s * (w + 7.0 + v), -6.0),
        ];
        if end > 20.0 {
            let middle = 0.5 * end;
            inner.extend([(s * (w - 4.0), middle), (s * (w - 6.0), end)]);
            outer.extend([(s * (w + 12.0 + v), middle), (s * (w + 9.0 + v), end)]);
        } else {
            inner.push((s * (w - 1.5), end));
            outer.push((s * (w + 5.0), end));
        }
        Sheet::new(&sitter.all(&inner, OUTLINE), &sitter.all(&outer, OUTLINE - 2.0))
    })
}

/// A fringe from the crown down to the brows.
fn bangs(canvas: &mut Canvas, sitter: &Sitter, head: &Mask, part: f32, rng: &mut ChaCha8Rng) {
    let slant = range(rng, -5.0, 5.0);
    let edge = |s: f32| {
        let down = [
            (part + s * 3.0, -72.0),
            (part * 0.5 + s * 24.0, -60.0),
            (s * 35.0, -40.0),
            (s * 38.0, -21.0 + s * slant),
        ];
        sitter.all(&down, OUTLINE + 2.0)
    };
    let sheet = Sheet::new(&edge(-1.0), &edge(1.0));
    let mask = Mask::fill(&sheet.lock(0.0, 1.0, 1.03)).soften(2).moved(0, 4).within(head);
    canvas.glaze(&mask, 0.5, SKIN_SHADOW);
    let sheet = if sitter.style == Style::Curly { sheet } else { waved(sheet, sitter, 30.0, rng) };
    if sitter.style == Style::Curly {
        curls(canvas, sitter, &sheet, 70, rng);
    } else {
        Sheet { wave: 0.4 * sheet.wave, ..sheet }.paint(canvas, sitter, 0.0, 9, rng);
    }
}

/// Fills a sheet with small curls.
fn curls(canvas: &mut Canvas, sitter: &Sitter, sheet: &Sheet, count: usize, rng: &mut ChaCha8Rng) {
    let under = Mask::fill(&sheet.lock(0.0, 0.85, 1.0));
    canvas.fill(&under.soften(1), 1.0, sitter.hair_tone(-0.6));
    for _ in 0..count {
        let centre = sheet.at(range(rng, 0.0, 1.0), range(rng, 0.0, 1.0));
        let light = range(rng, -0.5, 0.1) + lie_of_light(sitter, centre);
        let (turn, r) = (range(rng, 0.0, TAU), range(rng, 2.8, 5.5));
        // A dark gap on the outside, the curl, and its highlight.
        for (reach, width, by) in [(1.25, 1.6, -0.7), (1.0, 3.2, 0.1), (0.95, 1.0, 0.75)] {
            let arc: Vec<Point> = (0..7)
                .map(|k| {
                    let angle = turn + 0.7 * k as f32;
                    let r = r * reach * (1.0 - 0.05 * k as f32);
                    point(centre.x + r * cosf(angle), centre.y + r * sinf(angle))
                })
                .collect();
            let curl = Mask::stroke(&arc, [0.3, width, 0.3]);
            canvas.fill(&curl, 0.8, sitter.hair_tone(light + by));
        }
    }
}

/// Hair cropped close to the skull.
fn crop(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let [left, right] = sides(sitter, 0.0, 8.0, -2.0);
    let back = |edge: &[Point]| edge.iter().rev().copied().collect::<Vec<_>>();
    let shape = [back(&left.inner), right.inner, back(&right.outer), left.outer].concat();
    let mask = Mask::fill(&shape);
    canvas.shade(&mask.soften(1), 1.0, |p| sitter.hair_tone(lie_of_light(sitter, p) - 0.1));
    let tones = [sitter.hair_tone(-0.8), sitter.hair_tone(0.6)];
    bristle(canvas, &mask, sitter.at(0.0, -20.0, OUTLINE), 560, 3.2, tones, rng);
}

/// Short hairs all over a mask, pointing away from `centre`.
fn bristle(
    canvas: &mut Canvas,
    mask: &Mask,
    centre: Point,
    count: usize,
    length: f32,
    colours: [[f32; 3]; 2],
    rng: &mut ChaCha8Rng,
) {
    for i in 0..count {
        let Some(root) = mask.somewhere(rng) else { continue };
        let (dx, dy) = (root.x - centre.x, root.y - centre.y);
        let away = (dx * dx + dy * dy).sqrt().max(1.0);
        let lean = range(rng, -0.4, 0.4);
        let tip = point(
            root.x + length * (dx / away - lean * dy / away),
            root.y + length * (dy / away + lean * dx / away),
        );
        canvas.line(&[root, between(root, tip, 0.5), tip], [0.7, 0.9, 0.2], 0.5, colours[i % 2]);
    }
}

/// Everything that grows on chin, cheeks and lip.
pub(super) fn paint_beard(canvas: &mut Canvas, sitter: &Sitter, head: &Mask, rng: &mut ChaCha8Rng) {
    let has = &sitter.has;
    let full = !has[NoBeard] && !has[FiveOClockShadow] && !has[Goatee];
    let tones = [sitter.hair_tone(-0.9), sitter.hair_tone(0.25)];
    let nose = sitter.at(0.0, 20.0, 0.0);
    let (w, j, c) = (sitter.temple, sitter.jaw, sitter.chin);
    let jaw = |low: f32| {
        let cheek = [(7.0, 32.0), (17.0, 34.5), (25.0, 37.0), (sitter.cheek - 4.0, 27.0)];
        let side = [(w - 3.0, 8.0), (w + 1.0, 20.0), (j + 2.0 + 0.3 * low, 46.0)];
        let chin = [(0.75 * j, c - 8.0 + low), (0.34 * j, c + low - 1.0), (0.0, c + low)];
        let path = mirrored(&[&cheek[..], &side, &chin].concat());
        Mask::smooth(&sitter.all(&path, 1.0))
    };
    let lips = Mask::ellipse(
        sitter.at(0.0, 44.0, 4.0),
        sitter.mouth + 1.0,
        6.5 + 0.6 * sitter.gap,
        sitter.roll,
    );
    if has[FiveOClockShadow] {
        let area = jaw(0.0).soften(3).within(head).without(&lips.soften(1));
        canvas.glaze(&area, 0.62, [0.55, 0.56, 0.62]);
        bristle(canvas, &area, nose, 420, 1.6, [scale(sitter.hair.dark, 0.7); 2], rng);
    }
    if full {
        let area = jaw(4.0).soften(1).without(&lips);
        canvas.fill(&area, 0.95, sitter.hair_tone(-0.45));
        bristle(canvas, &area, nose, 420, 6.0, tones, rng);
    }
    if has[Mustache] {
        for s in [-1.0, 1.0] {
            let top = [(1.0, 32.0), (9.0, 32.0), (17.0, 36.5), (21.0, 44.0)];
            let bottom = [(1.0, 38.5), (8.0, 39.5), (15.0, 42.0), (20.0, 47.0)];
            let sheet = Sheet::new(&sitter.side(s, &top, 4.0), &sitter.side(s, &bottom, 4.0));
            let area = Mask::fill(&sheet.lock(0.0, 1.0, 1.0));
            canvas.fill(&area.soften(1), 0.95, sitter.hair_tone(-0.4));
            bristle(canvas, &area, sitter.at(0.0, 30.0, 4.0), 60, 5.0, tones, rng);
        }
    }
    if has[Sideburns] {
        for s in [-1.0, 1.0] {
            let outside = [(w - 1.0, -6.0), (w + 0.5, 10.0), (w - 1.0, 30.0)];
            let inside = [(w - 11.0, 33.0), (w - 9.5, 14.0), (w - 8.0, -6.0)];
            let path = sitter.side(s, &[outside, inside].concat(), OUTLINE);
            let area = Mask::smooth(&path).soften(1).within(head);
            canvas.fill(&area, 0.9, sitter.hair_tone(-0.4));
            bristle(canvas, &area, sitter.at(s * w, -40.0, 0.0), 60, 4.5, tones, rng);
        }
    }
    if has[Goatee] {
        let chin = mirrored(&[(7.0, 53.0), (15.0, 57.0), (14.0, c - 1.0), (0.0, c + 7.0)]);
        let area = Mask::smooth(&sitter.all(&chin, 3.0)).soften(1);
        canvas.fill(&area, 0.95, sitter.hair_tone(-0.45));
        bristle(canvas, &area, nose, 150, 6.0, tones, rng);
    }
}
