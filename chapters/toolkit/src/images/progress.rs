//! Says how far reading has come, once it has taken long enough for somebody to wonder.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Less than this is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Seconds between lines where there is no terminal.
const LINE_EVERY: u64 = 10;

/// A bar on the terminal, or now and then a line where there is none.
pub(super) struct Progress {
    started: Instant,
    total: u64,
    done: AtomicU64,
    /// `None` where standard error is no terminal.
    bar: Option<ProgressBar>,
    next_line: AtomicU64,
}

impl Progress {
    pub fn new(total: usize) -> Self {
        let total = total as u64;
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "reading images {bar:30} {human_pos} of {human_len}, {per_sec}, {eta} left";
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
                .with_style(ProgressStyle::with_template(style).expect("the template is right"))
        });
        let next_line = AtomicU64::new(LINE_EVERY);
        Progress { started: Instant::now(), total, done: AtomicU64::new(0), bar, next_line }
    }

    /// One image more; called from any thread.
    pub fn tick(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let elapsed = self.started.elapsed();
        match &self.bar {
            Some(bar) if elapsed > PATIENCE => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_position(done);
            }
            Some(_) => {}
            None => self.line(done, elapsed.as_secs()),
        }
    }

    fn line(&self, done: u64, seconds: u64) {
        let due = self.next_line.load(Ordering::Relaxed);
        let claim =
            |next| self.next_line.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        if seconds >= due && claim(seconds + LINE_EVERY).is_ok() {
            eprintln!("reading images: {done} of {}, {} a second", self.total, done / seconds);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
