//! May this call happen?

use kernel::{OrgId, Timestamp};
use plan_core::testing::{Population, sample_catalogue};
use plan_core::{Call, Check, OnOutage, OutagePolicy, Pays, PlanError, QuotaStanding, Reason, Room, Verdict};

use crate::world::{DAY, World, id};

async fn decide(w: &World, call: &Call) -> Verdict {
    let verdict = w.decision.decide(call).await.unwrap();
    assert_eq!(verdict.allow, verdict.reason == Reason::Allowed);
    let (last, before) = verdict.steps.split_last().unwrap();
    assert!(before.iter().all(|step| step.ok), "the first refusal is the last step: {verdict:?}");
    assert_eq!(last.ok, verdict.allow, "{verdict:?}");
    let checks: Vec<_> = verdict.steps.iter().map(|step| step.check).collect();
    assert_eq!(checks, Check::ALL[..checks.len()], "in their order");
    assert!(!verdict.allow || checks.len() == Check::ALL.len(), "a call that may happen has passed every check");
    verdict
}

/// So much left, of which nothing is held, until then.
const fn room(left: u64, ends_at: Timestamp) -> Room {
    Room { left: Some(left), unheld: Some(left), ends_at }
}

const fn endless(ends_at: Timestamp) -> Room {
    Room { left: None, unheld: None, ends_at }
}

/// So much left of the month and of the user's, and no limit for the day, which ends sooner.
fn left(org: u64, user: u64, end: Timestamp) -> QuotaStanding {
    let (day, held_until) = (endless(end - DAY / 2), end);
    QuotaStanding { month: room(org, end), day, user: Some(room(user, end)), held_until }
}

#[tokio::test]
async fn every_plan_and_every_service() {
    let catalogue = sample_catalogue();
    let w = World::new(1);
    for plan in catalogue.plans() {
        let org = w.on(plan.id.as_str()).await;
        for service in catalogue.services() {
            let verdict = decide(&w, &w.call(org, service.name.as_str(), 1)).await;
            assert_eq!(verdict.tier, plan.id);
            let opens = plan.services.contains(&service.name);
            let reason = if opens { Reason::Allowed } else { Reason::UpgradeRequired };
            assert_eq!(verdict.reason, reason, "{} {}", plan.id, service.name);
            assert_eq!(verdict.steps.len(), if opens { 5 } else { 1 });
            assert_eq!((verdict.pays, verdict.reservation, verdict.retry_at), (Pays::Platform, None, None));
        }
    }
    assert!(w.memory.holds().is_empty(), "nothing is held that was not asked for");
}

#[tokio::test]
async fn quotas() {
    let w = World::new(2);
    let org = w.on("professional").await;
    let reset = w.now() + DAY;
    for (org_left, user_left, quantity, refused, remaining) in [
        (10, 10, 10, None, 0),
        (10, 10, 3, None, 7),
        (10, 10, 11, Some(Check::OrgQuota), 10),
        (0, 10, 1, Some(Check::OrgQuota), 0),
        (10, 2, 3, Some(Check::UserQuota), 10),
        (10, 3, 3, None, 7),
        (2, 2, 3, Some(Check::OrgQuota), 2),
    ] {
        w.memory.set_standing(org, left(org_left, user_left, reset));
        let verdict = decide(&w, &w.call(org, "chat", quantity)).await;
        let step = verdict.steps.iter().find(|step| !step.ok);
        assert_eq!(step.map(|step| step.check), refused, "{verdict:?}");
        assert_eq!(verdict.remaining, Some(remaining), "{verdict:?}");
        assert_eq!(verdict.retry_at, refused.map(|_| reset), "{verdict:?}");
        assert_eq!(verdict.reason, refused.map_or(Reason::Allowed, |_| Reason::QuotaExceeded));
    }
    w.memory.set_standing(org, left(10, 0, reset));
    let nobody = Call { user: None, ..w.call(org, "chat", 10) };
    assert!(decide(&w, &nobody).await.allow, "a call that no person makes has no user's quota");
    let endless = endless(reset);
    w.memory.set_standing(org, QuotaStanding { month: endless, day: endless, user: None, held_until: reset });
    assert_eq!(decide(&w, &w.call(org, "chat", 1_000_000_000)).await.remaining, None, "no limit, no end");
    w.memory.set_standing(org, left(10_000, 10_000, reset));
    let never = decide(&w, &w.call(org, "chat", 10_001)).await;
    assert_eq!((never.reason, never.retry_at), (Reason::QuotaExceeded, None), "more than a month gives never fits");
}

