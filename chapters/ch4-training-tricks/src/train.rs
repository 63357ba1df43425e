//! The losses in pairs, the labels, one step of each network, and the loop around them.
//!
//! The loop is DCGAN's with a switch for each thing that the section's advice would change, since here the switches are the
//! subject. Which of them a trial turns stands in [`crate::trials`].

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Kind, Reduction, Tensor, no_grad};
use toolkit::checkpoint::variables;
use toolkit::noise::{fixed_z, normal, uniform};
use toolkit::{Adam, Compute};

use crate::model::{Discriminator, Generator};
use crate::record::Record;
use crate::run::TrialRun;

// ANCHOR: settings
/// All that a trial may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What the two networks minimise.
    pub loss: Loss,
    /// Length of the noise vector.
    pub z_dim: i64,
    /// Channels of the generator at side 16; twice and four times as many at sides 8 and 4.
    pub g_width: i64,
    /// Channels of the discriminator after its first convolution; each further one doubles them.
    pub d_width: i64,
    /// Convolutions of the discriminator that halve the side.
    pub d_layers: u32,
    /// Whether the discriminator normalises its batches.
    pub d_batch_norm: bool,
    /// Share of the discriminator's activations that are set to 0 in training.
    pub dropout: f64,
    /// Adam's step size for the generator.
    pub g_learning_rate: f64,
    /// Adam's step size for the discriminator.
    pub d_learning_rate: f64,
    /// Adam's memory: how much of the old mean and of the old square is kept.
    pub betas: (f64, f64),
    /// Images in a batch.
    pub batch_size: u64,
    /// Updates of the discriminator before the generator's first.
    pub d_head_start: u64,
    /// Updates of the discriminator for one turn of the generator.
    pub d_steps: u64,
    /// Updates of the generator in its turn.
    pub g_steps: u64,
    /// How the labels are softened, for real images and for fakes; see [`noisy_labels`].
    pub label_noise: [f64; 2],
    /// Share of the discriminator's labels that are wrong; see [`flip`].
    pub label_flips: f64,
}

/// Which losses the two networks minimise. They meet the same logits and differ in what a
/// generator learns from a logit far below 0, that is, when the discriminator is sure that an
/// image is a fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// [`d_loss`] and [`g_saturating`]: the game as Goodfellow et al. 2014 define it.
    Saturating,
    /// [`bce_on_probabilities`] for both: what a sigmoid in the network and `nn.BCELoss` after
    /// it make of the non-saturating loss.
    SigmoidBce,
    /// [`d_loss`] and [`g_non_saturating`]: the same paper's advice for practice, taken on logits.
    NonSaturating,
}
// ANCHOR_END: settings

// ANCHOR: losses
/// Binary cross-entropy of `logits: [batch]` against `labels: [batch]`, averaged: a scalar.
/// With σ the sigmoid, `−(y log σ(x) + (1 − y) log(1 − σ(x)))`, computed from the logit at once
/// and therefore right at any logit.
pub fn bce(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)
}

/// The same formula by way of the probability, which has to be formed in f32 first.
///
/// Below a logit of about −89 that probability is exactly 0, and so is the gradient: the
/// sigmoid's derivative `p (1 − p)` is a factor of it. libtorch stops with an error at labels
/// outside `[0, 1]`, which [`bce`] would take.
pub fn bce_on_probabilities(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.sigmoid().binary_cross_entropy::<Tensor>(labels, None, Reduction::Mean)
}

/// What the discriminator minimises: that real images get their labels and fakes get theirs;
/// all are `[batch]`.
pub fn d_loss(
    bce: fn(&Tensor, &Tensor) -> Tensor,
    (real_logits, real_labels): (&Tensor, &Tensor),
    (fake_logits, fake_labels): (&Tensor, &Tensor),
) -> Tensor {
    (bce(real_logits, real_labels) + bce(fake_logits, fake_labels)) / 2.0
}

