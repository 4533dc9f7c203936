//! Invitations: for one person, once, in time, by the newest link.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, Client, Request, TestApp, TestUser};

use crate::rig::party::{adding, found, members, no_failures};
use crate::rig::{at_once, tally};

const DAY: Duration = Duration::from_hours(24);

fn accept(by: &Client, token: &str) -> Request {
    by.post("/api/v1/org/invitations/accept").json(&json!({ "token": token }))
}

/// The token of the mail that came last.
fn last_token(app: &TestApp) -> String {
    app.mails().pop().and_then(|mail| mail.token()).expect("a mail with a link")
}

/// An organization that asks people before it takes them.
async fn asking(owner: &TestUser) -> String {
    let org = found(owner, "Acme").await;
    owner.put(&format!("/api/v1/org/{org}/settings")).json(&json!({ "autoAcceptMembers": false })).await.expect(200);
    org
}

async fn open(owner: &TestUser, org: &str) -> Vec<Value> {
    let list = owner.get(&format!("/api/v1/org/{org}/invitations")).await.expect(200);
    list["invitations"].as_array().expect("invitations").clone()
}

/// Everything of a problem but what is of its request alone.
fn plain(answer: &Answer) -> String {
    answer.text().replace(answer.header("x-request-id").expect("an id"), "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_accepted_once_of_thirty_two_at_once() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = asking(&ada).await;
        let invited = adding(&ada, &org, "Bob@X.test", "admin").await.expect(202);
        assert_eq!(invited["success"], true);
        for key in ["id", "email", "role", "expires_at"] {
            assert!(invited["invitation"][key].is_string(), "{key}: {invited}");
        }
        let mail = app.mails().pop().expect("a mail");
        assert_eq!(mail.to.to_lowercase(), "bob@x.test");
        assert!(mail.link.as_deref().is_some_and(|link| link.contains("/invitations/accept?token=")), "{}", mail.text);
        let token = last_token(&app);
        let bases = [&app.base, &sibling.base];
        let answers = at_once((0..32).map(|number| accept(&Client::at(&bob, bases[number % 2]), &token))).await;
        no_failures(&answers);
        let accepted: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(accepted.len(), 1, "{:?}", tally(&answers));
        assert_eq!((&accepted[0].json()["org_id"], &accepted[0].json()["role"]), (&json!(org), &json!("admin")));
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert!([404, 409].contains(&answer.status), "{}", answer.text());
        }
        assert_eq!(members(&ada, &org).await.len(), 2);
        assert!(open(&ada, &org).await.is_empty());
        accept(&bob, &token).await.problem(404, "not_found");
        bob.switch_org(&org).await;
        assert_eq!(bob.me().await["org_role"], "admin");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_for_its_addressee_and_no_other_is_told_that_there_is_one() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = asking(&ada).await;
        adding(&ada, &org, "bob@x.test", "member").await.expect(202);
        let token = last_token(&app);
        let eve = app.user("eve@x.test").await;
        let (foreign, unknown) = (accept(&eve, &token).await, accept(&eve, &"A".repeat(43)).await);
        foreign.problem(404, "not_found");
        assert_eq!(plain(&foreign), plain(&unknown));
        for wrong in ["", "x", &token[..42], &format!("{token}A"), "../../etc/passwd"] {
            accept(&eve, wrong).await.problem(404, "not_found");
        }
        let unverified = app.unverified_user("bob@x.test").await;
        let refused = accept(&unverified, &token).await;
        assert_eq!(plain(&refused), plain(&unknown), "an address that was not proved is not theirs");
        app.visitor()
            .post("/api/v1/org/invitations/accept")
            .json(&json!({ "token": token }))
            .await
            .problem(401, "unauthenticated");
        assert_eq!(members(&ada, &org).await.len(), 1);
        for body in [json!({}), json!({ "token": 1 }), json!({ "token": token, "role": "owner" })] {
            assert_eq!(eve.post("/api/v1/org/invitations/accept").json(&body).await.status, 422, "{body}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seven_days_and_not_a_second_more() {
    TestApp::each(|app| async move {
        let (ada, bob, carol) =
            (app.user("ada@x.test").await, app.user("bob@x.test").await, app.user("carol@x.test").await);
        let org = asking(&ada).await;
        adding(&ada, &org, "bob@x.test", "member").await.expect(202);
        let bobs = last_token(&app);
        adding(&ada, &org, "carol@x.test", "member").await.expect(202);
        let carols = last_token(&app);
        app.clock.advance((7 * DAY).checked_sub(Duration::from_secs(20)).unwrap());
        bob.sign_in().await;
        accept(&bob, &bobs).await.expect(200);
        app.clock.advance(Duration::from_secs(21));
        carol.sign_in().await;
        accept(&carol, &carols).await.problem(410, "invitation_expired");
        accept(&bob, &carols).await.problem(404, "not_found");
        ada.sign_in().await;
        assert!(open(&ada, &org).await.is_empty(), "an expired one is not open");
        // It takes no seat and stands in nobody's way; a new one works.
        let info = ada.get(&format!("/api/v1/org/{org}")).await.expect(200);
        assert_eq!(info["seats_used"], 2);
        adding(&ada, &org, "carol@x.test", "admin").await.expect(202);
        accept(&carol, &last_token(&app)).await.expect(200);
        assert_eq!(members(&ada, &org).await.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_again_kills_the_old_link_and_renews_the_time() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = asking(&ada).await;
        let invited = adding(&ada, &org, "bob@x.test", "member").await.expect(202);
        let path = format!("/api/v1/org/{org}/invitations/{}", invited["invitation"]["id"].as_str().expect("an id"));
        let old = last_token(&app);
        adding(&ada, &org, "bob@x.test", "member").await.problem(409, "already_invited");
        app.clock.advance(6 * DAY);
        ada.sign_in().await;
        assert_eq!(ada.post(&format!("{path}/resend")).await.expect(200)["success"], true);
        assert_eq!(app.mails().len(), 2);
        let new = last_token(&app);
        assert_ne!(old, new);
        let listed = open(&ada, &org).await;
        assert_eq!(listed.len(), 1);
        assert!(listed[0]["expires_at"].as_str() > invited["invitation"]["expires_at"].as_str());
        app.clock.advance(3 * DAY);
        bob.sign_in().await;
        accept(&bob, &old).await.problem(404, "not_found");
        accept(&bob, &new).await.expect(200);
        ada.sign_in().await;
        ada.post(&format!("{path}/resend")).await.problem(404, "not_found");

        // Taken back: the link is dead.
        let invited = adding(&ada, &org, "carol@x.test", "member").await.expect(202);
        let token = last_token(&app);
        let path = format!("/api/v1/org/{org}/invitations/{}", invited["invitation"]["id"].as_str().expect("an id"));
        assert_eq!(ada.delete(&path).await.expect(200)["success"], true);
        ada.delete(&path).await.problem(404, "not_found");
        let carol = app.user("carol@x.test").await;
        accept(&carol, &token).await.problem(404, "not_found");
        assert!(open(&ada, &org).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_again_taken_back_and_accepted_at_once_is_one_of_these() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = asking(&ada).await;
        for _ in 0..10 {
            let invited = adding(&ada, &org, "bob@x.test", "member").await.expect(202);
            let path =
                format!("/api/v1/org/{org}/invitations/{}", invited["invitation"]["id"].as_str().expect("an id"));
            let token = last_token(&app);
            let requests = (0..12).map(|number| match number % 3 {
                0 => accept(&bob, &token),
                1 => ada.delete(&path),
                _ => ada.post(&format!("{path}/resend")),
            });
            let answers = at_once(requests).await;
            no_failures(&answers);
            let kind = |kind: usize| answers.iter().skip(kind).step_by(3).filter(|answer| answer.status == 200).count();
            let joined = members(&ada, &org).await.len() == 2;
            assert_eq!(kind(0), usize::from(joined), "who was let in is a member");
            assert_eq!(kind(0) + kind(1), 1, "it was accepted or taken back");
            assert!(open(&ada, &org).await.is_empty());
            if joined {
                crate::rig::party::removing(&ada, &org, &bob).await.expect(200);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_people_join_at_once_only_where_the_settings_say_so_and_the_address_is_proved() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let (known, _unproved) = (app.user("known@x.test").await, app.unverified_user("unproved@x.test").await);
        let org = asking(&ada).await;
        adding(&ada, &org, "known@x.test", "member").await.expect(202);
        ada.put(&format!("/api/v1/org/{org}/settings")).json(&json!({ "autoAcceptMembers": true })).await.expect(200);
        let other = found(&ada, "Open").await;
        let added = adding(&ada, &other, "KNOWN@x.test", "billing_admin").await.expect(201);
        assert_eq!(
            (&added["success"], &added["member"]["id"], &added["member"]["role"]),
            (&json!(true), &json!(known.id.to_string()), &json!("billing_admin"))
        );
        adding(&ada, &other, "unproved@x.test", "member").await.expect(202);
        adding(&ada, &other, "nobody@x.test", "member").await.expect(202);
        // By id, with the same rules.
        let path = format!("/api/v1/org/{other}/members");
        let by_id = json!({ "user_id": known.id.to_string(), "role": "member" });
        ada.post(&path).json(&by_id).await.problem(409, "already_member");
        let unknown = json!({ "user_id": "usr_01890a5d-ac96-774b-bcce-b302099a8057", "role": "member" });
        ada.post(&path).json(&unknown).await.problem(404, "not_found");
        for body in [
            json!({ "role": "member" }),
            json!({ "email": "a@b.test", "user_id": known.id.to_string(), "role": "member" }),
            json!({ "email": "no address", "role": "member" }),
        ] {
            assert_eq!(ada.post(&path).json(&body).await.status, 422, "{body}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_allowed_domains_are_invited() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = asking(&ada).await;
        let domains = json!({ "allowedDomains": ["acme.example", "BÜCHER.example"] });
        ada.put(&format!("/api/v1/org/{org}/settings")).json(&domains).await.expect(200);
        for refused in
            ["eve@evil.example", "eve@acme.example.evil.example", "eve@sub.acme.example", "eve@xacme.example"]
        {
            let problem = adding(&ada, &org, refused, "member").await.problem(422, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], "/email", "{refused}");
        }
        adding(&ada, &org, "bob@ACME.example", "member").await.expect(202);
        adding(&ada, &org, "carol@bücher.example", "member").await.expect(202);
        adding(&ada, &org, "dave@xn--bcher-kva.example", "member").await.expect(202);
        let known = app.user("known@evil.example").await;
        let by_id = json!({ "user_id": known.id.to_string(), "role": "member" });
        let refused = ada.post(&format!("/api/v1/org/{org}/members")).json(&by_id).await;
        assert!([404, 422].contains(&refused.status), "{}", refused.text());
        assert_eq!(open(&ada, &org).await.len(), 3);
    })
    .await;
}
