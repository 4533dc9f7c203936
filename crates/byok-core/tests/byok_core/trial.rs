//! A key is tested, and what is said of it is what is known.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use byok_core::testing::Probed;
use byok_core::{Byok, ByokError, Endpoint, Finding, KeyProbe, KeyStatus, Test, Trial, Verdict};
use chrono::TimeDelta;
use kernel::testing::ManualClock;
use kernel::{Action, Actor, OrgId, StoreError};

use crate::world::{HOME, OTHER, SECRET, World, endpoint, id, new};

async fn test(w: &World, provider: &str) -> Finding {
    w.byok.test(&Actor::system(), w.org, &id(provider)).await.unwrap()
}

#[tokio::test]
async fn the_provider_is_asked_at_its_own_address() {
    let w = World::new(1).await;
    w.add("openai", SECRET).await.unwrap();
    w.add_at("custom", HOME).await.unwrap();
    assert_eq!((test(&w, "openai").await.verdict, test(&w, "custom").await.verdict), (Verdict::Valid, Verdict::Valid));
    let probed =
        |provider: &str, at: &str| Probed { provider: id(provider), endpoint: endpoint(at), secret: SECRET.to_owned() };
    assert_eq!(w.probe.probed(), [probed("openai", "https://api.openai.com/v1"), probed("custom", HOME)]);
    let record = w.records(Action::ProviderKeyTested).pop().unwrap();
    assert_eq!(record.resource.id, w.stored("custom").await.id.to_string());
    assert!(record.metadata.contains(&("verdict", "valid".to_owned())));
}

#[tokio::test]
async fn states_say_what_is_known() {
    let w = World::new(2).await;
    w.add("openai", SECRET).await.unwrap();
    for (verdict, answered, status) in [
        (Verdict::Unknown, Some(429), KeyStatus::Active),
        (Verdict::Error, None, KeyStatus::Active),
        (Verdict::Invalid, Some(401), KeyStatus::Rejected),
        (Verdict::Unknown, Some(429), KeyStatus::Rejected),
        (Verdict::Error, None, KeyStatus::Rejected),
        (Verdict::Unknown, Some(503), KeyStatus::Rejected),
        (Verdict::Valid, Some(200), KeyStatus::Active),
        (Verdict::Unknown, Some(429), KeyStatus::Active),
        (Verdict::Invalid, Some(403), KeyStatus::Rejected),
    ] {
        w.clock.advance(crate::world::DAY);
        w.probe.say([(verdict, answered)]);
        let finding = test(&w, "openai").await;
        assert_eq!((finding.verdict, finding.status_code), (verdict, answered));
        let view = w.list().await.remove(0);
        let tested = view.key.tested.unwrap();
        assert_eq!((view.status, tested.verdict, tested.at), (status, verdict, w.ambient.now()), "{answered:?}");
        assert_eq!(
            w.byok.stats(w.org).await.unwrap().valid,
            usize::from(verdict == Verdict::Valid),
            "valid when it is"
        );
    }
    w.add("openai", SECRET).await.unwrap();
    assert_eq!(w.statuses().await[0].1, KeyStatus::Active, "stored again, nothing is known of it");
    assert_eq!(w.stored("openai").await.tested, None);
}

/// Somebody replaces the key while the provider is being asked.
pub(crate) struct Meanwhile {
    byok: Byok,
    org: OrgId,
    /// What is stored next, each while one test is under way; `None` deletes.
    next: Mutex<Vec<Option<&'static str>>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl KeyProbe for Meanwhile {
    async fn admits(&self, _: &Endpoint) -> bool {
        true
    }

    async fn probe(&self, trial: Trial<'_>) -> Finding {
        self.asked.lock().unwrap().push(trial.secret.expose().to_owned());
        let next = self.next.lock().unwrap().pop();
        match next {
            Some(Some(secret)) => {
                drop(self.byok.add(&Actor::system(), self.org, new("openai", secret, None)).await.unwrap());
            }
            Some(None) => self.byok.delete(&Actor::system(), self.org, &id("openai")).await.unwrap(),
            None => {}
        }
        let verdict = if trial.secret.expose() == SECRET { Verdict::Invalid } else { Verdict::Valid };
        Finding { verdict, message: String::new(), status_code: None, latency_ms: 0 }
    }
}

