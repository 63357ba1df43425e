//! What the tests of experiments on networks share: small ones, on the CPU. An experiment's tests include this file.

use tch::{Device, Kind, Tensor};
use toolkit::Compute;

/// Where they compute.
pub const CPU: Compute = Compute { device: Device::Cpu, kind: Kind::Float };
/// The same for a tensor.
pub const F32: (Kind, Device) = (Kind::Float, Device::Cpu);
/// Channels of small networks.
pub const WIDTHS: [i64; 4] = [4, 6, 8, 10];

/// The number that a tensor of one element holds.
pub fn number(t: &Tensor) -> f64 {
    t.double_value(&[])
}
