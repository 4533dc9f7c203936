//! Somebody holds one organization's row: another process that is slow, or that makes its counters anew.
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kernel::{Limit, OrgId, ReservationId, StoreError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, TransactionTrait};
use store::{Database, DatabaseOptions, SeaLedger};
use usage_core::{Admitted, Draft, Held, Hold, Ledger, Quantity, UsageReader};

use crate::fixture::{Fixture, PATIENT, on_each, on_postgres};
use crate::plan::id;
use crate::usage::Metering;

/// So long the row is held.
const HELD: Duration = Duration::from_secs(3);

/// Holds an organization's row until it is rolled back.
async fn holding(f: &Fixture, org: OrgId) -> DatabaseTransaction {
    let tx = f.raw.begin().await.unwrap();
    let sql = format!("SELECT 1 FROM usage_account WHERE org_id = '{}' FOR UPDATE", org.uuid());
    let found = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await.unwrap();
    assert_eq!(found.len(), 1, "it was metered before");
    tx
}

async fn ledger_with(f: &Fixture, deadline: Duration) -> SeaLedger {
    let options = DatabaseOptions { deadline, lock_timeout: deadline, ..PATIENT };
    SeaLedger::new(&Database::connect(&f.url, &options).await.unwrap(), &id("free"))
}

/// Two organizations that were metered before.
async fn two(m: &Metering<'_>) -> [OrgId; 2] {
    let orgs = [m.with_limit(Limit::Unlimited).await, m.with_limit(Limit::Unlimited).await];
    for org in orgs {
        m.ledger.admit(&[m.draft(org, "first", 1)]).await.unwrap();
    }
    orgs
}

async fn admit(ledger: &SeaLedger, draft: Draft) -> Result<Admitted, StoreError> {
    Ok(ledger.admit(&[draft]).await?.pop().unwrap())
}

