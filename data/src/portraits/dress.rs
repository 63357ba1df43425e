//! What surrounds the sitter: the background, clothes, jewellery, glasses and hats.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::attributes::Attribute::*;
use super::face::OUTLINE;
use super::paint::{
    Canvas, Colour, HEIGHT, Mask, Point, WIDTH, curve, mirrored, mix, point, scale,
};
use super::sitter::{Sitter, Style, hsv, pick, range};

/// A wall with a soft gradient and, often, something out of focus in front of it.
pub(super) fn background(rng: &mut ChaCha8Rng) -> Canvas {
    let hue = range(rng, 0.0, 6.0);
    let near = (hue + range(rng, -0.6, 0.6) + 6.0) % 6.0;
    let wall = hsv(hue, range(rng, 0.0, 0.45), range(rng, 0.25, 0.95));
    let other = mix(wall, hsv(near, range(rng, 0.0, 0.5), range(rng, 0.2, 0.95)), 0.6);
    let (dx, dy) = (range(rng, -1.0, 1.0), range(rng, -0.3, 1.0));
    let mut canvas = Canvas::new(|p| {
        let t =
            0.5 + 0.5 * (dx * (p.x / WIDTH as f32 - 0.5) + dy * (p.y / HEIGHT as f32 - 0.5)) * 2.0;
        mix(wall, other, t.clamp(0.0, 1.0))
    });
    match rng.random_range(0..4u32) {
        // Lights or leaves far behind.
        0 => {
            for _ in 0..9 {
                let place = point(range(rng, 0.0, 178.0), range(rng, 0.0, 200.0));
                let r = range(rng, 10.0, 30.0);
                let light = mix(wall, hsv(near, 0.3, range(rng, 0.3, 1.0)), 0.7);
                canvas.fill(&Mask::ellipse(place, r, r, 0.0).soften(3), 0.5, light);
            }
        }
        // A window frame, a door or a curtain.
        1 => {
            let x = range(rng, 0.0, 178.0);
            let w = range(rng, 12.0, 50.0);
            let lean = range(rng, -6.0, 6.0);
            let bar = [
                point(x, -20.0),
                point(x + w, -20.0),
                point(x + w + lean, 240.0),
                point(x + lean, 240.0),
            ];
            let light = range(rng, 0.6, 1.3);
            canvas.fill(&Mask::fill(&bar).soften(3), 0.7, scale(other, light));
        }
        // A horizon.
        2 => {
            let y = range(rng, 60.0, 170.0);
            let land = [
                point(-20.0, y),
                point(198.0, y + range(rng, -10.0, 10.0)),
                point(198.0, 240.0),
                point(-20.0, 240.0),
            ];
            canvas.fill(&Mask::fill(&land).soften(5), 0.7, scale(other, range(rng, 0.55, 0.85)));
        }
        _ => {}
    }
    canvas
}

/// The cloth above the shoulders' outline, without the neck's opening.
fn cloth(sitter: &Sitter, opening: &[(f32, f32)]) -> Mask {
    let n = sitter.neck;
    let half = [(n + 1.0, 76.0), (n + 20.0, 84.0), (72.0, 92.0), (104.0, 106.0), (112.0, 130.0)];
    let shoulders = Mask::fill(&curve(&sitter.torso(&mirrored(&half))));
    shoulders.without(&Mask::smooth(&sitter.torso(&mirrored(opening))))
}

/// Lays cloth with light on the shoulders and a few folds.
fn drape(canvas: &mut Canvas, sitter: &Sitter, cloth: &Mask, colour: Colour, rng: &mut ChaCha8Rng) {
    canvas.shade(cloth, 1.0, |p| {
        let across = (p.x - 89.0) / 89.0;
        scale(colour, 0.95 + 0.35 * across * sitter.light[0] - 0.2 * across * across)
    });
    for _ in 0..7 {
        let (u, v) = (range(rng, -80.0, 80.0), range(rng, 84.0, 100.0));
        let fold = [
            sitter.body(u, v),
            sitter.body(u + 0.12 * u, v + 9.0),
            sitter.body(u + 0.1 * u, v + 24.0),
        ];
        let mask = Mask::stroke(&curve(&fold), [0.5, 3.5, 1.0]).soften(1).within(cloth);
        let shade = if rng.random_bool(0.6) { [0.72; 3] } else { [1.22; 3] };
        canvas.glaze(&mask, 0.6, shade);
    }
}

