//! Who sits for the portrait: the pose, the light, the build of the head and the colours, all decided before any
//! paint is laid.

use libm::{cosf, sinf};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::attributes::{Attribute::*, Attributes};
use super::paint::{Colour, Point, mix, point, scale};

/// A number between `low` and `high`, each as likely as the next.
pub(super) fn range(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

/// One of several things.
pub(super) fn pick<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len() as u32) as usize]
}

/// A hue (in sixths of a turn from red), saturation and value as a colour.
pub(super) fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    let channel = |shift: f32| {
        let k = (hue + shift) % 6.0;
        value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

/// Skin from the palest to the darkest, in equal steps.
const SKINS: [Colour; 7] = [
    [0.97, 0.885, 0.835],
    [0.95, 0.80, 0.71],
    [0.90, 0.70, 0.58],
    [0.80, 0.58, 0.44],
    [0.65, 0.44, 0.31],
    [0.47, 0.30, 0.21],
    [0.33, 0.21, 0.15],
];

/// Hair in shadow, in plain light and in the highlight.
#[derive(Clone, Copy)]
pub(super) struct Tones {
    pub dark: Colour,
    pub base: Colour,
    pub light: Colour,
}

/// How the hair is worn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Style {
    /// None, or none that shows under the hat.
    None,
    /// Cropped so short that it stands.
    Crop,
    /// Combed, and ending above the ears.
    Short,
    /// Loose, down to this far below the eyes.
    Long(f32),
    /// Pulled back and tied.
    Up,
    /// A cloud of curls.
    Curly,
}

/// Everything about a portrait that more than one brush needs to know.
pub(super) struct Sitter {
    pub has: Attributes,
    /// Where the light comes from: right, down and towards the viewer; of length 1.
    pub light: [f32; 3],
    /// Yellow light is positive, blue negative.
    pub warmth: f32,
    pub brightness: f32,
    /// How far the head turns to the picture's right, -1 to 1, looks down, and leans, in radians.
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
    size: f32,
    pub skin: Colour,
    pub iris: Colour,
    pub hair: Tones,
    pub style: Style,
    /// Half the head's breadth at the eyes, at the cheeks and at the jaw, and the chin's height below the eyes.
    pub temple: f32,
    pub cheek: f32,
    pub jaw: f32,
    pub chin: f32,
    /// Where the forehead ends in the middle.
    pub hairline: f32,
    /// Half the neck's breadth.
    pub neck: f32,
    /// How far the mouth's corners rise and how far the lips part.
    pub smile: f32,
    pub gap: f32,
    /// Half the mouth's breadth.
    pub mouth: f32,
}

