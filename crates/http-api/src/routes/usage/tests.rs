use serde_json::{Value, json};

use crate::routes::decision::stage::{Stage, Told, UPGRADE_URL, Who};

const KEY: Who = Who::Key("usage:write");

async fn track(stage: &Stage, event: Value) -> Told {
    stage.call(KEY, "POST /api/v1/usage/track", Some(event)).await
}

async fn batch(stage: &Stage, events: Value) -> Vec<Value> {
    let told = stage.call(KEY, "POST /api/v1/usage/track/batch", Some(json!({"events": events}))).await;
    assert_eq!(told.status, 200, "{told:?}");
    told.body["results"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_refused_event_of_a_batch_says_what_it_would_have_said_alone() {
    let stage = Stage::on("starter").await;
    stage.use_up(999).await;
    let much = json!({"service": "chat", "quantity": 7, "event_id": "much"});
    let closed = json!({"service": "bolt"});
    let unknown = json!({"service": "no-such"});
    let told = batch(&stage, json!([much, closed, {"service": "chat"}, unknown])).await;
    assert_eq!(told[2]["status"], "tracked", "the others are recorded: {told:?}");
    let alone = [track(&stage, much).await, track(&stage, closed).await, track(&stage, unknown).await];
    for (item, alone) in [&told[0], &told[1], &told[3]].into_iter().zip(&alone) {
        for field in ["type", "title", "status", "code", "tier", "upgrade_url", "required_tier", "quota", "limit"] {
            assert_eq!(item[field], alone.body[field], "{field} of {item}");
        }
        assert!(item["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{item}");
    }
    assert_eq!((&told[0]["code"], &told[0]["used"]), (&json!("quota_exceeded"), &json!(999)));
    assert_eq!([&told[0]["upgrade_url"], &told[1]["upgrade_url"]], [&json!(UPGRADE_URL); 2]);
}

#[actix_web::test]
async fn a_full_quota_is_told_with_its_figures() {
    let stage = Stage::on("starter").await;
    let fits = track(&stage, json!({"service": "chat", "quantity": 990})).await;
    assert_eq!((fits.status, fits.gauge()), (200, ["starter", "active", "990", "1000", "10"]));
    let told = track(&stage, json!({"service": "chat", "quantity": 11})).await;
    assert_eq!((told.code(), told.gauge()), ((429, "quota_exceeded"), ["starter", "active", "990", "1000", "10"]));
}

#[actix_web::test]
async fn a_wrong_number_of_days_is_told_as_a_parameter() {
    let stage = Stage::on("starter").await;
    for path in ["history", "daily"] {
        for days in ["0", "367"] {
            let told = stage.call(Who::Owner, &format!("GET /api/v1/usage/{path}?days={days}"), None).await;
            assert_eq!((told.code(), &told.body["errors"][0]["pointer"]), ((422, "invalid_request"), &json!("?days")));
        }
        let told = stage.call(Who::Owner, &format!("GET /api/v1/usage/{path}?days=366"), None).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
}
