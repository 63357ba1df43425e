//! The forty attributes: their names, how often CelebA has them, and a draw of all of them together.

use std::ops::{Index, IndexMut};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Declares the enumeration and the three tables beside it, so that they cannot disagree.
macro_rules! attributes {
    ($($variant:ident $name:literal $share:literal $drawn:ident,)*) => {
        /// One of CelebA's columns; `as usize` is its place among them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Attribute { $($variant,)* }

        /// CelebA's forty column names, in CelebA's order.
        pub const ATTRIBUTES: [&str; 40] = [$($name,)*];

        /// The share of pictures that is to have each attribute; [`sample`] keeps close to it. They are rounded guesses at
        /// CelebA's, with black and brown hair a little commoner: CelebA leaves the colour of many pictures unnamed.
        #[cfg(test)]
        pub(super) const SHARES: [f64; 40] = [$($share,)*];

        const DRAWN: [bool; 40] = [$(attributes!(@ $drawn),)*];
    };
    (@ seen) => { true };
    (@ unseen) => { false };
}

// `seen`: whoever looks at the picture can tell the label. `unseen`: a label that goes with others as it does in
// CelebA, but that nothing in the picture says by itself.
attributes! {
    FiveOClockShadow "5_o_Clock_Shadow" 0.111 seen,
    ArchedEyebrows "Arched_Eyebrows" 0.267 seen,
    Attractive "Attractive" 0.513 unseen,
    BagsUnderEyes "Bags_Under_Eyes" 0.205 seen,
    Bald "Bald" 0.022 seen,
    Bangs "Bangs" 0.152 seen,
    BigLips "Big_Lips" 0.241 seen,
    BigNose "Big_Nose" 0.235 seen,
    BlackHair "Black_Hair" 0.280 seen,
    BlondHair "Blond_Hair" 0.148 seen,
    Blurry "Blurry" 0.051 unseen,
    BrownHair "Brown_Hair" 0.260 seen,
    BushyEyebrows "Bushy_Eyebrows" 0.142 seen,
    Chubby "Chubby" 0.058 seen,
    DoubleChin "Double_Chin" 0.047 seen,
    Eyeglasses "Eyeglasses" 0.065 seen,
    Goatee "Goatee" 0.063 seen,
    GrayHair "Gray_Hair" 0.042 seen,
    HeavyMakeup "Heavy_Makeup" 0.387 seen,
    HighCheekbones "High_Cheekbones" 0.455 seen,
    Male "Male" 0.417 unseen,
    MouthSlightlyOpen "Mouth_Slightly_Open" 0.483 seen,
    Mustache "Mustache" 0.042 seen,
    NarrowEyes "Narrow_Eyes" 0.115 seen,
    NoBeard "No_Beard" 0.835 seen,
    OvalFace "Oval_Face" 0.284 seen,
    PaleSkin "Pale_Skin" 0.043 seen,
    PointyNose "Pointy_Nose" 0.277 seen,
    RecedingHairline "Receding_Hairline" 0.080 seen,
    RosyCheeks "Rosy_Cheeks" 0.066 seen,
    Sideburns "Sideburns" 0.057 seen,
    Smiling "Smiling" 0.482 seen,
    StraightHair "Straight_Hair" 0.208 seen,
    WavyHair "Wavy_Hair" 0.320 seen,
    WearingEarrings "Wearing_Earrings" 0.189 seen,
    WearingHat "Wearing_Hat" 0.049 seen,
    WearingLipstick "Wearing_Lipstick" 0.472 seen,
    WearingNecklace "Wearing_Necklace" 0.123 seen,
    WearingNecktie "Wearing_Necktie" 0.073 seen,
    Young "Young" 0.774 seen,
}

/// Whether the picture shows the attribute with this place in [`ATTRIBUTES`]. The others are drawn by lot in
/// keeping with the rest and mean nothing in the picture.
pub fn is_drawn(attribute: usize) -> bool {
    DRAWN[attribute]
}

/// What a portrait has and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes(pub [bool; 40]);

impl Attributes {
    /// Whether all the hair is under the hat. Long hair, straight or wavy, flows from it.
    pub fn tucked_away(&self) -> bool {
        use Attribute::*;
        self[WearingHat] && !self[StraightHair] && !self[WavyHair]
    }
}

impl Index<Attribute> for Attributes {
    type Output = bool;

    fn index(&self, attribute: Attribute) -> &bool {
        &self.0[attribute as usize]
    }
}

impl IndexMut<Attribute> for Attributes {
    fn index_mut(&mut self, attribute: Attribute) -> &mut bool {
        &mut self.0[attribute as usize]
    }
}

