//! Draws the two image sets that the book trains on when the reader has no other: toy **bricks** and painted
//! **portraits**. A seed gives the same bytes on every machine and for any number of threads, because
//! every image has its own generator seeded from `(seed, index)`, floating-point arithmetic is only `+ − × ÷ √`,
//! and every transcendental function comes from [`libm`] instead of the platform.
//!
//! The layouts are those of the sets that they stand in for, so that the real ones can take their place:
//!
//! ```text
//! bricks/brick-2x4/0000.png                one folder a part, 8-bit grey on white
//! portraits/img_align_celeba/000001.jpg    178 × 218, RGB
//! portraits/list_attr_celeba.csv           image_id and CelebA's 40 columns, -1 or 1
//! ```

pub mod bricks;
mod folder;
pub mod portraits;

pub use folder::{Collection, Drawing, digest, draw};

/// The digest that an embedded set must have, drawn as the presets use it. `hashes.txt` holds them, one line a set.
pub fn recorded_digest(collection: Collection) -> Option<&'static str> {
    let mut lines = include_str!("../hashes.txt").lines().filter_map(|line| line.split_once("  "));
    lines.find(|(_, name)| *name == collection.name()).map(|(digest, _)| digest)
}
