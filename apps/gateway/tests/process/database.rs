use std::net::TcpListener;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database};

use crate::program::Place;

/// Runs SQL on the database of a place.
fn sql(place: &Place, name: &str, statement: &str) {
    let url = format!("sqlite:{}?mode=rwc", place.path().join(name).display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = Database::connect(url).await.expect("a database");
        database.execute_unprepared(statement).await.expect("a statement");
        database.close().await.expect("closed");
    });
}

#[test]
fn somebody_elses_database_is_left_alone() {
    let place = Place::new();
    sql(&place, "theirs.db", "CREATE TABLE invoice (id INTEGER PRIMARY KEY)");
    let before = std::fs::read(place.path().join("theirs.db")).expect("the file");
    for command in [&["serve"][..], &["migrate"], &["init"]] {
        let refused = place.run_with(&[("DATABASE_URL", "sqlite:theirs.db")], command);
        refused.refused(1, &["not Ops Center's", "a database of its own"]);
    }
    assert!(std::fs::read(place.path().join("theirs.db")).expect("the file") == before, "it was written");
}

#[test]
fn a_newer_schema_is_left_to_the_newer_version() {
    let place = Place::new();
    let taken = place.run(&["migrate", "--json"]).json();
    assert!(taken["taken"].as_array().is_some_and(|steps| !steps.is_empty()), "{taken}");
    assert_eq!(place.run(&["migrate"]).ok(), "The database is up to date.\n");
    let step = "INSERT INTO ops_center_migration (version, applied_at) VALUES ('m9999_tomorrow', 0)";
    sql(&place, "data/ops-center.db", step);
    place.run(&["serve"]).refused(1, &["newer version", "m9999_tomorrow"]);
}

#[test]
fn what_does_not_answer_ends_the_start_in_time() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let hanging = [
        ("REDIS_URL", format!("redis://127.0.0.1:{port}")),
        ("DATABASE_URL", format!("postgres://u:p@127.0.0.1:{port}/d")),
    ];
    for (name, url) in &hanging {
        let began = Instant::now();
        place.run_with(&[(name, url)], &["--listen", "127.0.0.1:0"]).refused(69, &["answer"]);
        assert!(began.elapsed() < Duration::from_secs(4), "{name}: {:?}", began.elapsed());
    }
    drop(silent);
    for (name, url) in &hanging {
        place.run_with(&[(name, url)], &["--listen", "127.0.0.1:0"]).refused(69, &["check that"]);
    }
    place.run_with(&[("DATABASE_URL", "mysql://x/y")], &["migrate"]).refused(2, &["sqlite:", "DATABASE_URL"]);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    place.run(&["--data-dir", "/dev/null/data", "init"]).refused(1, &["/dev/null/data", "--data-dir"]);
}
