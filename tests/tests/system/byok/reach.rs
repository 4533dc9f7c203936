//! Who may: members see previews, whoever manages keys changes them, services with the scope are handed them, and another tenant's key
//! is a key that does not exist.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, FakeProvider, TestApp};

use super::{BYOK, House, KEYS, OPENAI, RESOLVE, add, adding, deleting, keys, resolving, tells_nothing, testing};
use crate::rig::party::add as join;
use crate::rig::service::Service;
use crate::rig::until;

const NO_ORG: &str = "org_01890a5d-ac96-774b-bcce-000000000001";

/// A refusal without what differs from one request to the next.
fn bare(answer: &Answer) -> (u16, Value) {
    let mut body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    body.as_object_mut().expect("an object").retain(|field, _| !["request_id", "instance"].contains(&field.as_str()));
    (answer.status, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_previews_and_only_who_manages_keys_changes_them() {
    let fake = &FakeProvider::start();
    TestApp::each_with(
        |config| fake.admit(config),
        |app| async move {
            let house = House::new(&app, "ada").await;
            let org = &house.org;
            house
                .owner
                .put(&format!("/api/v1/org/{org}/settings"))
                .json(&json!({ "autoAcceptMembers": true }))
                .await
                .expect(200);
            house.add("openai", OPENAI).await;
            for (role, may) in [("member", false), ("billing_admin", false), ("admin", true)] {
                let who = app.user(&format!("{role}@x.test")).await;
                join(&house.owner, org, &who, role).await;
                who.switch_org(org).await;
                let seen = keys(&who, org).await;
                assert_eq!((seen.len(), &seen[0]["key_preview"]), (1, &house.key("openai").await["key_preview"]));
                tells_nothing(&seen[0].to_string(), OPENAI);
                who.get(&format!("{BYOK}/providers")).await.expect(200);
                assert_eq!(who.get(&format!("{BYOK}/stats")).await.expect(200)["configured_providers"], 1);
                let body = json!({ "provider": "groq", "key": "gsk_7Qz4LmVx2Rt9Yc5Wb8Nd" });
                let tries = [
                    adding(&who, org, &body).await,
                    testing(&who, org, "openai").await,
                    deleting(&who, org, "groq").await,
                ];
                for answer in tries {
                    if may {
                        answer.expect(200);
                    } else {
                        answer.problem(403, "forbidden");
                    }
                }
            }
            assert_eq!(keys(&house.owner, org).await.len(), 1);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_key_is_one_that_does_not_exist() {
    let fake = FakeProvider::start();
    let app = TestApp::builder().providers(&fake).start().await;
    let (house, other) = (House::new(&app, "ada").await, House::new(&app, "bob").await);
    other.add("openai", OPENAI).await;
    for path in ["/keys", "/providers", "/stats"] {
        let ask = async |org: &str| house.owner.get(&format!("{BYOK}{path}?org_id={org}")).await;
        assert_eq!(bare(&ask(&other.org).await), bare(&ask(NO_ORG).await), "{path}");
        ask(&other.org).await.problem(404, "not_found");
    }
    let body = json!({ "provider": "openai", "key": OPENAI });
    for (theirs, nobodys) in [
        (adding(&house.owner, &other.org, &body), adding(&house.owner, NO_ORG, &body)),
        (testing(&house.owner, &other.org, "openai"), testing(&house.owner, NO_ORG, "openai")),
        (deleting(&house.owner, &other.org, "openai"), deleting(&house.owner, NO_ORG, "openai")),
        (resolving(&house.service, &other.org, "openai"), resolving(&house.service, NO_ORG, "openai")),
        // Neither by a key that the organization does not have.
        (resolving(&house.service, &other.org, "openai"), house.resolve("openai")),
        (resolving(&house.service, &other.org, "openai"), house.resolve("nosuchprovider")),
    ] {
        let (theirs, nobodys) = (theirs.await, nobodys.await);
        theirs.problem(404, "not_found");
        assert_eq!(bare(&theirs), bare(&nobodys), "{} and {}", theirs.of, nobodys.of);
        tells_nothing(&theirs.text(), OPENAI);
    }
    assert!(fake.requests().is_empty());
    assert_eq!(other.resolve("openai").await.expect(200)["key"], OPENAI);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_handed_to_services_with_the_scope_and_to_nobody_else() {
    TestApp::each(|app| async move {
        let admin = app.admin().await;
        let house = House::new(&app, "ada").await;
        house.add("openai", OPENAI).await;
        assert_eq!(house.resolve("openai").await.expect(200)["key"], OPENAI);
        let ask = |service: &Service| resolving(service, &house.org, "openai");

        let home = admin.me().await["org_id"].as_str().expect("an id").to_owned();
        let body = json!({ "name": "gateway", "scopes": ["byok:resolve"], "platform": true });
        let platform = Service::made(&admin, &home, &body).await;
        assert_eq!(ask(&platform).await.expect(200)["key"], OPENAI);
        let elsewhere = Service::of(&admin, &home, &["byok:resolve"]).await;
        ask(&elsewhere).await.problem(404, "not_found");

        for scope in ["usage:write", "entitlements:read", "act_as"] {
            let lacking = Service::of(&house.owner, &house.org, &[scope]).await;
            let refused = ask(&lacking).await;
            refused.problem(403, "insufficient_scope");
            tells_nothing(&refused.text(), OPENAI);
        }
        // People have their keys already; no session is handed one, whoever's it is.
        let named = json!({ "org_id": house.org, "provider": "openai" });
        for person in [&house.owner, &admin] {
            let refused = person.post(RESOLVE).json(&named).await;
            refused.problem(403, "api_key_required");
            tells_nothing(&refused.text(), OPENAI);
        }
        app.visitor().post(RESOLVE).json(&named).await.problem(401, "unauthenticated");
        house.owner.delete(&format!("/api/v1/api-keys/{}?org_id={}", house.service.id, house.org)).await.expect(200);
        let dead = async || house.resolve("openai").await.status == 401;
        until(Duration::from_secs(1), "a revoked key is handed nothing", dead).await;
    })
    .await;
}

/// What is not a resolution is not answered with a key: wrong bodies, wrong methods, the key in a query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resolving_takes_exactly_its_body() {
    let app = TestApp::new().await;
    let house = House::new(&app, "ada").await;
    house.add("openai", OPENAI).await;
    for (body, pointer) in [
        (json!({ "org_id": house.org }), "/provider"),
        (json!({ "org_id": house.org, "provider": 7 }), "/provider"),
        (json!({ "org_id": house.org, "provider": "../openai" }), "/provider"),
        (json!({ "org_id": house.org, "provider": "openai", "user_id": "me" }), "/user_id"),
    ] {
        let refused = house.service.post(RESOLVE).json(&body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    let nobodys = json!({ "org_id": "acme", "provider": "openai" });
    house.service.post(RESOLVE).json(&nobodys).await.problem(404, "not_found");
    assert_eq!(house.service.get(&format!("{RESOLVE}?provider=openai")).await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_organization_is_handed_nothing_within_a_second() {
    TestApp::each(|app| async move {
        let admin = app.admin().await;
        let house = House::new(&app, "ada").await;
        house.add("openai", OPENAI).await;
        let home = admin.me().await["org_id"].as_str().expect("an id").to_owned();
        let body = json!({ "name": "gateway", "scopes": ["byok:resolve"], "platform": true });
        let platform = Service::made(&admin, &home, &body).await;
        resolving(&platform, &house.org, "openai").await.expect(200);
        house.resolve("openai").await.expect(200);
        let status = json!({ "status": "suspended" });
        admin.put(&format!("/api/v1/org/{}/status", house.org)).json(&status).await.expect(200);
        let stopped = async || {
            let (own, platforms) = (house.resolve("openai").await, resolving(&platform, &house.org, "openai").await);
            own.status >= 400 && platforms.status == 404
        };
        until(Duration::from_secs(1), "nothing is handed out any more", stopped).await;
    })
    .await;
}

/// Ten people store a key at the same moment: one of them is the last, and the key is that one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_keys_stored_at_once_one_is_kept() {
    TestApp::each(|app| async move {
        let house = House::new(&app, "ada").await;
        let sibling = app.sibling().await;
        let all: Vec<String> = (0..10).map(|n| format!("sk-proj-race{n}race{n}race{n}race{n}race{n}")).collect();
        let request = |(n, key): (usize, &String)| {
            let at = if n % 2 == 0 { &app } else { &sibling };
            adding(&house.owner.at(at), &house.org, &json!({ "provider": "openai", "key": key }))
        };
        let answers = crate::rig::at_once(all.iter().enumerate().map(request)).await;
        let kept = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(kept >= 1, "{:?}", crate::rig::tally(&answers));
        assert!(answers.iter().all(|answer| [200, 503].contains(&answer.status)), "{:?}", crate::rig::tally(&answers));
        let listed = house.owner.get(&format!("{KEYS}?org_id={}", house.org)).await.expect(200);
        assert_eq!(listed.as_array().map(Vec::len), Some(1));
        let handed = house.resolve("openai").await.expect(200)["key"].as_str().expect("a key").to_owned();
        assert!(all.contains(&handed));
        let there = house.service.at(&sibling.base);
        let settled = async || resolving(&there, &house.org, "openai").await.expect(200)["key"] == json!(handed);
        until(Duration::from_secs(1), "both instances have the same one", settled).await;
        add(&house.owner, &house.org, "openai", OPENAI).await;
        assert_eq!(house.resolve("openai").await.expect(200)["key"], OPENAI);
    })
    .await;
}
