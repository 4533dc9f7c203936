//! Master keys and their ring.

use byok_core::{BadRing, KeyRing, MasterKey, MasterKeyId};

fn name(text: &str) -> MasterKeyId {
    text.parse().unwrap()
}

fn key(bits: u8) -> MasterKey {
    MasterKey::new([bits; 32]).unwrap()
}

#[test]
fn names() {
    for good in ["k", "k20261122", "k20261122-2", "-", "0", &"a".repeat(32)] {
        assert_eq!(good.parse::<MasterKeyId>().map(|id| id.to_string()).as_deref(), Ok(good));
    }
    for bad in ["", "K1", "k_1", "k 1", "k.1", "ä", "k\0", "k/1", "..", &"a".repeat(33)] {
        assert!(bad.parse::<MasterKeyId>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_key_that_was_never_filled_is_none() {
    assert!(MasterKey::new([0; 32]).is_none());
    let mut almost = [0; 32];
    almost[31] = 1;
    assert!(MasterKey::new(almost).is_some());
}

#[test]
fn a_ring_has_each_key_once_and_one_that_seals() {
    let ring = |active: &str, keys: &[(&str, u8)]| {
        KeyRing::new(name(active), keys.iter().map(|(id, bits)| (name(id), key(*bits))), key(99))
    };
    assert_eq!(ring("k1", &[]), Err(BadRing::NoActive(name("k1"))));
    assert_eq!(ring("k3", &[("k1", 1), ("k2", 2)]), Err(BadRing::NoActive(name("k3"))));
    assert_eq!(ring("k1", &[("k1", 1), ("k1", 2)]), Err(BadRing::Twice(name("k1"))), "two keys of one name");
    assert_eq!(ring("k1", &[("k1", 1), ("k2", 1)]), Err(BadRing::Twice(name("k2"))), "one key under two names");
    let two = ring("k1", &[("k1", 1), ("k2", 2)]).unwrap();
    assert_eq!((two.active(), two.get(&name("k2")), two.get(&name("k3"))), (&name("k1"), Some(&key(2)), None));

    assert_eq!(two.rotated(name("k2"), key(3)), Err(BadRing::Twice(name("k2"))));
    assert_eq!(two.rotated(name("k3"), key(2)), Err(BadRing::Twice(name("k3"))));
    let three = two.rotated(name("k3"), key(3)).unwrap();
    assert_eq!((three.active(), three.iter().count()), (&name("k3"), 3));
    assert_eq!(three.fingerprint(), two.fingerprint(), "fingerprints stay what they were");

    assert_eq!(three.without(&name("k3")), None, "not the one that seals");
    assert_eq!(three.without(&name("k9")), None, "nor one that is not there");
    let rest = three.without(&name("k1")).unwrap();
    assert_eq!(rest.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>(), ["k2", "k3"]);
    assert_eq!(rest.active(), &name("k3"));
}

#[test]
fn rings_of_two_installations_contradict_each_other() {
    let ring = |active: &str, keys: &[(&str, u8)], fingerprint: u8| {
        let keys = keys.iter().map(|(id, bits)| (name(id), key(*bits)));
        KeyRing::new(name(active), keys, key(fingerprint)).unwrap()
    };
    let mine = ring("k1", &[("k1", 1), ("k2", 2)], 99);
    for (theirs, contradiction) in [
        (mine.clone(), None),
        (mine.rotated(name("k3"), key(3)).unwrap(), None),
        (mine.activated(&name("k2")).unwrap().without(&name("k1")).unwrap(), None),
        (ring("k9", &[("k9", 9)], 99), None),
        (ring("k1", &[("k1", 3)], 99), Some("k1")),
        (ring("k1", &[("k1", 1), ("k2", 3)], 99), Some("k2")),
        (ring("k1", &[("k1", 1)], 98), Some("fingerprint")),
        (ring("k1", &[("k1", 2)], 98), Some("k1")),
    ] {
        assert_eq!(mine.contradiction(&theirs), contradiction, "{:?}", theirs.active());
        assert_eq!(theirs.contradiction(&mine), contradiction, "both say so");
    }
    assert_eq!(mine.active_check(), key(1).check());
}

#[test]
fn a_check_value_tells_keys_apart_and_a_key_is_not_printed() {
    let counted = MasterKey::new(std::array::from_fn(|n| 1 + u8::try_from(n).unwrap())).unwrap();
    let hex: String = counted.check().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "3b0347568175cb367c22cd5695a55f68", "HMAC-SHA-256, cut");
    assert_ne!(key(1).check(), key(2).check());
    let ring = KeyRing::new(name("k1"), [(name("k1"), key(0xab))], key(0xcd)).unwrap();
    let printed = format!("{ring:?} {:?}", key(0xab));
    for bits in ["171", "0xab", "abab", "ABAB", "205", "cdcd"] {
        assert!(!printed.contains(bits), "{printed}");
    }
}
