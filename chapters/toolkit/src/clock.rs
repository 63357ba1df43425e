//! Where the time of a run goes.

use std::fmt;
use std::time::{Duration, Instant};

/// Where the time of a run goes.
pub struct Clock {
    lap: Instant,
    parts: Vec<(&'static str, Duration)>,
    /// When the last checkpoint was written.
    pub last_checkpoint: Instant,
    /// Seconds of training before this start of the program.
    pub trained_before: f64,
}

impl Clock {
    /// Starts counting.
    pub fn start() -> Clock {
        let now = Instant::now();
        Clock { lap: now, parts: Vec::new(), last_checkpoint: now, trained_before: 0.0 }
    }

    /// Books the time since the last call under a name.
    pub fn lap(&mut self, name: &'static str) {
        let spent = self.lap.elapsed();
        self.lap = Instant::now();
        match self.parts.iter_mut().find(|part| part.0 == name) {
            Some(part) => part.1 += spent,
            None => self.parts.push((name, spent)),
        }
    }

    /// Seconds of training, those before this start of the program included.
    pub fn trained(&self) -> f64 {
        let here = self.parts.iter().find(|part| part.0 == "training").map(|part| part.1);
        self.trained_before + here.unwrap_or_default().as_secs_f64()
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> =
            self.parts.iter().map(|(name, d)| format!("{name} {:.1} s", d.as_secs_f64())).collect();
        f.write_str(&shown.join(", "))
    }
}
