//! Recording and setting back.

use std::time::Duration;

use kernel::testing::race;
use kernel::{Action, Actor, OrgId};
use usage_core::testing::World as _;
use usage_core::{Draft, FieldError, Metering, Report, UsageError, Wall};

use crate::world::{World, cost, event, service};

#[tokio::test]
async fn a_call_is_recorded_once_by_its_name() {
    let w = World::new(1);
    let (org, user) = (w.org(10).await, w.memory.user().await);
    let report = Report {
        event: Some(event("req-1")),
        user: Some(user),
        action: "completion".parse().ok(),
        quantity: cost(4),
        metadata: Some("{\"model\":\"m\"}".to_owned()),
        ..Report::new(org, service("chat"))
    };
    let first = w.metering.track(report.clone()).await.unwrap();
    assert_eq!((first.event.as_str(), first.duplicate, first.tally.month.used), ("req-1", false, 4));
    w.clock.advance(Duration::from_hours(24 * 3));
    let again = w.metering.track(report.clone()).await.unwrap();
    assert_eq!((again.duplicate, again.tally.month.used), (true, 4));
    let other = Report { quantity: cost(5), ..report };
    assert!(matches!(w.metering.track(other).await, Err(UsageError::EventConflict)));
}

#[tokio::test]
async fn a_call_without_a_name_gets_one() {
    let w = World::new(2);
    let org = w.org(10).await;
    let report = Report::new(org, service("chat"));
    let (one, two) = (w.metering.track(report.clone()).await.unwrap(), w.metering.track(report).await.unwrap());
    assert_ne!(one.event, two.event);
    assert!(one.event.as_str().starts_with("evt_"), "{}", one.event);
    assert_eq!(two.tally.month.used, 2, "each is a call of its own");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_counts() {
    let w = World::new(3);
    let org = w.org(10).await;
    w.use_up(org, "chat", 8).await;
    let refused = w.metering.track(Report { quantity: cost(3), ..Report::new(org, service("chat")) }).await;
    let Err(UsageError::QuotaExceeded(Wall::Month, tally)) = refused else { panic!("{refused:?}") };
    assert_eq!((tally.tier.as_str(), tally.month.used, tally.month.remaining()), ("starter", 8, Some(2)));
    assert_eq!((tally.quantity, tally.at), (cost(3), w.ambient.now()), "and with what was asked for, and when");
    let answers = race(32, async |_| w.metering.track(Report::new(org, service("chat"))).await.is_ok()).await;
    assert_eq!(answers.iter().filter(|recorded| **recorded).count(), 2);
    let unknown = w.metering.track(Report::new(OrgId::mint(&w.ambient), service("chat"))).await;
    assert!(matches!(unknown, Err(UsageError::NoOrg)));
}

#[tokio::test]
async fn time_is_kept_to_the_microsecond_and_within_a_day() {
    let w = World::new(4);
    let org = w.org(10).await;
    let at = |nanos| Some(w.ambient.now() + chrono::TimeDelta::nanoseconds(nanos));
    let report =
        |nanos| Report { event: Some(event("req")), occurred_at: at(nanos), ..Report::new(org, service("chat")) };
    assert!(!w.metering.track(report(-1_000)).await.unwrap().duplicate);
    assert!(w.metering.track(report(-1)).await.unwrap().duplicate, "below a microsecond nothing counts");
    for other in [-1_001, 0] {
        let refused = w.metering.track(report(other)).await;
        assert!(matches!(refused, Err(UsageError::EventConflict)), "another microsecond: {refused:?}");
    }
    let then = |hours| Some(w.ambient.now() - chrono::TimeDelta::hours(hours));
    let late = w.metering.track(Report { occurred_at: then(25), ..Report::new(org, service("chat")) }).await;
    assert!(matches!(late, Err(UsageError::OutOfTime)));
    w.memory.made(org, w.ambient.now() - chrono::TimeDelta::hours(1)).await;
    let before = w.metering.track(Report { occurred_at: then(2), ..Report::new(org, service("chat")) }).await;
    assert!(matches!(before, Err(UsageError::OutOfTime)), "there was no organization: {before:?}");
}

#[tokio::test]
async fn what_the_ledger_does_not_keep_is_refused_before_it() {
    let w = World::new(5);
    let org = w.org(10).await;
    let report = || Report::new(org, service("chat"));
    let held = w.metering.hold(crate::reservations::lease(org, 1)).await.unwrap();
    for name in [held.id.to_string(), "rsv_".to_owned(), "reset_1".to_owned()] {
        let refused = w.metering.track(Report { event: Some(event(&name)), ..report() }).await;
        assert!(matches!(refused, Err(UsageError::Invalid("event_id", FieldError::OwnEventId))), "{refused:?}");
    }
    let full = format!("{{\"a\":\"{}\"}}", "x".repeat(Draft::MAX_METADATA - 8));
    assert_eq!(full.len(), Draft::MAX_METADATA);
    w.metering.track(Report { metadata: Some(full.clone()), ..report() }).await.unwrap();
    for metadata in [full.replace("x\"}", "xx\"}"), "[]".to_owned(), String::new(), "null".to_owned()] {
        let refused = w.metering.track(Report { metadata: Some(metadata), ..report() }).await;
        assert!(matches!(refused, Err(UsageError::Invalid("metadata", FieldError::Metadata))), "{refused:?}");
    }
    assert_eq!(w.usage.tally(org, None).await.unwrap().month.used, 1);
}

#[tokio::test]
async fn a_batch_answers_each_in_its_order() {
    let w = World::new(6);
    let org = w.org(3).await;
    let named = |name, quantity| Report {
        event: Some(event(name)),
        quantity: cost(quantity),
        ..Report::new(org, service("chat"))
    };
    let reports = vec![
        named("a", 2),
        Report { metadata: Some("[]".to_owned()), ..named("b", 1) },
        named("a", 2),
        named("a", 1),
        named("c", 2),
        named("reset_x", 1),
        named("d", 1),
        named("e", 1),
    ];
    let answers = w.metering.track_batch(reports).await.unwrap();
    let said: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Ok(tracked) => format!("{} {} {}", tracked.event, tracked.duplicate, tracked.tally.month.used),
            Err(UsageError::Invalid(field, _)) => (*field).to_owned(),
            Err(UsageError::EventConflict) => "conflict".to_owned(),
            Err(UsageError::QuotaExceeded(wall, tally)) => format!("{} {}", wall.as_str(), tally.month.used),
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    let expected = ["a false 2", "metadata", "a true 2", "conflict", "monthly 2", "event_id", "d false 3", "monthly 3"];
    assert_eq!(said, expected);
    let bad = || Report { metadata: Some(String::new()), ..named("f", 1) };
    let answers = w.metering.track_batch(vec![bad(), bad()]).await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Err(UsageError::Invalid("metadata", _)))));
}

