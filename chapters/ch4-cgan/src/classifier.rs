//! A judge that never saw a generated image: a small classifier, trained on real images, says which labels an image
//! shows.

use anyhow::Result;
use tch::{Device, Kind, Reduction, Tensor};
use toolkit::classifier::{self, Plan};
use toolkit::progress::Watch;
use toolkit::{Compute, ImageSet};

use crate::labels::rows;

/// Small, and the time that it takes does not depend on how many images there are.
const PLAN: Plan = Plan { widths: [16, 32, 64, 64], thorough: false, steps: 600, batch_size: 64 };

/// Says for each label whether it sees it.
pub struct Classifier(classifier::Classifier);

impl Classifier {
    /// Trains on the images of `set` that are not held out; `answers: [images, labels]` of 0 and 1 tell what each shows.
    ///
    /// A rare "yes" weighs as much as all the "no", so that the judge leans to neither side. Seeds libtorch's generator.
    ///
    /// # Errors
    /// If there are no images.
    pub fn train(set: &ImageSet, answers: &Tensor, device: Device, seed: u64) -> Result<Self> {
        let yes = rows(answers, &set.training()).mean_dim(&[0i64][..], false, Kind::Float);
        let weight_of_yes = (yes.reciprocal() - 1.0).to_device(device); // [labels]
        let loss = |logits: &Tensor, indices: &[usize]| {
            logits.binary_cross_entropy_with_logits(
                &rows(answers, indices).to_device(device),
                None::<&Tensor>,
                Some(&weight_of_yes),
                Reduction::Mean,
            )
        };
        let compute = Compute { device, kind: Kind::Float };
        let labels = answers.size()[1];
        let mut watch = Watch::begin("training a classifier");
        let tell = |step| watch.tell(step as f64 / PLAN.steps as f64);
        let trained =
            classifier::Classifier::train(set, labels, PLAN, (compute, seed), loss, tell)?;
        Ok(Classifier(trained))
    }

    /// What it sees on `images: [n, channels, 64, 64]`: 0 or 1 for each label, `[n, labels]`, on the CPU.
    pub fn answers(&self, images: &Tensor) -> Tensor {
        self.0.logits(images).gt(0.0).to_kind(Kind::Float)
    }
}
