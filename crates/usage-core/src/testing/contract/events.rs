use kernel::{Limit, OrgId, Period};

use super::stage::{DAY, Fate, HOUR, SECOND, Stage, fate, numbers, quantity};
use crate::{Admitted, Allowance, Draft, EntryKind, Quantity, Wall};

pub(super) async fn records_and_counts(s: &Stage<'_>) {
    let plan = Allowance { daily: Limit::Of(50), per_user: Limit::Of(30), ..s.monthly(100) };
    let (org, user, other) = (s.org(&plan).await, s.user().await, s.user().await);
    let empty = s.tally(org, Some(user), s.noon).await;
    assert_eq!((&empty.tier, numbers(empty.month), numbers(empty.day)), (&plan.tier, (0, 0), (0, 0)), "nothing yet");
    assert_eq!(empty.month.period, Period::month(plan.anchor, s.noon));
    assert_eq!(empty.day.period, Period::day(s.noon));
    assert_eq!((empty.month.limit, empty.day.limit), (plan.monthly, plan.daily));

    let first = Draft {
        user: Some(user),
        action: "completion".parse().ok(),
        metadata: Some("{\"model\":\"ä\\u0000\"}".to_owned()),
        ..s.draft(org, 7)
    };
    let tally = s.record(&first).await;
    assert_eq!((numbers(tally.month), numbers(tally.day)), ((7, 0), (7, 0)), "the counts after it");
    let count = tally.user.unwrap();
    assert_eq!((numbers(count), count.limit, count.period), ((7, 0), Limit::Of(30), tally.month.period));
    assert_eq!(s.tally(org, Some(user), s.noon).await, tally, "and so they read");
    let tally = s.record(&Draft { user: Some(other), ..s.draft(org, 5) }).await;
    assert_eq!((tally.month.used, tally.user.map(|count| count.used)), (12, Some(5)), "users are counted apart");
    let tally = s.record(&s.draft(org, 1)).await;
    assert_eq!((tally.month.used, tally.user), (13, None), "nobody's call counts for the organization alone");

    let ledger = s.ledger(org).await;
    assert_eq!(ledger.len(), 3);
    let row = ledger.iter().find(|row| row.event == first.event).unwrap();
    assert_eq!((row.kind, row.quantity, row.user), (EntryKind::Call, 7, Some(user)));
    assert_eq!((row.service.as_ref(), &row.action), (Some(&first.service), &first.action));
    assert_eq!((row.occurred_at, row.recorded_at), (s.noon, s.noon));
    s.assert_sound(org, &[user, other], s.noon).await;
}

pub(super) async fn records_an_event_once(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(10)).await, s.user().await);
    let draft = Draft { user: Some(user), ..s.draft(org, 6) };
    s.record(&draft).await;
    s.record(&s.draft(org, 4)).await;
    for later in [SECOND, HOUR, DAY, DAY * 3] {
        let again = Draft { received_at: s.noon + later, ..draft.clone() };
        let Admitted::Duplicate(tally) = s.admit(&again).await else { panic!("a copy after {later:?}") };
        assert_eq!(tally, s.tally(org, Some(user), again.received_at).await, "with today's counts");
        assert_eq!(tally.month.used, 10, "though nothing more fits");
    }
    let dated = Draft { occurred_at: Some(s.noon), ..s.draft(s.org(&s.monthly(10)).await, 1) };
    s.record(&dated).await;
    for later in [DAY * 2, DAY * 100] {
        let again = Draft { received_at: s.noon + later, ..dated.clone() };
        assert_eq!(s.fate(&again).await, Fate::Duplicate, "a known event stays known for ever");
    }
    assert_eq!(s.ledger(org).await.len(), 2);
    s.assert_sound(org, &[user], s.noon).await;
}

pub(super) async fn tells_payloads_apart(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(10)).await, s.user().await);
    let draft = s.draft(org, 2);
    s.record(&draft).await;
    for other in [
        Draft { quantity: quantity(3), ..draft.clone() },
        Draft { quantity: quantity(1_000), ..draft.clone() },
        Draft { user: Some(user), ..draft.clone() },
        Draft { service: "search".parse().unwrap(), ..draft.clone() },
        Draft { action: "completion".parse().ok(), ..draft.clone() },
        Draft { occurred_at: Some(s.noon), ..draft.clone() },
        Draft { occurred_at: Some(s.noon - DAY * 3), ..draft.clone() },
        Draft { metadata: Some("{}".to_owned()), ..draft.clone() },
    ] {
        assert_eq!(s.fate(&other).await, Fate::Conflict, "the same name for another event: {other:?}");
    }
    assert_eq!(s.fate(&draft).await, Fate::Duplicate);
    assert_eq!((s.month(org, s.noon).await, s.ledger(org).await.len()), ((2, 0), 1), "nothing changed");
    let cased = Draft { event: draft.event.as_str().to_uppercase().parse().unwrap(), ..draft };
    assert_eq!(s.fate(&cased).await, Fate::Recorded, "names differ by case");
}

