use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::attributes::{Attribute, Attribute::*, Attributes, SHARES, sample};
use super::*;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The first seeds whose portraits have an attribute, each with all that it has.
fn sitters_with(attribute: Attribute) -> impl Iterator<Item = (ChaCha8Rng, Attributes)> {
    let sitter = |seed| {
        let mut rng = rng(seed);
        let has = sample(&mut rng);
        (rng, has)
    };
    (0..).map(sitter).filter(move |(_, has)| has[attribute])
}

/// The places that differ by more than a trace between a portrait and the same one without the attribute.
fn changed(attribute: Attribute, (rng, has): &(ChaCha8Rng, Attributes)) -> Vec<(u32, u32)> {
    let mut without = *has;
    without[attribute] = false;
    let before = portrait(*has, &mut rng.clone());
    let after = portrait(without, &mut rng.clone());
    let differ = |a: &image::Rgb<u8>, b: &image::Rgb<u8>| (0..3).any(|i| a[i].abs_diff(b[i]) > 6);
    let pixels = before.enumerate_pixels().zip(after.pixels());
    pixels.filter(|((_, _, a), b)| differ(a, b)).map(|((x, y, _), _)| (x, y)).collect()
}

/// The digest was taken on x86-64; another machine must come to the same.
#[test]
fn a_seed_gives_the_same_bytes_everywhere() {
    let mut digest = Sha256::new();
    for seed in 0..24 {
        let (image, has) = draw(&mut rng(seed));
        assert_eq!(image.dimensions(), (178, 218));
        digest.update(image.as_raw());
        digest.update(has.map(u8::from));
    }
    let hex: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "31852f4380ed02682dd1ed988054c804829a88095db88667821ae7b3bbc8c4ff");
}

#[test]
fn shares_are_near_celebas() {
    const COUNT: usize = 4_000;
    let mut found = [0; 40];
    let mut rng = rng(1);
    for _ in 0..COUNT {
        let has = sample(&mut rng);
        found.iter_mut().zip(has.0).for_each(|(found, yes)| *found += usize::from(yes));
    }
    for (i, share) in SHARES.into_iter().enumerate() {
        let found = found[i] as f64 / COUNT as f64;
        // Three standard deviations of the count, and one point in a hundred for the model.
        let tolerance = 0.01 + 3.0 * (share * (1.0 - share) / COUNT as f64).sqrt();
        assert!((found - share).abs() < tolerance, "{}: {found} for {share}", ATTRIBUTES[i]);
    }
}

#[test]
fn what_excludes_each_other_never_meets() {
    let mut rng = rng(2);
    for _ in 0..20_000 {
        let has = sample(&mut rng);
        let colours =
            [BlackHair, BlondHair, BrownHair, GrayHair].iter().filter(|c| has[**c]).count();
        assert!(colours <= 1);
        assert!(colours == 0 || !(has[Bald] || has.tucked_away()));
        let bare = has[Bald] || has[WearingHat];
        assert!(!bare || !(has[Bangs] || has[RecedingHairline]));
        assert!(!(has[Bangs] && has[RecedingHairline]));
        assert!(!has[Bald] || !(has[WearingHat] || has[StraightHair] || has[WavyHair]));
        assert!(!(has[StraightHair] && has[WavyHair]));
        assert!(!(has[WearingNecktie] && has[WearingNecklace]));
        assert!(!(has[Chubby] && has[OvalFace]));
        let grown = has[Goatee] || has[Mustache] || has[Sideburns] || has[FiveOClockShadow];
        assert!(has[Male] || (has[NoBeard] && !grown && !has[Bald]));
        assert!(!has[NoBeard] || !(has[Goatee] || has[FiveOClockShadow]));
    }
}

#[test]
fn what_is_said_to_be_drawn_shows_and_the_rest_does_not() {
    let mut all = [Attractive, Blurry].map(|attribute| (attribute, 0..1)).to_vec();
    all.extend([ArchedEyebrows, HighCheekbones, PointyNose, Young].map(|a| (a, 30..usize::MAX)));
    all.extend([Smiling, NoBeard, Bald, Bangs].map(|a| (a, 100..usize::MAX)));
    for (attribute, expected) in all {
        assert_eq!(is_drawn(attribute as usize), expected.start > 0);
        for sitter in sitters_with(attribute).take(3) {
            let count = changed(attribute, &sitter).len();
            assert!(expected.contains(&count), "{attribute:?} changes {count} pixels");
        }
    }
}

#[test]
fn what_is_added_changes_its_own_place_only() {
    // Left, top, right, bottom.
    let places = [
        (Eyeglasses, [25, 80, 153, 145]),
        (BagsUnderEyes, [45, 108, 133, 132]),
        (BushyEyebrows, [40, 78, 138, 112]),
        (WearingLipstick, [60, 135, 120, 180]),
        (WearingEarrings, [25, 118, 153, 155]),
        (Goatee, [55, 145, 123, 217]),
        (RosyCheeks, [35, 108, 143, 155]),
        (WearingHat, [0, 0, 177, 125]),
        (WearingNecktie, [0, 180, 177, 217]),
        (WearingNecklace, [0, 180, 177, 217]),
    ];
    for (attribute, [left, top, right, bottom]) in places {
        // A goatee taken away leaves a full beard, and a hat hair, unless the rest is set too.
        for (rng, mut has) in sitters_with(attribute).take(4) {
            has[NoBeard] = true;
            has[Bald] |= attribute == WearingHat;
            let changed = changed(attribute, &(rng, has));
            assert!(changed.len() > 60, "{attribute:?} changes {} pixels", changed.len());
            for (x, y) in changed {
                let inside = (left..=right).contains(&x) && (top..=bottom).contains(&y);
                assert!(inside, "{attribute:?} changes ({x}, {y})");
            }
        }
    }
}

/// Names the hair's colour from the mean of a patch above the forehead, as whoever looks at it would.
fn colour_name(image: &RgbImage) -> Option<Attribute> {
    let mut mean = [0.0; 3];
    for (x, y) in (79..100).flat_map(|x| (44..52).map(move |y| (x, y))) {
        mean.iter_mut().zip(image.get_pixel(x, y).0).for_each(|(m, c)| *m += c as f32 / 168.0);
    }
    let [red, green, blue] = mean;
    match () {
        () if red < 75.0 && red < 1.6 * blue => Some(BlackHair),
        () if red < 1.12 * blue => Some(GrayHair),
        () if red > 165.0 && green > 0.68 * red => Some(BlondHair),
        () if green > 0.55 * red => Some(BrownHair),
        () => None,
    }
}

#[test]
fn hair_has_the_colour_that_the_label_says() {
    let mut seen = 0;
    for seed in 0..400 {
        let mut rng = rng(seed);
        let has = sample(&mut rng);
        if has[Bald] || has[WearingHat] || has[RecedingHairline] {
            continue;
        }
        let label = [BlackHair, BlondHair, BrownHair, GrayHair].into_iter().find(|c| has[*c]);
        assert_eq!(colour_name(&portrait(has, &mut rng)), label, "seed {seed}");
        seen += 1;
    }
    assert!(seen > 300);
}
