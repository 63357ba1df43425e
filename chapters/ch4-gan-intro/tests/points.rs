//! The real points are what they are said to be, and the measures measure it.

use ch4_gan_intro::picture::EDGE;
use ch4_gan_intro::points::{MODES, Points, SIGMA, ring_centres};
use ch4_gan_intro::quality::{Modes, distances, energy_distance};
use tch::{Device, Kind, Tensor};

const N: i64 = 10_000;

fn draw(points: Points, seed: i64) -> Tensor {
    tch::manual_seed(seed);
    points.draw(N)
}

fn mean(t: &Tensor) -> f64 {
    t.mean(Kind::Double).double_value(&[])
}

#[test]
fn all_sets_are_centred_and_fit_into_the_picture() {
    for points in [Points::Ring, Points::Moons, Points::Spiral] {
        let drawn = draw(points, 1);
        assert_eq!(drawn.size(), [N, 2]);
        assert!(drawn.abs().max().double_value(&[]) < EDGE, "{points}");
        // The spiral's single arm is not quite centred.
        let bound = if points == Points::Spiral { 0.3 } else { 0.03 };
        for axis in [0, 1] {
            assert!(mean(&drawn.select(1, axis)).abs() < bound, "{points}");
        }
        assert!(drawn.equal(&draw(points, 1)), "{points}: the same seed gives the same points");
        assert!(!drawn.equal(&draw(points, 2)), "{points}: another seed gives others");
    }
}

#[test]
fn the_ring_has_eight_gaussians() {
    assert_eq!(ring_centres().size(), [MODES, 2]);
    let ring = draw(Points::Ring, 3);
    let (distance, nearest) = distances(&ring, &ring_centres()).min_dim(1, false);
    // The squared distance from the centre of a Gaussian in the plane is 2σ² in the mean.
    assert!((mean(&distance.square()) / (2.0 * SIGMA * SIGMA) - 1.0).abs() < 0.05);
    for mode in 0..MODES {
        assert!((mean(&nearest.eq(mode).to_kind(Kind::Double)) - 0.125).abs() < 0.015);
    }
    let Modes { reached, good, shares } = Modes::of(&ring);
    assert_eq!(reached, 8);
    // exp(−9/2) of a Gaussian in the plane lies beyond three standard deviations.
    assert!((good - (1.0 - (-4.5f64).exp())).abs() < 0.005, "{good}");
    assert!((shares.iter().sum::<f64>() - good).abs() < 1e-9);
}

#[test]
fn moons_and_spiral_lie_on_their_curves() {
    // Each moon is a half circle of radius 0.8 about (∓0.4, ∓0.2).
    let moons = draw(Points::Moons, 4);
    let centre = |sign: f64| Tensor::from_slice(&[-0.4 * sign, -0.2 * sign]).to_kind(Kind::Float);
    let off = |sign: f64| ((&moons - centre(sign)).norm_scalaropt_dim(2, 1, false) - 0.8).abs();
    let nearest = off(1.0).minimum(&off(-1.0));
    assert!(nearest.max().double_value(&[]) < 5.0 * 0.05);
    assert!((mean(&off(1.0).lt(0.1).to_kind(Kind::Double)) - 0.5).abs() < 0.15);

    // The spiral's radius grows by 1.2 over one turn and a half.
    let spiral = draw(Points::Spiral, 5);
    let radius = spiral.norm_scalaropt_dim(2, 1, false);
    assert!((mean(&radius) - 0.8).abs() < 0.02, "{}", mean(&radius));
    let angle = spiral.select(1, 1).atan2(&spiral.select(1, 0));
    let turns = (angle / std::f64::consts::TAU) - &radius / 0.8;
    let off = (&turns - turns.round()).abs() * 0.8;
    let far = radius.gt(0.3);
    assert!(off.masked_select(&far).max().double_value(&[]) < 0.15);
}

#[test]
fn modes_are_counted_as_said() {
    let centres = ring_centres();
    let at = |mode: i64, n: i64| centres.narrow(0, mode, 1).repeat([n, 1]);
    let count = |parts: &[Tensor]| Modes::of(&Tensor::cat(parts, 0));
    let one = count(&[at(3, 100)]);
    assert_eq!((one.reached, one.good), (1, 1.0));
    assert_eq!(one.shares[3], 1.0);
    // One in a hundred is enough, fewer are not.
    assert_eq!(count(&[at(3, 2_475), at(5, 25)]).reached, 2);
    assert_eq!(count(&[at(3, 2_476), at(5, 24)]).reached, 1);
    // Just inside three standard deviations, and just outside.
    let beside =
        |sigmas: f64| at(0, 10) + Tensor::from_slice(&[0.0, sigmas * SIGMA]).to_kind(Kind::Float);
    assert_eq!(count(&[beside(2.99)]).good, 1.0);
    assert_eq!(count(&[beside(3.01)]).good, 0.0);
    // The middle of the ring belongs to nobody.
    let middle = count(&[Tensor::zeros([10, 2], (Kind::Float, Device::Cpu))]);
    assert_eq!((middle.reached, middle.good), (0, 0.0));
}

#[test]
fn energy_distance_is_what_its_formula_says() {
    let a = Tensor::from_slice(&[0f32, 0.0]).view([1, 2]);
    let b = Tensor::from_slice(&[3f32, 4.0]).view([1, 2]);
    assert!((energy_distance(&a, &b) - 10.0).abs() < 1e-5);
    let both = Tensor::cat(&[&a, &b], 0);
    // 2 · (0 + 5)/2 − 0 − (0 + 5 + 5 + 0)/4.
    assert!((energy_distance(&a, &both) - 2.5).abs() < 1e-5);

    // Two draws of one set are near each other, other sets are far, and a missing mode is noticed.
    let ring = draw(Points::Ring, 6).narrow(0, 0, 2_500);
    let floor = energy_distance(&ring, &draw(Points::Ring, 7).narrow(0, 0, 2_500));
    assert!(floor < 0.002, "{floor}");
    for other in [Points::Moons, Points::Spiral] {
        assert!(energy_distance(&ring, &draw(other, 8).narrow(0, 0, 2_500)) > 20.0 * floor);
    }
    let without = ring.masked_select(&ring.select(1, 0).lt(0.85).unsqueeze(1)).view([-1, 2]);
    assert!(Modes::of(&without).reached == 7, "{:?}", Modes::of(&without));
    assert!(energy_distance(&ring, &without) > 5.0 * floor);
}
