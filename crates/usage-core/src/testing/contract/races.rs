use kernel::Limit;
use kernel::testing::race;

use super::stage::{Fate, HOUR, SECOND, Stage, fate, quantity};
use crate::testing::UsageStores;
use crate::{Admitted, Allowance, Draft, Held, Hold, Released, Settled, Wall};

fn number_of<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}

/// Whatever collides, the limit is a wall, an event is recorded once, and nothing that is held leaks.
pub async fn ledger_race(stores: UsageStores<'_>) {
    one_left(&Stage::new(stores)).await;
    two_costs_of_seven(&Stage::new(stores)).await;
    copies_of_one_event(&Stage::new(stores)).await;
    rivals_for_one_name(&Stage::new(stores)).await;
    every_limit_at_once(&Stage::new(stores)).await;
    batches_in_both_orders(&Stage::new(stores)).await;
    settled_or_released(&Stage::new(stores)).await;
    holds_and_events(&Stage::new(stores)).await;
    the_last_places_for_reservations(&Stage::new(stores)).await;
    resets_amid_events(&Stage::new(stores)).await;
    a_plan_shrinks_amid_events(&Stage::new(stores)).await;
}

async fn one_left(s: &Stage<'_>) {
    let org = s.org(&s.monthly(1)).await;
    let answers = race(50, async |_| s.fate(&s.draft(org, 1)).await).await;
    assert_eq!(number_of(&answers, &Fate::Recorded), 1, "one is left, one gets it");
    assert_eq!(number_of(&answers, &Fate::Over(Wall::Month)), 49, "the others are told so");
    let org = s.org(&s.monthly(50)).await;
    let answers = race(50, async |_| s.fate(&s.draft(org, 1)).await).await;
    assert_eq!(number_of(&answers, &Fate::Recorded), 50, "and nobody is refused for nothing");
    s.assert_sound(org, &[], s.noon).await;
    assert_eq!(s.month(org, s.noon).await, (50, 0), "no call is lost");
}

async fn two_costs_of_seven(s: &Stage<'_>) {
    for _ in 0..8 {
        let org = s.org(&s.monthly(10)).await;
        let answers = race(2, async |_| s.fate(&s.draft(org, 7)).await).await;
        assert_eq!(number_of(&answers, &Fate::Recorded), 1, "10 hold one 7");
        assert_eq!(s.month(org, s.noon).await, (7, 0));
    }
}

async fn copies_of_one_event(s: &Stage<'_>) {
    let org = s.org(&s.monthly(100)).await;
    let draft = s.draft(org, 3);
    let answers = race(100, async |_| s.admit(&draft).await).await;
    let fates: Vec<_> = answers.iter().map(fate).collect();
    assert_eq!((number_of(&fates, &Fate::Recorded), number_of(&fates, &Fate::Duplicate)), (1, 99), "one row");
    let tallies: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer {
            Admitted::Recorded(tally) | Admitted::Duplicate(tally) => tally,
            other => panic!("{other:?} of one event"),
        })
        .collect();
    assert!(tallies.windows(2).all(|pair| pair[0] == pair[1]), "and the same answer");
    assert_eq!((s.ledger(org).await.len(), s.month(org, s.noon).await), (1, (3, 0)));
}

async fn rivals_for_one_name(s: &Stage<'_>) {
    let org = s.org(&s.monthly(1_000)).await;
    let draft = s.draft(org, 1);
    let rival = |n: usize| Draft { quantity: quantity(u64::try_from(n / 2 + 1).unwrap()), ..draft.clone() };
    let answers = race(32, async |n| s.fate(&rival(n)).await).await;
    let counts = [Fate::Recorded, Fate::Duplicate, Fate::Conflict].map(|fate| number_of(&answers, &fate));
    assert_eq!(counts, [1, 1, 30], "one wins, its copy is told so, and nobody else takes its name");
    assert_eq!(s.ledger(org).await.len(), 1);
    s.assert_sound(org, &[], s.noon).await;
}

async fn every_limit_at_once(s: &Stage<'_>) {
    let plan = Allowance { daily: Limit::Of(12), per_user: Limit::Of(5), ..s.monthly(20) };
    let (org, users) = (s.org(&plan).await, [s.user().await, s.user().await, s.user().await, s.user().await]);
    race(32, async |n| s.fate(&Draft { user: Some(users[n % 4]), ..s.draft(org, 1) }).await).await;
    assert_eq!(s.tally(org, None, s.noon).await.day.used, 12, "the day is full and not fuller");
    for user in users {
        let used = s.tally(org, Some(user), s.noon).await.user.map(|count| count.used);
        assert!(used <= Some(5), "nor is any user: {used:?}");
    }
    s.assert_sound(org, &users, s.noon).await;
}

/// Batches that touch the same organizations in opposite orders, today and yesterday: none is lost, none waits for ever.
async fn batches_in_both_orders(s: &Stage<'_>) {
    let orgs = [s.org(&s.monthly(1_000)).await, s.org(&s.monthly(1_000)).await, s.org(&s.monthly(1_000)).await];
    let user = s.user().await;
    race(32, async |n| {
        let late = |org, n: usize| Draft {
            user: n.is_multiple_of(3).then_some(user),
            occurred_at: n.is_multiple_of(2).then_some(s.noon - HOUR * 20),
            ..s.draft(org, 1)
        };
        let mut drafts: Vec<_> = orgs.iter().enumerate().map(|(m, org)| late(*org, n + m)).collect();
        drafts.rotate_left(n % 3);
        if n % 2 == 0 {
            drafts.reverse();
        }
        let answers = s.batch(&drafts).await;
        assert!(answers.iter().all(|answer| fate(answer) == Fate::Recorded), "each fits: {answers:?}");
    })
    .await;
    for org in orgs {
        assert_eq!(s.month(org, s.noon).await, (32, 0));
        s.assert_sound(org, &[user], s.noon).await;
    }
}