/// Shirts, jumpers and jackets.
pub(super) fn paint_clothes(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let has = &sitter.has;
    let n = sitter.neck;
    let colour = hsv(range(rng, 0.0, 6.0), range(rng, 0.05, 0.75), range(rng, 0.18, 0.92));
    let second = hsv(range(rng, 0.0, 6.0), range(rng, 0.3, 0.8), range(rng, 0.25, 0.75));
    let kind: f32 = rng.random();
    let round = |rx: f32, low: f32| [(0.0, 50.0), (rx, 70.0), (0.75 * rx, low - 6.0), (0.0, low)];
    let vee = [(0.0, 50.0), (n + 4.0, 72.0), (n - 2.0, 86.0), (0.0, 112.0)];
    if has[WearingNecktie] {
        let jacket = mix(scale(colour, 0.45), [0.16, 0.17, 0.21], 0.5);
        suit(canvas, sitter, jacket, second, rng);
    } else if has[Male] && kind < 0.35 {
        drape(canvas, sitter, &cloth(sitter, &vee), colour, rng);
        collar(canvas, sitter, mix(colour, [1.0; 3], 0.12));
    } else if kind < 0.5 && !has[WearingNecklace] {
        let shape = cloth(sitter, &round(n + 2.0, 84.0));
        drape(canvas, sitter, &shape, colour, rng);
        let hem = mirrored(&[(0.0, 86.5), (0.7 * n, 83.0), (n + 2.0, 76.0)]);
        canvas.brush(&sitter.torso(&hem), [2.0, 2.6, 2.0], 0.8, scale(colour, 0.72));
    } else if kind < 0.72 {
        let shape = cloth(sitter, &vee);
        canvas.glaze(&shape.soften(2), 0.4, [0.6, 0.5, 0.5]);
        drape(canvas, sitter, &shape, colour, rng);
    } else {
        let low = if has[Male] { 88.0 } else { 99.0 };
        let shape = cloth(sitter, &round(if has[Male] { n + 4.0 } else { 46.0 }, low));
        canvas.glaze(&shape.soften(2), 0.4, [0.6, 0.5, 0.5]);
        drape(canvas, sitter, &shape, colour, rng);
    }
    if has[WearingNecklace] {
        necklace(canvas, sitter, rng);
    }
}

/// Two flaps of a shirt's collar.
fn collar(canvas: &mut Canvas, sitter: &Sitter, colour: Colour) {
    let n = sitter.neck;
    for s in [-1.0, 1.0] {
        let flap = [(n + 2.0, 72.0), (4.0, 90.0), (13.0, 102.0), (n + 9.0, 82.0)];
        let flap = sitter.torso(&flap.map(|(u, v)| (s * u, v)));
        let mask = Mask::fill(&flap);
        canvas.glaze(&mask.soften(1).moved(0, 2), 0.5, [0.55, 0.55, 0.6]);
        canvas.fill(&mask, 1.0, scale(colour, 1.0 + 0.15 * s * sitter.light[0]));
        canvas.line(&[flap[1], flap[2], flap[3]], [0.8; 3], 0.5, scale(colour, 0.6));
    }
}

