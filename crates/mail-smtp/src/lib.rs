//! Invitations by mail: two [`org_core::InvitationMail`]s that write the same message. Both are [`NoticeMail`]s too, for what else people
//! should know.
//!
//! [`OutboxMail`] is for a fresh installation, where no mail server is known: each mail becomes a file that only the operator can
//! read, and its link is logged at INFO. [`SmtpMail`] hands the mail to a server (RFC 5321), over TLS from the first byte or by a
//! STARTTLS that must succeed, within 10 s.
//!
//! The message is plain text with an HTML alternative that loads nothing. Names in it were written by strangers: they become one
//! line of visible text, at most 100 characters, are escaped in HTML and encoded in headers (RFC 2047), so none can add a header,
//! a line or a tag. Whoever holds the link can accept the invitation if the address is theirs: it goes to the invited person, and
//! to the log only from the outbox.
mod letter;
mod notice;
mod outbox;
mod sender;
mod smtp;

pub use self::{
    notice::{Notice, NoticeMail},
    outbox::OutboxMail,
    sender::{BadSender, Sender},
    smtp::{SmtpMail, SmtpOptions, SmtpTls},
};
