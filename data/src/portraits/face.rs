//! The head and what is in the face.

use rand_chacha::ChaCha8Rng;

use super::attributes::Attribute::*;
use super::paint::{
    Canvas, Colour, Mask, Point, Relief, between, curve, mirrored, mix, point, scale,
};
use super::sitter::{Sitter, hsv, range};

/// How much nearer than the eyes each part of the head is, which is how far it moves when the head turns.
const NOSE: f32 = 8.0;
const MOUTH: f32 = 4.0;
const CHIN: f32 = 2.0;
/// Ears and the outline of the head lie behind the eyes.
pub(super) const OUTLINE: f32 = -5.0;
const EAR: f32 = -8.0;

/// What a shadow multiplies the skin by.
pub(super) const SKIN_SHADOW: Colour = [0.62, 0.48, 0.46];

/// The outline of the whole head, bald.
pub(super) fn head(sitter: &Sitter) -> Mask {
    let half = [
        (0.0, -70.0, OUTLINE),
        (25.0, -65.0, OUTLINE),
        (41.0, -47.0, OUTLINE),
        (sitter.temple, -20.0, OUTLINE),
        (sitter.temple - 0.5, 3.0, OUTLINE),
        (sitter.cheek, 27.0, OUTLINE),
        (sitter.jaw, 46.0, -2.0),
        (0.62 * sitter.jaw, sitter.chin - 8.0, 0.0),
        (0.26 * sitter.jaw, sitter.chin - 0.5, CHIN),
    ];
    let right = half.iter().map(|&(u, v, depth)| sitter.at(u, v, depth));
    let left = half.iter().skip(1).rev().map(|&(u, v, depth)| sitter.at(-u, v, depth));
    Mask::smooth(&right.chain(left).collect::<Vec<_>>())
}

/// The neck and the shoulders below it, with the shadow that the chin throws.
pub(super) fn paint_neck(canvas: &mut Canvas, sitter: &Sitter) {
    let n = sitter.neck;
    let throat = [(n, 30.0), (n - 1.0, 66.0), (n + 3.0, 80.0), (n + 20.0, 91.0)];
    let shoulder = [(78.0, 103.0), (110.0, 120.0), (110.0, 125.0)];
    let half = [&throat[..], &shoulder].concat();
    let shape = Mask::fill(&curve(&sitter.torso(&mirrored(&half))));
    let middle = sitter.body(0.0, 0.0).x;
    canvas.shade(&shape, 1.0, |p| {
        let across = ((p.x - middle) / n).clamp(-1.6, 1.6);
        sitter.lit(sitter.skin, across * sitter.light[0] * 0.35 - 0.10 * across * across)
    });
    let shade = Mask::ellipse(sitter.body(0.0, 56.0), n + 16.0, 31.0, 0.0).soften(4);
    let aside = (-6.0 * sitter.light[0]) as i32;
    canvas.glaze(&shade.moved(aside, 0).within(&shape), 0.85, SKIN_SHADOW);
    // The two sinews and the collarbones.
    for s in [-1.0, 1.0] {
        let sinew = sitter.torso(&[(s * (n - 4.0), 62.0), (s * 11.0, 78.0), (s * 4.0, 90.0)]);
        canvas.fill(
            &Mask::stroke(&curve(&sinew), [1.0, 3.0, 1.0]).soften(1),
            0.22,
            sitter.lit(sitter.skin, -0.4),
        );
        let bone = sitter.torso(&[(s * 6.0, 93.0), (s * 26.0, 91.0), (s * 55.0, 96.0)]);
        canvas.fill(
            &Mask::stroke(&curve(&bone), [3.0, 2.5, 0.5]).soften(1),
            0.28,
            sitter.lit(sitter.skin, -0.4),
        );
    }
    if sitter.has[DoubleChin] {
        double_chin(canvas, sitter);
    }
}

