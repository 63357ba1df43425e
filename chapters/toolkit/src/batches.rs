//! The order in which a run sees its images.

use anyhow::{Result, ensure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Shuffled batches without end: batch `number` depends on the seed and the number alone, so a run
/// that is resumed goes on with the very batches that it would have seen.
///
/// Every epoch is shuffled anew and cut into whole batches; the images left over are not used in
/// that epoch.
pub struct Batches {
    indices: Vec<usize>,
    batch_size: usize,
    seed: u64,
    /// The epoch that `order` belongs to.
    epoch: Option<u64>,
    order: Vec<usize>,
}

impl Batches {
    /// Batches of `batch_size` out of `indices`, usually
    /// [`ImageSet::training`](crate::images::ImageSet::training).
    ///
    /// # Errors
    /// If the batch size is 0 or more than there are images.
    pub fn new(indices: Vec<usize>, batch_size: usize, seed: u64) -> Result<Self> {
        ensure!(batch_size > 0, "the batch size must be at least 1");
        ensure!(
            batch_size <= indices.len(),
            "batch size {batch_size} is larger than the set: {} images to train on",
            indices.len()
        );
        let order = Vec::with_capacity(indices.len());
        Ok(Batches { indices, batch_size, seed, epoch: None, order })
    }

    /// Whole batches in an epoch.
    pub fn per_epoch(&self) -> usize {
        self.indices.len() / self.batch_size
    }

    /// The images of batch `number`, counted from 0 over all epochs. Any order of calls is allowed;
    /// going through the numbers in order shuffles once an epoch.
    pub fn indices(&mut self, number: u64) -> &[usize] {
        let per_epoch = self.per_epoch() as u64;
        let epoch = number / per_epoch;
        if self.epoch != Some(epoch) {
            self.shuffle(epoch);
        }
        let start = (number % per_epoch) as usize * self.batch_size;
        &self.order[start..start + self.batch_size]
    }

    /// Always starts from the unshuffled indices, so that an epoch's order does not depend on the
    /// one before.
    fn shuffle(&mut self, epoch: u64) {
        self.order.clone_from(&self.indices);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch);
        self.order.shuffle(&mut rng);
        self.epoch = Some(epoch);
    }
}
