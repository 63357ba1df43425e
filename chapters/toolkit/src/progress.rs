//! What a reader sees while a network trains, or something else takes long.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// A bar with images per second, losses and the time left; on something that is not a terminal, a line now and then.
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    begun: Instant,
    first: u64,
    last: u64,
    images_per_step: f64,
    steps_per_epoch: u64,
    losses: String,
    last_line: Instant,
    announced: bool,
}

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The estimate of the whole time is made after so long, when the first steps' surprises have been averaged out.
const ANNOUNCE_AFTER: Duration = Duration::from_secs(5);

impl Progress {
    /// For a run that has made `first` of `last` steps.
    pub fn new(first: u64, last: u64, images_per_step: f64, steps_per_epoch: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let template = "{wide_bar} {pos}/{len} · {msg} · {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar =
            if terminal { ProgressBar::new(last).with_style(style) } else { ProgressBar::hidden() };
        bar.set_position(first);
        bar.reset_eta();
        let now = Instant::now();
        Progress {
            bar,
            terminal,
            begun: now,
            first,
            last,
            images_per_step,
            steps_per_epoch,
            losses: String::new(),
            last_line: now,
            announced: false,
        }
    }

    /// Takes up the latest losses.
    pub fn losses(&mut self, losses: &[(String, f64)]) {
        let shown: Vec<String> =
            losses.iter().map(|(name, value)| format!("{name} {value:.3}")).collect();
        self.losses = shown.join("  ");
    }

    /// Shows that `step` has been made.
    pub fn step(&mut self, step: u64) {
        let spent = self.begun.elapsed();
        let made = (step - self.first).max(1);
        let images_per_second = made as f64 * self.images_per_step / spent.as_secs_f64();
        let epoch = step as f64 / self.steps_per_epoch as f64;
        let message =
            format!("epoch {epoch:.1} · {images_per_second:.0} images/s · {}", self.losses);
        self.bar.set_message(message.clone());
        self.bar.set_position(step);
        let left = spent.mul_f64((self.last - step) as f64 / made as f64);
        if !self.announced && spent > ANNOUNCE_AFTER {
            self.announced = true;
            let whole = (spent + left).as_secs_f64() / 60.0;
            let line = format!("takes      about {whole:.1} minutes on this machine");
            if self.terminal { self.bar.println(line) } else { eprintln!("{line}") }
        }
        if !self.terminal && self.last_line.elapsed() > LINE_EVERY {
            self.last_line = Instant::now();
            eprintln!("{step}/{} · {message} · {} left", self.last, HumanDuration(left));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How far some work has come: a bar, or where there is no terminal, a line now and then. It goes when it is dropped.
pub struct Watch {
    name: String,
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Instant,
}

impl Watch {
    /// For work that begins, and is called so.
    pub fn begin(name: &str) -> Self {
        let name = name.to_string();
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{prefix} {wide_bar} {percent} % · {eta} left";
            let style = ProgressStyle::with_template(template).expect("a valid template");
            ProgressBar::new(1000).with_style(style).with_prefix(name.clone())
        });
        let now = Instant::now();
        Watch { name, bar, begun: now, last_line: now }
    }

    /// Shows which share of it is behind us.
    pub fn tell(&mut self, share: f64) {
        let share = share.clamp(1e-3, 1.0);
        if let Some(bar) = &self.bar {
            bar.set_position((1000.0 * share) as u64);
        } else if self.last_line.elapsed() > LINE_EVERY {
            self.last_line = Instant::now();
            let left = HumanDuration(self.begun.elapsed().mul_f64(1.0 / share - 1.0));
            eprintln!("{}: {:.0} %, {left} left", self.name, 100.0 * share);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
