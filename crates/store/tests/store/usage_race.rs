//! What two processes do to the ledger of one organization at once.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::{Limit, OrgId, ReservationId, StoreError};
use store::{SeaBooks, SeaLedger, SeaUsage};
use usage_core::{Admitted, Bookkeeping, Draft, Hold, Ledger, Quantity, Released, Settled, UsageReader};

use crate::fixture::{Fixture, on_each};
use crate::plan::id;
use crate::usage::Metering;

/// The ledgers of two processes.
async fn two(f: &Fixture) -> [SeaLedger; 2] {
    [SeaLedger::new(&f.db, &id("free")), SeaLedger::new(&f.second().await, &id("free"))]
}

/// Many tasks, half of them in either process, each with its share of the drafts one after the other.
async fn send(ledgers: &[SeaLedger; 2], drafts: Vec<Draft>, tasks: usize) -> Vec<(Draft, Admitted)> {
    let mut shares = vec![Vec::new(); tasks];
    for (n, draft) in drafts.into_iter().enumerate() {
        shares[n % tasks].push(draft);
    }
    let running: Vec<_> = shares
        .into_iter()
        .enumerate()
        .map(|(n, share)| {
            let ledger = ledgers[n % 2].clone();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for draft in share {
                    let answer = ledger.admit(std::slice::from_ref(&draft)).await.unwrap().pop().unwrap();
                    answers.push((draft, answer));
                }
                answers
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in running {
        answers.extend(task.await.unwrap());
    }
    answers
}

fn recorded(answers: &[(Draft, Admitted)]) -> usize {
    answers.iter().filter(|(_, answer)| matches!(answer, Admitted::Recorded(_))).count()
}

/// MET-3: limit 1 000, 64 tasks, 5 000 calls, two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_5000_calls_exactly_the_limit_is_recorded() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Of(1_000)).await;
        let ledgers = two(f).await;
        let drafts = (0..5_000).map(|n| m.draft(org, &format!("call-{n}"), 1)).collect();
        let answers = send(&ledgers, drafts, 64).await;
        assert_eq!(recorded(&answers), 1_000);
        let refused = answers.iter().filter(|(_, answer)| matches!(answer, Admitted::OverLimit(..))).count();
        assert_eq!(refused, 4_000);
        assert_eq!(m.assert_agrees(org).await, 1_000);
        let tally = m.reader.tally(org, None, f.ambient.now()).await.unwrap().unwrap();
        assert_eq!((tally.month.used, tally.month.remaining()), (1_000, Some(0)));
    })
    .await;
}

/// MET-2: one event, sent by both processes as having happened in this month, in the last one and on either side of a midnight.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_name_is_one_event_whatever_its_time() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Unlimited).await;
        let now = f.ambient.now();
        let begins = m.reader.tally(org, None, now).await.unwrap().unwrap().month.period.start;
        let ledgers = two(f).await;
        for round in 0..20 {
            let versions = [Duration::ZERO, Duration::from_hours(1), Duration::from_hours(2), Duration::from_hours(23)];
            let drafts: Vec<_> = (0..32)
                .map(|n| Draft {
                    received_at: begins + Duration::from_mins(30),
                    occurred_at: Some(begins + Duration::from_mins(30) - versions[n % 4]),
                    ..m.draft(org, &format!("round-{round}"), 3)
                })
                .collect();
            let answers = send(&ledgers, drafts, 32).await;
            assert_eq!(recorded(&answers), 1, "{answers:?}");
            let (first, _) = answers.iter().find(|(_, answer)| matches!(answer, Admitted::Recorded(_))).unwrap();
            for (draft, answer) in &answers {
                let same = draft.occurred_at == first.occurred_at;
                let as_it_should = match answer {
                    Admitted::Recorded(_) | Admitted::Duplicate(_) => same,
                    Admitted::Conflict => !same,
                    _ => false,
                };
                assert!(as_it_should, "{draft:?} {answer:?}");
            }
        }
        assert_eq!(m.assert_agrees(org).await, 20);
    })
    .await;
}

/// Batches over the same organizations in different orders, with names in common.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_cross_do_not_stand_in_each_others_way() {
    on_each(async |f| {
        let m = Metering::new(f);
        let mut orgs = Vec::new();
        for _ in 0..6 {
            orgs.push(m.with_limit(Limit::Of(60)).await);
        }
        let ledgers = two(f).await;
        let running: Vec<_> = (0..16)
            .map(|task: usize| {
                let ledger = ledgers[task % 2].clone();
                let batches: Vec<Vec<Draft>> = (0..10)
                    .map(|batch| {
                        let draft = |n: usize| {
                            let org = orgs[if task % 4 < 2 { n } else { 5 - n }];
                            m.draft(org, &format!("event-{}-{batch}", task / 4), 2)
                        };
                        (0..6).map(draft).collect()
                    })
                    .collect();
                tokio::spawn(async move {
                    for batch in batches {
                        ledger.admit(&batch).await.unwrap();
                    }
                })
            })
            .collect();
        for task in running {
            task.await.unwrap();
        }
        for org in orgs {
            assert_eq!(m.assert_agrees(org).await, 30, "forty names, and room for thirty");
        }
    })
    .await;
}

