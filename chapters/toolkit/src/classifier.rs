//! An instrument: a small network that learns from real images what they show, and then looks at generated ones.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor, no_grad};

use crate::checkpoint::{self, Named};
use crate::compute::Compute;
use crate::images::ImageSet;
use crate::layers::{batch_norm2d, conv2d, dropout, leaky_relu, to_f32};
use crate::noise::seed_step;
use crate::{Adam, Batches};

/// The size of a classifier and the length of its training.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Channels at sides 32, 16, 8 and 4.
    pub widths: [i64; 4],
    /// For many classes that may differ only in a detail: two convolutions at each side and batch norm after both, dropout before
    /// the last layer, images turned and scaled at random, and a step size that falls to 0.
    pub thorough: bool,
    /// Updates.
    pub steps: u64,
    /// Images in a batch.
    pub batch_size: usize,
}

/// A network that answers with some logits for each image.
pub struct Classifier {
    layers: nn::SequentialT,
    weights: Named,
    compute: Compute,
}

impl Classifier {
    /// Trains on the images of `set` that are not held out. `loss` compares `logits: [batch, outputs]` with what is known about the
    /// images of these indices, and `watch` is told after each update how many there have been. Seeds libtorch's generator.
    ///
    /// # Errors
    /// If there are no images.
    pub fn train(
        set: &ImageSet,
        outputs: i64,
        plan: Plan,
        (compute, seed): (Compute, u64),
        loss: impl Fn(&Tensor, &[usize]) -> Tensor,
        mut watch: impl FnMut(u64),
    ) -> Result<Classifier> {
        seed_step(seed, 0);
        let variables = compute.variables();
        let layers = layers(&variables, set.channels() as i64, outputs, plan);
        let training = set.training();
        let batch_size = plan.batch_size.min(training.len());
        let mut adam = Adam::new(variables, RATE, (0.9, 0.999));
        let mut batches = Batches::new(training, batch_size, seed)?;
        for step in 0..plan.steps {
            let indices = batches.indices(step);
            let mut images = set.batch(indices, compute.device, Kind::Float);
            if plan.thorough {
                adam.learning_rate = RATE * (1.0 - step as f64 / plan.steps as f64);
                images = turned(&images);
            }
            let logits = to_f32(&images.to_kind(compute.kind).apply_t(&layers, true));
            adam.minimise(&loss(&logits, indices));
            watch(step + 1);
        }
        Ok(Classifier { layers, weights: checkpoint::variables(adam.network()), compute })
    }

    /// Writes the weights to a file, which is whole or not there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, file: &Path) -> Result<()> {
        let new = file.with_extension("new");
        checkpoint::write(&self.weights, &new)?;
        fs::rename(&new, file).with_context(|| file.display().to_string())
    }

    /// A classifier that was trained by the same `plan` on images of so many `channels`, from the file that it was kept in.
    ///
    /// # Errors
    /// If the file cannot be read, or holds another network.
    pub fn kept(
        file: &Path,
        channels: usize,
        outputs: i64,
        plan: Plan,
        compute: Compute,
    ) -> Result<Classifier> {
        let variables = compute.variables();
        let layers = layers(&variables, channels as i64, outputs, plan);
        checkpoint::load(&variables, file)?;
        Ok(Classifier { layers, weights: checkpoint::variables(&variables), compute })
    }

    /// What it answers to `images: [n, channels, 64, 64]` in `[-1, 1]`: `[n, outputs]`, on the CPU.
    pub fn logits(&self, images: &Tensor) -> Tensor {
        let Compute { device, kind } = self.compute;
        let look = |images: &Tensor| {
            let logits = self.layers.forward_t(&images.to_device(device).to_kind(kind), false);
            logits.to_kind(Kind::Float).to_device(Device::Cpu)
        };
        let portions = images.split(256, 0);
        Tensor::cat(&no_grad(|| portions.iter().map(look).collect::<Vec<_>>()), 0)
    }
}

/// Adam's step size.
const RATE: f64 = 1e-3;