pub(super) async fn the_limit_is_a_wall(s: &Stage<'_>) {
    let org = s.org(&s.monthly(10)).await;
    let refused = s.draft(org, 11);
    let Admitted::OverLimit(Wall::Month, tally) = s.admit(&refused).await else { panic!("more than there ever is") };
    assert_eq!(tally, s.tally(org, None, s.noon).await, "the counts that it did not fit under");
    assert_eq!(s.record(&s.draft(org, 7)).await.month.remaining(), Some(3));
    assert_eq!(s.fate(&s.draft(org, 7)).await, Fate::Over(Wall::Month), "10 is not enough for two costs of 7");
    assert_eq!(s.fate(&s.draft(org, 4)).await, Fate::Over(Wall::Month), "one too many");
    assert_eq!(s.record(&s.draft(org, 3)).await.month.remaining(), Some(0), "exactly");
    assert_eq!(s.fate(&s.draft(org, 1)).await, Fate::Over(Wall::Month));
    assert_eq!(s.ledger(org).await.len(), 2, "what is refused is not recorded");
    assert_eq!(s.fate(&Draft { quantity: quantity(1), ..refused }).await, Fate::Over(Wall::Month), "nor its name");
    let none = s.org(&s.monthly(0)).await;
    assert_eq!(s.fate(&s.draft(none, 1)).await, Fate::Over(Wall::Month), "a limit of nothing");
    s.assert_sound(org, &[], s.noon).await;
}

pub(super) async fn each_limit_has_its_say(s: &Stage<'_>) {
    let plan = Allowance { daily: Limit::Of(10), per_user: Limit::Of(7), ..s.monthly(15) };
    let (org, user, other) = (s.org(&plan).await, s.user().await, s.user().await);
    let by = |user, cost| Draft { user: Some(user), ..s.draft(org, cost) };
    assert_eq!(s.fate(&by(user, 7)).await, Fate::Recorded);
    let Admitted::OverLimit(wall, tally) = s.admit(&by(user, 1)).await else { panic!("the user has no more") };
    assert_eq!((wall, tally.user.and_then(|count| count.remaining())), (Wall::User, Some(0)));
    assert_eq!(s.fate(&by(other, 4)).await, Fate::Over(Wall::Day), "the day has 3 left, though the user has 7");
    assert_eq!(s.fate(&by(other, 3)).await, Fate::Recorded, "each user has a limit of their own");
    assert_eq!(s.fate(&s.draft(org, 1)).await, Fate::Over(Wall::Day));
    assert_eq!(s.fate(&by(user, 9)).await, Fate::Over(Wall::Month), "the month is asked first, then the day");

    let tomorrow = s.noon + DAY;
    let then = |draft: Draft| Draft { received_at: tomorrow, ..draft };
    let tally = s.tally(org, Some(user), tomorrow).await;
    assert_eq!((tally.month.used, tally.day.used), (10, 0), "a new day, the same month");
    assert_eq!(s.fate(&then(by(user, 1))).await, Fate::Over(Wall::User), "the user's limit is the month's");
    assert_eq!(s.fate(&then(by(other, 4))).await, Fate::Recorded);
    assert_eq!(s.fate(&then(s.draft(org, 2))).await, Fate::Over(Wall::Month));
    assert_eq!(s.fate(&then(s.draft(org, 1))).await, Fate::Recorded);
    s.assert_sound(org, &[user, other], tomorrow).await;
}

pub(super) async fn a_batch_is_admitted_in_its_order(s: &Stage<'_>) {
    let (org, other) = (s.org(&s.monthly(10)).await, s.org(&s.monthly(5)).await);
    let twice = s.draft(org, 4);
    let drafts = [
        twice.clone(),
        s.draft(other, 5),
        twice.clone(),
        Draft { quantity: quantity(5), ..twice.clone() },
        s.draft(org, 7),
        Draft { org: OrgId::mint(s.stores.ambient), ..s.draft(org, 1) },
        s.draft(org, 6),
        s.draft(other, 1),
        Draft { occurred_at: Some(s.noon - DAY * 2), ..s.draft(org, 1) },
        s.draft(org, 1),
        twice,
    ];
    let answers = s.batch(&drafts).await;
    let fates: Vec<_> = answers.iter().map(fate).collect();
    let over = Fate::Over(Wall::Month);
    let expected = [
        Fate::Recorded,
        Fate::Recorded,
        Fate::Duplicate,
        Fate::Conflict,
        over,
        Fate::NoOrg,
        Fate::Recorded,
        over,
        Fate::OutOfTime,
        over,
        Fate::Duplicate,
    ];
    assert_eq!(fates, expected, "each as if it were alone, in turn; the limit may be reached in the middle");
    let used = |n: usize| match &answers[n] {
        Admitted::Recorded(tally) | Admitted::Duplicate(tally) | Admitted::OverLimit(_, tally) => tally.month.used,
        other => panic!("{other:?} has counts"),
    };
    assert_eq!([used(0), used(1), used(2), used(4)], [4, 5, 4, 4], "with the counts of their turn");
    assert_eq!([used(6), used(7), used(9), used(10)], [10, 5, 10, 10]);
    assert_eq!(s.batch(&[]).await, vec![], "no draft, no answer");
    for org in [org, other] {
        s.assert_sound(org, &[], s.noon).await;
    }
}

