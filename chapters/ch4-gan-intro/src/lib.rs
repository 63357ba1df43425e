//! What a generator and a discriminator are, on something the eye can follow: points in the plane.
//!
//! Goodfellow et al. 2014, *Generative Adversarial Networks*. Read [`points`], [`model`] and [`mod@train`], in this order; the rest
//! measures, draws and keeps the books.

pub mod artist;
pub mod cli;
pub mod model;
pub mod picture;
pub mod points;
pub mod quality;
pub mod run;
pub mod theory;
pub mod train;