impl Sitter {
    pub fn new(has: Attributes, rng: &mut ChaCha8Rng) -> Sitter {
        // Every number is drawn whether it is used or not, so that one attribute more or less leaves the rest alone.
        let mut any = |low: f32, high: f32| range(rng, low, high);
        let aside = any(-0.75, 0.75);
        let above = any(-0.6, -0.25);
        let length = (aside * aside + above * above + 0.81).sqrt();
        let skin = skin(&has, any(0.0, 1.0), any(0.0, 1.0));
        let hair = hair(&has, any(0.0, 1.0), any(0.0, 1.0));
        let either = |yes: bool, a: f32, b: f32| if yes { a } else { b };
        let build = any(-1.0, 1.0);
        let plump = either(has[Chubby], 1.0, 0.0);
        let oval = either(has[OvalFace], 1.0, 0.0);
        let male = either(has[Male], 1.0, 0.0);
        let grin = any(0.0, 1.0);
        let open = any(0.0, 1.0);
        Sitter {
            light: [aside / length, above / length, 0.9 / length],
            warmth: any(-1.0, 1.0),
            brightness: any(0.96, 1.05),
            yaw: any(-0.5, 0.5) + any(-0.5, 0.5),
            pitch: any(-1.0, 1.0),
            roll: any(-0.08, 0.08),
            size: any(0.96, 1.04),
            skin,
            iris: iris(&skin, any(0.0, 1.0), any(0.85, 1.15)),
            hair,
            style: style(&has, any(0.0, 1.0), any(0.0, 1.0)),
            temple: 45.5 + build + plump * 1.5 - oval,
            cheek: 42.5 + 1.2 * build + 0.5 * male + plump * 7.0 - oval * 2.5,
            jaw: 34.5 + any(-0.5, 2.5) + 2.5 * male + plump * 8.5 - oval * 7.0,
            chin: 67.0 + any(-2.0, 2.0) + 1.5 * male + oval * 5.0,
            hairline: either(has[RecedingHairline], -57.0, any(-48.0, -43.0)),
            neck: 21.0 + 4.5 * male + 3.0 * plump + any(-1.0, 1.0),
            smile: either(has[Smiling], 4.2 + 2.0 * grin, -0.4 + 1.3 * grin),
            gap: match (has[MouthSlightlyOpen], has[Smiling]) {
                (true, true) => 4.5 + 2.5 * open,
                (true, false) => 3.5 + 2.5 * open,
                _ => 0.0,
            },
            mouth: either(has[Smiling], 18.5 + 1.5 * grin, 14.5 + grin),
            has,
        }
    }

    /// A place on the head: `u` pixels to the right of the middle between the eyes and `v` below it, as the face
    /// would be seen from straight in front, and `depth` pixels nearer than the eyes. The eyes stay where they
    /// are when the head turns, as CelebA's alignment has it, and all else moves by its depth.
    pub fn at(&self, u: f32, v: f32, depth: f32) -> Point {
        let (u, v) = (u * self.size + self.yaw * depth, v * self.size + 0.35 * self.pitch * depth);
        let (sin, cos) = (sinf(self.roll), cosf(self.roll));
        point(89.0 + u * cos - v * sin, 112.0 + v * cos + u * sin)
    }

    /// Several places on the head at one depth.
    pub fn all(&self, places: &[(f32, f32)], depth: f32) -> Vec<Point> {
        places.iter().map(|&(u, v)| self.at(u, v, depth)).collect()
    }

    /// Several places given for the right side of the face, on the side `s` (-1 left, 1 right).
    pub fn side(&self, s: f32, places: &[(f32, f32)], depth: f32) -> Vec<Point> {
        places.iter().map(|&(u, v)| self.at(s * u, v, depth)).collect()
    }

    /// A place on the body, which neither turns nor leans with the head.
    pub fn body(&self, u: f32, v: f32) -> Point {
        point(89.0 - 3.0 * self.yaw + u, 112.0 + v - 20.0 * self.roll)
    }

    /// Several places on the body.
    pub fn torso(&self, places: &[(f32, f32)]) -> Vec<Point> {
        places.iter().map(|&(u, v)| self.body(u, v)).collect()
    }

    /// Skin under this much more or less light than falls on a frontal surface.
    pub fn lit(&self, skin: Colour, light: f32) -> Colour {
        if light < 0.0 {
            let shadow = [skin[0] * 0.52, skin[1] * 0.40, skin[2] * 0.38];
            mix(skin, shadow, (-1.3 * light).min(1.0))
        } else {
            mix(skin, [1.0, 0.95, 0.88], (1.5 * light).min(0.55))
        }
    }

    /// The hair's colour from -1 (shadow) to 1 (highlight).
    pub fn hair_tone(&self, light: f32) -> Colour {
        let Tones { dark, base, light: bright } = self.hair;
        if light < 0.0 {
            mix(base, dark, (-light).min(1.0))
        } else {
            mix(base, bright, light.min(1.0))
        }
    }
}

