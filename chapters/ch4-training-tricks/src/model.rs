//! The two networks, smaller than DCGAN's: images of side 32, and a discriminator whose depth can be chosen.

use tch::Tensor;
use tch::nn::{self, Init, ModuleT, Path};
use toolkit::layers::{batch_norm2d, conv_transpose2d, conv2d, leaky_relu, to_f32};

// ANCHOR: side
/// Height and width of the images.
pub const SIDE: i64 = 32;

/// Slope of the leaky ReLU for negative inputs, in both networks.
const LEAK: f64 = 0.2;
// ANCHOR_END: side

/// Draws images from noise: `z: [batch, z_dim, 1, 1]` to `[batch, channels, 32, 32]` in `[-1, 1]`.
#[derive(Debug)]
pub struct Generator {
    layers: nn::SequentialT,
}

impl Generator {
    /// `width` is the number of channels at side 16; each smaller side has twice as many.
    pub fn new(path: &Path<'_>, z_dim: i64, width: i64, channels: i64) -> Self {
        let [w16, w8, w4] = [width, 2 * width, 4 * width];
        let layers = nn::seq_t()
            .add(up_block(&(path / "up1"), z_dim, w4, 1, 0)) // [batch, 4 · width, 4, 4]
            .add(up_block(&(path / "up2"), w4, w8, 2, 1)) // [batch, 2 · width, 8, 8]
            .add(up_block(&(path / "up3"), w8, w16, 2, 1)) // [batch, width, 16, 16]
            .add(conv_transpose2d(path / "image", w16, channels, 4, conv(2, 1))) // [batch, channels, 32, 32]
            .add_fn(Tensor::tanh);
        Self { layers }
    }
}

impl ModuleT for Generator {
    fn forward_t(&self, z: &Tensor, train: bool) -> Tensor {
        z.apply_t(&self.layers, train)
    }
}

/// A transposed convolution, batch normalisation and a leaky ReLU. The normalisation shifts every channel anyway, so
/// the convolution needs no bias.
fn up_block(
    path: &Path<'_>,
    inputs: i64,
    outputs: i64,
    stride: i64,
    padding: i64,
) -> nn::SequentialT {
    nn::seq_t()
        .add(conv_transpose2d(path / "conv", inputs, outputs, 4, conv(stride, padding)))
        .add(batch_norm2d(path / "norm", outputs))
        .add_fn(|x| leaky_relu(x, LEAK))
}

// ANCHOR: discriminator
/// Tells real images from drawn ones: `[batch, channels, 32, 32]` in `[-1, 1]` to logits `[batch]`.
///
/// It is DCGAN's discriminator with `layers` convolutions that halve the side, so that "fewer
/// layers" can be tried. The last convolution judges whatever side they leave.
#[derive(Debug)]
pub struct Discriminator {
    layers: nn::SequentialT,
}

impl Discriminator {
    /// `layers` is 1 to 4; `width` is the number of channels after the first, and each further
    /// one doubles it and, with `batch_norm`, normalises its batch. `dropout` is the share of
    /// activations that are set to 0 after each of them in training.
    pub fn new(
        path: &Path<'_>,
        layers: u32,
        width: i64,
        channels: i64,
        batch_norm: bool,
        dropout: f64,
    ) -> Self {
        assert!((1..=4).contains(&layers), "side 32 can be halved one to four times here");
        // No normalisation of the image itself: its mean and contrast are part of what is to be
        // judged.
        let mut halvings = nn::seq_t()
            .add(conv2d(path / "down1" / "conv", channels, width, 4, conv(2, 1)))
            .add(leak_and_drop(dropout)); // [batch, width, 16, 16]
        let mut outputs = width;
        for layer in 2..=layers {
            let path = path / format!("down{layer}");
            halvings = halvings.add(down_block(&path, outputs, 2 * outputs, batch_norm, dropout));
            outputs *= 2;
        }
        let side = SIDE >> layers;
        let layers = halvings
            .add(conv2d(path / "logit", outputs, 1, side, conv(1, 0))) // [batch, 1, 1, 1]
            .add_fn(|x| to_f32(&x.flatten(0, -1))); // [batch]
        Self { layers }
    }
}

impl ModuleT for Discriminator {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        images.apply_t(&self.layers, train)
    }
}

/// A convolution that halves the side, batch normalisation if wanted, a leaky ReLU and dropout.
fn down_block(
    path: &Path<'_>,
    inputs: i64,
    outputs: i64,
    batch_norm: bool,
    dropout: f64,
) -> nn::SequentialT {
    let layers = nn::seq_t().add(conv2d(path / "conv", inputs, outputs, 4, conv(2, 1)));
    let layers = if batch_norm { layers.add(batch_norm2d(path / "norm", outputs)) } else { layers };
    layers.add(leak_and_drop(dropout))
}

fn leak_and_drop(dropout: f64) -> nn::SequentialT {
    let layers = nn::seq_t().add_fn(|x| leaky_relu(x, LEAK));
    if dropout > 0.0 { layers.add_fn_t(move |x, train| x.dropout(dropout, train)) } else { layers }
}

/// Settings of every convolution here: no bias, and weights that start from N(0, 0.02²), as the
/// DCGAN paper has them.
fn conv(stride: i64, padding: i64) -> nn::ConvConfig {
    let ws_init = Init::Randn { mean: 0.0, stdev: 0.02 };
    nn::ConvConfig { stride, padding, bias: false, ws_init, ..Default::default() }
}
// ANCHOR_END: discriminator