#[tokio::test]
async fn the_smaller_of_month_and_day_decides_and_the_month_is_told() {
    let w = World::new(3);
    let org = w.org("ann").await;
    let (midnight, end) = (w.now() + DAY, w.now() + DAY * 20);
    let standing = QuotaStanding { month: room(500, end), day: room(2, midnight), user: None, held_until: w.now() };
    w.memory.set_standing(org, standing);
    assert_eq!(decide(&w, &w.call(org, "chat", 2)).await.remaining, Some(498));
    let refused = decide(&w, &w.call(org, "chat", 3)).await;
    assert_eq!(
        (refused.reason, refused.remaining, refused.retry_at),
        (Reason::QuotaExceeded, Some(500), Some(midnight))
    );
}

#[tokio::test]
async fn a_refused_caller_is_told_when_every_quota_in_the_way_has_room() {
    let w = World::new(12);
    let org = w.org("ann").await;
    let (hour, midnight, end) = (w.now() + DAY / 24, w.now() + DAY / 2, w.now() + DAY * 20);
    let half_held = |room: Room| Room { left: room.left.map(|left| left / 2), ..room };
    for (month, day, user, (quantity, refused, again)) in [
        // The day ends first, and then the month still has no room.
        (room(5, end), room(1, midnight), None, (6, Check::OrgQuota, Some(end))),
        (room(5, end), room(1, midnight), None, (5, Check::OrgQuota, Some(midnight))),
        // A user's quota is that of a month.
        (endless(end), endless(midnight), Some(room(0, end)), (1, Check::UserQuota, Some(end))),
        (endless(end), room(0, midnight), Some(room(0, end)), (1, Check::OrgQuota, Some(end))),
        // What is held is settled or free before.
        (half_held(room(8, end)), endless(midnight), None, (5, Check::OrgQuota, Some(hour))),
        (half_held(room(8, end)), endless(midnight), None, (9, Check::OrgQuota, Some(end))),
        (half_held(room(8, end)), room(1, midnight), None, (5, Check::OrgQuota, Some(midnight))),
        // More than a month gives.
        (room(5, end), endless(midnight), None, (1_000_000, Check::OrgQuota, None)),
    ] {
        w.memory.set_standing(org, QuotaStanding { month, day, user, held_until: hour });
        let verdict = decide(&w, &w.call(org, "chat", quantity)).await;
        assert_eq!(verdict.steps.last().map(|step| (step.check, step.ok)), Some((refused, false)), "{verdict:?}");
        assert_eq!(verdict.retry_at, again, "{verdict:?}");
    }
}

#[tokio::test]
async fn who_holds_too_often_is_told_when_there_is_a_place() {
    let w = World::new(13);
    let org = w.on("starter").await;
    let again = w.now() + DAY / 48;
    w.memory.set_crowded_until(Some(again));
    let hold = Call { reserve: Some(60), ..w.call(org, "chat", 4) };
    let refused = w.decision.decide(&hold).await;
    let Err(PlanError::TooManyReservations { at, again: told }) = refused else { panic!("{refused:?}") };
    assert_eq!((at, told), (w.now(), again));
    assert!(decide(&w, &w.call(org, "chat", 4)).await.allow, "nothing is held for the others");
}

#[tokio::test]
async fn rate_limits() {
    let w = World::new(4);
    let (org, endless) = (w.on("starter").await, w.on("enterprise").await);
    assert!(decide(&w, &w.call(org, "chat", 1)).await.allow);
    assert_eq!(w.memory.takes(), 1);
    let again = w.now() + DAY / 1000;
    w.memory.set_full_until(Some(again));
    let verdict = decide(&w, &w.call(org, "chat", 1)).await;
    assert_eq!((verdict.reason, verdict.retry_at, verdict.steps.len()), (Reason::RateLimited, Some(again), 4));
    assert!(decide(&w, &w.call(endless, "chat", 1)).await.allow, "a plan without a rate limit is not asked about");
    w.memory.set_standing(org, left(0, 0, w.now()));
    decide(&w, &w.call(org, "chat", 1)).await;
    decide(&w, &w.call(org, "bolt", 1)).await;
    assert_eq!(w.memory.takes(), 2, "what an earlier check refuses costs nothing");
}

#[tokio::test]
async fn who_pays() {
    let w = World::new(5);
    let (with, without) = (w.on("starter").await, w.on("free").await);
    for org in [with, without] {
        w.memory.bring_key(org, &"chat".parse().unwrap());
    }
    assert_eq!(decide(&w, &w.call(with, "chat", 1)).await.pays, Pays::Byok);
    assert_eq!(decide(&w, &w.call(with, "search", 1)).await.pays, Pays::Platform, "a key is for one provider");
    assert_eq!(decide(&w, &w.call(without, "chat", 1)).await.pays, Pays::Platform, "the plan has no keys of its own");
}

