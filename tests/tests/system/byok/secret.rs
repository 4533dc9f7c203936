//! Looking for a secret where it must not be, in every form in which it could have got there.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What must not be found: runs of a secret, by their length.
pub(super) struct Canary {
    runs: BTreeMap<usize, HashSet<Vec<u8>>>,
    /// Whether a run begins with these two bytes.
    begins: Vec<bool>,
}

impl Canary {
    /// Every eight characters of these secrets: as they are, backwards, in base64 of either alphabet at each of its three offsets, in hex of
    /// either case, and as URLs have them.
    pub(super) fn of(secrets: &[&str]) -> Self {
        let mut canary = Self { runs: BTreeMap::new(), begins: vec![false; 1 << 16] };
        for secret in secrets {
            let backwards: String = secret.chars().rev().collect();
            canary.forbid(secret.as_bytes(), 8);
            canary.forbid(backwards.as_bytes(), 8);
            canary.forbid(url(secret, false).as_bytes(), 8);
            canary.forbid(url(secret, true).as_bytes(), 24);
            for text in [secret, backwards.as_str()] {
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                canary.forbid(hex.as_bytes(), 16);
                canary.forbid(hex.to_uppercase().as_bytes(), 16);
                for skipped in 0..3 {
                    // Whole groups of three only: what is beside the secret does not change these.
                    let part = &text.as_bytes()[skipped..];
                    let part = &part[..part.len() / 3 * 3];
                    canary.forbid(STANDARD_NO_PAD.encode(part).as_bytes(), 8);
                    canary.forbid(URL_SAFE_NO_PAD.encode(part).as_bytes(), 8);
                }
            }
        }
        canary
    }

    fn forbid(&mut self, form: &[u8], length: usize) {
        let runs = self.runs.entry(length).or_default();
        for run in form.windows(length) {
            self.begins[usize::from(run[0]) << 8 | usize::from(run[1])] = true;
            runs.insert(run.to_vec());
        }
    }

    /// The first few forbidden runs in these bytes, with what stands around them.
    pub(super) fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            if !self.begins[usize::from(pair[0]) << 8 | usize::from(pair[1])] {
                continue;
            }
            let forbidden = |(length, runs): (&usize, &HashSet<Vec<u8>>)| {
                bytes.get(at..at + length).is_some_and(|run| runs.contains(run))
            };
            if self.runs.iter().any(forbidden) {
                let around = &bytes[at.saturating_sub(120)..bytes.len().min(at + 60)];
                found.push(String::from_utf8_lossy(around).into_owned());
                if found.len() == 3 {
                    break;
                }
            }
        }
        found
    }

    /// Nothing of it is in these bytes.
    #[track_caller]
    pub(super) fn is_not_in(&self, place: &str, bytes: &[u8]) {
        let found = self.found_in(bytes);
        assert!(found.is_empty(), "{place} ({} bytes) has a piece of a key:\n{}", bytes.len(), found.join("\n---\n"));
    }
}

/// Percent-encoded: what is not unreserved (RFC 3986), or everything.
fn url(text: &str, all: bool) -> String {
    let plain = |byte: u8| !all && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = "sk-Q7/z+L=m~V_x2Rt9Yc5Wb8Nd";
    let canary = Canary::of(&[secret]);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let backwards: String = secret.chars().rev().collect();
    let mut forms = vec![secret.to_owned(), secret[5..13].to_owned(), hex.to_uppercase(), hex, backwards];
    forms.extend([url(secret, false), url(secret, true)]);
    for before in ["", "a", "ab"] {
        forms.push(STANDARD_NO_PAD.encode(format!("{before}{secret}")));
        forms.push(URL_SAFE_NO_PAD.encode(format!("{before}{secret}!")));
    }
    for form in forms {
        assert!(!canary.found_in(format!("before {form} behind").as_bytes()).is_empty(), "{form}");
    }
    assert!(canary.found_in(&secret.as_bytes()[..7]).is_empty());
    assert!(canary.found_in(b"nothing of interest, however long it is").is_empty());
}
