//! SES-3: whoever gains or loses something goes on under a new token, and the old one is dead; a token that the server did not make
//! never is one.

use serde_json::json;
use testkit::{Answer, Client, TestApp, TestUser};

use crate::rig::cookie::{SESSION, choose, holder, session_cookies};
use crate::rig::party::{add, found, giving, removing};

/// The answer gave the session a new token; the one of before is nobody at both instances, from the next request on.
async fn renewed(user: &Client, before: &str, answer: &Answer, bases: [&str; 2]) {
    let given = session_cookies(answer);
    assert_eq!(given.len(), 1, "{}: one new cookie: {:?}", answer.of, answer.set_cookies());
    assert_ne!(given[0], before, "{}", answer.of);
    assert_ne!(secret(&given[0]), secret(before), "{}", answer.of);
    for base in bases {
        choose(&holder(base, before)).await.problem(401, "unauthenticated");
        holder(base, before).get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        // Reading too, although each instance remembers for a second what was before.
        user.at(base).get("/api/v1/auth/me").await.expect(200);
        choose(&user.at(base)).await.expect(200);
    }
}

fn secret(cookie: &str) -> &str {
    cookie.split_once('.').expect("tag and secret").1
}

fn token(user: &Client) -> String {
    user.cookie("ops_session").expect("a session")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_at_every_change_of_what_a_session_may_do() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let bases = [app.base.as_str(), sibling.base.as_str()];
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "owner").await;

        // To sign in again is to step up: it makes the proof fresh.
        let before = token(&ada);
        renewed(&ada, &before, &ada.sign_in().await, bases).await;

        let before = token(&ada);
        let switched = ada.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await;
        renewed(&ada, &before, &switched, bases).await;

        let before = token(&ada);
        let switched = ada.post("/api/v1/users/me/switch-org").json(&json!({ "org_id": org })).await;
        renewed(&ada, &before, &switched, bases).await;

        let before = token(&ada);
        renewed(&ada, &before, &giving(&ada, &org, &ada, "admin").await, bases).await;
        assert_eq!(ada.me().await["org_role"], "admin");

        bob.switch_org(&org).await;
        let before = token(&bob);
        let transfer = json!({ "user_id": ada.id.to_string() });
        let transferred = bob.post("/api/v1/org/transfer-ownership").json(&transfer).await;
        renewed(&bob, &before, &transferred, bases).await;
        assert_eq!(bob.me().await["org_role"], "admin");

        let before = token(&bob);
        renewed(&bob, &before, &removing(&bob, &org, &bob).await, bases).await;
        assert_eq!(bob.me().await["org_id"], json!(null), "whoever leaves acts nowhere");

        let before = token(&bob);
        let change = json!({ "current_password": bob.password, "new_password": "another ship sails at dusk" });
        renewed(&bob, &before, &bob.post("/api/v1/auth/change-password").json(&change).await, bases).await;

        let before = token(&bob);
        let change = json!({ "current_password": "another ship sails at dusk", "new_password": bob.password });
        renewed(&bob, &before, &bob.put("/api/v1/auth/password").json(&change).await, bases).await;

        let before = token(&bob);
        renewed(&bob, &before, &bob.delete("/api/v1/auth/sessions/others").await, bases).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_somebody_else_gives_ends_the_members_sessions_there_and_no_other() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let (org, other) = (found(&ada, "Acme").await, found(&bob, "Bob's own").await);
        add(&ada, &org, &bob, "member").await;
        let (here, there) = (bob.in_new_browser(), bob.in_new_browser());
        for (browser, place) in [(&here, &org), (&there, &other)] {
            browser.sign_in().await;
            browser.switch_org(place).await;
        }
        giving(&ada, &org, &bob, "admin").await.expect(200);
        for base in [&app.base, &sibling.base] {
            choose(&here.at_base(base)).await.problem(401, "unauthenticated");
            choose(&there.at_base(base)).await.expect(200);
        }
        here.sign_in().await;
        here.switch_org(&org).await;
        assert_eq!(here.me().await["org_role"], "admin");
    })
    .await;
}

