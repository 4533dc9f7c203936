//! Strange databases, two migrators at once, and a trail that only grows.
use sea_orm::ConnectionTrait;
use store::{Database, OpenError};

use crate::fixture::{Fixture, PATIENT, Server, on_each, sqlite_url};

/// Runs a test on an empty database of each kind.
async fn on_empty(test: impl AsyncFn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    test(&sqlite_url(&folder, "empty.db")).await;
    if let Some(server) = Server::given() {
        let name = server.create(None).await;
        test(&server.url(&name)).await;
        server.drop(&name).await;
    }
}

async fn raw(url: &str) -> sea_orm::DatabaseConnection {
    let url = if url.starts_with("sqlite:") { format!("{url}?mode=rwc") } else { url.to_owned() };
    sea_orm::Database::connect(url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_migrate_once() {
    on_empty(async |url| {
        let (first, second) = tokio::join!(Database::connect(url, &PATIENT), Database::connect(url, &PATIENT));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert!(!first.pending().await.unwrap().is_empty(), "nothing was migrated yet");
        let (one, two) = (first.clone(), second.clone());
        let migrators =
            [tokio::spawn(async move { one.migrate().await }), tokio::spawn(async move { two.migrate().await })];
        for migrator in migrators {
            migrator.await.unwrap().unwrap();
        }
        assert_eq!(first.pending().await.unwrap(), Vec::<String>::new(), "all steps were taken");
        first.migrate().await.unwrap();
        second.ping().await.unwrap();
        first.close().await.unwrap();
        second.close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_database_is_refused_and_left_alone() {
    on_empty(async |url| {
        let theirs = raw(url).await;
        theirs.execute_unprepared("CREATE TABLE customer (id integer)").await.unwrap();
        let refused = Database::connect(url, &PATIENT).await.unwrap_err();
        assert!(matches!(refused, OpenError::Foreign), "{refused:?}");
        theirs.execute_unprepared("DROP TABLE customer").await.unwrap();
        theirs.close().await.unwrap();
        Database::connect(url, &PATIENT).await.unwrap().close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused() {
    on_each(async |f: &Fixture| {
        f.run("INSERT INTO ops_center_migration (version, applied_at) VALUES ('m9999_tomorrow', 0)").await;
        let refused = Database::connect(&f.url, &PATIENT).await.unwrap_err();
        assert!(matches!(&refused, OpenError::Newer(step) if step == "m9999_tomorrow"), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_why_without_the_password() {
    for (url, wanted) in [
        ("mysql://root:pa55word@localhost/x", "the database URL must begin with sqlite: or postgres://"),
        ("pa55word", "the database URL must begin with sqlite: or postgres://"),
        ("postgres://u:pa55word@localhost:99999/x", "the database URL cannot be read"),
        ("postgres://u:pa55word@127.0.0.1:1/x", "the database cannot be reached: "),
        ("sqlite:/pa55word-is-no-folder/x.db", "the database cannot be reached: "),
    ] {
        let refused = Database::connect(url, &PATIENT).await.unwrap_err();
        assert!(refused.to_string().starts_with(wanted), "{url}: {refused}");
        assert!(!format!("{refused} {refused:?}").contains("pa55word"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_only_grows() {
    on_each(async |f: &Fixture| {
        f.new_user().await;
        let before = f.lines("SELECT action AS line FROM audit_record").await;
        assert_eq!(before, vec!["user.created".to_owned()]);
        for tampering in ["UPDATE audit_record SET action = 'x'", "DELETE FROM audit_record", "TRUNCATE audit_record"] {
            let refused = f.raw.execute_unprepared(tampering).await;
            assert!(refused.is_err(), "{tampering}");
        }
        assert_eq!(f.lines("SELECT action AS line FROM audit_record").await, before);
    })
    .await;
}

#[tokio::test]
async fn a_database_in_memory_works() {
    let db = Database::connect("sqlite::memory:", &PATIENT).await.unwrap();
    db.migrate().await.unwrap();
    assert_eq!(db.pending().await.unwrap(), Vec::<String>::new());
    db.ping().await.unwrap();
}
