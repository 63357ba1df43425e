//! The sliced Wasserstein distance between two sets of images: how different are their small patches, at three sizes?
//!
//! This is the recipe of Karras et al. 2018 (*Progressive Growing of GANs*, section 5). It needs no trained network, so it can be
//! computed anywhere and means the same for bricks and faces. It sees textures and shapes of up to 7 pixels at each size
//! of the pyramid; it does not see whether whole objects are right.

use rayon::prelude::*;
use serde::Serialize;
use tch::{Device, Kind, Tensor, no_grad};

use crate::noise::seed_step;

/// Patches are 7 × 7 pixels.
const PATCH: i64 = 7;
/// Patches that are taken from an image at each level.
const PATCHES: i64 = 128;
/// Random directions are drawn in this many lots …
const REPEATS: u64 = 4;
/// … of this many directions.
const DIRECTIONS: i64 = 128;
/// The pyramid ends at this side.
const SMALLEST: i64 = 16;

/// Sliced Wasserstein distances × 10³; 0 for equal distributions.
#[derive(Clone, Debug, Serialize)]
pub struct Swd {
    /// One for each level of the pyramid, from the finest.
    pub levels: Vec<Level>,
    /// The mean over the levels.
    pub mean: f64,
}

/// The distance at one level of the pyramid.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    /// Height and width of the images at this level.
    pub side: i64,
    /// The distance × 10³.
    pub distance: f64,
}

/// The distance of each of `others` from `reference`; all are `[n, channels, side, side]` f32 on one device, with the
/// same `n`, since every distance between finite samples has a floor that depends on it.
///
/// Deterministic for a seed; seeds libtorch's generator.
pub fn distances(reference: &Tensor, others: &[&Tensor], seed: u64) -> Vec<Swd> {
    no_grad(|| {
        let sets: Vec<Vec<Tensor>> = std::iter::once(reference)
            .chain(others.iter().copied())
            .map(laplacian_pyramid)
            .collect();
        let mut found: Vec<Swd> =
            others.iter().map(|_| Swd { levels: Vec::new(), mean: 0.0 }).collect();
        for level in 0..sets[0].len() {
            let patches: Vec<Tensor> = sets
                .iter()
                .enumerate()
                .map(|(set, pyramid)| {
                    seed_step(seed, (1000 * (level + 1) + set) as u64);
                    normalised_patches(&pyramid[level])
                })
                .collect();
            let mut sums = vec![0.0; others.len()];
            for repeat in 0..REPEATS {
                seed_step(seed, 100 * (level as u64 + 1) + repeat);
                let directions = directions(&patches[0]);
                // In one dimension the Wasserstein distance pairs the sorted values.
                let sorted = |p: &Tensor| sort_rows(&directions.matmul(&p.tr()));
                let reference = sorted(&patches[0]);
                for (sum, other) in sums.iter_mut().zip(&patches[1..]) {
                    let apart = (&reference - sorted(other)).abs().mean(Kind::Double);
                    *sum += apart.double_value(&[]) * 1e3 / REPEATS as f64;
                }
            }
            let side = sets[0][level].size()[3];
            for (swd, sum) in found.iter_mut().zip(sums) {
                swd.levels.push(Level { side, distance: sum });
            }
        }
        for swd in &mut found {
            swd.mean = swd.levels.iter().map(|l| l.distance).sum::<f64>() / swd.levels.len() as f64;
        }
        found
    })
}

/// What each halving of the image loses, and at the end what is left: `[n, c, 64, 64]`, `[n, c, 32, 32]`, `[n, c, 16, 16]`.
fn laplacian_pyramid(images: &Tensor) -> Vec<Tensor> {
    let mut levels = Vec::new();
    let mut image = images.to_kind(Kind::Float);
    while image.size()[3] > SMALLEST {
        let half = halve(&image);
        levels.push(&image - double(&half));
        image = half;
    }
    levels.push(image);
    levels
}

