use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use kernel::{OrgId, Period, StoreError, Timestamp, UserId};
use plan_core::PlanId;
use sea_orm::{DatabaseConnection, QueryResult};
use usage_core::{DayUsage, Days, Entry, EntryKind, EventId, Sum, Tally, UsageReader, policy};
use uuid::Uuid;

use super::key::Payer;
use super::recent::{RecentTallies, Told};
use super::reservation::Overdue;
use super::row::{WHOLE_QUANTITY, select, stored, whole};
use super::sheet::Sheet;
use super::standing::look;
use crate::connection::Database;
use crate::error::{Failure, bad_column};
use crate::value::{from_micros, micros, number, read};

const HISTORY: &str = "SELECT day, service, events, quantity FROM usage_total \
     WHERE org_id = $1 AND day >= $2 AND day < $3 ORDER BY day, service";

const ENTRIES: &str = "SELECT event_id, kind, user_id, service, action, quantity, occurred_at, recorded_at FROM usage_event \
     WHERE org_id = $1 AND recorded_at > 0 AND (recorded_at, event_id) > ($2, $3) AND occurred_at >= $4 AND occurred_at < $5 \
     ORDER BY recorded_at, event_id LIMIT $6";

/// $1 the organization, from $2 to before $3.
fn users_sql() -> String {
    format!(
        "SELECT user_id, CAST(SUM(events) AS BIGINT), {WHOLE_QUANTITY} FROM usage_day \
         WHERE org_id = $1 AND day >= $2 AND day < $3 GROUP BY user_id ORDER BY user_id"
    )
}

/// Questions to the ledger in the database.
#[derive(Clone)]
pub struct SeaUsage {
    db: Database,
    default: Arc<str>,
    recent: Arc<RecentTallies>,
}

impl SeaUsage {
    /// The usage in this database; `default` as for [`crate::SeaLedger::new`]. Of what a ledger of the same process commits it knows a
    /// second later at most; [`crate::SeaLedger::reader`] makes one that knows at once.
    pub fn new(db: &Database, default: &PlanId) -> Self {
        Self::beside(db, default.as_str().into(), Arc::default())
    }

    /// The usage of which this is known.
    pub(super) fn beside(db: &Database, default: Arc<str>, recent: Arc<RecentTallies>) -> Self {
        Self { db: db.clone(), default, recent }
    }

