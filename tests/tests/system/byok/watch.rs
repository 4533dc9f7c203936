//! Keys are tested by themselves where the operator wants it, and the owners are told of one that its provider has begun to refuse.

use std::time::Duration;

use serde_json::json;
use testkit::{FakeProvider, Mail, ProviderAnswer, TestApp};

use super::{House, OPENAI, tells_nothing};
use crate::rig::party::add as join;
use crate::rig::tables::trail;
use crate::rig::until;

/// An hour later two instances look after the keys at the same moment, as they do when they start, until this is so.
async fn round(app: &TestApp, so: impl AsyncFn() -> bool) {
    app.clock.advance(Duration::from_secs(3601));
    let siblings = tokio::join!(app.sibling(), app.sibling());
    until(Duration::from_secs(10), "the keys were tested", so).await;
    let (one, other) = siblings;
    one.stop(true).await;
    other.stop(true).await;
}

fn warnings(app: &TestApp) -> Vec<Mail> {
    app.mails().into_iter().filter(|mail| mail.text.contains("OpenAI")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_are_told_once_of_a_key_that_is_refused() {
    let fake = &FakeProvider::start();
    let hourly = |config: &mut _| {
        fake.admit(config);
        config.byok.test_every_hours = 1;
    };
    TestApp::each_with(hourly, |app| async move {
        fake.answers(ProviderAnswer::status(200));
        let house = House::new(&app, "ada").await;
        let org = &house.org;
        house
            .owner
            .put(&format!("/api/v1/org/{org}/settings"))
            .json(&json!({ "autoAcceptMembers": true }))
            .await
            .expect(200);
        let member = app.user("member@x.test").await;
        join(&house.owner, org, &member, "member").await;
        house.add("openai", OPENAI).await;
        assert_eq!(house.test("openai").await.expect(200)["status"], "valid");
        let by_itself =
            async || trail(&app, "byok.key.tested").await.iter().filter(|[who, ..]| who == "system").count();
        assert_eq!((by_itself().await, warnings(&app).len()), (0, 0));

        // A provider that is busy says nothing against the key.
        fake.answers(ProviderAnswer::status(429));
        round(&app, async || by_itself().await == 1).await;
        assert_eq!(warnings(&app).len(), 0);

        fake.answers(ProviderAnswer::status(401));
        round(&app, async || warnings(&app).len() == 1).await;
        let [mail] = warnings(&app).try_into().expect("one mail");
        assert_eq!(mail.to, house.owner.email);
        tells_nothing(&mail.text, OPENAI);
        assert!(mail.text.contains("\u{201c}ada\u{201d}"), "the organization is named: {}", mail.text);
        // Their session did not last as long.
        house.owner.sign_in().await;
        assert_eq!(house.key("openai").await["status"], "rejected");

        // It is tested again, once, and nobody is told twice.
        round(&app, async || by_itself().await == 3).await;
        assert_eq!((by_itself().await, warnings(&app).len(), fake.take().len()), (3, 1, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_tested_by_itself_unless_the_operator_wants_it() {
    let fake = FakeProvider::start();
    let app = TestApp::builder().providers(&fake).start().await;
    let house = House::new(&app, "ada").await;
    house.add("openai", OPENAI).await;
    assert!(fake.requests().is_empty(), "storing a key asks nobody");
    assert_eq!(app.config.byok.test_every_hours, 0);
    house.test("openai").await.expect(200);
    assert_eq!(fake.requests().len(), 1);
}
