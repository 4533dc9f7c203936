//! Handing keys out: written down by one writer, by all or none, and not at all when the database is away.
use std::time::{Duration, Instant};

use byok_core::testing::World;
use byok_core::{Deleted, KeyStore, ProviderKey};
use chrono::TimeDelta;
use futures_util::future::join_all;
use kernel::{Action, Record, StoreError, Timestamp};
use sea_orm::{ConnectionTrait, TransactionTrait};
use store::{Database, DatabaseOptions, SeaProviderKeys};

use crate::byok::{Keys, this};
use crate::fixture::{Fixture, PATIENT, on_each, on_postgres};
use crate::proxy::Proxy;

fn resolved(f: &Fixture, key: &ProviderKey, at: Timestamp) -> Record {
    let record = f.record(Action::ProviderKeyResolved).within(key.org).with("provider", &key.provider);
    Record { at, ..record }
}

async fn in_the_trail(f: &Fixture) -> usize {
    f.lines("SELECT action AS line FROM audit_record WHERE action = 'byok.key.resolved'").await.len()
}

/// Counts how often `last_used_at` is written.
async fn count_uses(f: &Fixture) {
    f.run("CREATE TABLE used (line text)").await;
    if f.is_postgres() {
        f.run(
            "CREATE FUNCTION count_use() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN INSERT INTO used VALUES ('once'); RETURN NULL; END $$",
        )
        .await;
        f.run(
            "CREATE TRIGGER counting AFTER UPDATE OF last_used_at ON provider_key \
             FOR EACH ROW EXECUTE FUNCTION count_use()",
        )
        .await;
    } else {
        f.run(
            "CREATE TRIGGER counting AFTER UPDATE OF last_used_at ON provider_key \
             BEGIN INSERT INTO used VALUES ('once'); END",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_is_in_the_trail_and_a_key_is_used_once_a_minute() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let mut keys = Vec::new();
        for _ in 0..20 {
            keys.push(k.stored(World::org(f).await, "openai", None).await);
        }
        count_uses(f).await;
        let (start, processes) = (f.ambient.now(), [k.keys.clone(), SeaProviderKeys::new(&f.second().await)]);
        for (minute, wanted) in [(0, 20), (1, 40), (2, 60)] {
            let at = |n: usize| start + TimeDelta::minutes(minute) + TimeDelta::milliseconds(i64::try_from(n).unwrap());
            let attempts = (0..1_000).map(|n| {
                let key = &keys[n % keys.len()];
                let record = resolved(f, key, at(n / keys.len()));
                let process = &processes[n % 2];
                async move { process.handed_out(key, &record).await.unwrap() }
            });
            assert!(join_all(attempts).await.into_iter().all(|out| out));
            assert_eq!(in_the_trail(f).await, 1_000 * (usize::try_from(minute).unwrap() + 1));
            assert_eq!(f.lines("SELECT line FROM used").await.len(), wanted, "each key once, minute {minute}");
            let now = k.keys.now(keys[0].org, &keys[0].provider).await.unwrap().unwrap();
            assert!(now.last_used.unwrap() >= at(0) && now.last_used.unwrap() <= at(50), "{now:?}");
        }
    })
    .await;
}

/// A deletion by one process, while the other one hands the key out as fast as it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_handed_out_once_another_process_said_that_it_is_gone() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let far = SeaProviderKeys::new(&f.second().await);
        for round in 0..10 {
            let key = k.stored(World::org(f).await, "openai", None).await;
            let (given, deleted) = (far.clone(), k.keys.clone());
            let records: Vec<_> = (0..60).map(|_| resolved(f, &key, f.ambient.now())).collect();
            let gone = f.record(Action::ProviderKeyDeleted);
            let before = in_the_trail(f).await;
            let giving = {
                let key = key.clone();
                tokio::spawn(async move {
                    let mut out = Vec::new();
                    for record in records {
                        let asked = Instant::now();
                        out.push((asked, given.handed_out(&key, &record).await.unwrap()));
                    }
                    out
                })
            };
            let deleting = tokio::spawn(async move {
                tokio::task::yield_now().await;
                assert_eq!(deleted.delete(key.org, &key.provider, &gone).await.unwrap(), Deleted::Deleted);
                Instant::now()
            });
            let (out, gone_at) = (giving.await.unwrap(), deleting.await.unwrap());
            assert!(out.iter().all(|(asked, out)| !out || *asked < gone_at), "round {round}");
            let given = out.iter().filter(|(_, out)| *out).count();
            assert_eq!(in_the_trail(f).await - before, given, "and each is in the trail");
        }
    })
    .await;
}

