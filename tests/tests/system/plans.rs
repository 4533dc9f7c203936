//! The catalogue, who edits it, and who is on which plan.

use std::time::Duration;

use plan_core::PlanPatch;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Client, TestApp};

use crate::rig::service::{Service, grant, patch};
use crate::rig::tables::trail;
use crate::rig::{at_once, tally, until};

const PLANS: &str = "/api/v1/subscriptions/plans";

/// A row of the contract's table: id, level, $/month, $/year, calls a month, a day, rate a minute, searches, seats, own keys, trial days.
type Row = (&'static str, u64, f64, f64, i64, i64, i64, i64, u64, bool, u64);

const TABLE: [Row; 6] = [
    ("free", 0, 0.0, 0.0, 1000, 33, 10, 1, 1, false, 0),
    ("trial", 1, 0.0, 0.0, 1000, 100, 10, 1, 1, false, 14),
    ("starter", 2, 19.0, 190.0, 1000, -1, 100, 3, 3, true, 0),
    ("professional", 3, 49.0, 490.0, 10_000, -1, 1000, 10, 5, true, 0),
    ("founders-friend", 3, 49.0, 490.0, 10_000, -1, 1000, 10, 5, true, 0),
    ("enterprise", 4, 99.0, 990.0, -1, -1, -1, -1, 10, true, 0),
];

/// The services that a plan opens, sorted.
fn opened(plan: &str) -> Vec<&'static str> {
    let mut open = vec!["chat", "ops-center"];
    if plan != "free" {
        open.push("search");
    }
    if ["professional", "founders-friend", "enterprise"].contains(&plan) {
        open.extend(["search-reranking", "tts", "stt", "billing", "litellm"]);
    }
    if plan == "enterprise" {
        open.extend(["bolt", "team-management", "sso", "audit-logs"]);
    }
    open.sort_unstable();
    open
}

fn free_config(app: testkit::Builder) -> testkit::Builder {
    app.config(|config| config.plans.default = "free".parse().expect("a plan's name"))
}

/// What a plan says of itself is its row of the table.
fn is_the_row(plan: &Value, row: &Row) {
    let (id, level, month, year, calls, daily, rate, searches, seats, own_keys, trial) = *row;
    let fields = [
        ("tier_code", json!(id)),
        ("plan_code", json!(id)),
        ("level", json!(level)),
        ("price_monthly", json!(month)),
        ("price_yearly", json!(year)),
        ("currency", json!("USD")),
        ("api_calls_limit", json!(calls)),
        ("daily_limit", json!(daily)),
        ("rate_limit", json!(rate)),
        ("concurrent_searches", json!(searches)),
        ("team_seats", json!(seats)),
        ("byok_enabled", json!(own_keys)),
        ("trial_days", json!(trial)),
        ("is_active", json!(true)),
        ("is_public", json!(id != "founders-friend")),
        ("version", json!(1)),
        ("services", json!(opened(id))),
    ];
    for (field, expected) in fields {
        assert_eq!(plan[field], expected, "{id}: {field}");
    }
    for (cents, amount) in [("price_monthly_cents", month), ("price_yearly_cents", year)] {
        assert_eq!(plan[cents].as_f64().map(|cents| cents / 100.0), Some(amount), "{id}: {cents}");
    }
}