/// A jacket over a white shirt with a tie.
fn suit(canvas: &mut Canvas, sitter: &Sitter, jacket: Colour, tie: Colour, rng: &mut ChaCha8Rng) {
    let n = sitter.neck;
    let shirt = mix([0.93, 0.93, 0.95], tie, 0.06);
    let throat = [(0.0, 50.0), (n - 3.0, 72.0), (9.0, 84.0), (0.0, 90.0)];
    drape(canvas, sitter, &cloth(sitter, &throat), shirt, rng);
    let front = [(0.0, 50.0), (n + 5.0, 70.0), (n + 1.0, 86.0), (6.0, 125.0)];
    drape(canvas, sitter, &cloth(sitter, &front), jacket, rng);
    for s in [-1.0, 1.0] {
        let edge = [
            (n + 5.0, 74.0),
            (n + 13.0, 92.0),
            (n + 4.0, 97.0),
            (n + 8.0, 100.0),
            (9.0, 125.0),
            (7.0, 112.0),
        ];
        let lapel = sitter.torso(&edge.map(|(u, v)| (s * u, v)));
        canvas.fill(&Mask::fill(&lapel), 1.0, scale(jacket, 1.15));
        canvas.line(&lapel, [1.0; 3], 0.5, scale(jacket, 0.5));
    }
    let blade = Mask::fill(&sitter.torso(&mirrored(&[(4.5, 92.0), (9.5, 130.0)])));
    let knot = Mask::fill(&sitter.torso(&mirrored(&[(7.5, 82.5), (4.8, 93.5)])));
    canvas.glaze(&blade.soften(1).moved(1, 1), 0.5, [0.6; 3]);
    canvas.fill(&blade, 1.0, tie);
    let stripes = rng.random_bool(0.5);
    for i in 0..5 {
        let v = 94.0 + 7.0 * i as f32;
        let stripe = Mask::stroke(&sitter.torso(&[(-10.0, v + 7.0), (10.0, v - 4.0)]), [2.2; 3])
            .within(&blade);
        canvas.fill(&stripe, if stripes { 0.8 } else { 0.0 }, mix(tie, [0.95; 3], 0.6));
    }

    canvas.line(&sitter.torso(&[(-5.0, 93.5), (5.0, 93.5)]), [1.2; 3], 0.7, scale(tie, 0.5));
    collar(canvas, sitter, shirt);
    canvas.fill(&knot, 1.0, scale(tie, 1.1));
}

const METALS: [Colour; 3] = [[0.86, 0.68, 0.28], [0.80, 0.81, 0.84], [0.93, 0.90, 0.86]];

/// A string of beads or a chain with a pendant.
fn necklace(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let n = sitter.neck;
    let metal = pick(rng, &METALS);
    let low = range(rng, 93.0, 98.0);
    let hang = mirrored(&[(0.0, low), (0.72 * n, low - 7.0), (n + 2.0, 76.0)]);
    let path = curve(&sitter.torso(&hang));
    canvas.glaze(&Mask::stroke(&path, [2.5; 3]).soften(1).moved(0, 2), 0.5, [0.55, 0.42, 0.40]);
    if rng.random_bool(0.5) {
        let r = range(rng, 1.9, 2.9);
        for k in 0..=20 {
            let p = path[k * (path.len() - 1) / 20];
            bead(canvas, p, r, metal);
        }
    } else {
        canvas.line(&path, [1.8; 3], 1.0, metal);
        canvas.line(&path, [0.6; 3], 0.7, scale(metal, 0.6));
        let stone = hsv(range(rng, 0.0, 6.0), 0.6, 0.75);
        let p = sitter.body(0.0, low + 3.5);
        bead(canvas, p, 4.2, metal);
        bead(canvas, p, 2.9, stone);
    }
}

/// A ball with a lit and a shaded side.
fn bead(canvas: &mut Canvas, p: Point, r: f32, colour: Colour) {
    canvas.fill(&Mask::ellipse(p, r, r, 0.0), 1.0, scale(colour, 0.62));
    canvas.fill(
        &Mask::ellipse(point(p.x - 0.2 * r, p.y - 0.2 * r), 0.75 * r, 0.75 * r, 0.0),
        0.9,
        colour,
    );
    canvas.fill(
        &Mask::spot(point(p.x - 0.3 * r, p.y - 0.35 * r), 0.6 * r, 0.6 * r, 0.0),
        0.9,
        [1.0; 3],
    );
}

/// A pair of studs, drops or hoops, hanging where the ears end.
pub(super) fn paint_earrings(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let metal = pick(rng, &METALS);
    let stone = hsv(range(rng, 0.0, 6.0), range(rng, 0.2, 0.8), 0.8);
    let kind = rng.random_range(0..3u32);
    let r = range(rng, 5.0, 8.0);
    if !sitter.has[WearingEarrings] {
        return;
    }
    for s in [-1.0, 1.0] {
        let lobe = sitter.at(s * (sitter.temple + 1.5), 19.5, -5.0);
        match kind {
            0 => bead(canvas, point(lobe.x, lobe.y + 1.0), 3.8, metal),
            1 => {
                canvas.line(&[lobe, point(lobe.x, lobe.y + 9.0)], [1.2; 3], 1.0, metal);
                bead(canvas, point(lobe.x, lobe.y + 11.0), 3.9, stone);
                bead(canvas, lobe, 1.8, metal);
            }
            _ => {
                let centre = point(lobe.x, lobe.y + r);
                let ring = Mask::ellipse(centre, 0.8 * r + 1.0, r + 1.0, 0.0);
                let ring = ring.without(&Mask::ellipse(centre, 0.8 * r - 1.2, r - 1.2, 0.0));
                canvas.shade(&ring, 1.0, |p| scale(metal, 1.05 - 0.04 * (p.y - lobe.y)));
            }
        }
    }
}

