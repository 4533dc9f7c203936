use std::collections::BTreeSet;

use kernel::{Limit, Period};

use super::stage::{DAY, Fate, HOUR, SECOND, Stage, numbers};
use crate::{Allowance, Draft, EntryKind, Wall};

pub(super) async fn a_reset_compensates(s: &Stage<'_>) {
    let plan = Allowance { daily: Limit::Of(30), per_user: Limit::Of(20), ..s.monthly(40) };
    let (org, user, other, bystander) =
        (s.org(&plan).await, s.user().await, s.user().await, s.org(&s.monthly(40)).await);
    s.record(&Draft { user: Some(user), ..s.draft(bystander, 7) }).await;
    let on = |user, cost, at| Draft { user, received_at: at, ..s.draft(org, cost) };
    for (who, cost, at) in [
        (Some(user), 10, s.noon - DAY * 3),
        (Some(other), 4, s.noon - DAY * 3),
        (Some(user), 5, s.noon),
        (Some(user), 3, s.noon + SECOND),
        (None, 2, s.noon),
    ] {
        s.record(&on(who, cost, at)).await;
    }
    let (held, days) = (s.lease(org, Some(user), 1), s.around(9));
    s.hold(&held).await;
    let history = s.stores.reader.history(org, days).await.unwrap();
    let before = s.ledger(org).await;
    let at = s.noon + SECOND * 2;
    let tally = s.reset(org, at).await.unwrap();
    assert_eq!((numbers(tally.month), numbers(tally.day)), ((0, 1), (0, 1)), "nothing used; what is held stays held");
    assert_eq!((&tally.tier, tally.user), (&plan.tier, None));
    for who in [user, other] {
        assert_eq!(s.tally(org, Some(who), at).await.user.map(|count| count.used), Some(0), "nor by any user");
    }
    for then in [at, s.noon - DAY * 3] {
        s.assert_sound(org, &[user, other], then).await;
    }

    let after = s.ledger(org).await;
    assert!(before.iter().all(|row| after.contains(row)), "nothing is deleted");
    let resets: Vec<_> = after.iter().filter(|row| row.kind == EntryKind::Reset).collect();
    assert_eq!(after.len(), before.len() + resets.len());
    let sums: BTreeSet<_> = resets.iter().map(|row| (row.user, row.occurred_at, row.quantity)).collect();
    let expected = [
        (Some(user), s.noon - DAY * 3, -10),
        (Some(other), s.noon - DAY * 3, -4),
        (Some(user), s.noon + SECOND, -8),
        (None, s.noon, -2),
    ];
    assert_eq!(sums, BTreeSet::from(expected), "one for each user and day, with the time of the last row");
    assert_eq!(resets.len(), expected.len());
    assert!(resets.iter().all(|row| row.recorded_at == at && row.service.is_none() && row.event.is_the_ledgers_own()));
    assert_eq!(s.stores.reader.history(org, days).await.unwrap(), history, "history tells what happened");
    assert_eq!(s.month(bystander, at).await, (7, 0), "no other organization changes");

    assert!(matches!(s.settle(&held, 1, at).await, crate::Settled::Settled(_)));
    let again = s.record(&on(Some(user), 19, at)).await;
    assert_eq!((again.month.used, again.user.map(|count| count.used)), (20, Some(20)), "the quota is there again");
    assert_eq!(s.fate(&on(Some(user), 1, at)).await, Fate::Over(Wall::User));
    s.assert_sound(org, &[user, other], at).await;
}

/// The month begins in the course of the day: the hours before that are today's, but the month before's.
pub(super) async fn a_reset_keeps_to_its_periods(s: &Stage<'_>) {
    let (org, user) = (s.org(&Allowance { anchor: s.noon - HOUR, ..s.monthly(40) }).await, s.user().await);
    let on = |cost, at| Draft { user: Some(user), received_at: at, ..s.draft(org, cost) };
    for (cost, at) in [(1, s.noon - DAY * 2), (2, s.noon - HOUR * 5), (4, s.noon - HOUR * 2), (8, s.noon)] {
        s.record(&on(cost, at)).await;
    }
    let tally = s.reset(org, s.noon).await.unwrap();
    assert_eq!((tally.month.used, tally.day.used), (0, 0));
    assert_eq!(s.month(org, s.noon - HOUR * 2).await, (1, 0), "of the month before only today's hours are taken back");
    let ledger = s.ledger(org).await;
    let resets = ledger.iter().filter(|row| row.kind == EntryKind::Reset);
    let resets: BTreeSet<_> = resets.map(|row| (row.quantity, row.occurred_at)).collect();
    assert_eq!(resets, BTreeSet::from([(-8, s.noon), (-6, s.noon - HOUR * 2)]), "each in its own month");
    let late = Draft { occurred_at: Some(s.noon - HOUR * 3), ..on(3, s.noon + SECOND) };
    let tally = s.record(&late).await;
    assert_eq!((tally.month.used, tally.day.used), (4, 3), "a late one counts where it happened");
    for at in [s.noon, s.noon - HOUR * 2, s.noon - DAY * 2] {
        s.assert_sound(org, &[user], at).await;
    }
    let elsewhere = Period::day(s.noon - DAY * 2);
    assert_eq!(s.tally(org, None, elsewhere.start).await.day.used, 1, "other days of other months stay");
}

pub(super) async fn a_reset_again(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(40)).await, s.user().await);
    assert_eq!(s.reset(org, s.noon).await.unwrap().month.used, 0, "of nothing");
    assert_eq!(s.ledger(org).await, vec![], "leaves nothing");
    for round in 1..=3 {
        let draft = Draft { user: Some(user), ..s.draft(org, 40) };
        assert_eq!(s.record(&draft).await.month.used, 40);
        assert_eq!(s.reset(org, s.noon).await.unwrap().month.used, 0, "round {round}");
        assert_eq!(s.reset(org, s.noon).await.unwrap().month.used, 0, "nothing more to take back");
        assert_eq!(s.fate(&draft).await, Fate::Duplicate, "an event that was taken back is known all the same");
        assert_eq!(s.ledger(org).await.len(), round * 2, "one row for each");
        s.assert_sound(org, &[user], s.noon).await;
    }
}
