//! The two networks: a generator that makes points from noise and a discriminator that tells made points from real ones.

use tch::Tensor;
use tch::nn::{self, ModuleT, Path};
use toolkit::layers::leaky_relu;

/// Slope of the leaky ReLU for negative inputs, in both networks.
const LEAK: f64 = 0.2;

// ANCHOR: generator
/// Makes points from noise: `z: [batch, z_dim]` to `[batch, 2]`.
///
/// It never sees a real point. It is a map that bends, stretches and folds the space of the
/// noise, and where it carries much of the noise, there are many points. To learn is to bend
/// the map until its points lie as the real ones do; which way to bend, it hears from the
/// discriminator alone.
#[derive(Debug)]
pub struct Generator {
    layers: nn::SequentialT,
}

impl Generator {
    /// `width` is the number of units in each of the two hidden layers.
    pub fn new(path: &Path<'_>, z_dim: i64, width: i64) -> Self {
        let layers = nn::seq_t()
            .add(hidden(&(path / "hidden1"), z_dim, width)) // [batch, width]
            .add(hidden(&(path / "hidden2"), width, width)) // [batch, width]
            .add(linear(&(path / "point"), width, 2)); // [batch, 2]
        Self { layers }
    }
}

impl ModuleT for Generator {
    fn forward_t(&self, z: &Tensor, train: bool) -> Tensor {
        z.apply_t(&self.layers, train)
    }
}
// ANCHOR_END: generator

// ANCHOR: discriminator
/// Tells real points from made ones: `[batch, 2]` to logits `[batch]`.
///
/// It is an ordinary classifier with two classes. The probability that a point is real is the
/// sigmoid of its logit. The sigmoid is left to the loss, which can then take both at once
/// without ever forming the logarithm of 0.
///
/// What does it learn? If real points have the density p and made ones the density q, and there
/// are as many of either, then of all the points at a place x the share `p(x) / (p(x) + q(x))`
/// is real. No answer has a smaller loss than this one, and a discriminator that is trained
/// long enough comes close to it (`tests/theory.rs`). Where the two densities are equal it is
/// ½: there the discriminator can do no better than toss a coin.
#[derive(Debug)]
pub struct Discriminator {
    layers: nn::SequentialT,
}

impl Discriminator {
    /// `width` is the number of units in each of the two hidden layers.
    pub fn new(path: &Path<'_>, width: i64) -> Self {
        let layers = nn::seq_t()
            .add(hidden(&(path / "hidden1"), 2, width)) // [batch, width]
            .add(hidden(&(path / "hidden2"), width, width)) // [batch, width]
            .add(linear(&(path / "logit"), width, 1)) // [batch, 1]
            .add_fn(|x| x.flatten(0, -1)); // [batch]
        Self { layers }
    }
}

impl ModuleT for Discriminator {
    fn forward_t(&self, points: &Tensor, train: bool) -> Tensor {
        points.apply_t(&self.layers, train)
    }
}
// ANCHOR_END: discriminator

// ANCHOR: layers
/// A linear layer and a leaky ReLU, without which all layers together would be no more than one
/// linear map.
fn hidden(path: &Path<'_>, inputs: i64, outputs: i64) -> nn::SequentialT {
    nn::seq_t().add(linear(path, inputs, outputs)).add_fn(|x| leaky_relu(x, LEAK))
}

/// Weights that start as He et al. 2015 have them for a ReLU, so that the outputs spread as far
/// as the inputs do. Biases that start near 0, not at it: the folds of the first layer then do
/// not all go through the origin.
fn linear(path: &Path<'_>, inputs: i64, outputs: i64) -> nn::Linear {
    nn::linear(path, inputs, outputs, nn::LinearConfig::default())
}
// ANCHOR_END: layers
