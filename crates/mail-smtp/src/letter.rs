//! What the mail says.

use chrono::SecondsFormat;
use kernel::{Ambient, Email, StoreError};
use lettre::{
    Message,
    message::{Mailbox, MessageBuilder, MultiPart},
};
use org_core::{Invitation, InvitationToken};

/// The longest name that is shown, in characters.
const MAX_NAME: usize = 100;

/// Everything an invitation's mail is made from.
pub(crate) struct Letter<'a> {
    pub(crate) invitation: &'a Invitation,
    pub(crate) link: String,
    pub(crate) org_name: String,
    pub(crate) inviter: String,
}

impl<'a> Letter<'a> {
    /// Takes the parts, with the names made harmless.
    pub(crate) fn new(
        invitation: &'a Invitation,
        token: &InvitationToken,
        public_url: &str,
        org_name: &str,
        inviter: &str,
    ) -> Self {
        let base = public_url.trim_end_matches('/');
        Self {
            invitation,
            // A token is hexadecimal: it stands in a query as it is.
            link: format!("{base}/invitations/accept?token={}", token.expose()),
            org_name: one_line(org_name),
            inviter: one_line(inviter),
        }
    }

    /// Writes the message.
    pub(crate) fn render(&self, from: &Mailbox, ambient: &Ambient) -> Result<Message, StoreError> {
        envelope(from, &self.invitation.email, ambient)?
            .subject(format!("Invitation to join {}", as_written(&self.org_name)))
            .multipart(MultiPart::alternative_plain_html(self.plain(), self.html()))
            .map_err(StoreError::broken)
    }

    fn plain(&self) -> String {
        let Self { link, org_name, inviter, .. } = self;
        let (role, until) = (self.role(), self.until());
        format!(
            "Hello,\n\n\
            {inviter} invites you to join the organization \u{201c}{org_name}\u{201d} in the role {role}.\n\n\
            Accept the invitation here:\n{link}\n\n\
            The invitation ends at {until}. If you do not know the sender, ignore this mail: nothing happens.\n"
        )
    }

    fn html(&self) -> String {
        let (link, org_name, inviter) = (escape(&self.link), escape(&self.org_name), escape(&self.inviter));
        let (role, until) = (escape(&self.role()), escape(&self.until()));
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Invitation</title></head>\n<body>\n\
            <p>Hello,</p>\n\
            <p>{inviter} invites you to join the organization \u{201c}{org_name}\u{201d} in the role {role}.</p>\n\
            <p><a href=\"{link}\">Accept the invitation</a></p>\n\
            <p>Or copy this address into your browser:<br>{link}</p>\n\
            <p>The invitation ends at {until}. If you do not know the sender, ignore this mail: nothing happens.</p>\n\
            </body></html>\n"
        )
    }

    fn role(&self) -> String {
        self.invitation.role.as_str().replace('_', " ")
    }

    /// RFC 3339, UTC.
    fn until(&self) -> String {
        self.invitation.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// Sender, recipient, date and a name of its own.
pub(crate) fn envelope(from: &Mailbox, to: &Email, ambient: &Ambient) -> Result<MessageBuilder, StoreError> {
    let to = to.as_str().parse().map_err(StoreError::broken)?;
    let id: String = ambient.random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .date(ambient.now().into())
        .message_id(Some(format!("<{id}@{}>", from.email.domain()))))
}

/// One line of visible text: white space and controls become single spaces, and nothing can turn the reading direction
/// (UAX 9) of what follows.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).chars().take(MAX_NAME).collect()
}

/// The same of any length.
pub(crate) fn visible(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let spaced: String = text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For headers: what looks like an encoded word (RFC 2047) would be decoded by its reader into what [`one_line`] took out.
pub(crate) fn as_written(text: &str) -> String {
    text.replace("=?", "= ?")
}

/// For text and quoted attributes of HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
