//! CGAN: the losses, the penalty, one step of each network, and the loop around them.

use std::{fs, path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};
use toolkit::cli::Preset;
use toolkit::folder::weights_folder;
use toolkit::layers::to_f32;
use toolkit::noise::{fixed_z, normal, uniform};
use toolkit::{Adam, Compute, Run, Schedule, checkpoint};

use crate::labels::{combinations, in_turn, table};
use crate::model::{Critic, Generator};

// ANCHOR: settings
/// What the paper speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// CelebA's names for what can be asked for.
    pub labels: Vec<String>,
    /// Length of the noise vector.
    pub z_dim: i64,
    /// Channels at sides 32, 16, 8 and 4, in both networks.
    pub widths: [i64; 4],
    /// Share of the critic's activations that are set to 0 in training.
    pub dropout: f64,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Adam's memory: how much of the old mean and of the old square is kept.
    pub betas: (f64, f64),
    /// How much of the running mean of the generator's weights, which draws the samples, is
    /// kept at each update.
    pub averaging: f64,
    /// Updates of the critic for one of the generator.
    pub critic_steps: u64,
    /// λ, the weight of the gradient penalty.
    pub gp_weight: f64,
}

impl Settings {
    /// The settings of a preset, and how long it trains on what.
    pub fn preset(preset: Preset) -> (Schedule, Settings) {
        let book = Settings {
            labels: vec!["Blond_Hair".into()],
            z_dim: 32,
            widths: [64, 128, 128, 128],
            dropout: 0.3,
            learning_rate: 5e-5,
            betas: (0.5, 0.9),
            averaging: 0.999,
            critic_steps: 3,
            gp_weight: 10.0,
        };
        let batches_per_step = book.critic_steps; // each has a batch of its own
        let schedule = |data: &str, steps, batch_size| Schedule {
            data: data.into(),
            steps,
            batch_size,
            batches_per_step,
        };
        match preset {
            Preset::Book => (schedule("portraits", 4_700, 128), book),
            Preset::Quick => {
                let widths = [16, 32, 64, 128];
                let averaging = 0.99; // over the last hundred updates, since there are few
                let quick = Settings {
                    widths,
                    dropout: 0.0,
                    learning_rate: 1e-3,
                    betas: (0.0, 0.9), // the WGAN-GP paper's
                    averaging,
                    ..book
                };
                (schedule("portraits-small", 1_280, 16), quick)
            }
        }
    }
}
// ANCHOR_END: settings

// ANCHOR: losses
/// What the critic minimises, without the penalty: `mean(fake) − mean(real)`, both `[batch]`.
///
/// Its negative estimates the Wasserstein distance between the two distributions (Arjovsky et
/// al. 2017, equation 2), of images with their labels.
pub fn critic_loss(real_scores: &Tensor, fake_scores: &Tensor) -> Tensor {
    fake_scores.mean(fake_scores.kind()) - real_scores.mean(real_scores.kind())
}

/// What the generator minimises: `−mean(fake)`, of `[batch]`.
pub fn generator_loss(fake_scores: &Tensor) -> Tensor {
    -fake_scores.mean(fake_scores.kind())
}

/// The gradient penalty, `mean((‖∇ₓ critic(x)‖₂ − 1)²)`, where each `x` lies at a random place
/// on the straight line between a real image and a fake one (Gulrajani et al. 2017, equation
/// 3).
///
/// `critic` scores images alone, each under a label that stays fixed: it is between images that
/// a score must not change too fast, while from one label to another it may jump. So the norm
/// is that of the gradient by the image and leaves the label's planes out. `real` and `fake`
/// are `[batch, channels, side, side]`, with the same labels. The result is a scalar that can
/// be differentiated by the critic's weights.
pub fn gradient_penalty(
    critic: impl Fn(&Tensor) -> Tensor,
    real: &Tensor,
    fake: &Tensor,
) -> Tensor {
    let between = between(real, fake).detach().set_requires_grad(true);
    let scores = critic(&between); // [batch]
    // Each score depends on its own image alone, so the gradient of the sum holds every image's
    // own gradient. Its graph is kept: the penalty's gradient by the weights is a second
    // derivative.
    let gradient = Tensor::run_backward(&[scores.sum(scores.kind())], &[&between], true, true);
    // The norm's derivative at 0 is taken as 0, where that of the square root of a sum of
    // squares is not a number.
    let norm = to_f32(&gradient[0]).flatten(1, -1).norm_scalaropt_dim(2, 1, false); // [batch]
    let off = (norm - 1.0).square();
    off.mean(off.kind())
}