/// The use cases whose probe does these meanwhile, the last first.
pub(crate) async fn meanwhile(w: &World, next: Vec<Option<&'static str>>) -> (Byok, Arc<Meanwhile>) {
    w.add("openai", SECRET).await.unwrap();
    let (next, asked) = (Mutex::new(next), Mutex::default());
    let probe = Arc::new(Meanwhile { byok: w.byok.clone(), org: w.org, next, asked });
    (w.over(|ports| ports.probe = probe.clone()), probe)
}

#[tokio::test]
async fn what_is_said_is_said_of_the_key_that_is_there() {
    let w = World::new(3).await;
    let (byok, probe) = meanwhile(&w, vec![Some(OTHER)]).await;
    let finding = byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
    assert_eq!(finding.verdict, Verdict::Valid, "of the new key, not of the one that was tested first");
    assert_eq!(*probe.asked.lock().unwrap(), [SECRET, OTHER]);
    let tested = w.stored("openai").await.tested;
    assert_eq!(tested, Some(Test { at: w.ambient.now(), verdict: Verdict::Valid, refused: false }));
    assert_eq!(w.records(Action::ProviderKeyTested).len(), 1);

    let (byok, _) = meanwhile(&w, vec![Some(OTHER), Some(SECRET)]).await;
    let busy = byok.test(&Actor::system(), w.org, &id("openai")).await;
    assert!(matches!(busy, Err(ByokError::Store(StoreError::Unavailable(_)))), "{busy:?}");
    assert_eq!(w.stored("openai").await.tested, None, "nothing is known of this one");

    let (byok, _) = meanwhile(&w, vec![None]).await;
    let gone = byok.test(&Actor::system(), w.org, &id("openai")).await;
    assert!(matches!(gone, Err(ByokError::NoKey(_))), "{gone:?}");
    assert!(w.list().await.is_empty());
}

/// While the provider is asked somebody asks it again, who is answered at once.
struct Overtaking {
    /// Without it.
    byok: Byok,
    org: OrgId,
    clock: Arc<ManualClock>,
    says: Verdict,
}

#[async_trait]
impl KeyProbe for Overtaking {
    async fn admits(&self, _: &Endpoint) -> bool {
        true
    }

    async fn probe(&self, _: Trial<'_>) -> Finding {
        self.clock.advance(Duration::from_secs(1));
        let quick = self.byok.test(&Actor::system(), self.org, &id("openai")).await.unwrap();
        assert_eq!(quick.verdict, Verdict::Invalid);
        self.clock.advance(Duration::from_secs(1));
        Finding { verdict: self.says, message: String::new(), status_code: None, latency_ms: 2000 }
    }
}

#[tokio::test]
async fn a_test_that_is_overtaken_takes_no_refusal_back() {
    let w = World::new(4).await;
    for says in [Verdict::Unknown, Verdict::Error, Verdict::Valid] {
        w.add("openai", SECRET).await.unwrap();
        w.probe.say([(Verdict::Invalid, Some(401))]);
        let slow = Overtaking { byok: w.byok.clone(), org: w.org, clock: w.clock.clone(), says };
        let byok = w.over(|ports| ports.probe = Arc::new(slow));
        let finding = byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
        assert_eq!(finding.verdict, says, "it is told all the same");
        let test = w.stored("openai").await.tested.unwrap();
        assert_eq!((test.verdict, test.refused), (Verdict::Invalid, true), "{says:?}");
        assert_eq!(test.at, w.ambient.now() - TimeDelta::seconds(1));
        assert_eq!(w.statuses().await[0].1, KeyStatus::Rejected);
        assert_eq!(w.records(Action::ProviderKeyTested).len() % 2, 0, "both are in the trail");
    }
    // Nobody is told of what a later test found out otherwise.
    w.add("openai", SECRET).await.unwrap();
    w.probe.say([(Verdict::Invalid, Some(401))]);
    let slow = Overtaking { byok: w.byok.clone(), org: w.org, clock: w.clock.clone(), says: Verdict::Invalid };
    let byok = w.over(|ports| ports.probe = Arc::new(slow));
    let watch = byok_core::Watch::new(byok, w.notices.clone(), TimeDelta::days(1));
    assert_eq!((watch.round().await.unwrap().tested, w.notices.told().len()), (1, 0));
}