/// The binomial approximation of a Gaussian, as one 5 × 5 filter for each channel.
fn blur(images: &Tensor, gain: f64, stride: i64) -> Tensor {
    let channels = images.size()[1];
    let row = Tensor::from_slice(&[1f32, 4.0, 6.0, 4.0, 1.0]).to_device(images.device()) / 16.0;
    let kernel = row.outer(&row) * gain;
    let kernel = kernel.expand([channels, 1, 5, 5], false).contiguous();
    images.reflection_pad2d([2; 4]).conv2d(
        &kernel,
        None::<&Tensor>,
        [stride; 2],
        [0; 2],
        [1; 2],
        channels,
    )
}

fn halve(images: &Tensor) -> Tensor {
    blur(images, 1.0, 2)
}

/// Twice the side: every pixel at an even place, zeros between, blurred.
fn double(images: &Tensor) -> Tensor {
    let (n, c, h, w) = images.size4().expect("a batch of images");
    let spread = Tensor::zeros([n, c, h, 2, w, 2], (images.kind(), images.device()));
    let mut corners = spread.select(5, 0).select(3, 0);
    corners.copy_(images);
    blur(&spread.view([n, c, 2 * h, 2 * w]), 4.0, 1)
}

/// Random patches, `[n · 128, channels · 49]`, with mean 0 and deviation 1 in each channel over the whole set.
fn normalised_patches(images: &Tensor) -> Tensor {
    let (n, c, h, w) = images.size4().expect("a batch of images");
    let long = (Kind::Int64, images.device());
    let corner = |length: i64| Tensor::randint(length - PATCH + 1, [n, PATCHES, 1, 1], long);
    let offset = Tensor::arange(PATCH, long);
    let rows = corner(h) + offset.view([1, 1, PATCH, 1]);
    let columns = corner(w) + offset.view([1, 1, 1, PATCH]);
    let places = (rows * w + columns).view([n, 1, -1]).expand([n, c, -1], false);
    let patches = images.reshape([n, c, h * w]).gather(2, &places, false);
    let mean = patches.mean_dim(&[0i64, 2][..], true, Kind::Float);
    let centred = patches - mean;
    let deviation = centred.square().mean_dim(&[0i64, 2][..], true, Kind::Float).sqrt();
    let normal = centred / deviation.clamp_min(1e-8);
    normal
        .view([n, c, PATCHES, PATCH * PATCH])
        .permute([0, 2, 1, 3])
        .reshape([n * PATCHES, c * PATCH * PATCH])
}

/// Unit vectors in the space of patches, `[128, channels · 49]`.
fn directions(patches: &Tensor) -> Tensor {
    let normal = Tensor::randn([DIRECTIONS, patches.size()[1]], (Kind::Float, patches.device()));
    let length = normal.square().sum_dim_intlist(1, true, Kind::Float).sqrt();
    normal / length
}

/// Every row of `values: [rows, columns]` in rising order. Most of the measure's time goes into this. libtorch's sort on the CPU
/// also keeps track of where each value came from, which nobody asks for here, and takes more than twice as long.
fn sort_rows(values: &Tensor) -> Tensor {
    if values.device() != Device::Cpu {
        return values.sort(1, false).0;
    }
    let (rows, columns) = values.size2().expect("a matrix");
    let mut numbers = vec![0f32; (rows * columns) as usize];
    let length = numbers.len();
    values.copy_data(&mut numbers, length);
    numbers
        .par_chunks_mut(columns as usize)
        .for_each(|row| row.sort_unstable_by(|a, b| a.total_cmp(b)));
    Tensor::from_slice(&numbers).view([rows, columns])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_as_libtorch_sorts_them() {
        let values = Tensor::randn([5, 1000], (Kind::Float, Device::Cpu));
        let _ = values.narrow(1, 0, 10).zero_();
        assert!(sort_rows(&values).equal(&values.sort(1, false).0));
    }
}
