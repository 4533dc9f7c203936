//! The bytes of a sealed secret: what they are, what they are bound to, and that no two share a key or a nonce.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use byok_core::policy::seal::{master_key_of, open, open_key, rewrap, seal};
use byok_core::testing::sample_ring;
use byok_core::{Binding, KeyRing, MasterKey, Purpose, Sealed, Undecryptable};
use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Ambient, OrgId, OsRng, ProviderKeyId, Rng};
use proptest::prelude::*;

use crate::world::{HOME, SECRET, World, endpoint, id, secret};

/// Made by another implementation (Python's `cryptography`) from the description in `policy::seal`.
const KNOWN_ANSWER: &str = "01096b3230323631313232da211e6a663bd37311aabecb779687f91c12b26ec2fd15bf3f1f51107724734784c0fce5fbe9d818351bd\
    5a2b6a88fbc4e3e0c6295b28f664e8059dcf6d0c233a1c4cb77febe023d2ddbe1941696a6a3b360d334257cc847e0411d71b3bdc13facac11f4b9ed58a355d51007\
    b3d9c358b8c3";

fn place() -> Binding {
    Binding {
        purpose: Purpose::ProviderKey,
        org: "org_01890000-0000-7000-8000-000000000001".parse().unwrap(),
        provider: id("custom"),
        id: "key_01890000-0000-7000-8000-000000000002".parse().unwrap(),
        version: 3,
        endpoint: Some(endpoint(HOME)),
    }
}

