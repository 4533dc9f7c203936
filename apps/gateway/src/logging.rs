//! The log: to standard error, so that standard output stays what was asked for.

use std::io::IsTerminal;

use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigError, Format, Log};

/// Begins to log. Once in a process; a second call changes nothing.
pub(crate) fn start(log: &Log) -> Result<(), ConfigError> {
    let terminal = std::io::stderr().is_terminal();
    let base = tracing_subscriber::fmt().with_env_filter(log.filter()?).with_writer(std::io::stderr);
    let text = match log.format {
        Format::Auto => terminal,
        Format::Text => true,
        Format::Json => false,
    };
    let started = if text {
        base.with_ansi(terminal).finish().try_init()
    } else {
        base.json().flatten_event(true).with_span_list(false).finish().try_init()
    };
    // An error only says that this process logs already.
    started.ok();
    Ok(())
}
