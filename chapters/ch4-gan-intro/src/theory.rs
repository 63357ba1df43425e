//! What the theory says about distributions whose densities are known (Goodfellow et al. 2014, section 4).

use std::f64::consts::TAU;

use tch::{Device, Kind, Tensor};

/// A Gaussian in the plane without correlation between the coordinates: something to draw from, with a density to calculate with.
#[derive(Clone, Copy, Debug)]
pub struct Gaussian {
    /// Where its middle lies.
    pub mean: [f64; 2],
    /// Standard deviation in each direction.
    pub sd: [f64; 2],
}

impl Gaussian {
    /// Draws `count` points: `[count, 2]`. libtorch's generator decides them.
    pub fn draw(&self, count: i64) -> Tensor {
        let constant = |pair: &[f64; 2]| Tensor::from_slice(pair).to_kind(Kind::Float);
        let noise = Tensor::randn([count, 2], (Kind::Float, Device::Cpu));
        constant(&self.mean) + constant(&self.sd) * noise
    }

    /// The density at a place.
    pub fn density(&self, [x, y]: [f64; 2]) -> f64 {
        let [u, v] = [(x - self.mean[0]) / self.sd[0], (y - self.mean[1]) / self.sd[1]];
        (-(u * u + v * v) / 2.0).exp() / (TAU * self.sd[0] * self.sd[1])
    }
}

// ANCHOR: best
/// What the best discriminator answers at a place where real points have the density `p` and
/// fakes the density `q`: the share `p / (p + q)` of the points there that are real
/// (proposition 1).
pub fn best_answer(p: f64, q: f64) -> f64 {
    p / (p + q)
}

/// The value of the game for the best discriminator, `E log D(real) + E log(1 − D(fake))`:
/// `−log 4 + 2 JSD(p, q)` (theorem 1). It is −2 times the loss that
/// [`crate::train::Gan::discriminator_step`] returns.
pub fn best_value(jensen_shannon: f64) -> f64 {
    2.0 * jensen_shannon - 4f64.ln()
}
// ANCHOR_END: best

// ANCHOR: divergence
/// The Jensen–Shannon divergence of two densities, `½ KL(p ‖ m) + ½ KL(q ‖ m)` with
/// `m = (p + q) / 2`, in nats: 0 for equal ones, ln 2 for two that have no place in common.
pub fn jensen_shannon(p: &Gaussian, q: &Gaussian, grid: &Grid) -> f64 {
    let part = |a: f64, b: f64| if a > 0.0 { a * (2.0 * a / (a + b)).ln() } else { 0.0 };
    grid.integral(|_, place| {
        let (p, q) = (p.density(place), q.density(place));
        (part(p, q) + part(q, p)) / 2.0
    })
}
// ANCHOR_END: divergence

/// A square around the origin, cut into small cells, over which functions are integrated.
#[derive(Debug)]
pub struct Grid {
    /// The middle of each cell.
    pub middles: Vec<[f64; 2]>,
    area: f64,
}

impl Grid {
    /// The square from `−edge` to `edge` in both directions, in `cells` × `cells` cells.
    pub fn new(edge: f64, cells: u32) -> Grid {
        let side = 2.0 * edge / f64::from(cells);
        let at = |i: u32| (f64::from(i) + 0.5) * side - edge;
        let middles = (0..cells).flat_map(|i| (0..cells).map(move |j| [at(i), at(j)])).collect();
        Grid { middles, area: side * side }
    }

    /// The integral of a function of the cell's number and middle.
    pub fn integral(&self, f: impl Fn(usize, [f64; 2]) -> f64) -> f64 {
        self.middles.iter().enumerate().map(|(i, place)| f(i, *place)).sum::<f64>() * self.area
    }
}

/// Places as a tensor, `[n, 2]`.
pub fn to_tensor(places: &[[f64; 2]]) -> Tensor {
    Tensor::from_slice(places.as_flattened()).view([-1, 2]).to_kind(Kind::Float)
}