/// The place in the ledger that a call got, by the counter after it.
fn used(answer: &Admitted) -> u64 {
    match answer {
        Admitted::Recorded(tally) => tally.month.used,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_that_is_held_holds_up_its_own_organization_alone() {
    on_postgres(async |f| {
        let m = Metering::new(f);
        let [held, free] = two(&m).await;
        let tx = holding(f, held).await;
        let began = Instant::now();
        let waiting: Vec<_> = (0..40).map(|n| admit(&m.ledger, m.draft(held, &format!("held-{n}"), 1))).collect();
        let others = async {
            let calls = (0..200).map(|n| admit(&m.ledger, m.draft(free, &format!("free-{n}"), 1)));
            let mut places: Vec<_> =
                join_all(calls).await.iter().map(|answer| used(answer.as_ref().unwrap())).collect();
            let took = began.elapsed();
            assert!(took < Duration::from_secs(1), "nobody else waits: {took:?}");
            places.sort_unstable();
            assert_eq!(places, (2..=201).collect::<Vec<_>>());
            // And those who come later go by as well.
            while began.elapsed() < HELD {
                let at = Instant::now();
                let answer =
                    admit(&m.ledger, m.draft(free, &format!("later-{}", began.elapsed().as_micros()), 1)).await;
                assert!(matches!(answer, Ok(Admitted::Recorded(_))), "{answer:?}");
                assert!(at.elapsed() < Duration::from_millis(500), "{:?}", at.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tx.rollback().await.unwrap();
        };
        let (answers, ()) = tokio::join!(join_all(waiting), others);
        assert!(began.elapsed() >= HELD);
        // In the order in which they came.
        let places: Vec<_> = answers.iter().map(|answer| used(answer.as_ref().unwrap())).collect();
        assert_eq!(places, (2..=41).collect::<Vec<_>>());
        assert_eq!(m.assert_agrees(held).await, 41);
        m.assert_agrees(free).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_longer_than_may_be_is_told_so_and_not_recorded() {
    on_postgres(async |f| {
        let m = Metering::new(f);
        let [held, free] = two(&m).await;
        let hasty = ledger_with(f, Duration::from_millis(400)).await;
        let tx = holding(f, held).await;
        let drafts: Vec<_> = (0..20).map(|n| m.draft(held, &format!("call-{n}"), 1)).collect();
        let began = Instant::now();
        for answer in join_all(drafts.iter().map(|draft| admit(&hasty, draft.clone()))).await {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
        assert!((400..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        assert!(matches!(admit(&hasty, m.draft(free, "free", 1)).await, Ok(Admitted::Recorded(_))));
        // The row may be waited for a last time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        tx.rollback().await.unwrap();
        assert_eq!(used(&admit(&hasty, m.draft(held, "after", 1)).await.unwrap()), 2, "none of those who left");
        // Sent again, they are there once.
        for draft in drafts {
            assert!(matches!(admit(&hasty, draft.clone()).await, Ok(Admitted::Recorded(_))));
            assert!(matches!(admit(&m.ledger, draft).await, Ok(Admitted::Duplicate(_))));
        }
        assert_eq!(m.assert_agrees(held).await, 22);
    })
    .await;
}

/// Two processes are never done with one organization: each gets its turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_processes_none_starves() {
    on_postgres(async |f| {
        let m = &Metering::new(f);
        let org = m.with_limit(Limit::Unlimited).await;
        let ledgers = &[ledger_with(f, HELD).await, ledger_with(f, HELD).await];
        let began = Instant::now();
        let caller = async |number: usize| {
            let mut answered = 0;
            while began.elapsed() < Duration::from_secs(2) {
                let draft = m.draft(org, &format!("call-{number}-{answered}"), 1);
                assert!(matches!(admit(&ledgers[number % 2], draft).await, Ok(Admitted::Recorded(_))));
                answered += 1;
            }
            answered
        };
        let answered = join_all((0..64).map(caller)).await;
        let share = |process: usize| answered.iter().skip(process).step_by(2).sum::<u64>();
        let (one, other) = (share(0), share(1));
        assert!(one > other / 4 && other > one / 4, "{one} and {other}");
        assert_eq!(m.assert_agrees(org).await, one + other);
        println!("{one} and {other} in {:?}", began.elapsed());
    })
    .await;
}

fn hold(m: &Metering<'_>, org: OrgId, seconds: u64) -> Hold {
    let at = m.f.ambient.now();
    Hold {
        id: ReservationId::mint(&m.f.ambient),
        org,
        user: None,
        service: "chat".parse().unwrap(),
        quantity: Quantity::new(2).unwrap(),
        at,
        expires_at: at + Duration::from_secs(seconds),
    }
}

/// More reservations wait for one organization than there are connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn waiting_for_a_row_takes_no_connection_from_others() {
    on_postgres(async |f| {
        let m = Metering::new(f);
        let [held, free] = two(&m).await;
        let tx = holding(f, held).await;
        let holds: Vec<_> = (0..40).map(|_| hold(&m, held, 60)).collect();
        let began = Instant::now();
        let others = async {
            let calls = (0..200).map(|n| admit(&m.ledger, m.draft(free, &format!("free-{n}"), 1)));
            assert!(join_all(calls).await.iter().all(|answer| matches!(answer, Ok(Admitted::Recorded(_)))));
            assert!(matches!(m.ledger.hold(&hold(&m, free, 60)).await, Ok(Held::Held(_))));
            let took = began.elapsed();
            tx.rollback().await.unwrap();
            took
        };
        let (answers, took) = tokio::join!(join_all(holds.iter().map(|hold| m.ledger.hold(hold))), others);
        assert!(took < Duration::from_secs(1), "nobody else waits: {took:?}");
        assert!(answers.iter().all(|answer| matches!(answer, Ok(Held::Held(_)))), "{answers:?}");
        let tally = m.reader.tally(held, None, f.ambient.now()).await.unwrap().unwrap();
        assert_eq!((tally.month.used, tally.month.reserved), (1, 80));
    })
    .await;
}

/// What a plan gives is read when the row is there, and not when the waiting began.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waited_is_decided_by_the_plan_of_then() {
    on_postgres(async |f| {
        let m = Metering::new(f);
        let [org, _] = two(&m).await;
        let tx = holding(f, org).await;
        let waiting = hold(&m, org, 60);
        let changed = async {
            let blocked = "SELECT CAST(COUNT(*) AS TEXT) AS line FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while f.lines(blocked).await == ["0"] {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let whose = format!("SELECT plan_id FROM subscription WHERE org_id = '{}'", org.uuid());
            f.run(&format!("UPDATE plan SET monthly_limit = 2 WHERE id = ({whose})")).await;
            tx.rollback().await.unwrap();
        };
        let (answer, ()) = tokio::join!(m.ledger.hold(&waiting), changed);
        assert!(
            matches!(answer, Ok(Held::OverLimit(..))),
            "one is used, and two more do not fit any longer: {answer:?}"
        );
    })
    .await;
}

/// Housekeeping leaves what somebody holds for the next time, and holds up nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn housekeeping_waits_for_no_row() {
    on_postgres(async |f| {
        let m = Metering::new(f);
        let [held, free] = two(&m).await;
        for org in [held, free, held] {
            m.ledger.hold(&hold(&m, org, 1)).await.unwrap();
        }
        let then = f.ambient.now() + Duration::from_secs(1);
        let tx = holding(f, held).await;
        let began = Instant::now();
        assert_eq!(m.ledger.expire(then, 100).await.unwrap(), 1, "what nobody holds");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        tx.rollback().await.unwrap();
        assert_eq!(m.ledger.expire(then, 100).await.unwrap(), 2);
        for org in [held, free] {
            m.assert_agrees(org).await;
        }
    })
    .await;
}

/// Drafts of several organizations in one call wait for one of them, and the others' are recorded meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_for_several_organizations_holds_up_none_of_the_others() {
    on_postgres(async |f| {
        let m = Metering::new(f);
        let [held, free] = two(&m).await;
        let tx = holding(f, held).await;
        let drafts = [m.draft(free, "a", 1), m.draft(held, "b", 1), m.draft(free, "c", 1), m.draft(free, "a", 1)];
        let others = async {
            let behind = admit(&m.ledger, m.draft(free, "behind", 1)).await.unwrap();
            assert_eq!(used(&behind), 4, "behind the two that came before");
            tx.rollback().await.unwrap();
        };
        let (answers, ()) = tokio::join!(m.ledger.admit(&drafts), others);
        let answers = answers.unwrap();
        assert_eq!([used(&answers[0]), used(&answers[1]), used(&answers[2])], [2, 2, 3], "in the order of the drafts");
        assert!(matches!(answers[3], Admitted::Duplicate(_)));
        for (org, rows) in [(held, 2), (free, 4)] {
            assert_eq!(m.assert_agrees(org).await, rows);
        }
    })
    .await;
}

/// Counters are made anew while calls are recorded: nobody is turned away, and nothing is lost or counted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rebuilding_amid_calls_loses_none() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Unlimited).await;
        let books = store::SeaBooks::new(&f.second().await);
        let now = f.ambient.now();
        let calls = async {
            for round in 0..30 {
                let calls = (0..40).map(|n| admit(&m.ledger, m.draft(org, &format!("call-{round}-{n}"), 1)));
                for answer in join_all(calls).await {
                    assert!(matches!(answer, Ok(Admitted::Recorded(_))), "{answer:?}");
                }
                m.ledger.hold(&hold(&m, org, 60)).await.unwrap();
            }
        };
        let rebuilds = async {
            use usage_core::Bookkeeping;
            let mut rows = Vec::new();
            while rows.last() != Some(&1_200) {
                rows.push(books.rebuild(org, now).await.unwrap());
            }
            rows
        };
        let ((), rows) = tokio::join!(calls, rebuilds);
        assert!(rows.is_sorted() && rows.len() > 1, "{rows:?}");
        assert_eq!(m.assert_agrees(org).await, 1_200);
        let tally = m.reader.tally(org, None, now).await.unwrap().unwrap();
        assert_eq!((tally.month.used, tally.month.reserved), (1_200, 60));
    })
    .await;
}
