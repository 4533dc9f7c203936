use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Writes text to standard output. A reader that has seen enough (`| head`) is no failure.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Runtime(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a value to standard output as indented JSON.
pub(super) fn say_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Runtime(error.to_string()))?;
    say(&(text + "\n"))
}

/// Writes what should be looked at to standard error.
pub(super) fn warn(what: &str) -> Result<(), Failure> {
    let written = writeln!(io::stderr().lock(), "ops-center: warning: {what}");
    written.map_err(|error| Failure::Runtime(format!("standard error cannot be written: {error}")))
}

/// Writes a failure to standard error.
pub(super) fn complain(failure: &Failure) -> io::Result<()> {
    writeln!(io::stderr().lock(), "ops-center: {failure}")
}
