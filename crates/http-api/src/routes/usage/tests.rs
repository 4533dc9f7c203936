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
async fn a_problem_of_a_batch_says_where_it_happened() {
    let stage = Stage::on("starter").await;
    let told = batch(&stage, json!([{"service": "no-such"}])).await;
    assert_eq!(told[0]["instance"], "/api/v1/usage/track/batch");
}

#[actix_web::test]
async fn a_service_reports_no_faster_for_somebody_than_their_plan_gives() {
    let stage = Stage::on("starter").await;
    let meter = Who::PlatformKey("usage:write act_as");
    let report = async |event: Value| stage.call(meter, "POST /api/v1/usage/track", Some(event)).await;
    // Whether the query names them or the body.
    let in_query = format!("POST /api/v1/usage/track?user_id={}&org_id={}", stage.owner.id, stage.org);
    for number in 0..10 {
        let told = if number % 2 == 0 {
            stage.call(meter, &in_query, Some(json!({"service": "chat"}))).await
        } else {
            report(json!({"service": "chat", "user_id": stage.owner.id.to_string()})).await
        };
        assert_eq!((told.status, told.header("x-ratelimit-limit")), (200, Some("10")), "{told:?}");
    }
    let theirs = json!({"service": "chat", "user_id": stage.owner.id.to_string()});
    for told in [report(theirs.clone()).await, stage.call(meter, &in_query, Some(json!({"service": "chat"}))).await] {
        assert_eq!((told.code(), told.header("retry-after")), ((429, "rate_limited"), Some("6")));
        assert_eq!(told.gauge(), ["starter", "active", "10", "1000", "990"]);
    }
    // Of a batch their events are refused, and nobody else's.
    let events = json!({"events": [theirs, {"service": "chat"}, theirs]});
    let told = stage.call(meter, "POST /api/v1/usage/track/batch", Some(events)).await;
    let statuses = told.body["results"].as_array().unwrap().iter().map(|item| item["status"].clone());
    assert_eq!(statuses.collect::<Vec<_>>(), [json!(429), json!("tracked"), json!(429)]);
    assert_eq!(told.header("x-ratelimit-limit"), Some("600"), "the batch is the key's");
    let nobodys = report(json!({"service": "chat"})).await;
    assert_eq!((nobodys.status, nobodys.header("x-ratelimit-limit")), (200, Some("600")));
}

#[actix_web::test]
async fn every_answer_to_who_may_ask_tells_plan_and_figures() {
    let stage = Stage::on("starter").await;
    stage.use_up(3).await;
    let both = Who::Key("usage:write entitlements:read");
    let unknown = "/api/v1/usage/reservations/rsv_01890a5d-ac96-774b-bcce-b302099a8057";
    let chat = || Some(json!({"service": "chat"}));
    for (by, operation, body, status) in [
        (both, "POST /api/v1/decide".to_owned(), Some(json!({"service": "bolt"})), 200),
        (both, "POST /api/v1/decide".to_owned(), Some(json!({"service": "no-such"})), 404),
        (KEY, "POST /api/v1/usage/track".to_owned(), Some(json!({"service": "bolt"})), 403),
        (KEY, "POST /api/v1/usage/track".to_owned(), Some(json!({"service": "chat", "quantity": 0})), 422),
        (KEY, "POST /api/v1/usage/track/batch".to_owned(), Some(json!({"events": [{"service": "bolt"}]})), 200),
        (KEY, "POST /api/v1/usage/track/batch".to_owned(), Some(json!({"events": []})), 422),
        (KEY, format!("POST {unknown}/settle"), Some(json!({"quantity": 1})), 404),
        (KEY, format!("DELETE {unknown}"), None, 404),
        (both, "GET /api/v1/rate-limit/check".to_owned(), None, 200),
        (Who::Owner, "GET /api/v1/usage/limits".to_owned(), None, 200),
        (Who::Owner, "GET /api/v1/usage/features".to_owned(), None, 200),
        (Who::Owner, "GET /api/v1/usage/history".to_owned(), None, 200),
        (Who::Owner, "GET /api/v1/usage/history?days=0".to_owned(), None, 422),
        (Who::Owner, "GET /api/v1/usage/daily".to_owned(), None, 200),
        (Who::Owner, "GET /api/v1/usage/quota".to_owned(), None, 200),
    ] {
        let told = stage.call(by, &operation, body).await;
        assert_eq!(told.status, status, "{operation}: {told:?}");
        assert_eq!(told.gauge(), ["starter", "active", "3", "1000", "997"], "{operation}");
    }
    let decided = stage.call(both, "POST /api/v1/decide", chat()).await;
    assert_eq!(decided.gauge(), ["starter", "active", "3", "1000", "996"], "after the call that is asked about");
    // Nothing is told of an organization that only was named, nor to whom we do not know.
    let elsewhere = format!("POST /api/v1/usage/track?org_id={}", kernel::OrgId::mint(&stage.ambient));
    for (by, operation, status) in [(KEY, elsewhere.as_str(), 404), (Who::Nobody, "POST /api/v1/usage/track", 401)] {
        let told = stage.call(by, operation, chat()).await;
        assert_eq!((told.status, told.gauge()), (status, [""; 5]), "{told:?}");
    }
}