/// The master key is the bytes 1 to 32.
fn counted_ring(name: &str) -> KeyRing {
    let bits = |from: u8| MasterKey::new(std::array::from_fn(|n| from + u8::try_from(n).unwrap())).unwrap();
    KeyRing::new(name.parse().unwrap(), [(name.parse().unwrap(), bits(1))], bits(33)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn opened(ring: &KeyRing, place: &Binding, sealed: &Sealed) -> Result<String, Undecryptable> {
    open(ring, place, sealed).map(|secret| secret.expose().to_owned())
}

#[test]
fn known_answer() {
    let (ring, (_, ambient)) = (counted_ring("k20261122"), manual_ambient(7));
    let sealed = seal(&ring, &place(), &secret("sk-known-answer-0123456789"), &ambient).unwrap();
    assert_eq!(hex(sealed.as_bytes()), KNOWN_ANSWER);
    assert_eq!(opened(&ring, &place(), &sealed).unwrap(), "sk-known-answer-0123456789");
    assert_eq!(master_key_of(&sealed).unwrap().as_str(), "k20261122");
    assert_eq!(format!("{sealed:?}"), "Sealed(125 bytes)", "and nothing of it is printed");
}

#[test]
fn opens_at_its_place_only() {
    let (_, ambient) = manual_ambient(8);
    let ring = sample_ring(&ambient, &["k1", "k2"]);
    let here = place();
    let others = [
        ("purpose", Binding { purpose: Purpose::Rehearsal, ..here.clone() }),
        ("organization", Binding { org: OrgId::mint(&ambient), ..here.clone() }),
        ("provider", Binding { provider: id("openai"), ..here.clone() }),
        ("record", Binding { id: ProviderKeyId::mint(&ambient), ..here.clone() }),
        ("an earlier version", Binding { version: 2, ..here.clone() }),
        ("a later version", Binding { version: 4, ..here.clone() }),
        ("another endpoint", Binding { endpoint: Some(endpoint("https://sink.example.com/v1")), ..here.clone() }),
        ("another path", Binding { endpoint: Some(endpoint("https://models.example.com")), ..here.clone() }),
        ("no endpoint", Binding { endpoint: None, ..here.clone() }),
    ];
    let sealed = seal(&ring, &here, &secret(SECRET), &ambient).unwrap();
    assert_eq!(opened(&ring, &here, &sealed).unwrap(), SECRET);
    for (what, there) in others {
        assert_eq!(opened(&ring, &there, &sealed), Err(Undecryptable), "{what}, there");
        assert_eq!(rewrap(&ring, &there, &sealed, &ambient), Err(Undecryptable), "{what}, by a rotation");
        let sealed = seal(&ring, &there, &secret(SECRET), &ambient).unwrap();
        assert_eq!(opened(&ring, &there, &sealed).unwrap(), SECRET, "{what}");
        assert_eq!(opened(&ring, &here, &sealed), Err(Undecryptable), "{what}, here");
    }
}

#[test]
fn the_name_of_the_master_key_is_bound_too() {
    let (_, ambient) = manual_ambient(9);
    let sealed = seal(&counted_ring("ka"), &place(), &secret(SECRET), &ambient).unwrap();
    let mut renamed = sealed.as_bytes().to_vec();
    renamed[3] = b'b';
    let renamed = Sealed::from_bytes(renamed);
    assert_eq!(master_key_of(&renamed).unwrap().as_str(), "kb");
    assert_eq!(opened(&counted_ring("kb"), &place(), &renamed), Err(Undecryptable), "the same bits, another name");
    assert_eq!(opened(&counted_ring("kb"), &place(), &sealed), Err(Undecryptable), "a name that the ring lacks");
    assert_eq!(opened(&counted_ring("ka"), &place(), &sealed).unwrap(), SECRET);
}

#[tokio::test]
async fn a_record_names_the_master_key_that_its_bytes_name() {
    let w = World::new(10).await;
    let key = w.add("openai", SECRET).await.unwrap().key;
    let ring = byok_core::RingHolder::ring(&*w.ring);
    assert_eq!(open_key(&ring, &key).unwrap().expose(), SECRET);
    let odd = byok_core::ProviderKey { master_key: "k2".parse().unwrap(), ..key };
    assert!(open_key(&ring, &odd).is_err(), "a rotation to k2 would pass it by");
}

#[test]
fn no_bit_may_change() {
    let (_, ambient) = manual_ambient(11);
    let ring = sample_ring(&ambient, &["k1", "k0", "k3", "k5", "k9", "kq"]);
    let sealed = seal(&ring, &place(), &secret(SECRET), &ambient).unwrap();
    for bit in 0..sealed.as_bytes().len() * 8 {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = Sealed::from_bytes(bytes);
        assert_eq!(opened(&ring, &place(), &changed), Err(Undecryptable), "bit {bit}");
        // A rotation looks at the data key and carries the rest on: what it makes of a changed one opens no more than that.
        if let Ok(rewrapped) = rewrap(&ring, &place(), &changed, &ambient) {
            assert_eq!(opened(&ring, &place(), &rewrapped), Err(Undecryptable), "bit {bit}, after a rotation");
        }
    }
}

#[test]
fn nothing_may_be_missing_or_added() {
    let (_, ambient) = manual_ambient(12);
    let ring = sample_ring(&ambient, &["k1"]);
    let (here, text) = (place(), secret(SECRET));
    let (one, two) = (seal(&ring, &here, &text, &ambient).unwrap(), seal(&ring, &here, &text, &ambient).unwrap());
    let (a, b) = (one.as_bytes(), two.as_bytes());
    let fails = |bytes: &[u8], what: &str| {
        assert_eq!(opened(&ring, &here, &Sealed::from_bytes(bytes.to_vec())), Err(Undecryptable), "{what}");
    };
    for length in 0..a.len() {
        fails(&a[..length], &format!("its first {length} bytes"));
        fails(&a[a.len() - length..], &format!("its last {length} bytes"));
    }
    fails(&[a, &[0]].concat(), "a byte more");
    fails(&[a, b].concat(), "two of them");
    let cut = 2 + 2 + 12 + 32 + 16;
    fails(&[&a[..cut], &b[cut..]].concat(), "the data key of one, the secret of the other");
    for name in [&b""[..], b"K1", b"k 1", b"k\xff"] {
        let length = u8::try_from(name.len()).unwrap();
        fails(&[&[1, length], name, &a[4..]].concat(), "a name that is none");
    }
    let other = seal(&ring, &here, &secret(&"x".repeat(4096)), &ambient).unwrap();
    assert_eq!(opened(&ring, &here, &other).unwrap().len(), 4096, "the longest");
}

#[test]
fn a_rotation_wraps_the_data_key_and_leaves_the_secret() {
    let (_, ambient) = manual_ambient(13);
    let old = sample_ring(&ambient, &["k1"]);
    let ring = old.rotated("k2".parse().unwrap(), MasterKey::new(ambient.random()).unwrap()).unwrap();
    let sealed = seal(&old, &place(), &secret(SECRET), &ambient).unwrap();
    let new = rewrap(&ring, &place(), &sealed, &ambient).unwrap();
    let secret_part = |sealed: &Sealed| sealed.as_bytes()[2 + 2 + 12 + 32 + 16..].to_vec();
    assert_eq!(secret_part(&new), secret_part(&sealed));
    assert_ne!(new.as_bytes()[4..64], sealed.as_bytes()[4..64], "the data key is wrapped anew");
    assert_eq!(master_key_of(&new).unwrap(), *ring.active());
    for (ring, sealed) in [(&ring, &new), (&ring, &sealed), (&old, &sealed)] {
        assert_eq!(opened(ring, &place(), sealed).unwrap(), SECRET);
    }
    assert_eq!(opened(&old, &place(), &new), Err(Undecryptable), "the old ring has no k2");
    let rest = ring.without(old.active()).unwrap();
    assert_eq!(opened(&rest, &place(), &new).unwrap(), SECRET, "k1 is not needed any more");
    assert_eq!(opened(&rest, &place(), &sealed), Err(Undecryptable));
}

/// The machine's randomness, and which data keys it gave.
struct Heard(Mutex<Vec<[u8; 32]>>);

impl Rng for Heard {
    fn fill(&self, bytes: &mut [u8]) {
        OsRng.fill(bytes);
        if let Ok(key) = <[u8; 32]>::try_from(&*bytes) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        }
    }
}

#[test]
fn of_a_hundred_thousand_no_two_share_a_data_key_or_a_nonce() {
    const EACH: usize = 50_000;
    let ring = sample_ring(&Ambient::system(), &["k1"]);
    let heard = Arc::new(Heard(Mutex::default()));
    let ambient = Ambient::new(Arc::new(ManualClock::default()), heard.clone());
    let nonces = || -> Vec<[u8; 12]> {
        let (place, text) = (place(), secret(SECRET));
        let sealed = (0..EACH).map(|_| seal(&ring, &place, &text, &ambient).unwrap());
        let both = |sealed: Sealed| {
            let bytes = sealed.as_bytes();
            [bytes[4..16].try_into().unwrap(), bytes[64..76].try_into().unwrap()]
        };
        sealed.flat_map(both).collect()
    };
    let all: Vec<[u8; 12]> = std::thread::scope(|threads| {
        let two = [threads.spawn(nonces), threads.spawn(nonces)];
        two.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(all.len(), 4 * EACH);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "nonces");
    let keys = heard.0.lock().unwrap();
    assert_eq!(keys.len(), 2 * EACH, "a data key for each");
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "data keys");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_sealed_opens(text in "[!-~]{10,200}", seed: u64) {
        let (_, ambient) = manual_ambient(seed);
        let ring = sample_ring(&ambient, &["k1"]);
        let sealed = seal(&ring, &place(), &secret(&text), &ambient).unwrap();
        prop_assert_eq!(opened(&ring, &place(), &sealed).unwrap(), text.clone());
        prop_assert_eq!(sealed.as_bytes().len(), 2 + 2 + 12 + 48 + 12 + text.len() + 16);
    }

    #[test]
    fn whatever_bytes_there_are_nothing_opens_or_panics(bytes: Vec<u8>, named: bool) {
        let (_, ambient) = manual_ambient(1);
        let ring = sample_ring(&ambient, &["k1"]);
        let bytes = if named { [&[1, 2, b'k', b'1'], &bytes[..]].concat() } else { bytes };
        prop_assert!(open(&ring, &place(), &Sealed::from_bytes(bytes)).is_err());
    }
}
