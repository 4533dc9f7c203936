//! Handing an organization over needs a sign-in of the last minutes (SES-7), an heir, and an owner.

use std::time::Duration;

use serde_json::json;
use testkit::{Client, Request, TestApp, TestUser};

use crate::rig::party::{add, found, in_role, no_failures};
use crate::rig::{at_once, tally};

fn hand_over(by: &Client, org: &str, heir: &TestUser) -> Request {
    by.post(&format!("/api/v1/org/{org}/transfer-ownership")).json(&json!({ "user_id": heir.id.to_string() }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_sign_in_hands_nothing_over_and_a_fresh_one_does() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "member").await;
        app.clock.advance(Duration::from_secs(301));
        let stale = hand_over(&ada, &org, &bob).await;
        let problem = stale.problem(401, "insufficient_user_authentication");
        assert_eq!(problem["max_age"], 300);
        let challenge = stale.header("www-authenticate").expect("a challenge");
        assert!(
            challenge.contains("error=\"insufficient_user_authentication\"") && challenge.contains("max_age"),
            "{challenge}"
        );
        assert!(stale.set_cookies().is_empty(), "the session lives");
        // A new token is not a new proof.
        ada.switch_org(&org).await;
        ada.delete("/api/v1/auth/sessions/others").await.expect(200);
        hand_over(&ada, &org, &bob).await.problem(401, "insufficient_user_authentication");
        assert_eq!(in_role(&ada, &org, "owner").await, [ada.id.to_string()]);

        ada.sign_in().await;
        app.clock.advance(Duration::from_secs(298));
        assert_eq!(hand_over(&ada, &org, &bob).await.expect(200)["success"], true);
        assert_eq!(in_role(&ada, &org, "owner").await, [bob.id.to_string()]);
        assert_eq!(in_role(&ada, &org, "admin").await, [ada.id.to_string()]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_owners_hand_over_and_only_to_members() {
    TestApp::each(|app| async move {
        let (ada, bob, carol) =
            (app.user("ada@x.test").await, app.user("bob@x.test").await, app.user("carol@x.test").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "admin").await;
        hand_over(&bob, &org, &bob).await.problem(403, "forbidden");
        hand_over(&carol, &org, &carol).await.problem(404, "not_found");
        hand_over(&ada, &org, &carol).await.problem(404, "not_found");
        hand_over(&ada, &org, &ada).await.problem(404, "not_found");
        let wrong = ada.post(&format!("/api/v1/org/{org}/transfer-ownership")).json(&json!({ "user_id": "bob" })).await;
        assert!([404, 422].contains(&wrong.status), "{}", wrong.text());
        assert_eq!(in_role(&ada, &org, "owner").await, [ada.id.to_string()]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_thirty_two_transfers_at_once_one_happens() {
    TestApp::each(|app| async move {
        app.seats(40).await;
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Acme").await;
        let mut heirs = Vec::new();
        for number in 0..8 {
            let heir = app.user(&format!("heir{number}@x.test")).await;
            add(&ada, &org, &heir, "member").await;
            heirs.push(heir);
        }
        let requests = (0..32).map(|number| {
            let base = if number % 2 == 0 { &app.base } else { &sibling.base };
            hand_over(&Client::at(&ada, base), &org, &heirs[number % 8])
        });
        let answers = at_once(requests).await;
        no_failures(&answers);
        assert_eq!(tally(&answers), [(200, 1), (403, 31)]);
        assert_eq!(in_role(&ada, &org, "owner").await.len(), 1);
        assert_eq!(in_role(&ada, &org, "admin").await, [ada.id.to_string()]);
    })
    .await;
}
