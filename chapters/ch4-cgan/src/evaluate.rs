//! `evaluate`: how good are the images, and do they show what was asked for?

use std::fmt;

use anyhow::Result;
use serde::Serialize;
use tch::{Device, Kind, Tensor};
use toolkit::cli::{EvaluateArgs, say};
use toolkit::noise::{fixed_z, seed_step};
use toolkit::{Comparison, Compute, Config, ImageSet, comparison, folder};

use crate::classifier::Classifier;
use crate::labels::{self, rows};
use crate::train::{Cgan, Settings};

/// About so many images are drawn to see whether they show what was asked for, as many for each combination of labels.
const ASKED: i64 = 4_000;

/// What `evaluate` finds.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    quality: comparison::Report,
    /// How well each label is obeyed.
    labels: Vec<Obedience>,
    /// The mean over the labels of how often what was asked for is drawn.
    label_accuracy: f64,
    /// The same with what was asked for shuffled: chance.
    control: f64,
}

/// How well a generator does as it is asked, for one label.
#[derive(Clone, Debug, Serialize)]
pub struct Obedience {
    /// CelebA's name for the label.
    pub name: String,
    /// Number of images that were asked for.
    pub asked: i64,
    /// How often the classifier sees on a generated image what was asked for.
    pub drawn_as_asked: Agreement,
    /// The same share with what was asked for shuffled among the images: what an answer by chance would get.
    pub shuffled: f64,
    /// How often the classifier is right on held-out real images.
    pub classifier: Agreement,
}

/// Shares of images on which two answers agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Of all images.
    pub all: f64,
    /// Of those whose answer is "no".
    pub when_no: f64,
    /// Of those whose answer is "yes".
    pub when_yes: f64,
}

impl Agreement {
    /// Of the answers `seen` with the `right` ones, both `[n]` of 0 and 1; "no" and "yes" are those of the right ones.
    pub fn of(seen: &Tensor, right: &Tensor) -> Agreement {
        let agrees = seen.eq_tensor(right).to_kind(Kind::Double);
        let share = |agrees: Tensor| agrees.mean(Kind::Double).double_value(&[]);
        let among = |answer: f64| share(agrees.masked_select(&right.eq(answer)));
        let (when_no, when_yes) = (among(0.0), among(1.0));
        Agreement { all: share(agrees), when_no, when_yes }
    }
}

/// Measures a trained CGAN and prints what it finds.
///
/// # Errors
/// If weights or images cannot be read, the images lack the labels, or too few were held out.
pub fn evaluate(program: &str, args: &EvaluateArgs) -> Result<()> {
    let compute = Compute { device: args.device.resolve()?, kind: Kind::Float };
    let folder = folder::chosen(program, args.checkpoint.as_deref())?;
    let config = Config::<Settings>::read(&folder, program)?;
    let names = &config.settings.labels;
    seed_step(config.seed, 0);
    let mut gan = Cgan::new(&config.settings, config.channels, compute);
    let comparison = Comparison::open(&config, args)?;
    let images = &comparison.images;
    labels::verify(images, names)?;

    // Drawn with the labels of the images that they are compared with.
    let on_cpu = Compute { device: Device::Cpu, kind: Kind::Float };
    let their_labels = rows(&labels::table(images, names, on_cpu)?, &comparison.held_out);
    let count = comparison.held_out.len() as i64;
    let z = fixed_z(args.seed, count, config.settings.z_dim, compute);
    let untrained = gan.sample(&z, &their_labels).to_device(Device::Cpu);
    gan.load(&folder)?;
    let generated = gan.sample(&z, &their_labels).to_device(Device::Cpu);
    let more = |count| {
        let z = fixed_z(args.seed, count, config.settings.z_dim, compute);
        let places: Vec<usize> =
            (0..count as usize).map(|i| i % their_labels.size()[0] as usize).collect();
        gan.sample(&z, &rows(&their_labels, &places)).to_device(Device::Cpu)
    };
    let quality = comparison.report(&generated, &untrained, args, more)?;

    eprintln!("training a classifier on real images to see what the generated ones show");
    let labels = obedience(&gan, &config.settings, images, compute, args.seed)?;
    let mean = |of: fn(&Obedience) -> f64| labels.iter().map(of).sum::<f64>() / labels.len() as f64;
    let label_accuracy = mean(|label| label.drawn_as_asked.all);
    let control = mean(|label| label.shuffled);
    let report = Report { quality, labels, label_accuracy, control };
    if args.json {
        say(serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

/// Trains a classifier on real images and shows it generated ones: does it see what was asked for? Every combination of labels
/// is asked for as often as the next.
///
/// # Errors
/// If the images lack a label.
pub fn obedience(
    gan: &Cgan,
    settings: &Settings,
    images: &ImageSet,
    compute: Compute,
    seed: u64,
) -> Result<Vec<Obedience>> {
    let names = &settings.labels;
    let answers = labels::answers(images, names)?; // [images, labels]
    let classifier = Classifier::train(images, &answers, compute.device, seed)?;
    let held_out = images.held_out();
    let portions = held_out.chunks(256).map(|faces| images.batch(faces, Device::Cpu, Kind::Float));
    let seen_real: Vec<Tensor> = portions.map(|faces| classifier.answers(&faces)).collect();
    let (real, seen_real) = (rows(&answers, &held_out), Tensor::cat(&seen_real, 0));

    let combinations = labels::combinations(names, &[])?;
    let each = ASKED / combinations.len() as i64;
    let z = fixed_z(seed, each, settings.z_dim, compute);
    let (z, one_hots) = labels::in_turn(&z, &combinations, each);
    let seen = classifier.answers(&gan.sample(&z, &one_hots)); // [asked, labels]
    let asked = one_hots.view([-1, names.len() as i64, 2]).select(2, 1); // [asked, labels], of 0 and 1
    let order = Tensor::randperm(asked.size()[0], (Kind::Int64, Device::Cpu));
    let shuffled = asked.index_select(0, &order);

    let one = |(label, name): (i64, &String)| {
        let agreement = |seen: &Tensor, right: &Tensor| {
            Agreement::of(&seen.select(1, label), &right.select(1, label))
        };
        Obedience {
            name: name.clone(),
            asked: asked.size()[0],
            drawn_as_asked: agreement(&seen, &asked),
            shuffled: agreement(&seen, &shuffled).all,
            classifier: agreement(&seen_real, &real),
        }
    };
    Ok((0..).zip(names).map(one).collect())
}

fn print(report: &Report) {
    report.quality.print();
    say("");
    say("share of generated images on which a classifier sees what was asked for");
    say(format!("{:<22}    all       =0       =1   shuffled   classifier on real images", ""));
    for label in &report.labels {
        say(label);
    }
}

/// A row of the table.
impl fmt::Display for Obedience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obedience { name, drawn_as_asked, shuffled, classifier, .. } = self;
        let percent = |share: f64| format!("{:>5.1} %", 100.0 * share);
        let shares = [drawn_as_asked.all, drawn_as_asked.when_no, drawn_as_asked.when_yes];
        let shares = shares.map(percent).join("  ");
        let (shuffled, classifier) = (percent(*shuffled), percent(classifier.all));
        write!(f, "{name:<22}{shares}    {shuffled}   {classifier}")
    }
}