#[tokio::test]
async fn a_batch_has_its_bounds() {
    let w = World::new(7);
    let org = w.org(5_000).await;
    let reports = |count: usize| vec![Report::new(org, service("chat")); count];
    let full = w.metering.track_batch(reports(Metering::MAX_BATCH)).await.unwrap();
    assert_eq!((full.len(), full.iter().filter(|answer| answer.is_ok()).count()), (1_000, 1_000));
    for count in [0, Metering::MAX_BATCH + 1] {
        let refused = w.metering.track_batch(reports(count)).await;
        assert!(matches!(refused, Err(UsageError::Invalid("events", FieldError::Batch))), "{count}");
    }
    assert_eq!(w.usage.tally(org, None).await.unwrap().month.used, 1_000);
}

#[tokio::test]
async fn a_ledger_that_cannot_answer_is_no_refusal() {
    let w = World::new(8);
    let org = w.org(5).await;
    w.memory.break_down(true);
    let report = Report::new(org, service("chat"));
    assert!(matches!(w.metering.track(report.clone()).await, Err(UsageError::Store(_))));
    assert!(matches!(w.metering.track_batch(vec![report]).await, Err(UsageError::Store(_))));
    assert!(matches!(w.metering.reset(&Actor::system(), org, None).await, Err(UsageError::Store(_))));
    w.memory.break_down(false);
    assert_eq!(w.use_up(org, "chat", 5).await, 5, "nothing was recorded meanwhile");
}

#[tokio::test]
async fn a_reset_is_remembered_with_its_reason() {
    let w = World::new(9);
    let (org, admin) = (w.org(5).await, w.memory.user().await);
    w.use_up(org, "chat", 5).await;
    w.memory.refuse_records(true);
    assert!(matches!(w.metering.reset(&Actor::user(admin), org, None).await, Err(UsageError::Store(_))));
    assert_eq!(w.usage.tally(org, None).await.unwrap().month.used, 5, "no record, no reset");
    w.memory.refuse_records(false);
    let long = "x".repeat(Metering::MAX_REASON + 1);
    let refused = w.metering.reset(&Actor::user(admin), org, Some(&long)).await;
    assert!(matches!(refused, Err(UsageError::Invalid("reason", FieldError::Text(_)))));
    let tally = w.metering.reset(&Actor::user(admin), org, Some(" an outage ")).await.unwrap();
    assert_eq!((tally.month.used, tally.month.remaining()), (0, Some(5)));
    let records = w.memory.records();
    let [record] = records.as_slice() else { panic!("one record: {records:?}") };
    assert_eq!((record.action, record.org, record.actor.user_id()), (Action::UsageReset, Some(org), Some(admin)));
    assert_eq!(record.metadata, vec![("reason", "an outage".to_owned())]);
    assert_eq!(w.use_up(org, "chat", 5).await, 5);
    let unknown = w.metering.reset(&Actor::system(), OrgId::mint(&w.ambient), None).await;
    assert!(matches!(unknown, Err(UsageError::NoOrg)));
}
