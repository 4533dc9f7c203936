use std::time::Duration;

use serde_json::json;

use crate::routes::decision::stage::{Stage, Told, UPGRADE_URL, Who};

const ASKING: Who = Who::PlatformKey("entitlements:read act_as");

async fn ask(stage: &Stage, by: Who, what: &str) -> Told {
    let told = stage.call(by, &format!("GET /api/v1/tier-check/{what}"), None).await;
    let posted = stage.call(by, &format!("POST /api/v1/tier-check/{what}"), None).await;
    assert_eq!((told.status, &told.body["code"]), (posted.status, &posted.body["code"]), "either method: {what}");
    told
}

#[actix_web::test]
async fn a_plan_of_the_level_or_above_lets_through() {
    for (plan, what, required, passes) in [
        ("starter", "check?tier=free", "free", true),
        ("starter", "check?required_tier=starter", "starter", true),
        ("starter", "check?tier=professional", "professional", false),
        ("founders-friend", "check?tier=professional", "professional", true),
        ("professional", "check?tier=founders-friend", "founders-friend", true),
        ("enterprise", "check?tier=professional&required_tier=professional", "professional", true),
        ("free", "billing", "starter", false),
        ("trial", "billing", "starter", false),
        ("starter", "billing", "starter", true),
        ("free", "byok", "starter", false),
        ("starter", "byok", "starter", true),
        ("enterprise", "admin", "admin", false),
    ] {
        let stage = Stage::on(plan).await;
        let told = ask(&stage, Who::Owner, what).await;
        if passes {
            let headers = ["x-user-email", "x-user-tier", "x-tier-required"].map(|name| told.header(name));
            assert_eq!((told.status, headers), (200, [Some("ada@example.com"), Some(plan), Some(required)]), "{what}");
        } else {
            assert_eq!(told.code(), (403, "insufficient_tier"), "{plan}: {what}");
            assert_eq!((&told.body["current_tier"], &told.body["required_tier"]), (&json!(plan), &json!(required)));
            let url = if required == "admin" { json!(null) } else { json!(UPGRADE_URL) };
            assert_eq!((&told.body["upgrade_url"], told.header("x-user-email")), (&url, None), "{what}");
        }
    }
}

#[actix_web::test]
async fn the_platform_is_for_those_who_operate_it_whatever_their_plan() {
    let stage = Stage::on("free").await;
    stage.promote().await;
    let told = ask(&stage, Who::Owner, "admin").await;
    assert_eq!((told.status, told.header("x-tier-required")), (200, Some("admin")));
    assert_eq!(ask(&stage, Who::Owner, "billing").await.code(), (403, "insufficient_tier"));
}

#[actix_web::test]
async fn whoever_acts_in_no_organization_has_what_everybody_begins_with() {
    let stage = Stage::on("enterprise").await;
    let told = ask(&stage, Who::Homeless, "check?tier=free").await;
    assert_eq!((told.status, told.header("x-user-tier")), (200, Some("free")));
    assert_eq!(ask(&stage, Who::Homeless, "billing").await.code(), (403, "insufficient_tier"));
    assert_eq!(ask(&stage, Who::Owner, "billing").await.status, 200);
}

#[actix_web::test]
async fn nobody_goes_through_any_gate_in_an_organization_that_is_suspended() {
    let stage = Stage::on("enterprise").await;
    stage.promote().await;
    let gates = ["check?tier=free", "billing", "byok", "admin"];
    for gate in gates {
        assert_eq!(ask(&stage, Who::Owner, gate).await.status, 200, "{gate}");
    }
    stage.suspend().await;
    stage.clock.advance(Duration::from_mins(1));
    for gate in gates {
        assert_eq!(ask(&stage, Who::Owner, gate).await.code(), (403, "forbidden"), "{gate}");
    }
}

#[actix_web::test]
async fn a_service_asks_for_the_user_whom_it_names() {
    let stage = Stage::on("starter").await;
    let user = stage.owner.id;
    let told = ask(&stage, ASKING, &format!("check?tier=starter&user_id={user}")).await;
    assert_eq!((told.status, told.header("x-user-email")), (200, Some("ada@example.com")));
    assert_eq!(ask(&stage, ASKING, "check?tier=starter").await.body["errors"][0]["pointer"], "?user_id");
    let stranger = kernel::UserId::mint(&stage.ambient);
    assert_eq!(ask(&stage, ASKING, &format!("billing?user_id={stranger}")).await.code(), (404, "not_found"));
    let may_not = ask(&stage, Who::PlatformKey("entitlements:read"), &format!("billing?user_id={user}")).await;
    assert_eq!(may_not.code(), (403, "insufficient_scope"));
    // An organization's own key would make its members pass for themselves in every application behind the proxy.
    let own = Who::Key("entitlements:read act_as");
    for gate in ["admin", "billing", "check?tier=free"] {
        let mark = if gate.contains('?') { '&' } else { '?' };
        assert_eq!(ask(&stage, own, &format!("{gate}{mark}user_id={user}")).await.code(), (403, "forbidden"), "{gate}");
    }
    stage.clock.advance(Duration::from_mins(1));
    let other = ask(&stage, Who::Owner, &format!("billing?user_id={stranger}")).await;
    assert_eq!(other.code(), (403, "forbidden"), "people ask for themselves");
    assert_eq!(ask(&stage, Who::Owner, &format!("billing?user_id={user}&org_id={}", stage.org)).await.status, 200);
}

#[actix_web::test]
async fn a_service_asks_no_more_often_for_somebody_than_they_may_themselves() {
    let stage = Stage::on("starter").await;
    let path = format!("GET /api/v1/tier-check/check?tier=free&user_id={}", stage.owner.id);
    let mut told = Vec::new();
    for _ in 0..30 {
        told.push(stage.call(ASKING, &path, None).await);
    }
    let passed = told.iter().filter(|told| told.status == 200).count();
    assert_eq!(passed, 10, "what their plan gives, and not what the key has");
    let refused = told.last().unwrap();
    assert_eq!((refused.code(), refused.header("retry-after")), ((429, "rate_limited"), Some("6")));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"decision\";q=10;w=60"));
    assert_eq!(ask(&stage, Who::Owner, "check?tier=free").await.code(), (429, "rate_limited"), "it is their bucket");
    stage.clock.advance(Duration::from_secs(6));
    assert_eq!(stage.call(ASKING, &path, None).await.status, 200);
}

#[actix_web::test]
async fn what_cannot_be_answered_is_no_denial() {
    let stage = Stage::on("starter").await;
    assert_eq!(ask(&stage, Who::Nobody, "check?tier=starter").await.code(), (401, "unauthenticated"));
    for wrong in ["check", "check?tier=platinum", "check?tier=Starter", "check?tier=free&required_tier=starter"] {
        assert_eq!(ask(&stage, Who::Owner, wrong).await.code(), (422, "invalid_request"), "{wrong}");
    }
    stage.plans.break_down(true);
    assert_eq!(ask(&stage, Who::Owner, "billing").await.code(), (503, "unavailable"));
    let health = stage.call(Who::Nobody, "GET /api/v1/tier-check/health", None).await;
    assert_eq!((health.status, health.body), (200, json!({"status": "healthy", "service": "tier-check"})));
}
