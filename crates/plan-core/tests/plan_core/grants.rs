//! Plans that are given, not bought.

use kernel::{Action, Actor, Email, OrgId};
use plan_core::testing::Population;
use plan_core::{FieldError, GrantRequest, PlanError, Source, SubscriptionStatus};
use proptest::prelude::*;

use crate::world::{DAY, World, id};

fn email(text: &str) -> Email {
    text.parse().unwrap()
}

#[tokio::test]
async fn an_administrator_moves_the_organization_of_an_address() {
    let w = World::new(1);
    let (org, other) = (w.org("ann").await, w.org("bob").await);
    let made = w.of(org).await.anchor;
    w.clock.advance(DAY);
    let request =
        GrantRequest { plan: Some(id("professional")), status: None, notes: Some("  As agreed on the phone. ".into()) };
    let (owned, subscription) = w.grants.change(&w.admin, &email("Ann@Example.com"), &request).await.unwrap();
    assert_eq!((owned.org, owned.email.as_str()), (org, "ann@example.com"));
    assert_eq!(subscription, w.of(org).await);
    assert_eq!((&subscription.plan, subscription.status), (&id("professional"), SubscriptionStatus::Active));
    assert_eq!((subscription.source, subscription.version), (Source::Administrator, 1));
    assert_eq!(subscription.anchor, made, "the running month goes on");
    assert_eq!(w.of(other).await.version, 0, "nobody else moved");
    let record = w.memory.records().pop().unwrap();
    assert_eq!((record.action, record.org, &record.actor), (Action::SubscriptionChanged, Some(org), &w.admin));
    for pair in [("from", "free"), ("to", "professional"), ("notes", "As agreed on the phone.")] {
        assert!(record.metadata.contains(&(pair.0, pair.1.into())), "{pair:?}: {:?}", record.metadata);
    }
}

#[tokio::test]
async fn a_trial_begins_when_it_is_given_and_ends_by_itself() {
    let w = World::new(2);
    let org = w.org("ann").await;
    let end = w.now() + DAY * 14;
    let trial = w.grant("ann", Some("trial"), None).await.unwrap();
    assert_eq!((trial.status, trial.trial_ends_at), (SubscriptionStatus::Trialing, Some(end)));
    w.clock.advance(DAY * 10);
    for status in [None, Some(SubscriptionStatus::Trialing), Some(SubscriptionStatus::Active)] {
        let again = w.grant("ann", Some("trial"), status).await.unwrap();
        assert_eq!(again.trial_ends_at, Some(end), "given again while it runs it does not get longer: {status:?}");
        assert_eq!(w.access.standing(org).await.unwrap().plan.id, id("trial"));
    }
    w.clock.set(end);
    assert_eq!(w.access.standing(org).await.unwrap().plan.id, id("free"), "at its end the default plan counts");
    let second = w.grant("ann", Some("trial"), None).await.unwrap();
    assert_eq!((second.status, second.trial_ends_at), (SubscriptionStatus::Trialing, Some(end + DAY * 14)));
    assert_eq!(w.access.standing(org).await.unwrap().plan.id, id("trial"), "given again after its end it begins anew");
    let paid = w.grant("ann", Some("starter"), None).await.unwrap();
    assert_eq!((paid.status, paid.trial_ends_at), (SubscriptionStatus::Active, None), "another plan is no trial");
    let wrong = w.grant("ann", None, Some(SubscriptionStatus::Trialing)).await;
    assert!(matches!(wrong, Err(PlanError::Invalid(wrong)) if wrong == [("status", FieldError::NoTrial)]));
    assert_eq!(w.of(org).await, paid, "and nothing changed");
}

#[tokio::test]
async fn months_keep_their_anchor() {
    let w = World::new(3);
    let org = w.org("ann").await;
    let made = w.of(org).await.anchor;
    w.clock.advance(DAY * 3);
    let paused = w.grant("ann", None, Some(SubscriptionStatus::Suspended)).await.unwrap();
    assert_eq!((paused.anchor, paused.source), (made, Source::Default), "a state is no beginning");
    let same = w.grant("ann", Some("free"), Some(SubscriptionStatus::Active)).await.unwrap();
    assert_eq!((same.anchor, same.source), (made, Source::Default), "nor is the plan that it is on");
    for plan in ["starter", "professional", "free", "trial", "enterprise", "free", "starter"] {
        w.clock.advance(DAY);
        let moved = w.grant("ann", Some(plan), None).await.unwrap();
        assert_eq!(moved.anchor, made, "nobody gets a fresh month by moving, the first time neither: {plan}");
    }
}

