use chrono::TimeDelta;
use kernel::{Actor, Outcome};

use super::callers::changes_keys_as_long_as_they_may;
use super::due::gives_out_what_is_due;
use super::stage::{Stage, opened};
use crate::policy::seal::MAX_USES;
use crate::testing::ByokStores;
use crate::{Deleted, Endpoint, Label, ProviderKey, Put, Remembered, Retired, Sealed, Test, Verdict};

/// What every [`KeyStore`](crate::KeyStore) promises.
pub async fn key_store_contract(stores: ByokStores<'_>) {
    keeps_every_field(&Stage::new(stores).await).await;
    lists_one_organization(&Stage::new(stores).await).await;
    replaces_by_version(&Stage::new(stores).await).await;
    deletes_for_good(&Stage::new(stores).await).await;
    seals_with_keys_that_may(&Stage::new(stores).await).await;
    seals_with_the_key_that_is_known(&Stage::new(stores).await).await;
    remembers_tests(&Stage::new(stores).await).await;
    remembers_the_later_of_two_tests(&Stage::new(stores).await).await;
    remembers_who_got_it(&Stage::new(stores).await).await;
    changes_keys_as_long_as_they_may(&Stage::new(stores).await).await;
    gives_out_what_is_due(&Stage::new(stores).await).await;
}

async fn keeps_every_field(s: &Stage<'_>) {
    let (org, user) = (s.org().await, s.user().await);
    let mut key = ProviderKey {
        endpoint: Some(Endpoint::parse("https://models.example.com:8443/a/b%20c").unwrap()),
        label: Label::parse("Söhne & \"Co\" \u{1f980} '; --").unwrap(),
        added_by: Some(user),
        ..s.draft(org, "azure_openai-2", None)
    };
    assert_eq!(s.same(&key).await, None, "not there yet");
    assert_eq!(s.put(&key).await, Put::Kept);
    assert_eq!(s.same(&key).await, Some(key.clone()), "every field, and every way to read it says so");
    let at = s.tick();
    assert_eq!(s.tested(&key, at, Verdict::Invalid).await, Remembered::Kept);
    key.tested = Some(Test { at, verdict: Verdict::Invalid, refused: true });
    let later = s.tick();
    assert!(s.hand_out_at(&key, later, Outcome::Success).await);
    key.last_used = Some(later);
    assert_eq!(s.same(&key).await, Some(key.clone()), "with test and use");
    let bare = ProviderKey { tail: String::new(), ..s.draft(org, "azure_openai-2", Some(&key)) };
    assert_eq!(s.put(&bare).await, Put::Kept);
    assert_eq!(s.same(&bare).await, Some(bare), "another secret has none of that");

    let long = ProviderKey { sealed: Sealed::from_bytes((0..=255).cycle().take(4300).collect()), ..s.stored().await };
    let long = ProviderKey { version: 2, label: Label::parse(&"ß".repeat(Label::MAX)).unwrap(), ..long };
    assert_eq!(s.put(&long).await, Put::Kept);
    assert_eq!(s.same(&long).await, Some(long), "the longest, of whatever bytes; whether they open is not the store's");
}

async fn lists_one_organization(s: &Stage<'_>) {
    let (org, other) = (s.org().await, s.org().await);
    assert_eq!(*s.stores.keys.list(org).await.unwrap(), Vec::new());
    let mut mine = Vec::new();
    for provider in ["openai", "anthropic", "z", "a-b", "a_b", "ab"] {
        mine.push(s.stored_in(&s.ring, org, provider).await);
        s.stored_in(&s.ring, other, provider).await;
    }
    mine.sort_by(|a, b| a.provider.cmp(&b.provider));
    assert_eq!(*s.stores.keys.list(org).await.unwrap(), mine, "its own, by the provider's name, byte by byte");
    assert_eq!(s.delete(&mine[0]).await, Deleted::Deleted);
    assert_eq!(*s.stores.keys.list(org).await.unwrap(), mine[1..], "at once");
    assert_eq!(s.stores.keys.list(other).await.unwrap().len(), 6, "the other's are its own");
}

