//! Progress of what takes longer than a moment: a bar in a terminal, now and then a line elsewhere.

use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

/// How often a line is printed where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Counts bytes.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    total: u64,
    begun: Instant,
    last_line: Instant,
}

impl Progress {
    /// Starts to count; `total` may be a guess.
    pub fn bytes(what: impl Into<String>, total: u64) -> Self {
        let style =
            "  {msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}";
        let style = ProgressStyle::with_template(style).expect("the template is well formed");
        let (what, now) = (what.into(), Instant::now());
        let bar = ProgressBar::new(total).with_style(style).with_message(what.clone());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, what, total, begun: now, last_line: now }
    }

    /// Says how many bytes there are by now.
    pub fn set(&mut self, bytes: u64) {
        // The total may be a guess, and pip holds the last wheel twice for a moment.
        let bytes = bytes.min(self.total);
        self.bar.set_position(bytes);
        if self.bar.is_hidden() && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            eprintln!("  {}: {} of {}", self.what, DecimalBytes(bytes), DecimalBytes(self.total));
        }
    }

    /// Replaces the bar by a line that says what was done.
    pub fn done(self, bytes: u64) {
        self.bar.finish_and_clear();
        eprintln!("  {}: {} in {}", self.what, DecimalBytes(bytes), spoken(self.begun.elapsed()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A duration as one says it: `0.4 s`, `12 s`, `3 min 05 s`.
pub fn spoken(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 59.5 => format!("{s:.0} s"),
        s => format!("{} min {:02} s", s.round() as u64 / 60, s.round() as u64 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let said = [0.04, 9.96, 59.4, 59.6, 185.0].map(|s| spoken(Duration::from_secs_f64(s)));
        assert_eq!(said, ["0.0 s", "10 s", "59 s", "1 min 00 s", "3 min 05 s"]);
    }
}