#[tokio::test]
async fn a_state_is_what_is_named_or_what_follows() {
    use SubscriptionStatus::{Active, Canceled, PastDue, Suspended};
    let w = World::new(4);
    let org = w.org("ann").await;
    for (plan, named, expected, counts) in [
        (Some("starter"), None, Active, "starter"),
        (None, Some(PastDue), PastDue, "starter"),
        (Some("starter"), None, PastDue, "starter"),
        (Some("professional"), None, Active, "professional"),
        (None, Some(Suspended), Suspended, "free"),
        (Some("enterprise"), None, Suspended, "free"),
        (None, Some(Active), Active, "enterprise"),
        (None, Some(Canceled), Canceled, "free"),
        (Some("enterprise"), None, Active, "enterprise"),
        (Some("starter"), Some(Canceled), Canceled, "free"),
    ] {
        let answer = w.grant("ann", plan, named).await.unwrap();
        assert_eq!(answer.status, expected, "{plan:?} {named:?}");
        assert_eq!(w.access.standing(org).await.unwrap().plan.id, id(counts), "{plan:?} {named:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_moved() {
    let w = World::new(5);
    let org = w.org("ann").await;
    assert!(matches!(w.grant("nobody", Some("starter"), None).await, Err(PlanError::NoSuchOrg)));
    assert!(matches!(w.grant("ann", Some("nothing"), None).await, Err(PlanError::UnknownPlan)));
    let nothing = w.grant("ann", None, None).await.unwrap();
    assert_eq!((nothing.version, w.memory.records().len()), (0, 0), "who asks for nothing changes nothing");
    let long = GrantRequest { notes: Some("a".repeat(1001)), ..GrantRequest::default() };
    let long = w.grants.change(&w.admin, &email("ann@example.com"), &long).await;
    assert!(matches!(long, Err(PlanError::Invalid(wrong)) if wrong[0].0 == "notes"));
    w.memory.refuse_records(true);
    assert!(matches!(w.grant("ann", Some("starter"), None).await, Err(PlanError::Store(_))));
    assert_eq!(w.of(org).await.version, 0, "a move without its record does not happen");
    w.memory.refuse_records(false);
    w.memory.suspend(org).await;
    assert!(matches!(w.grant("ann", Some("starter"), None).await, Err(PlanError::NoSuchOrg)));
}

#[tokio::test]
async fn losing_to_others_ends() {
    let w = World::new(6);
    w.org("ann").await;
    w.memory.let_rivals_win(4);
    assert_eq!(w.grant("ann", Some("starter"), None).await.unwrap().plan, id("starter"), "tried again");
    w.memory.let_rivals_win(5);
    assert!(matches!(w.grant("ann", Some("free"), None).await, Err(PlanError::VersionConflict)), "not for ever");
}

#[tokio::test]
async fn the_installation_gives_once() {
    let w = World::new(7);
    let org = w.org("admin").await;
    let given = w.grants.install(org, &id("enterprise")).await.unwrap();
    assert_eq!((&given.plan, given.source, given.version), (&id("enterprise"), Source::Installation, 1));
    assert_eq!(w.memory.records()[0].actor, Actor::system());
    assert_eq!(w.grants.install(org, &id("enterprise")).await.unwrap(), given, "a second start changes nothing");
    let moved = w.grant("admin", Some("starter"), None).await.unwrap();
    assert_eq!(w.grants.install(org, &id("enterprise")).await.unwrap(), moved, "nor takes back what somebody decided");
    assert_eq!(w.memory.records().len(), 2);
    let nowhere = w.grants.install(OrgId::mint(&w.ambient), &id("enterprise")).await;
    assert!(matches!(nowhere, Err(PlanError::NoSuchOrg)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is given in whatever order: one version a step, the same months, and no trial without an end.
    #[test]
    fn any_sequence_of_grants(steps in proptest::collection::vec((0_usize..7, 0_usize..6, 0_u32..20), 1..30)) {
        let plans = [None, Some("free"), Some("trial"), Some("starter"), Some("professional"), Some("founders-friend"), Some("enterprise")];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let w = World::new(8);
            let org = w.org("ann").await;
            let (mut version, mut anchors) = (0, std::collections::BTreeSet::new());
            for (plan, status, days) in steps {
                w.clock.advance(DAY * days);
                let status = SubscriptionStatus::ALL.get(status).copied();
                match w.grant("ann", plans[plan], status).await {
                    Ok(_) if plans[plan].is_none() && status.is_none() => {}
                    Ok(given) => {
                        version += 1;
                        assert_eq!(given.version, version);
                        assert_eq!(given.trial_ends_at.is_some(), given.plan == id("trial"));
                        assert!(given.source != Source::Default || given.plan == id("free"));
                    }
                    Err(PlanError::Invalid(_)) => assert_eq!(status, Some(SubscriptionStatus::Trialing)),
                    Err(other) => panic!("{other:?}"),
                }
                anchors.insert(w.of(org).await.anchor);
                assert!(w.access.standing(org).await.unwrap().period.contains(w.now()));
            }
            assert_eq!(anchors.len(), 1, "{anchors:?}");
        });
    }
}
