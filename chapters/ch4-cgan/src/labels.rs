//! What images show and what is asked for: CelebA's attributes, from its table and from the command line.

use std::str::FromStr;

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};
use toolkit::stats::evenly_spaced;
use toolkit::{Compute, ImageSet};

use crate::model::one_hot;

/// Faces in a row of the picture `labels.png`.
pub const CHECK_COLUMNS: u32 = 10;

/// Three labels have eight combinations, one for each row of a sheet of samples.
const MOST: usize = 3;

// ANCHOR: table
/// The answers for every image of a set, `[images, labels]` of 0 and 1. Row `i` belongs to
/// image `i`: the table is joined to the images on their file names.
///
/// # Errors
/// If there is no table, or a name is not in it.
pub fn answers(images: &ImageSet, names: &[String]) -> Result<Tensor> {
    let column = |name: &String| Ok(Tensor::from_slice(&images.attribute(name)?));
    let columns: Vec<Tensor> = names.iter().map(column).collect::<Result<_>>()?;
    Ok(Tensor::stack(&columns, 1).to_kind(Kind::Float))
}

/// The [`answers`] for every image as one-hot labels, `[images, 2 · labels]`.
///
/// # Errors
/// If there is no table, or a name is not in it.
pub fn table(images: &ImageSet, names: &[String], compute: Compute) -> Result<Tensor> {
    Ok(one_hot(&answers(images, names)?).to_device(compute.device).to_kind(compute.kind))
}
// ANCHOR_END: table

/// Some rows of a table, `[indices.len(), …]`.
pub fn rows(table: &Tensor, indices: &[usize]) -> Tensor {
    let indices: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
    table.index_select(0, &Tensor::from_slice(&indices).to_device(table.device()))
}

/// Looks at labels before a run begins: each is named once, is in the table, and has training images of both kinds.
///
/// # Errors
/// One line that says which is not.
pub fn verify(images: &ImageSet, names: &[String]) -> Result<()> {
    ensure!(names.len() <= MOST, "{} labels at once; {MOST} are the most", names.len());
    let training = images.training();
    for (i, name) in names.iter().enumerate() {
        ensure!(!names[..i].contains(name), "the label {name:?} is named twice");
        let column = images.attribute(name)?;
        let yes = training.iter().filter(|&&image| column[image]).count();
        let all = training.len();
        ensure!(
            0 < yes && yes < all,
            "{yes} of {all} training images have {name:?}; a label that tells nothing apart cannot be learnt"
        );
    }
    Ok(())
}

// ANCHOR: check
/// Real faces that show whether labels fit their images: for each label a row of faces without
/// it and a row of faces with it, [`CHECK_COLUMNS`] to a row,
/// `[2 · labels · columns, channels, side, side]`. They are taken from all over the set, so
/// that labels that begin to slip somewhere show; where there are too few, white ones fill the
/// row.
///
/// # Errors
/// If there is no table, or a name is not in it.
pub fn check(images: &ImageSet, names: &[String]) -> Result<Tensor> {
    let mut rows = Vec::new();
    for name in names {
        let column = images.attribute(name)?;
        for answer in [false, true] {
            let found: Vec<usize> = (0..images.len()).filter(|&i| column[i] == answer).collect();
            let shown = evenly_spaced(&found, CHECK_COLUMNS as usize);
            rows.push(images.batch(&shown, Device::Cpu, Kind::Float));
            let (channels, side) = (images.channels() as i64, i64::from(images.side()));
            let missing = i64::from(CHECK_COLUMNS) - shown.len() as i64;
            rows.push(Tensor::ones([missing, channels, side, side], (Kind::Float, Device::Cpu)));
        }
    }
    Ok(Tensor::cat(&rows, 0))
}
// ANCHOR_END: check

/// A label with the answer that is asked for: `Blond_Hair`, `Blond_Hair=1` or `Blond_Hair=0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// CelebA's name for it.
    pub name: String,
    /// The answer.
    pub yes: bool,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, answer) = text.split_once('=').unwrap_or((text, "1"));
        let yes = match answer {
            "0" => false,
            "1" => true,
            _ => return Err("expected NAME, NAME=1 or NAME=0".into()),
        };
        Ok(Asked { name: name.into(), yes })
    }
}

/// All combinations of answers that are left when some are `asked` for, each with an answer for every one of `names`,
/// "no" before "yes".
///
/// # Errors
/// If something is asked for that the model has no label for, or in two ways.
pub fn combinations(names: &[String], asked: &[Asked]) -> Result<Vec<Vec<bool>>> {
    for (i, Asked { name, .. }) in asked.iter().enumerate() {
        ensure!(names.contains(name), "trained for {}, not for {name:?}", names.join(", "));
        let again = asked[..i].iter().any(|other| other.name == *name);
        ensure!(!again, "the label {name:?} is asked for twice");
    }
    let mut found = vec![Vec::new()];
    for name in names {
        let wanted = asked.iter().find(|asked| asked.name == *name).map(|asked| asked.yes);
        let possible: Vec<bool> = wanted.map_or(vec![false, true], |yes| vec![yes]);
        let with = |answers: &[bool], yes: bool| [answers, &[yes]].concat();
        found = found
            .iter()
            .flat_map(|answers| possible.iter().map(|&yes| with(answers, yes)))
            .collect();
    }
    Ok(found)
}

/// `Blond_Hair=1 Smiling=0`.
pub fn caption(names: &[String], answers: &[bool]) -> String {
    let pairs: Vec<String> =
        names.iter().zip(answers).map(|(name, yes)| format!("{name}={}", u8::from(*yes))).collect();
    pairs.join(" ")
}

// ANCHOR: in_turn
/// The inputs of a sheet that shows the same z under each combination of labels: the first
/// `columns` z under the first combination, below them the same z under the second, and so on;
/// then the next `columns` z.
///
/// Returns the z, `[n, z_dim, 1, 1]`, and their one-hot labels, `[n, 2 · labels]`, of
/// `combinations` times as many images.
pub fn in_turn(z: &Tensor, combinations: &[Vec<bool>], columns: i64) -> (Tensor, Tensor) {
    let (mut all_z, mut all_labels) = (Vec::new(), Vec::new());
    for row in z.split(columns, 0) {
        for answers in combinations {
            let shape = [row.size()[0], answers.len() as i64];
            all_labels.push(one_hot(&Tensor::from_slice(answers).expand(shape, false)));
            all_z.push(row.shallow_clone());
        }
    }
    (Tensor::cat(&all_z, 0), Tensor::cat(&all_labels, 0))
}
// ANCHOR_END: in_turn
