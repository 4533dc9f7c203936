//! What the databases do by themselves.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

const SCHEMA: &str = "CREATE TABLE floor_counter (org integer PRIMARY KEY, used bigint NOT NULL, most bigint NOT NULL); \
     CREATE TABLE floor_event (id text PRIMARY KEY, org integer NOT NULL, quantity bigint NOT NULL)";

/// Lets PostgreSQL do this.
pub fn ask(url: &str, sql: &str) {
    let done = Command::new("psql").args([url, "-v", "ON_ERROR_STOP=1", "-qc", sql]).status().unwrap();
    assert!(done.success(), "{sql}");
}

/// Runs a script of pgbench for five seconds; its transactions in a second. PostgreSQL takes 100 connections: as many of them as there may
/// be stand for the larger loads.
fn pgbench(url: &str, folder: &Path, script: &str, connections: u32) -> f64 {
    let file = folder.join("floor.sql");
    std::fs::write(&file, script).unwrap();
    let clients = connections.min(80).to_string();
    let mut command = Command::new(program("pgbench"));
    command.args(["-n", "-M", "prepared", "-T", "5", "-j", "2", "-c", &clients, "-f"]).arg(&file).arg(url);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap_or_else(|| panic!("{text}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// pgbench, inserting a text under a name of its own: rows in a second.
pub fn inserts(server: &str, text: &str, connections: u32) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    ask(server, "CREATE TABLE IF NOT EXISTS floor_inbox (id text PRIMARY KEY, body text NOT NULL)");
    let script = format!("INSERT INTO floor_inbox VALUES (gen_random_uuid()::text, '{text}');\n");
    pgbench(server, folder.path(), &script, connections)
}

/// pgbench, doing the two statements that record a call.
pub struct Postgres {
    url: String,
    folder: tempfile::TempDir,
}

impl Postgres {
    pub fn new(server: &str) -> Self {
        let made = Self {
            url: format!("{}/bench_floor", server.trim_end_matches("/postgres")),
            folder: tempfile::tempdir().unwrap(),
        };
        ask(server, "CREATE DATABASE bench_floor");
        ask(&made.url, SCHEMA);
        ask(&made.url, "INSERT INTO floor_counter SELECT n, 0, 1000000000 FROM generate_series(1, 100) n");
        made
    }

    /// Events in a second, with so many rows to count in.
    pub fn run(&self, orgs: usize, connections: u32) -> f64 {
        let text = format!(
            "\\set org random(1, {orgs})\nBEGIN;\nUPDATE floor_counter SET used = used + 1 WHERE org = :org AND used + 1 <= most;\n\
             INSERT INTO floor_event VALUES (gen_random_uuid()::text, :org, 1);\nCOMMIT;\n"
        );
        pgbench(&self.url, self.folder.path(), &text, connections)
    }
}

/// A program of PostgreSQL, beside its server's.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
    let found =
        versions.filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name))).filter(|path| path.exists());
    found.max().unwrap_or_else(|| name.into())
}

/// SQLite with `synchronous=FULL`, one commit for each event.
pub struct Sqlite {
    db: DatabaseConnection,
    _folder: tempfile::TempDir,
}

impl Sqlite {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("floor.db");
        let mut options = sea_orm::ConnectOptions::new(format!("sqlite:{}?mode=rwc", path.display()));
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        for sql in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", SCHEMA] {
            db.execute_unprepared(sql).await.unwrap();
        }
        db.execute_unprepared("INSERT INTO floor_counter VALUES (1, 0, 1000000000)").await.unwrap();
        Self { db, _folder: folder }
    }

    /// Commits in a second.
    pub async fn run(&self, time: Duration) -> f64 {
        let (started, mut done) = (Instant::now(), 0_u32);
        while started.elapsed() < time {
            let sql = format!(
                "BEGIN IMMEDIATE; UPDATE floor_counter SET used = used + 1 WHERE org = 1 AND used + 1 <= most; \
                 INSERT INTO floor_event VALUES ('e{done}', 1, 1); COMMIT"
            );
            self.db.execute_unprepared(&sql).await.unwrap();
            done += 1;
        }
        f64::from(done) / started.elapsed().as_secs_f64()
    }
}
