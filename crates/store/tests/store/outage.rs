//! A database that goes away makes the store unavailable, and nothing else.
use std::time::{Duration, Instant};

use auth_core::{Freshness, Standings, UserStore};
use kernel::{Action, StoreError};
use store::{Database, DatabaseOptions, SeaStandings, SeaUsers};

use crate::fixture::{Fixture, on_postgres, sqlite_url};
use crate::proxy::Proxy;

/// FLT-2: connections that the server cut are replaced.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_are_replaced() {
    on_postgres(async |f: &Fixture| {
        let user = f.new_user().await;
        let standings = SeaStandings::new(&f.db);
        f.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name = 'ops-center'",
        )
        .await;
        let mut outages = 0;
        loop {
            match standings.of(user, None, Freshness::Fresh).await {
                Ok(found) => break assert!(found.is_some()),
                Err(err) => assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}"),
            }
            outages += 1;
            assert!(outages <= 10, "no more than there were connections");
        }
    })
    .await;
}

/// FLT-2: a server that hangs makes every use end in time, and when it is back so is every connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_costs_time_and_no_connection() {
    on_postgres(async |f: &Fixture| {
        let user = f.new_user().await;
        let server = f.url.rsplit_once('@').unwrap().1.rsplit_once('/').unwrap().0;
        let proxy = Proxy::to(server).await;
        let two = DatabaseOptions { max_connections: 2, ..DatabaseOptions::default() };
        let db = Database::connect(&proxy.url(&f.url), &two).await.unwrap();
        let standings = SeaStandings::new(&db);
        let epoch = standings.of(user, None, Freshness::Fresh).await.unwrap().unwrap().user_epoch;

        proxy.hang(true);
        let start = Instant::now();
        let record = f.record(Action::SessionsRevoked);
        let attempts = (0..4).map(|_| standings.end_sessions(user, &record));
        for refused in futures_util::future::join_all(attempts).await {
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        }
        assert!(start.elapsed() < Duration::from_millis(3500), "{:?}", start.elapsed());

        proxy.hang(false);
        let healing = Instant::now();
        while let Err(err) = db.ping().await {
            assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}");
            assert!(healing.elapsed() < Duration::from_secs(5), "healed within five seconds");
        }
        let attempts = (0..2).map(|_| standings.of(user, None, Freshness::Fresh));
        for answer in futures_util::future::join_all(attempts).await {
            assert!(answer.unwrap().unwrap().user_epoch <= epoch + 1, "one record, one change at most");
        }
        db.close().await.unwrap();
    })
    .await;
}

/// Whoever holds a lock for ever does not hold everybody else.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_url(&folder, "busy.db");
    let hasty = DatabaseOptions { deadline: Duration::from_millis(300), ..DatabaseOptions::default() };
    let db = Database::connect(&url, &hasty).await.unwrap();
    db.migrate().await.unwrap();
    let holder = sea_orm::Database::connect(&url).await.unwrap();
    let lock = sea_orm::TransactionTrait::begin_with_options(
        &holder,
        sea_orm::TransactionOptions {
            sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let ambient = kernel::Ambient::system();
    let record = kernel::Record::new(&ambient, &kernel::Actor::system(), Action::Logout, "session", "x");
    let start = Instant::now();
    let refused = SeaStandings::new(&db).note(&record).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(!SeaUsers::new(&db).any().await.unwrap(), "reads go on");
    lock.rollback().await.unwrap();
}
