//! How good are generated points? The modes that they reach, and a distance between two clouds of points.

use serde::Serialize;
use tch::{Kind, Tensor};

use crate::points::{MODES, SIGMA, ring_centres};

// ANCHOR: modes
/// How generated points lie about the modes of the ring.
///
/// A point is *good* if it lies within three standard deviations of the nearest centre, where
/// 98.9% of the real points lie. That is how Srivastava et al. 2017, *VEEGAN*, count, on a ring
/// like that of Metz et al. 2017, *Unrolled Generative Adversarial Networks*. They take a mode
/// as reached from one good point on. Here it must be one in a hundred of all points, where it
/// should be one in eight, so that a stray point on the way from one mode to the next does not
/// count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Modes {
    /// Number of modes reached, of eight.
    pub reached: usize,
    /// Share of all points that are good.
    pub good: f64,
    /// Share of all points that are good and belong to each mode, counted from the right and
    /// against the clock.
    pub shares: Vec<f64>,
}

impl Modes {
    /// Looks at `points: [n, 2]`.
    pub fn of(points: &Tensor) -> Modes {
        let (distance, nearest) = distances(points, &ring_centres()).min_dim(1, false);
        let good = distance.lt(3.0 * SIGMA); // [n]
        let shares: Vec<f64> =
            (0..MODES).map(|mode| share(&nearest.eq(mode).logical_and(&good))).collect();
        let reached = shares.iter().filter(|share| **share >= 0.01).count();
        Modes { reached, good: share(&good), shares }
    }
}
// ANCHOR_END: modes

/// The share of `true` in `[n]`.
fn share(which: &Tensor) -> f64 {
    which.to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}

// ANCHOR: distance
/// The energy distance between the distributions of `a: [n, 2]` and `b: [m, 2]`:
/// `2 E‖a − b‖ − E‖a − a′‖ − E‖b − b′‖`.
///
/// It is zero for the same distribution and above zero for any two others (Székely & Rizzo
/// 2013, *Energy statistics*). Points in wrong places raise it, and so do places without
/// points. Even two draws from one distribution are a little apart, the less the more points
/// there are: compare with such a pair.
pub fn energy_distance(a: &Tensor, b: &Tensor) -> f64 {
    let mean = |a: &Tensor, b: &Tensor| distances(a, b).mean(Kind::Double).double_value(&[]);
    2.0 * mean(a, b) - mean(a, a) - mean(b, b)
}
// ANCHOR_END: distance

/// The distance from each of `a: [n, 2]` to each of `b: [m, 2]`: `[n, m]`.
pub fn distances(a: &Tensor, b: &Tensor) -> Tensor {
    Tensor::cdist(a, b, 2.0, None::<i64>)
}