/// Draws all forty, each from the chance that it has given those before it. The chances are set so that every
/// attribute's share comes out near CelebA's, and so that what excludes each other never meets.
pub(super) fn sample(rng: &mut ChaCha8Rng) -> Attributes {
    use Attribute::*;
    let mut has = Attributes([false; 40]);
    has[Male] = rng.random_bool(0.417);
    let male = has[Male];
    has[Young] = rng.random_bool(if male { 0.64 } else { 0.87 });
    let young = has[Young];
    // From here on a chance is most often a pair: a man's and a woman's.
    let mut by_sex = |man: f64, woman: f64| rng.random_bool(if male { man } else { woman });

    has[Smiling] = by_sex(0.40, 0.54);
    let smiling = has[Smiling];
    has[Blurry] = by_sex(0.051, 0.051);
    has[PaleSkin] = by_sex(0.032, 0.051);
    has[HeavyMakeup] = by_sex(0.003, 0.66);
    let makeup = has[HeavyMakeup];
    has[WearingLipstick] = if makeup { by_sex(0.99, 0.99) } else { by_sex(0.003, 0.45) };
    has[RosyCheeks] = if makeup { by_sex(0.16, 0.16) } else { by_sex(0.004, 0.02) };
    has[ArchedEyebrows] = if makeup { by_sex(0.49, 0.49) } else { by_sex(0.06, 0.27) };
    has[Attractive] = if young { by_sex(0.36, 0.74) } else { by_sex(0.10, 0.33) };
    has[MouthSlightlyOpen] = if smiling { by_sex(0.76, 0.76) } else { by_sex(0.225, 0.225) };
    has[HighCheekbones] = if smiling { by_sex(0.74, 0.84) } else { by_sex(0.10, 0.16) };
    has[Chubby] = if young { by_sex(0.07, 0.018) } else { by_sex(0.15, 0.085) };
    has[DoubleChin] = if has[Chubby] { by_sex(0.50, 0.50) } else { by_sex(0.032, 0.010) };
    has[OvalFace] = !has[Chubby] && by_sex(0.24, 0.335);
    has[BagsUnderEyes] = if young { by_sex(0.27, 0.10) } else { by_sex(0.44, 0.24) };
    has[BigLips] = by_sex(0.15, 0.305);
    has[BigNose] = if young { by_sex(0.37, 0.09) } else { by_sex(0.51, 0.18) };
    has[PointyNose] = if has[BigNose] { by_sex(0.13, 0.26) } else { by_sex(0.23, 0.35) };
    has[NarrowEyes] = if smiling { by_sex(0.15, 0.15) } else { by_sex(0.083, 0.083) };
    has[BushyEyebrows] = by_sex(0.265, 0.055);
    has[Eyeglasses] = if young { by_sex(0.075, 0.027) } else { by_sex(0.17, 0.075) };
    has[WearingHat] = by_sex(0.071, 0.033);
    let hat = has[WearingHat];
    has[WearingNecktie] = by_sex(0.172, 0.001);
    has[WearingNecklace] = !has[WearingNecktie] && by_sex(0.008, 0.206);
    has[WearingEarrings] = by_sex(0.013, 0.315);

    // Hair. A hat says nothing about what it covers: no bald head, no fringe, no hairline.
    let bald = if young { by_sex(0.032, 0.0) } else { by_sex(0.097, 0.0) };
    has[Bald] = bald && !hat;
    has[RecedingHairline] =
        if young { by_sex(0.095, 0.028) } else { by_sex(0.29, 0.115) } && !bald && !hat;
    has[Bangs] = by_sex(0.10, 0.225) && !bald && !hat && !has[RecedingHairline];
    has[WavyHair] = by_sex(0.150, 0.457) && !bald;
    has[StraightHair] = by_sex(0.275, 0.375) && !bald && !has[WavyHair];
    // A colour that cannot be seen is not claimed.
    let hair_shows = !bald && !has.tucked_away();
    let gray = if young { by_sex(0.002, 0.002) } else { by_sex(0.25, 0.085) };
    if hair_shows {
        let colours = [(BlackHair, 0.39, 0.24), (BrownHair, 0.25, 0.31), (BlondHair, 0.024, 0.25)];
        let mut left = 1.0;
        has[GrayHair] = gray;
        let mut found = gray;
        for (colour, man, woman) in colours {
            has[colour] = !found && by_sex(man / left, woman / left);
            found |= has[colour];
            left -= if male { man } else { woman };
        }
    }

    has[NoBeard] = true;
    if male {
        let kind: f64 = rng.random();
        match kind {
            0.0..0.20 => has[FiveOClockShadow] = true,
            0.20..0.35 => {
                has[Goatee] = true;
                has[Mustache] = rng.random_bool(0.2);
                has[FiveOClockShadow] = rng.random_bool(0.4);
            }
            // A full beard: its moustache and whiskers are there to be seen.
            0.35..0.40 => {
                has[Mustache] = true;
                has[Sideburns] = !bald;
            }
            0.40..0.42 => has[Mustache] = true,
            _ => {}
        }
        has[NoBeard] = kind >= 0.40;
        has[Sideburns] |= rng.random_bool(0.10) && !bald && !hat;
    }
    has
}
