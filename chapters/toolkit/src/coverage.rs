//! How many of the classes does a generator draw? One that has collapsed draws a few.

use anyhow::{Result, ensure};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::classifier::{Classifier, Plan};
use crate::compute::{Compute, PrecisionChoice};
use crate::images::ImageSet;
use crate::progress::Watch;

/// So many images are drawn and classified.
const DRAWN: i64 = 10_000;
/// A class counts as drawn if it has this share of them …
const SHARE: f64 = 0.002;
/// … where the classifier gives it at least this probability.
const SURE: f64 = 0.5;

/// The classifier goes so often through the images, less often where they are more than some 85,000.
const EPOCHS: usize = 30;
/// Goes up whenever a classifier would be trained in another way, so that one that was kept before is not taken for it.
const VERSION: u32 = 1;

/// What is found.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// Classes that there are: the folders of the images.
    pub classes: usize,
    /// How many of them count as drawn: each has at least 0.2 % of 10,000 generated images, with a probability of at least a half.
    pub drawn: usize,
    /// The same of held-out real images.
    pub of_held_out: usize,
    /// Those that are not drawn.
    pub missing: Vec<String>,
    /// The largest share that one class has of the generated images.
    pub largest_share: f64,
    /// The share of generated images of which the classifier is at least half sure.
    pub recognised: f64,
    /// How often the classifier is right on held-out real images.
    pub classifier: f64,
}

/// Trains a classifier on the real images of `set`, or takes the one that was kept when it did so before, and shows it what `draw` draws:
/// so many images, `[n, channels, 64, 64]` in `[-1, 1]`.
///
/// # Errors
/// If the images are not in class folders, or the classifier that was kept cannot be read.
pub fn coverage(
    set: &ImageSet,
    draw: impl FnOnce(i64) -> Tensor,
    device: Device,
) -> Result<Coverage> {
    let names = class_names(set)?;
    let number = |index| {
        let name = set.class(index).expect("every image has a class");
        names.binary_search(&name).expect("every class is named") as i64
    };
    let classes = Tensor::from_slice(&(0..set.len()).map(number).collect::<Vec<i64>>());
    let of = |indices: &[usize]| {
        let indices: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
        classes.index_select(0, &Tensor::from_slice(&indices))
    };

    let batch_size = 128;
    let steps = (EPOCHS * set.training().len() / batch_size).clamp(100, 20_000) as u64;
    let plan = Plan { widths: [32, 64, 128, 256], thorough: true, steps, batch_size };
    let (kind, _) = PrecisionChoice::Auto.resolve(device);
    let compute = Compute { device, kind };
    let outputs = names.len() as i64;
    let file = format!("classes-{}-{VERSION}.safetensors", set.fingerprint());
    let file = set.cache().join(file);
    let classifier = if file.exists() {
        Classifier::kept(&file, set.channels(), outputs, plan, compute)?
    } else {
        eprintln!(
            "training a classifier of {outputs} classes, to count those that are drawn; it is kept for the next time"
        );
        let loss = |logits: &Tensor, indices: &[usize]| {
            logits.cross_entropy_for_logits(&of(indices).to_device(logits.device()))
        };
        let mut watch = Watch::begin("learning the classes");
        let tell = |step| watch.tell(step as f64 / steps as f64);
        let classifier = Classifier::train(set, outputs, plan, (compute, 0), loss, tell)?;
        drop(watch);
        if let Err(error) = classifier.keep(&file) {
            eprintln!("warning: the classifier is not kept: {error:#}");
        }
        classifier
    };

    let held_out = set.held_out();
    let portions = held_out.chunks(256).map(|part| set.batch(part, Device::Cpu, Kind::Float));
    let seen: Vec<Tensor> = portions.map(|images| classifier.logits(&images)).collect();
    let seen = Tensor::cat(&seen, 0);
    let right = seen.argmax(1, false).eq_tensor(&of(&held_out)).to_kind(Kind::Double);
    let (of_drawn, recognised) = shares(&classifier.logits(&draw(DRAWN)));
    let (real_shares, _) = shares(&seen);
    let counts = |shares: &[f64]| shares.iter().filter(|&&share| share >= SHARE).count();
    Ok(Coverage {
        classes: names.len(),
        drawn: counts(&of_drawn),
        of_held_out: counts(&real_shares),
        missing: names
            .iter()
            .zip(&of_drawn)
            .filter(|(_, share)| **share < SHARE)
            .map(|(name, _)| name.to_string())
            .collect(),
        largest_share: of_drawn.iter().copied().fold(0.0, f64::max),
        recognised,
        classifier: right.mean(Kind::Double).double_value(&[]),
    })
}

/// The names of the classes of a set of images, sorted.
///
/// # Errors
/// If the images are not in class folders.
pub fn class_names(set: &ImageSet) -> Result<Vec<&str>> {
    let named: Vec<Option<&str>> = (0..set.len()).map(|index| set.class(index)).collect();
    let mut names: Vec<&str> = named.iter().flatten().copied().collect();
    names.sort_unstable();
    names.dedup();
    ensure!(
        names.len() >= 2 && named.iter().all(Option::is_some),
        "the images are not in class folders, so there are no classes to count"
    );
    Ok(names)
}

/// The share of images of each class, of `logits: [n, classes]`, where the classifier is sure enough; and the share of those where it is.
fn shares(logits: &Tensor) -> (Vec<f64>, f64) {
    let (probability, class) = logits.softmax(1, Kind::Float).max_dim(1, false);
    let sure = probability.ge(SURE);
    let counts = class.masked_select(&sure).bincount::<Tensor>(None, logits.size()[1]);
    let shares = Vec::<f64>::try_from(counts.to_kind(Kind::Double) / logits.size()[0] as f64);
    let recognised = sure.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    (shares.expect("a vector of numbers"), recognised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sure_answers_count() {
        // Three images of class 2, one of class 0, and one of which nobody can be sure.
        let sure = |class: i64| {
            let logits = Tensor::zeros([3], (Kind::Float, Device::Cpu));
            let _ = logits.get(class).fill_(5.0);
            logits
        };
        let unsure = Tensor::zeros([3], (Kind::Float, Device::Cpu));
        let logits = Tensor::stack(&[sure(2), sure(2), unsure, sure(0), sure(2)], 0);
        let (shares, recognised) = shares(&logits);
        assert_eq!(shares, [0.2, 0.0, 0.6]);
        assert_eq!(recognised, 0.8);
    }
}
