//! Keys are tested by themselves, and owners told once.

use std::collections::HashMap;
use std::time::Duration;

use byok_core::testing::World as _;
use byok_core::{ByokError, KeyStatus, Round, Verdict, Watch};
use chrono::TimeDelta;
use kernel::testing::race;
use kernel::{Action, Actor, OrgId, Outcome};

use crate::trial::meanwhile;
use crate::world::{DAY, OTHER, SECRET, World, id, new};

async fn org(w: &World) -> OrgId {
    let org = w.memory.org().await;
    w.byok.add(&Actor::system(), org, new("openai", SECRET, None)).await.unwrap();
    org
}

/// A day later, what a round answers when the provider says this.
async fn next_day(w: &World, verdict: Verdict) -> u64 {
    w.clock.advance(DAY + Duration::from_secs(1));
    w.probe.say([(verdict, None)]);
    w.watch.round().await.unwrap().tested
}

#[tokio::test]
async fn owners_are_told_once_that_a_key_is_refused() {
    let w = World::new(1).await;
    w.add("openai", SECRET).await.unwrap();
    for (verdict, told) in [
        (Verdict::Valid, 0),
        (Verdict::Unknown, 0),
        (Verdict::Error, 0),
        (Verdict::Invalid, 1),
        (Verdict::Invalid, 1),
        (Verdict::Unknown, 1),
        (Verdict::Invalid, 1),
        (Verdict::Valid, 1),
        (Verdict::Invalid, 2),
    ] {
        assert_eq!(next_day(&w, verdict).await, 1);
        assert_eq!(w.notices.told().len(), told, "{verdict:?}");
        assert_eq!(w.watch.round().await.unwrap(), Round::default(), "once a day");
    }
    assert_eq!(w.notices.told(), vec![(w.org, id("openai")); 2]);
    assert_eq!(w.statuses().await[0].1, KeyStatus::Rejected);
    w.add("openai", OTHER).await.unwrap();
    assert_eq!(next_day(&w, Verdict::Invalid).await, 1);
    assert_eq!(w.notices.told().len(), 3, "that is another key");
    let by_itself = w.records(Action::ProviderKeyTested).iter().all(|record| record.actor == Actor::system());
    assert!(by_itself);
}

#[tokio::test]
async fn whoever_tested_it_already_is_not_tested_again() {
    let w = World::new(2).await;
    w.add("openai", SECRET).await.unwrap();
    assert_eq!(w.watch.round().await.unwrap().tested, 1, "never tested is due");
    w.clock.advance(DAY);
    w.byok.test(&Actor::system(), w.org, &id("openai")).await.unwrap();
    w.clock.advance(DAY);
    assert_eq!(w.watch.round().await.unwrap().claimed, 0, "a day is not over");
    w.clock.advance(Duration::from_secs(1));
    assert_eq!(w.watch.round().await.unwrap().tested, 1);
}

#[tokio::test]
async fn what_cannot_be_tested_hinders_no_other() {
    let w = World::new(3).await;
    let mut disabled = Vec::new();
    for _ in 0..2 * Watch::ROUND {
        let org = org(&w).await;
        w.plans.give(org, false);
        disabled.push(org);
    }
    let broken = org(&w).await;
    w.memory.tamper(broken, &id("openai"), |key| key.version += 1);
    let good = org(&w).await;
    let (mut tested, mut unusable, mut claimed) = (0, 0, 0);
    for _ in 0..3 {
        w.clock.advance(Duration::from_hours(1));
        let round = w.watch.round().await.unwrap();
        (tested, unusable, claimed) = (tested + round.tested, unusable + round.unusable, claimed + round.claimed);
    }
    assert_eq!(tested, 1, "those that cannot be tested do not come again before the others");
    assert_eq!((unusable, claimed), (1, u64::from(2 * Watch::ROUND) + 2), "the others have no plan");
    assert_eq!(w.probe.probed().len(), 1);
    let told = w.records(Action::ProviderKeyTested).into_iter().map(|record| (record.org, record.outcome));
    let told = told.collect::<HashMap<_, _>>();
    assert_eq!(told, HashMap::from([(Some(broken), Outcome::Failure), (Some(good), Outcome::Success)]));
    assert_eq!(w.notices.told(), [], "nobody is told that the provider refuses it");
    w.plans.give(disabled[0], true);
    w.clock.advance(DAY + Duration::from_secs(1));
    let mut tested = 0;
    for _ in 0..3 {
        tested += w.watch.round().await.unwrap().tested;
    }
    assert_eq!(tested, 2, "whose plan gives keys again is tested again");
}

#[tokio::test]
async fn nobody_is_told_of_a_key_that_was_replaced_meanwhile() {
    let w = World::new(6).await;
    for next in [Some(OTHER), None] {
        let (byok, _) = meanwhile(&w, vec![next]).await;
        let watch = Watch::new(byok, w.notices.clone(), TimeDelta::days(1));
        w.clock.advance(DAY + Duration::from_secs(1));
        watch.round().await.unwrap();
        assert_eq!(w.notices.told(), [], "the refused key is gone");
    }
    let (byok, _) = meanwhile(&w, Vec::new()).await;
    Watch::new(byok, w.notices.clone(), TimeDelta::days(1)).round().await.unwrap();
    assert_eq!(w.notices.told().len(), 1, "this one is not");
}

#[tokio::test]
async fn several_instances_test_each_key_once() {
    let w = World::new(4).await;
    for _ in 0..120 {
        org(&w).await;
    }
    w.probe.say(vec![(Verdict::Invalid, Some(401)); 120]);
    let rounds = race(4, async |_| w.watch.round().await.unwrap()).await;
    assert_eq!(rounds.iter().map(|round| round.tested).sum::<u64>(), 120);
    assert_eq!((w.probe.probed().len(), w.notices.told().len()), (120, 120));
}

#[tokio::test]
async fn a_database_that_is_away_is_told() {
    let w = World::new(5).await;
    w.add("openai", SECRET).await.unwrap();
    w.memory.break_down(true);
    assert!(matches!(w.watch.round().await, Err(ByokError::Store(_))));
    w.memory.break_down(false);
    w.plans.break_down(true);
    assert!(matches!(w.watch.round().await, Err(ByokError::Store(_))));
    w.plans.break_down(false);
    w.clock.advance(DAY);
    w.notices.break_down(true);
    w.probe.say([(Verdict::Invalid, None)]);
    assert!(matches!(w.watch.round().await, Err(ByokError::Store(_))), "nobody could be told");
    assert_eq!(w.statuses().await[0].1, KeyStatus::Rejected, "but the list says so");
}