/// A random point on the line from each real image to a fake one, `[batch, channels, side, side]`.
pub fn between(real: &Tensor, fake: &Tensor) -> Tensor {
    // One α for each image, the same for all its pixels.
    let alpha = uniform(&[real.size()[0], 1, 1, 1], real);
    real + alpha * (fake - real)
}
// ANCHOR_END: losses

// ANCHOR: steps
/// Both networks with their optimisers.
pub struct Cgan {
    /// Draws.
    pub generator: Generator,
    /// Scores.
    pub critic: Critic,
    generator_adam: Adam,
    critic_adam: Adam,
    settings: Settings,
    compute: Compute,
}

/// The parts of the critic's loss, scalars.
pub struct CriticLosses {
    /// What the critic's step minimised.
    pub loss: Tensor,
    /// `mean(real) − mean(fake)`: the estimate of the Wasserstein distance.
    pub wasserstein: Tensor,
    /// The penalty before it is weighted.
    pub penalty: Tensor,
}

impl Cgan {
    /// New networks for images of `channels` channels; libtorch's generator decides their weights.
    pub fn new(settings: &Settings, channels: i64, compute: Compute) -> Self {
        let Settings { z_dim, widths, dropout, learning_rate, betas, averaging, .. } = *settings;
        let labels = settings.labels.len() as i64;
        let (g, c) = (compute.variables(), compute.variables());
        Self {
            generator: Generator::new(&g.root(), z_dim, labels, widths, channels),
            critic: Critic::new(&c.root(), labels, widths, channels, dropout),
            generator_adam: Adam::new(g, learning_rate, betas).averaging(averaging),
            critic_adam: Adam::new(c, learning_rate, betas),
            settings: settings.clone(),
            compute,
        }
    }

    /// Noise for `batch` images: `[batch, z_dim, 1, 1]`, standard normal.
    pub fn noise(&self, batch: i64) -> Tensor {
        normal(&[batch, self.settings.z_dim, 1, 1], self.compute)
    }

    /// One update of the critic on `real: [batch, channels, 64, 64]` with their
    /// `labels: [batch, 2 · labels]`, and on as many fakes that were asked for with the same
    /// labels.
    pub fn critic_step(&mut self, real: &Tensor, labels: &Tensor) -> CriticLosses {
        let batch = real.size()[0];
        // The generator stays as it is in this step, so nothing about the making of the fakes
        // is recorded.
        let fake = no_grad(|| self.generator.forward_t(&self.noise(batch), labels, true));
        // Real and fake in one pass, which is faster; without batch norm it makes no difference
        // to the scores.
        let (both, both_labels) = (Tensor::cat(&[real, &fake], 0), Tensor::cat(&[labels; 2], 0));
        let scores = self.critic.forward_t(&both, &both_labels, true); // [2 · batch]
        let wasserstein_loss =
            critic_loss(&scores.narrow(0, 0, batch), &scores.narrow(0, batch, batch));
        let penalty = gradient_penalty(|x| self.critic.forward_t(x, labels, true), real, &fake);
        let loss = &wasserstein_loss + self.settings.gp_weight * &penalty;
        self.critic_adam.minimise(&loss);
        CriticLosses { loss, wasserstein: -wasserstein_loss, penalty }
    }

    /// One update of the generator through the critic, which stays as it is;
    /// `labels: [batch, 2 · labels]` are what it is asked for. Returns the loss, a scalar.
    pub fn generator_step(&mut self, labels: &Tensor) -> Tensor {
        let fake = self.generator.forward_t(&self.noise(labels.size()[0]), labels, true);
        let loss = generator_loss(&self.critic.forward_t(&fake, labels, true));
        self.generator_adam.minimise(&loss);
        loss
    }

