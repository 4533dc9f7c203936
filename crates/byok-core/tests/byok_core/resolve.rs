//! Keys are handed out to services, and only the ones that are there.

use std::sync::Arc;

use byok_core::testing::{World as _, sample_providers};
use byok_core::{Byok, ByokError, Home, KeyStore, Provider, ProviderKey, Providers, Resolution, Sealed, Verdict};
use kernel::{Action, Actor, Outcome, ServiceName};

use crate::world::{DAY, HOME, OTHER, SECRET, World, endpoint, id, new};

#[tokio::test]
async fn what_is_handed_out_is_in_the_trail() {
    let w = World::new(1).await;
    w.add("openai", SECRET).await.unwrap();
    w.add_at("custom", HOME).await.unwrap();
    let resolved = w.resolve("openai").await.unwrap();
    assert_eq!((resolved.provider.as_str(), resolved.secret.expose()), ("openai", SECRET));
    assert_eq!(resolved.endpoint, endpoint("https://api.openai.com/v1"));
    assert!(!format!("{resolved:?}").contains(&SECRET[..8]));
    assert_eq!(w.resolve("custom").await.unwrap().endpoint, endpoint(HOME));
    let records = w.records(Action::ProviderKeyResolved);
    assert_eq!(records.len(), 2);
    let key = w.stored("openai").await;
    assert_eq!((records[0].outcome, records[0].org), (Outcome::Success, Some(w.org)));
    assert_eq!(records[0].resource.id, key.id.to_string());
    assert_eq!(records[0].metadata, [("provider", "openai".to_owned()), ("version", "1".to_owned())]);
    assert_eq!(key.last_used, Some(w.ambient.now()));
    w.clock.advance(DAY);
    w.resolve("openai").await.unwrap();
    assert_eq!(w.stored("openai").await.last_used, Some(w.ambient.now()));
}

#[tokio::test]
async fn what_is_not_there_is_not_handed_out() {
    let w = World::new(2).await;
    assert!(matches!(w.resolve("nobody").await, Err(ByokError::UnknownProvider(_))));
    assert!(matches!(w.resolve("openai").await, Err(ByokError::NoKey(_))));
    let elsewhere = w.memory.org().await;
    w.byok.add(&Actor::system(), elsewhere, new("openai", SECRET, None)).await.unwrap();
    assert!(matches!(w.resolve("openai").await, Err(ByokError::NoKey(_))), "another organization's");
    assert!(w.records(Action::ProviderKeyResolved).is_empty());
}

#[tokio::test]
async fn without_its_record_nothing_is_handed_out() {
    let w = World::new(3).await;
    w.add("openai", SECRET).await.unwrap();
    w.memory.refuse_records(true);
    assert!(matches!(w.resolve("openai").await, Err(ByokError::Store(_))));
    w.memory.refuse_records(false);
    assert_eq!(w.secret("openai").await, SECRET);
}

#[tokio::test]
async fn a_process_that_has_not_heard_of_it_hands_out_no_deleted_key() {
    let w = World::new(4).await;
    w.add("openai", SECRET).await.unwrap();
    w.memory.serve_stale(true);
    w.byok.delete(&Actor::system(), w.org, &id("openai")).await.unwrap();
    assert!(w.memory.of(w.org, &id("openai")).await.unwrap().is_some(), "this process still reads it");
    assert!(matches!(w.resolve("openai").await, Err(ByokError::NoKey(_))), "at once, not a second later");
    assert!(w.records(Action::ProviderKeyResolved).is_empty());
    w.add("openai", OTHER).await.unwrap();
    assert_eq!(w.secret("openai").await, OTHER, "another record in its place");
}

#[tokio::test]
async fn a_process_that_has_not_heard_of_it_hands_out_no_replaced_key() {
    let w = World::new(5).await;
    w.add("openai", SECRET).await.unwrap();
    w.memory.serve_stale(true);
    for (n, secret) in [OTHER, SECRET, OTHER].into_iter().enumerate() {
        w.add("openai", secret).await.unwrap();
        assert_eq!(w.secret("openai").await, secret);
        let record = w.records(Action::ProviderKeyResolved).pop().unwrap();
        assert!(record.metadata.contains(&("version", (n + 2).to_string())), "of the one that was handed out");
    }
    assert_eq!(w.records(Action::ProviderKeyResolved).len(), 3);
}

