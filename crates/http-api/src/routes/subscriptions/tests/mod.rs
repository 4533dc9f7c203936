//! Plans, tiers and subscriptions together, over stores in memory.

pub(in crate::routes) mod stage;

use std::time::Duration;

use auth_core::Scope;
use kernel::PlatformRole;
use serde_json::{Value, json};

use self::stage::{Stage, UPGRADE_URL};

const DAY: Duration = Duration::from_hours(24);

/// What each member of a list has under this name.
fn column(list: &Value, name: &str) -> Vec<String> {
    let cell = |row: &Value| row[name].as_str().unwrap_or_default().to_owned();
    list.as_array().unwrap().iter().map(cell).collect()
}

async fn set(stage: &Stage, body: Value) -> stage::Told {
    stage.ask("root", "PATCH /admin/subscriptions/ada@example.com", Some(body)).await
}

async fn with_admin() -> Stage {
    let stage = Stage::new();
    stage.person("root", PlatformRole::Admin).await;
    stage
}

#[actix_web::test]
async fn strangers_see_what_is_public_and_may_keep_it() {
    let stage = with_admin().await;
    stage.owner("ada").await;
    let plans = stage.get("", "/subscriptions/plans").await;
    let public = ["free", "trial", "starter", "professional", "enterprise"];
    assert_eq!(column(&plans.body["plans"], "id"), public);
    assert_eq!(plans.header("Cache-Control"), "public, max-age=60");
    let starter = &plans.body["plans"][2];
    assert_eq!((&starter["price_monthly"], &starter["price_monthly_cents"]), (&json!(19.0), &json!(1900)));
    assert_eq!((&starter["daily_limit"], starter.get("stripe_price_id")), (&json!(-1), None));
    let tag = plans.header("ETag");
    for tags in [tag, &format!("\"other\", W/{tag}"), "*"] {
        let again = stage.ask_with("", "GET /subscriptions/plans", None, ("If-None-Match", tags)).await;
        assert_eq!((again.status, &again.body, again.header("ETag")), (304, &Value::Null, plans.header("ETag")));
    }
    let other = stage.ask_with("", "GET /subscriptions/plans", None, ("If-None-Match", "\"other\"")).await;
    assert_eq!(other.status, 200);
    assert_eq!(stage.get("", "/subscriptions/plans/starter").await.body["tier_code"], "starter");
    for hidden in ["founders-friend", "nothing", "No!"] {
        assert_eq!(stage.get("", &format!("/subscriptions/plans/{hidden}")).await.code(), (404, "not_found"));
    }

    let all = stage.get("root", "/subscriptions/plans").await;
    assert_eq!(
        (all.body["plans"].as_array().unwrap().len(), all.header("ETag")),
        (6, ""),
        "what is not for all has no tag"
    );
    assert_eq!(all.body["plans"][2].get("stripe_price_id"), Some(&Value::Null));
    assert_ne!(all.header("Cache-Control"), "public, max-age=60");

    // Whoever is on a plan that is not public sees it, and nobody else does.
    assert_eq!(set(&stage, json!({"tier": "founders-friend"})).await.status, 200);
    assert!(
        column(&stage.get("ada", "/subscriptions/plans").await.body["plans"], "id").contains(&"founders-friend".into())
    );
    assert_eq!(stage.get("ada", "/services/access-matrix?user_tier=founders-friend").await.status, 200);
    assert_eq!(stage.get("", "/services/access-matrix?user_tier=founders-friend").await.code(), (404, "not_found"));
}