    /// What a checkpoint consists of.
    pub fn parts(&mut self) -> [(&'static str, &mut Adam); 2] {
        [("generator", &mut self.generator_adam), ("critic", &mut self.critic_adam)]
    }

    /// Trains until the run is over: see [`train`].
    ///
    /// # Errors
    /// Those of [`train`].
    pub fn train(&mut self, run: Run<Settings>) -> Result<()> {
        train(self, run)
    }

    /// Draws what is asked for: `z: [n, z_dim, 1, 1]` and one-hot `labels: [n, 2 · labels]` to
    /// `[n, channels, 64, 64]` in `[-1, 1]`, with the mean of the generator's recent weights,
    /// and with running statistics in place of the batch's.
    pub fn sample(&self, z: &Tensor, labels: &Tensor) -> Tensor {
        let Compute { device, kind } = self.compute;
        let [z, labels] = [z, labels].map(|x| x.to_device(device).to_kind(kind));
        let portions = z.split(256, 0).into_iter().zip(labels.split(256, 0));
        let draw = |(z, labels)| self.generator.forward_t(&z, &labels, false);
        let all = || no_grad(|| Tensor::cat(&portions.map(draw).collect::<Vec<_>>(), 0));
        self.generator_adam.with_average(all)
    }

    /// Writes the weights of both networks into a folder, which is made if need be.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &path::Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for (name, adam) in [("generator", &self.generator_adam), ("critic", &self.critic_adam)] {
            let file = folder.join(format!("{name}.safetensors"));
            adam.with_average(|| checkpoint::write(&checkpoint::variables(adam.network()), &file))?;
        }
        Ok(())
    }

    /// Reads the weights of both networks from a run folder, or from a folder that
    /// [`Cgan::save`] wrote.
    ///
    /// # Errors
    /// If they are not there, or belong to other networks.
    pub fn load(&mut self, folder: &path::Path) -> Result<()> {
        for (name, adam) in self.parts() {
            let file = weights_folder(folder).join(format!("{name}.safetensors"));
            adam.load(&file)?;
        }
        Ok(())
    }
}
// ANCHOR_END: steps

// ANCHOR: train
/// Trains until the run is over.
///
/// # Errors
/// If the run folder cannot be written, the checkpoint to go on from does not fit, or a loss is
/// not finite.
pub fn train(gan: &mut Cgan, mut run: Run<Settings>) -> Result<()> {
    let settings = run.config.settings.clone();
    let one_hots = table(&run.images, &settings.labels, run.compute)?; // [images, 2 · labels]
    let combinations = combinations(&settings.labels, &[])?;
    run.restore(&mut gan.parts())?;

    for step in run.steps() {
        run.begin_step(step);

        // The critic first, several times, each time on fresh images: the generator's gradient
        // is only as good as the critic's estimate of the distance.
        let mut labels = one_hots.index_select(0, &run.real_indices(step, 0));
        let mut critic = gan.critic_step(&run.real_batch(step, 0), &labels);
        for k in 1..settings.critic_steps {
            labels = one_hots.index_select(0, &run.real_indices(step, k));
            critic = gan.critic_step(&run.real_batch(step, k), &labels);
        }
        // The last batch's labels: the generator is asked for each as often as it occurs.
        let generator_loss = gan.generator_step(&labels);

        let CriticLosses { loss, wasserstein, penalty } = &critic;
        run.end_step(
            step,
            &[
                ("critic_loss", loss),
                ("wasserstein", wasserstein),
                ("penalty", penalty),
                ("generator_loss", &generator_loss),
            ],
        )?;
        if run.sheet_due(step) {
            // The same z under each combination of labels, eight to a row.
            let z = fixed_z(0, 64 / combinations.len() as i64, settings.z_dim, run.compute);
            let (z, labels) = in_turn(&z, &combinations, 8);
            run.save_sheet(step, &gan.sample(&z, &labels))?;
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