/// Glasses: two rims, a bridge, the arms, and light on the lenses.
pub(super) fn paint_glasses(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let frames: [Colour; 5] = [
        [0.08, 0.07, 0.08],
        [0.30, 0.16, 0.09],
        [0.45, 0.46, 0.50],
        [0.55, 0.12, 0.14],
        [0.12, 0.17, 0.35],
    ];
    let frame = pick(rng, &frames);
    let (rx, ry) = (range(rng, 15.0, 17.0), range(rng, 11.0, 14.0));
    let corner = range(rng, 0.72, 0.95);
    let thick = range(rng, 1.6, 3.2);
    if !sitter.has[Eyeglasses] {
        return;
    }
    let rim = |s: f32, grow: f32| {
        let (x, y) = (rx + grow, ry + grow);
        let half = [(0.0, -1.0), (corner, -corner), (1.0, 0.0), (corner, corner), (0.0, 1.0)];
        let places = mirrored(&half).into_iter().map(|(p, q)| (s * 20.5 + p * x, 1.5 + q * y));
        Mask::smooth(&sitter.all(&places.collect::<Vec<_>>(), 1.5))
    };
    for s in [-1.0, 1.0] {
        let (outside, lens) = (rim(s, 0.5 * thick), rim(s, -0.5 * thick));
        let ring = outside.without(&lens);
        canvas.glaze(&ring.clone().moved(0, 3).soften(1), 0.45, [0.6, 0.5, 0.5]);
        canvas.glaze(&lens, 0.5, [0.94, 0.96, 1.0]);
        let sheen = [(-0.5, -1.2), (0.0, -1.2), (-0.6, 1.2), (-1.1, 1.2)];
        let sheen = sheen.map(|(p, q)| (s * 20.5 + p * rx, 1.5 + q * ry));
        canvas.fill(&Mask::fill(&sitter.all(&sheen, 1.5)).within(&lens), 0.20, [1.0; 3]);
        canvas.fill(&ring, 1.0, frame);
        canvas.fill(&ring.clone().moved(0, -1).within(&ring), 0.25, mix(frame, [1.0; 3], 0.5));
        let arm = sitter.all(&[(s * (20.5 + rx), -2.0), (s * (sitter.temple + 1.0), -3.5)], -2.0);
        canvas.brush(&arm, [thick + 0.6, thick, thick], 1.0, scale(frame, 0.8));
    }
    let bridge = sitter.all(&[(21.5 - rx, 0.0), (0.0, -3.0), (rx - 21.5, 0.0)], 3.0);
    canvas.brush(&bridge, [thick, thick, thick], 1.0, frame);
}

/// A knitted cap, a peaked cap or a hat with a brim.
pub(super) fn paint_hat(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let colour = hsv(range(rng, 0.0, 6.0), range(rng, 0.15, 0.8), range(rng, 0.2, 0.85));
    let band = hsv(range(rng, 0.0, 6.0), range(rng, 0.1, 0.8), range(rng, 0.15, 0.9));
    let kind = rng.random_range(0..3u32);
    if !sitter.has[WearingHat] {
        return;
    }
    let loose = if sitter.style == Style::None { 0.0 } else { 4.0 };
    let w = sitter.temple + 5.0 + loose;
    let brow = if kind == 0 { -31.0 } else { -36.0 };
    let tall = if kind == 2 { -90.0 } else { -84.0 };
    let above = [(0.0, tall), (0.72 * w, tall + 8.0), (w + 1.0, brow - 14.0)];
    let below = [(w, brow + 12.0), (0.55 * w, brow + 2.0), (0.0, brow - 1.0)];
    let crown = mirrored(&[above, below].concat());
    let crown = Mask::smooth(&sitter.all(&crown, OUTLINE));
    let shadow = crown.soften(2).moved(0, 5);
    canvas.glaze(&shadow, 0.6, [0.55, 0.45, 0.45]);
    let centre = sitter.at(0.0, -60.0, OUTLINE);
    let lit = |p: Point| {
        let (dx, dy) = ((p.x - centre.x) / w, (p.y - centre.y) / 40.0);
        1.0 + 0.5 * (dx * sitter.light[0] + dy * sitter.light[1]) - 0.25 * dx * dx
    };
    canvas.shade(&crown, 1.0, |p| scale(colour, lit(p)));
    match kind {
        0 => knit(canvas, sitter, &crown, w, brow, colour),
        1 => peak(canvas, sitter, &crown, w, brow, colour),
        _ => brim(canvas, sitter, &crown, w, brow, [colour, band]),
    }
}

