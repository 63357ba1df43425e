//! How far are generated images from real ones that the networks never saw?

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::{Device, Kind, Tensor};

use crate::ImageSet;
use crate::cli::{EvaluateArgs, say};
use crate::config::{Config, load_images};
use crate::coverage::{Coverage, class_names, coverage};
use crate::sheet;
use crate::stats::{evenly_spaced, median};
use crate::swd::{Swd, distances};

/// The real images of a comparison.
pub struct Comparison {
    /// All that there are.
    pub images: ImageSet,
    /// Which of them are compared with: held-out ones, evenly spread over all.
    pub held_out: Vec<usize>,
    /// As many that were trained on.
    training: Vec<usize>,
    data: String,
}

/// What a comparison finds. All distances are from the same held-out images.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The images compared with.
    pub data: String,
    /// Number of images on either side.
    pub images: usize,
    /// Of generated images.
    pub swd: Swd,
    /// Of other real images: what nothing can be expected to beat.
    pub floor: Swd,
    /// Of what the generator drew before it was trained.
    pub untrained: Swd,
    /// `swd.mean / floor.mean`.
    pub times_floor: f64,
    /// How near training images are, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// How many of the classes are drawn, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// How far the nearest training image is, as the root mean square difference of pixels in grey levels from 0 to 255; medians.
///
/// A generator that has learnt images by heart is nearer to them than other real images are. (The reverse does not hold: blurred
/// images are near to many.)
#[derive(Debug, Serialize)]
pub struct Nearest {
    /// From generated images.
    pub generated: f64,
    /// From held-out real ones.
    pub held_out: f64,
}

impl Comparison {
    /// Reads the images that `evaluate` was asked to compare with: those of the run, or others.
    ///
    /// # Errors
    /// If they cannot be read, too few are held out, the picture of the nearest ones cannot be written where it is wanted, or the
    /// classes are to be counted of images that have none.
    pub fn open<S>(config: &Config<S>, args: &EvaluateArgs) -> Result<Comparison>
    where
        S: Clone + Serialize + DeserializeOwned,
    {
        let mut config = config.clone();
        if let Some(data) = &args.data {
            config.schedule.data.clone_from(data);
        }
        let data = config.schedule.data.clone();
        let images = load_images(&config)?;
        // Sooner than after minutes.
        if args.coverage {
            class_names(&images).with_context(|| data.clone())?;
        }
        args.nearest.as_deref().map_or(Ok(()), sheet::verify_path)?;
        let (held_out, training) = (images.held_out(), images.training());
        let n = held_out.len().min(training.len()).min(args.count as usize);
        ensure!(n >= 8, "{data}: only {n} images were held out; a comparison needs at least 8");
        eprintln!("comparing {n} generated images with {n} held-out ones of {data}");
        let [held_out, training] = [held_out, training].map(|all| evenly_spaced(&all, n));
        Ok(Comparison { images, held_out, training, data })
    }

    /// Compares what a generator draws, and what it drew before it was trained, with the held-out images: as many,
    /// `[held_out.len(), channels, side, side]` in `[-1, 1]`. `draw` draws more, where that is asked for.
    ///
    /// # Errors
    /// If the picture of the nearest training images cannot be written, or the classes of images are to be counted that have none.
    pub fn report(
        &self,
        generated: &Tensor,
        untrained: &Tensor,
        args: &EvaluateArgs,
        draw: impl FnOnce(i64) -> Tensor,
    ) -> Result<Report> {
        let batch = |indices: &[usize]| self.images.batch(indices, Device::Cpu, Kind::Float);
        let others = [generated, &batch(&self.training), untrained];
        let found = distances(&batch(&self.held_out), &others, args.seed);
        let [swd, floor, untrained]: [Swd; 3] = found.try_into().expect("three sets were compared");
        let times_floor = swd.mean / floor.mean;
        let images = self.held_out.len();
        let nearest =
            args.nearest.as_ref().map(|path| self.nearest(generated, path)).transpose()?;
        let device = args.device.resolve()?;
        let count = || coverage(&self.images, draw, device);
        let coverage = args.coverage.then(count).transpose().with_context(|| self.data.clone())?;
        let data = self.data.clone();
        Ok(Report { data, images, swd, floor, untrained, times_floor, nearest, coverage })
    }

    /// Looks for the nearest training image of each generated and each held-out image, and writes a picture of some generated ones,
    /// each with its nearest below it.
    fn nearest(&self, generated: &Tensor, picture: &Path) -> Result<Nearest> {
        const COLUMNS: i64 = 8;
        let real = self.images.batch(&self.held_out, Device::Cpu, Kind::Float);
        let training = self.images.training();
        let (places, generated_distances) = self.images.nearest(generated, &training);
        let (_, held_out_distances) = self.images.nearest(&real, &training);

        let shown = (generated.size()[0] / COLUMNS).min(4) * COLUMNS; // whole rows
        let found = self.images.batch(&places[..shown as usize], Device::Cpu, Kind::Float);
        let pairs = generated.narrow(0, 0, shown);
        let rows = pairs.split(COLUMNS, 0).into_iter().zip(found.split(COLUMNS, 0));
        let rows: Vec<Tensor> = rows.flat_map(|(above, below)| [above, below]).collect();
        sheet::save_sheet(&Tensor::cat(&rows, 0), COLUMNS as u32, picture)?;
        let [generated, held_out] = [generated_distances, held_out_distances].map(median);
        Ok(Nearest { generated, held_out })
    }
}

impl Report {
    /// Prints a table.
    pub fn print(&self) {
        say("sliced Wasserstein distance × 10³ from held-out images; 0 is best");
        let sides: Vec<String> =
            self.swd.levels.iter().map(|level| format!("{:>4} px", level.side)).collect();
        say(format!("{:<22}{}     mean", "", sides.join("  ")));
        let rows = [
            ("generated", &self.swd),
            ("other real images", &self.floor),
            ("untrained generator", &self.untrained),
        ];
        for (name, swd) in rows {
            let levels: Vec<String> =
                swd.levels.iter().map(|level| format!("{:>7.1}", level.distance)).collect();
            say(format!("{name:<22}{}  {:>7.1}", levels.join("  "), swd.mean));
        }
        say(format!(
            "generated images are {:.1} times as far as other real ones",
            self.times_floor
        ));
        if let Some(Nearest { generated, held_out }) = self.nearest {
            say(format!(
                "the nearest training image is {generated:.1} grey levels from a generated image and {held_out:.1} from a held-out one (medians)"
            ));
        }
        if let Some(found) = &self.coverage {
            let Coverage { classes, drawn, of_held_out, classifier, recognised, .. } = found;
            say(format!(
                "{drawn} of {classes} classes are drawn ({of_held_out} among held-out images); a classifier that is right about {:.1} % of these is at least half sure of {:.1} % of the generated ones",
                100.0 * classifier,
                100.0 * recognised
            ));
            if !found.missing.is_empty() {
                say(format!("not drawn: {}", found.missing.join(", ")));
            }
        }
    }
}