/// A second roll below the chin: lit flesh, and the crease under it.
fn double_chin(canvas: &mut Canvas, sitter: &Sitter) {
    let (j, c) = (sitter.jaw, sitter.chin);
    let side = [(0.5 * j, c - 26.0), (0.78 * j, c - 14.0), (0.64 * j + 2.5, c - 3.0)];
    let bottom = [(0.37 * j, c + 6.5), (0.0, c + 9.0)];
    let roll = mirrored(&[&side[..], &bottom].concat());
    let flesh = Mask::smooth(&sitter.all(&roll, 0.0));
    canvas.glaze(&flesh.soften(3).moved(0, 4), 0.75, [0.55, 0.42, 0.40]);
    let bottom = sitter.at(0.0, c + 9.5, 0.0).y;
    canvas.shade(&flesh, 1.0, |p| {
        sitter.lit(sitter.skin, -0.10 - 0.06 * (p.y - bottom + 4.0).max(0.0))
    });
}

/// Ears stand behind the cheeks; the hair may cover them later.
pub(super) fn paint_ears(canvas: &mut Canvas, sitter: &Sitter) {
    for s in [-1.0, 1.0] {
        let w = sitter.temple - 1.0;
        let top = [(w - 4.0, -6.0), (w + 2.0, -9.0), (w + 6.5, -3.0)];
        let lobe = [(w + 5.0, 9.0), (w + 1.0, 19.0), (w - 5.0, 20.0)];
        let shape = sitter.side(s, &[top, lobe].concat(), EAR);
        let side = 0.25 * s * sitter.light[0];
        canvas.fill(&Mask::smooth(&shape), 1.0, sitter.lit(sitter.skin, side - 0.12));
        let inner = [(w - 1.0, -3.0), (w + 3.0, -4.0), (w + 3.0, 4.0), (w, 12.0)];
        canvas.brush(
            &sitter.side(s, &inner, EAR),
            [1.0, 2.4, 1.0],
            0.5,
            sitter.lit(sitter.skin, side - 0.5),
        );
    }
}

/// The skin of the head, modelled and lit, with what colours and lines it.
pub(super) fn paint_skin(canvas: &mut Canvas, sitter: &Sitter, head: &Mask) {
    let relief = model(sitter);
    canvas.shade(head, 1.0, |p| sitter.lit(sitter.skin, relief.light(p, sitter.light)));
    // The head turns away all round its rim, whatever the light.
    canvas.glaze(&head.clone().without(&head.soften(6)), 0.7, [0.70, 0.55, 0.52]);
    let has = &sitter.has;
    let mut blush = |u: f32, v: f32, rx: f32, ry: f32, opacity: f32, colour: Colour| {
        for s in [-1.0, 1.0] {
            let spot = Mask::spot(sitter.at(s * u, v, 0.0), rx, ry, sitter.roll);
            canvas.glaze(&spot.within(head), opacity, colour);
        }
    };
    blush(20.0, -1.0, 19.0, 13.0, 0.35, [0.72, 0.58, 0.56]);
    blush(27.0, 20.0, 17.0, 13.0, 0.35, [1.0, 0.80, 0.78]);
    if has[RosyCheeks] {
        blush(27.0, 19.0, 20.0, 16.0, 0.75, [1.04, 0.71, 0.71]);
    }
    if has[HighCheekbones] {
        blush(33.0, 32.0, 12.0, 16.0, 0.45, [0.82, 0.69, 0.66]);
        blush(28.0, 13.0, 13.0, 7.0, 0.5, [1.18, 1.16, 1.14]);
    }
    if !has[Young] {
        age(canvas, sitter);
    }
    if has[Smiling] || !has[Young] || has[Chubby] {
        smile_folds(canvas, sitter);
    }
}

