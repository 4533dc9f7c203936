use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on standard error, if that is a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// `12/300 THINGS VERB, 3s left`.
    pub(super) fn new(things: &str, verb: &str) -> Self {
        let bar = ProgressBar::new(0);
        // A template that could not be read leaves the library's own.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(format!("{things} {verb}"));
        Self(bar)
    }

    pub(super) fn show(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
