use std::{fmt, str::FromStr};

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// The text is not an e-mail address that we can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address of the form name@example.com")]
pub struct BadEmail;

/// An e-mail address: as it was written, for display, and in one canonical form, for uniqueness.
///
/// Two addresses are the same person's when their canonical forms agree: NFKC and full case folding of the local part,
/// UTS 46 of the domain. An address never is the key of an identity.
#[derive(Debug, Clone)]
pub struct Email {
    shown: String,
    canonical: String,
}

impl Email {
    /// The longest address, in bytes (RFC 5321, 4.5.3.1.3).
    pub const MAX_BYTES: usize = 254;
    /// The longest local part, in bytes (RFC 5321, 4.5.3.1.1).
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Reads an address; white space around it is not part of it.
    pub fn parse(text: &str) -> Result<Self, BadEmail> {
        let shown = text.trim();
        let (local, domain) = shown.rsplit_once('@').ok_or(BadEmail)?;
        if shown.len() > Self::MAX_BYTES || local.len() > Self::MAX_LOCAL_BYTES {
            return Err(BadEmail);
        }
        let canonical = format!("{}@{}", canonical_local(local)?, canonical_domain(domain)?);
        if canonical.len() > Self::MAX_BYTES { Err(BadEmail) } else { Ok(Self { shown: shown.to_owned(), canonical }) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form under which it is unique.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The canonical domain, behind the `@`.
    pub fn domain(&self) -> &str {
        self.canonical.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Unquoted local parts only (RFC 5321 dot-atom, RFC 6531 for what is not ASCII): no spaces, no controls, no headers to break.
fn canonical_local(local: &str) -> Result<String, BadEmail> {
    let folded: String = local.nfkc().default_case_fold().nfkc().collect();
    let dots = folded.starts_with('.') || folded.ends_with('.') || folded.contains("..");
    let plain = folded.chars().all(|c| if c.is_ascii() { atom(c) } else { c.is_alphanumeric() });
    if folded.is_empty() || dots || !plain { Err(BadEmail) } else { Ok(folded) }
}

fn atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn canonical_domain(domain: &str) -> Result<String, BadEmail> {
    let ascii = idna::domain_to_ascii_strict(domain).ok().ok_or(BadEmail)?;
    let labels = ascii.split('.').count();
    if labels < 2 || ascii.ends_with('.') || ascii.len() > 253 { Err(BadEmail) } else { Ok(ascii) }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}
impl Eq for Email {}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl FromStr for Email {
    type Err = BadEmail;
    fn from_str(text: &str) -> Result<Self, BadEmail> {
        Self::parse(text)
    }
}