#[actix_web::test]
async fn beside_a_body_the_query_has_no_fields() {
    let stage = Stage::on("starter").await;
    let post = async |path: String, body| stage.call(KEY, &format!("POST /api/v1/usage/track{path}"), body).await;
    for (query, pointer) in [("?quantity=7", "?quantity"), ("?service=search&org_id=x", "?service"), ("?x", "?x")] {
        let query = query.replace("=x", &format!("={}", stage.org));
        let told = post(query, Some(json!({"service": "chat"}))).await;
        assert_eq!((told.code(), &told.body["errors"][0]["pointer"]), ((422, "unknown_field"), &json!(pointer)));
    }
    let told = post(format!("?org_id={}", stage.org), Some(json!({"service": "chat", "quantity": 2}))).await;
    assert_eq!((told.status, &told.body["used"]), (200, &json!(2)), "where it is may stand there");
    let told = post("?service=chat&quantity=3".to_owned(), None).await;
    assert_eq!((told.status, &told.body["used"]), (200, &json!(5)));
    let told = post("?service=chat&quantity=x".to_owned(), None).await;
    assert_eq!((told.status, &told.body["errors"][0]["pointer"]), (422, &json!("?quantity")));
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

#[actix_web::test]
async fn a_repeated_request_with_a_key_counts_once() {
    let stage = Stage::on("starter").await;
    let track = async |by, key, event| stage.call_with(by, "POST /api/v1/usage/track", Some(key), Some(event)).await;
    let event = json!({"service": "chat", "quantity": 2});
    let first = track(KEY, "key-1", event.clone()).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None), "{first:?}");
    assert!(first.body["event_id"].as_str().is_some_and(|name| name.starts_with("idem_")), "{first:?}");
    let again = track(KEY, "key-1", event.clone()).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{again:?}");
    let told = |told: &Told| ["event_id", "used"].map(|field| told.body[field].clone());
    assert_eq!((told(&again), &again.body["duplicate"]), (told(&first), &json!(true)));
    // What it is used for otherwise is refused, and nothing is counted.
    let other = track(KEY, "key-1", json!({"service": "chat", "quantity": 3})).await;
    assert_eq!(other.code(), (422, "idempotency_key_reused"));
    assert_eq!(track(KEY, "a b", event.clone()).await.code(), (422, "invalid_request"));
    // Another key, another caller, and an event that has a name of its own.
    for (by, key, event, used) in [
        (KEY, "key-2", event.clone(), 4),
        (Who::Owner, "key-1", event.clone(), 6),
        (KEY, "key-1", json!({"service": "chat", "event_id": "mine"}), 7),
    ] {
        let told = track(by, key, event).await;
        assert_eq!((&told.body["used"], &told.body["duplicate"]), (&json!(used), &json!(false)), "{told:?}");
    }
    let own = track(KEY, "key-9", json!({"service": "chat", "event_id": "mine", "quantity": 9})).await;
    assert_eq!(own.code(), (409, "event_conflict"));
}

#[actix_web::test]
async fn a_repeated_batch_with_a_key_counts_once() {
    let stage = Stage::on("starter").await;
    let batch = async |events: Value| {
        let body = Some(json!({"events": events}));
        let told = stage.call_with(KEY, "POST /api/v1/usage/track/batch", Some("key-1"), body).await;
        assert_eq!(told.status, 200, "{told:?}");
        told.body["results"].as_array().unwrap().clone()
    };
    let (one, closed) = (json!({"service": "chat"}), json!({"service": "bolt"}));
    let named = json!({"service": "chat", "event_id": "mine"});
    // Two that are alike are two, each by its place.
    let events = json!([one, closed, one, named]);
    let first = batch(events.clone()).await;
    let told = |items: &[Value], field: &str| items.iter().map(|item| item[field].clone()).collect::<Vec<_>>();
    assert_eq!(told(&first, "used"), [json!(1), Value::Null, json!(2), json!(3)]);
    let again = batch(events).await;
    assert_eq!(told(&again, "duplicate"), [json!(true), Value::Null, json!(true), json!(true)]);
    assert_eq!(told(&again, "used"), [json!(3), Value::Null, json!(3), json!(3)]);
    assert_eq!(told(&again, "event_id"), told(&first, "event_id"));
    let other = batch(json!([one, closed, {"service": "search"}, {"service": "search", "event_id": "mine"}])).await;
    assert_eq!(told(&other, "code")[2..], [json!("idempotency_key_reused"), json!("event_conflict")]);
}

#[actix_web::test]
async fn a_late_call_whose_period_is_over_is_not_told_to_wait() {
    let stage = Stage::on("free").await;
    let before = stage.ambient.now();
    stage.use_up(33).await;
    let told = track(&stage, json!({"service": "chat"})).await;
    assert_eq!((told.code(), &told.body["quota"]), ((429, "quota_exceeded"), &json!("daily")));
    assert!(told.header("retry-after").is_some() && told.body["never_fits"].is_null(), "{told:?}");
    stage.clock.advance(std::time::Duration::from_hours(24));
    let late = json!({"service": "chat", "occurred_at": crate::wire::time(before)});
    let told = track(&stage, late.clone()).await;
    assert_eq!((told.code(), told.header("retry-after")), ((429, "quota_exceeded"), None), "{told:?}");
    assert_eq!((&told.body["never_fits"], &told.body["quota"]), (&json!(true), &json!("daily")));
    assert!(told.body["detail"].as_str().is_some_and(|why| why.contains("that is over since")), "{told:?}");
    let told = batch(&stage, json!([late, {"service": "chat"}])).await;
    assert_eq!((&told[0]["never_fits"], &told[1]["status"]), (&json!(true), &json!("tracked")), "{told:?}");
}

#[actix_web::test]
async fn who_comes_too_fast_is_told_without_reading_anew() {
    let stage = Stage::on("starter").await;
    for _ in 0..10 {
        track(&stage, json!({"service": "chat"})).await;
    }
    let read = stage.usage.readings();
    for _ in 0..5 {
        let told = track(&stage, json!({"service": "chat"})).await;
        assert_eq!((told.code(), told.gauge()), ((429, "rate_limited"), ["starter", "active", "10", "1000", "990"]));
    }
    assert_eq!(stage.usage.readings(), read);
}
