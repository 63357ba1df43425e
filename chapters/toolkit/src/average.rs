//! The mean of a network's recent weights, which draws better than the network at any one time.

use tch::nn::VarStore;
use tch::no_grad;

use crate::checkpoint::{self, Named};

/// A running mean of a network's weights and running statistics: `mean ← keep · mean + (1 − keep) · now` after each update.
///
/// Two networks that play against each other do not come to rest. They move about the place where both would be content, and each
/// update changes a little of what the generator draws. In the mean of the weights much of the movement cancels out (Yazıcı et al. 2019,
/// "The unusual effectiveness of averaging in GAN training"). Nothing trains on the mean or against it: it is there to draw.
pub(crate) struct Average {
    keep: f64,
    means: Named,
}

impl Average {
    /// Begins with the network as it is.
    pub(crate) fn of(network: &VarStore, keep: f64) -> Self {
        Self { keep, means: copies(network) }
    }

    /// Begins again with the network as it is.
    pub(crate) fn restart(&mut self, network: &VarStore) {
        self.means = copies(network);
    }

    /// Takes in what the network is after `updates` updates.
    ///
    /// Early on it forgets faster, since it would otherwise remember for long what the network was before it had learned anything.
    pub(crate) fn update(&mut self, network: &VarStore, updates: i64) {
        let keep = self.keep.min((1 + updates) as f64 / (10 + updates) as f64);
        no_grad(|| {
            for ((_, mean), (_, now)) in self.means.iter_mut().zip(floats(network)) {
                let _ = mean.lerp_(&now, 1.0 - keep);
            }
        });
    }

    /// Makes the network what the mean is, and the mean what the network was. Twice does nothing.
    pub(crate) fn swap(&self, network: &VarStore) {
        no_grad(|| {
            for ((_, mean), (_, mut now)) in self.means.iter().zip(floats(network)) {
                let was = now.copy();
                now.copy_(mean);
                mean.shallow_clone().copy_(&was);
            }
        });
    }
}

fn copies(network: &VarStore) -> Named {
    floats(network).into_iter().map(|(name, now)| (name, now.detach().copy())).collect()
}

/// Everything in a network that has a mean; the counts of batches seen have none.
fn floats(network: &VarStore) -> Named {
    let mut variables = checkpoint::variables(network);
    variables.retain(|(_, variable)| variable.is_floating_point());
    variables
}
