use std::time::Duration;

use chrono::TimeDelta;
use kernel::{ReservationId, UserId};
use plan_core::Check;
use serde_json::{Value, json};
use usage_core::testing::World as _;
use usage_core::{Hold, Quantity};

use super::stage::{Stage, Told, UPGRADE_URL, Who};
use crate::wire::time;

const READ: Who = Who::Key("entitlements:read");
const BOTH: Who = Who::Key("usage:write entitlements:read");
const ACTING: Who = Who::Key("usage:write entitlements:read act_as");

async fn decide(stage: &Stage, by: Who, body: Value) -> Told {
    stage.call(by, "POST /api/v1/decide", Some(body)).await
}

/// What was decided, `allow` and `reason`, and the checks that were made; fails unless there is a verdict.
fn verdict(told: &Told) -> (bool, &str, Vec<&str>) {
    assert_eq!(told.status, 200, "{told:?}");
    let checks = told.body["steps"].as_array().unwrap().iter().map(|step| step["check"].as_str().unwrap());
    (told.body["allow"].as_bool().unwrap(), told.body["reason"].as_str().unwrap(), checks.collect())
}

/// Holds a quantity; the path of the reservation.
async fn hold(stage: &Stage, quantity: u64) -> String {
    let told = decide(stage, BOTH, json!({"service": "chat", "quantity": quantity, "reserve": true})).await;
    assert!(verdict(&told).0, "{told:?}");
    format!("/api/v1/usage/reservations/{}", told.body["reservation_id"].as_str().unwrap())
}

async fn settle(stage: &Stage, by: Who, reservation: &str, quantity: u64) -> Told {
    stage.call(by, &format!("POST {reservation}/settle"), Some(json!({"quantity": quantity}))).await
}

#[actix_web::test]
async fn a_call_that_fits_is_allowed_and_nothing_is_held() {
    let stage = Stage::on("starter").await;
    let told = decide(&stage, READ, json!({"service": "search", "quantity": 7})).await;
    let checks: Vec<&str> = Check::ALL.iter().map(|check| check.as_str()).collect();
    assert_eq!(verdict(&told), (true, "allowed", checks));
    assert_eq!((told.header("x-tier"), told.header("x-api-calls-remaining")), (Some("starter"), Some("993")));
    assert_eq!(told.header("ratelimit-policy"), Some("\"decision\";q=10;w=60"), "a bucket of its own");
    let expected = json!({
        "allow": true, "reason": "allowed", "steps": told.body["steps"], "tier": "starter", "remaining": 993,
        "pays": "platform", "reservation_id": null, "reservation_expires_at": null, "retry_at": null,
    });
    assert_eq!(told.body, expected);
    assert_eq!(stage.usage.open_reservations(), 0);
    let endless = Stage::on("enterprise").await;
    let told = decide(&endless, Who::Owner, json!({"service": "bolt", "ttl_s": 5})).await;
    assert_eq!((verdict(&told).0, &told.body["remaining"]), (true, &Value::Null));
    assert_eq!(told.header("x-api-calls-remaining"), Some("-1"));
}

#[actix_web::test]
async fn a_refusal_is_an_answer_too() {
    let stage = Stage::on("starter").await;
    let told = decide(&stage, READ, json!({"service": "bolt"})).await;
    assert_eq!(verdict(&told), (false, "upgrade_required", vec!["entitlement"]));
    assert_eq!(told.gauge(), ["starter", "active", "0", "1000", "1000"]);

    let told = decide(&stage, READ, json!({"service": "chat", "quantity": 1001})).await;
    assert_eq!(verdict(&told), (false, "quota_exceeded", vec!["entitlement", "org_quota"]));
    assert_eq!(told.body["retry_at"], Value::Null, "no month gives as much");
    stage.use_up(1_000).await;
    let told = decide(&stage, BOTH, json!({"service": "chat", "reserve": true})).await;
    assert_eq!(verdict(&told), (false, "quota_exceeded", vec!["entitlement", "org_quota"]));
    assert_eq!((told.header("x-api-calls-remaining"), &told.body["remaining"]), (Some("0"), &json!(0)));
    // The first moment of 2030 is when the double's month begins.
    assert_eq!(told.body["retry_at"], "2030-02-01T00:00:00.000000Z");
    assert_eq!(told.body["reservation_id"], Value::Null);

    let stage = Stage::on("starter").await;
    let again = stage.ambient.now() + TimeDelta::seconds(3);
    stage.plans.set_full_until(Some(again));
    let told = decide(&stage, READ, json!({"service": "chat"})).await;
    assert_eq!(verdict(&told), (false, "rate_limited", vec!["entitlement", "org_quota", "user_quota", "rate_limit"]));
    assert_eq!(told.body["retry_at"], time(again));
}