/// Fair hair goes with fair skin; only the palest skin counts as pale, and none comes near it otherwise.
fn skin(has: &Attributes, tone: f32, hue: f32) -> Colour {
    let darkest = match () {
        () if has[BlondHair] => 2.2,
        () if has[BrownHair] => 3.6,
        () if has[BlackHair] || has[Bald] => 6.0,
        () => 4.5,
    };
    let step =
        if has[PaleSkin] { 0.15 * tone } else { 0.9 + (darkest - 0.9) * tone * (0.5 + 0.5 * tone) };
    let (below, rest) = (step as usize, step - (step as usize) as f32);
    let skin = mix(SKINS[below], SKINS[(below + 1).min(6)], rest);
    // Rosier or more olive.
    let rosy = 0.03 * (hue - 0.5);
    [skin[0] * (1.0 + rosy), skin[1] * (1.0 - rosy), skin[2] * (1.0 + 0.5 * rosy)]
}

/// The named colours keep well apart, and hair of no named colour is red: nothing lies between two labels.
fn hair(has: &Attributes, tone: f32, hue: f32) -> Tones {
    let (dark, base, light) = match () {
        () if has[BlackHair] => {
            let base = mix([0.08, 0.075, 0.08], [0.13, 0.11, 0.105], tone);
            (scale(base, 0.45), base, mix([0.28, 0.28, 0.34], [0.36, 0.30, 0.27], hue))
        }
        // Under a hat or on a bald man it is seen in brows and beard alone, and is brown there.
        () if has[BrownHair] || has[Bald] || has.tucked_away() => {
            let base = mix([0.30, 0.19, 0.115], [0.44, 0.29, 0.175], tone);
            (scale(base, 0.50), base, mix(scale(base, 1.6), [0.72, 0.52, 0.34], 0.4))
        }
        () if has[BlondHair] => {
            let base = mix([0.84, 0.66, 0.35], [0.95, 0.84, 0.58], tone);
            let base = mix(base, [base[0], base[1] * 0.97, base[2] * 0.85], hue);
            (
                mix(scale(base, 0.66), [0.55, 0.38, 0.16], 0.3),
                base,
                mix(base, [1.0, 0.97, 0.83], 0.7),
            )
        }
        () if has[GrayHair] => {
            let base = mix([0.53, 0.53, 0.55], [0.80, 0.80, 0.81], tone);
            (scale(base, 0.62), base, mix(base, [0.97, 0.97, 0.98], 0.7))
        }
        () => {
            let base = mix([0.43, 0.12, 0.07], [0.72, 0.29, 0.10], tone);
            (scale(base, 0.5), base, mix(base, [0.96, 0.55, 0.30], 0.6))
        }
    };
    Tones { dark, base, light }
}

/// Light eyes go with light skin.
fn iris(skin: &Colour, kind: f32, value: f32) -> Colour {
    let fair = skin[1] > 0.66;
    let colour = match kind {
        0.0..0.30 if fair => [0.34, 0.50, 0.66],
        0.30..0.45 if fair => [0.36, 0.50, 0.36],
        0.45..0.55 if fair => [0.46, 0.52, 0.55],
        0.0..0.70 => [0.36, 0.22, 0.12],
        _ => [0.47, 0.33, 0.15],
    };
    scale(colour, value)
}

/// Straight and wavy hair is worn loose or combed; what is neither is cropped, tied or curly.
fn style(has: &Attributes, kind: f32, length: f32) -> Style {
    let loose = Style::Long(42.0 + 62.0 * length);
    let flowing = has[StraightHair] || has[WavyHair];
    match (flowing, has[Male]) {
        _ if has[Bald] || has.tucked_away() => Style::None,
        (true, _) if has[WearingHat] => loose,
        (true, true) if kind < 0.86 => Style::Short,
        (true, false) if kind < 0.08 => Style::Short,
        (true, _) => loose,
        (false, true) if kind < 0.84 => Style::Crop,
        (false, false) if kind < 0.06 => Style::Crop,
        (false, false) if kind < 0.62 => Style::Up,
        (false, _) => Style::Curly,
    }
}