/// The face as a sculptor would have it: a dome with hollows for the eyes, cheeks, nose, lips and chin.
fn model(sitter: &Sitter) -> Relief {
    let has = &sitter.has;
    let mut relief = Relief::dome(
        sitter.at(0.0, -2.0, OUTLINE),
        sitter.temple.max(sitter.jaw + 5.0) + 5.0,
        84.0,
        sitter.roll,
        40.0,
    );
    let mut bump = |u: f32, v: f32, depth: f32, rx: f32, ry: f32, height: f32| {
        relief.raise(&Mask::spot(sitter.at(u, v, depth), rx, ry, sitter.roll), height);
    };
    let high = if has[HighCheekbones] { 2.5 } else { 0.0 };
    let plump = if has[Chubby] { 3.0 } else { 0.0 };
    bump(0.0, -36.0, 0.0, 40.0, 26.0, 4.0);
    for s in [-1.0, 1.0] {
        bump(s * 20.0, -15.0, 1.0, 20.0, 9.0, 2.0);
        bump(s * 19.0, 0.0, 0.0, 16.0, 12.0, -5.0);
        bump(s * 28.0, 18.0 - 0.4 * high, 1.0, 20.0, 16.0, 2.6 + high + 0.15 * sitter.smile);
        bump(s * 30.0, 38.0, 1.0, 15.0, 18.0, plump - 0.5 * high);
    }
    bump(0.0, 43.0, MOUTH, 22.0, 14.0, 3.5);
    bump(0.0, 51.0, MOUTH, 12.0, 5.0, -2.5);
    bump(0.0, 62.0, CHIN, 15.0, 11.0, 4.5);
    // The nose: bridge, tip and wings.
    let (wide, tip) = nose(sitter);
    let sharp = if has[PointyNose] { 2.2 } else { 0.0 };
    bump(0.0, 1.0, 2.0, 9.5 * wide, 20.0, 1.6);
    bump(0.0, 11.0, 0.6 * NOSE, 10.0 * wide, 20.0, 3.6 * wide);
    bump(0.0, tip - 2.0, NOSE, (10.5 - sharp) * wide, 10.0, 4.6 * wide + sharp);
    for s in [-1.0, 1.0] {
        bump(s * 8.0 * wide, tip + 1.5, 0.6 * NOSE, 6.0 * wide, 6.5, 2.6);
    }
    relief
}

/// The nose's breadth as a factor, and how far below the eyes its tip is.
fn nose(sitter: &Sitter) -> (f32, f32) {
    let has = &sitter.has;
    match (has[BigNose], has[PointyNose]) {
        (true, true) => (1.15, 29.5),
        (true, false) => (1.42, 27.5),
        (false, true) => (0.64, 29.0),
        (false, false) => (0.95, 24.0),
    }
}

/// Lines across the forehead and beside the eyes.
fn age(canvas: &mut Canvas, sitter: &Sitter) {
    let line = sitter.lit(sitter.skin, -0.55);
    for (i, v) in [-38.0, -32.0, -26.5].into_iter().enumerate() {
        let w = 24.0 - 2.0 * i as f32;
        let crease = mirrored(&[(0.0, v + 1.0), (0.4 * w, v), (w, v + 2.0)]);
        let crease = sitter.all(&crease, 1.0);
        canvas.brush(&crease, [0.3, 1.3, 0.3], 0.45, line);
    }
    for s in [-1.0, 1.0] {
        for (rise, length) in [(-5.0, 7.0), (0.0, 8.0), (5.0, 6.5)] {
            let crow = sitter.all(
                &[
                    (s * 33.0, 0.3 * rise),
                    (s * (33.0 + 0.6 * length), 0.7 * rise),
                    (s * (33.0 + length), rise + 1.0),
                ],
                OUTLINE * 0.5,
            );
            canvas.brush(&crow, [1.0, 0.8, 0.2], 0.5, line);
        }
        let sag = sitter.side(s, &[(26.0, 50.0), (27.0, 56.0), (22.0, 62.0)], CHIN);
        canvas.brush(&sag, [0.3, 1.4, 0.3], 0.4, line);
    }
}

