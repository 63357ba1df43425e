//! Random numbers that depend on a seed and a place, so that a run can stop and go on.
//!
//! libtorch's generator can be seeded but not saved. Seeding it afresh at every step makes each step's numbers a
//! function of the run's seed and the step, and a resumed run draws what the uninterrupted one would have drawn.

use tch::{Device, Kind, Tensor};

use crate::Compute;

/// Seeds libtorch's generators (all devices) for `step` of the run with `seed`.
pub fn seed_step(seed: u64, step: u64) {
    tch::manual_seed((mix(seed ^ mix(step)) >> 1) as i64);
}

/// Standard normal `z: [count, z_dim, 1, 1]` for looking at pictures.
///
/// It is drawn on the CPU in blocks of a fixed size, so that picture `i` of a seed is the same picture on every
/// device and for every `count`. Seeds libtorch's generator.
pub fn fixed_z(seed: u64, count: i64, z_dim: i64, compute: Compute) -> Tensor {
    const BLOCK: i64 = 64;
    let blocks: Vec<Tensor> = (0..(count + BLOCK - 1) / BLOCK)
        .map(|block| {
            // Far from the steps of any run.
            seed_step(seed, u64::MAX - block as u64);
            Tensor::randn([BLOCK, z_dim, 1, 1], (Kind::Float, Device::Cpu))
        })
        .collect();
    Tensor::cat(&blocks, 0).narrow(0, 0, count).to_device(compute.device).to_kind(compute.kind)
}

/// SplitMix64's finaliser: neighbouring numbers in, unrelated numbers out.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
