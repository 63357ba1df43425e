//! A judge that never saw a generated image: a small classifier, trained on real images, says which labels an image
//! shows.

use anyhow::Result;
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Reduction, Tensor, no_grad};
use toolkit::layers::{conv2d, leaky_relu};
use toolkit::noise::seed_step;
use toolkit::{Adam, Batches, ImageSet};

use crate::labels::rows;

/// Updates; the time they take does not depend on how many images there are.
const STEPS: u64 = 600;
/// Images in a batch.
const BATCH: usize = 64;

/// Says for each label whether it sees it.
pub struct Classifier {
    layers: nn::SequentialT,
    device: Device,
}

impl Classifier {
    /// Trains on the images of `set` that are not held out; `answers: [images, labels]` of 0 and 1 tell what each shows.
    ///
    /// A rare "yes" weighs as much as all the "no", so that the judge leans to neither side. Seeds libtorch's generator.
    ///
    /// # Errors
    /// If there are fewer images than a batch holds.
    pub fn train(set: &ImageSet, answers: &Tensor, device: Device, seed: u64) -> Result<Self> {
        seed_step(seed, 0);
        let variables = VarStore::new(device);
        let labels = answers.size()[1];
        let layers = layers(&variables.root(), set.channels() as i64, labels);
        let mut adam = Adam::new(variables, 1e-3, (0.9, 0.999));
        let training = set.training();
        let batch_size = BATCH.min(training.len());
        let yes = rows(answers, &training).mean_dim(&[0i64][..], false, Kind::Float);
        let weight_of_yes = (yes.reciprocal() - 1.0).to_device(device); // [labels]
        let mut batches = Batches::new(training, batch_size, seed)?;
        for step in 0..STEPS {
            let indices = batches.indices(step);
            let images = set.batch(indices, device, Kind::Float);
            let wanted = rows(answers, indices).to_device(device);
            let loss = images.apply_t(&layers, true).binary_cross_entropy_with_logits(
                &wanted,
                None::<&Tensor>,
                Some(&weight_of_yes),
                Reduction::Mean,
            );
            adam.minimise(&loss);
        }
        Ok(Classifier { layers, device })
    }

    /// What it sees on `images: [n, channels, 64, 64]`: 0 or 1 for each label, `[n, labels]`, on the CPU.
    pub fn answers(&self, images: &Tensor) -> Tensor {
        let look = |images: &Tensor| {
            let logits = self.layers.forward_t(&images.to_device(self.device), false);
            logits.gt(0.0).to_kind(Kind::Float).to_device(Device::Cpu)
        };
        let portions = images.split(256, 0);
        Tensor::cat(&no_grad(|| portions.iter().map(look).collect::<Vec<_>>()), 0)
    }
}

/// Four convolutions that halve the side and one that looks at the rest: `[batch, channels, 64, 64]` to a logit for each
/// label.
fn layers(path: &nn::Path<'_>, channels: i64, labels: i64) -> nn::SequentialT {
    let mut layers = nn::seq_t();
    let mut inputs = channels;
    for (i, outputs) in [16, 32, 64, 64].into_iter().enumerate() {
        let config = conv(inputs, 2, 1);
        layers = layers
            .add(conv2d(path / format!("conv{i}"), inputs, outputs, 4, config))
            .add_fn(|x| leaky_relu(x, 0.2));
        inputs = outputs;
    }
    layers
        .add(conv2d(path / "logits", inputs, labels, 4, conv(inputs, 1, 0)))
        .add_fn(|x| x.flatten(1, -1))
}

/// A 4 × 4 convolution whose weights start so small that its outputs vary about as much as its inputs (He et al. 2015).
fn conv(inputs: i64, stride: i64, padding: i64) -> nn::ConvConfig {
    let stdev = (2.0 / (16 * inputs) as f64).sqrt();
    let ws_init = nn::Init::Randn { mean: 0.0, stdev };
    nn::ConvConfig { stride, padding, ws_init, ..Default::default() }
}