/// Ribs and the turned-up edge of a knitted cap.
fn knit(canvas: &mut Canvas, sitter: &Sitter, crown: &Mask, w: f32, brow: f32, colour: Colour) {
    for i in -6..=6 {
        let u = w * i as f32 / 6.3;
        let rib = sitter.all(&[(0.55 * u, -84.0), (0.95 * u, -62.0), (u, brow + 8.0)], OUTLINE);
        let mask = Mask::stroke(&curve(&rib), [1.0, 1.8, 1.8]).within(crown);
        canvas.glaze(&mask, 0.5, [0.6; 3]);
    }
    let edge = sitter.all(
        &[
            (-w, brow + 4.0),
            (-0.55 * w, brow - 5.0),
            (0.0, brow - 8.0),
            (0.55 * w, brow - 5.0),
            (w, brow + 4.0),
        ],
        OUTLINE,
    );
    let cuff = Mask::stroke(&curve(&edge), [15.0; 3]).within(crown);
    canvas.glaze(&cuff.soften(1).moved(0, -2).within(crown), 0.4, [0.5; 3]);
    canvas.shade(&cuff, 1.0, |p| scale(colour, 0.98 + 0.12 * libm::sinf(1.35 * p.x)));
}

/// The peak of a cap, seen from in front, and its seams.
fn peak(canvas: &mut Canvas, sitter: &Sitter, crown: &Mask, w: f32, brow: f32, colour: Colour) {
    for u in [-0.45 * w, 0.0, 0.45 * w] {
        let seam = sitter.all(&[(0.2 * u, -86.0), (0.9 * u, -66.0), (u, brow)], OUTLINE);
        canvas.glaze(&Mask::stroke(&curve(&seam), [0.8, 1.2, 1.2]).within(crown), 0.6, [0.6; 3]);
    }
    let above = [(0.0, brow - 8.5), (0.5 * w, brow - 6.0), (0.86 * w, brow + 3.0)];
    let below = [(0.6 * w, brow + 8.0), (0.0, brow + 7.0)];
    let peak = mirrored(&[&above[..], &below].concat());
    let peak = Mask::smooth(&sitter.all(&peak, 3.0));
    canvas.glaze(&peak.soften(2).moved(0, 5), 0.6, [0.5, 0.42, 0.42]);
    let top = sitter.at(0.0, brow - 8.0, 3.0).y;
    canvas.shade(&peak, 1.0, |p| scale(colour, 1.05 - 0.035 * (p.y - top)));
}

/// A wide brim and a ribbon.
fn brim(
    canvas: &mut Canvas,
    sitter: &Sitter,
    crown: &Mask,
    w: f32,
    brow: f32,
    [colour, band]: [Colour; 2],
) {
    let edge = sitter.all(&[(-w, brow - 4.0), (0.0, brow - 14.0), (w, brow - 4.0)], OUTLINE);
    canvas.fill(&Mask::stroke(&curve(&edge), [11.0; 3]).within(crown), 1.0, band);
    let wide = w + 22.0;
    let above = [(0.0, brow - 8.0), (0.7 * wide, brow - 3.0), (wide, brow + 6.0)];
    let below = [(0.7 * wide, brow + 9.0), (0.0, brow + 5.0)];
    let brim = mirrored(&[&above[..], &below].concat());
    let brim = Mask::smooth(&sitter.all(&brim, 0.0));
    canvas.glaze(&brim.soften(2).moved(0, 6), 0.55, [0.55, 0.45, 0.45]);
    let top = sitter.at(0.0, brow - 8.0, 0.0).y;
    canvas.shade(&brim, 1.0, |p| scale(colour, 1.12 - 0.03 * (p.y - top)));
}
