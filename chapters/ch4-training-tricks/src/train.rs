//! The losses, the labels, one step of each network.

use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Kind, Reduction, Tensor, no_grad};
use toolkit::{Adam, Compute};

use crate::model::{Discriminator, Generator};

/// Which pair of losses
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// s
    Saturating,
    /// p
    SigmoidBce,
    /// n
    NonSaturating,
}

/// x
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// .
    pub loss: Loss,
    /// .
    pub z_dim: i64,
    /// .
    pub g_width: i64,
    /// .
    pub d_width: i64,
    /// .
    pub d_layers: u32,
    /// .
    pub dropout: f64,
    /// .
    pub g_learning_rate: f64,
    /// .
    pub d_learning_rate: f64,
    /// .
    pub betas: (f64, f64),
    /// .
    pub batch_size: u64,
    /// .
    pub d_steps: u64,
    /// .
    pub g_steps: u64,
    /// .
    pub label_noise: [f64; 2],
    /// .
    pub label_flips: f64,
}

/// b
pub fn bce(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)
}

/// p
pub fn bce_on_probabilities(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.sigmoid().binary_cross_entropy::<Tensor>(labels, None, Reduction::Mean)
}

/// s
pub fn g_saturating(fake_logits: &Tensor) -> Tensor {
    -bce(fake_logits, &fake_logits.zeros_like())
}

/// n
pub fn g_non_saturating(fake_logits: &Tensor) -> Tensor {
    bce(fake_logits, &fake_logits.ones_like())
}

/// l
pub fn labels(logits: &Tensor, real: bool, noise: f64, flips: f64) -> Tensor {
    let moved = logits.rand_like() * noise;
    let labels = if real { 1.0 - moved } else { moved };
    let flipped = logits.rand_like().lt(flips);
    labels.where_self(&flipped.logical_not(), &(1.0 - &labels))
}

/// Both networks with their optimisers.
pub struct Gan {
    /// Draws.
    pub generator: Generator,
    /// Judges.
    pub discriminator: Discriminator,
    generator_adam: Adam,
    discriminator_adam: Adam,
    settings: Settings,
    compute: Compute,
}

impl Gan {
    /// New
    pub fn new(settings: &Settings, channels: i64, compute: Compute) -> Self {
        let Settings { z_dim, g_width, d_width, d_layers, dropout, betas, .. } = *settings;
        let (g, d) = (VarStore::new(compute.device), VarStore::new(compute.device));
        Self {
            generator: Generator::new(&g.root(), z_dim, g_width, channels),
            discriminator: Discriminator::new(&d.root(), d_layers, d_width, channels, dropout),
            generator_adam: Adam::new(g, settings.g_learning_rate, betas),
            discriminator_adam: Adam::new(d, settings.d_learning_rate, betas),
            settings: settings.clone(),
            compute,
        }
    }

    /// Noise
    pub fn noise(&self, batch: i64) -> Tensor {
        let Compute { device, kind } = self.compute;
        Tensor::randn([batch, self.settings.z_dim, 1, 1], (Kind::Float, device)).to_kind(kind)
    }

    /// D
    pub fn d_step(&mut self, real: &Tensor) -> (Tensor, Tensor, Tensor, Tensor) {
        let Settings { loss, label_noise, label_flips, .. } = self.settings;
        let fake = no_grad(|| self.noise(real.size()[0]).apply_t(&self.generator, true));
        let real_logits = real.apply_t(&self.discriminator, true);
        let fake_logits = fake.apply_t(&self.discriminator, true);
        let real_labels = labels(&real_logits, true, label_noise[0], label_flips);
        let fake_labels = labels(&fake_logits, false, label_noise[1], label_flips);
        let bce = if loss == Loss::SigmoidBce { bce_on_probabilities } else { bce };
        let d_loss = (bce(&real_logits, &real_labels) + bce(&fake_logits, &fake_labels)) / 2.0;
        self.discriminator_adam.minimise(&d_loss);
        let share = |x: Tensor| x.to_kind(Kind::Float).mean(Kind::Float);
        (d_loss, share(real_logits.gt(0.0)), share(fake_logits.lt(0.0)), fake_logits.mean(Kind::Float))
    }

    /// G
    pub fn g_step(&mut self, batch: i64) -> (Tensor, Tensor) {
        let fake = self.noise(batch).apply_t(&self.generator, true);
        let fake_logits = fake.apply_t(&self.discriminator, true);
        let g_loss = match self.settings.loss {
            Loss::Saturating => g_saturating(&fake_logits),
            Loss::NonSaturating => g_non_saturating(&fake_logits),
            Loss::SigmoidBce => bce_on_probabilities(&fake_logits, &fake_logits.ones_like()),
        };
        let gradients = self.generator_adam.gradients(&g_loss);
        let norm = norm(&gradients);
        self.generator_adam.apply(&gradients);
        (g_loss, norm)
    }
}

/// n
pub fn norm(tensors: &[Tensor]) -> Tensor {
    let norms: Vec<Tensor> = tensors.iter().map(|t| t.norm()).collect();
    Tensor::stack(&norms, 0).norm()
}
