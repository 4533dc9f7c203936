//! SQLite: lookups by a list in JSON, and rows written in chunks of few different sizes, so that statements are prepared once.
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use serde_json::json;
use uuid::Uuid;

use super::key::CounterKey;
use super::row::{Changes, EventRow, run, select};
use super::sheet::Line;

/// The list first, then the index: that is what a cross join means here.
const COUNTERS: &str = "SELECT k.key, c.used, c.reserved FROM json_each($1) k CROSS JOIN usage_counter c \
     WHERE c.org_id = unhex(k.value ->> 0) AND c.subject = k.value ->> 1 AND c.span = k.value ->> 2 \
     AND c.period_start = k.value ->> 3";

const KNOWN: &str = "SELECT k.key, e.fingerprint FROM json_each($1) k CROSS JOIN usage_event e \
     WHERE e.org_id = unhex(k.value ->> 0) AND e.event_id = k.value ->> 1";

const COUNTER_HEAD: &str = "INSERT INTO usage_counter (org_id, subject, span, period_start, used, reserved)";
const COUNTER_TAIL: &str = "ON CONFLICT (org_id, subject, span, period_start) \
     DO UPDATE SET used = excluded.used, reserved = excluded.reserved";

const DAY_HEAD: &str = "INSERT INTO usage_day (org_id, day, service, user_id, events, quantity)";
const DAY_TAIL: &str = "ON CONFLICT (org_id, day, service, user_id) DO UPDATE SET \
     events = usage_day.events + excluded.events, \
     quantity = CASE WHEN usage_day.quantity > 9223372036854775807 - excluded.quantity THEN 9223372036854775807 \
     ELSE usage_day.quantity + excluded.quantity END";

const TOTAL_HEAD: &str = "INSERT INTO usage_total (org_id, day, service, events, quantity)";
const TOTAL_TAIL: &str = "ON CONFLICT (org_id, day, service) DO UPDATE SET \
     events = usage_total.events + excluded.events, \
     quantity = CASE WHEN usage_total.quantity > 9223372036854775807 - excluded.quantity THEN 9223372036854775807 \
     ELSE usage_total.quantity + excluded.quantity END";

const EVENT_HEAD: &str = "INSERT INTO usage_event (org_id, event_id, kind, user_id, service, action, quantity, \
     occurred_at, recorded_at, month_start, fingerprint, metadata)";
const EVENT_TAIL: &str = "ON CONFLICT (org_id, event_id) DO NOTHING";

/// How many rows a statement has, the most first.
const CHUNKS: [usize; 5] = [256, 64, 16, 4, 1];

pub(crate) async fn counters(db: &impl ConnectionTrait, keys: &[CounterKey]) -> Result<Vec<QueryResult>, DbErr> {
    let keys: serde_json::Value = keys
        .iter()
        .map(|key| json!([key.org.simple().to_string(), key.subject(), key.span.as_str(), key.start]))
        .collect();
    select(db, COUNTERS, vec![keys.to_string().into()]).await
}

pub(crate) async fn known(db: &impl ConnectionTrait, names: &[(Uuid, &str)]) -> Result<Vec<QueryResult>, DbErr> {
    let names: serde_json::Value = names.iter().map(|(org, name)| json!([org.simple().to_string(), name])).collect();
    select(db, KNOWN, vec![names.to_string().into()]).await
}

pub(crate) async fn write(
    tx: &impl ConnectionTrait,
    changes: &Changes,
    lines: &[(CounterKey, Line)],
) -> Result<u64, DbErr> {
    let counter = |(key, line): &(CounterKey, Line)| -> [Value; 6] {
        let (org, subject, span) = (key.org.into(), key.subject().into(), key.span.as_str().into());
        [org, subject, span, key.start.into(), line.used.into(), line.reserved.into()]
    };
    insert(tx, [COUNTER_HEAD, COUNTER_TAIL], lines.iter().map(counter)).await?;
    let days = changes.days.iter().map(|(key, sum)| -> [Value; 6] {
        let (org, day, service) = (key.org.into(), key.day.into(), key.service.clone().into());
        [org, day, service, key.user.into(), sum.events.into(), sum.quantity.into()]
    });
    insert(tx, [DAY_HEAD, DAY_TAIL], days).await?;
    let totals = changes.totals().into_iter().map(|(key, sum)| -> [Value; 5] {
        [key.org.into(), key.day.into(), key.service.into(), sum.events.into(), sum.quantity.into()]
    });
    insert(tx, [TOTAL_HEAD, TOTAL_TAIL], totals).await?;
    insert(tx, [EVENT_HEAD, EVENT_TAIL], changes.events.iter().map(event)).await
}

fn event(row: &EventRow) -> [Value; 12] {
    [
        row.org.into(),
        row.event.clone().into(),
        row.kind.as_str().into(),
        row.user.into(),
        row.service.clone().into(),
        row.action.clone().into(),
        row.quantity.into(),
        row.occurred_at.into(),
        row.recorded_at.into(),
        row.month_start.into(),
        row.fingerprint.clone().into(),
        row.metadata.clone().into(),
    ]
}

/// Inserts rows of `WIDTH` columns between a statement's head and tail; how many rows were moved.
async fn insert<const WIDTH: usize>(
    tx: &impl ConnectionTrait,
    [head, tail]: [&str; 2],
    mut rows: impl ExactSizeIterator<Item = [Value; WIDTH]>,
) -> Result<u64, DbErr> {
    let mut moved = 0;
    for size in CHUNKS {
        while rows.len() >= size {
            let values: Vec<Value> = rows.by_ref().take(size).flatten().collect();
            let row = format!("({})", vec!["?"; WIDTH].join(","));
            let sql = format!("{head} VALUES {} {tail}", vec![row.as_str(); size].join(","));
            moved += run(tx, &sql, values).await?;
        }
    }
    Ok(moved)
}
