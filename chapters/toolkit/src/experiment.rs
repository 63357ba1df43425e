//! What experiments share whose variants are trained alike, with several seeds: one way to measure, and a record of every run that is
//! whole, so that a stopped experiment goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use tch::{Device, Kind, Tensor};

use crate::compute::PrecisionChoice;
use crate::config::{embedded_images, unseen_images};
use crate::stats::evenly_spaced;
use crate::{Compute, ImageSet, folder, sheet, swd};

/// The runs of an experiment, a file each. One that is whole is not made again, so that a stopped experiment goes on.
pub struct Runs<S> {
    /// What decides their numbers: a run that was made with other settings is not taken for one of these.
    pub settings: S,
    /// Where everything is computed.
    pub compute: Compute,
    folder: PathBuf,
}

/// What the runs of an experiment have in common that compares them by one measure.
pub struct Bench<S> {
    /// The images to learn from.
    pub images: ImageSet,
    /// Its runs, computed as precisely as a run of the chapter on this machine.
    pub runs: Runs<S>,
    /// The distance of training images from the unseen ones, which no generator can be expected to beat.
    pub floor: f64,
    name: &'static str,
    unseen: Tensor,
}

/// A run that is whole, as its own file and `results.json` hold it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record<R> {
    /// What was varied.
    pub variant: String,
    /// Where its randomness started.
    pub seed: u64,
    /// Where it was computed, and with how many threads.
    pub device: String,
    /// What came of it.
    #[serde(flatten)]
    pub found: R,
}

/// The file of a run.
#[derive(Serialize, Deserialize)]
struct Kept<S, R> {
    settings: S,
    #[serde(flatten)]
    record: Record<R>,
}

/// The contents of `results.json`.
#[derive(Serialize)]
struct Results<'a, S, R, M> {
    experiment: &'a str,
    version: &'a str,
    settings: &'a S,
    device: String,
    threads: i32,
    floor: f64,
    variants: &'a [M],
    runs: &'a [Record<R>],
}

impl<S: Clone + Serialize + DeserializeOwned> Runs<S> {
    /// Those in the folder `out`, else in `runs/PROGRAM/NAME`, made with these settings.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(
        program: &str,
        name: &str,
        out: Option<PathBuf>,
        compute: Compute,
        settings: S,
    ) -> Result<Self> {
        let folder = folder::of_experiment(program, name, out)?;
        let runs = folder.join("runs");
        fs::create_dir_all(&runs).with_context(|| runs.display().to_string())?;
        Ok(Runs { settings, compute, folder })
    }

    /// A place in the folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a sheet of the first images into the folder, as `NAME.png`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_sheet(&self, images: &Tensor, name: &str) -> Result<()> {
        let shown = images.narrow(0, 0, images.size()[0].min(64));
        sheet::save_sheet(&shown, 8, &self.at(&format!("{name}.png")))
    }

    /// The record of a run: read if the run has been made, else made by `make` and kept.
    ///
    /// # Errors
    /// If it was made with other settings, its file is damaged or cannot be written, or `make` fails.
    pub fn record<R: Clone + Serialize + DeserializeOwned>(
        &self,
        variant: &str,
        seed: u64,
        make: impl FnOnce() -> Result<R>,
    ) -> Result<Record<R>> {
        let path = self.folder.join("runs").join(format!("{variant}-{seed}.json"));
        if let Some(record) = self.read(&path)? {
            eprintln!("{variant} seed {seed}: there already");
            return Ok(record);
        }
        let begun = Instant::now();
        let found = make()?;
        let seconds = begun.elapsed().as_secs_f64();
        let device = self.compute.to_string();
        let record = Record { variant: variant.into(), seed, device, found };
        let kept = Kept { settings: self.settings.clone(), record };
        folder::write_whole(&path, &(serde_json::to_string_pretty(&kept)? + "\n"))?;
        eprintln!("{variant} seed {seed}: made and measured in {seconds:.1} s");
        Ok(kept.record)
    }

    fn read<R: DeserializeOwned>(&self, path: &Path) -> Result<Option<Record<R>>> {
        if !path.exists() {
            return Ok(None);
        }
        let read = || -> Result<Kept<S, R>> {
            let text = fs::read_to_string(path)?;
            // The settings first: what other settings left behind may hold other things.
            let settings: serde_json::Value = serde_json::from_str(&text)?;
            ensure!(
                settings["settings"] == serde_json::to_value(&self.settings)?,
                "made with other settings; name another folder with --out"
            );
            Ok(serde_json::from_str(&text)?)
        };
        Ok(Some(read().with_context(|| path.display().to_string())?.record))
    }
}

