//! The ring is read again for a master key that it lacks, and not at every request.

use std::sync::Arc;
use std::time::Duration;

use byok_core::{ByokError, Custody, KeyStatus};
use kernel::{Action, Actor, Outcome, StoreError};

use crate::world::{SECRET, World, id};

/// One row that names a master key of nobody, and a file that is away: the rest is shown all the same.
#[tokio::test]
async fn a_list_survives_a_ring_that_cannot_be_read() {
    let w = World::new(16).await;
    for provider in ["cohere", "openai"] {
        w.add(provider, SECRET).await.unwrap();
    }
    w.memory.tamper(w.org, &id("openai"), |key| key.master_key = "k9".parse().unwrap());
    let one_is_lost = [("cohere".to_owned(), KeyStatus::Active), ("openai".to_owned(), KeyStatus::Undecryptable)];
    let before = w.ring.rereads();
    w.ring.break_down(true);
    for _ in 0..5 {
        assert_eq!(w.statuses().await, one_is_lost);
        let resolved = w.resolve("openai").await;
        assert!(matches!(resolved, Err(ByokError::Store(StoreError::Unavailable(_)))), "not known is no answer");
    }
    assert_eq!((w.secret("cohere").await.as_str(), w.ring.rereads() - before), (SECRET, 1), "once a second");
    assert!(w.records(Action::ProviderKeyResolved).iter().all(|record| record.outcome == Outcome::Success));

    w.ring.break_down(false);
    w.clock.advance(Duration::from_secs(1));
    for _ in 0..5 {
        assert_eq!(w.statuses().await, one_is_lost);
        assert!(matches!(w.resolve("openai").await, Err(ByokError::Undecryptable(_))));
    }
    assert_eq!(w.ring.rereads() - before, 2, "once a second");
    w.clock.advance(Duration::from_secs(1));
    assert_eq!((w.statuses().await, w.ring.rereads() - before), (one_is_lost.into(), 3));
    // A name that was not looked for yet is looked for at once: a rotation has just made it.
    let other = Custody::new(w.memory.clone(), Arc::new(w.ring.of_another_process()), w.ambient.clone());
    other.renew(&Actor::system()).await.unwrap();
    other.rewrap(&Actor::system(), |_, _| ()).await.unwrap();
    assert_eq!(w.secret("cohere").await, SECRET);
    assert_eq!(w.ring.rereads() - before, 4);
}
