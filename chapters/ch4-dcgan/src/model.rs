//! The two networks: a generator that draws images from noise and a discriminator that tells drawn images from real ones.

// ANCHOR: uses
use tch::Tensor;
use tch::nn::{self, Init, ModuleT, Path};
use toolkit::layers::{batch_norm2d, conv_transpose2d, conv2d, dropout, leaky_relu, to_f32};

/// Slope of the leaky ReLU for negative inputs, in both networks.
const LEAK: f64 = 0.2;
// ANCHOR_END: uses

// ANCHOR: generator
/// Draws images from noise: `z: [batch, z_dim, 1, 1]` to `[batch, channels, 64, 64]` in `[-1, 1]`.
#[derive(Debug)]
pub struct Generator {
    layers: nn::SequentialT,
}

impl Generator {
    /// `widths` are the numbers of channels at sides 32, 16, 8 and 4, the book's being 64, 128,
    /// 256 and 512.
    pub fn new(path: &Path<'_>, z_dim: i64, widths: [i64; 4], channels: i64) -> Self {
        let [w32, w16, w8, w4] = widths;
        let layers = nn::seq_t()
            .add(up_block(&(path / "up1"), z_dim, w4, 1, 0)) // [batch, 512, 4, 4]
            .add(up_block(&(path / "up2"), w4, w8, 2, 1)) // [batch, 256, 8, 8]
            .add(up_block(&(path / "up3"), w8, w16, 2, 1)) // [batch, 128, 16, 16]
            .add(up_block(&(path / "up4"), w16, w32, 2, 1)) // [batch, 64, 32, 32]
            .add(conv_transpose2d(path / "image", w32, channels, 4, conv(2, 1))) // [batch, channels, 64, 64]
            .add_fn(Tensor::tanh);
        Self { layers }
    }

    /// The variant that enlarges by repeating pixels and then convolves, instead of a
    /// transposed convolution.
    ///
    /// It has the same shapes and the same number of weights, but its convolutions work at the
    /// larger side and so cost four times the multiplications.
    pub fn upsampling(path: &Path<'_>, z_dim: i64, widths: [i64; 4], channels: i64) -> Self {
        let [w32, w16, w8, w4] = widths;
        let layers = nn::seq_t()
            .add(up_block(&(path / "up1"), z_dim, w4, 1, 0)) // [batch, 512, 4, 4]
            .add(upsample_block(&(path / "up2"), w4, w8)) // [batch, 256, 8, 8]
            .add(upsample_block(&(path / "up3"), w8, w16)) // [batch, 128, 16, 16]
            .add(upsample_block(&(path / "up4"), w16, w32)) // [batch, 64, 32, 32]
            .add_fn(twice_the_side)
            .add(conv2d(path / "image", w32, channels, 4, conv(1, 0))) // [batch, channels, 64, 64]
            .add_fn(Tensor::tanh);
        Self { layers }
    }
}

impl ModuleT for Generator {
    fn forward_t(&self, z: &Tensor, train: bool) -> Tensor {
        z.apply_t(&self.layers, train)
    }
}
// ANCHOR_END: generator

// ANCHOR: up_block
/// A transposed convolution, batch normalisation and a leaky ReLU. The normalisation shifts
/// every channel anyway, so the convolution needs no bias.
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
// ANCHOR_END: up_block

// ANCHOR: upsampling
/// Repeated pixels, a convolution that keeps the side, batch normalisation and a leaky ReLU.
fn upsample_block(path: &Path<'_>, inputs: i64, outputs: i64) -> nn::SequentialT {
    nn::seq_t()
        .add_fn(twice_the_side)
        .add(conv2d(path / "conv", inputs, outputs, 4, conv(1, 0)))
        .add(batch_norm2d(path / "norm", outputs))
        .add_fn(|x| leaky_relu(x, LEAK))
}

/// Each pixel four times, and the margin that a 4 × 4 filter needs to keep the side: one pixel
/// before, two after, as Keras' `padding="same"` puts it.
fn twice_the_side(x: &Tensor) -> Tensor {
    x.upsample_nearest2d_vec(None::<&[i64]>, [2.0, 2.0]).constant_pad_nd([1, 2, 1, 2])
}
// ANCHOR_END: upsampling

// ANCHOR: discriminator
/// Tells real images from drawn ones: `[batch, channels, 64, 64]` in `[-1, 1]` to logits `[batch]`.
///
/// The probability that an image is real is the sigmoid of its logit. The sigmoid is left to
/// the loss, which can then take both at once without ever forming the logarithm of 0.
#[derive(Debug)]
pub struct Discriminator {
    layers: nn::SequentialT,
}

impl Discriminator {
    /// `widths` are the numbers of channels at sides 32, 16, 8 and 4; `dropout` is the share of
    /// activations that are set to 0 after each of the four blocks in training.
    pub fn new(path: &Path<'_>, widths: [i64; 4], channels: i64, dropout: f64) -> Self {
        let [w32, w16, w8, w4] = widths;
        let layers = nn::seq_t()
            // No normalisation of the image itself: its mean and contrast are part of what is
            // to be judged.
            .add(conv2d(path / "down1" / "conv", channels, w32, 4, conv(2, 1)))
            .add(leak_and_drop(dropout)) // [batch, 64, 32, 32]
            .add(down_block(&(path / "down2"), w32, w16, dropout)) // [batch, 128, 16, 16]
            .add(down_block(&(path / "down3"), w16, w8, dropout)) // [batch, 256, 8, 8]
            .add(down_block(&(path / "down4"), w8, w4, dropout)) // [batch, 512, 4, 4]
            .add(conv2d(path / "logit", w4, 1, 4, conv(1, 0))) // [batch, 1, 1, 1]
            .add_fn(|x| to_f32(&x.flatten(0, -1))); // [batch]
        Self { layers }
    }
}

impl ModuleT for Discriminator {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        images.apply_t(&self.layers, train)
    }
}
// ANCHOR_END: discriminator

// ANCHOR: down_block
/// A convolution that halves the side, batch normalisation, a leaky ReLU and dropout.
fn down_block(path: &Path<'_>, inputs: i64, outputs: i64, dropout: f64) -> nn::SequentialT {
    nn::seq_t()
        .add(conv2d(path / "conv", inputs, outputs, 4, conv(2, 1)))
        .add(batch_norm2d(path / "norm", outputs))
        .add(leak_and_drop(dropout))
}

fn leak_and_drop(share: f64) -> nn::SequentialT {
    let layers = nn::seq_t().add_fn(|x| leaky_relu(x, LEAK));
    if share > 0.0 { layers.add_fn_t(move |x, train| dropout(x, share, train)) } else { layers }
}

/// Settings of every convolution here: no bias, and weights that start from N(0, 0.02²), as the
/// DCGAN paper has them (Radford et al. 2015, section 4).
fn conv(stride: i64, padding: i64) -> nn::ConvConfig {
    let ws_init = Init::Randn { mean: 0.0, stdev: 0.02 };
    nn::ConvConfig { stride, padding, bias: false, ws_init, ..Default::default() }
}
// ANCHOR_END: down_block
