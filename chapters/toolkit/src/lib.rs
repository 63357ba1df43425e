//! What the chapters share, and the papers do not speak of: reading images, batches, sheets of images, plots, run folders,
//! checkpoints, device and precision, progress, the command line, and measures of quality.
//!
//! There is no GAN here, neither networks nor training loop: those stand in the chapters, once in each. The one network that is here, a
//! classifier, is an instrument that looks at what the chapters' networks draw.

pub mod adam;
pub mod artist;
mod average;
pub mod batches;
pub mod canvas;
pub mod checkpoint;
pub mod classifier;
pub mod cli;
pub mod clock;
pub mod comparison;
pub mod compute;
pub mod config;
mod convolution;
pub mod coverage;
pub mod experiment;
pub mod folder;
pub mod images;
pub mod interrupt;
pub mod layers;
pub mod log;
pub mod noise;
pub mod notebook;
pub mod plot;
pub mod progress;
pub mod run;
pub mod sheet;
pub mod source;
pub mod stats;
pub mod swd;

pub use adam::Adam;
pub use batches::Batches;
pub use comparison::Comparison;
pub use compute::Compute;
pub use config::{Config, Schedule};
pub use images::ImageSet;
pub use run::Run;
