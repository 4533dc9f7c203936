use kernel::{Limit, OrgId, ReservationId};

use super::stage::{DAY, Fate, HOUR, SECOND, Stage, numbers, quantity};
use crate::{Allowance, Draft, EntryKind, EventId, Held, Hold, Released, Settled, Tally, Wall};

/// The counts after a reservation was settled.
fn settled(answer: Settled) -> Tally {
    match answer {
        Settled::Settled(tally) => tally,
        other => panic!("it is settled, not {other:?}"),
    }
}

pub(super) async fn hold_and_give_back(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(10)).await, s.user().await);
    let (first, second) = (s.lease(org, Some(user), 6), s.lease(org, None, 4));
    let tally = s.hold(&first).await;
    assert_eq!((numbers(tally.month), numbers(tally.day)), ((0, 6), (0, 6)), "held, not used");
    assert_eq!((tally.user.map(numbers), tally.month.remaining()), (Some((0, 6)), Some(4)));
    assert_eq!(s.tally(org, Some(user), s.noon).await, tally, "and so it reads");
    assert_eq!(s.fate(&s.draft(org, 5)).await, Fate::Over(Wall::Month), "what is held is not there for others");
    let Held::OverLimit(Wall::Month, over) = s.try_hold(&s.lease(org, None, 5)).await else { panic!("4 are left") };
    assert_eq!(numbers(over.month), (0, 6));
    assert_eq!(numbers(s.hold(&second).await.month), (0, 10));
    assert_eq!(s.fate(&s.draft(org, 1)).await, Fate::Over(Wall::Month));

    let other = s.org(&s.monthly(10)).await;
    let foreign = Hold { org: other, ..first.clone() };
    assert_eq!(s.release(&foreign, s.noon).await, Released::NotFound, "not another organization's");
    assert_eq!(s.settle(&foreign, 6, s.noon).await, Settled::NotFound);
    let unknown = Hold { id: ReservationId::mint(s.stores.ambient), ..first.clone() };
    assert_eq!(s.release(&unknown, s.noon).await, Released::NotFound);
    assert_eq!(s.settle(&unknown, 6, s.noon).await, Settled::NotFound);
    assert_eq!(
        s.release(&Hold { org: OrgId::mint(s.stores.ambient), ..first.clone() }, s.noon).await,
        Released::NotFound
    );
    assert_eq!(s.month(org, s.noon).await, (0, 10), "nothing changed");

    for _ in 0..2 {
        assert_eq!(s.release(&first, s.noon).await, Released::Released, "released, however often");
        assert_eq!(s.month(org, s.noon).await, (0, 4), "once");
    }
    assert_eq!(s.settle(&first, 6, s.noon).await, Settled::Ended, "what was released is not settled");
    assert_eq!(s.record(&s.draft(org, 6)).await.month.remaining(), Some(0));
    assert_eq!(s.ledger(org).await.len(), 1, "a reservation that was given back leaves no row");
    s.assert_sound(org, &[user], s.noon).await;
}

pub(super) async fn settle_once(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(10)).await, s.user().await);
    let hold = s.lease(org, Some(user), 6);
    s.hold(&hold).await;
    let later = s.noon + SECOND * 20;
    let tally = settled(s.settle(&hold, 6, later).await);
    assert_eq!((numbers(tally.month), numbers(tally.day)), ((6, 0), (6, 0)), "used, and held no more");
    assert_eq!(tally.user.map(numbers), Some((6, 0)));
    for again in [later, later + HOUR, later + DAY * 3] {
        assert_eq!(settled(s.settle(&hold, 6, again).await).month.used, 6, "the same answer, however late");
    }
    for other in [5, 7] {
        assert_eq!(s.settle(&hold, other, later).await, Settled::Ended, "another quantity is another answer");
    }
    assert_eq!(s.release(&hold, later).await, Released::Settled);
    let ledger = s.ledger(org).await;
    assert_eq!(ledger.len(), 1, "one row");
    let row = &ledger[0];
    assert_eq!((row.kind, row.quantity, row.user), (EntryKind::Settled, 6, Some(user)));
    assert_eq!((&row.event, row.service.as_ref()), (&EventId::of_reservation(hold.id), Some(&hold.service)));
    assert_eq!((row.occurred_at, row.recorded_at), (hold.at, later), "it happened when it was held");
    s.assert_sound(org, &[user], later).await;
}

