//! Where and how precisely the tensors are computed. Chosen once, at the top of a program.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tch::nn::VarStore;
use tch::{Cuda, Device, Kind, Tensor, no_grad};

/// The device that holds the networks and the kind in which images flow through them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compute {
    /// The CPU or one GPU.
    pub device: Device,
    /// [`Kind::Float`] or [`Kind::BFloat16`]; weights, statistics and losses are f32 in either case. With [`Kind::Double`],
    /// which serves comparisons, everything is f64.
    pub kind: Kind,
}

impl Compute {
    /// An empty store for a network's weights.
    pub fn variables(self) -> VarStore {
        let mut variables = VarStore::new(self.device);
        if self.kind == Kind::Double {
            variables.set_kind(Kind::Double);
        }
        variables
    }
}

/// What was asked for with `--device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU where there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(DeviceChoice::Cuda)
                .ok_or_else(|| "expected auto, cpu, cuda or cuda:N".to_string()),
        }
    }
}

impl DeviceChoice {
    /// Finds the device.
    ///
    /// # Errors
    /// If a GPU was asked for that libtorch cannot use here.
    pub fn resolve(self) -> Result<Device> {
        match self {
            DeviceChoice::Cpu => Ok(Device::Cpu),
            DeviceChoice::Auto => Ok(Device::cuda_if_available()),
            // True of the CUDA build even where there is no GPU; `has_cuda` asks for a GPU as well.
            DeviceChoice::Cuda(_) if !tch::utils::has_cudart() => bail!(
                "--device cuda: this libtorch is the CPU build; `cargo xtask setup --cuda` gets the other, --device cpu works"
            ),
            DeviceChoice::Cuda(_) if Cuda::device_count() == 0 => bail!(
                "--device cuda: libtorch finds no usable GPU; `cargo xtask doctor` says why, --device cpu works"
            ),
            DeviceChoice::Cuda(n) if n as i64 >= Cuda::device_count() => {
                let last = Cuda::device_count() - 1;
                bail!("--device cuda:{n}: there is no such GPU; the last is cuda:{last}")
            }
            DeviceChoice::Cuda(n) => Ok(Device::Cuda(n)),
        }
    }
}

/// What was asked for with `--precision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PrecisionChoice {
    /// bf16 where there is hardware for it, else f32.
    Auto,
    /// 32-bit floats.
    F32,
    /// 16-bit "brain" floats for images and activations.
    Bf16,
}

impl PrecisionChoice {
    /// Finds the kind, and says in half a sentence why.
    ///
    /// bf16 is several times faster where there is hardware for it and several times slower where it is emulated. A processor
    /// says whether it has it. Asking it, and not the clock, gives the same answer every time, and with it the same weights. A GPU
    /// does not say, but has the same speed every time.
    pub fn resolve(self, device: Device) -> (Kind, String) {
        match (self, device) {
            (PrecisionChoice::F32, _) => (Kind::Float, "as asked".into()),
            (PrecisionChoice::Bf16, _) => (Kind::BFloat16, "as asked".into()),
            (PrecisionChoice::Auto, Device::Cpu) => {
                let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
                let limit = std::env::var("ONEDNN_MAX_CPU_ISA").unwrap_or_default();
                match bf16_hardware(&cpuinfo, &limit) {
                    true => (Kind::BFloat16, "the processor has hardware for bf16, AMX".into()),
                    false => (Kind::Float, "no hardware for bf16 that is known here".into()),
                }
            }
            (PrecisionChoice::Auto, _) => {
                let time = |kind| convolution_time(device, kind).as_secs_f64();
                let gain = time(Kind::Float) / time(Kind::BFloat16);
                // A narrow win would not pay for the lost digits, and might be a loss the next time.
                let kind = if gain > 1.5 { Kind::BFloat16 } else { Kind::Float };
                (kind, format!("bf16 convolutions take {:.2} of the time of f32 here", 1.0 / gain))
            }
        }
    }
}

/// Whether libtorch computes bf16 in hardware: the processor has AMX, as Linux lists it, and `limit`, oneDNN's ONEDNN_MAX_CPU_ISA,
/// does not forbid its use.
fn bf16_hardware(cpuinfo: &str, limit: &str) -> bool {
    let mut flags = cpuinfo.lines().filter(|line| line.starts_with("flags"));
    let has = flags.next().is_some_and(|line| line.split_whitespace().any(|f| f == "amx_bf16"));
    let limit = limit.to_uppercase();
    has && (limit.is_empty() || ["AMX", "DEFAULT", "ALL"].iter().any(|word| limit.contains(word)))
}

/// The shortest of a few timings of one small convolution, forward only.
fn convolution_time(device: Device, kind: Kind) -> Duration {
    no_grad(|| {
        let x = Tensor::ones([16, 32, 32, 32], (kind, device));
        let weight = Tensor::ones([64, 32, 4, 4], (kind, device));
        let run = || {
            let start = Instant::now();
            let y = x.conv2d(&weight, None::<&Tensor>, [2, 2], [1, 1], [1, 1], 1);
            // Reading one number waits for the device.
            y.get(0).get(0).get(0).double_value(&[0]);
            start.elapsed()
        };
        run();
        (0..3).map(|_| run()).min().unwrap_or_default()
    })
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::BFloat16 { "bf16" } else { "f32" };
        match self.device {
            Device::Cpu => write!(f, "CPU, {} threads, {kind}", tch::get_num_threads()),
            device => write!(f, "{device:?}, {kind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_says_whether_it_has_bf16() {
        let with = "processor\t: 0\nflags\t\t: fpu amx_bf16 amx_tile\n";
        let without = "processor\t: 0\nflags\t\t: fpu avx512_bf16 avx2\n";
        assert!(bf16_hardware(with, "") && bf16_hardware(with, "AVX512_CORE_AMX"));
        assert!(!bf16_hardware(with, "AVX2") && !bf16_hardware(with, "avx512_core_bf16"));
        assert!(!bf16_hardware(without, "") && !bf16_hardware("", ""));
    }
}