async fn replaces_by_version(s: &Stage<'_>) {
    let org = s.org().await;
    let early = ProviderKey { version: 2, ..s.draft(org, "openai", None) };
    assert_eq!(s.put(&early).await, Put::Moved, "there is none to follow");
    let key = s.stored_in(&s.ring, org, "openai").await;
    assert_eq!(s.put(&s.draft(org, "openai", None)).await, Put::Moved, "somebody was faster");
    let next = s.draft(org, "openai", Some(&key));
    for version in [0, 1, 3] {
        assert_eq!(s.put(&ProviderKey { version, ..next.clone() }).await, Put::Moved, "after 1 comes 2, not {version}");
    }
    let stranger = ProviderKey { version: 2, ..s.draft(org, "openai", None) };
    assert_eq!(s.put(&stranger).await, Put::Moved, "another record's");
    assert_eq!(s.same(&key).await, Some(key.clone()), "and nothing changed");
    assert_eq!(s.put(&next).await, Put::Kept);
    assert_eq!(s.same(&key).await, Some(next.clone()));
    assert_eq!(opened(&s.ring, &s.same(&key).await.unwrap()), opened(&s.ring, &next));
    assert_eq!(s.put(&next).await, Put::Moved, "2 was taken");
    let other = s.org().await;
    assert_eq!(s.put(&s.draft(other, "openai", Some(&next))).await, Put::Moved, "of another organization");
    assert_eq!(s.put(&s.draft(org, "cohere", Some(&next))).await, Put::Moved, "of another provider");
}

async fn deletes_for_good(s: &Stage<'_>) {
    let key = s.stored().await;
    let beside = s.stored_in(&s.ring, key.org, "cohere").await;
    let elsewhere = s.stored().await;
    assert_eq!(s.delete(&key).await, Deleted::Deleted);
    assert_eq!(s.same(&key).await, None, "at once, and every way to read it says so");
    assert_eq!((s.same(&beside).await, s.same(&elsewhere).await), (Some(beside), Some(elsewhere)), "no other one");
    assert_eq!(s.delete(&key).await, Deleted::NotFound);
    assert_eq!(s.put(&s.draft(key.org, "openai", Some(&key))).await, Put::Moved, "it does not come back");
    assert!(!s.hand_out(&key).await, "nobody gets it");
    assert_eq!(s.tested(&key, s.tick(), Verdict::Valid).await, Remembered::Gone);
    assert_eq!(s.same(&key).await, None);
    let new = s.stored_in(&s.ring, key.org, "openai").await;
    assert!(!s.hand_out(&key).await, "nobody gets it, also with another one in its place");
    assert_eq!(s.same(&key).await, Some(new));
}

async fn seals_with_keys_that_may(s: &Stage<'_>) {
    let org = s.org().await;
    let key = s.stored_in(&s.ring, org, "openai").await;
    assert_eq!(s.uses(s.first()).await, (1, 1));
    assert_eq!(s.put(&s.draft(org, "openai", None)).await, Put::Moved);
    assert_eq!(s.uses(s.first()).await, (1, 1), "what was not kept is not counted");
    let next = s.draft(org, "openai", Some(&key));
    assert_eq!(s.put(&next).await, Put::Kept);
    assert_eq!(s.uses(s.first()).await, (2, 1), "a use more, and no key more");
    let unknown = s.name("unknown");
    let strange = ProviderKey { master_key: unknown.clone(), ..s.draft(org, "cohere", None) };
    assert_eq!(s.put(&strange).await, Put::RetiredMasterKey, "nobody registered it");
    assert_eq!((s.same(&strange).await, s.known(&unknown).await), (None, None));

    assert_eq!(s.retire(&s.second).await, Retired::Retired);
    for before in [None, Some(&next)] {
        let provider = if before.is_some() { "openai" } else { "cohere" };
        let late = ProviderKey { master_key: s.second.clone(), ..s.draft(org, provider, before) };
        assert_eq!(s.put(&late).await, Put::RetiredMasterKey);
    }
    assert_eq!((s.same(&next).await, s.same(&strange).await), (Some(next.clone()), None), "and nothing changed");

    s.stores.world.wear(s.first(), MAX_USES - 1).await;
    let last = s.draft(org, "openai", Some(&next));
    assert_eq!(s.put(&last).await, Put::Kept, "2^32 times");
    assert_eq!(s.put(&s.draft(org, "openai", Some(&last))).await, Put::WornOut, "and not once more");
    assert_eq!(s.put(&s.draft(org, "cohere", None)).await, Put::WornOut);
    assert_eq!(s.uses(s.first()).await, (MAX_USES, 1));
    assert_eq!(s.same(&last).await, Some(last));
}

async fn remembers_tests(s: &Stage<'_>) {
    let key = s.stored().await;
    let mut now = key.clone();
    for verdict in [Verdict::Valid, Verdict::Invalid, Verdict::Error, Verdict::Unknown, Verdict::Valid] {
        let at = s.tick();
        let test = Test::after(now.tested, at, verdict);
        assert_eq!(s.tested(&now, at, verdict).await, Remembered::Kept);
        now.tested = Some(test);
        assert_eq!(s.same(&key).await, Some(now.clone()), "{verdict:?}, and nothing else changed");
    }
    let next = s.draft(key.org, "openai", Some(&key));
    assert_eq!(s.put(&next).await, Put::Kept);
    assert_eq!(s.tested(&now, s.tick(), Verdict::Invalid).await, Remembered::Gone, "that was another secret");
    let foreign = ProviderKey { org: s.org().await, ..next.clone() };
    assert_eq!(s.tested(&foreign, s.tick(), Verdict::Invalid).await, Remembered::Gone, "that is nobody's");
    assert_eq!(s.same(&key).await, Some(next));
}

