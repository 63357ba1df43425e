//! What a reader sees while the trials are made.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::record::{Record, Row};
use crate::trials::Trial;

/// A bar over all trials with the time left, and a line for each trial that is made.
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    begun: Instant,
    /// What each trial to come costs, by [`Trial::cost`]; the first is going on.
    costs: Vec<f64>,
    spent: f64,
    all: f64,
    /// Of each trial.
    steps: u64,
    last_line: Cell<Instant>,
    announced: bool,
}

/// Time between two lines of a trial that is going on, where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The bar's length: thousandths of the whole.
const LENGTH: u64 = 1000;

impl Progress {
    /// For trials of so many steps that cost so much each, in any unit.
    pub fn new(costs: Vec<f64>, steps: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let template = "{wide_bar} {msg} · {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = if terminal {
            ProgressBar::new(LENGTH).with_style(style)
        } else {
            ProgressBar::hidden()
        };
        bar.enable_steady_tick(Duration::from_millis(500));
        let all = costs.iter().sum();
        let begun = Instant::now();
        let last_line = Cell::new(begun);
        let (spent, announced) = (0.0, false);
        Progress { bar, terminal, begun, costs, spent, all, steps, last_line, announced }
    }

    /// Shows a step of the trial that is going on.
    pub fn step(&self, trial: &Trial, row: &Row) {
        let Row { step, d_loss, g_loss, g_gradient, .. } = row;
        let message = format!(
            "{} · {step} · d_loss {d_loss:.3}  g_loss {g_loss:.3}  gradient {g_gradient:.1e}",
            trial.name
        );
        let of_this = self.costs.first().copied().unwrap_or(0.0);
        let spent = self.spent + of_this * *step as f64 / self.steps as f64;
        self.bar.set_position((spent / self.all * LENGTH as f64) as u64);
        if !self.terminal && self.last_line.get().elapsed() > LINE_EVERY {
            self.last_line.set(Instant::now());
            eprintln!("{message}");
        }
        self.bar.set_message(message);
    }

    /// Shows what a trial came to, and after the first how long the rest will take.
    pub fn made(&mut self, record: &Record) {
        if !self.costs.is_empty() {
            self.spent += self.costs.remove(0);
        }
        self.last_line.set(Instant::now());
        self.bar.set_position((self.spent / self.all * LENGTH as f64) as u64);
        let summary = record.summary();
        self.line(&format!(
            "{:<24} seed {}  distance {:6.1}  spread {:4.2}  gradient {:8.1e}  D right {:3.0} % / {:3.0} %  {:5.1} s",
            record.result.trial,
            record.result.seed,
            summary.swd,
            summary.spread,
            summary.g_gradient,
            100.0 * summary.d_real,
            100.0 * summary.d_fake,
            record.result.seconds
        ));
        if !self.announced {
            self.announced = true;
            let minutes = self.begun.elapsed().as_secs_f64() / 60.0 * self.all / self.spent;
            self.line(&format!("takes      about {minutes:.1} minutes on this machine"));
        }
    }

    fn line(&self, line: &str) {
        if self.terminal { self.bar.println(line) } else { eprintln!("{line}") }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
