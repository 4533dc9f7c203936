//! Every operation and every kind of actor has a decided answer (TEN-1), and each answer is as the document says (API-1).
//!
//! `tests/authz.tsv` has one row per operation and one column per actor. A cell is the status, with a problem's code. All of them
//! act on one organization: in the path where the path names one, else in the query. `UPDATE_GOLDEN=1` writes the file anew; read
//! what changed.

mod stage;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use self::stage::{ACTORS, Stage};
use crate::crawl::document::{Document, Operation};
use crate::crawl::schema::violations;
use crate::crawl::site::Site;
use crate::crawl::wire::Exchange;

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("authz.tsv")
}

/// The matrix of the file: cells by operation and actor.
type Matrix = BTreeMap<String, Vec<String>>;

fn read(text: &str) -> Matrix {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().expect("a header").split('\t').skip(1).collect();
    let actors: Vec<&str> = ACTORS.iter().map(|actor| actor.name()).collect();
    assert_eq!(header, actors, "the columns of authz.tsv");
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        (cells.next().unwrap_or_default(), cells.collect())
    };
    lines.map(row).collect()
}

fn write(matrix: &Matrix) -> String {
    let line = |operation: &str, cells: &[String]| format!("{operation}\t{}\n", cells.join("\t"));
    let header = line("operation", &ACTORS.map(|actor| actor.name().to_owned()));
    let rows: String = matrix.iter().map(|(operation, cells)| line(operation, cells)).collect();
    let what =
        "# Who gets what: written by `UPDATE_GOLDEN=1 scripts/test -p system-tests authz`, then read by a person.";
    format!("{what}\n{header}{rows}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_answers_every_actor_as_decided_and_as_documented() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let stage = Stage::set(&site).await;
    let mut found = Matrix::new();
    for operation in &document.operations {
        let mut cells = Vec::new();
        for actor in ACTORS {
            cells.push(stage.cell(operation, actor).await);
        }
        found.insert(operation.name(), cells);
    }
    let strays = undocumented(&document, &site.wire.exchanged());
    compare(&document, &found);
    assert!(strays.is_empty(), "answers that the document does not have:\n{}", strays.join("\n"));
}

fn compare(document: &Document, found: &Matrix) {
    #[expect(clippy::disallowed_methods, reason = "a switch of this test, not of the program")]
    let update = std::env::var("UPDATE_GOLDEN").is_ok();
    if update {
        fs::write(golden(), write(found)).expect("authz.tsv");
    }
    let decided = read(&fs::read_to_string(golden()).expect("tests/authz.tsv"));
    let mut wrong = Vec::new();
    for operation in document.operations.iter().map(Operation::name).filter(|name| !decided.contains_key(name)) {
        wrong.push(format!("{operation} has no row: decide who may, and add it"));
    }
    for (operation, cells) in &decided {
        let Some(got) = found.get(operation) else {
            wrong.push(format!("{operation} has a row, but is not in the document"));
            continue;
        };
        for ((actor, decided), got) in ACTORS.iter().zip(cells).zip(got).filter(|((_, decided), got)| decided != got) {
            wrong.push(format!("{operation}, {}: {got}, decided was {decided}", actor.name()));
        }
    }
    assert!(wrong.is_empty(), "{} cells of authz.tsv do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

/// What was answered otherwise than the document says: status, media type, body.
pub(crate) fn undocumented(document: &Document, exchanges: &[Exchange]) -> Vec<String> {
    let mut wrong: Vec<String> = exchanges.iter().filter_map(|exchange| stray(document, exchange)).collect();
    wrong.sort();
    wrong.dedup();
    wrong
}

fn stray(document: &Document, Exchange { call, answer }: &Exchange) -> Option<String> {
    let operation = document.reached(&call.method, &call.target)?;
    let name = format!("{} {}", operation.name(), answer.status);
    let Some(response) = operation.node["responses"].get(answer.status.to_string()) else {
        return Some(format!("{name} ({}) is not listed", answer.code()));
    };
    let media_type = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    if answer.body.is_empty() {
        let promised = response["content"].as_object().is_some_and(|content| !content.is_empty());
        return (promised && call.method != "HEAD").then(|| format!("{name} has no body"));
    }
    let Some(content) = response["content"].get(media_type) else {
        return Some(format!("{name} as {media_type:?} is not listed"));
    };
    if !media_type.ends_with("json") {
        return None;
    }
    let codes = response["description"].as_str().unwrap_or_default();
    if media_type == "application/problem+json" && !codes.contains(&format!("`{}`", answer.code())) {
        return Some(format!("{name} does not list the code {}", answer.code()));
    }
    let wrong = violations(&document.root, &content["schema"], &answer.json());
    (!wrong.is_empty()).then(|| format!("{name}: {}", wrong.join("; ")))
}

#[test]
fn the_matrix_says_what_the_table_of_roles_says() {
    let matrix = read(&fs::read_to_string(golden()).expect("tests/authz.tsv"));
    let column = |name: &str| ACTORS.iter().position(|actor| actor.name() == name).expect("an actor");
    let cell = |row: &str, actor: &str| matrix[row][column(actor)].clone();
    for (row, allowed) in [
        ("GET /api/v1/org/info", ["member", "billing_admin", "admin", "owner"].as_slice()),
        ("GET /api/v1/org/members", &["member", "billing_admin", "admin", "owner"]),
        ("GET /api/v1/org/settings", &["member", "billing_admin", "admin", "owner"]),
        ("GET /api/v1/org/stats", &["member", "billing_admin", "admin", "owner"]),
        ("POST /api/v1/org/members", &["admin", "owner"]),
        ("GET /api/v1/org/invitations", &["admin", "owner"]),
        ("POST /api/v1/org/invitations/{id}/resend", &["admin", "owner"]),
        ("DELETE /api/v1/org/invitations/{id}", &["admin", "owner"]),
        ("DELETE /api/v1/org/members/{id}", &["admin", "owner"]),
        ("PUT /api/v1/org/members/{id}/role", &["admin", "owner"]),
        ("PUT /api/v1/org/settings", &["admin", "owner"]),
        ("GET /api/v1/org/billing", &["billing_admin", "owner"]),
        ("POST /api/v1/org/transfer-ownership", &["owner"]),
        ("DELETE /api/v1/org/{org_id}", &["owner", "platform_admin"]),
        ("PUT /api/v1/org/{org_id}/status", &["platform_admin"]),
        ("GET /api/v1/byok/keys", &["member", "billing_admin", "admin", "owner"]),
        ("GET /api/v1/byok/stats", &["member", "billing_admin", "admin", "owner"]),
        ("POST /api/v1/byok/keys/add", &["admin", "owner"]),
        ("POST /api/v1/byok/keys/test/{provider}", &["admin", "owner"]),
        ("DELETE /api/v1/byok/keys/{provider}", &["admin", "owner"]),
        ("POST /api/v1/byok/resolve", &[]),
    ] {
        for actor in ACTORS.map(stage::Actor::name) {
            let verdict = cell(row, actor);
            assert_eq!(verdict.starts_with('2'), allowed.contains(&actor), "{row}, {actor}: {verdict}");
        }
    }
    for (row, cells) in
        matrix.iter().filter(|(row, _)| row.contains("/api/v1/org/{org_id}") || row.contains("/org/members"))
    {
        for dead in ["stranger", "ended_session", "disabled_account", "removed_member"] {
            assert_eq!(cells[column(dead)], "401 unauthenticated", "{row}, {dead}");
        }
        if row != "PUT /api/v1/org/{org_id}/status" {
            for outside in ["no_organization", "other_organization", "suspended_owner"] {
                assert_eq!(cells[column(outside)], "404 not_found", "{row}, {outside}");
            }
        }
        // Whatever has a path of its own and one with the organization in it answers alike under both.
        let plain = row.replace("/{org_id}", "");
        if let Some(real) = matrix.get(&plain).filter(|_| plain != *row) {
            assert_eq!(real, cells, "{row} and {plain}");
        }
    }
}