pub(super) async fn settle_less_or_more(s: &Stage<'_>) {
    let org = s.org(&s.monthly(10)).await;
    let (less, more) = (s.lease(org, None, 6), s.lease(org, None, 2));
    s.hold(&less).await;
    assert_eq!(numbers(settled(s.settle(&less, 1, s.noon).await).month), (1, 0), "the rest is free again");
    s.hold(&more).await;
    let Settled::OverLimit(Wall::Month, over) = s.settle(&more, 10, s.noon).await else { panic!("one too many") };
    assert_eq!(numbers(over.month), (1, 2), "it stays held");
    assert_eq!(s.month(org, s.noon).await, (1, 2));
    assert_eq!(numbers(settled(s.settle(&more, 9, s.noon).await).month), (10, 0), "what it held counts for it");

    let plan = Allowance { per_user: Limit::Of(5), ..s.monthly(20) };
    let (org, user) = (s.org(&plan).await, s.user().await);
    let (first, second) = (s.lease(org, Some(user), 3), s.lease(org, Some(user), 2));
    s.hold(&first).await;
    s.hold(&second).await;
    let answer = s.settle(&first, 4, s.noon).await;
    assert!(matches!(answer, Settled::OverLimit(Wall::User, _)), "the user's limit too: {answer:?}");
    s.stores.world.allow(org, &Allowance { anchor: plan.anchor, ..s.monthly(1) }).await;
    assert_eq!(numbers(settled(s.settle(&first, 3, s.noon).await).month), (3, 2), "what was held was promised");
    assert_eq!(numbers(settled(s.settle(&second, 1, s.noon).await).month), (4, 0));
    s.assert_sound(org, &[user], s.noon).await;
}

pub(super) async fn settle_in_a_later_period(s: &Stage<'_>) {
    let plan = Allowance { daily: Limit::Of(7), anchor: s.noon + SECOND * 30, ..s.monthly(9) };
    let (org, user) = (s.org(&plan).await, s.user().await);
    let (first, second) = (s.lease(org, Some(user), 5), s.lease(org, Some(user), 2));
    let later = s.noon + SECOND * 40;
    s.hold(&first).await;
    s.hold(&second).await;
    assert_eq!(s.month(org, later).await, (0, 0), "a new month, of which nothing is held");
    let tally = settled(s.settle(&first, 4, later).await);
    assert_eq!((numbers(tally.month), tally.month.period.end), ((4, 2), plan.anchor), "the month of the hold pays");
    assert_eq!(s.month(org, later).await, (0, 0), "not that of settling");
    assert_eq!(s.release(&second, later).await, Released::Released);
    assert_eq!(s.month(org, s.noon).await, (4, 0));
    for at in [s.noon, later] {
        s.assert_sound(org, &[user], at).await;
    }
    let midnight = kernel::Period::day(s.noon).end;
    let night = Hold { at: midnight - SECOND, expires_at: midnight + SECOND * 59, ..s.lease(org, None, 3) };
    s.hold(&night).await;
    let tally = settled(s.settle(&night, 3, midnight + SECOND).await);
    assert_eq!((tally.day.period.end, numbers(tally.day)), (midnight, (7, 0)), "the day of the hold pays too");
    assert_eq!(numbers(s.tally(org, None, midnight).await.day), (0, 0));
    s.assert_sound(org, &[user], midnight).await;
}

pub(super) async fn what_ran_out_counts_no_more(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(10)).await, s.user().await);
    let (hold, other) = (s.lease(org, Some(user), 10), s.lease(org, None, 10));
    s.hold(&hold).await;
    let (before, end) = (hold.expires_at - SECOND, hold.expires_at);
    let at = |received_at, cost| Draft { received_at, user: Some(user), ..s.draft(org, cost) };
    assert_eq!(s.fate(&at(before, 1)).await, Fate::Over(Wall::Month), "as long as it lasts");
    assert_eq!(numbers(s.tally(org, Some(user), end).await.user.unwrap()), (0, 0), "it ends by itself, for readers");
    assert_eq!(s.month(org, end).await, (0, 0));
    let tally = s.record(&at(end, 3)).await;
    assert_eq!((numbers(tally.month), tally.user.map(numbers)), ((3, 0), Some((3, 0))), "for events");
    assert_eq!(s.settle(&hold, 10, end).await, Settled::Ended, "what ran out is not settled");
    assert_eq!(s.release(&hold, end).await, Released::Released, "and is free");
    let again = Hold { at: end, expires_at: end + SECOND * 60, quantity: quantity(7), ..s.lease(org, Some(user), 7) };
    s.hold(&again).await;
    let last = again.expires_at;
    let third = Hold { at: last, expires_at: last + SECOND * 60, quantity: quantity(7), ..other };
    assert_eq!(numbers(s.hold(&third).await.month), (3, 7), "for reservations");
    assert_eq!(s.stores.ledger.expire(third.expires_at, 1_000).await.map(|_| ()).unwrap(), ());
    assert_eq!(s.month(org, last).await, (3, 0), "nothing leaks");
    assert_eq!(s.settle(&third, 7, last).await, Settled::Ended);
    s.assert_sound(org, &[user], last).await;
}