fn hold(f: &Fixture, org: OrgId, quantity: u64, seconds: u64) -> Hold {
    let at = f.ambient.now();
    Hold {
        id: ReservationId::mint(&f.ambient),
        org,
        user: None,
        service: "chat".parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        at,
        expires_at: at + Duration::from_secs(seconds),
    }
}

/// One reservation is settled, released and given back by both processes at once, while others are admitted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reservation_ends_once() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Unlimited).await;
        let ledgers = two(f).await;
        let mut expected = 0;
        for round in 0..10 {
            let held = hold(f, org, 10, 60);
            m.ledger.hold(&held).await.unwrap();
            let (then, now) = (held.expires_at, held.at);
            let tasks: Vec<_> = (0..8_usize)
                .map(|n| {
                    let (ledger, id) = (ledgers[n % 2].clone(), held.id);
                    let call = m.draft(org, &format!("call-{round}-{n}"), 1);
                    tokio::spawn(async move {
                        match n / 2 {
                            0 => ledger
                                .settle(org, id, Quantity::new(4).unwrap(), now)
                                .await
                                .map(|ended| matches!(ended, Settled::Settled(_))),
                            1 => ledger.release(org, id, now).await.map(|ended| ended == Released::Settled),
                            2 => ledger.expire(then, 10).await.map(|_| false),
                            _ => ledger.admit(&[call]).await.map(|_| false),
                        }
                        .unwrap()
                    })
                })
                .collect();
            let mut settled = Vec::new();
            for task in tasks {
                settled.push(task.await.unwrap());
            }
            assert_eq!(settled[0], settled[1], "both settled it, or neither");
            assert!(settled[0] || !settled[2..4].contains(&true), "{settled:?}");
            expected += if settled[0] { 4 } else { 0 } + 2;
            let tally = m.reader.tally(org, None, now).await.unwrap().unwrap();
            assert_eq!((tally.month.used, tally.month.reserved), (expected, 0), "nothing is held any more");
        }
        m.assert_agrees(org).await;
    })
    .await;
}

/// MET-4 and MET-11: whoever looks while two processes write sees counters that are the sum of the ledger, and that never fall.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_books_are_right_at_every_moment() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Of(1_500)).await;
        let ledgers = two(f).await;
        let done = Arc::new(AtomicBool::new(false));
        let (books, reader, stop, now) =
            (SeaBooks::new(&f.second().await), SeaUsage::new(&f.db, &id("free")), Arc::clone(&done), f.ambient.now());
        let checker = tokio::spawn(async move {
            let (mut looks, mut before) = (0, 0);
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(books.verify(org).await.unwrap().differences, vec![]);
                let month = reader.tally(org, None, now).await.unwrap().unwrap().month;
                assert!(month.used >= before && month.used + month.remaining().unwrap() == 1_500, "{month:?}");
                (looks, before) = (looks + 1, month.used);
            }
            looks
        });
        let drafts = (0..2_000).map(|n| m.draft(org, &format!("call-{n}"), 1)).collect();
        let answers = send(&ledgers, drafts, 16).await;
        m.books.rebuild(org, now).await.unwrap();
        done.store(true, Ordering::SeqCst);
        assert!(checker.await.unwrap() > 0, "somebody looked");
        assert_eq!(recorded(&answers), 1_500);
        assert_eq!(m.assert_agrees(org).await, 1_500);
    })
    .await;
}

/// More than may wait is turned away, and what was turned away is not in the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_turned_away_is_not_recorded() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Unlimited).await;
        let batch = |n: usize| (0..1_000).map(|k| m.draft(org, &format!("{n}-{k}"), 1)).collect::<Vec<_>>();
        let batches: Vec<_> = (0..100).map(batch).collect();
        let sent = batches.iter().map(|batch| m.ledger.admit(batch));
        let answers = futures_util::future::join_all(sent).await;
        let admitted: Vec<bool> = answers
            .iter()
            .map(|answer| match answer {
                Ok(_) => true,
                Err(StoreError::Unavailable(_)) => false,
                Err(err) => panic!("{err:?}"),
            })
            .collect();
        assert!(admitted.contains(&true) && admitted.contains(&false), "65 536 may wait");
        let written = admitted.iter().filter(|admitted| **admitted).count();
        assert_eq!(m.assert_agrees(org).await, u64::try_from(written * 1_000).unwrap());
    })
    .await;
}
