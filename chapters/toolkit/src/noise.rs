//! Random numbers that depend on a seed and a place, so that a run can stop and go on.
//!
//! libtorch's generator can be seeded but not saved. Seeding it afresh at every step makes each step's numbers a
//! function of the run's seed and the step, and a resumed run draws what the uninterrupted one would have drawn.
//!
//! What a step draws can also be given to it ([`with_given`]), which is how a step is compared with the same step
//! elsewhere.

use std::cell::RefCell;
use std::collections::VecDeque;

use tch::{Device, Kind, Tensor};

use crate::Compute;

/// Seeds libtorch's generators (all devices) for `step` of the run with `seed`.
pub fn seed_step(seed: u64, step: u64) {
    tch::manual_seed((mix(seed ^ mix(step)) >> 1) as i64);
}

/// Standard normal numbers, such as `z: [batch, z_dim, 1, 1]`. They are drawn in f32, whatever their kind is then.
pub fn normal(shape: &[i64], Compute { device, kind }: Compute) -> Tensor {
    let drawn = given(shape).unwrap_or_else(|| Tensor::randn(shape, (Kind::Float, device)));
    drawn.to_device(device).to_kind(kind)
}

/// Numbers from the uniform distribution on `[0, 1)`, of the kind and on the device of `like`. They are drawn in f32.
pub fn uniform(shape: &[i64], like: &Tensor) -> Tensor {
    let device = like.device();
    let drawn = given(shape).unwrap_or_else(|| Tensor::rand(shape, (Kind::Float, device)));
    drawn.to_device(device).to_kind(like.kind())
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

/// Walks through z for looking at pictures: `count` vectors in rows of `steps`, `[count, z_dim, 1, 1]`, where each row leads from
/// one random vector to another in equal angles.
///
/// The lengths of the vectors go evenly from one to the other. On the straight line between two of them they would be shorter,
/// in the middle by a factor of about √2, and a generator has hardly ever been asked for what a short z looks like.
pub fn walks(seed: u64, count: i64, steps: i64, z_dim: i64, compute: Compute) -> Tensor {
    let rows = (count + steps - 1) / steps;
    let ends = fixed_z(seed, 2 * rows, z_dim, compute).view([rows, 2, z_dim, 1, 1]);
    let (from, to) = (ends.select(1, 0), ends.select(1, 1)); // [rows, z_dim, 1, 1]
    let length = |z: &Tensor| z.square().sum_dim_intlist(1, true, compute.kind).sqrt();
    let (from_length, to_length) = (length(&from), length(&to));
    let (from, to) = (from / &from_length, to / &to_length);
    let angle = (&from * &to).sum_dim_intlist(1, true, compute.kind).clamp(-1.0, 1.0).acos();
    let places: Vec<Tensor> = (0..steps)
        .map(|step| {
            let share = step as f64 / (steps - 1).max(1) as f64;
            let (near, far) = ((&angle * (1.0 - share)).sin(), (&angle * share).sin());
            let direction = (&from * near + &to * far) / angle.sin();
            direction * (&from_length * (1.0 - share) + &to_length * share)
        })
        .collect();
    Tensor::stack(&places, 1).flatten(0, 1).narrow(0, 0, count)
}

thread_local! {
    static GIVEN: RefCell<Option<VecDeque<Tensor>>> = const { RefCell::new(None) };
}

/// Runs `work`, and hands it these tensors, one after the other, in place of what [`normal`], [`uniform`] and
/// [`layers::dropout`](crate::layers::dropout) would draw on this thread. Where dropout's masks are 1, an element is
/// kept.
///
/// A seed would not do for a comparison: libtorch's normal numbers depend on the vector instructions of the
/// processor, its dropout masks on the processor's maker.
///
/// # Panics
/// If `work` asks for another shape than that of the next tensor, or for more or fewer tensors than there are.
pub fn with_given<T>(tensors: Vec<Tensor>, work: impl FnOnce() -> T) -> T {
    GIVEN.set(Some(tensors.into()));
    let result = work();
    let left = GIVEN.take().map_or(0, |tensors| tensors.len());
    assert_eq!(left, 0, "tensors given and not asked for");
    result
}

/// The next of the tensors that [`with_given`] was handed; `None` outside of it.
pub(crate) fn given(shape: &[i64]) -> Option<Tensor> {
    GIVEN.with_borrow_mut(|tensors| {
        let next = tensors.as_mut()?.pop_front().expect("too few tensors given");
        assert_eq!(next.size(), shape, "the shape of the tensor given is not the one asked for");
        Some(next)
    })
}

/// SplitMix64's finaliser: neighbouring numbers in, unrelated numbers out.
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
