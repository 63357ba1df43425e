//! The points that the networks learn from: three distributions in the plane, all of them between −1.5 and 1.5.
//!
//! There is no data set. Points are drawn afresh whenever they are asked for, as many as are asked for, so that nothing can be
//! learnt by heart: what a generator of such points has learnt is the distribution.

use std::f64::consts::{PI, TAU};
use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

// ANCHOR: sets
/// A distribution of points in the plane. libtorch's generator decides the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Points {
    /// Eight small Gaussians, evenly spaced on a circle
    Ring,
    /// Two half circles that reach into each other
    Moons,
    /// One arm that winds outwards
    Spiral,
}

/// Number of Gaussians on the ring, its *modes*.
pub const MODES: i64 = 8;

/// Standard deviation of each Gaussian on the ring, in both directions. The ring's radius is 1.
pub const SIGMA: f64 = 0.05;

/// Where the Gaussians of the ring have their centres: `[8, 2]`.
pub fn ring_centres() -> Tensor {
    let angle = Tensor::arange(MODES, FLOAT) * (TAU / MODES as f64);
    at(&angle.cos(), &angle.sin())
}

impl Points {
    /// Draws `count` independent points: `[count, 2]`.
    pub fn draw(self, count: i64) -> Tensor {
        match self {
            Points::Ring => {
                let mode = Tensor::randint(MODES, [count], (Kind::Int64, Device::Cpu));
                ring_centres().index_select(0, &mode) + SIGMA * noise(count)
            }
            Points::Moons => {
                // A half circle above, and the same one turned about the origin.
                let angle = PI * Tensor::rand([count], FLOAT);
                let upper = at(&(angle.cos() - 0.5), &(angle.sin() - 0.25));
                let side = 2.0 * Tensor::randint(2, [count, 1], FLOAT) - 1.0;
                0.8 * upper * side + 0.05 * noise(count)
            }
            Points::Spiral => {
                // The root spreads the points evenly along the arm, which grows longer with
                // each turn.
                let along = Tensor::rand([count], FLOAT).sqrt();
                let (angle, radius) = (3.0 * PI * &along, 1.2 * &along);
                at(&(&radius * angle.cos()), &(&radius * angle.sin())) + 0.03 * noise(count)
            }
        }
    }
}
// ANCHOR_END: sets

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Points::Ring => "ring",
            Points::Moons => "moons",
            Points::Spiral => "spiral",
        })
    }
}

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

/// Standard normal points, `[count, 2]`.
fn noise(count: i64) -> Tensor {
    Tensor::randn([count, 2], FLOAT)
}

/// Points from their coordinates, `[count]` each.
fn at(x: &Tensor, y: &Tensor) -> Tensor {
    Tensor::stack(&[x, y], 1)
}
