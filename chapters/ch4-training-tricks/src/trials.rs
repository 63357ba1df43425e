//! The list of trials: what each changes, and why one would.
//!
//! The advice is that of the section (Foster, *Generative Deep Learning*, chapter 4, "GAN training: tips and tricks"), which
//! collects what others had found: Goodfellow et al. 2014 and Goodfellow 2016 (*NIPS 2016 Tutorial: Generative Adversarial
//! Networks*, sections 3.2 and 4), Salimans et al. 2016 (*Improved Techniques for Training GANs*), and Arjovsky & Bottou 2017
//! (*Towards Principled Methods for Training Generative Adversarial Networks*) for the gradient that vanishes.

use anyhow::{Result, bail};
use toolkit::cli::say;

use crate::run::Bench;
use crate::train::{Loss, Settings};

/// One thing that is tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// By this name it is called for, and its folder is named.
    pub name: &'static str,
    /// The tables in which it stands.
    pub groups: &'static [Group],
    /// The trial that it is a change of.
    pub against: Option<&'static str>,
    /// What it changes.
    pub change: &'static str,
    /// What it is good for, by those who advise it, or what it is to show.
    pub why: &'static str,
    /// All of it.
    pub settings: Settings,
}

/// A table of trials that are to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A discriminator that is too strong, under three losses.
    Losses,
    /// The same failing baseline with one remedy at a time.
    Remedies,
    /// Labels that are moved inwards, outwards and on one side.
    Labels,
    /// A generator that is too strong, and its remedies.
    Generator,
    /// The balanced setting with one hyperparameter changed.
    Sweep,
}