impl<S: Clone + Serialize + DeserializeOwned> Bench<S> {
    /// Reads an embedded set of grey images of side 64, and `measured` more of the same kind, which nothing is trained on. Results go to
    /// the folder `out`, else to `runs/PROGRAM/NAME`.
    ///
    /// # Errors
    /// If the images cannot be drawn or read, or are too few, or the folder cannot be made.
    pub fn open(
        program: &str,
        name: &'static str,
        out: Option<PathBuf>,
        (data, measured): (&str, usize),
        settings: S,
    ) -> Result<Self> {
        let images = embedded_images(data, 64, 1)?;
        let training = images.training();
        ensure!(
            measured <= training.len(),
            "--measured {measured}: {data} has {} images to learn from, and as many are compared",
            training.len()
        );
        let unseen = unseen_images(data, measured, 64, 1)?;
        let device = Device::cuda_if_available();
        let (kind, why) = PrecisionChoice::Auto.resolve(device);
        let compute = Compute { device, kind };
        let runs = Runs::open(program, name, out, compute, settings)?;
        eprintln!("device     {compute} ({why})");
        eprintln!("measuring  against {measured} unseen images of the kind of {data}");
        let all = |set: &ImageSet, indices: &[usize]| set.batch(indices, Device::Cpu, Kind::Float);
        let unseen = all(&unseen, &(0..measured).collect::<Vec<_>>());
        let some = all(&images, &evenly_spaced(&training, measured));
        let floor = swd::distances(&unseen, &[&some], 0)[0].mean;
        Ok(Bench { images, runs, floor, name, unseen })
    }

    /// The images that nothing is trained on: `[measured, 1, 64, 64]`, on the CPU.
    pub fn unseen(&self) -> &Tensor {
        &self.unseen
    }

    /// The sliced Wasserstein distance × 10³ of each of some sets of images from the unseen ones, as many as those. The patches and
    /// directions are the same for every run.
    pub fn distances(&self, sets: &[Tensor]) -> Vec<f64> {
        eprintln!("measuring  {} sets of {} images", sets.len(), self.unseen.size()[0]);
        let sets: Vec<Tensor> = sets.iter().map(|images| images.to_device(Device::Cpu)).collect();
        let sets: Vec<&Tensor> = sets.iter().collect();
        swd::distances(&self.unseen, &sets, 0).into_iter().map(|swd| swd.mean).collect()
    }

    /// Writes `results.json`: the settings, every run, and a summary of each variant.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_results<R: Serialize, M: Serialize>(
        &self,
        runs: &[Record<R>],
        variants: &[M],
    ) -> Result<()> {
        let results = Results {
            experiment: self.name,
            version: env!("CARGO_PKG_VERSION"),
            settings: &self.runs.settings,
            device: self.runs.compute.to_string(),
            threads: tch::get_num_threads(),
            floor: self.floor,
            variants,
            runs,
        };
        let json = serde_json::to_string_pretty(&results)? + "\n";
        folder::write_whole(&self.runs.at("results.json"), &json)
    }
}

/// Reads a number that JSON cannot hold, and writes as `null`, as not a number: a run may diverge, and is a result all the same.
///
/// # Errors
/// If it is neither a number nor `null`.
pub fn number_or_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// The same for several.
///
/// # Errors
/// If one is neither a number nor `null`.
pub fn numbers_or_nan<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let numbers: Vec<Option<f64>> = Deserialize::deserialize(from)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Found {
        #[serde(deserialize_with = "number_or_nan")]
        swd: f64,
        #[serde(deserialize_with = "numbers_or_nan")]
        losses: Vec<f64>,
    }

    fn runs(folder: &Path, settings: u64) -> Runs<u64> {
        let compute = Compute { device: Device::Cpu, kind: Kind::Float };
        Runs::open("test", "wild", Some(folder.to_path_buf()), compute, settings).unwrap()
    }

    #[test]
    fn a_run_is_made_once_even_if_it_diverged() {
        let folder = tempfile::tempdir().unwrap();
        let at_hand = runs(folder.path(), 7);
        let found = |swd: f64| Found { swd, losses: vec![swd, 2.0] };
        let made = |swd: f64| at_hand.record("wild", 3, || Ok(found(swd))).unwrap();
        assert!(made(f64::NAN).found.swd.is_nan());
        let kept = made(1.0);
        assert!(kept.found.swd.is_nan() && kept.variant == "wild" && kept.seed == 3);
        assert!(kept.found.losses[0].is_nan() && kept.found.losses[1] == 2.0);

        // A run that failed leaves nothing behind.
        let failed = at_hand.record::<Found>("failed", 0, || anyhow::bail!("no"));
        assert_eq!(failed.err().unwrap().to_string(), "no");
        assert!(!folder.path().join("runs/failed-0.json").exists());

        let other = runs(folder.path(), 8).record("wild", 3, || Ok(found(1.0)));
        let error = format!("{:#}", other.err().unwrap());
        assert!(error.contains("wild-3.json") && error.contains("other settings"), "{error}");
    }
}
