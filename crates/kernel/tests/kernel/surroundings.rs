//! Time and randomness by hand, and the doubles that stand on them.

use std::time::Duration;

use kernel::testing::{
    ManualClock, MemoryIdempotency, MemoryTrail, SeededRng, idempotency_contract, idempotency_race, manual_ambient,
    race,
};
use kernel::{Action, Actor, Clock, Idempotency, IdempotencyKey, Outcome, Record, Rng, TokenHash};

#[tokio::test]
async fn the_idempotency_double_keeps_its_contract() {
    let (store, (_, ambient)) = (MemoryIdempotency::default(), manual_ambient(1));
    idempotency_contract(&store, &ambient).await;
    idempotency_race(&store, &ambient).await;
    store.break_down(true);
    let key = IdempotencyKey { scope: TokenHash::from_bytes([1; 32]), payload: TokenHash::from_bytes([2; 32]) };
    assert!(store.begin(&key, ambient.now(), ambient.now()).await.is_err(), "an outage is no answer");
}

#[test]
fn a_manual_clock_moves_only_by_hand() {
    let clock = ManualClock::default();
    let start = clock.now();
    assert_eq!(clock.now(), start);
    clock.advance(Duration::from_secs(90));
    assert_eq!(clock.now() - start, chrono::TimeDelta::seconds(90));
    clock.step_back(Duration::from_secs(100));
    assert_eq!(clock.now() - start, chrono::TimeDelta::seconds(-10));
    clock.set(start);
    assert_eq!(clock.now(), start);
}

#[test]
fn seeded_randomness_repeats_and_differs_by_seed() {
    let bytes = |seed| {
        let mut bytes = [0; 37];
        SeededRng::new(seed).fill(&mut bytes);
        bytes
    };
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
    let (_, ambient) = manual_ambient(7);
    assert_ne!(ambient.random::<16>(), ambient.random::<16>(), "each call goes on");
}

#[tokio::test]
async fn a_race_answers_in_order() {
    assert_eq!(race(4, async |n| n * n).await, vec![0, 1, 4, 9]);
}

#[test]
fn a_trail_in_memory_keeps_refuses_and_breaks_down() {
    let ((_, ambient), trail) = (manual_ambient(3), MemoryTrail::default());
    let record = Record::new(&ambient, &Actor::system(), Action::Login, "user", "ann");
    assert!(!trail.has(record.id));
    trail.keep(&record).unwrap();
    assert!(trail.has(record.id));
    trail.refuse_records(true);
    assert!(trail.up().is_ok() && trail.keep(&record).is_err(), "only changes fail");
    trail.refuse_records(false);
    trail.break_down(true);
    assert!(trail.up().is_err(), "everything fails");
    assert_eq!(trail.records(), vec![record]);
}

#[test]
fn a_record_says_who_what_when_where_and_how_it_ended() {
    let (_, ambient) = manual_ambient(4);
    let (user, org) = (kernel::UserId::mint(&ambient), kernel::OrgId::mint(&ambient));
    let anonymous = Actor { request_id: Some("req-1".into()), kind: kernel::ActorKind::Anonymous, ..Actor::system() };
    let actor = anonymous.known_as(user);
    let record = Record::new(&ambient, &actor, Action::OrgUpdated, "organization", org)
        .within(org)
        .ended(Outcome::Denied)
        .with("key", 1)
        .with("other", "two");
    assert_eq!((record.at, record.org, record.outcome), (ambient.now(), Some(org), Outcome::Denied));
    assert_eq!((record.actor.user_id(), record.actor.request_id.as_deref()), (Some(user), Some("req-1")));
    assert_eq!((record.resource.kind, record.resource.id), ("organization", org.to_string()));
    assert_eq!(record.metadata, vec![("key", "1".to_owned()), ("other", "two".to_owned())]);
    assert_eq!(anonymous.user_id(), None);
}

#[test]
fn every_action_has_a_category_that_its_name_agrees_with() {
    for action in Action::ALL {
        let area = action.as_str().split('.').next().unwrap_or_default();
        let expected = match area {
            "auth" => "authentication",
            "user" | "profile" => "account",
            "org" => "organization",
            "catalogue" | "plan" | "subscription" => "subscription",
            "usage" => "usage",
            "byok" => "key",
            "billing" => "billing",
            other => panic!("{other} is no area"),
        };
        assert_eq!(action.category().as_str(), expected, "{action:?}");
    }
}