/// Somebody who is slow with one key holds up that one only.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_somebody_is_changing_holds_up_no_other() {
    on_postgres(async |f| {
        let k = Keys::new(f).await;
        let (held, free) =
            (k.stored(World::org(f).await, "openai", None).await, k.stored(World::org(f).await, "openai", None).await);
        let tx = f.raw.begin().await.unwrap();
        tx.execute_unprepared(&format!("UPDATE provider_key SET tail = '' WHERE {}", this(f, &held))).await.unwrap();
        let now = f.ambient.now();
        let slow = {
            let (keys, record) = (k.keys.clone(), resolved(f, &held, now));
            tokio::spawn(async move { keys.handed_out(&held, &record).await })
        };
        let began = Instant::now();
        for _ in 0..50 {
            assert!(k.keys.handed_out(&free, &resolved(f, &free, now)).await.unwrap());
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert!(!slow.is_finished(), "it waits");
        tx.rollback().await.unwrap();
        assert!(slow.await.unwrap().unwrap(), "and gets its answer");
        assert_eq!(in_the_trail(f).await, 51);
    })
    .await;
}

/// A database that hangs: no answer is invented, and none takes longer than the deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_hands_nothing_out() {
    on_postgres(async |f| {
        let k = Keys::new(f).await;
        let key = k.stored(World::org(f).await, "openai", None).await;
        let server = f.url.rsplit_once('@').unwrap().1.rsplit_once('/').unwrap().0;
        let proxy = Proxy::to(server).await;
        let db = Database::connect(&proxy.url(&f.url), &DatabaseOptions::default()).await.unwrap();
        let keys = SeaProviderKeys::new(&db);
        let record = || resolved(f, &key, f.ambient.now());
        assert!(keys.handed_out(&key, &record()).await.unwrap());

        proxy.hang(true);
        let start = Instant::now();
        let (provider, deleted) = (&key.provider, f.record(Action::ProviderKeyDeleted));
        let lost: Vec<_> = (0..4).map(|_| record()).collect();
        let attempts = lost.iter().map(|record| keys.handed_out(&key, record));
        let (handed, read, deleted) =
            tokio::join!(join_all(attempts), keys.now(key.org, provider), keys.delete(key.org, provider, &deleted));
        assert!(handed.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{handed:?}");
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
        assert!(matches!(deleted, Err(StoreError::Unavailable(_))), "{deleted:?}");
        assert!(start.elapsed() < Duration::from_millis(3_500), "{:?}", start.elapsed());

        proxy.hang(false);
        let healing = Instant::now();
        loop {
            match keys.handed_out(&key, &record()).await {
                // What became of the deletion was not known.
                Ok(out) => {
                    break assert_eq!(out, f.lines("SELECT provider AS line FROM provider_key").await.len() == 1);
                }
                Err(err) => assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}"),
            }
            assert!(healing.elapsed() < Duration::from_secs(10), "healed within ten seconds");
        }
        db.close().await.unwrap();
    })
    .await;
}

/// Whoever holds SQLite's one lock for ever holds nobody else for ever, and reads go on.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_has_an_end() {
    on_each(async |f| {
        if f.is_postgres() {
            return;
        }
        let k = Keys::new(f).await;
        let key = k.stored(World::org(f).await, "openai", None).await;
        let hasty = DatabaseOptions { deadline: Duration::from_millis(300), ..PATIENT };
        let keys = SeaProviderKeys::new(&Database::connect(&f.url, &hasty).await.unwrap());
        let lock = f.raw.begin_with_options(immediate()).await.unwrap();
        let start = Instant::now();
        let refused = keys.handed_out(&key, &resolved(f, &key, f.ambient.now())).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert_eq!(keys.now(key.org, &key.provider).await.unwrap(), Some(key.clone()), "reads go on");
        lock.rollback().await.unwrap();
        assert_eq!(in_the_trail(f).await, 0, "nothing is remembered that was not answered");
    })
    .await;
}

fn immediate() -> sea_orm::TransactionOptions {
    sea_orm::TransactionOptions {
        sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
        ..Default::default()
    }
}