/// What the generator minimises in the game as it is defined: `mean(log(1 − σ(x)))`, minus the
/// discriminator's own loss on the fakes (Goodfellow et al. 2014, equation 1).
///
/// Its derivative by the logit is `−σ(x)`: next to nothing wherever the discriminator is sure.
pub fn g_saturating(fake_logits: &Tensor) -> Tensor {
    -bce(fake_logits, &fake_logits.zeros_like())
}

/// What the generator minimises in practice: `mean(−log σ(x))` (Goodfellow et al. 2014, section 3).
///
/// Its derivative by the logit is `σ(x) − 1`: about −1 wherever the discriminator is sure.
pub fn g_non_saturating(fake_logits: &Tensor) -> Tensor {
    bce(fake_logits, &fake_logits.ones_like())
}
// ANCHOR_END: losses

// ANCHOR: labels
/// Labels for `logits`: 1 for real images and 0 for fakes, each moved towards the other by a
/// random part of `noise`.
///
/// A label inside `(0, 1)` is met by a finite logit, so the discriminator has no reason to
/// become ever more certain (Salimans et al. 2016, section 3.4). With a negative `noise` the
/// labels move outwards, beyond 0 and 1: no logit meets those, and more certain is always
/// better.
pub fn noisy_labels(logits: &Tensor, real: bool, noise: f64) -> Tensor {
    let moved = uniform(&logits.size(), logits) * noise;
    if real { 1.0 - moved } else { moved }
}

/// Exchanges a random `share` of the labels: `y` becomes `1 − y`.
///
/// A discriminator that is told the wrong thing about that share of the images does best with
/// the probabilities `1 − share` and `share`, and loses much by being sure.
pub fn flip(labels: &Tensor, share: f64) -> Tensor {
    let wrong = uniform(&labels.size(), labels).lt(share);
    let exchanged: Tensor = 1.0 - labels;
    exchanged.where_self(&wrong, labels)
}
// ANCHOR_END: labels

