//! The log: to standard error, so that standard output stays what was asked for.

use std::io::{self, BufWriter, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigError, Format, Log};

/// So many lines may wait to be written; the room for them is taken at once (32 bytes each, and what they say).
const WAITING: usize = 4096;
/// So many bytes are written at once when lines come fast; a line alone is written at once.
const BUFFER: usize = 64 * 1024;

/// Begins to log, until what it answers with is dropped: then the last lines are written. Once in a process; a second call changes
/// nothing.
///
/// Lines are written by a thread of their own, so that a request does not wait for the terminal or the pipe. When that thread falls far
/// behind, requests wait: no line is lost.
pub(crate) fn start(log: &Log) -> Result<WorkerGuard, ConfigError> {
    let terminal = io::stderr().is_terminal();
    let buffer = BufWriter::with_capacity(BUFFER, io::stderr());
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).buffered_lines_limit(WAITING).finish(buffer);
    let base = tracing_subscriber::fmt().with_env_filter(log.filter()?).with_writer(writer);
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
    Ok(guard)
}