#[actix_web::test]
async fn plans_are_made_changed_and_retired_by_administrators() {
    let stage = with_admin().await;
    stage.owner("ada").await;
    let team = json!({"plan": {"id": "team", "name": "Team", "price_monthly": 29, "api_calls_limit": 5000, "services": ["chat"]}});
    assert_eq!(stage.ask("", "POST /subscriptions/plans", None).await.code(), (401, "unauthenticated"));
    assert_eq!(stage.ask("ada", "POST /subscriptions/plans", Some(team.clone())).await.code(), (403, "forbidden"));
    let made = stage.ask("root", "POST /subscriptions/plans", Some(team.clone())).await;
    assert_eq!((made.status, &made.body["success"], &made.body["plan"]["version"]), (201, &json!(true), &json!(1)));
    assert_eq!(stage.ask("root", "POST /subscriptions/plans", Some(team)).await.code(), (409, "plan_exists"));

    let change = |version: u32, level: i64| Some(json!({"updates": {"level": level}, "version": version}));
    let changed = stage.ask("root", "PUT /subscriptions/plans/team", change(1, 3)).await;
    assert_eq!(
        (changed.status, &changed.body["plan"]["level"], &changed.body["plan"]["version"]),
        (200, &json!(3), &json!(2))
    );
    let late = stage.ask("root", "PUT /subscriptions/plans/team", change(1, 4)).await;
    assert_eq!(late.code(), (409, "version_conflict"));
    let wrong = stage.ask("root", "PUT /subscriptions/plans/team", change(2, 999)).await;
    assert_eq!(wrong.pointer(), (422, "/updates/level"));
    assert_eq!(stage.ask("root", "PUT /subscriptions/plans/nothing", change(1, 1)).await.code(), (404, "not_found"));

    assert_eq!(set(&stage, json!({"tier": "team"})).await.status, 200);
    assert_eq!(stage.ask("root", "DELETE /subscriptions/plans/team", None).await.code(), (409, "plan_in_use"));
    assert_eq!(set(&stage, json!({"tier": "free"})).await.status, 200);
    let retired = stage.ask("root", "DELETE /subscriptions/plans/team", None).await;
    assert_eq!((retired.status, &retired.body["plan"]["is_active"]), (200, &json!(false)));
    assert_eq!(stage.get("ada", "/subscriptions/plans/team").await.status, 404);
    assert_eq!(
        set(&stage, json!({"tier": "team"})).await.pointer(),
        (422, "/tier"),
        "nobody is moved onto it any more"
    );
}

#[actix_web::test]
async fn access_is_that_of_the_plan_that_counts() {
    let stage = with_admin().await;
    let org = stage.owner("ada").await;
    stage.spend(org, 7).await;
    let mine = stage.get("ada", "/subscriptions/my-access").await.body;
    assert_eq!(mine, stage.get("ada", "/subscriptions/current").await.body);
    assert_eq!(
        (&mine["has_subscription"], &mine["tier"], &mine["plan"]["id"]),
        (&json!(false), &json!("free"), &json!("free"))
    );
    assert_eq!((&mine["usage"]["api_calls_used"], &mine["usage"]["api_calls_limit"]), (&json!(7), &json!(1000)));
    assert_eq!(column(&mine["services"], "service"), ["chat", "ops-center"]);
    assert_eq!(mine["user"], json!({"role": "user", "subscription_tier": "free", "is_admin": false}));

    let no = stage.ask("ada", "POST /subscriptions/check-access/search", None).await;
    let expected = json!({
        "has_access": false, "current_plan": "free", "upgrade_required": true, "required_plan": "starter",
        "upgrade_url": UPGRADE_URL, "message": "the plan FREE does not open this service; STARTER does",
    });
    assert_eq!((no.status, no.body), (200, expected));
    for unknown in ["nothing", "No!"] {
        let told = stage.ask("ada", &format!("POST /subscriptions/check-access/{unknown}"), Some(json!({}))).await;
        assert_eq!(told.code(), (404, "unknown_service"));
    }
    assert_eq!(set(&stage, json!({"tier": "trial"})).await.body["status"], "trialing");
    let yes = stage.ask("ada", "POST /subscriptions/check-access/search", Some(json!({}))).await;
    assert_eq!((yes.status, yes.body), (200, json!({"has_access": true, "current_plan": "trial"})));
    stage.clock.advance(14 * DAY);
    let over = stage.get("ada", "/subscriptions/my-access").await.body;
    let expected = (&json!(false), &json!("free"), &json!("canceled"));
    assert_eq!((&over["has_subscription"], &over["tier"], &over["status"]), expected);

    let seen = stage.get("ada", "/subscriptions/services").await.body;
    let open = seen["services"].as_array().unwrap().iter().filter(|row| row["has_access"] == json!(true)).count();
    assert_eq!((seen["services"].as_array().unwrap().len(), open), (12, 2));
    let stranger = stage.get("", "/subscriptions/services").await;
    assert_eq!(
        (stranger.body["services"][3]["has_access"].clone(), stranger.header("Cache-Control")),
        (json!(false), "public, max-age=60")
    );
    let opens = json!(["trial", "starter", "professional", "enterprise"]);
    assert_eq!(stranger.body["services"][6]["required_plans"], opens, "{:?}", stranger.body["services"][6]);
}

