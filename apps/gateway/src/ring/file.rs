//! The text of a key ring's file.
//!
//! ```toml
//! active = "k20261122"
//! fingerprint = "32 bytes in standard base64"
//!
//! [keys]
//! k20261122 = "32 bytes in standard base64"
//! ```

use base64::{Engine, prelude::BASE64_STANDARD};
use byok_core::{BadRing, KeyRing, MasterKey, MasterKeyId};
use secrecy::zeroize::Zeroizing;
use toml::de::{DeTable, DeValue};

use crate::config::{ConfigError, page::Entry, page::Page};

const KNOWN: &[&str] = &["active", "fingerprint", "keys"];
const HEAD: &str = "\
# The key ring of Ops Center: the master keys that seal customers' provider keys. Whoever has this file and the database can read them
# all; without it nobody can. Keep a copy of it, apart from the database's backups. `ops-center keys` changes it.\n";
/// Base64 of 32 bytes.
const CHARACTERS: usize = 44;

/// Reads a ring. Everything that is wrong is told at once, with its line and field, and no part of a key. `origin` names the file.
pub(super) fn parse(text: &str, origin: &str) -> Result<KeyRing, ConfigError> {
    let mut page = Page::new(text, origin);
    if text.trim().is_empty() {
        page.complain(1, "it is empty: restore it from its backup".to_owned());
        return page.end(None).and_then(whole);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        page.syntax(error);
    }
    let ring = if errors.is_empty() { ring(&mut page, table.get_ref()) } else { None };
    page.end(ring).and_then(whole)
}

/// Nothing is missing without having been complained of.
fn whole(ring: Option<KeyRing>) -> Result<KeyRing, ConfigError> {
    ring.ok_or_else(|| ConfigError::Rejected("the key ring cannot be read".to_owned()))
}

fn ring(page: &mut Page<'_>, table: &DeTable<'_>) -> Option<KeyRing> {
    let top = Entry::top(table, KNOWN);
    top.refuse_unknown(page);
    let active = top.required(page, "active");
    let active = active.and_then(|id| {
        id.parse().map_err(|wrong: byok_core::BadMasterKeyId| top.refuse(page, "active", &wrong.to_string())).ok()
    });
    for field in ["fingerprint", "keys"] {
        if !top.has(field) {
            top.refuse(page, field, "is missing");
        }
    }
    let fingerprint = master_key(page, &top, "fingerprint");
    let listed = top.table(page, "keys")?;
    let mut keys = Vec::new();
    for name in listed.names() {
        let id =
            name.parse().map_err(|wrong: byok_core::BadMasterKeyId| listed.refuse(page, name, &wrong.to_string())).ok();
        keys.extend(id.zip(master_key(page, &listed, name)));
    }
    let (active, fingerprint): (MasterKeyId, MasterKey) = (active?, fingerprint?);
    if !page.is_good() {
        return None;
    }
    let reused = keys.iter().any(|(_, key)| key.expose() == fingerprint.expose());
    if reused {
        top.refuse(page, "fingerprint", "must not be one of the keys");
    }
    match KeyRing::new(active, keys, fingerprint) {
        Ok(ring) => Some(ring),
        Err(BadRing::NoActive(id)) => {
            top.refuse(page, "active", &format!("[keys] has no {id}"));
            None
        }
        Err(BadRing::Twice(id)) => {
            listed.refuse(page, id.as_str(), "is the same key as another one of the ring");
            None
        }
    }
}

/// 32 bytes that somebody has filled.
fn master_key(page: &mut Page<'_>, entry: &Entry<'_>, field: &str) -> Option<MasterKey> {
    let text = entry.value(page, field, "text", DeValue::as_str)?;
    let decoded = BASE64_STANDARD.decode(text).map(Zeroizing::new);
    let bits = decoded.as_ref().ok().map(|bytes| <[u8; 32]>::try_from(bytes.as_slice()));
    let why = match (&decoded, bits) {
        (Ok(bytes), Some(Err(_))) => format!("has {} bytes: it must have 32", bytes.len()),
        (_, Some(Ok(bits))) => match MasterKey::new(bits) {
            Some(key) => return Some(key),
            None => "is all zeros: it was never filled".to_owned(),
        },
        _ => format!("must be 32 bytes in standard base64 (RFC 4648, 4): {CHARACTERS} characters"),
    };
    entry.refuse(page, field, &why);
    None
}

/// Writes a ring, in a buffer that is wiped when it is dropped and never moves while it grows.
pub(super) fn format(ring: &KeyRing) -> Zeroizing<String> {
    let lines = ring.iter().count() + 2;
    let mut text = Zeroizing::new(String::with_capacity(HEAD.len() + lines * (MasterKeyId::MAX + CHARACTERS + 32)));
    text.push_str(HEAD);
    text.push_str("active = \"");
    text.push_str(ring.active().as_str());
    text.push_str("\"\nfingerprint = \"");
    BASE64_STANDARD.encode_string(ring.fingerprint().expose(), &mut text);
    text.push_str("\"\n\n[keys]\n");
    for (id, key) in ring.iter() {
        text.push_str(id.as_str());
        text.push_str(" = \"");
        BASE64_STANDARD.encode_string(key.expose(), &mut text);
        text.push_str("\"\n");
    }
    text
}
