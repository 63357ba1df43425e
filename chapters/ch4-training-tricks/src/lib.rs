//! Training tricks.

pub mod model;
pub mod train;
