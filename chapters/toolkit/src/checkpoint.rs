//! Reading and writing the tensors of a network, strictly: a file fits or is refused.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tch::nn::VarStore;
use tch::{Tensor, no_grad};

/// Tensors with their names, sorted by name.
pub type Named = Vec<(String, Tensor)>;

/// The variables of a network, running statistics included. The names are the paths of the layers.
pub fn variables(network: &VarStore) -> Named {
    let mut named: Named = network.variables().into_iter().collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
}

/// Writes tensors to a safetensors file, in their own kinds.
///
/// # Errors
/// If the file cannot be written.
pub fn write(tensors: &Named, path: &Path) -> Result<()> {
    let on_cpu: Vec<(&str, Tensor)> = tensors
        .iter()
        .map(|(name, t)| (name.as_str(), t.to_device(tch::Device::Cpu).contiguous()))
        .collect();
    Tensor::write_safetensors(&on_cpu, path).with_context(|| path.display().to_string())
}

/// Reads the tensors of a safetensors file, sorted by name.
///
/// # Errors
/// If the file cannot be read, or is not a whole safetensors file.
pub fn read(path: &Path) -> Result<Named> {
    let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    let mut tensors = match Tensor::read_safetensors(path) {
        Ok(tensors) => tensors,
        Err(_) => bail!("{}: not a whole safetensors file ({size} bytes)", path.display()),
    };
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tensors)
}

/// Reads a file of weights into a network. Half-precision files are widened to the network's own kind.
///
/// # Errors
/// If a name or a shape differs. (`VarStore::load` would broadcast a grey network's weights into a colour one.)
pub fn load(network: &VarStore, path: &Path) -> Result<()> {
    copy_named(&read(path)?, &variables(network)).with_context(|| path.display().to_string())
}

/// Copies the values of `from` into the tensors of `to`, which must have the same names and shapes.
pub(crate) fn copy_named(from: &Named, to: &Named) -> Result<()> {
    let mut found: BTreeMap<&str, &Tensor> = from.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let mut pairs = Vec::new();
    for (name, target) in to {
        let Some(source) = found.remove(name.as_str()) else {
            bail!("there is no tensor \"{name}\", so this is another network's file");
        };
        let (have, want) = (source.size(), target.size());
        ensure!(have == want, "\"{name}\" has shape {have:?} where this network has {want:?}");
        pairs.push((source, target));
    }
    if let Some(name) = found.keys().next() {
        bail!("there is a tensor \"{name}\" that this network does not have");
    }
    no_grad(|| {
        for (source, target) in pairs {
            target.shallow_clone().copy_(source);
        }
    });
    Ok(())
}
