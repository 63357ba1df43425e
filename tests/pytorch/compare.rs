//! Compares what a chapter computes with what PyTorch made of the same weights, inputs and random numbers.
//!
//! A chapter's `tests/pytorch.rs` includes this file; `tests/pytorch/fixtures.py` writes what is read here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};
use toolkit::{Adam, Compute, checkpoint};

/// PyTorch's results in one precision.
pub struct Reference {
    folder: PathBuf,
    kind: Kind,
    inputs: BTreeMap<String, Tensor>,
    /// Those that are still to be compared.
    expected: BTreeMap<String, Tensor>,
    bound: f64,
    /// The largest distance so far, and whose it is.
    worst: (f64, String),
    failures: Vec<String>,
}

/// Runs a comparison in f32 and in f64. Every result of PyTorch whose name starts with one of `prefixes` must be
/// compared in it, and ‖ours − theirs‖ / ‖theirs‖ be below 1e-5 and 1e-10. `cargo test -- --nocapture` shows how far
/// below it is.
pub fn with_pytorch(prefixes: &[&str], compare: impl Fn(&mut Reference)) {
    for (name, kind, bound) in [("f32", Kind::Float, 1e-5), ("f64", Kind::Double, 1e-10)] {
        let folder = folder();
        let read = |name: &str| -> BTreeMap<String, Tensor> {
            let path = folder.join(name).with_extension("safetensors");
            checkpoint::read(&path).unwrap().into_iter().collect()
        };
        let (inputs, mut expected) = (read("inputs"), read(name));
        expected.retain(|name, _| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        let count = expected.len();
        assert!(count > 0, "the fixture has nothing that starts with {prefixes:?}");
        let (worst, failures) = ((0.0, String::new()), Vec::new());
        let mut reference = Reference { folder, kind, inputs, expected, bound, worst, failures };
        compare(&mut reference);

        let Reference { expected, worst, failures, .. } = reference;
        println!(
            "{prefixes:?}: {count} tensors in {name}; at most {:.1e} off, {}",
            worst.0, worst.1
        );
        let left: Vec<_> = expected.keys().collect();
        assert!(left.is_empty(), "{name}: not compared: {left:#?}");
        let failed = failures.len();
        assert!(failed == 0, "{name}: {failed} of {count} differ from PyTorch: {failures:#?}");
    }
}

/// The chapter's fixture.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch")
}

impl Reference {
    /// The CPU, in the precision of this comparison.
    pub fn compute(&self) -> Compute {
        Compute { device: Device::Cpu, kind: self.kind }
    }

    /// An input by name. Bytes are multiples of 1/128, so that they are the same numbers in every precision.
    pub fn input(&self, name: &str) -> Tensor {
        let input = &self.inputs[name];
        let scale = if input.kind() == Kind::Int8 { 128 } else { 1 };
        input.to_kind(self.kind) / scale
    }

    /// All that was drawn at random in the part of the fixture with this name, in order.
    pub fn drawn(&self, name: &str) -> Vec<Tensor> {
        let prefix = format!("{name}/drawn/");
        let drawn = self.inputs.iter().filter(|(name, _)| name.starts_with(&prefix));
        drawn.map(|(_, tensor)| tensor.shallow_clone()).collect()
    }

    /// Reads weights that PyTorch wrote.
    pub fn load(&self, name: &str, network: &VarStore) {
        let path = self.folder.join(name).with_extension("safetensors");
        checkpoint::load(network, &path).unwrap();
    }

    /// Compares one tensor.
    pub fn check(&mut self, name: &str, ours: &Tensor) {
        let theirs = self.expected.remove(name);
        let theirs = theirs.unwrap_or_else(|| panic!("PyTorch has no {name} to compare with"));
        assert_eq!(ours.kind(), theirs.kind(), "{name}");
        let distance = relative_distance(ours, &theirs);
        if distance > self.worst.0 {
            self.worst = (distance, name.to_string());
        }
        if distance.is_nan() || distance >= self.bound {
            self.failures.push(format!("{name}: by {distance:e}"));
        }
    }

    /// Compares the gradients of `loss` by every weight of a network, and by other named tensors.
    pub fn check_gradients(
        &mut self,
        prefix: &str,
        loss: &Tensor,
        network: &VarStore,
        inputs: &[(&str, &Tensor)],
    ) {
        let (mut names, mut by) = (Vec::new(), Vec::new());
        for (name, variable) in checkpoint::variables(network) {
            if variable.requires_grad() {
                names.push(name);
                by.push(variable);
            }
        }
        for (name, input) in inputs {
            names.push((*name).to_string());
            by.push(input.shallow_clone());
        }
        let gradients = Tensor::run_backward(&[loss], &by, false, false);
        for ((name, by), gradient) in names.iter().zip(&by).zip(gradients) {
            // What a loss does not depend on has no gradient at all.
            let gradient = if gradient.defined() { gradient } else { by.zeros_like() };
            self.check(&format!("{prefix}/gradient/{name}"), &gradient);
        }
    }

    /// Compares the statistics that a network's batch normalisations keep.
    pub fn check_running(&mut self, prefix: &str, network: &VarStore) {
        for (name, variable) in checkpoint::variables(network) {
            if name.contains(".running_") {
                self.check(&format!("{prefix}/{name}"), &variable);
            }
        }
    }

    /// Compares a network after its training: weights, statistics, and both of Adam's moments of every weight.
    pub fn check_trained(&mut self, prefix: &str, adam: &Adam) {
        let state: BTreeMap<String, Tensor> = adam.state().into_iter().collect();
        let mut start = 0;
        for (name, variable) in checkpoint::variables(adam.network()) {
            self.check(&format!("{prefix}/{name}"), &variable);
            if variable.requires_grad() {
                let length = variable.numel() as i64;
                for moment in ["mean", "variance"] {
                    // The optimiser keeps the values of convolutions channels last.
                    let part = state[moment].narrow(0, start, length);
                    let part = match variable.size()[..] {
                        [a, b, c, d] => part.view([a, c, d, b]).permute([0, 3, 1, 2]),
                        _ => part.view_as(&variable),
                    };
                    self.check(&format!("{prefix}/{name}/{moment}"), &part);
                }
                start += length;
            }
        }
    }
}

/// ‖ours − theirs‖ / ‖theirs‖; 0 where both are 0.
fn relative_distance(ours: &Tensor, theirs: &Tensor) -> f64 {
    assert_eq!(ours.size(), theirs.size());
    let norm = |t: &Tensor| t.square().sum(Kind::Double).sqrt().double_value(&[]);
    let (ours, theirs) = (ours.to_kind(Kind::Double), theirs.to_kind(Kind::Double));
    let off = norm(&(ours - &theirs));
    if off == 0.0 { 0.0 } else { off / norm(&theirs) }
}

/// Weights that PyTorch wrote go through a network of ours and come out as the same file, byte for byte. So PyTorch
/// reads ours, and we read PyTorch's: names, shapes, kinds, order and values are one.
pub fn the_same_file(name: &str, network: &VarStore) {
    let theirs = folder().join(name).with_extension("safetensors");
    checkpoint::load(network, &theirs).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let ours = scratch.path().join("ours.safetensors");
    checkpoint::write(&checkpoint::variables(network), &ours).unwrap();
    let (ours, theirs) = (fs::read(ours).unwrap(), fs::read(theirs).unwrap());
    assert!(ours == theirs, "{name}: {} bytes written for {} read", ours.len(), theirs.len());
}