#[tokio::test]
async fn what_could_not_be_opened_is_in_the_trail_once() {
    let w = World::new(6).await;
    w.add("openai", SECRET).await.unwrap();
    w.memory.tamper(w.org, &id("openai"), |key| key.version = 9);
    let resolved = w.resolve("openai").await;
    assert!(
        matches!(resolved, Err(ByokError::Undecryptable(ref provider)) if *provider == id("openai")),
        "{resolved:?}"
    );
    let records = w.records(Action::ProviderKeyResolved);
    assert_eq!((records.len(), records[0].outcome), (1, Outcome::Failure));
    assert_eq!(w.stored("openai").await.last_used, None, "that was no use");
}

/// What is in the store, what the ring has, and what the catalogue says: a key that cannot be handed out does not pay.
#[tokio::test]
async fn only_a_key_that_can_be_used_pays_and_counts_as_valid() {
    let w = World::new(8).await;
    w.add("openai", SECRET).await.unwrap();
    w.byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
    let chat: ServiceName = "chat".parse().unwrap();
    let of = async |byok: &Byok| {
        let pays = Resolution::new(byok.clone()).pays(w.org, &chat).await.unwrap();
        (pays, byok.stats(w.org).await.unwrap().valid)
    };
    let now = async || of(&w.byok).await;
    assert_eq!(now().await, (true, 1));
    let whole = w.stored("openai").await;
    let changes: [fn(&mut ProviderKey); 4] = [
        |key| key.version += 1,
        |key| key.sealed = Sealed::from_bytes(Vec::new()),
        |key| key.endpoint = Some(endpoint("https://sink.example.com")),
        |key| key.master_key = "k9".parse().unwrap(),
    ];
    for change in changes {
        w.memory.tamper(w.org, &id("openai"), change);
        assert_eq!(now().await, (false, 0));
        w.memory.tamper(w.org, &id("openai"), |key| *key = whole.clone());
        assert_eq!(now().await, (true, 1));
    }
    let catalogue = |swap: fn(&Provider) -> Option<Provider>| {
        w.over(|ports| ports.providers = Arc::new(Providers::new(sample_providers().iter().filter_map(swap))))
    };
    let gone = catalogue(|provider| (provider.id != id("openai")).then(|| provider.clone()));
    assert_eq!(of(&gone).await, (false, 0));
    let homeless = catalogue(|provider| Some(Provider { home: Home::Customer, ..provider.clone() }));
    assert_eq!(of(&homeless).await, (false, 0));

    // Another provider of the service that is whole, beside one that is not, while the ring cannot be read.
    w.add_at("custom", HOME).await.unwrap();
    w.memory.tamper(w.org, &id("openai"), |key| key.master_key = "k8".parse().unwrap());
    w.ring.break_down(true);
    assert_eq!(now().await, (true, 0));
    w.byok.delete(&Actor::system(), w.org, &id("custom")).await.unwrap();
    assert_eq!(now().await, (false, 0), "what does not open at present does not pay");
}

#[tokio::test]
async fn a_rejected_key_is_handed_out_and_does_not_pay() {
    let w = World::new(7).await;
    let pays = async |service: &str| {
        let service: ServiceName = service.parse().unwrap();
        w.resolution.pays(w.org, &service).await.unwrap()
    };
    assert_eq!((pays("chat").await, pays("search").await), (false, false));
    w.add("cohere", SECRET).await.unwrap();
    assert_eq!((pays("chat").await, pays("search").await, pays("images").await), (false, true, false));
    w.add("openai", SECRET).await.unwrap();
    assert_eq!((pays("chat").await, pays("search").await), (true, true), "not tested is not known to be bad");
    for (verdict, chat) in [
        (Verdict::Unknown, true),
        (Verdict::Invalid, false),
        (Verdict::Unknown, false),
        (Verdict::Error, false),
        (Verdict::Valid, true),
        (Verdict::Error, true),
        (Verdict::Invalid, false),
    ] {
        w.probe.say([(verdict, None)]);
        w.byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
        assert_eq!((pays("chat").await, pays("search").await), (chat, true), "{verdict:?}");
    }
    assert_eq!(w.secret("openai").await, SECRET, "the service asks for it by name, and the provider will answer it");
    w.add_at("custom", HOME).await.unwrap();
    assert!(pays("chat").await, "another provider of the service");
    w.byok.delete(&Actor::system(), w.org, &id("custom")).await.unwrap();
    w.byok.delete(&Actor::system(), w.org, &id("cohere")).await.unwrap();
    assert_eq!((pays("chat").await, pays("search").await), (false, false));
    let elsewhere = w.memory.org().await;
    w.byok.add(&Actor::system(), elsewhere, new("cohere", OTHER, None)).await.unwrap();
    assert!(!pays("search").await, "another organization's");
    w.memory.break_down(true);
    let resolution: &Resolution = &w.resolution;
    assert!(resolution.pays(w.org, &"chat".parse().unwrap()).await.is_err(), "not known is neither yes nor no");
}
