//! The two networks: a generator that draws images from noise and a critic that scores them.

use tch::Tensor;
use tch::nn::{self, Init, ModuleT, Path};
use toolkit::layers::{batch_norm2d, conv_transpose2d, conv2d, dropout, leaky_relu, to_f32};

/// Slope of the leaky ReLU for negative inputs, in both networks.
const LEAK: f64 = 0.2;

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
        let to_image = conv(w32, channels, 2, 1, true);
        let layers = nn::seq_t()
            .add(up_block(&(path / "up1"), z_dim, w4, 1, 0)) // [batch, 512, 4, 4]
            .add(up_block(&(path / "up2"), w4, w8, 2, 1)) // [batch, 256, 8, 8]
            .add(up_block(&(path / "up3"), w8, w16, 2, 1)) // [batch, 128, 16, 16]
            .add(up_block(&(path / "up4"), w16, w32, 2, 1)) // [batch, 64, 32, 32]
            .add(conv_transpose2d(path / "image", w32, channels, 4, to_image)) // [batch, channels, 64, 64]
            .add_fn(Tensor::tanh);
        Self { layers }
    }
}

impl ModuleT for Generator {
    fn forward_t(&self, z: &Tensor, train: bool) -> Tensor {
        z.apply_t(&self.layers, train)
    }
}

/// A transposed convolution, batch normalisation and a leaky ReLU. The normalisation shifts
/// every channel anyway, so the convolution needs no bias.
fn up_block(
    path: &Path<'_>,
    inputs: i64,
    outputs: i64,
    stride: i64,
    padding: i64,
) -> nn::SequentialT {
    let config = conv(inputs, outputs, stride, padding, false);
    nn::seq_t()
        .add(conv_transpose2d(path / "conv", inputs, outputs, 4, config))
        .add(batch_norm2d(path / "norm", outputs))
        .add_fn(|x| leaky_relu(x, LEAK))
}
// ANCHOR_END: generator

// ANCHOR: critic
/// Scores images: `[batch, channels, 64, 64]` in `[-1, 1]` to `[batch]`, any real number,
/// higher for "more real".
///
/// Two things that a discriminator has are missing. There is no sigmoid: a score is no
/// probability. And there is no batch normalisation: the penalty bounds the gradient of each
/// image's score by that image, and a batch norm would make the score depend on the other
/// images in the batch.
#[derive(Debug)]
pub struct Critic {
    layers: nn::SequentialT,
}

impl Critic {
    /// `widths` are the numbers of channels at sides 32, 16, 8 and 4; `dropout` is the share of
    /// activations that are set to 0 after the second, third and fourth convolution in
    /// training.
    pub fn new(path: &Path<'_>, widths: [i64; 4], channels: i64, dropout: f64) -> Self {
        let [w32, w16, w8, w4] = widths;
        let to_score = conv(w4, 1, 1, 0, true);
        let layers = nn::seq_t()
            .add(down_block(&(path / "down1"), channels, w32, 0.0)) // [batch, 64, 32, 32]
            .add(down_block(&(path / "down2"), w32, w16, dropout)) // [batch, 128, 16, 16]
            .add(down_block(&(path / "down3"), w16, w8, dropout)) // [batch, 256, 8, 8]
            .add(down_block(&(path / "down4"), w8, w4, dropout)) // [batch, 512, 4, 4]
            .add(conv2d(path / "score", w4, 1, 4, to_score)) // [batch, 1, 1, 1]
            .add_fn(|x| to_f32(&x.flatten(0, -1))); // [batch]
        Self { layers }
    }

    /// What each layer makes of `images: [batch, channels, 64, 64]`, in evaluation mode: four
    /// maps, `[batch, width, side, side]` for the widths in turn and sides 32, 16, 8 and 4, the
    /// scores as maps, `[batch, 1, 1, 1]`, and the scores, `[batch]`.
    pub fn activations(&self, images: &Tensor) -> Vec<Tensor> {
        self.layers.forward_all_t(images, false, None)
    }
}

impl ModuleT for Critic {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        images.apply_t(&self.layers, train)
    }
}
// ANCHOR_END: critic

// ANCHOR: down_block
/// A convolution that halves the side, a leaky ReLU, and dropout of a `share` of the activations.
fn down_block(path: &Path<'_>, inputs: i64, outputs: i64, share: f64) -> nn::SequentialT {
    let layers = nn::seq_t()
        .add(conv2d(path / "conv", inputs, outputs, 4, conv(inputs, outputs, 2, 1, true)))
        .add_fn(|x| leaky_relu(x, LEAK));
    if share > 0.0 { layers.add_fn_t(move |x, train| dropout(x, share, train)) } else { layers }
}

/// Settings of a 4 × 4 convolution between `inputs` and `outputs` channels, in either
/// direction. Weights start from Glorot and Bengio's uniform distribution (2010, equation 16),
/// as Keras' do by default, biases from 0.
fn conv(inputs: i64, outputs: i64, stride: i64, padding: i64, bias: bool) -> nn::ConvConfig {
    let bound = (6.0 / (16 * (inputs + outputs)) as f64).sqrt();
    let ws_init = Init::Uniform { lo: -bound, up: bound };
    nn::ConvConfig { stride, padding, bias, ws_init, ..Default::default() }
}
// ANCHOR_END: down_block