pub(super) async fn organizations_are_apart(s: &Stage<'_>) {
    let (org, other, user) = (s.org(&s.monthly(5)).await, s.org(&s.monthly(5)).await, s.user().await);
    let draft = Draft { user: Some(user), ..s.draft(org, 5) };
    s.record(&draft).await;
    let tally = s.record(&Draft { org: other, quantity: quantity(2), ..draft.clone() }).await;
    assert_eq!((tally.month.used, tally.user.map(|count| count.used)), (2, Some(2)), "a name, a user, another ledger");
    let kinds: Vec<_> = s.ledger(other).await.iter().map(|row| row.quantity).collect();
    assert_eq!(kinds, vec![2]);
    assert_eq!(s.month(org, s.noon).await, (5, 0));
}

pub(super) async fn only_active_organizations_use(s: &Stage<'_>) {
    let unknown = OrgId::mint(s.stores.ambient);
    assert_eq!(s.fate(&s.draft(unknown, 1)).await, Fate::NoOrg);
    assert_eq!(s.try_hold(&s.lease(unknown, None, 1)).await, crate::Held::NoOrg);
    assert_eq!(s.stores.reader.tally(unknown, None, s.noon).await.unwrap(), None);
    assert_eq!(s.reset(unknown, s.noon).await, None);

    let (org, gone) = (s.org(&s.monthly(9)).await, s.org(&s.monthly(9)).await);
    let (draft, held) = (s.draft(org, 2), s.lease(org, None, 3));
    s.record(&draft).await;
    s.hold(&held).await;
    s.stores.world.suspend(org).await;
    s.stores.world.delete(gone).await;
    for org in [org, gone] {
        assert_eq!(s.fate(&s.draft(org, 1)).await, Fate::NoOrg, "suspended or deleted");
        assert_eq!(s.try_hold(&s.lease(org, None, 1)).await, crate::Held::NoOrg);
    }
    assert_eq!(s.fate(&draft).await, Fate::NoOrg, "copies too");
    assert_eq!(s.month(org, s.noon).await, (2, 3), "a suspended one has counts");
    let settled = s.settle(&held, 3, s.noon).await;
    assert!(matches!(settled, crate::Settled::Settled(_)), "and settles what was held before: {settled:?}");
    assert_eq!(s.reset(org, s.noon).await.map(|tally| tally.month.used), Some(0), "and can be set back");
    assert_eq!(s.stores.reader.tally(gone, None, s.noon).await.unwrap(), None, "a deleted one has none");
    assert_eq!(s.reset(gone, s.noon).await, None);
    s.assert_sound(org, &[], s.noon).await;
}

pub(super) async fn a_plan_change_counts_at_once(s: &Stage<'_>) {
    let (plan, user) = (s.monthly(10), s.user().await);
    let org = s.org(&plan).await;
    s.record(&Draft { user: Some(user), ..s.draft(org, 8) }).await;
    let smaller = Allowance { per_user: Limit::Of(3), anchor: plan.anchor, ..s.monthly(5) };
    s.stores.world.allow(org, &smaller).await;
    let tally = s.tally(org, Some(user), s.noon).await;
    assert_eq!((&tally.tier, tally.month.used, tally.month.remaining()), (&smaller.tier, 8, Some(0)), "never negative");
    assert_eq!(tally.user.and_then(|count| count.remaining()), Some(0));
    let Admitted::OverLimit(Wall::Month, over) = s.admit(&s.draft(org, 1)).await else { panic!("below what was used") };
    assert_eq!((over.month.limit, over.month.remaining()), (Limit::Of(5), Some(0)));
    let larger = Allowance { anchor: plan.anchor, ..s.monthly(12) };
    s.stores.world.allow(org, &larger).await;
    let tally = s.record(&Draft { user: Some(user), ..s.draft(org, 4) }).await;
    assert_eq!((tally.tier, tally.month.used, tally.month.remaining()), (larger.tier, 12, Some(0)));
    let unlimited = Allowance { anchor: plan.anchor, ..s.unlimited() };
    s.stores.world.allow(org, &unlimited).await;
    assert_eq!(s.record(&s.draft(org, 1_000)).await.month.used, 1_012);
    s.assert_sound(org, &[user], s.noon).await;
}

pub(super) async fn the_largest_numbers_count(s: &Stage<'_>) {
    let org = s.org(&s.unlimited()).await;
    for n in 1..=5 {
        let tally = s.record(&s.draft(org, Quantity::MAX)).await;
        assert_eq!((tally.month.used, tally.month.remaining()), (Quantity::MAX * n, None), "beyond 32 bits");
    }
    let wide = s.org(&Allowance { monthly: Limit::Of(i64::MAX.unsigned_abs()), ..s.unlimited() }).await;
    assert_eq!(s.fate(&s.draft(wide, Quantity::MAX)).await, Fate::Recorded);
    s.assert_sound(org, &[], s.noon).await;
}