/// The same images, `[n, channels, side, side]`, each turned about its middle by any angle and scaled by up to a tenth; white comes
/// in at the edges.
fn turned(images: &Tensor) -> Tensor {
    let n = images.size()[0];
    let random = || Tensor::rand([n], (Kind::Float, images.device()));
    let (angle, scale) = (random() * TAU, random() * 0.2 + 0.9);
    let (cos, sin) = (angle.cos() * &scale, angle.sin() * &scale);
    let zero = cos.zeros_like();
    let rows = Tensor::stack(&[&cos, &-&sin, &zero, &sin, &cos, &zero], 1);
    let grid = Tensor::affine_grid_generator(&rows.view([n, 2, 3]), images.size(), false);
    // Zeros come in at the edges, and 1 is white; 0, 0: between pixels linear, zeros outside.
    (images - 1.0).grid_sampler(&grid, 0, 0, false) + 1.0
}

/// Convolutions that halve the side four times and one that looks at the rest: `[batch, channels, 64, 64]` to `[batch, outputs]`.
fn layers(variables: &VarStore, channels: i64, outputs: i64, plan: Plan) -> nn::SequentialT {
    let path = variables.root();
    let mut layers = nn::seq_t();
    let mut inputs = channels;
    for (i, width) in plan.widths.into_iter().enumerate() {
        let halve = Shape { side: 4, stride: 2, padding: 1 };
        layers = layers.add(conv(&path / format!("conv{i}"), inputs, width, halve));
        if plan.thorough {
            let look = Shape { side: 3, stride: 1, padding: 1 };
            layers = layers
                .add(batch_norm2d(&path / format!("norm{i}"), width))
                .add_fn(|x| leaky_relu(x, 0.2))
                .add(conv(&path / format!("look{i}"), width, width, look))
                .add(batch_norm2d(&path / format!("look_norm{i}"), width));
        }
        layers = layers.add_fn(|x| leaky_relu(x, 0.2));
        inputs = width;
    }
    if plan.thorough {
        layers = layers.add_fn_t(|x, train| dropout(x, 0.3, train));
    }
    let rest = Shape { side: 4, stride: 1, padding: 0 };
    layers.add(conv(&path / "logits", inputs, outputs, rest)).add_fn(|x| x.flatten(1, -1))
}

/// The form of a convolution.
#[derive(Clone, Copy)]
struct Shape {
    side: i64,
    stride: i64,
    padding: i64,
}

/// A convolution whose weights start so small that its outputs vary about as much as its inputs (He et al. 2015).
fn conv(path: nn::Path<'_>, inputs: i64, outputs: i64, shape: Shape) -> impl ModuleT + 'static {
    let Shape { side, stride, padding } = shape;
    let stdev = (2.0 / (side * side * inputs) as f64).sqrt();
    let ws_init = nn::Init::Randn { mean: 0.0, stdev };
    let config = nn::ConvConfig { stride, padding, ws_init, ..Default::default() };
    conv2d(path, inputs, outputs, side, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_images_stay_in_the_middle_on_white() {
        tch::manual_seed(1);
        // A black bar of 32 × 8 pixels on white.
        let images = Tensor::ones([64, 1, 64, 64], (Kind::Float, Device::Cpu));
        let _ = images.narrow(2, 28, 8).narrow(3, 16, 32).fill_(-1.0);
        let turned = turned(&images);
        assert_eq!(turned.size(), images.size());
        let value = |x: Tensor| x.double_value(&[]);
        let corners = turned.narrow(2, 0, 8).narrow(3, 0, 8);
        assert_eq!(value((corners - 1.0).abs().max()), 0.0, "white comes in");
        let middle = turned.narrow(2, 31, 2).narrow(3, 31, 2);
        assert!(value(middle.max()) < -0.999, "the middle stays");
        // As much ink as before, but for the scale; and not in the same place.
        let ink = |images: &Tensor| value((1.0f64 - images).mean(Kind::Double));
        let kept = ink(&turned) / ink(&images);
        assert!((0.9..1.15).contains(&kept), "{kept} of the ink");
        let row = turned.narrow(2, 30, 4).narrow(3, 18, 2).mean_dim(
            &[1i64, 2, 3][..],
            false,
            Kind::Float,
        );
        assert!(value(row.std(true)) > 0.5, "every image by another angle");
    }
}
