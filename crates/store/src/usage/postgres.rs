//! PostgreSQL: any number of rows is one statement with arrays, prepared once.
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::key::CounterKey;
use super::row::{Changes, run, select};
use super::sheet::Line;

/// A lookup by key for each element, whatever the planner believes of the tables' sizes.
const COUNTERS: &str = "SELECT k.n - 1, c.used, c.reserved \
     FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS k (org_id, subject, span, period_start, n) \
     CROSS JOIN LATERAL (SELECT used, reserved FROM usage_counter WHERE org_id = k.org_id AND subject = k.subject \
     AND span = k.span AND period_start = k.period_start LIMIT 1) c";

const KNOWN: &str = "SELECT k.n - 1, e.fingerprint \
     FROM UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS k (org_id, event_id, n) \
     CROSS JOIN LATERAL (SELECT fingerprint FROM usage_event WHERE org_id = k.org_id AND event_id = k.event_id LIMIT 1) e";

/// Counters, history and ledger at once; how many rows the ledger took.
const WRITE: &str = "WITH counted AS ( \
     INSERT INTO usage_counter (org_id, subject, span, period_start, used, reserved) \
     SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) \
     ON CONFLICT (org_id, subject, span, period_start) DO UPDATE SET used = excluded.used, reserved = excluded.reserved), \
     remembered AS ( \
     INSERT INTO usage_day (org_id, day, service, user_id, events, quantity) \
     SELECT * FROM UNNEST($7::uuid[], $8::bigint[], $9::text[], $10::uuid[], $11::bigint[], $12::bigint[]) \
     ON CONFLICT (org_id, day, service, user_id) DO UPDATE SET events = usage_day.events + excluded.events, \
     quantity = CASE WHEN usage_day.quantity > 9223372036854775807 - excluded.quantity THEN 9223372036854775807 \
     ELSE usage_day.quantity + excluded.quantity END), \
     summed AS ( \
     INSERT INTO usage_total (org_id, day, service, events, quantity) \
     SELECT * FROM UNNEST($25::uuid[], $26::bigint[], $27::text[], $28::bigint[], $29::bigint[]) \
     ON CONFLICT (org_id, day, service) DO UPDATE SET events = usage_total.events + excluded.events, \
     quantity = CASE WHEN usage_total.quantity > 9223372036854775807 - excluded.quantity THEN 9223372036854775807 \
     ELSE usage_total.quantity + excluded.quantity END) \
     INSERT INTO usage_event (org_id, event_id, kind, user_id, service, action, quantity, occurred_at, recorded_at, \
     month_start, fingerprint, metadata) \
     SELECT e.org_id, e.event_id, e.kind, NULLIF(e.user_id, '00000000-0000-0000-0000-000000000000'::uuid), \
     NULLIF(e.service, ''), NULLIF(e.action, ''), e.quantity, e.occurred_at, e.recorded_at, e.month_start, e.fingerprint, \
     NULLIF(e.metadata, '') \
     FROM UNNEST($13::uuid[], $14::text[], $15::text[], $16::uuid[], $17::text[], $18::text[], $19::bigint[], \
     $20::bigint[], $21::bigint[], $22::bigint[], $23::bytea[], $24::text[]) \
     AS e (org_id, event_id, kind, user_id, service, action, quantity, occurred_at, recorded_at, month_start, fingerprint, \
     metadata) ON CONFLICT (org_id, event_id) DO NOTHING";

/// One array of each row's value.
fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Value
where
    Vec<T>: Into<Value>,
{
    rows.iter().map(value).collect::<Vec<T>>().into()
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

fn keys(lines: &[CounterKey]) -> Vec<Value> {
    vec![
        column(lines, |key| key.org),
        column(lines, CounterKey::subject),
        column(lines, |key| key.span.as_str().to_owned()),
        column(lines, |key| key.start),
    ]
}

pub(crate) async fn counters(db: &impl ConnectionTrait, lines: &[CounterKey]) -> Result<Vec<QueryResult>, DbErr> {
    select(db, COUNTERS, keys(lines)).await
}

pub(crate) async fn known(db: &impl ConnectionTrait, names: &[(Uuid, &str)]) -> Result<Vec<QueryResult>, DbErr> {
    select(db, KNOWN, vec![column(names, |name| name.0), column(names, |name| name.1.to_owned())]).await
}

pub(crate) async fn write(
    tx: &impl ConnectionTrait,
    changes: &Changes,
    lines: &[(CounterKey, Line)],
) -> Result<u64, DbErr> {
    let mut values = keys(&lines.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    values.extend([column(lines, |(_, line)| line.used), column(lines, |(_, line)| line.reserved)]);
    let days: Vec<_> = changes.days.iter().collect();
    values.extend([
        column(&days, |(key, _)| key.org),
        column(&days, |(key, _)| key.day),
        column(&days, |(key, _)| key.service.clone()),
        column(&days, |(key, _)| key.user),
        column(&days, |(_, sum)| sum.events),
        column(&days, |(_, sum)| sum.quantity),
    ]);
    let events = &changes.events;
    values.extend([
        column(events, |event| event.org),
        column(events, |event| event.event.clone()),
        column(events, |event| event.kind.as_str().to_owned()),
        column(events, |event| event.user.unwrap_or_default()),
        column(events, |event| text(event.service.as_ref())),
        column(events, |event| text(event.action.as_ref())),
        column(events, |event| event.quantity),
        column(events, |event| event.occurred_at),
        column(events, |event| event.recorded_at),
        column(events, |event| event.month_start),
        column(events, |event| event.fingerprint.clone()),
        column(events, |event| text(event.metadata.as_ref())),
    ]);
    let totals: Vec<_> = changes.totals().into_iter().collect();
    values.extend([
        column(&totals, |(key, _)| key.org),
        column(&totals, |(key, _)| key.day),
        column(&totals, |(key, _)| key.service.clone()),
        column(&totals, |(_, sum)| sum.events),
        column(&totals, |(_, sum)| sum.quantity),
    ]);
    run(tx, WRITE, values).await
}