/// Whatever the caller had read: what counts is what is there, and a slow test does not take back what a later one found out.
async fn remembers_the_later_of_two_tests(s: &Stage<'_>) {
    let key = s.stored().await;
    let (slow, began) = (s.tick(), s.tick());
    let ended = s.tick();
    assert_eq!(s.tested_since(&key, began, Verdict::Invalid, ended).await, Remembered::Kept);
    let refused =
        ProviderKey { tested: Some(Test { at: ended, verdict: Verdict::Invalid, refused: true }), ..key.clone() };
    for verdict in [Verdict::Valid, Verdict::Error, Verdict::Unknown, Verdict::Invalid] {
        assert_eq!(s.tested_since(&key, slow, verdict, s.tick()).await, Remembered::Overtaken, "{verdict:?}");
        assert_eq!(s.same(&key).await, Some(refused.clone()), "{verdict:?} changed nothing");
    }
    // It was read before the refusal, and the provider asked after it.
    let (began, ended) = (s.tick(), s.tick());
    assert_eq!(s.tested_since(&key, began, Verdict::Unknown, ended).await, Remembered::Kept);
    let test = Test { at: ended, verdict: Verdict::Unknown, refused: true };
    let unknown = ProviderKey { tested: Some(test), ..key.clone() };
    assert_eq!(s.same(&key).await, Some(unknown.clone()), "a test that found nothing out takes no refusal back");
    // Who knew the last test was not overtaken by it: clocks of two machines differ.
    assert_eq!(s.tested_since(&unknown, slow, Verdict::Valid, began).await, Remembered::Kept);
    let test = Test { at: began, verdict: Verdict::Valid, refused: false };
    assert_eq!(s.same(&key).await, Some(ProviderKey { tested: Some(test), ..key.clone() }));
    // Others look for keys whose test is due.
    assert_eq!(s.delete(&key).await, Deleted::Deleted);
}

/// A ring of another installation may have a key of the same name: what it sealed would open nowhere.
async fn seals_with_the_key_that_is_known(s: &Stage<'_>) {
    let (org, system) = (s.org().await, Actor::system());
    let key = s.stored_in(&s.ring, org, "openai").await;
    let other = s.ring.get(&s.second).unwrap().check();
    for before in [None, Some(&key)] {
        let provider = if before.is_some() { "openai" } else { "cohere" };
        let draft = s.draft(org, provider, before);
        assert_eq!(s.put_as(&system, &draft, &other).await, Put::DifferentMasterKey);
        assert_eq!(s.put_as(&system, &draft, &[0; 16]).await, Put::DifferentMasterKey);
    }
    assert_eq!(*s.stores.keys.list(org).await.unwrap(), vec![key.clone()], "and nothing changed");
    assert_eq!(s.uses(s.first()).await, (1, 1), "what was not kept is not counted");
    let next = s.draft(org, "openai", Some(&key));
    assert_eq!(s.put_as(&system, &next, &s.ring.active_check()).await, Put::Kept);
}

async fn remembers_who_got_it(s: &Stage<'_>) {
    let (key, start) = (s.stored().await, s.tick());
    let minutes = TimeDelta::minutes;
    assert!(s.hand_out_at(&key, start, Outcome::Failure).await, "what could not be handed out is remembered");
    assert_eq!(s.same(&key).await, Some(key.clone()), "and is no use");
    for at in [start, start + TimeDelta::seconds(10), start + minutes(2), start + minutes(60)] {
        assert!(s.hand_out_at(&key, at, Outcome::Success).await);
        let now = s.same(&key).await.unwrap();
        let last = now.last_used.unwrap();
        assert!(last <= at && at - last < minutes(1), "used at {at}, and the key says {last}");
        assert_eq!(ProviderKey { last_used: None, ..now }, key, "nothing else changed");
    }
    let foreign = ProviderKey { org: s.org().await, ..key.clone() };
    assert!(!s.hand_out(&foreign).await, "that is nobody's");
    let next = s.draft(key.org, "openai", Some(&key));
    assert_eq!(s.put(&next).await, Put::Kept);
    assert!(!s.hand_out(&key).await, "that was another secret");
    assert_eq!(s.same(&key).await, Some(next), "which was never used");
}
