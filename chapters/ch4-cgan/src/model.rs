//! The two networks: a generator that draws what it is asked for and a critic that is told what was asked for.
//!
//! Layer by layer they are the networks of WGAN-GP. What is new is what goes into them: beside the noise or the image,
//! the label, as numbers.

use ch4_wgan_gp::model as wgan_gp;
use tch::nn::Path;
use tch::{Kind, Tensor};

// ANCHOR: one_hot
/// Labels as numbers, two for each: `[1, 0]` stands for "no" and `[0, 1]` for "yes".
///
/// `answers: [batch, labels]` of 0 and 1 become `[batch, 2 · labels]`, the pairs side by side.
pub fn one_hot(answers: &Tensor) -> Tensor {
    let yes = answers.to_kind(Kind::Float);
    Tensor::stack(&[1.0 - &yes, yes], 2).flatten(1, 2)
}
// ANCHOR_END: one_hot

// ANCHOR: generator
/// Draws images from noise and labels: `z: [batch, z_dim, 1, 1]` and one-hot
/// `labels: [batch, 2 · labels]` to `[batch, channels, 64, 64]` in `[-1, 1]`.
#[derive(Debug)]
pub struct Generator {
    layers: wgan_gp::Generator,
}

impl Generator {
    /// For so many `labels`. `widths` are the numbers of channels at sides 32, 16, 8 and 4, the
    /// book's being 64, 128, 128 and 128.
    pub fn new(path: &Path<'_>, z_dim: i64, labels: i64, widths: [i64; 4], channels: i64) -> Self {
        let layers = wgan_gp::Generator::new(path, z_dim + 2 * labels, widths, channels);
        Self { layers }
    }

    /// The labels join the noise as so many more numbers.
    pub fn forward_t(&self, z: &Tensor, labels: &Tensor, train: bool) -> Tensor {
        let labels = tile(labels, 1); // [batch, 2, 1, 1]
        let inputs = Tensor::cat(&[z, &labels], 1); // [batch, 34, 1, 1]
        inputs.apply_t(&self.layers, train) // [batch, channels, 64, 64]
    }
}
// ANCHOR_END: generator

// ANCHOR: critic
/// Scores images that are said to show what the labels say: `[batch, channels, 64, 64]` in
/// `[-1, 1]` and one-hot `[batch, 2 · labels]` to `[batch]`, any real number, higher for "more
/// real, and as labelled".
///
/// The real images that it learns from come with their own labels, so it can tell a good image
/// that is not what was asked for from a real one, as it can a bad image: that is what makes a
/// generator do as it is asked.
#[derive(Debug)]
pub struct Critic {
    layers: wgan_gp::Critic,
}

impl Critic {
    /// For so many `labels`. `widths` are the numbers of channels at sides 32, 16, 8 and 4;
    /// `dropout` is the share of activations that are set to 0 after the second, third and
    /// fourth convolution in training.
    pub fn new(
        path: &Path<'_>,
        labels: i64,
        widths: [i64; 4],
        channels: i64,
        dropout: f64,
    ) -> Self {
        let layers = wgan_gp::Critic::new(path, widths, channels + 2 * labels, dropout);
        Self { layers }
    }

    /// The labels join the image as so many more colours, each the same all over.
    pub fn forward_t(&self, images: &Tensor, labels: &Tensor, train: bool) -> Tensor {
        let labels = tile(labels, images.size()[3]); // [batch, 2, 64, 64]
        let inputs = Tensor::cat(&[images, &labels], 1); // [batch, channels + 2, 64, 64]
        inputs.apply_t(&self.layers, train) // [batch]
    }
}
// ANCHOR_END: critic

// ANCHOR: tile
/// Repeats each number of `labels: [batch, n]` over a whole plane: `[batch, n, side, side]`.
pub fn tile(labels: &Tensor, side: i64) -> Tensor {
    labels.unsqueeze(2).unsqueeze(3).expand([-1, -1, side, side], false)
}
// ANCHOR_END: tile