/// The folds from the nose's wings to the corners of the mouth.
fn smile_folds(canvas: &mut Canvas, sitter: &Sitter) {
    let (wide, tip) = nose(sitter);
    let depth = if sitter.has[Young] { 0.30 } else { 0.55 };
    for s in [-1.0, 1.0] {
        let out = sitter.mouth + 5.5;
        let fold = [
            sitter.at(s * (11.0 * wide + 2.0), tip - 1.0, 0.6 * NOSE),
            sitter.at(s * (out - 2.5), 34.0, MOUTH),
            sitter.at(s * out, 42.0 - 0.5 * sitter.smile, MOUTH),
            sitter.at(s * (out - 0.5), 48.0 - 0.5 * sitter.smile, MOUTH),
        ];
        let mark = Mask::stroke(&curve(&fold), [1.0, 2.4, 0.6]);
        canvas.fill(&mark.soften(1), depth, sitter.lit(sitter.skin, -0.6));
    }
}

/// The nose's underside: its shadow, nostrils and wings.
pub(super) fn paint_nose(canvas: &mut Canvas, sitter: &Sitter) {
    let (wide, tip) = nose(sitter);
    let cast = Mask::spot(
        sitter.at(-5.0 * sitter.light[0], tip + 7.5, MOUTH),
        13.0 * wide,
        6.0,
        sitter.roll,
    );
    canvas.glaze(&cast, 0.75, [0.66, 0.50, 0.48]);
    let deep = sitter.lit(scale(sitter.skin, 0.55), -0.5);
    for s in [-1.0, 1.0] {
        let hole = Mask::ellipse(
            sitter.at(s * 4.6 * wide, tip + 4.4, 0.8 * NOSE),
            2.6 * wide,
            1.3,
            sitter.roll - 0.25 * s,
        );
        canvas.fill(&hole.soften(1), 0.85, deep);
        let wing = [
            sitter.at(s * 8.5 * wide, tip - 4.0, 0.6 * NOSE),
            sitter.at(s * 11.0 * wide, tip + 0.5, 0.6 * NOSE),
            sitter.at(s * 9.5 * wide, tip + 4.5, 0.6 * NOSE),
            sitter.at(s * 6.5 * wide, tip + 4.6, 0.7 * NOSE),
        ];
        canvas.brush(&wing, [0.3, 1.3, 0.8], 0.38, sitter.lit(sitter.skin, -0.65));
    }
    let shine = Mask::spot(
        sitter.at(1.5 * sitter.light[0], tip - 3.0, NOSE),
        3.6 * wide.min(1.2),
        3.6,
        0.0,
    );
    canvas.fill(&shine, 0.45, sitter.lit(sitter.skin, 0.4));
}

/// Both eyes with lids and lashes.
pub(super) fn paint_eyes(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let gaze = range(rng, -1.2, 1.2) + 0.8 * sitter.yaw;
    let opening = range(rng, 0.92, 1.12) - if sitter.has[Smiling] { 0.08 } else { 0.0 };
    let opening = if sitter.has[NarrowEyes] { 0.45 } else { opening };
    let shadow = [[0.45, 0.32, 0.38], [0.36, 0.34, 0.50], [0.50, 0.34, 0.24], [0.30, 0.42, 0.44]]
        [(range(rng, 0.0, 3.99)) as usize];
    for s in [-1.0, 1.0] {
        paint_eye(canvas, sitter, s, gaze, opening, shadow);
        if sitter.has[BagsUnderEyes] {
            paint_bag(canvas, sitter, s);
        }
    }
}

