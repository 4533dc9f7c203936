use std::{error::Error, fmt, str::FromStr};

use lettre::message::Mailbox;

/// Who mails are from: `name@example.com` or `Name <name@example.com>` (RFC 5322, 3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(pub(crate) Mailbox);

/// The text is no sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSender;

impl fmt::Display for BadSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must look like name@example.com or Name <name@example.com>")
    }
}

impl Error for BadSender {}

impl FromStr for Sender {
    type Err = BadSender;

    fn from_str(text: &str) -> Result<Self, BadSender> {
        text.parse().ok().map(Self).ok_or(BadSender)
    }
}
