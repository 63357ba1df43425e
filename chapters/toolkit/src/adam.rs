//! The Adam optimiser, with a state that can be saved.

use std::path::Path;

use anyhow::Result;
use tch::nn::VarStore;
use tch::{Tensor, no_grad};

use crate::average::Average;
use crate::checkpoint::{self, Named, copy_named};

/// Adam (Kingma & Ba 2015, algorithm 1), equal to `torch.optim.Adam` with its default ε of 1e-8.
///
/// tch's own optimiser cannot save its moments and visits one tensor after the other. Here all parameters of a
/// network, and both moments, lie in three flat buffers: an update is a handful of operations on long vectors.
///
/// The weights of convolutions lie there with their channels last. libtorch then lets whole images flow through the network
/// channels last, which its convolutions like better; no number changes but in its last digits.
///
/// An update goes past libtorch's check that the weights in a graph are still those of its forward pass. Gradients of
/// a graph that is older than the last update would be wrong without a word, so make a new one.
pub struct Adam {
    network: VarStore,
    /// The step size α.
    pub learning_rate: f64,
    beta1: f64,
    beta2: f64,
    /// Number of updates made so far.
    updates: i64,
    parameters: Vec<Tensor>,
    /// The values of all parameters; each parameter is a view into it.
    values: Tensor,
    mean: Tensor,
    variance: Tensor,
    average: Option<Average>,
}

const EPSILON: f64 = 1e-8;

impl Adam {
    /// Takes over `network`, of which it will train every trainable variable.
    ///
    /// Their storage moves into one buffer, so build the optimiser after the network and before it is used.
    pub fn new(network: VarStore, learning_rate: f64, (beta1, beta2): (f64, f64)) -> Self {
        let mut named: Vec<_> = network.variables().into_iter().collect();
        named.retain(|(_, variable)| variable.requires_grad());
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let mut parameters: Vec<Tensor> = named.into_iter().map(|(_, variable)| variable).collect();
        let values = no_grad(|| flatten(&parameters));
        let mut start = 0;
        for parameter in &mut parameters {
            let length = parameter.numel() as i64;
            parameter.set_data(&shaped(&values.narrow(0, start, length), &parameter.size()));
            start += length;
        }
        let (mean, variance) = (values.zeros_like(), values.zeros_like());
        let updates = 0;
        let average = None;
        Adam {
            network,
            learning_rate,
            beta1,
            beta2,
            updates,
            parameters,
            values,
            mean,
            variance,
            average,
        }
    }

    /// From now on also keeps a running mean of the network, its running statistics included: after each update it becomes `keep` of
    /// what it was and `1 − keep` of what the network is. [`Adam::with_average`] uses it.
    ///
    /// GANs do not come to rest, and in the mean of their recent weights the movement cancels out (Yazıcı et al. 2019). With a `keep`
    /// of 0.999 the last thousand updates count.
    pub fn averaging(mut self, keep: f64) -> Self {
        self.average = Some(Average::of(&self.network, keep));
        self
    }

    /// Does something with the network as it is in the mean, such as drawing; then the network is again what it was.
    /// Without [`Adam::averaging`], as it is.
    pub fn with_average<T>(&self, work: impl FnOnce() -> T) -> T {
        let Some(average) = &self.average else { return work() };
        average.swap(&self.network);
        let result = work();
        average.swap(&self.network);
        result
    }

    /// Whether the network that draws is another than the one that learns.
    pub(crate) fn averages(&self) -> bool {
        self.average.is_some()
    }

    /// Reads the network's weights from a file. If there is to be a mean, it begins anew with them.
    ///
    /// # Errors
    /// If the file is not there or is another network's.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        checkpoint::load(&self.network, path)?;
        if let Some(average) = &mut self.average {
            average.restart(&self.network);
        }
        Ok(())
    }

    /// The network that it trains.
    pub fn network(&self) -> &VarStore {
        &self.network
    }

    /// Moves this network's parameters one step down the gradient of `loss`, a scalar.
    ///
    /// The gradient is taken with respect to these parameters alone: whatever other networks `loss` went through
    /// stay as they are, and nothing is computed for their weights.
    pub fn minimise(&mut self, loss: &Tensor) {
        self.apply(&self.gradients(loss));
    }

    /// The gradient of `loss`, a scalar, with respect to this network's parameters, one tensor for each in the order of the names.
    pub fn gradients(&self, loss: &Tensor) -> Vec<Tensor> {
        Tensor::run_backward(&[loss], &self.parameters, false, false)
    }

    /// The update of algorithm 1 for given gradients, one for each parameter in the order of the names.
    pub fn apply(&mut self, gradients: &[Tensor]) {
        no_grad(|| {
            let gradient = flatten(gradients);
            self.updates += 1;
            let _ = self.mean.lerp_(&gradient, 1.0 - self.beta1);
            let _ = self.variance.lerp_(&gradient.square(), 1.0 - self.beta2);
            // The moments start at 0; dividing by 1 − βᵗ removes the bias that this gives them.
            let mean_bias = 1.0 - self.beta1.powi(self.updates as i32);
            let variance_bias = 1.0 - self.beta2.powi(self.updates as i32);
            let mut scale = self.variance.sqrt();
            let _ = scale.divide_scalar_(variance_bias.sqrt()).g_add_scalar_(EPSILON);
            let step = (&self.mean / scale).multiply_scalar_(-self.learning_rate / mean_bias);
            let _ = self.values.g_add_(&step);
        });
        if let Some(average) = &mut self.average {
            average.update(&self.network, self.updates);
        }
    }

    /// Everything that has to be saved beside the parameters so that training can go on.
    pub fn state(&self) -> Named {
        let updates = Tensor::from(self.updates);
        vec![
            ("mean".into(), self.mean.shallow_clone()),
            ("updates".into(), updates),
            ("variance".into(), self.variance.shallow_clone()),
        ]
    }

    /// Takes up a state that [`Adam::state`] gave.
    ///
    /// # Errors
    /// If the state belongs to a network with other parameters.
    pub fn set_state(&mut self, state: &Named) -> Result<()> {
        let updates = Tensor::from(0i64);
        let targets = vec![
            ("mean".into(), self.mean.shallow_clone()),
            ("updates".into(), updates.shallow_clone()),
            ("variance".into(), self.variance.shallow_clone()),
        ];
        copy_named(state, &targets)?;
        self.updates = updates.int64_value(&[]);
        Ok(())
    }
}

/// All values in one vector, those of convolutions channels last.
fn flatten(tensors: &[Tensor]) -> Tensor {
    let flat: Vec<Tensor> = tensors
        .iter()
        .map(|tensor| match tensor.dim() {
            4 => tensor.permute([0, 2, 3, 1]).reshape(-1),
            _ => tensor.reshape(-1),
        })
        .collect();
    Tensor::cat(&flat, 0)
}

/// A tensor of the given size that looks into a part of such a vector.
fn shaped(flat: &Tensor, size: &[i64]) -> Tensor {
    match *size {
        [a, b, c, d] => flat.view([a, c, d, b]).permute([0, 3, 1, 2]),
        _ => flat.view(size),
    }
}
