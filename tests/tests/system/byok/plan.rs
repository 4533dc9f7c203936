//! Keys of one's own are a matter of the plan: for storing, testing and handing out; seeing and deleting them never is. A good key says who
//! pays.

use std::time::Duration;

use plan_core::PlanPatch;
use serde_json::{Value, json};
use testkit::{Client, FakeProvider, ProviderAnswer, TestApp};

use super::{BYOK, House, OPENAI, adding, keys};
use crate::rig::service::grant;
use crate::rig::until;

/// Who pays for a call of the service.
async fn pays(house: &House, service: &str) -> Value {
    let decided = house.service.post("/api/v1/decide").json(&json!({ "service": service })).await.expect(200);
    assert_eq!(decided["allow"], true, "{decided}");
    decided["pays"].clone()
}

/// Within a second: what is decided may be as old.
async fn will_pay(house: &House, service: &str, who: &str) {
    let settled = async || pays(house, service).await == who;
    until(Duration::from_secs(2), &format!("{who} pays for {service}"), settled).await;
}

async fn refused(house: &House, request: testkit::Request) {
    let refused = request.await;
    let problem = refused.problem(403, "upgrade_required");
    assert!(problem["upgrade_url"].as_str().is_some_and(|url| !url.is_empty()), "{problem}");
    assert_eq!(problem["current_tier"], "free", "{}: {problem}", house.org);
}

async fn on_plan(admin: &Client, house: &House, tier: &str) {
    grant(admin, &house.owner.email, tier).await;
    let there = async || {
        let stats = house.owner.get(&format!("{BYOK}/stats?org_id={}", house.org)).await.expect(200);
        stats["user_tier"] == tier
    };
    until(Duration::from_secs(2), &format!("the plan is {tier}"), there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_without_keys_keeps_them_and_uses_none() {
    let fake = &FakeProvider::start();
    let free = |config: &mut _| {
        fake.admit(config);
        config.plans.default = "free".parse().expect("a plan's name");
    };
    TestApp::each_with(free, |app| async move {
        for plan in ["free", "starter"] {
            app.change_plan(plan, PlanPatch { rate_limit: Some(-1), ..PlanPatch::default() }).await;
        }
        let admin = app.admin().await;
        let house = House::new(&app, "ada").await;
        let body = json!({ "provider": "openai", "key": OPENAI });
        refused(&house, adding(&house.owner, &house.org, &body)).await;
        // Before anybody reads what was sent.
        refused(&house, adding(&house.owner, &house.org, &json!({ "provider": "openai", "key": "short" }))).await;
        refused(&house, adding(&house.owner, &house.org, &json!({ "nothing": true }))).await;
        assert!(keys(&house.owner, &house.org).await.is_empty());
        let providers = house.owner.get(&format!("{BYOK}/providers?org_id={}", house.org)).await.expect(200);
        assert_eq!(providers.as_array().map(Vec::len), Some(15));
        assert_eq!(providers[0]["tier_required"], "starter");
        refused(&house, house.resolve("openai")).await;

        on_plan(&admin, &house, "starter").await;
        house.add("openai", OPENAI).await;
        house.add("groq", "gsk_7Qz4LmVx2Rt9Yc5Wb8Nd").await;
        assert_eq!(house.test("openai").await.expect(200)["status"], "valid");
        house.resolve("openai").await.expect(200);

        on_plan(&admin, &house, "free").await;
        assert_eq!(house.key("openai").await["status"], "disabled");
        refused(&house, house.test("openai")).await;
        refused(&house, house.resolve("openai")).await;
        refused(&house, adding(&house.owner, &house.org, &body)).await;
        will_pay(&house, "chat", "platform").await;
        house.delete("groq").await.expect(200);
        assert_eq!(keys(&house.owner, &house.org).await.len(), 1);

        // It was kept for when it can be used again.
        on_plan(&admin, &house, "starter").await;
        assert_eq!(house.key("openai").await["status"], "active");
        assert_eq!(house.resolve("openai").await.expect(200)["key"], OPENAI);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_good_key_for_a_service_pays_for_it() {
    let fake = &FakeProvider::start();
    TestApp::each_with(
        |config| fake.admit(config),
        |app| async move {
            let house = House::new(&app, "ada").await;
            for service in ["chat", "search-reranking", "stt"] {
                assert_eq!(pays(&house, service).await, "platform", "{service}");
            }
            // Cohere is for chat and search-reranking, and not for stt.
            house.add("cohere", "canary4Qz4LmVx2Rt9Yc5Wb8Nd").await;
            will_pay(&house, "chat", "byok").await;
            will_pay(&house, "search-reranking", "byok").await;
            assert_eq!(pays(&house, "stt").await, "platform");
            let decided = house.service.post("/api/v1/decide").json(&json!({ "service": "chat" })).await.expect(200);
            let steps: Vec<&str> =
                decided["steps"].as_array().expect("steps").iter().filter_map(|step| step["check"].as_str()).collect();
            assert!(steps.contains(&"byok"), "{decided}");

            fake.answers_next([ProviderAnswer::status(401)]);
            assert_eq!(house.test("cohere").await.expect(200)["status"], "invalid");
            will_pay(&house, "chat", "platform").await;
            house.add("openai", OPENAI).await;
            will_pay(&house, "chat", "byok").await;
            will_pay(&house, "search-reranking", "platform").await;
            house.delete("openai").await.expect(200);
            will_pay(&house, "chat", "platform").await;
        },
    )
    .await;
}