#[actix_web::test]
async fn what_is_down_has_denied_nothing() {
    let stage = Stage::on("starter").await;
    stage.usage.break_down(true);
    let told = decide(&stage, READ, json!({"service": "chat"})).await;
    assert_eq!((told.code(), told.header("retry-after")), ((503, "unavailable"), Some("1")));
    assert_eq!((&told.body["allow"], &told.body["steps"]), (&Value::Null, &Value::Null));
    stage.usage.break_down(false);
    stage.plans.fail(Check::Entitlement, true);
    assert_eq!(decide(&stage, READ, json!({"service": "chat"})).await.code(), (503, "unavailable"));
    stage.plans.fail(Check::Entitlement, false);
    stage.plans.fail(Check::RateLimit, true);
    assert!(verdict(&decide(&stage, READ, json!({"service": "chat"})).await).0, "quotas still hold");
}

#[actix_web::test]
async fn who_may_ask_and_who_may_hold() {
    let stage = Stage::on("starter").await;
    let (ask, reserve) = (json!({"service": "chat"}), json!({"service": "chat", "reserve": true}));
    assert_eq!(decide(&stage, Who::Nobody, ask.clone()).await.code(), (401, "unauthenticated"));
    assert_eq!(decide(&stage, Who::Key("usage:write"), ask.clone()).await.code(), (403, "insufficient_scope"));
    assert_eq!(decide(&stage, READ, reserve.clone()).await.code(), (403, "insufficient_scope"));
    assert!(verdict(&decide(&stage, Who::Owner, reserve).await).0);
    assert_eq!(decide(&stage, Who::Homeless, ask).await.code(), (404, "not_found"));
    assert_eq!(decide(&stage, READ, json!({"service": "no-such"})).await.code(), (404, "unknown_service"));
    assert_eq!(decide(&stage, READ, json!({"service": "chat", "quantity": 0})).await.code(), (422, "invalid_request"));
    let named = |user: UserId| json!({"service": "chat", "user_id": user.to_string()});
    assert!(verdict(&decide(&stage, ACTING, named(stage.owner.id)).await).0);
    assert_eq!(decide(&stage, BOTH, named(stage.owner.id)).await.code(), (403, "insufficient_scope"));
    let stranger = UserId::mint(&stage.ambient);
    let stage = Stage::on("starter").await;
    assert_eq!(decide(&stage, ACTING, named(stranger)).await.code(), (404, "not_found"));
    let elsewhere = json!({"service": "chat", "org_id": kernel::OrgId::mint(&stage.ambient).to_string()});
    assert_eq!(decide(&stage, ACTING, elsewhere).await.code(), (404, "not_found"));
}