fn by_id<'a>(list: &'a Value, id: &str) -> &'a Value {
    let plans = list["plans"].as_array().expect("plans");
    plans.iter().find(|plan| plan["id"] == id).unwrap_or_else(|| panic!("no plan {id}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_is_the_contracts_table() {
    TestApp::each(|app| async move {
        let stranger = app.visitor();
        let answer = stranger.get(PLANS).await;
        let public = answer.expect(200);
        let ids: Vec<&str> =
            public["plans"].as_array().expect("plans").iter().filter_map(|p| p["id"].as_str()).collect();
        assert_eq!(ids, ["free", "trial", "starter", "professional", "enterprise"]);
        assert_eq!(public["currency"], "USD");
        let admin = app.admin().await;
        let all = admin.get(PLANS).await.expect(200);
        assert_eq!(all["plans"].as_array().map(Vec::len), Some(TABLE.len()));
        for row in &TABLE {
            is_the_row(by_id(&all, row.0), row);
            let one = format!("{PLANS}/{}", row.0);
            if row.0 == "founders-friend" {
                stranger.get(&one).await.problem(404, "not_found");
            } else {
                let plan = stranger.get(&one).await.expect(200);
                is_the_row(&plan, row);
                assert!(plan.get("stripe_price_id").is_none(), "only administrators see what Stripe calls it");
            }
            assert!(admin.get(&one).await.expect(200).get("stripe_price_id").is_some());
        }
        stranger.get(&format!("{PLANS}/gold")).await.problem(404, "not_found");

        // The public catalogue may be kept a minute, and is asked after by its tag.
        assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
        let tag = answer.header("etag").expect("a tag").to_owned();
        let same = stranger.get(PLANS).header("If-None-Match", &tag).await;
        assert_eq!((same.status, same.body.len()), (304, 0));
        assert_eq!(admin.get(PLANS).await.header("cache-control"), Some("no-store"));
    })
    .await;
}

fn text_plan() -> Value {
    json!({
        "id": "team", "name": "Team", "level": 3, "price_monthly": 29.5, "api_calls_limit": 5000, "rate_limit": 300,
        "team_seats": 8, "services": ["chat", "search"], "stripe_price_id": "price_abc",
    })
}

fn change(admin: &Client, id: &str, body: &Value) -> testkit::Request {
    admin.put(&format!("{PLANS}/{id}")).json(body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administrators_edit_the_catalogue_and_nobody_overwrites_another() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let admin = app.admin().await;
        let made = admin.post(PLANS).json(&text_plan()).await.expect(201);
        let plan = &made["plan"];
        assert_eq!((&plan["version"], &plan["price_monthly_cents"]), (&json!(1), &json!(2950)));
        assert_eq!((&plan["price_yearly"], &plan["stripe_price_id"]), (&json!(354.0), &json!("price_abc")));
        admin.post(PLANS).json(&text_plan()).await.problem(409, "plan_exists");

        // One of those who read the same version writes.
        let edits = (0..8).map(|number| {
            let at = if number % 2 == 0 { &app.base } else { &sibling.base };
            change(&Client::at(&admin, at), "team", &json!({ "version": 1, "description": format!("by {number}") }))
        });
        let answers = at_once(edits).await;
        assert_eq!(tally(&answers), [(200, 1), (409, 7)]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "version_conflict");
        }
        change(&admin, "team", &json!({ "version": 1, "level": 4 })).await.problem(409, "version_conflict");
        let nested = json!({ "updates": { "version": 2, "level": 4 } });
        let nested = change(&admin, "team", &nested).await.expect(200);
        assert_eq!((&nested["plan"]["version"], &nested["plan"]["level"]), (&json!(3), &json!(4)));
        // A change is made of what is there, on whichever instance it was made.
        for (version, by) in [(3, admin.at(&sibling)), (4, admin.at(&app)), (5, admin.at(&sibling))] {
            let next = change(&by, "team", &json!({ "version": version, "level": version })).await.expect(200);
            assert_eq!(next["plan"]["version"], version + 1);
        }
        change(&admin, "gold", &json!({ "level": 4 })).await.problem(404, "not_found");

        // What no plan can be changes nothing.
        for (field, value, pointer) in [
            ("price_monthly", json!(-1.0), "/price_monthly"),
            ("price_monthly_cents", json!(-1), "/price_monthly_cents"),
            ("price_monthly", json!(1.005), "/price_monthly"),
            ("services", json!(["chat", "mind-reading"]), "/services"),
            ("stripe_price_id", json!("prod_123"), "/stripe_price_id"),
            ("api_calls_limit", json!(-2), "/api_calls_limit"),
            ("team_seats", json!(0), "/team_seats"),
            ("id", json!("other"), "/id"),
            ("colour", json!("red"), "/colour"),
        ] {
            let refused = change(&admin, "team", &json!({ field: value })).await.expect(422);
            let named = refused["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
            assert!(named.starts_with(pointer), "{field}: {refused}");
        }
        let now = admin.at(&sibling).get(&format!("{PLANS}/team")).await.expect(200);
        assert_eq!((&now["version"], &now["price_monthly"]), (&json!(6), &json!(29.5)));
        let there = async || app.visitor().get(&format!("{PLANS}/team")).await.json()["version"] == 6;
        until(Duration::from_secs(2), "the other instance knows", there).await;

        // Every change is in the trail, and no refusal.
        assert_eq!(trail(&app, "plan.created").await.len(), 1);
        assert_eq!(trail(&app, "plan.updated").await.len(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_in_use_stays_and_one_that_nobody_is_on_is_retired() {
    TestApp::each(|app| async move {
        let admin = app.admin().await;
        let ada = app.owner("ada@x.test", "Acme").await;
        admin.post(PLANS).json(&text_plan()).await.expect(201);
        let path = format!("{PLANS}/team");
        grant(&admin, "ada@x.test", "team").await;
        admin.delete(&path).await.problem(409, "plan_in_use");
        // The one that every organization begins with is always in use.
        admin.delete(&format!("{PLANS}/enterprise")).await.problem(409, "plan_in_use");
        app.visitor().get(&path).await.expect(200);

        grant(&admin, "ada@x.test", "starter").await;
        let retired = admin.delete(&path).await.expect(200);
        assert_eq!(retired["plan"]["is_active"], false, "{retired}");
        app.visitor().get(&path).await.problem(404, "not_found");
        ada.get(&path).await.problem(404, "not_found");
        admin.get(&path).await.expect(200);
        let refused = patch(&admin, "/api/v1/admin/subscriptions/ada@x.test", &json!({ "tier": "team" })).await;
        assert_eq!(refused.expect(422)["errors"][0]["pointer"], "/tier");
        // It can come back.
        change(&admin, "team", &json!({ "is_active": true })).await.expect(200);
        grant(&admin, "ada@x.test", "team").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_administrators_edit_plans_and_subscriptions() {
    let app = TestApp::new().await;
    let ada = app.owner("ada@x.test", "Acme").await;
    let subscription = "/api/v1/admin/subscriptions/ada@x.test";
    let requests = |by: &Client| {
        let team = format!("{PLANS}/starter");
        let by_it = [by.post(PLANS).json(&text_plan()), by.put(&team).json(&json!({ "level": 9 })), by.delete(&team)];
        let mut all = Vec::from(by_it);
        all.push(patch(by, subscription, &json!({ "tier": "enterprise" })));
        all
    };
    for answer in at_once(requests(&ada)).await {
        answer.problem(403, "forbidden");
    }
    for answer in at_once(requests(&app.visitor())).await {
        answer.problem(401, "unauthenticated");
    }
    assert_eq!(app.visitor().get(&format!("{PLANS}/starter")).await.expect(200)["version"], 1);
}

/// The plan that counts, as its people see it.
/// MET-9: a plan that is given goes on with the running month, the first time too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_of_the_month_counts_against_the_first_plan_that_is_given() {
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let app = free_config(TestApp::builder().backend(backend)).start().await;
        let patch = PlanPatch { rate_limit: Some(-1), daily_limit: Some(-1), ..PlanPatch::default() };
        app.change_plan("free", patch).await;
        let admin = app.admin().await;
        for (number, (given, limit)) in [("starter", json!(1000)), ("enterprise", json!(-1))].into_iter().enumerate() {
            let ada = app.user(&format!("ada{number}@x.test")).await;
            let org = ada.create_org(&format!("Acme {number}")).await;
            let service = Service::of(&ada, &org, &["usage:write"]).await;
            let track = async |quantity: u64| service.track(&json!({ "service": "chat", "quantity": quantity })).await;
            assert_eq!(track(600).await.expect(200)["used"], 600);
            let month = async || ada.get("/api/v1/usage/quota").await.expect(200)["monthly"]["period_end"].clone();
            let ends = month().await;
            app.clock.advance(Duration::from_secs(90));
            grant(&admin, &ada.email, given).await;
            let more = track(100).await.expect(200);
            assert_eq!((&more["used"], &more["limit"]), (&json!(700), &limit), "{given}");
            assert_eq!(month().await, ends, "{given}: the month goes on");
            // Below what was used there is nothing left, and no debt.
            app.change_plan("free", PlanPatch { api_calls_limit: Some(650), ..PlanPatch::default() }).await;
            grant(&admin, &ada.email, "free").await;
            let refused = track(1).await.problem(429, "quota_exceeded");
            let told = ["used", "limit", "remaining"].map(|field| &refused[field]);
            assert_eq!(json!(told), json!([700, 650, 0]), "{given}");
            app.change_plan("free", PlanPatch { api_calls_limit: Some(1000), ..PlanPatch::default() }).await;
        }
    }
}

async fn tier(by: &Client) -> Value {
    let access = by.get("/api/v1/subscriptions/my-access").await.expect(200);
    for alias in [&access["tier_code"], &access["plan_code"], &access["plan"]["id"]] {
        assert_eq!(alias, &access["tier"]);
    }
    access["tier"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_administrators_organization_is_on_enterprise_and_every_other_begins_free() {
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let app = free_config(TestApp::builder().backend(backend)).start().await;
        let admin = app.admin().await;
        assert_eq!(tier(&admin).await, "enterprise");
        let mine = admin.get("/api/v1/subscriptions/my-access").await.expect(200);
        assert_eq!((&mine["has_subscription"], &mine["usage"]["api_calls_limit"]), (&json!(true), &json!(-1)));
        let ada = app.owner("ada@x.test", "Acme").await;
        assert_eq!(tier(&ada).await, "free");
        assert_eq!(ada.get("/api/v1/subscriptions/current").await.expect(200)["tier"], "free");
        assert_eq!(ada.get("/api/v1/org/info").await.expect(200)["plan_tier"], "free");
        // Nobody gives themselves another one.
        let wanted = json!({ "name": "Big", "plan_tier": "enterprise" });
        ada.post("/api/v1/org").json(&wanted).await.expect(422);
        // A service that the plan does not open says which one does.
        let check = |service: &str| ada.post(&format!("/api/v1/subscriptions/check-access/{service}"));
        let closed = check("search").await.expect(200);
        assert_eq!((&closed["has_access"], &closed["current_plan"]), (&json!(false), &json!("free")), "{closed}");
        assert_eq!((&closed["upgrade_required"], &closed["required_plan"]), (&json!(true), &json!("starter")));
        assert_eq!(check("chat").await.expect(200)["has_access"], true);
        check("mind-reading").await.problem(404, "unknown_service");
        let refused: Answer = ada.get("/api/v1/check-tier?service=bolt").await;
        let body = refused.expect(403);
        assert_eq!((&body["error"], &body["current_tier"]), (&json!("Upgrade required"), &json!("free")), "{body}");
        assert_eq!((&body["required_tier"], &body["service"]), (&json!("enterprise"), &json!("bolt")));
        assert!(body["upgrade_url"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_moves_an_organization_at_once_and_the_trail_knows() {
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let app = free_config(TestApp::builder().backend(backend)).start().await;
        // Looking often is no matter of this test.
        app.change_plan("free", PlanPatch { rate_limit: Some(-1), ..PlanPatch::default() }).await;
        app.change_plan("trial", PlanPatch { rate_limit: Some(-1), ..PlanPatch::default() }).await;
        let sibling = app.sibling().await;
        let admin = app.admin().await;
        let ada = app.user("ada@x.test").await;
        let org = ada.create_org("Acme").await;
        let path = "/api/v1/admin/subscriptions/ada@x.test";
        let before = trail(&app, "subscription.changed").await.len();
        assert_eq!(tier(&ada.at(&sibling)).await, "free");

        let body = json!({ "tier": "professional", "notes": "agreed by mail" });
        let moved = patch(&admin, path, &body).await.expect(200);
        let told = ["success", "email", "tier", "status"].map(|field| &moved[field]);
        assert_eq!(json!(told), json!([true, "ada@x.test", "professional", "active"]));
        assert_eq!(tier(&ada).await, "professional");
        let known = async || tier(&ada.at(&sibling)).await == "professional";
        until(Duration::from_secs(2), "the other instance knows", known).await;
        ada.get("/api/v1/check-tier?service=litellm").await.expect(200);

        let changes = trail(&app, "subscription.changed").await;
        assert_eq!(changes.len(), before + 1);
        let [actor, resource, details] = changes.last().expect("a record");
        assert_eq!((actor.as_str(), resource), ("user", &org));
        for part in ["free", "professional", "agreed by mail"] {
            assert!(details.contains(part), "{part} in {details}");
        }

        // A state that does not grant leaves what every organization begins with.
        patch(&admin, path, &json!({ "status": "suspended" })).await.expect(200);
        assert_eq!(tier(&ada).await, "free");
        assert_eq!(ada.get("/api/v1/subscriptions/my-access").await.expect(200)["status"], "suspended");
        patch(&admin, path, &json!({ "status": "active" })).await.expect(200);
        assert_eq!(tier(&ada).await, "professional");

        // A trial ends by itself.
        let trial = patch(&admin, path, &json!({ "tier": "trial" })).await.expect(200);
        assert_eq!(trial["status"], "trialing");
        assert_eq!(tier(&ada).await, "trial");
        app.clock.advance(Duration::from_hours(14 * 24 + 1));
        ada.sign_in().await;
        assert_eq!(tier(&ada).await, "free");

        admin.sign_in().await;
        patch(&admin, "/api/v1/admin/subscriptions/nobody@x.test", &body).await.problem(404, "not_found");
        for (body, pointer) in [
            (json!({ "tier": "gold" }), "/tier"),
            (json!({ "status": "rich" }), "/status"),
            (json!({ "plan": "free" }), "/plan"),
        ] {
            assert_eq!(patch(&admin, path, &body).await.expect(422)["errors"][0]["pointer"], pointer);
        }
    }
}
