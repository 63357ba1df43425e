//! An instrument: a small network that learns from real images what they show, and then looks at generated ones.

use anyhow::Result;
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor, no_grad};

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
    /// Batch norm after each convolution, dropout before the last layer, and a step size that falls to 0: what many classes and a
    /// longer training need.
    pub thorough: bool,
    /// Updates.
    pub steps: u64,
    /// Images in a batch.
    pub batch_size: usize,
}

/// A network that answers with some logits for each image.
pub struct Classifier {
    layers: nn::SequentialT,
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
        watch: impl Fn(u64),
    ) -> Result<Classifier> {
        seed_step(seed, 0);
        let variables = compute.variables();
        let layers = layers(&variables, set.channels() as i64, outputs, plan);
        let training = set.training();
        let batch_size = plan.batch_size.min(training.len());
        let mut adam = Adam::new(variables, RATE, (0.9, 0.999));
        let mut batches = Batches::new(training, batch_size, seed)?;
        for step in 0..plan.steps {
            if plan.thorough {
                adam.learning_rate = RATE * (1.0 - step as f64 / plan.steps as f64);
            }
            let indices = batches.indices(step);
            let images = set.batch(indices, compute.device, compute.kind);
            let logits = to_f32(&images.apply_t(&layers, true));
            adam.minimise(&loss(&logits, indices));
            watch(step + 1);
        }
        Ok(Classifier { layers, compute })
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

/// Four convolutions that halve the side and one that looks at the rest: `[batch, channels, 64, 64]` to `[batch, outputs]`.
fn layers(variables: &VarStore, channels: i64, outputs: i64, plan: Plan) -> nn::SequentialT {
    let path = variables.root();
    let mut layers = nn::seq_t();
    let mut inputs = channels;
    for (i, width) in plan.widths.into_iter().enumerate() {
        layers =
            layers.add(conv2d(&path / format!("conv{i}"), inputs, width, 4, conv(inputs, 2, 1)));
        if plan.thorough {
            layers = layers.add(batch_norm2d(&path / format!("norm{i}"), width));
        }
        layers = layers.add_fn(|x| leaky_relu(x, 0.2));
        inputs = width;
    }
    if plan.thorough {
        layers = layers.add_fn_t(|x, train| dropout(x, 0.5, train));
    }
    layers
        .add(conv2d(&path / "logits", inputs, outputs, 4, conv(inputs, 1, 0)))
        .add_fn(|x| x.flatten(1, -1))
}

/// A 4 × 4 convolution whose weights start so small that its outputs vary about as much as its inputs (He et al. 2015).
fn conv(inputs: i64, stride: i64, padding: i64) -> nn::ConvConfig {
    let stdev = (2.0 / (16 * inputs) as f64).sqrt();
    let ws_init = nn::Init::Randn { mean: 0.0, stdev };
    nn::ConvConfig { stride, padding, ws_init, ..Default::default() }
}
