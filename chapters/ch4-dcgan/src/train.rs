//! DCGAN: the losses, one step of each network, and the loop around them.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Reduction, Tensor, no_grad};
use toolkit::cli::Preset;
use toolkit::noise::{fixed_z, normal, uniform};
use toolkit::{Adam, Compute, Run, Schedule};

use crate::model::{Discriminator, Generator};

// ANCHOR: settings
/// What the paper speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Length of the noise vector.
    pub z_dim: i64,
    /// Channels at sides 32, 16, 8 and 4, in both networks.
    pub widths: [i64; 4],
    /// Share of the discriminator's activations that are set to 0 in training.
    pub dropout: f64,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Adam's memory: how much of the old mean and of the old square is kept.
    pub betas: (f64, f64),
    /// How much of the running mean of the generator's weights, which draws the samples, is
    /// kept at each update.
    pub averaging: f64,
    /// Labels are drawn from `[1 − label_noise, 1]` for real images and from `[0, label_noise]`
    /// for fakes.
    pub label_noise: f64,
}

impl Settings {
    /// The settings of a preset, and how long it trains on what.
    pub fn preset(preset: Preset) -> (Schedule, Settings) {
        let book = Settings {
            z_dim: 100,
            widths: [64, 128, 256, 512],
            dropout: 0.3,
            learning_rate: 2e-4,
            betas: (0.5, 0.999),
            averaging: 0.999,
            label_noise: 0.1,
        };
        let schedule = |data: &str, steps, batch_size| Schedule {
            data: data.into(),
            steps,
            batch_size,
            batches_per_step: 1,
        };
        match preset {
            Preset::Book => (schedule("bricks", 84_300, 128), book),
            Preset::Quick => {
                let widths = [16, 32, 64, 128];
                let quick = Settings { widths, dropout: 0.0, ..book };
                (schedule("bricks-small", 6_000, 16), quick)
            }
        }
    }
}
// ANCHOR_END: settings

// ANCHOR: losses
/// Binary cross-entropy of `logits: [batch]` against `labels: [batch]` in `[0, 1]`, averaged: a
/// scalar. With labels 1 and 0 it is the value of the game of Goodfellow et al. 2014 (equation
/// 1), but for its sign.
pub fn bce(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.binary_cross_entropy_with_logits::<Tensor>(labels, None, None, Reduction::Mean)
}

/// Smoothed labels for `logits`: 1 for real images and 0 for fakes, each moved towards the
/// other by a random part of `noise`.
///
/// A label inside `(0, 1)` is met by a finite logit, so the discriminator has no reason to
/// become ever more certain (Salimans et al. 2016, section 3.4). `noise` is in `[0, ½)`, the
/// labels are `[batch]`.
pub fn smooth_labels(logits: &Tensor, real: bool, noise: f64) -> Tensor {
    let moved = uniform(&logits.size(), logits) * noise;
    if real { 1.0 - moved } else { moved }
}
// ANCHOR_END: losses

// ANCHOR: networks
/// Both networks with their optimisers.
pub struct Dcgan {
    /// Draws.
    pub generator: Generator,
    /// Judges.
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
impl Dcgan {
    /// New networks for images of `channels` channels; libtorch's generator decides their weights.
    pub fn new(settings: &Settings, channels: i64, compute: Compute) -> Self {
        Self::with_generator(Generator::new, settings, channels, compute)
    }

    /// The same with another generator, such as [`Generator::upsampling`].
    pub fn with_generator(
        generator: fn(&Path<'_>, i64, [i64; 4], i64) -> Generator,
        settings: &Settings,
        channels: i64,
        compute: Compute,
    ) -> Self {
        let Settings { z_dim, widths, dropout, learning_rate, betas, averaging, .. } = *settings;
        let (g, d) = (compute.variables(), compute.variables());
        Self {
            generator: generator(&g.root(), z_dim, widths, channels),
            discriminator: Discriminator::new(&d.root(), widths, channels, dropout),
            generator_adam: Adam::new(g, learning_rate, betas).averaging(averaging),
            discriminator_adam: Adam::new(d, learning_rate, betas),
            settings: settings.clone(),
            compute,
        }
    }

    /// Noise for `batch` images: `[batch, z_dim, 1, 1]`, standard normal.
    pub fn noise(&self, batch: i64) -> Tensor {
        normal(&[batch, self.settings.z_dim, 1, 1], self.compute)
    }

    /// One update of each network, on `real: [batch, channels, 64, 64]` and as many fakes.
    pub fn step(&mut self, real: &Tensor) -> Losses {
        let noise = self.settings.label_noise;
        // The fakes are drawn once and serve both updates.
        let fake = self.noise(real.size()[0]).apply_t(&self.generator, true);

        // D learns to answer 1 on real and 0 on fake. `detach` keeps G out of this update. The
        // two batches go through separately, since batch norm would otherwise mix their
        // statistics.
        let real_logits = real.apply_t(&self.discriminator, true); // [batch]
        let fake_logits = fake.detach().apply_t(&self.discriminator, true); // [batch]
        let real_loss = bce(&real_logits, &smooth_labels(&real_logits, true, noise));
        let fake_loss = bce(&fake_logits, &smooth_labels(&fake_logits, false, noise));
        let d_loss = (real_loss + fake_loss) / 2.0;
        self.discriminator_adam.minimise(&d_loss);

        // G learns to make the updated D answer 1 on its fakes.
        let fake_logits = fake.apply_t(&self.discriminator, true); // [batch]
        let g_loss = bce(&fake_logits, &fake_logits.ones_like());
        self.generator_adam.minimise(&g_loss);

        Losses { discriminator: d_loss, generator: g_loss }
    }

    /// Images of `z: [n, z_dim, 1, 1]`, with the mean of the generator's recent weights:
    /// `[n, channels, 64, 64]` in `[-1, 1]`.
    pub fn draw(&self, z: &Tensor) -> Tensor {
        self.generator_adam.with_average(|| no_grad(|| z.apply_t(&self.generator, false)))
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
pub fn train(mut run: Run<Settings>) -> Result<()> {
    let settings = run.config.settings.clone();
    run.begin_step(0);
    let mut gan = Dcgan::new(&settings, run.config.channels, run.compute);
    run.restore(&mut gan.parts())?;

    for step in run.steps() {
        run.begin_step(step);

        let losses = gan.step(&run.real_batch(step, 0));

        let Losses { discriminator, generator } = &losses;
        run.end_step(
            step,
            &[("discriminator_loss", discriminator), ("generator_loss", generator)],
        )?;
        if run.sheet_due(step) {
            let z = fixed_z(0, 64, settings.z_dim, run.compute);
            run.save_sheet(step, &gan.draw(&z))?;
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
// ANCHOR_END: train
