//! The list of trials: what each changes, and why one would.
//!
//! The advice is that of the section (Foster, *Generative Deep Learning*, 2nd edition, chapter 4, "GAN training: tips and tricks"), which
//! collects what others had found: Goodfellow et al. 2014 and Goodfellow 2016 (*NIPS 2016 Tutorial: Generative Adversarial
//! Networks*), Salimans et al. 2016 (*Improved Techniques for Training GANs*), and Arjovsky & Bottou 2017 (*Towards Principled
//! Methods for Training Generative Adversarial Networks*) for the gradient that vanishes.

use anyhow::{Result, bail};
use toolkit::cli::say;

use crate::run::Bench;
use crate::train::{Loss, Settings};

/// One thing that is tried.
#[derive(Debug)]
pub struct Trial {
    /// By this name it is called for, and its folder is named.
    pub name: &'static str,
    /// The tables in which it stands.
    pub groups: &'static [Group],
    /// The trial that it is a change of.
    pub against: Option<&'static str>,
    /// What it changes.
    pub changes: &'static str,
    /// Why one would: the advice and its reason, or what is to be seen.
    pub why: &'static str,
    /// The whole setting.
    pub settings: Settings,
}

/// A table of trials that are to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A discriminator that is too strong, under three losses.
    Losses,
    /// The failing baseline, with one remedy at a time.
    Remedies,
    /// A generator that is too strong, and the way back.
    Generator,
    /// Labels that are moved inwards, outwards, and on one side only.
    Labels,
    /// The balanced setting with one hyperparameter changed.
    Sweep,
}

impl Group {
    /// All groups, in the order of the section.
    pub const ALL: [Group; 5] =
        [Group::Losses, Group::Remedies, Group::Generator, Group::Labels, Group::Sweep];

    /// By this name it is called for, and its table is named.
    pub fn name(self) -> &'static str {
        match self {
            Group::Losses => "losses",
            Group::Remedies => "remedies",
            Group::Generator => "generator",
            Group::Labels => "labels",
            Group::Sweep => "sweep",
        }
    }

    /// The heading of its table.
    pub fn title(self) -> &'static str {
        match self {
            Group::Losses => "A discriminator that is too strong, under three losses",
            Group::Remedies => "The five ways to weaken the discriminator, one at a time",
            Group::Generator => "A generator that is too strong, and the way back",
            Group::Labels => "Which way to move the labels",
            Group::Sweep => "Hyperparameters: how far the outcome moves",
        }
    }
}

// ANCHOR: baselines
/// Both networks at one rate, one update each in turn, DCGAN's non-saturating loss on logits:
/// it works.
pub const BALANCED: Settings = Settings {
    loss: Loss::NonSaturating,
    z_dim: 32,
    g_width: 16,
    d_width: 16,
    d_layers: 3,
    d_batch_norm: true,
    dropout: 0.0,
    g_learning_rate: 1e-3,
    d_learning_rate: 1e-3,
    betas: (0.5, 0.999),
    batch_size: 16,
    d_head_start: 0,
    d_steps: 1,
    g_steps: 1,
    label_noise: [0.0, 0.0],
    label_flips: 0.0,
};

/// The failing baseline: a discriminator that learns 25 times as fast and twice as often, and
/// the game's own loss, whose gradient fades with the discriminator's doubt.
pub const BASELINE: Settings = Settings {
    loss: Loss::Saturating,
    g_learning_rate: 2e-4,
    d_learning_rate: 5e-3,
    d_steps: 2,
    ..BALANCED
};

/// A discriminator that was made as sure as Adam can make it before the generator's first step:
/// its logits are in the hundreds.
const OVERWHELMING: Settings = Settings {
    d_width: 32,
    d_learning_rate: 0.2,
    betas: (0.9, 0.999),
    d_head_start: 100,
    d_steps: 1,
    ..BASELINE
};

/// A discriminator with all the handicaps that the remedies give it, and a generator that
/// learns ten times as fast and twice as often.
const STRONG_GENERATOR: Settings = Settings {
    g_learning_rate: 2e-3,
    d_learning_rate: 2e-4,
    g_steps: 2,
    d_layers: 1,
    dropout: 0.5,
    label_noise: [0.3, 0.3],
    label_flips: 0.1,
    ..BALANCED
};
// ANCHOR_END: baselines

use Group::{Generator, Labels, Losses, Remedies, Sweep};

