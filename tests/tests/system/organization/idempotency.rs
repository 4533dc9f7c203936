//! IDM-1, IDM-2: the same attempt again has its first answer, and one effect.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Client, Request, TestApp};

use crate::rig::at_once;
use crate::rig::party::{found, members};

fn create(by: &Client, key: &str, name: &str) -> Request {
    by.post("/api/v1/org").header("Idempotency-Key", key).json(&json!({ "name": name }))
}

fn invite(by: &Client, org: &str, key: &str, email: &str) -> Request {
    let path = format!("/api/v1/org/{org}/members");
    by.post(&path).header("Idempotency-Key", key).json(&json!({ "email": email, "role": "member" }))
}

/// The first answer, and whether each of the others is it or says that it is still being made.
#[track_caller]
fn one_effect(answers: &[Answer], status: u16) -> Value {
    let firsts: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status == status && answer.header("idempotent-replayed").is_none())
        .collect();
    assert_eq!(firsts.len(), 1, "one was the first");
    for answer in answers {
        if answer.status == status {
            assert_eq!(answer.body, firsts[0].body);
        } else {
            answer.problem(409, "idempotency_in_progress");
        }
    }
    firsts[0].json()
}

async fn count(by: &Client) -> String {
    by.get("/api/v1/org/my-orgs").await.header("x-total-count").expect("a count").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_with_one_key_make_one_organization() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let bases = [&app.base, &sibling.base];
        let answers =
            at_once((0..20).map(|number| create(&Client::at(&ada, bases[number % 2]), "key-1", "Acme"))).await;
        let made = one_effect(&answers, 201);
        assert_eq!(count(&ada).await, "1");
        for base in bases {
            let again = create(&Client::at(&ada, base), "key-1", "Acme").await;
            assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
            assert_eq!(again.json(), made);
            assert_eq!(again.header("content-type"), Some("application/json"));
        }
        create(&ada, "key-1", "Another").await.problem(422, "idempotency_key_reused");
        assert_ne!(create(&ada, "key-2", "Acme").await.expect(201), made);
        assert_eq!(count(&ada).await, "2");
        // Without a key every request is a new one.
        ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
        assert_eq!(count(&ada).await, "3");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_with_one_key_send_one_invitation() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Acme").await;
        let bases = [&app.base, &sibling.base];
        let answers =
            at_once((0..20).map(|number| invite(&Client::at(&ada, bases[number % 2]), &org, "invite-1", "new@x.test")))
                .await;
        let invited = one_effect(&answers, 202);
        assert_eq!(app.mails().len(), 1);
        let again = invite(&ada, &org, "invite-1", "new@x.test").await;
        assert_eq!((again.expect(202), again.header("idempotent-replayed")), (invited, Some("true")));
        invite(&ada, &org, "invite-1", "other@x.test").await.problem(422, "idempotency_key_reused");
        assert_eq!(app.mails().len(), 1);

        let bob = app.user("bob@x.test").await;
        let answers = at_once((0..20).map(|_| invite(&ada, &org, "add-1", &bob.email))).await;
        one_effect(&answers, 201);
        assert_eq!(members(&ada, &org).await.len(), 2);
        // A conflict is an answer like any other.
        let conflict = invite(&ada, &org, "add-2", &bob.email).await;
        conflict.problem(409, "already_member");
        let again = invite(&ada, &org, "add-2", &bob.email).await;
        again.problem(409, "already_member");
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_of_others_is_another_key() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let mine = create(&ada, "shared", "Acme").await.expect(201);
        let theirs = create(&bob, "shared", "Another body").await;
        assert_eq!(theirs.header("idempotent-replayed"), None);
        assert_ne!(theirs.expect(201)["organization"]["id"], mine["organization"]["id"]);
        // The same person in two organizations, and on two routes.
        let (one, two) = (found(&ada, "One").await, found(&ada, "Two").await);
        invite(&ada, &one, "shared", "new@x.test").await.expect(202);
        let second = invite(&ada, &two, "shared", "new@x.test").await;
        second.expect(202);
        assert_eq!(second.header("idempotent-replayed"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_kept_for_a_day_over_restarts_and_not_for_what_was_refused() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Where she lands").await;
        create(&ada, "kept", "").await.expect(422);
        let made = create(&ada, "kept", "Acme").await;
        assert_eq!(made.header("idempotent-replayed"), None, "a refusal changed nothing, so the key is free");
        made.expect(201);
        let later = app.sibling().await;
        app.stop(true).await;
        later.clock.advance(Duration::from_mins(1439));
        ada.at(&later).sign_in().await;
        let again = create(&Client::at(&ada, &later.base), "kept", "Acme").await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
        for wrong in ["", "with space", &"k".repeat(256), "tab\tbed"] {
            let answer = create(&Client::at(&ada, &later.base), wrong, "Acme").await;
            assert_eq!(answer.status, 422, "{wrong:?}: {}", answer.text());
        }
        create(&Client::at(&ada, &later.base), &"k".repeat(255), "Acme").await.expect(201);
    })
    .await;
}