#[actix_web::test]
async fn administrators_see_why_a_user_has_access() {
    let stage = with_admin().await;
    let org = stage.owner("ada").await;
    let bob = stage.person("bob", PlatformRole::User).await;
    let ada = stage.get("ada", "/user/tier").await.body["user_id"].as_str().unwrap().to_owned();
    assert_eq!(set(&stage, json!({"tier": "starter", "status": "suspended"})).await.status, 200);
    stage.spend(org, 1000).await;
    let path = format!("/subscriptions/admin/user-access/{ada}");
    assert_eq!(stage.get("ada", &path).await.code(), (403, "forbidden"));
    let seen = stage.get("root", &path).await.body;
    assert_eq!(
        (&seen["tier"], &seen["status"], &seen["has_subscription"]),
        (&json!("free"), &json!("suspended"), &json!(true))
    );
    let trace = seen["decision_trace"].as_array().unwrap();
    let refused: Vec<_> = trace.iter().filter(|step| step["ok"] == json!(false)).map(|step| &step["check"]).collect();
    assert_eq!((trace[0]["check"].clone(), trace.len(), refused.len()), (json!("subscription"), 15, 12));
    assert_eq!((refused[0], refused[11]), (&json!("subscription"), &json!("org_quota")));
    for nobody in [bob.to_string(), "usr_01890a5d-ac96-774b-bcce-b302099a8057".to_owned(), "x".to_owned()] {
        let told = stage.get("root", &format!("/subscriptions/admin/user-access/{nobody}")).await;
        assert_eq!(told.code(), (404, "not_found"), "{nobody}");
    }
}

