use std::fs;
use std::path::Path;

/// A mail in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The recipient.
    pub to: String,
    /// The subject, as the header has it.
    pub subject: String,
    /// The first address in the text.
    pub link: Option<String>,
    /// The whole file, with quoted-printable undone.
    pub text: String,
}

impl Mail {
    /// The link's token.
    pub fn token(&self) -> Option<String> {
        self.link.as_ref()?.split_once("token=").map(|(_, token)| token.to_owned())
    }

    /// All mails of an outbox, the oldest first.
    pub(crate) fn all(outbox: &Path) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(outbox) else { return Vec::new() };
        let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        files.iter().map(|file| Self::read(&fs::read(file).expect("a mail"))).collect()
    }

    fn read(bytes: &[u8]) -> Self {
        let text = unquoted(bytes);
        let header = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().trim_matches(['<', '>']).to_owned()
        };
        let link = text.split_whitespace().find(|word| word.starts_with("http")).map(str::to_owned);
        Self { to: header("To"), subject: header("Subject"), link, text: text.clone() }
    }
}

/// Undoes quoted-printable (RFC 2045, 6.7) wherever it stands.
fn unquoted(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        rest = match (first, hex, after) {
            (b'=', _, [b'\r', b'\n', tail @ ..]) => tail,
            (b'=', Some(byte), [_, _, tail @ ..]) => {
                plain.push(byte);
                tail
            }
            _ => {
                plain.push(*first);
                after
            }
        };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_as_its_recipient_sees_it() {
        let file = b"To: bob@x.test\r\nSubject: Invitation\r\n\r\nHi =E2=80=9CAcme=E2=80=9D\r\nhttp://h/a?token=3Dab=\r\ncd\r\nbye";
        let mail = Mail::read(file);
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("bob@x.test", "Invitation"));
        assert_eq!(mail.link.as_deref(), Some("http://h/a?token=abcd"));
        assert_eq!(mail.token().as_deref(), Some("abcd"));
        assert!(mail.text.contains("\u{201c}Acme\u{201d}"));
    }
}
