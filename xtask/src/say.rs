//! Standard output, which has what was asked for; what is told on the way goes to standard error.

use std::fmt::Display;
use std::io::Write;

/// Prints a line to standard output. A reader that has gone away (`| head`) is no error.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
