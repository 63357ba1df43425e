//! Training tricks: each piece of the section's advice, tried against the same failing baseline.
//!
//! [`trials`] lists what is tried and why; [`train`] holds the losses, the labels and the loop, with a switch for each. The rest makes
//! the trials one after the other and draws tables and plots of them.

pub mod cli;
pub mod experiment;
pub mod model;
pub mod plots;
pub mod progress;
pub mod record;
pub mod report;
pub mod run;
pub mod train;
pub mod trials;
