//! CGAN: a WGAN-GP that is told what to draw.
//!
//! Mirza & Osindero 2014, *Conditional Generative Adversarial Nets*; the losses and the penalty are those of Gulrajani et
//! al. 2017, *Improved Training of Wasserstein GANs*.

pub mod classifier;
pub mod evaluate;
pub mod labels;
pub mod model;
pub mod train;