trait AtBase {
    fn at_base(&self, base: &str) -> Client;
}

impl AtBase for TestUser {
    fn at_base(&self, base: &str) -> Client {
        Client::at(self, base)
    }
}

/// Values that could be tokens, and values that could not.
fn made_up(real: &str) -> Vec<String> {
    let (tag, secret) = real.split_once('.').expect("tag and secret");
    let other = |text: &str| text.chars().rev().collect::<String>();
    vec![
        format!("{tag}.{}", "A".repeat(43)),
        format!("{}.{secret}", "A".repeat(16)),
        format!("{tag}.{}", other(secret)),
        format!("{}.{}", other(tag), other(secret)),
        format!("{tag}.{secret}A"),
        format!("{tag}.{}", &secret[..42]),
        secret.to_owned(),
        "chosen-by-the-attacker".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_the_server_never_issued_never_becomes_a_session() {
    TestApp::each(|app| async move {
        let mallory = app.user("mallory@x.test").await;
        let ada = app.user("ada@x.test").await;
        let org = found(&mallory, "Trap").await;
        mallory
            .post(&format!("/api/v1/org/{org}/members"))
            .json(&json!({ "email": "new@x.test", "role": "member" }))
            .await
            .expect(202);
        let invitation = app.mails().pop().and_then(|mail| mail.token()).expect("a token");
        for chosen in made_up(&token(&mallory)) {
            let planted = |base: &str| holder(base, &chosen);
            // The way of somebody who is about to sign in.
            for path in [
                "/",
                "/sign-in",
                "/api/v1/auth/session",
                "/api/v1/auth/csrf-token",
                "/api/v1/auth/password-policy",
                "/auth/check",
                "/docs/",
                "/health",
            ] {
                let answer = planted(&app.base).get(path).await;
                assert_eq!(session_cookies(&answer), Vec::<String>::new(), "{path} hands out a session");
                assert!([200, 302, 303, 401].contains(&answer.status), "{path}: {}", answer.status);
            }
            let accept = planted(&app.base).get(&format!("/invitations/accept?token={invitation}")).await;
            assert!(session_cookies(&accept).is_empty());
            let victim = TestUser::clone(&ada).in_new_browser();
            victim.set_cookie(SESSION, &chosen);
            let given = session_cookies(&victim.sign_in().await);
            assert_eq!(given.len(), 1);
            assert_ne!(given[0], chosen);
            choose(&planted(&app.base)).await.problem(401, "unauthenticated");
            planted(&app.base).get("/api/v1/auth/me").await.problem(401, "unauthenticated");
            victim.sign_out().await;
            planted(&app.base).get("/api/v1/auth/me").await.problem(401, "unauthenticated");
        }
        // An attacker's own live session in the victim's browser ends where the victim signs in: it does not become the victim's.
        let victim = ada.in_new_browser();
        let theirs = token(&mallory);
        victim.set_cookie(SESSION, &theirs);
        victim.sign_in().await;
        assert_eq!(victim.me().await["email"], "ada@x.test");
        choose(&holder(&app.base, &theirs)).await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registering_by_invitation_makes_a_token_of_its_own() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Acme").await;
        let invitation = json!({ "email": "new@x.test", "role": "member" });
        ada.post(&format!("/api/v1/org/{org}/members")).json(&invitation).await.expect(202);
        let token = app.mails().pop().and_then(|mail| mail.token()).expect("a token");
        let planted = format!("{}.{}", "B".repeat(16), "A".repeat(43));
        let browser = holder(&app.base, &planted);
        let fields = [
            ("token", token.as_str()),
            ("username", "new"),
            ("password", "seven rivers and a bridge"),
            ("repeat", "seven rivers and a bridge"),
        ];
        let answer = browser.post("/invitations/account").without_csrf().form(&fields).await;
        answer.expect(303);
        let given = session_cookies(&answer);
        assert!(given.len() == 1 && given[0] != planted, "{given:?}");
        choose(&holder(&app.base, &planted)).await.problem(401, "unauthenticated");
        assert_eq!(browser.get("/api/v1/auth/me").await.expect(200)["email"], "new@x.test");
    })
    .await;
}
