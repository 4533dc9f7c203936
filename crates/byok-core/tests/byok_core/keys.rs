//! Keys are kept, replaced, listed and deleted.

use std::sync::Arc;

use byok_core::policy::seal::{self, MAX_USES};
use byok_core::testing::{World as _, sample_providers};
use byok_core::{
    ByokError, EndpointError, Home, KeyStatus, KeyStore, Label, MasterKey, NewKey, Provider, Providers, RingHolder,
    Verdict,
};
use kernel::testing::race;
use kernel::{Action, Actor, Outcome, Role, StoreError};

use crate::world::{HOME, OTHER, SECRET, World, endpoint, id, new, secret};

#[tokio::test]
async fn a_key_is_kept_sealed() {
    let w = World::new(1).await;
    let user = w.memory.user().await;
    w.memory.seat(w.org, user, Role::Admin).await;
    let label = Label::parse("Team key").unwrap();
    let new = NewKey { label: label.clone(), ..new("openai", SECRET, None) };
    let stored = w.byok.add(&Actor::user(user), w.org, new).await.unwrap();
    assert_eq!((stored.provider_name.as_str(), stored.warnings.len()), ("Openai", 0));
    let key = w.stored("openai").await;
    assert_eq!(stored.key, key);
    assert_eq!((key.version, key.master_key.as_str(), key.tail.as_str()), (1, "k1", "WXYZ"));
    assert_eq!((&key.label, key.added_by, key.added_at), (&label, Some(user), w.ambient.now()));
    assert_eq!((&key.endpoint, key.tested, key.last_used), (&None, None, None));
    assert_eq!(key.fingerprint, secret(SECRET).fingerprint(w.ring.ring().fingerprint().expose()));

    let listed = w.list().await;
    assert_eq!((listed.len(), listed[0].status, listed[0].provider_name.as_str()), (1, KeyStatus::Active, "Openai"));
    let record = w.records(Action::ProviderKeyStored).pop().unwrap();
    assert_eq!((record.org, record.resource.id.as_str()), (Some(w.org), key.id.to_string().as_str()));
    let metadata: Vec<&str> = record.metadata.iter().map(|(name, _)| *name).collect();
    assert_eq!(metadata, ["provider", "version", "fingerprint"]);
    let said = format!("{stored:?} {listed:?} {:?}", w.memory.records());
    for from in 0..SECRET.len() - 7 {
        assert!(!said.contains(&SECRET[from..from + 8]), "no eight characters of the key are said anywhere");
    }
}

#[tokio::test]
async fn a_key_that_is_replaced_is_gone() {
    let w = World::new(2).await;
    w.add("openai", SECRET).await.unwrap();
    w.byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
    assert_eq!(w.secret("openai").await, SECRET);
    let before = w.stored("openai").await;
    assert!(before.tested.is_some() && before.last_used.is_some());
    w.add("openai", OTHER).await.unwrap();
    let key = w.stored("openai").await;
    assert_eq!((key.id, key.version, key.tested, key.last_used), (before.id, 2, None, None), "another secret");
    assert_ne!((&key.sealed, &key.fingerprint), (&before.sealed, &before.fingerprint));
    assert_eq!(w.secret("openai").await, OTHER);
    w.memory.tamper(w.org, &id("openai"), |key| key.sealed = before.sealed.clone());
    assert_eq!(w.statuses().await, [("openai".into(), KeyStatus::Undecryptable)], "the old bytes do not come back");
    w.add("openai", SECRET).await.unwrap();
    assert_eq!((w.stored("openai").await.version, w.secret("openai").await.as_str()), (3, SECRET), "it heals");
    assert_eq!(w.list().await.len(), 1);
}

#[tokio::test]
async fn what_is_unusual_is_told_and_what_cannot_be_is_refused() {
    let w = World::new(3).await;
    let unusual = w.add("openai", "xx-0123456789abcdefghij").await.unwrap();
    assert_eq!(unusual.warnings, ["keys of Openai usually look like this: sk-…, 20 to 256 characters"]);
    let warnings = w.add("anthropic", "sk-0123456789abcdefghij").await.unwrap().warnings;
    assert_eq!(warnings.len(), 1, "a prefix of its own: {warnings:?}");
    for bad in ["sk-0123456789abcdef".to_owned(), format!("sk-{}", "x".repeat(254))] {
        let ByokError::KeyFormat(why) = w.add("openai", &bad).await.unwrap_err() else { panic!("{bad}") };
        assert_eq!(why, "a key of Openai has sk-…, 20 to 256 characters", "and nothing of the key");
    }
    assert!(matches!(w.add("nobody", SECRET).await, Err(ByokError::UnknownProvider(name)) if name == "nobody"));
    assert_eq!(w.list().await.len(), 2);
}