/// The eye on the side `s`: shadow on the lid, fold, ball, iris, and lashes over all.
fn paint_eye(
    canvas: &mut Canvas,
    sitter: &Sitter,
    s: f32,
    gaze: f32,
    opening: f32,
    shadow: Colour,
) {
    let has = &sitter.has;
    // Places around the pupil: `p` outwards, away from the nose, and `q` down.
    let at = |p: f32, q: f32| sitter.at(s * (20.0 + p), q, 0.0);
    let all = |places: &[(f32, f32)]| places.iter().map(|&(p, q)| at(p, q)).collect::<Vec<_>>();
    let o = opening;
    let upper = [(-10.5, 1.8), (-6.0, -2.6 * o), (0.0, -4.9 * o), (6.0, -3.9 * o), (11.0, -0.6)];
    let lower = [(6.5, 2.9 * o), (0.5, 4.0 * o), (-5.5, 3.2 * o)];
    let liner = if has[HeavyMakeup] { 1.0 } else { 0.0 };

    if has[HeavyMakeup] {
        let above = [(-9.0, -1.0), (-5.0, -8.0), (2.0, -10.5), (10.0, -8.0), (14.0, -2.0)];
        let lid = all(&[&above[..], &[(6.0, -3.0), (0.0, -4.0)]].concat());
        canvas.fill(&Mask::smooth(&lid).soften(1), 0.85, mix(shadow, sitter.skin, 0.1));
    }
    let fold =
        all(&[(-9.0, -2.2 * o), (-3.5, -7.2 * o), (3.0, -8.2 * o), (9.0, -5.8 * o), (12.5, -2.0)]);
    canvas.brush(&fold, [0.5, 1.3, 0.5], 0.45, sitter.lit(sitter.skin, -0.6));

    let opened = Mask::smooth(&all(&[&upper[..], &lower[..]].concat()));
    canvas.fill(&opened, 1.0, [0.93, 0.915, 0.90]);
    // The corners turn away and the upper lid throws a shadow on the ball.
    let ball = Mask::spot(at(0.0, 1.0), 13.0, 7.5, 0.0);
    canvas.glaze(&opened.clone().without(&ball), 0.45, [0.70, 0.62, 0.62]);
    let centre = point(at(0.0, -0.7).x + gaze, at(0.0, -0.7).y);
    let iris = Mask::ellipse(centre, 4.7, 4.8, 0.0).within(&opened);
    canvas.shade(&iris, 1.0, |p| {
        let (dx, dy) = (p.x - centre.x, p.y - centre.y);
        let r = (dx * dx + dy * dy).sqrt() / 4.8;
        // Brighter opposite the window's reflection, dark at the rim.
        let glow = 1.15 + 0.5 * dy / 4.8 - 0.75 * (r * r * r * r).min(1.0);
        scale(sitter.iris, glow.max(0.2))
    });
    canvas.fill(&Mask::ellipse(centre, 2.1, 2.1, 0.0).within(&opened), 1.0, [0.04, 0.03, 0.03]);
    let lid_shade = Mask::stroke(&curve(&all(&upper)), [2.0, 4.5, 2.0]).soften(1);
    canvas.glaze(&lid_shade.within(&opened), 0.6, [0.45, 0.40, 0.40]);
    let gleam = point(centre.x + 3.2 * sitter.light[0] + 0.4, centre.y - 1.7 * o);
    canvas.fill(&Mask::ellipse(gleam, 1.2, 1.1, 0.0).within(&opened), 0.95, [1.0; 3]);
    canvas.fill(&Mask::spot(at(-9.6, 1.7), 2.4, 1.8, 0.0).within(&opened), 0.8, [0.80, 0.52, 0.50]);

    let lash = mix([0.09, 0.06, 0.05], sitter.hair.dark, 0.2);
    let lined = [0.8, 2.0 + 0.9 * liner, 1.3 + 0.6 * liner];
    canvas.brush(&all(&upper), lined, 0.95, lash);
    let below = all(&[(11.0, -0.6), lower[0], lower[1], lower[2], (-9.5, 2.2)]);
    canvas.brush(&below, [0.9, 0.7 + 0.6 * liner, 0.3], 0.45 + 0.3 * liner, lash);
    let long = if has[Male] { 0.6 } else { 1.0 + 0.5 * liner };
    for (p, q, dp, dq) in [
        (4.5, -4.4, 1.4, -2.4),
        (7.0, -3.5, 2.0, -2.2),
        (9.0, -2.2, 2.6, -1.8),
        (11.0, -0.8, 3.0, -1.6),
    ] {
        let root = at(p, q * o.max(0.6));
        let tip = at(p + dp * long, q * o.max(0.6) + dq * long);
        canvas.brush(&[root, tip], [1.1, 0.7, 0.2], 0.85, lash);
    }
}