/// Every trial, in the order of the section.
pub const TRIALS: &[Trial] = &[
    Trial {
        name: "baseline",
        groups: &[Losses, Remedies],
        against: None,
        changes: "D learns 25 times as fast as G and twice as often; saturating loss",
        why: "A D that is always right is sure of it, and the derivative of log(1 − σ(x)) by the logit is −σ(x), which goes to 0 as x falls \
              (Arjovsky & Bottou 2017, section 2): G is told nothing.",
        settings: BASELINE,
    },
    Trial {
        name: "sigmoid-bce",
        groups: &[Losses],
        against: Some("baseline"),
        changes: "the non-saturating loss by way of a sigmoid and BCE",
        why: "At the logits that this D comes to, a probability in f32 still holds enough.",
        settings: Settings { loss: Loss::SigmoidBce, ..BASELINE },
    },
    Trial {
        name: "non-saturating",
        groups: &[Losses],
        against: Some("baseline"),
        changes: "the non-saturating loss, on logits",
        why: "The derivative of −log σ(x) is σ(x) − 1, about −1 where D is sure (Goodfellow et al. 2014, section 3).",
        settings: Settings { loss: Loss::NonSaturating, ..BASELINE },
    },
    Trial {
        name: "overwhelming",
        groups: &[Losses],
        against: None,
        changes: "D twice as wide, at rate 0.2 with β₁ 0.9, and 100 updates ahead; saturating loss",
        why: "Logits in the hundreds, where σ(x) is 0 in f32.",
        settings: OVERWHELMING,
    },
    Trial {
        name: "overwhelming-sigmoid-bce",
        groups: &[Losses],
        against: Some("overwhelming"),
        changes: "the same D; sigmoid and BCE",
        why: "Below a logit of −89 the sigmoid is exactly 0 in f32, and so is every gradient that goes through it, D's own too.",
        settings: Settings { loss: Loss::SigmoidBce, ..OVERWHELMING },
    },
    Trial {
        name: "overwhelming-non-saturating",
        groups: &[Losses],
        against: Some("overwhelming"),
        changes: "the same D; the non-saturating loss on logits",
        why: "On logits the derivative is −1 however sure D is.",
        settings: Settings { loss: Loss::NonSaturating, ..OVERWHELMING },
    },
    Trial {
        name: "more-dropout",
        groups: &[Remedies],
        against: Some("baseline"),
        changes: "dropout 0.5 in D instead of none",
        why: "Less of what D has learned goes through the network at each step.",
        settings: Settings { dropout: 0.5, ..BASELINE },
    },
    Trial {
        name: "lower-d-rate",
        groups: &[Remedies],
        against: Some("baseline"),
        changes: "D's learning rate 2e-4 instead of 5e-3, as G's",
        why: "D gets ahead more slowly.",
        settings: Settings { d_learning_rate: 2e-4, ..BASELINE },
    },
    Trial {
        name: "fewer-d-layers",
        groups: &[Remedies],
        against: Some("baseline"),
        changes: "two convolutions in D before the last, instead of three",
        why: "A smaller D cannot tell real from fake as well.",
        settings: Settings { d_layers: 2, ..BASELINE },
    },
    Trial {
        name: "one-d-layer",
        groups: &[Remedies],
        against: Some("baseline"),
        changes: "one convolution in D before the last, instead of three",
        why: "The same, taken as far as it goes.",
        settings: Settings { d_layers: 1, ..BASELINE },
    },
    Trial {
        name: "noisy-labels",
        groups: &[Remedies],
        against: Some("baseline"),
        changes: "labels drawn from [0.9, 1] for real images and [0, 0.1] for fakes",
        why: "A label inside (0, 1) is met by a finite logit; being surer costs D something (Salimans et al. 2016, section 3.4).",
        settings: Settings { label_noise: [0.1, 0.1], ..BASELINE },
    },
    Trial {
        name: "flipped-labels",
        groups: &[Remedies],
        against: Some("baseline"),
        changes: "one label in ten is wrong",
        why: "A D that is sure pays much for each wrong label.",
        settings: Settings { label_flips: 0.1, ..BASELINE },
    },
    Trial {
        name: "strong-generator",
        groups: &[Generator],
        against: None,
        changes: "G learns ten times as fast as D and twice as often; D has all five handicaps: dropout 0.5, a low rate, one convolution, noisy and flipped labels",
        why: "A G that is ahead finds a few images that always pass, and draws only those: the spread falls (Goodfellow 2016, section 5.1.1, mode collapse).",
        settings: STRONG_GENERATOR,
    },
    Trial {
        name: "lower-rates-larger-batch",
        groups: &[Generator],
        against: Some("strong-generator"),
        changes: "both learning rates a quarter, batch 32 instead of 16",
        why: "Smaller steps in better directions: neither network runs away.",
        settings: Settings {
            g_learning_rate: 5e-4,
            d_learning_rate: 5e-5,
            batch_size: 32,
            ..STRONG_GENERATOR
        },
    },
    Trial {
        name: "remedies-reversed",
        groups: &[Generator],
        against: Some("strong-generator"),
        changes: "no dropout, D's rate as G's, three convolutions, clean labels; G still twice as often",
        why: "What weakened D made G too strong; taking it back strengthens D.",
        settings: Settings { g_learning_rate: 2e-3, d_learning_rate: 2e-3, g_steps: 2, ..BALANCED },
    },
    Trial {
        name: "balanced",
        groups: &[Labels, Sweep],
        against: None,
        changes: "both networks at rate 1e-3, one update each in turn; non-saturating loss on logits",
        why: "What a healthy run looks like, and what the loss says in it.",
        settings: BALANCED,
    },
    Trial {
        name: "labels-inwards",
        groups: &[Labels],
        against: Some("balanced"),
        changes: "labels drawn from [0.9, 1] and [0, 0.1]",
        why: "What \"label smoothing\" means.",
        settings: Settings { label_noise: [0.1, 0.1], ..BALANCED },
    },
    Trial {
        name: "labels-one-sided",
        groups: &[Labels],
        against: Some("balanced"),
        changes: "labels drawn from [0.9, 1] for real images; 0 for fakes",
        why: "The usual advice: smoothing the fakes' labels too would reward D for leaving bad images where they are (Salimans et al. 2016, section 3.4).",
        settings: Settings { label_noise: [0.1, 0.0], ..BALANCED },
    },
    Trial {
        name: "labels-outwards",
        groups: &[Labels],
        against: Some("balanced"),
        changes: "labels drawn from [1, 1.1] and [−0.1, 0], as the book's code has them",
        why: "No logit meets such a label, so it sharpens instead of smoothing.",
        settings: Settings { label_noise: [-0.1, -0.1], ..BALANCED },
    },
    Trial {
        name: "rates-a-quarter",
        groups: &[Sweep],
        against: Some("balanced"),
        changes: "both learning rates 2.5e-4",
        why: "The same path, more slowly?",
        settings: Settings { g_learning_rate: 2.5e-4, d_learning_rate: 2.5e-4, ..BALANCED },
    },
    Trial {
        name: "rates-fourfold",
        groups: &[Sweep],
        against: Some("balanced"),
        changes: "both learning rates 4e-3",
        why: "The same path, faster?",
        settings: Settings { g_learning_rate: 4e-3, d_learning_rate: 4e-3, ..BALANCED },
    },
    Trial {
        name: "beta1-0.9",
        groups: &[Sweep],
        against: Some("balanced"),
        changes: "Adam's β₁ 0.9, its default, instead of 0.5",
        why: "Radford et al. 2015, section 4: 0.9 made training oscillate.",
        settings: Settings { betas: (0.9, 0.999), ..BALANCED },
    },
    Trial {
        name: "batch-8",
        groups: &[Sweep],
        against: Some("balanced"),
        changes: "batch 8 instead of 16",
        why: "Half the work for the same number of steps.",
        settings: Settings { batch_size: 8, ..BALANCED },
    },
    Trial {
        name: "z-4",
        groups: &[Sweep],
        against: Some("balanced"),
        changes: "4 noise numbers instead of 32",
        why: "How much room do eight parts seen from around need?",
        settings: Settings { z_dim: 4, ..BALANCED },
    },
    Trial {
        name: "no-batch-norm",
        groups: &[Sweep],
        against: Some("balanced"),
        changes: "no batch normalisation in D",
        why: "Radford et al. 2015, section 3, advise it in both networks.",
        settings: Settings { d_batch_norm: false, ..BALANCED },
    },
];

