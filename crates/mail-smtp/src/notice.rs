use async_trait::async_trait;
use kernel::{Ambient, Email, StoreError};
use lettre::{
    Message,
    message::{Mailbox, SinglePart},
};

use crate::letter::{as_written, envelope, one_line, visible};

/// A mail that tells somebody something: plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom.
    pub to: Email,
    /// The subject; at most 100 characters of it are shown.
    pub subject: String,
    /// What it says. Each paragraph becomes one line of visible text: what strangers wrote cannot add another.
    pub paragraphs: Vec<String>,
}

impl Notice {
    /// Writes the message.
    pub(crate) fn render(&self, from: &Mailbox, ambient: &Ambient) -> Result<Message, StoreError> {
        let lines: Vec<String> = self.paragraphs.iter().map(|paragraph| visible(paragraph)).collect();
        envelope(from, &self.to, ambient)?
            .subject(as_written(&one_line(&self.subject)))
            .singlepart(SinglePart::plain(lines.join("\n\n")))
            .map_err(StoreError::broken)
    }
}

/// Sends notices.
#[async_trait]
pub trait NoticeMail: Send + Sync {
    /// Sends the notice, or says why it could not.
    async fn notify(&self, notice: &Notice) -> Result<(), StoreError>;
}