async fn settled_or_released(s: &Stage<'_>) {
    for round in 0..6 {
        let org = s.org(&s.monthly(10)).await;
        let hold = s.lease(org, None, 6);
        s.hold(&hold).await;
        let answers = race(32, async |n| match n % 3 {
            0 => matches!(s.settle(&hold, 5, s.noon).await, Settled::Settled(_)),
            1 if round % 2 == 0 => s.release(&hold, s.noon).await == Released::Settled,
            1 => s.stores.ledger.expire(hold.expires_at, 1_000).await.is_err(),
            _ => s.fate(&s.draft(org, 9)).await == Fate::Recorded,
        })
        .await;
        let settled: Vec<_> = answers.iter().step_by(3).copied().collect();
        assert!(settled.windows(2).all(|pair| pair[0] == pair[1]), "settled for all or for none");
        let others = answers.iter().skip(2).step_by(3).filter(|recorded| **recorded).count();
        let used = if settled[0] { 5 } else { 0 } + others * 9;
        assert_eq!(s.month(org, s.noon).await, (u64::try_from(used).unwrap(), 0), "and nothing is held any more");
        assert!(used <= 10, "{used} of 10");
        s.assert_sound(org, &[], s.noon).await;
    }
}

async fn holds_and_events(s: &Stage<'_>) {
    let org = s.org(&s.monthly(20)).await;
    let holds: Vec<Hold> = (0..16).map(|_| s.lease(org, None, 2)).collect();
    let answers = race(32, async |n| match holds.get(n) {
        Some(hold) => matches!(s.try_hold(hold).await, Held::Held(_)),
        None => s.fate(&s.draft(org, 2)).await == Fate::Recorded,
    })
    .await;
    assert_eq!(number_of(&answers, &true), 10, "what is used and what is held fill the limit together");
    let (before, open) = s.month(org, s.noon).await;
    assert_eq!(before + open, 20);
    race(32, async |n| match holds.get(n % 16) {
        Some(hold) if n % 2 == 0 => drop(s.settle(hold, 2, s.noon).await),
        Some(hold) => drop(s.release(hold, s.noon).await),
        None => {}
    })
    .await;
    let (after, left) = s.month(org, s.noon).await;
    assert!((before..=20).contains(&after) && left == 0, "{after} used, {left} held: nothing leaks");
    s.assert_sound(org, &[], s.noon).await;
}

async fn the_last_places_for_reservations(s: &Stage<'_>) {
    let org = s.org(&s.unlimited()).await;
    let first = s.lease(org, None, 1);
    s.hold(&first).await;
    s.stores.world.hold_more(&first, Hold::MOST_OPEN - 11).await;
    let answers = race(32, async |_| s.try_hold(&s.lease(org, None, 1)).await).await;
    let held = answers.iter().filter(|answer| matches!(answer, Held::Held(_))).count();
    assert_eq!((held, number_of(&answers, &Held::TooMany(first.expires_at))), (10, 22), "ten places, ten reservations");
    assert_eq!(s.month(org, s.noon).await, (0, u64::from(Hold::MOST_OPEN)));
    s.assert_sound(org, &[], s.noon).await;
}

async fn resets_amid_events(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(1_000)).await, s.user().await);
    race(32, async |n| {
        if n % 8 == 7 {
            s.reset(org, s.noon + SECOND).await.unwrap();
        } else {
            s.record(&Draft { user: (n % 2 == 0).then_some(user), ..s.draft(org, 1) }).await;
        }
    })
    .await;
    s.assert_sound(org, &[user], s.noon).await;
    assert_eq!(s.reset(org, s.noon + SECOND).await.unwrap().month.used, 0);
    let ledger = s.ledger(org).await;
    let sum: i64 = ledger.iter().map(|entry| entry.quantity).sum();
    let calls = ledger.iter().filter(|entry| entry.quantity > 0).count();
    assert_eq!((sum, calls), (0, 28), "each call was taken back once");
}

async fn a_plan_shrinks_amid_events(s: &Stage<'_>) {
    let plan = s.monthly(1_000);
    let org = s.org(&plan).await;
    let smaller = Allowance { anchor: plan.anchor, ..s.monthly(5) };
    race(33, async |n| {
        if n == 16 {
            s.stores.world.allow(org, &smaller).await;
        }
        match s.admit(&s.draft(org, 1)).await {
            Admitted::Recorded(tally) => {
                assert!(tally.month.limit.admits(0, tally.month.used), "each decision keeps to one plan: {tally:?}");
                assert!(n != 16 || tally.tier == smaller.tier, "what begins after the change is decided by it");
            }
            Admitted::OverLimit(Wall::Month, tally) => {
                assert_eq!((&tally.tier, tally.month.remaining()), (&smaller.tier, Some(0)), "the old plan had room");
            }
            other => panic!("{other:?} amid a change of plan"),
        }
    })
    .await;
    let (before, _) = s.month(org, s.noon).await;
    assert!((5..=33).contains(&before), "{before}");
    assert_eq!(s.fate(&s.draft(org, 1)).await, Fate::Over(Wall::Month), "from now on by the new plan");
    s.assert_sound(org, &[], s.noon).await;
}
