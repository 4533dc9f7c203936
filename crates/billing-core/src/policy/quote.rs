//! Quotes, sealed: what they say can be read by everybody and changed by nobody.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{OrgId, Timestamp};
use sha2::{Digest, Sha256};

use crate::{BadQuote, Cycle, Effective, Money, PaidSubscription, Quote};

/// How long a quote holds.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// What every quote begins with; another form will begin otherwise.
const FORM: &str = "q1";

/// What the key is used for, so that it proves nothing else.
const PURPOSE: &[u8] = b"ops-center quote v1\0";

/// The quote as a text: `q1.<what it says>.<HMAC-SHA256 of that>`, both in base64url.
pub fn seal(key: &[u8; 32], quote: &Quote) -> String {
    let said = BASE64.encode(said(quote));
    let proof = BASE64.encode(mac(key, &said).finalize().into_bytes());
    format!("{FORM}.{said}.{proof}")
}

/// Reads a quote that was made here for this organization and has not expired.
pub fn open(key: &[u8; 32], text: &str, org: OrgId, now: Timestamp) -> Result<Quote, BadQuote> {
    let mut parts = text.split('.');
    let (Some(FORM), Some(said), Some(proof), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(BadQuote::NotOurs);
    };
    let proof = BASE64.decode(proof).or(Err(BadQuote::NotOurs))?;
    mac(key, said).verify_slice(&proof).or(Err(BadQuote::NotOurs))?;
    let said = BASE64.decode(said).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(BadQuote::NotOurs)?;
    let quote = read(&said).filter(|quote| quote.org == org).ok_or(BadQuote::NotOurs)?;
    if now >= quote.expires_at { Err(BadQuote::Expired) } else { Ok(quote) }
}

/// What a quote is made upon, in short: the first twelve bytes of its SHA-256, in base64url.
pub fn basis(subscription: Option<&PaidSubscription>) -> String {
    let said = subscription.map_or_else(String::new, |it| {
        let (amount, status, cycle) = (it.amount, it.status.as_str(), it.cycle.as_str());
        let (start, end) = (it.period.start.timestamp_micros(), it.period.end.timestamp_micros());
        format!("{} {} {cycle} {amount} {status} {start} {end} {}", it.id, it.plan, it.cancel_at_period_end)
    });
    let digest = Sha256::digest(said.as_bytes());
    BASE64.encode(digest.first_chunk::<12>().map_or(&digest[..], |short| &short[..]))
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(key: &[u8; 32], said: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(PURPOSE);
    mac.update(said.as_bytes());
    mac
}

fn said(quote: &Quote) -> String {
    let Quote { org, basis, plan, cycle, effective, prorated_at, due, expires_at } = quote;
    let (cycle, effective, currency) = (cycle.as_str(), effective.as_str(), due.currency);
    let (prorated_at, expires_at) = (prorated_at.timestamp_micros(), expires_at.timestamp_micros());
    format!("{org} {basis} {plan} {cycle} {effective} {prorated_at} {} {currency} {expires_at}", due.minor)
}

fn read(said: &str) -> Option<Quote> {
    let mut words = said.split(' ');
    let mut word = || words.next();
    let quote = Quote {
        org: word()?.parse().ok()?,
        basis: word()?.to_owned(),
        plan: word()?.to_owned(),
        cycle: Cycle::parse(word()?)?,
        effective: Effective::parse(word()?)?,
        prorated_at: Timestamp::from_timestamp_micros(word()?.parse().ok()?)?,
        due: {
            let minor = word()?.parse().ok()?;
            Money::new(minor, word()?.parse().ok()?)
        },
        expires_at: Timestamp::from_timestamp_micros(word()?.parse().ok()?)?,
    };
    words.next().is_none().then_some(quote)
}

#[cfg(test)]
mod tests {
    use kernel::testing::manual_ambient;

    use super::*;

    #[test]
    fn a_quote_comes_back_as_it_was_made_and_only_whole() {
        let (_, ambient) = manual_ambient(1);
        let now = ambient.now();
        let quote = Quote {
            org: OrgId::mint(&ambient),
            basis: basis(None),
            plan: "professional".to_owned(),
            cycle: Cycle::Yearly,
            effective: Effective::Immediate,
            prorated_at: now,
            due: Money::new(-1500, "EUR".parse().unwrap_or_else(|_| unreachable!("a code"))),
            expires_at: now + LIFETIME,
        };
        let key = [7; 32];
        let sealed = seal(&key, &quote);
        assert_eq!(open(&key, &sealed, quote.org, now), Ok(quote.clone()));
        assert_eq!(open(&[8; 32], &sealed, quote.org, now), Err(BadQuote::NotOurs));
        assert_eq!(open(&key, &sealed, OrgId::mint(&ambient), now), Err(BadQuote::NotOurs));
        assert_eq!(open(&key, &sealed, quote.org, now + LIFETIME), Err(BadQuote::Expired));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap_or_default();
            // The last characters of base64 may say the same with other spare bits: those are refused, too.
            assert_eq!(open(&key, &changed, quote.org, now), Err(BadQuote::NotOurs), "{place}");
        }
        for wrong in ["", "q1", "q1..", "q2.a.b", "q1.a.b.c", &format!("{sealed}.")] {
            assert_eq!(open(&key, wrong, quote.org, now), Err(BadQuote::NotOurs), "{wrong}");
        }
    }
}