#[actix_web::test]
async fn what_is_held_is_settled_once_with_what_it_cost() {
    let stage = Stage::on("starter").await;
    let body = json!({"service": "chat", "quantity": 10, "reserve": true, "ttl_s": 30});
    let told = decide(&stage, BOTH, body).await;
    assert_eq!((verdict(&told).0, &told.body["remaining"]), (true, &json!(990)));
    let end = stage.ambient.now() + TimeDelta::seconds(30);
    assert_eq!(told.body["reservation_expires_at"], time(end));
    let reservation = format!("/api/v1/usage/reservations/{}", told.body["reservation_id"].as_str().unwrap());
    for attempt in 0..2 {
        let told = settle(&stage, BOTH, &reservation, 4).await;
        let expected = json!({
            "status": "settled", "reservation_id": reservation.rsplit('/').next(), "quantity": 4,
            "used": 4, "limit": 1000, "remaining": 996,
        });
        assert_eq!((told.status, &told.body), (200, &expected), "{attempt}");
        assert_eq!((told.header("x-api-calls-used"), told.header("x-tier-status")), (Some("4"), Some("active")));
    }
    assert_eq!(settle(&stage, BOTH, &reservation, 5).await.code(), (409, "reservation_ended"));
    let release = format!("DELETE {reservation}");
    assert_eq!(stage.call(BOTH, &release, None).await.code(), (409, "reservation_ended"));
}

#[actix_web::test]
async fn what_is_held_is_given_back_or_runs_out() {
    let stage = Stage::on("starter").await;
    let reservation = hold(&stage, 1_000).await;
    let release = format!("DELETE {reservation}");
    for _ in 0..2 {
        let told = stage.call(BOTH, &release, None).await;
        assert_eq!((told.status, &told.body["success"]), (200, &json!(true)));
    }
    assert_eq!(settle(&stage, BOTH, &reservation, 1).await.code(), (409, "reservation_ended"));
    let reservation = hold(&stage, 1_000).await;
    stage.clock.advance(Duration::from_mins(1));
    assert_eq!(settle(&stage, BOTH, &reservation, 1_000).await.code(), (409, "reservation_ended"));
}

#[actix_web::test]
async fn more_than_was_held_must_fit() {
    let stage = Stage::on("starter").await;
    let reservation = hold(&stage, 10).await;
    stage.use_up(985).await;
    let told = settle(&stage, BOTH, &reservation, 16).await;
    assert_eq!(told.code(), (429, "quota_exceeded"));
    assert_eq!((&told.body["upgrade_url"], &told.body["limit"]), (&json!(UPGRADE_URL), &json!(1000)));
    assert_eq!(
        (told.header("retry-after"), &told.body["never_fits"]),
        (None, &json!(true)),
        "it counts in the month of the hold"
    );
    assert_eq!(told.gauge(), ["starter", "active", "985", "1000", "5"], "as every answer of this kind");
    assert_eq!(settle(&stage, BOTH, &reservation, 15).await.body["remaining"], 0);
}

#[actix_web::test]
async fn who_holds_too_often_is_told_when_there_is_a_place() {
    let stage = Stage::on("enterprise").await;
    let body = json!({"service": "chat", "reserve": true, "ttl_s": 90});
    assert!(verdict(&decide(&stage, BOTH, body.clone()).await).0);
    let first = Hold {
        id: ReservationId::mint(&stage.ambient),
        org: stage.org,
        user: None,
        service: "chat".parse().unwrap(),
        quantity: Quantity::ONE,
        at: stage.ambient.now(),
        expires_at: stage.ambient.now() + TimeDelta::milliseconds(41_500),
    };
    stage.usage.hold_more(&first, Hold::MOST_OPEN - 1).await;
    let told = decide(&stage, BOTH, body.clone()).await;
    assert_eq!((told.code(), told.header("retry-after")), ((429, "too_many_reservations"), Some("42")), "{told:?}");
    assert!(verdict(&decide(&stage, BOTH, json!({"service": "chat"})).await).0, "asking goes on");
    stage.clock.advance(Duration::from_secs(42));
    assert!(verdict(&decide(&stage, BOTH, body).await).0);
}