pub(super) async fn expire_in_steps(s: &Stage<'_>) {
    let (org, other) = (s.org(&s.monthly(90)).await, s.org(&s.monthly(90)).await);
    // What others left behind in the same database, older than these.
    let long_ago = s.noon + DAY * 5;
    while s.stores.ledger.expire(long_ago, 100).await.unwrap() > 0 {}
    for n in 0..3 {
        let expires_at = long_ago + SECOND * (10 + n);
        let late = |org| Hold { at: long_ago, expires_at, ..s.lease(org, None, 5) };
        s.hold(&late(org)).await;
        s.hold(&late(other)).await;
    }
    let expire = async |seconds, most| s.stores.ledger.expire(long_ago + SECOND * seconds, most).await.unwrap();
    assert_eq!(expire(9, 100).await, 0, "nothing ran out yet");
    assert_eq!(expire(10, 100).await, 2, "the end is part of it; of every organization");
    assert_eq!(s.month(org, long_ago).await, (0, 10), "what is left stays held");
    assert_eq!(expire(99, 3).await, 3, "at most so many");
    assert_eq!(expire(99, 100).await, 1);
    assert_eq!(expire(99, 100).await, 0, "once");
    for org in [org, other] {
        assert_eq!(s.month(org, long_ago).await, (0, 0));
        s.assert_sound(org, &[], long_ago).await;
    }
}

pub(super) async fn hold_within_every_limit(s: &Stage<'_>) {
    let plan = Allowance { daily: Limit::Of(10), per_user: Limit::Of(7), ..s.monthly(15) };
    let (org, user) = (s.org(&plan).await, s.user().await);
    let wall = async |hold: &Hold| match s.try_hold(hold).await {
        Held::OverLimit(wall, tally) => {
            assert_eq!(tally, s.tally(org, hold.user, hold.at).await, "the counts that it did not fit under");
            Some(wall)
        }
        Held::Held(_) => None,
        other => panic!("{other:?}: there is such an organization, and nothing else is held"),
    };
    assert_eq!(wall(&s.lease(org, None, 16)).await, Some(Wall::Month));
    assert_eq!(wall(&s.lease(org, None, 11)).await, Some(Wall::Day));
    assert_eq!(wall(&s.lease(org, Some(user), 8)).await, Some(Wall::User));
    assert_eq!(wall(&s.lease(org, Some(user), 7)).await, None);
    assert_eq!(wall(&s.lease(org, Some(user), 1)).await, Some(Wall::User));
    assert_eq!(wall(&s.lease(org, None, 4)).await, Some(Wall::Day));
    assert_eq!(wall(&s.lease(org, None, 3)).await, None);
    s.assert_sound(org, &[user], s.noon).await;
}

pub(super) async fn no_more_than_may_be_open(s: &Stage<'_>) {
    let (org, other) = (s.org(&s.unlimited()).await, s.org(&s.unlimited()).await);
    let first = s.lease(org, None, 1);
    s.hold(&first).await;
    s.stores.world.hold_more(&first, Hold::MOST_OPEN - 2).await;
    let last = Hold { expires_at: first.expires_at + SECOND * 30, ..s.lease(org, None, 1) };
    s.hold(&last).await;
    let more = s.lease(org, None, 1);
    let too_many = Held::TooMany(first.expires_at);
    assert_eq!(s.try_hold(&more).await, too_many, "so many are open; when the first of them ends");
    assert_eq!(s.month(org, s.noon).await, (0, u64::from(Hold::MOST_OPEN)), "nothing changed");
    assert_eq!(s.settle(&more, 1, s.noon).await, Settled::NotFound);
    s.hold(&s.lease(other, None, 1)).await;
    s.record(&s.draft(org, 1)).await;
    assert_eq!(s.release(&last, s.noon).await, Released::Released);
    s.hold(&more).await;
    assert_eq!(s.try_hold(&s.lease(org, None, 1)).await, too_many);
    let later = Hold { at: first.expires_at, expires_at: first.expires_at + SECOND, ..s.lease(org, None, 1) };
    assert_eq!(numbers(s.hold(&later).await.month), (1, 1), "what ran out is not open");
    s.assert_sound(org, &[], later.at).await;
}