    async fn ask<T: Send>(&self, question: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, StoreError> {
        self.db.ask(async { Ok(question.await) }).await?.map_err(StoreError::from)
    }
}

/// The counters first, and then what has run out of them: whatever happens between the two, nothing is given back twice.
async fn tally(
    db: &DatabaseConnection,
    default: &str,
    (org, user): (OrgId, Option<UserId>),
    now: Timestamp,
) -> Result<Option<Tally>, Failure> {
    let standings = look(db, default, &BTreeSet::from([org.uuid()])).await?;
    let Some(standing) = standings.of(org) else { return Ok(None) };
    let payer = Payer::at(org, user, standing.anchor, now);
    let mut sheet = Sheet::default();
    sheet.load(db, payer.keys().each()).await?;
    Overdue::load(db, &mut sheet, now).await?.expire(&mut sheet, org, now);
    Ok(Some(sheet.tally(&payer, standing.terms(now)?)?))
}

/// The first moment of the days and the first after them.
fn bounds(days: Days) -> (Timestamp, Timestamp) {
    let midnight = |day: NaiveDate| Period::day(day.and_time(NaiveTime::MIN).and_utc());
    (midnight(days.from).start, midnight(days.to).end)
}

fn day(row: &QueryResult) -> Result<DayUsage, Failure> {
    Ok(DayUsage {
        day: from_micros(row.try_get_by_index(0)?).date_naive(),
        service: read("usage_total.service", row.try_get_by_index::<String>(1)?.parse())?,
        events: number("usage_total.events", row.try_get_by_index(2)?)?,
        quantity: number("usage_total.quantity", row.try_get_by_index(3)?)?,
    })
}

/// A user's share; the nil UUID is nobody.
fn share(row: &QueryResult) -> Result<(Option<UserId>, Sum), Failure> {
    let user = row.try_get_by_index::<Uuid>(0)?;
    let events = number("usage_day.events", row.try_get_by_index(1)?)?;
    let quantity = u64::try_from(whole(row, 2)?.max(0)).unwrap_or(u64::MAX);
    Ok(((!user.is_nil()).then(|| UserId::from_uuid(user)), Sum { events, quantity }))
}

fn entry(row: &QueryResult) -> Result<Entry, Failure> {
    let kind = row.try_get_by_index::<String>(1)?;
    let service = row.try_get_by_index::<Option<String>>(3)?.map(|text| read("usage_event.service", text.parse()));
    let action = row.try_get_by_index::<Option<String>>(4)?.map(|text| read("usage_event.action", text.parse()));
    Ok(Entry {
        event: read("usage_event.event_id", row.try_get_by_index::<String>(0)?.parse())?,
        kind: EntryKind::parse(&kind).ok_or_else(|| bad_column("usage_event.kind"))?,
        user: row.try_get_by_index::<Option<Uuid>>(2)?.map(UserId::from_uuid),
        service: service.transpose()?,
        action: action.transpose()?,
        quantity: row.try_get_by_index(5)?,
        occurred_at: from_micros(row.try_get_by_index(6)?),
        recorded_at: from_micros(row.try_get_by_index(7)?),
    })
}

#[async_trait]
impl UsageReader for SeaUsage {
    async fn tally(&self, org: OrgId, user: Option<UserId>, now: Timestamp) -> Result<Option<Tally>, StoreError> {
        let asked = self.recent.asking();
        let found = self.ask(Box::pin(tally(self.db.reader(), &self.default, (org, user), stored(now)))).await?;
        if let Some(tally) = &found {
            self.recent.read(Told { org, user, tally, at: now, asked });
        }
        Ok(found)
    }

    async fn recent_tally(
        &self,
        org: OrgId,
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<Option<Tally>, StoreError> {
        match self.recent.get(org, user, now) {
            Some(tally) => Ok(Some(tally)),
            None => self.tally(org, user, now).await,
        }
    }

    async fn history(&self, org: OrgId, days: Days) -> Result<Vec<DayUsage>, StoreError> {
        let (from, to) = bounds(days);
        let values = vec![org.uuid().into(), micros(from).into(), micros(to).into()];
        let rows = self.db.ask(select(self.db.reader(), HISTORY, values)).await?;
        Ok(rows.iter().map(day).collect::<Result<_, Failure>>()?)
    }

    async fn users(&self, org: OrgId, days: Days) -> Result<Vec<(Option<UserId>, Sum)>, StoreError> {
        let (from, to) = bounds(days);
        let values = vec![org.uuid().into(), micros(from).into(), micros(to).into()];
        let rows = self.db.ask(select(self.db.reader(), &users_sql(), values)).await?;
        Ok(rows.iter().map(share).collect::<Result<_, Failure>>()?)
    }

    async fn entries(
        &self,
        org: OrgId,
        days: Days,
        after: Option<(Timestamp, EventId)>,
        most: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let (from, to) = bounds(days);
        // What occurred on a day was recorded at most a little before it.
        let early = TimeDelta::from_std(policy::EARLY).unwrap_or_default();
        let first = micros(from.checked_sub_signed(early).unwrap_or_default());
        let (at, name) = match &after {
            Some((at, event)) if micros(*at) >= first => (micros(*at), event.as_str()),
            _ => (first, ""),
        };
        let values = vec![
            org.uuid().into(),
            at.into(),
            name.into(),
            micros(from).into(),
            micros(to).into(),
            i64::from(most).into(),
        ];
        let rows = self.db.ask(select(self.db.reader(), ENTRIES, values)).await?;
        Ok(rows.iter().map(entry).collect::<Result<_, Failure>>()?)
    }
}