impl Trial {
    /// How long it takes compared with other trials, roughly: the number of images that go through an update or a measurement.
    pub fn cost(&self, bench: &Bench) -> f64 {
        let Settings { batch_size, d_head_start, d_steps, g_steps, .. } = self.settings;
        let updates = d_head_start + bench.steps * (d_steps + g_steps);
        // A measurement costs about as much as five updates with as many images.
        let measured = 5 * (bench.looks + 1) * bench.measured as u64;
        (updates * batch_size + measured) as f64
    }
}

/// The trials of these names and of the groups of these names, in the order of the list; all of them if no name is given.
///
/// # Errors
/// If a name is neither.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Trial>> {
    let has_name = |trial: &Trial, name: &str| {
        trial.name == name || trial.groups.iter().any(|group| group.name() == name)
    };
    for name in names {
        if !TRIALS.iter().any(|trial| has_name(trial, name)) {
            bail!("--only {name}: no trial and no group of that name; `list` shows them");
        }
    }
    let wanted =
        |trial: &&Trial| names.is_empty() || names.iter().any(|name| has_name(trial, name));
    Ok(TRIALS.iter().filter(wanted).collect())
}

/// Prints all trials, by group.
pub fn list() {
    for group in Group::ALL {
        say(format!("{}: {}\n", group.name(), group.title()));
        for trial in TRIALS.iter().filter(|trial| trial.groups.contains(&group)) {
            say(format!("  {:<28} {}", trial.name, trial.changes));
            say(format!("  {:<28} {}\n", "", trial.why));
        }
    }
}
