//! DCGAN: a generator and a discriminator of strided convolutions, trained in turns.
//!
//! Radford, Metz & Chintala 2015, *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
//! Networks*; the losses are those of Goodfellow et al. 2014, *Generative Adversarial Networks*.

pub mod model;
pub mod train;