#[tokio::test]
async fn quantity_is_held_last() {
    let w = World::new(6);
    let org = w.on("starter").await;
    w.memory.set_standing(org, left(10, 10, w.now() + DAY));
    let call = Call { reserve: Some(60), ..w.call(org, "chat", 4) };
    let verdict = decide(&w, &call).await;
    assert!(verdict.reservation.is_some());
    assert_eq!((verdict.remaining, w.memory.holds()), (Some(6), vec![(call.clone(), 60)]));
    w.memory.set_full_until(Some(w.now() + DAY));
    assert_eq!(decide(&w, &call).await.reservation, None);
    w.memory.set_full_until(None);
    let upgrade = Call { reserve: Some(60), ..w.call(org, "bolt", 1) };
    assert_eq!(decide(&w, &upgrade).await.reservation, None);
    assert_eq!(w.memory.holds().len(), 1, "nothing is held for a call that may not happen");
}

#[tokio::test]
async fn the_hold_has_the_last_word() {
    let w = World::new(7);
    let org = w.on("starter").await;
    w.memory.bring_key(org, &"chat".parse().unwrap());
    let reset = w.now() + DAY;
    let hold = Call { reserve: Some(60), ..w.call(org, "chat", 4) };
    w.memory.set_standing(org, left(3, 10, reset));
    w.memory.set_known(org, left(10, 10, reset));
    let verdict = decide(&w, &hold).await;
    assert_eq!((verdict.reason, verdict.retry_at, verdict.reservation), (Reason::QuotaExceeded, Some(reset), None));
    assert_eq!((verdict.steps.len(), verdict.remaining, verdict.pays), (2, Some(3), Pays::Platform));
    assert_eq!(verdict.steps[1].check, Check::OrgQuota);
}

#[tokio::test]
async fn one_left_and_many_who_want_it() {
    let w = World::new(8);
    let org = w.on("starter").await;
    w.memory.set_standing(org, left(1, 1, w.now() + DAY));
    let call = Call { reserve: Some(60), ..w.call(org, "chat", 1) };
    let verdicts = kernel::testing::race(32, async |_| decide(&w, &call).await).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.allow).count(), 1);
    assert_eq!(w.memory.holds().len(), 1);
}

/// What a decision with this check down says, and its trace's last step.
async fn during(w: &World, org: OrgId, down: Check, reserve: Option<u32>) -> Verdict {
    w.memory.fail(down, true);
    let verdict = decide(w, &Call { reserve, ..w.call(org, "chat", 1) }).await;
    w.memory.fail(down, false);
    verdict
}

#[tokio::test]
async fn a_check_that_cannot_be_made_follows_its_policy() {
    for rate_limit in [OnOutage::Allow, OnOutage::Refuse] {
        for byok in [OnOutage::Allow, OnOutage::Refuse] {
            let policy = OutagePolicy { rate_limit, byok };
            let w = World::with(9, policy);
            let org = w.on("starter").await;
            for down in Check::ALL {
                let verdict = during(&w, org, down, None).await;
                let allowed = policy.of(down) == OnOutage::Allow;
                let reason = if allowed { Reason::Allowed } else { Reason::Unavailable };
                assert_eq!(verdict.reason, reason, "{down:?} {policy:?}");
                assert_eq!(verdict.retry_at, None, "nobody knows");
                if allowed {
                    let step = verdict.steps.iter().find(|step| step.check == down).unwrap();
                    assert!(step.detail.contains("cannot") && step.detail.contains("goes on"), "{step:?}");
                }
            }
            assert!(decide(&w, &w.call(org, "chat", 1)).await.allow, "and afterwards all is well");
        }
    }
    let w = World::new(10);
    let org = w.on("starter").await;
    let unknown = during(&w, org, Check::Entitlement, None).await;
    assert_eq!((unknown.tier, unknown.steps.len()), (id("free"), 1), "nobody is taken for more than the default");
    assert!(during(&w, org, Check::RateLimit, Some(60)).await.reservation.is_some(), "quotas still hold");
}

#[tokio::test]
async fn what_is_not_there_is_not_decided() {
    let w = World::new(11);
    let org = w.on("starter").await;
    assert!(matches!(w.decision.decide(&w.call(org, "nothing", 1)).await, Err(PlanError::UnknownService)));
    let nowhere = w.call(OrgId::mint(&w.ambient), "chat", 1);
    assert!(matches!(w.decision.decide(&nowhere).await, Err(PlanError::NoSuchOrg)));
    w.memory.delete(org).await;
    assert!(matches!(w.decision.decide(&w.call(org, "chat", 1)).await, Err(PlanError::NoSuchOrg)));
}