// ANCHOR: networks
/// The length of the vector that all these tensors make together, a scalar.
pub fn norm(tensors: &[Tensor]) -> Tensor {
    let lengths: Vec<Tensor> = tensors.iter().map(|tensor| tensor.norm()).collect();
    Tensor::stack(&lengths, 0).norm()
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

/// What an update of the discriminator shows, scalars.
pub struct Judged {
    /// What it minimised.
    pub loss: Tensor,
    /// Share of the real images that it took for real.
    pub right_on_real: Tensor,
    /// Share of the fakes that it took for fakes.
    pub right_on_fake: Tensor,
}

/// What an update of the generator shows, scalars.
pub struct Drawn {
    /// What it minimised.
    pub loss: Tensor,
    /// The length of the loss's gradient by all the generator's weights.
    pub gradient: Tensor,
    /// How far the weights moved.
    pub moved: Tensor,
}
// ANCHOR_END: networks

// ANCHOR: steps
impl Gan {
    /// New networks for images of `channels` channels; libtorch's generator decides their weights.
    pub fn new(settings: &Settings, channels: i64, compute: Compute) -> Self {
        let Settings { z_dim, g_width, d_width, d_layers, d_batch_norm, dropout, betas, .. } =
            *settings;
        let (g, d) = (VarStore::new(compute.device), VarStore::new(compute.device));
        Self {
            generator: Generator::new(&g.root(), z_dim, g_width, channels),
            discriminator: Discriminator::new(
                &d.root(),
                d_layers,
                d_width,
                channels,
                d_batch_norm,
                dropout,
            ),
            generator_adam: Adam::new(g, settings.g_learning_rate, betas),
            discriminator_adam: Adam::new(d, settings.d_learning_rate, betas),
            settings: settings.clone(),
            compute,
        }
    }

    /// Noise for `batch` images: `[batch, z_dim, 1, 1]`, standard normal.
    pub fn noise(&self, batch: i64) -> Tensor {
        normal(&[batch, self.settings.z_dim, 1, 1], self.compute)
    }

    /// One update of the discriminator on `real: [batch, channels, 32, 32]` and as many fakes.
    pub fn discriminator_step(&mut self, real: &Tensor) -> Judged {
        let Settings { loss, label_noise: [real_noise, fake_noise], label_flips, .. } =
            self.settings;
        // The networks may take different numbers of steps, so each draws fakes of its own. The
        // generator stays as it is in this step.
        let fake = no_grad(|| self.noise(real.size()[0]).apply_t(&self.generator, true));
        // Real and fake go through separately, since batch norm would otherwise mix their
        // statistics.
        let real_logits = real.apply_t(&self.discriminator, true); // [batch]
        let fake_logits = fake.apply_t(&self.discriminator, true); // [batch]
        let real_labels = flip(&noisy_labels(&real_logits, true, real_noise), label_flips);
        let fake_labels = flip(&noisy_labels(&fake_logits, false, fake_noise), label_flips);
        let bce = if loss == Loss::SigmoidBce { bce_on_probabilities } else { bce };
        let loss = d_loss(bce, (&real_logits, &real_labels), (&fake_logits, &fake_labels));
        self.discriminator_adam.minimise(&loss);
        let share = |right: Tensor| right.to_kind(Kind::Float).mean(Kind::Float);
        Judged {
            loss,
            right_on_real: share(real_logits.gt(0.0)),
            right_on_fake: share(fake_logits.lt(0.0)),
        }
    }

    /// One update of the generator through the discriminator, which stays as it is.
    pub fn generator_step(&mut self) -> Drawn {
        let fake = self.noise(self.settings.batch_size as i64).apply_t(&self.generator, true);
        let fake_logits = fake.apply_t(&self.discriminator, true); // [batch]
        let loss = match self.settings.loss {
            Loss::Saturating => g_saturating(&fake_logits),
            Loss::SigmoidBce => bce_on_probabilities(&fake_logits, &fake_logits.ones_like()),
            Loss::NonSaturating => g_non_saturating(&fake_logits),
        };
        let gradients = self.generator_adam.gradients(&loss);
        let before = self.generator_weights();
        self.generator_adam.apply(&gradients);
        let moved = (self.generator_weights() - before).norm();
        Drawn { loss, gradient: norm(&gradients), moved }
    }

    /// The variables of the generator and of the discriminator.
    pub fn networks(&self) -> [&VarStore; 2] {
        [self.generator_adam.network(), self.discriminator_adam.network()]
    }

    /// A copy of all the generator's weights, one after the other by their names.
    fn generator_weights(&self) -> Tensor {
        let mut weights = variables(self.generator_adam.network());
        weights.retain(|(_, weight)| weight.requires_grad());
        let flat: Vec<Tensor> = weights.iter().map(|(_, w)| w.detach().reshape(-1)).collect();
        Tensor::cat(&flat, 0)
    }
}
// ANCHOR_END: steps

/// Makes one trial: the record of it, and the images that the generator draws at its end.
///
/// # Errors
/// If it is interrupted by Ctrl-C.
pub fn train(settings: &Settings, mut run: TrialRun<'_>) -> Result<(Record, Tensor)> {
    run.begin_step(0);
    let mut gan = Gan::new(settings, run.channels(), run.compute());
    let draw = |gan: &Gan, run: &TrialRun<'_>| {
        let z = fixed_z(0, run.look_at(), settings.z_dim, run.compute());
        no_grad(|| z.apply_t(&gan.generator, false))
    };
    run.look(0, &draw(&gan, &run));
    // Looking has seeded libtorch's generator.
    run.begin_step(0);
    for _ in 0..settings.d_head_start {
        gan.discriminator_step(&run.real_batch());
    }

    for step in run.steps() {
        run.begin_step(step);

        let mut judged = gan.discriminator_step(&run.real_batch());
        for _ in 1..settings.d_steps {
            judged = gan.discriminator_step(&run.real_batch());
        }
        let mut drawn = gan.generator_step();
        for _ in 1..settings.g_steps {
            drawn = gan.generator_step();
        }

        run.end_step(step, &judged, &drawn)?;
        if run.look_due(step) {
            run.look(step, &draw(&gan, &run));
        }
    }
    Ok(run.finish())
}
