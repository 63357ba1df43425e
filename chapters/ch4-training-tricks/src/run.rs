//! A trial that is going on: its batches, its measurements, its log. The counterpart of the other chapters' `toolkit::Run`.

use std::ops::RangeInclusive;
use std::time::Instant;

use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor};
use toolkit::cli::Interrupted;
use toolkit::stats::evenly_spaced;
use toolkit::swd::distances;
use toolkit::{Batches, Compute, ImageSet, interrupt, noise};

use crate::record::{Record, Row, TrialResult};
use crate::train::{Drawn, Judged};
use crate::trials::Trial;

/// What all trials of an experiment have in common.
pub struct Bench {
    /// The images.
    pub images: ImageSet,
    /// Where everything is computed, in f32.
    pub compute: Compute,
    /// Turns of the generator in each trial.
    pub steps: u64,
    /// Measurements in each trial, evenly spaced; the last is at its end.
    pub looks: u64,
    /// Images on either side of a measurement.
    pub measured: usize,
}

/// A trial that is going on.
pub struct TrialRun<'a> {
    bench: &'a Bench,
    trial: &'a Trial,
    seed: u64,
    batches: Batches,
    next_batch: u64,
    rows: Vec<Row>,
    /// `(step, images)`, measured together at the end.
    looks: Vec<(u64, Tensor)>,
    begun: Instant,
    on_step: &'a dyn Fn(&Row),
}

impl<'a> TrialRun<'a> {
    /// Begins a trial. `on_step` is told of every step.
    ///
    /// # Errors
    /// If a batch is larger than the set of images.
    pub fn begin(
        bench: &'a Bench,
        trial: &'a Trial,
        seed: u64,
        on_step: &'a dyn Fn(&Row),
    ) -> Result<Self> {
        let batch_size = trial.settings.batch_size as usize;
        let batches = Batches::new(bench.images.training(), batch_size, seed)
            .with_context(|| trial.name.to_string())?;
        let begun = Instant::now();
        let (rows, looks) = (Vec::new(), Vec::new());
        Ok(TrialRun { bench, trial, seed, batches, next_batch: 0, rows, looks, begun, on_step })
    }

    /// Where to compute.
    pub fn compute(&self) -> Compute {
        self.bench.compute
    }

    /// Channels of the images, 1 or 3.
    pub fn channels(&self) -> i64 {
        self.bench.images.channels() as i64
    }

    /// The numbers of the steps, counted from 1.
    pub fn steps(&self) -> RangeInclusive<u64> {
        1..=self.bench.steps
    }

    /// Makes the random numbers of this step a function of the seed and the step, and so of nothing that another trial did before.
    pub fn begin_step(&self, step: u64) {
        noise::seed_step(self.seed, step);
    }

    /// The next batch of real images, `[batch, channels, 32, 32]` in `[-1, 1]`.
    pub fn real_batch(&mut self) -> Tensor {
        let Compute { device, kind } = self.bench.compute;
        let indices = self.batches.indices(self.next_batch);
        self.next_batch += 1;
        self.bench.images.batch(indices, device, kind)
    }

    /// Takes the numbers of a step.
    ///
    /// # Errors
    /// [`Interrupted`] if Ctrl-C was pressed: half a trial is not kept.
    pub fn end_step(&mut self, step: u64, judged: &Judged, drawn: &Drawn) -> Result<()> {
        let number = |tensor: &Tensor| tensor.double_value(&[]);
        let row = Row {
            step,
            d_loss: number(&judged.loss),
            g_loss: number(&drawn.loss),
            g_gradient: number(&drawn.gradient),
            g_moved: number(&drawn.moved),
            d_real: number(&judged.right_on_real),
            d_fake: number(&judged.right_on_fake),
            swd: None,
            spread: None,
        };
        (self.on_step)(&row);
        self.rows.push(row);
        if interrupt::requested() { Err(Interrupted.into()) } else { Ok(()) }
    }

    /// Whether what the generator draws is to be measured after this step; step 0 is before the first.
    pub fn look_due(&self, step: u64) -> bool {
        let every = (self.bench.steps / self.bench.looks).max(1);
        step == self.bench.steps || step.is_multiple_of(every)
    }

    /// How many images to draw for a measurement.
    pub fn look_at(&self) -> i64 {
        self.bench.measured as i64
    }

    /// Takes images for a measurement, always from the same noise.
    pub fn look(&mut self, step: u64, images: &Tensor) {
        self.looks.push((step, images.to_device(Device::Cpu)));
    }

    /// Measures what was drawn and ends the trial. Also gives the last images that were looked at.
    pub fn finish(mut self) -> (Record, Tensor) {
        let Bench { images, measured, steps, .. } = self.bench;
        let pick = |indices: Vec<usize>| {
            images.batch(&evenly_spaced(&indices, *measured), Device::Cpu, Kind::Float)
        };
        let (held_out, real) = (pick(images.held_out()), pick(images.training()));
        let looks: Vec<&Tensor> = self.looks.iter().map(|(_, images)| images).collect();
        // The same seed in all trials: the same places in the images, and the same directions.
        let found = distances(&held_out, &[&[&real][..], &looks].concat(), 0);
        let distance = |look: usize| found[look + 1].mean;
        for (look, (step, images)) in self.looks.iter().enumerate() {
            if let Some(row) = self.rows.iter_mut().find(|row| row.step == *step) {
                row.swd = Some(distance(look));
                row.spread = Some(spread(images) / spread(&held_out));
            }
        }
        let result = TrialResult {
            trial: self.trial.name.into(),
            seed: self.seed,
            steps: *steps,
            settings: self.trial.settings.clone(),
            seconds: self.begun.elapsed().as_secs_f64(),
            swd_floor: found[0].mean,
            swd_untrained: distance(0),
        };
        let (_, images) = self.looks.pop().expect("a trial ends with a look");
        (Record { result, rows: self.rows }, images)
    }
}

/// How different `images: [n, channels, side, side]` are from each other: the mean square distance of their pixels from those
/// of the mean image. 0 for a generator that draws one image only.
pub fn spread(images: &Tensor) -> f64 {
    let mean = images.mean_dim(&[0i64][..], true, Kind::Float);
    (images - mean).square().mean(Kind::Float).double_value(&[])
}