#[tokio::test]
async fn a_key_is_stored_for_one_address() {
    let w = World::new(4).await;
    let refused = |result: Result<_, ByokError>| match result {
        Err(ByokError::Endpoint(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(w.add_at("openai", HOME).await), EndpointError::NotWanted);
    assert_eq!(refused(w.add("custom", SECRET).await), EndpointError::Missing);
    let inside = endpoint("https://169.254.169.254");
    w.probe.forbid(&inside);
    assert_eq!(refused(w.add_at("custom", inside.as_str()).await), EndpointError::Forbidden);
    assert!(w.memory.records().iter().all(|record| record.action != Action::ProviderKeyStored), "nothing was kept");
    w.add_at("custom", HOME).await.unwrap();
    assert_eq!(w.resolve("custom").await.unwrap().endpoint, endpoint(HOME));

    // Whoever can write to the store, but not read the key, points it to a server of their own.
    w.add("openai", SECRET).await.unwrap();
    for (provider, there) in [
        ("custom", Some("https://sink.example.com/v1")),
        ("custom", Some("https://models.example.com")),
        ("custom", None),
        ("openai", Some("https://sink.example.com/v1")),
    ] {
        let whole = w.stored(provider).await;
        w.memory.tamper(w.org, &id(provider), |key| key.endpoint = there.map(endpoint));
        let tested = w.byok.test(&Actor::system(), w.org, &id(provider)).await;
        assert!(matches!(tested, Err(ByokError::Undecryptable(_))), "{provider} {there:?}: {tested:?}");
        let resolved = w.resolve(provider).await;
        assert!(matches!(resolved, Err(ByokError::Undecryptable(_))), "{provider} {there:?}: {resolved:?}");
        for action in [Action::ProviderKeyTested, Action::ProviderKeyResolved] {
            let record = w.records(action).pop().unwrap();
            assert_eq!((record.outcome, record.resource.id), (Outcome::Failure, whole.id.to_string()), "{action:?}");
            assert_eq!((record.org, &record.metadata[0].1), (Some(w.org), &provider.to_owned()), "{action:?}");
        }
        assert!(w.statuses().await.contains(&(provider.into(), KeyStatus::Undecryptable)));
        w.memory.tamper(w.org, &id(provider), |key| *key = whole.clone());
    }
    assert_eq!(w.records(Action::ProviderKeyTested).len(), 4, "each attempt is in the trail");
    assert_eq!(w.probe.probed(), [], "not a byte of the key left");
}

#[tokio::test]
async fn an_address_of_its_own_does_not_get_a_key_that_was_stored_for_another() {
    let w = World::new(5).await;
    w.add_at("custom", HOME).await.unwrap();
    w.add("openai", SECRET).await.unwrap();
    let swap = |provider: &Provider| match provider.id.as_str() {
        "custom" => Provider { home: Home::Fixed(endpoint("https://new.example.com")), ..provider.clone() },
        "openai" => Provider { home: Home::Customer, ..provider.clone() },
        _ => provider.clone(),
    };
    let providers = Arc::new(Providers::new(sample_providers().iter().map(swap)));
    let changed = w.over(|ports| ports.providers = providers);
    for (provider, why) in [("custom", EndpointError::NotWanted), ("openai", EndpointError::Missing)] {
        let tested = changed.test(&Actor::system(), w.org, &id(provider)).await;
        assert!(matches!(tested, Err(ByokError::Endpoint(error)) if error == why), "{tested:?}");
        let resolution = byok_core::Resolution::new(changed.clone());
        let resolved = resolution.resolve(&Actor::system(), w.org, &id(provider)).await;
        assert!(matches!(resolved, Err(ByokError::Endpoint(error)) if error == why), "{resolved:?}");
        for action in [Action::ProviderKeyTested, Action::ProviderKeyResolved] {
            assert_eq!(w.records(action).pop().map(|record| record.outcome), Some(Outcome::Failure), "{action:?}");
        }
    }
    assert_eq!((w.probe.probed(), w.records(Action::ProviderKeyResolved).len()), (vec![], 2));
    let disabled = ["custom", "openai"].map(|provider| (provider.to_owned(), KeyStatus::Disabled));
    let listed = changed.list(w.org).await.unwrap().into_iter();
    assert_eq!(listed.map(|view| (view.key.provider.to_string(), view.status)).collect::<Vec<_>>(), disabled);
}

/// What a hand in the database does to a row.
type Change = Box<dyn Fn(&mut byok_core::ProviderKey)>;

#[tokio::test]
async fn a_list_survives_what_cannot_be_opened() {
    let w = World::new(6).await;
    for provider in ["anthropic", "cohere", "openai"] {
        w.add(provider, "sk-ant-0123456789abcdef-WXYZ").await.unwrap();
    }
    let foreign = w.memory.org().await;
    w.byok.add(&Actor::system(), foreign, new("cohere", OTHER, None)).await.unwrap();
    let theirs = w.memory.now(foreign, &id("cohere")).await.unwrap().unwrap();
    let statuses = async |middle| {
        let rest = [("anthropic", KeyStatus::Active), ("cohere", middle), ("openai", KeyStatus::Active)];
        assert_eq!(w.statuses().await, rest.map(|(name, status)| (name.to_owned(), status)));
    };
    statuses(KeyStatus::Active).await;
    let (mine, neighbour) = (w.stored("cohere").await, w.stored("openai").await);
    let changes: [(&str, Change); 6] = [
        ("another organization's bytes", Box::new(move |key| key.sealed = theirs.sealed.clone())),
        ("another provider's bytes", Box::new(move |key| key.sealed = neighbour.sealed.clone())),
        ("another version", Box::new(|key| key.version += 1)),
        ("another record's id", Box::new(|key| key.id = "key_01890000-0000-7000-8000-000000000009".parse().unwrap())),
        ("another master key's name", Box::new(|key| key.master_key = "k2".parse().unwrap())),
        ("no bytes at all", Box::new(|key| key.sealed = byok_core::Sealed::from_bytes(Vec::new()))),
    ];
    for (what, change) in changes {
        w.memory.tamper(w.org, &id("cohere"), change);
        statuses(KeyStatus::Undecryptable).await;
        let resolved = w.resolve("cohere").await;
        assert!(matches!(resolved, Err(ByokError::Undecryptable(ref provider)) if *provider == id("cohere")), "{what}");
        w.memory.tamper(w.org, &id("cohere"), |key| *key = mine.clone());
        statuses(KeyStatus::Active).await;
    }
}

#[tokio::test]
async fn a_provider_that_the_catalogue_forgot_is_listed_and_deleted() {
    let w = World::new(7).await;
    w.add("openai", SECRET).await.unwrap();
    let rest = sample_providers().iter().filter(|provider| provider.id != id("openai")).cloned().collect::<Vec<_>>();
    let byok = w.over(|ports| ports.providers = Arc::new(Providers::new(rest)));
    let listed = byok.list(w.org).await.unwrap();
    assert_eq!((listed[0].provider_name.as_str(), listed[0].status), ("openai", KeyStatus::Disabled), "it is not used");
    let tested = byok.test(&Actor::system(), w.org, &id("openai")).await;
    assert!(matches!(tested, Err(ByokError::UnknownProvider(_))), "{tested:?}");
    byok.delete(&Actor::system(), w.org, &id("openai")).await.unwrap();
    assert!(byok.list(w.org).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_without_keys_lists_and_deletes() {
    let w = World::new(8).await;
    w.add("openai", SECRET).await.unwrap();
    w.plans.give(w.org, false);
    let needs_upgrade = |result: Result<(), ByokError>| match result {
        Err(ByokError::UpgradeRequired(upgrade)) => {
            assert_eq!((upgrade.plan.as_str(), upgrade.required.as_deref()), ("free", Some("starter")));
        }
        other => panic!("{other:?}"),
    };
    needs_upgrade(w.add("cohere", SECRET).await.map(drop));
    needs_upgrade(w.add("openai", OTHER).await.map(drop));
    needs_upgrade(w.byok.test(&Actor::system(), w.org, &id("openai")).await.map(drop));
    needs_upgrade(w.resolve("openai").await.map(drop));
    assert_eq!(w.statuses().await, [("openai".into(), KeyStatus::Disabled)], "it is kept");
    assert_eq!(w.byok.stats(w.org).await.unwrap().plan, "free");
    w.plans.give(w.org, true);
    assert_eq!((w.statuses().await[0].1, w.secret("openai").await.as_str()), (KeyStatus::Active, SECRET));
    w.plans.give(w.org, false);
    w.byok.delete(&Actor::system(), w.org, &id("openai")).await.unwrap();
    assert!(w.list().await.is_empty(), "a deletion needs no plan");
    assert_eq!(w.probe.probed(), []);
}

#[tokio::test]
async fn a_deletion_is_final() {
    let w = World::new(9).await;
    w.add("openai", SECRET).await.unwrap();
    let key = w.stored("openai").await.id;
    let delete = async || w.byok.delete(&Actor::system(), w.org, &id("openai")).await;
    delete().await.unwrap();
    assert_eq!(w.records(Action::ProviderKeyDeleted)[0].resource.id, key.to_string(), "the trail of a key has its end");
    assert!(matches!(delete().await, Err(ByokError::NoKey(_))));
    assert!(matches!(w.resolve("openai").await, Err(ByokError::NoKey(_))));
    let tested = w.byok.test(&Actor::system(), w.org, &id("openai")).await;
    assert!(matches!(tested, Err(ByokError::NoKey(_))));
    assert_eq!((w.list().await.len(), w.records(Action::ProviderKeyDeleted).len()), (0, 1));
    w.add("openai", OTHER).await.unwrap();
    assert_eq!((w.stored("openai").await.version, w.secret("openai").await.as_str()), (1, OTHER));
}

#[tokio::test]
async fn who_was_demoted_changes_nothing() {
    let w = World::new(10).await;
    w.add("openai", SECRET).await.unwrap();
    let before = w.stored("openai").await;
    let user = w.memory.user().await;
    w.memory.seat(w.org, user, Role::Member).await;
    let by = Actor::user(user);
    let added = w.byok.add(&by, w.org, new("openai", OTHER, None)).await;
    assert!(matches!(added, Err(ByokError::NoLongerAllowed)), "{added:?}");
    let deleted = w.byok.delete(&by, w.org, &id("openai")).await;
    assert!(matches!(deleted, Err(ByokError::NoLongerAllowed)), "{deleted:?}");
    assert_eq!(w.stored("openai").await, before);
}

#[tokio::test]
async fn somebody_faster_is_waited_for_but_not_for_ever() {
    let w = World::new(11).await;
    w.memory.let_rivals_win(2);
    w.add("openai", SECRET).await.unwrap();
    w.memory.let_rivals_win(3);
    let moved = w.add("openai", OTHER).await;
    assert!(matches!(moved, Err(ByokError::Store(StoreError::Unavailable(_)))), "{moved:?}");
    assert_eq!(w.secret("openai").await, SECRET);
    w.memory.let_rivals_win(0);
    let answers = race(32, async |_| w.add("openai", OTHER).await.is_ok()).await;
    assert!(answers.contains(&true));
    assert_eq!(w.list().await.len(), 1, "one place, one key");
}

#[tokio::test]
async fn a_worn_out_master_key_seals_no_more() {
    let w = World::new(12).await;
    w.memory.wear(&"k1".parse().unwrap(), MAX_USES - 1).await;
    w.add("openai", SECRET).await.unwrap();
    let worn = w.add("cohere", SECRET).await;
    assert!(matches!(worn, Err(ByokError::WornOut(ref id)) if id.as_str() == "k1"), "{worn:?}");
    assert_eq!(w.secret("openai").await, SECRET, "it still opens");
    w.custody.renew(&Actor::system()).await.unwrap();
    w.add("cohere", SECRET).await.unwrap();
    assert_eq!(w.stored("cohere").await.master_key.as_str(), "k20300101");
}

#[tokio::test]
async fn another_process_may_rotate_at_any_time() {
    let w = World::new(13).await;
    w.add("openai", SECRET).await.unwrap();
    w.add("cohere", SECRET).await.unwrap();
    // This process has read the ring of k1 and the rows of k1, and hears of nothing.
    w.memory.serve_stale(true);
    let ring = Arc::new(w.ring.of_another_process());
    let custody = byok_core::Custody::new(w.memory.clone(), ring.clone(), w.ambient.clone());
    let renewed = custody.renew(&Actor::system()).await.unwrap();
    let active = [("cohere".to_owned(), KeyStatus::Active), ("openai".to_owned(), KeyStatus::Active)];
    assert_eq!(w.statuses().await, active);
    custody.rewrap(&Actor::system(), |_, _| ()).await.unwrap();
    custody.retire(&Actor::system(), &"k1".parse().unwrap()).await.unwrap();
    w.ring.reread().await.unwrap();
    assert_eq!(w.statuses().await, active, "what was read before does not open; what is there now does");
    assert_eq!(w.secret("openai").await, SECRET);
    w.memory.serve_stale(false);
    assert_eq!(w.secret("cohere").await, SECRET);
    w.add("openai", OTHER).await.unwrap();
    assert_eq!(w.stored("openai").await.master_key, renewed, "what is sealed now is sealed with the new one");

    // A ring whose active master key the store has retired seals nothing, and says why.
    let bits = MasterKey::new(w.ambient.random()).unwrap();
    let stray = w.ring.ring().rotated("stray".parse().unwrap(), bits).unwrap();
    w.ring.put(stray);
    let refused = w.add("openai", SECRET).await;
    let Err(ByokError::Store(StoreError::Unavailable(why))) = refused else { panic!("{refused:?}") };
    assert!(why.to_string().contains("not registered"), "{why}");
    assert_eq!(w.secret("openai").await, OTHER);
}

#[tokio::test]
async fn numbers() {
    let w = World::new(14).await;
    let stats = async || {
        let stats = w.byok.stats(w.org).await.unwrap();
        (stats.providers, stats.configured, stats.tested, stats.valid, stats.plan)
    };
    assert_eq!(stats().await, (5, 0, 0, 0, "starter".into()));
    w.add("openai", SECRET).await.unwrap();
    w.add("cohere", SECRET).await.unwrap();
    w.probe.say([(Verdict::Valid, Some(200)), (Verdict::Unknown, Some(429))]);
    w.byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
    assert_eq!(stats().await, (5, 2, 1, 1, "starter".into()));
    w.byok.test(&Actor::system(), w.org, &id("cohere")).await.unwrap();
    assert_eq!(stats().await, (5, 2, 2, 1, "starter".into()), "too many requests is not valid");
    let configured: Vec<_> = w.byok.providers(w.org).await.unwrap().into_iter().map(|(p, has)| (p.name, has)).collect();
    let of = |name: &str| configured.iter().find(|(provider, _)| provider == name).unwrap().1;
    assert_eq!((configured.len(), of("Openai"), of("Cohere"), of("Custom")), (5, true, true, false));
}

#[tokio::test]
async fn an_outage_is_no_answer() {
    let w = World::new(15).await;
    w.add("openai", SECRET).await.unwrap();
    let before = w.stored("openai").await;
    let unavailable = |result: Result<(), ByokError>| {
        assert!(matches!(result, Err(ByokError::Store(StoreError::Unavailable(_)))), "{result:?}");
    };
    w.plans.break_down(true);
    unavailable(w.add("openai", OTHER).await.map(drop));
    unavailable(w.resolve("openai").await.map(drop));
    unavailable(w.byok.list(w.org).await.map(drop));
    w.plans.break_down(false);
    w.ring.break_down(true);
    unavailable(w.add("openai", OTHER).await.map(drop));
    assert_eq!(w.secret("openai").await, SECRET, "what was read before still opens");
    w.ring.break_down(false);
    w.memory.refuse_records(true);
    unavailable(w.add("openai", OTHER).await.map(drop));
    unavailable(w.byok.delete(&Actor::system(), w.org, &id("openai")).await);
    unavailable(w.resolve("openai").await.map(drop));
    w.memory.refuse_records(false);
    w.memory.break_down(true);
    unavailable(w.byok.list(w.org).await.map(drop));
    unavailable(w.byok.stats(w.org).await.map(drop));
    w.memory.break_down(false);
    let now = w.stored("openai").await;
    assert_eq!((now.sealed, now.version), (before.sealed, 1), "and nothing changed");
    assert!(seal::open_key(&w.ring.ring(), &w.stored("openai").await).is_ok());
}
