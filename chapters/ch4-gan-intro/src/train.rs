//! The GAN of Goodfellow et al. 2014: the losses, one step of each network, and the loop around them.
//!
//! The two networks play a game for the value
//!
//! ```text
//! V = E log D(x) + E log(1 − D(G(z)))
//! ```
//!
//! with x a real point and z noise (the paper's equation 1). D wants it large, which means answers near 1 on real points and near 0 on
//! fakes; G wants it small. Neither minimises a loss that stays the same: what one has learnt changes what the other has to learn.
//! If both play perfectly, G's points are distributed as the real ones and D answers ½ everywhere: then V = −log 4.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Reduction, Tensor, no_grad};
use toolkit::noise::{fixed_z, normal};
use toolkit::{Adam, Compute};

use crate::model::{Discriminator, Generator};
use crate::run::{LOOK_AT, Run};

// ANCHOR: settings
/// What the paper speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Length of the noise vector.
    pub z_dim: i64,
    /// Units in each hidden layer, in both networks.
    pub width: i64,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Adam's memory: how much of the old mean and of the old square is kept.
    pub betas: (f64, f64),
}

impl Default for Settings {
    fn default() -> Self {
        Settings { z_dim: 2, width: 64, learning_rate: 1e-3, betas: (0.5, 0.999) }
    }
}
// ANCHOR_END: settings

// ANCHOR: losses
/// Binary cross-entropy of `logits: [batch]` against `labels: [batch]` in `[0, 1]`, averaged: a
/// scalar.
///
/// With the label 1 it is `−log D`, with the label 0 it is `−log(1 − D)`, where `D` is the
/// sigmoid of the logit.
pub fn bce(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)
}
// ANCHOR_END: losses

// ANCHOR: networks
/// Both networks with their optimisers.
pub struct Gan {
    /// Makes points.
    pub generator: Generator,
    /// Judges them.
    pub discriminator: Discriminator,
    generator_adam: Adam,
    discriminator_adam: Adam,
    settings: Settings,
    compute: Compute,
}

/// The losses of a step, scalars.
pub struct Losses {
    /// What the discriminator's update minimised.
    pub discriminator: Tensor,
    /// What the generator's update minimised.
    pub generator: Tensor,
}
// ANCHOR_END: networks

// ANCHOR: step
impl Gan {
    /// New networks; libtorch's generator decides their weights.
    pub fn new(settings: &Settings, compute: Compute) -> Self {
        let Settings { z_dim, width, learning_rate, betas } = *settings;
        let (g, d) = (VarStore::new(compute.device), VarStore::new(compute.device));
        Self {
            generator: Generator::new(&g.root(), z_dim, width),
            discriminator: Discriminator::new(&d.root(), width),
            generator_adam: Adam::new(g, learning_rate, betas),
            discriminator_adam: Adam::new(d, learning_rate, betas),
            settings: settings.clone(),
            compute,
        }
    }

    /// Noise for `batch` points: `[batch, z_dim]`, standard normal.
    pub fn noise(&self, batch: i64) -> Tensor {
        normal(&[batch, self.settings.z_dim], self.compute)
    }

    /// One update of each network, on `real: [batch, 2]` and as many fakes.
    pub fn step(&mut self, real: &Tensor) -> Losses {
        // The fakes are made once and serve both updates.
        let fake = self.noise(real.size()[0]).apply_t(&self.generator, true);

        let d_loss = self.discriminator_step(real, &fake.detach());

        // G learns to make the updated D answer 1 on its fakes. The gradient goes through D,
        // which says how each fake would have to move to look more real, and on into G; only G
        // is updated.
        //
        // In the paper's game G would minimise log(1 − D), which is the part of D's value that
        // G can change. But where D is sure that a point is fake this curve is flat, and G,
        // which has most to learn then, learns nothing. −log D pulls every fake the same way
        // and is steep there. The paper proposes it too, and it is what everybody uses: the
        // non-saturating loss.
        let fake_logits = fake.apply_t(&self.discriminator, true); // [batch]
        let g_loss = bce(&fake_logits, &fake_logits.ones_like());
        self.generator_adam.minimise(&g_loss);

        Losses { discriminator: d_loss, generator: g_loss }
    }

    /// One update of D on `real` and `fake: [batch, 2]`, without a graph that leads into G.
    /// Returns the loss, a scalar.
    ///
    /// Whoever answers ½ to everything has the loss ln 2 ≈ 0.693; a smaller one means that D
    /// tells real from fake.
    pub fn discriminator_step(&mut self, real: &Tensor, fake: &Tensor) -> Tensor {
        // D learns to answer 1 on real and 0 on fake.
        let real_logits = real.apply_t(&self.discriminator, true); // [batch]
        let fake_logits = fake.apply_t(&self.discriminator, true); // [batch]
        let real_loss = bce(&real_logits, &real_logits.ones_like());
        let fake_loss = bce(&fake_logits, &fake_logits.zeros_like());
        let d_loss = (real_loss + fake_loss) / 2.0;
        self.discriminator_adam.minimise(&d_loss);
        d_loss
    }

    /// What a checkpoint consists of.
    pub fn parts(&mut self) -> [(&'static str, &mut Adam); 2] {
        [("generator", &mut self.generator_adam), ("discriminator", &mut self.discriminator_adam)]
    }
}
// ANCHOR_END: step

// ANCHOR: train
/// Trains until the run is over.
///
/// # Errors
/// If the run folder cannot be written, the checkpoint to go on from does not fit, or a loss is
/// not finite.
pub fn train(mut run: Run) -> Result<()> {
    let settings = run.config.settings.clone();
    run.begin_step(0);
    let mut gan = Gan::new(&settings, run.compute);
    run.restore(&mut gan.parts())?;
    if run.is_new() {
        look(&mut run, &gan, 0)?;
    }

    for step in run.steps() {
        run.begin_step(step);

        let losses = gan.step(&run.real_batch());

        let Losses { discriminator, generator } = &losses;
        run.end_step(
            step,
            &[("discriminator_loss", discriminator), ("generator_loss", generator)],
        )?;
        if run.picture_due(step) {
            look(&mut run, &gan, step)?;
        }
        if run.checkpoint_due(step) {
            run.save_checkpoint(step, &gan.parts())?;
        }
        if run.interrupted() {
            break;
        }
    }
    run.finish()
}

/// A picture of where both networks stand: points that are always made of the same z, on the
/// discriminator's judgement.
fn look(run: &mut Run, gan: &Gan, step: u64) -> Result<()> {
    let z = fixed_z(0, LOOK_AT, gan.settings.z_dim, gan.compute).flatten(1, -1);
    let fake = no_grad(|| z.apply_t(&gan.generator, false));
    run.save_picture(step, &fake, &gan.discriminator)
}
// ANCHOR_END: train
