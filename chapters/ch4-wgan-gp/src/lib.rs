//! WGAN-GP: a Wasserstein GAN whose critic is kept 1-Lipschitz by a gradient penalty.
//!
//! Arjovsky, Chintala & Bottou 2017, *Wasserstein GAN*; Gulrajani et al. 2017, *Improved Training of Wasserstein GANs*.

pub mod model;
pub mod train;