#[actix_web::test]
async fn only_their_own_reservations() {
    let stage = Stage::on("starter").await;
    let reservation = hold(&stage, 10).await;
    let other = Who::OtherKey("usage:write");
    let unknown = format!("/api/v1/usage/reservations/{}", ReservationId::mint(&stage.ambient));
    for path in [reservation.as_str(), unknown.as_str(), "/api/v1/usage/reservations/rsv_x"] {
        assert_eq!(settle(&stage, other, path, 1).await.code(), (404, "not_found"), "{path}");
        assert_eq!(stage.call(other, &format!("DELETE {path}"), None).await.code(), (404, "not_found"), "{path}");
    }
    assert_eq!(settle(&stage, READ, &reservation, 1).await.code(), (403, "insufficient_scope"));
    assert_eq!(settle(&stage, Who::Nobody, &reservation, 1).await.code(), (401, "unauthenticated"));
    for person in [Who::Owner, Who::Homeless] {
        assert_eq!(settle(&stage, person, &reservation, 1).await.code(), (403, "api_key_required"));
        let release = format!("DELETE {reservation}");
        assert_eq!(stage.call(person, &release, None).await.code(), (403, "api_key_required"));
    }
    assert_eq!(settle(&stage, BOTH, &reservation, 0).await.code(), (422, "invalid_request"));
    assert_eq!(settle(&stage, BOTH, &reservation, 10).await.status, 200);
}

#[actix_web::test]
async fn who_comes_too_fast_is_told_how_full_it_is_too() {
    let stage = Stage::on("starter").await;
    stage.use_up(3).await;
    let (ask, hold) = (json!({"service": "chat"}), json!({"service": "chat", "quantity": 1, "reserve": true}));
    let reservation = format!("/api/v1/usage/reservations/{}", ReservationId::mint(&stage.ambient));
    for _ in 0..10 {
        assert!(verdict(&decide(&stage, READ, ask.clone()).await).0);
        assert_eq!(settle(&stage, BOTH, &reservation, 1).await.code(), (404, "not_found"));
    }
    for body in [ask, hold] {
        let told = decide(&stage, BOTH, body).await;
        assert_eq!((told.code(), told.gauge()), ((429, "rate_limited"), ["starter", "active", "3", "1000", "997"]));
    }
    for told in [
        settle(&stage, BOTH, &reservation, 1).await,
        stage.call(BOTH, &format!("DELETE {reservation}"), None).await,
        stage.call(BOTH, "POST /api/v1/usage/track", Some(json!({"service": "chat"}))).await,
    ] {
        assert_eq!((told.code(), told.gauge()), ((429, "rate_limited"), ["starter", "active", "3", "1000", "997"]));
    }
    stage.usage.break_down(true);
    let told = decide(&stage, BOTH, json!({"service": "chat"})).await;
    assert_eq!((told.code(), told.gauge()), ((429, "rate_limited"), [""; 5]), "the refusal needs no ledger");
}

#[actix_web::test]
async fn asking_for_the_rate_limit_takes_nothing_from_it() {
    let stage = Stage::on("starter").await;
    let path = "GET /api/v1/rate-limit/check";
    let full = time(stage.ambient.now());
    for _ in 0..12 {
        let told = stage.call(Who::Owner, path, None).await;
        let expected = json!({
            "user_tier": "starter", "rate_limit": 10, "rate_limit_per": "minute", "current_usage": 0,
            "remaining": 10, "reset_at": full,
        });
        assert_eq!((told.status, &told.body, told.header("ratelimit")), (200, &expected, None));
    }
    // Recording is counted in the bucket of the API.
    assert_eq!(stage.call(Who::Owner, "POST /api/v1/usage/track", Some(json!({"service": "chat"}))).await.status, 200);
    let mine = stage.call(Who::Owner, path, None).await;
    let at = time(stage.ambient.now() + TimeDelta::seconds(6));
    assert_eq!(
        (&mine.body["current_usage"], &mine.body["remaining"], &mine.body["reset_at"]),
        (&json!(1), &json!(9), &json!(at))
    );
    let asked = format!("{path}?user_id={}", stage.owner.id);
    assert_eq!(stage.call(ACTING, &asked, None).await.body, mine.body, "a service asks for its user");
    assert_eq!(stage.call(READ, path, None).await.body["current_usage"], 0, "a service has a bucket of its own");
    assert_eq!(stage.call(Who::Nobody, path, None).await.code(), (401, "unauthenticated"));
}
