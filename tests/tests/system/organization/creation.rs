//! O1, O6, TEN-4: what is made at once is all there, and nobody makes themselves a plan.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Client, Request, TestApp, TestUser};

use crate::rig::{at_once, tally};

fn create(by: &Client, body: &Value) -> Request {
    by.post("/api/v1/org").json(body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eighty_organizations_made_by_four_at_once_all_survive() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let mut makers: Vec<TestUser> = Vec::new();
        for number in 0..4 {
            makers.push(app.user(&format!("maker{number}@x.test")).await);
        }
        let requests = (0..80).map(|number| {
            let base = if number % 2 == 0 { &app.base } else { &sibling.base };
            create(&Client::at(&makers[number % 4], base), &json!({ "name": format!("Org {number}") }))
        });
        let answers = at_once(requests).await;
        assert_eq!(tally(&answers), [(201, 80)]);
        let slugs: BTreeSet<String> =
            answers.iter().map(|answer| answer.json()["organization"]["slug"].to_string()).collect();
        assert_eq!(slugs.len(), 80);
        let mut names = BTreeSet::new();
        for maker in &makers {
            let mine = maker.get("/api/v1/org/my-orgs").await;
            assert_eq!(mine.header("x-total-count"), Some("20"));
            let mine = mine.expect(200);
            for org in mine.as_array().expect("organizations") {
                assert_eq!(
                    (&org["role"], &org["status"], &org["member_count"]),
                    (&json!("owner"), &json!("active"), &json!(1))
                );
                names.insert(org["name"].as_str().expect("a name").to_owned());
            }
        }
        assert_eq!(names.len(), 80);
        let all = app.admin().await.get("/api/v1/org/organizations?limit=200&search=Org").await.expect(200);
        assert_eq!(all["total"], 81, "and the default one");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn my_organizations_are_paged_in_a_stable_order() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let mut made = Vec::new();
        for number in 0..7 {
            made.push(ada.create_org(&format!("Org {number}")).await);
        }
        let page = async |query: &str| {
            let answer = ada.get(&format!("/api/v1/org/my-orgs{query}")).await;
            assert_eq!(answer.header("x-total-count"), Some("7"), "{query}");
            answer.expect(200).as_array().expect("a bare array").clone()
        };
        let ids =
            |rows: &[Value]| rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>();
        let all = page("").await;
        assert_eq!(ids(&all), made, "the one joined first first");
        assert_eq!(
            [
                ids(&page("?limit=3").await),
                ids(&page("?limit=3&offset=3").await),
                ids(&page("?limit=3&offset=6").await)
            ]
            .concat(),
            made
        );
        assert!(page("?offset=7").await.is_empty());
        for row in &all {
            let keys: BTreeSet<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
            let wanted =
                ["id", "name", "role", "plan_tier", "status", "member_count", "joined_at", "logo_url", "is_current"];
            assert!(wanted.iter().all(|key| keys.contains(key)), "{keys:?}");
            assert_eq!(row["is_current"], json!(row["id"] == json!(made[6])), "the session went to the last one");
        }
        for wrong in ["?limit=0", "?limit=201", "?limit=-1", "?limit=x", "?offset=-1", "?offset=99999999999"] {
            assert_eq!(ada.get(&format!("/api/v1/org/my-orgs{wrong}")).await.status, 422, "{wrong}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_organization_is_free_whatever_its_maker_writes() {
    TestApp::each_with(|config| { config.plans.default = "free".parse().expect("a plan"); config.rate_limit.enabled = false; }, |app| async move {
        let ada = app.user("ada@x.test").await;
        for (key, value) in [
            ("plan_tier", json!("enterprise")), ("plan", json!("enterprise")), ("tier", json!("enterprise")), ("seats", json!(1000)),
            ("role", json!("owner")), ("owner", json!("usr_01890a5d-ac96-774b-bcce-b302099a8057")), ("owner_id", json!(1)), ("id", json!("org_01890a5d-ac96-774b-bcce-b302099a8057")),
            ("status", json!("active")), ("stripe_customer_id", json!("cus_1")), ("lago_customer_id", json!("1")), ("limits", json!({})),
            ("api_calls_limit", json!(-1)), ("created_at", json!("2020-01-01T00:00:00Z")), ("settings", json!({})), ("is_admin", json!(true)),
        ] {
            let answer = create(&ada, &json!({ "name": "Acme", key: value })).await;
            let problem = answer.problem(422, "unknown_field");
            assert_eq!(problem["errors"][0]["pointer"], json!(format!("/{key}")));
        }
        assert_eq!(ada.get("/api/v1/org/my-orgs").await.header("x-total-count"), Some("0"));
        let made = create(&ada, &json!({ "name": "  Acme  ", "slug": "acme" })).await.expect(201);
        let org = &made["organization"];
        assert_eq!((&made["success"], &org["name"], &org["slug"], &org["plan_tier"], &org["status"], &org["role"]), (&json!(true), &json!("Acme"), &json!("acme"), &json!("free"), &json!("active"), &json!("owner")));
        create(&ada, &json!({ "name": "Other", "slug": "acme" })).await.problem(409, "slug_taken");
        // What a settings change names beside the settings changes nothing either.
        let path = format!("/api/v1/org/{}/settings", org["id"].as_str().expect("an id"));
        let sneaky = json!({ "plan_tier": "enterprise", "status": "suspended", "seats": 1000, "id": "org_x", "settings": { "plan_tier": "enterprise" } });
        let after = ada.put(&path).json(&sneaky).await.expect(200);
        assert_eq!((&after["plan_tier"], &after["status"], &after["id"]), (&json!("free"), &json!("active"), &org["id"]));
        let info = ada.get(&format!("/api/v1/org/{}", org["id"].as_str().expect("an id"))).await.expect(200);
        assert_eq!((&info["plan_tier"], &info["seats"]), (&json!("free"), &json!(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_slug_is_taken_once_of_thirty_two_at_once() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let answers =
            at_once((0..32).map(|number| create(&ada, &json!({ "name": format!("Acme {number}"), "slug": "acme" }))))
                .await;
        assert_eq!(tally(&answers), [(201, 1), (409, 31)]);
        assert_eq!(ada.get("/api/v1/org/my-orgs").await.header("x-total-count"), Some("1"));
        for (body, pointer) in [
            (json!({ "name": "" }), "/name"),
            (json!({ "name": "   " }), "/name"),
            (json!({ "name": "a".repeat(101) }), "/name"),
            (json!({ "name": "a\u{0}b" }), "/name"),
            (json!({ "name": 1 }), "/name"),
            (json!({ "name": null }), "/name"),
            (json!({}), "/name"),
            (json!({ "name": "a", "slug": "A" }), "/slug"),
            (json!({ "name": "a", "slug": "-a" }), "/slug"),
            (json!({ "name": "a", "slug": "a" }), "/slug"),
            (json!({ "name": "a", "slug": "a b" }), "/slug"),
            (json!({ "name": "a", "slug": "a".repeat(64) }), "/slug"),
        ] {
            let answer = create(&ada, &body).await;
            assert_eq!(answer.status, 422, "{body}: {}", answer.text());
            assert_eq!(answer.json()["errors"][0]["pointer"], json!(pointer), "{body}");
        }
        create(&ada, &json!({ "name": "ü".repeat(100) })).await.expect(201);
    })
    .await;
}
