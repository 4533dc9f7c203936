//! MET-6: periods are exact.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};
use kernel::{Clock, Timestamp};
use plan_core::PlanPatch;
use serde_json::{Value, json};
use testkit::TestApp;

use super::{House, go_to, limit, moment, on_free};
use crate::rig::service::crowd;

fn at(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn happened(name: &str, time: Timestamp) -> Value {
    json!({ "service": "chat", "event_id": name, "occurred_at": at(time) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_counts_in_the_period_in_which_it_happened() {
    on_free(|app| async move {
        limit(&app, 1000).await;
        let house = House::new(&app, "acme").await;
        let end = moment(&house.quota().await["monthly"]["period_end"]);
        let micro = TimeDelta::microseconds(1);
        let track = async |name: &str, time| house.service.track(&happened(name, time)).await;

        go_to(&app, end - TimeDelta::hours(1));
        for number in 0..3 {
            assert_eq!(house.service.call(&format!("now-{number}")).await.expect(200)["used"], number + 1);
        }
        go_to(&app, end + TimeDelta::hours(1));
        house.owner.sign_in().await;
        let quota = house.quota().await;
        assert_eq!(moment(&quota["monthly"]["period_start"]), end, "the next one begins where the first ends");
        assert_eq!(quota["monthly"]["used"], 0);

        // Half-open: the last microsecond belongs to the old one, the next to the new one.
        assert_eq!(track("last", end - micro).await.expect(200)["used"], 4);
        assert_eq!(track("first", end).await.expect(200)["used"], 1);
        assert_eq!(house.service.call("now").await.expect(200)["used"], 2);

        // At most 24 hours late, at most 5 minutes early.
        go_to(&app, end + TimeDelta::hours(23));
        assert_eq!(track("late", end - TimeDelta::minutes(55)).await.expect(200)["used"], 5);
        let now = app.clock.now();
        for (name, time) in [
            ("too late", now - TimeDelta::hours(24) - TimeDelta::minutes(1)),
            ("long ago", now - TimeDelta::days(400)),
            ("too early", now + TimeDelta::minutes(6)),
        ] {
            let refused = track(&name.replace(' ', "-"), time).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], "/occurred_at", "{name}: {refused}");
        }
        assert_eq!(track("early", now + TimeDelta::minutes(4)).await.expect(200)["used"], 3);

        // A month that is full is full for late calls too, and takes nothing from the next one.
        let rest = json!({ "service": "chat", "event_id": "rest", "quantity": 995, "occurred_at": at(end - micro) });
        assert_eq!(house.service.track(&rest).await.expect(200)["used"], 1000);
        assert_eq!(track("over", end - micro).await.problem(429, "quota_exceeded")["used"], 1000);
        house.owner.sign_in().await;
        let quota = house.quota().await;
        assert_eq!((&quota["monthly"]["used"], &quota["monthly"]["remaining"]), (&json!(3), &json!(997)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_happened_before_there_was_the_organization() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let before = app.clock.now() - TimeDelta::milliseconds(1);
        let house = House::new(&app, "acme").await;
        for (name, time) in [("just-before", before), ("hours-before", before - TimeDelta::hours(20))] {
            let refused = house.service.track(&happened(name, time)).await.expect(422);
            assert_eq!(refused["errors"][0]["pointer"], "/occurred_at", "{refused}");
            // It took no name, and what is said of now is of now.
            assert_eq!(house.service.call(name).await.expect(200)["duplicate"], false);
        }
        assert_eq!(house.service.track(&happened("since", app.clock.now())).await.expect(200)["used"], 3);
        assert_eq!(house.ledger().await.len(), 3);
    })
    .await;
}

/// Calls that are under way while one month becomes the next: each is in one of them, and none in both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_boundary_no_call_is_in_two_periods_or_in_none() {
    on_free(|app| async move {
        limit(&app, -1).await;
        let house = House::new(&app, "acme").await;
        let end = moment(&house.quota().await["monthly"]["period_end"]);
        go_to(&app, end - TimeDelta::milliseconds(500));
        let mut sent = 0;
        while app.clock.now() < end + TimeDelta::milliseconds(300) || sent < 2_000 {
            let calls = (sent..sent + 50).map(|number| house.service.call(&format!("call-{number}"))).collect();
            for answer in crowd(16, calls).await {
                answer.expect(200);
            }
            sent += 50;
        }
        house.owner.sign_in().await;
        let ledger = house.ledger().await;
        assert_eq!(ledger.len(), sent);
        let before = ledger.iter().filter(|row| moment(&row["occurred_at"]) < end).count();
        assert!(before > 0 && before < sent, "{before} of {sent} before the boundary");
        let counted = async |name, time| house.service.track(&happened(name, time)).await.expect(200)["used"].clone();
        assert_eq!(counted("old", end - TimeDelta::microseconds(1)).await, json!(before + 1));
        assert_eq!(counted("new", end).await, json!(sent - before + 1));
    })
    .await;
}

/// The month that the organization is in.
async fn month(house: &House) -> (Timestamp, Timestamp) {
    house.owner.sign_in().await;
    let quota = house.quota().await;
    (moment(&quota["monthly"]["period_start"]), moment(&quota["monthly"]["period_end"]))
}

/// The last day of February.
fn end_of_february(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 3, 1).and_then(|march| march.checked_sub_days(Days::new(1))).expect("a day")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn months_from_the_thirty_first_end_on_the_last_day_where_there_is_none() {
    on_free(|app| async move {
        limit(&app, 10).await;
        let year = app.clock.now().year() + 1;
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        let noon =
            |day: NaiveDate| DateTime::<Utc>::from_naive_utc_and_offset(day.and_hms_opt(12, 0, 0).expect("noon"), Utc);
        go_to(&app, noon(day(year, 1, 31)));
        let house = House::new(&app, "acme").await;
        let (anchor, _) = month(&house).await;
        let days = [
            day(year, 1, 31),
            end_of_february(year),
            day(year, 3, 31),
            day(year, 4, 30),
            day(year, 12, 31),
            day(year + 1, 1, 31),
        ];
        for (number, first) in days.into_iter().enumerate().filter(|(number, _)| *number != 5) {
            let next = if number == 3 { day(year, 5, 31) } else { days[number + 1] };
            // An hour after noon of the month's first day: the organization was made a little after noon.
            if number > 0 {
                go_to(&app, noon(first) + TimeDelta::hours(1));
            }
            let expected =
                [first, next].map(|day| DateTime::from_naive_utc_and_offset(day.and_time(anchor.time()), Utc));
            assert_eq!(month(&house).await, (expected[0], expected[1]));
            assert_eq!(house.service.call(&format!("call-{number}")).await.expect(200)["used"], 1, "it begins empty");
        }
    })
    .await;
}

/// Noon of the next day: no test of a day is to run into midnight.
fn wait_for_noon(app: &TestApp) {
    let tomorrow = app.clock.now().date_naive().succ_opt().and_then(|day| day.and_hms_opt(12, 0, 0)).expect("noon");
    go_to(app, DateTime::from_naive_utc_and_offset(tomorrow, Utc));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_free_plan_gives_thirty_three_calls_a_day() {
    on_free(|app| async move {
        wait_for_noon(&app);
        let house = House::new(&app, "acme").await;
        for number in 0..33 {
            house.service.call(&format!("first-{number}")).await.expect(200);
        }
        let refused = house.service.call("one-more").await;
        let body = refused.problem(429, "quota_exceeded");
        let told = ["quota", "tier", "used", "limit", "remaining"].map(|field| &body[field]);
        assert_eq!(json!(told), json!(["daily", "free", 33, 33, 0]));
        let reset = moment(&body["reset_date"]);
        assert_eq!(reset.time(), chrono::NaiveTime::MIN);
        assert_eq!(reset.date_naive(), app.clock.now().date_naive().succ_opt().expect("tomorrow"));
        assert!(body["upgrade_url"].is_string());

        // Waiting as long as told is enough, and ten seconds less are not.
        let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        app.clock.advance(Duration::from_secs(wait - 10));
        house.service.call("one-more").await.problem(429, "quota_exceeded");
        app.clock.advance(Duration::from_secs(10));
        assert_eq!(house.service.call("one-more").await.expect(200)["used"], 34, "the month goes on");
        house.owner.sign_in().await;
        let quota = house.quota().await;
        assert_eq!((&quota["daily"]["used"], &quota["daily"]["remaining"]), (&json!(1), &json!(32)));
        assert_eq!((&quota["monthly"]["used"], &quota["monthly"]["remaining"]), (&json!(34), &json!(966)));
    })
    .await;
}

/// Two limits refuse: the month, and the day that ends before it. Whoever waits for the day alone would be refused again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_refused_by_two_limits_is_told_the_later_end() {
    on_free(|app| async move {
        wait_for_noon(&app);
        let limits =
            PlanPatch { api_calls_limit: Some(10), daily_limit: Some(6), rate_limit: Some(-1), ..PlanPatch::default() };
        app.change_plan("free", limits).await;
        let house = House::new(&app, "acme").await;
        let end = moment(&house.quota().await["monthly"]["period_end"]);
        house.service.track(&json!({ "service": "chat", "quantity": 5 })).await.expect(200);
        let six = json!({ "service": "chat", "quantity": 6 });
        let refused = house.service.track(&six).await;
        let body = refused.problem(429, "quota_exceeded");
        assert_eq!((&body["quota"], moment(&body["reset_date"])), (&json!("monthly"), end));
        let wait: i64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        assert!((end - app.clock.now()).num_seconds().abs_diff(wait) <= 30, "{wait} s until {end}");
        let verdict = house.service.post("/api/v1/decide").json(&six).await.expect(200);
        assert_eq!((&verdict["reason"], moment(&verdict["retry_at"])), (&json!("quota_exceeded"), end), "{verdict}");

        // A late call of a day that is over is told that no time mends it.
        let before = app.clock.now();
        house.service.call("the-sixth").await.expect(200);
        app.clock.advance(Duration::from_hours(13));
        let late = house.service.track(&happened("late", before)).await;
        let body = late.problem(429, "quota_exceeded");
        assert_eq!((late.header("retry-after"), &body["never_fits"]), (None, &json!(true)), "{body}");
        house.service.call("today").await.expect(200);
    })
    .await;
}