/// The swelling below an eye and the crease under it.
fn paint_bag(canvas: &mut Canvas, sitter: &Sitter, s: f32) {
    let bag = sitter.side(s, &[(11.0, 6.5), (17.0, 10.5), (24.0, 10.8), (30.5, 7.0)], 0.0);
    let crease = Mask::stroke(&curve(&bag), [0.8, 2.6, 0.8]).soften(1);
    let bruised = mix(sitter.skin, [0.40, 0.28, 0.42], 0.3);
    canvas.fill(&crease, 0.62, sitter.lit(bruised, -0.5));
    let swelling = Mask::spot(sitter.at(s * 20.5, 7.6, 0.0), 8.0, 2.2, 0.0);
    canvas.fill(&swelling, 0.25, sitter.lit(sitter.skin, 0.25));
}

/// The brows, hair by hair.
pub(super) fn paint_brows(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let has = &sitter.has;
    let flat = range(rng, 0.0, 0.8);
    let arch = if has[ArchedEyebrows] { 4.6 } else { flat };
    let thick = match (has[BushyEyebrows], has[Male]) {
        (true, _) => 6.2,
        (false, true) => 3.4,
        (false, false) => 2.6,
    };
    let lift = range(rng, -1.0, 1.0) + if has[Male] { 1.5 } else { 0.0 };
    let colour = mix(sitter.hair.dark, [0.16, 0.11, 0.08], if has[Bald] { 0.6 } else { 0.35 });
    for s in [-1.0, 1.0] {
        let at = |p: f32, q: f32| sitter.at(s * (20.0 + p), q + lift, 1.5);
        let spine = curve(&[
            at(-11.5, -13.2 - 0.35 * arch),
            at(-4.0, -15.4 - 0.72 * arch),
            at(4.5, -16.4 - 1.05 * arch),
            at(10.0, -15.0 - 0.75 * arch),
            at(15.5, -11.5 + 0.25 * arch),
        ]);
        let shape = Mask::stroke(&spine, [0.8 * thick, 1.1 * thick, 0.4]);
        canvas.fill(&shape.soften(1), 0.75, colour);
        for i in 0..22 {
            let place = spine[i * (spine.len() - 1) / 22];
            let t = i as f32 / 22.0;
            let up = range(rng, -0.5, 0.5) * thick * (1.0 - 0.6 * t);
            let root = point(place.x, place.y + up);
            let tip = point(root.x + s * (1.0 + 2.6 * t), root.y - 0.45 * thick * (1.0 - 1.6 * t));
            canvas.brush(&[root, tip], [0.9, 0.8, 0.2], 0.55, scale(colour, 0.75));
        }
    }
}

/// The line where a lip meets the other, or the gap, from the left corner of the mouth to the right.
fn mouth_line(sitter: &Sitter, part: f32) -> Vec<Point> {
    let (w, rise) = (sitter.mouth, sitter.smile);
    let half = [(0.0, 0.4 + part), (0.55 * w, -0.25 * rise + 0.75 * part), (w, -rise)];
    let at = |(u, v): (f32, f32)| sitter.at(u, 42.5 + v, MOUTH - 0.002 * u * u);
    mirrored(&half).into_iter().map(at).collect()
}

/// What shows between parted lips, whose edges are given: a row of teeth in a smile, a glimpse of them otherwise.
fn paint_teeth(canvas: &mut Canvas, sitter: &Sitter, top: &[Point], bottom: &[Point]) {
    let ring = |upper: &[Point], lower: &[Point]| {
        Mask::fill(&upper.iter().chain(lower.iter().rev()).copied().collect::<Vec<_>>())
    };
    let hole = ring(top, bottom);
    canvas.fill(&hole, 1.0, [0.20, 0.07, 0.07]);
    if !sitter.has[Smiling] {
        let glimpse = Mask::spot(sitter.at(0.0, 41.3, MOUTH), 8.0, 1.6, 0.0);
        canvas.fill(&glimpse.within(&hole), 0.75, [0.9, 0.87, 0.83]);
        return;
    }
    let edge = |i: usize| {
        let t = i as f32 / (top.len() - 1) as f32;
        between(top[i], bottom[i], 0.25 + 1.9 * t * (1.0 - t))
    };
    let teeth = ring(top, &(0..top.len()).map(edge).collect::<Vec<_>>()).within(&hole);
    canvas.fill(&teeth, 1.0, [0.95, 0.93, 0.89]);
    for i in -3..=3 {
        let gap = sitter.all(&[(3.4 * i as f32, 38.5), (3.4 * i as f32, 48.5)], MOUTH);
        canvas.fill(&Mask::stroke(&gap, [0.5; 3]).within(&teeth), 0.35, [0.55, 0.45, 0.42]);
    }
}