#[actix_web::test]
async fn tiers_are_told_to_strangers_people_and_services() {
    let stage = with_admin().await;
    let org = stage.owner("ada").await;
    stage.service("gateway", org, &[Scope::EntitlementsRead], false);
    stage.service("meter", org, &[Scope::UsageWrite], false);
    let matrix = stage.get("", "/services/access-matrix").await.body;
    let search = &matrix["services"]["search"];
    assert_eq!(
        (&matrix["user_tier"], &matrix["rate_limit"], &search["has_access"]),
        (&json!("free"), &json!(10), &json!(false))
    );
    assert_eq!(
        (&search["min_tier"], &search["upgrade_tier"], &search["requires_upgrade"]),
        (&json!("trial"), &json!("starter"), &json!(true))
    );
    assert_eq!(matrix["services"]["chat"]["upgrade_tier"], Value::Null);
    let top = stage.get("", "/services/access-matrix?user_tier=enterprise").await.body;
    assert_eq!(
        (&top["rate_limit"], &top["concurrent_searches"], &top["tier_level"]),
        (&json!(-1), &json!(-1), &json!(4))
    );
    assert_eq!(stage.get("", "/services/access-matrix?user_tier=gold").await.code(), (404, "not_found"));
    let info = stage.get("", "/tiers/info").await;
    assert_eq!((column(&info.body["tiers"], "name").len(), &info.body["tiers"][2]["price"]), (5, &json!(19.0)));
    assert_eq!(info.header("Cache-Control"), "public, max-age=60");
    assert_eq!(column(&stage.get("", "/tiers/features").await.body, "tier_code").len(), 5);

    stage.spend(org, 3).await;
    let tier = stage.get("ada", "/user/tier").await;
    assert_eq!(
        (&tier.body["email"], &tier.body["services_available"]),
        (&json!("ada@example.com"), &json!(["chat", "ops-center"]))
    );
    let told = ["X-Tier", "X-Tier-Status", "X-API-Calls-Used", "X-API-Calls-Limit", "X-API-Calls-Remaining"];
    assert_eq!(told.map(|name| tier.header(name)), ["free", "active", "3", "1000", "997"]);
    let for_nobody = stage.get("gateway", "/user/tier").await.body;
    assert_eq!((&for_nobody["user_id"], &for_nobody["subscription_tier"]), (&Value::Null, &json!("free")));
    assert_eq!(stage.get("", "/user/tier").await.code(), (401, "unauthenticated"));
    assert_eq!(stage.get("meter", "/user/tier").await.code(), (403, "insufficient_scope"));

    for name in ["ada", "gateway"] {
        let yes = stage.get(name, "/check-tier?service=chat").await;
        assert_eq!((yes.status, &yes.body["access"], yes.header("X-Tier")), (200, &json!("granted"), "free"));
        let no = stage.get(name, "/check-tier?service=search").await;
        assert_eq!((no.code(), &no.body["error"]), ((403, "upgrade_required"), &json!("Upgrade required")));
        let told =
            ["current_tier", "required_tier", "service", "upgrade_url"].map(|name| no.body[name].as_str().unwrap());
        assert_eq!(told, ["free", "starter", "search", UPGRADE_URL]);
        assert_eq!(stage.get(name, "/check-tier?service=nothing").await.code(), (404, "unknown_service"));
        assert_eq!(stage.get(name, "/check-tier").await.pointer(), (422, "?service"));
    }
}

#[actix_web::test]
async fn administrators_move_an_owners_organization() {
    let stage = with_admin().await;
    stage.owner("ada").await;
    stage.owner("plus+tag").await;
    let moved = set(&stage, json!({"tier": "professional", "notes": "agreed"})).await;
    let expected = (&json!(true), &json!("ada@example.com"), &json!("professional"), &json!("active"));
    assert_eq!((&moved.body["success"], &moved.body["email"], &moved.body["tier"], &moved.body["status"]), expected);
    assert!(moved.body["message"].as_str().unwrap().contains("ada@example.com"), "{moved:?}");
    assert_eq!(stage.get("ada", "/subscriptions/my-access").await.body["tier"], "professional");
    for (body, pointer) in [
        (json!({"tier": "nothing"}), "/tier"),
        (json!({"tier": "No!"}), "/tier"),
        (json!({"status": "ACTIVE"}), "/status"),
        (json!({"status": "trialing"}), "/status"),
        (json!({"notes": "n\u{0}"}), "/notes"),
        (json!({"plan": "starter"}), "/plan"),
    ] {
        assert_eq!(set(&stage, body.clone()).await.pointer(), (422, pointer), "{body}");
    }
    for address in ["plus+tag@example.com", "plus%2Btag%40example.com", "PLUS%2btag@EXAMPLE.com"] {
        let told = stage.ask("root", &format!("PATCH /admin/subscriptions/{address}"), Some(json!({}))).await;
        assert_eq!((told.status, &told.body["tier"]), (200, &json!("free")), "{address}");
    }
    for nobody in ["bob@example.com", "root@example.com", "nobody", "%00", "%FF"] {
        let told = stage.ask("root", &format!("PATCH /admin/subscriptions/{nobody}"), Some(json!({}))).await;
        assert_eq!(told.code(), (404, "not_found"), "{nobody}");
    }
    let body = Some(json!({"tier": "enterprise"}));
    assert_eq!(stage.ask("ada", "PATCH /admin/subscriptions/ada@example.com", body).await.code(), (403, "forbidden"));
}