/// Lips, and what is between them.
pub(super) fn paint_mouth(canvas: &mut Canvas, sitter: &Sitter, rng: &mut ChaCha8Rng) {
    let has = &sitter.has;
    let (w, rise) = (sitter.mouth, sitter.smile);
    let full = if has[BigLips] { 1.75 } else { 0.95 };
    let bare = mix(sitter.skin, [0.70, 0.29, 0.29], 0.5);
    let stick =
        hsv((5.65 + range(rng, 0.0, 0.45)) % 6.0, range(rng, 0.66, 0.86), range(rng, 0.60, 0.86));
    let colour = if has[WearingLipstick] { stick } else { bare };
    let at = |u: f32, v: f32| sitter.at(u, 42.5 + v, MOUTH - 0.002 * u * u);
    let top = curve(&mouth_line(sitter, -0.35 * sitter.gap));
    let bottom = curve(&mouth_line(sitter, 0.65 * sitter.gap));

    if sitter.gap > 0.0 {
        paint_teeth(canvas, sitter, &top, &bottom);
    }
    let upper = [
        (w * 0.5, -4.2 * full - 0.5 * rise),
        (2.8, -5.0 * full),
        (0.0, -4.0 * full),
        (-2.8, -5.0 * full),
        (-w * 0.5, -4.2 * full - 0.5 * rise),
    ];
    let lift = -0.35 * sitter.gap;
    let thin = if has[Smiling] { 0.6 } else { 0.75 };
    let bow = curve(
        &std::iter::once(top[top.len() - 1])
            .chain(upper.iter().map(|&(u, v)| at(u, thin * v + lift)))
            .chain([top[0]])
            .collect::<Vec<_>>(),
    );
    let upper: Vec<Point> = top.iter().copied().chain(bow).collect();
    let drop = 0.65 * sitter.gap;
    let under = curve(&[
        bottom[bottom.len() - 1],
        at(0.55 * w, 4.6 * full + 0.7 * drop - 0.4 * rise),
        at(0.0, 6.0 * full + drop),
        at(-0.55 * w, 4.6 * full + 0.7 * drop - 0.4 * rise),
        bottom[0],
    ]);
    let lower: Vec<Point> = bottom.iter().copied().chain(under).collect();
    let (upper, lower) = (Mask::fill(&upper), Mask::fill(&lower));
    let shaded = if has[WearingLipstick] { 0.97 } else { 0.9 };
    canvas.glaze(&lower.soften(2).moved(0, 3), 0.35, [0.66, 0.50, 0.48]);
    canvas.fill(&upper, shaded, scale(colour, 0.88));
    canvas.fill(&lower, shaded, colour);
    // The lower lip catches the light; below the line between them it is dark.
    let gleam = Mask::spot(at(2.5 * sitter.light[0], 3.3 * full + drop), 0.55 * w, 2.2 * full, 0.0);
    let wet = if has[WearingLipstick] { 0.5 } else { 0.32 };
    canvas.fill(&gleam.within(&lower), wet, mix(colour, [1.0, 0.92, 0.9], 0.75));
    let seam = scale(colour, 0.38);
    canvas.line(&top, [0.6, 1.2, 0.6], 0.75, seam);
    for s in [-1.0, 1.0] {
        canvas.fill(
            &Mask::spot(at(s * (w + 0.5), -rise), 3.2, 2.6, 0.0),
            0.5,
            sitter.lit(sitter.skin, -0.8),
        );
    }
}
