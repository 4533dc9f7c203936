//! What is derived from the ledger: as it is kept, and as it should be.
use std::collections::{BTreeMap, BTreeSet};

use kernel::{OrgId, StoreError, UserId};
use sea_orm::{ConnectionTrait, QueryResult};
use usage_core::{Difference, policy};
use uuid::Uuid;

use super::key::{CounterKey, Keys, Span};
use super::row::{Changes, DAY_OF_ROW, DayKey, DaySum, TotalKey, WHOLE_QUANTITY, fitting, select, whole};
use super::sheet::Line;
use crate::error::{Failure, bad_column};
use crate::value::from_micros;

/// The most differences that are told.
const MOST_DIFFERENCES: usize = 100;

const HELD: &str = "SELECT user_id, month_start, day_start, CAST(SUM(quantity / 1000000000) AS BIGINT), \
     CAST(SUM(quantity % 1000000000) AS BIGINT) FROM usage_reservation WHERE org_id = $1 AND state = 'open' \
     GROUP BY user_id, month_start, day_start";

const COUNTERS: &str = "SELECT subject, span, period_start, used, reserved FROM usage_counter WHERE org_id = $1";

const TOTALS: &str = "SELECT day, service, events, quantity FROM usage_total WHERE org_id = $1";

const DAYS: &str = "SELECT day, service, user_id, events, quantity FROM usage_day WHERE org_id = $1";

/// One organization's numbers. What is zero may be missing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Derived {
    /// What was used and what is held.
    counters: BTreeMap<CounterKey, (i128, i128)>,
    /// Events and their quantity.
    days: BTreeMap<DayKey, (i128, i128)>,
    /// The same over all users.
    totals: BTreeMap<TotalKey, (i128, i128)>,
    /// How many ledger rows these come from.
    pub(crate) entries: u64,
}

fn add<K: Ord>(sums: &mut BTreeMap<K, (i128, i128)>, key: K, (first, second): (i128, i128)) {
    let sum = sums.entry(key).or_default();
    *sum = (sum.0.saturating_add(first), sum.1.saturating_add(second));
}

impl Derived {
    /// The sums over the ledger and over what is held.
    pub(crate) async fn from_ledger(db: &impl ConnectionTrait, org: OrgId) -> Result<Self, Failure> {
        let mut derived = Self::default();
        derived.add_ledger(db, org, None).await?;
        derived.add_held(db, org).await?;
        Ok(derived)
    }

    /// Adds the ledger's rows; those behind this one, when it is given, of which only SQLite knows.
    pub(crate) async fn add_ledger(
        &mut self,
        db: &impl ConnectionTrait,
        org: OrgId,
        behind: Option<i64>,
    ) -> Result<(), Failure> {
        // The plus keeps the index of the organization's names out: there are few rows behind the last one.
        let rows = if behind.is_some() { "+org_id = $1 AND rowid > $2" } else { "org_id = $1" };
        let sql = format!(
            "SELECT user_id, month_start, {DAY_OF_ROW}, CASE WHEN kind = 'reset' THEN NULL ELSE service END, \
             COUNT(*), {WHOLE_QUANTITY} FROM usage_event WHERE {rows} GROUP BY 1, 2, 3, 4"
        );
        let values = [org.uuid().into()].into_iter().chain(behind.map(Into::into)).collect();
        for row in &select(db, &sql, values).await? {
            self.add_entries(org.uuid(), row)?;
        }
        Ok(())
    }

    /// Adds what is held.
    pub(crate) async fn add_held(&mut self, db: &impl ConnectionTrait, org: OrgId) -> Result<(), Failure> {
        for row in &select(db, HELD, vec![org.uuid().into()]).await? {
            let held = whole(row, 3)?;
            let (user, month, day) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            for key in Keys::new(org.uuid(), user, month, day).each() {
                add(&mut self.counters, key, (0, held));
            }
        }
        Ok(())
    }

    fn add_entries(&mut self, org: Uuid, row: &QueryResult) -> Result<(), Failure> {
        let user = row.try_get_by_index::<Option<Uuid>>(0)?;
        let (month, day) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let entries = row.try_get_by_index::<i64>(4)?;
        let quantity = whole(row, 5)?;
        for key in Keys::new(org, user, month, day).each() {
            add(&mut self.counters, key, (quantity, 0));
        }
        if let Some(service) = row.try_get_by_index::<Option<String>>(3)? {
            let key = DayKey { org, day, service, user: user.unwrap_or_default() };
            add(&mut self.totals, key.total(), (entries.into(), quantity));
            add(&mut self.days, key, (entries.into(), quantity));
        }
        self.entries = self.entries.saturating_add(u64::try_from(entries).unwrap_or(0));
        Ok(())
    }

    /// What the tables say.
    pub(crate) async fn kept(db: &impl ConnectionTrait, org: OrgId) -> Result<Self, Failure> {
        let org_id = org.uuid();
        let mut kept = Self::default();
        for row in &select(db, COUNTERS, vec![org_id.into()]).await? {
            let (subject, span) = (row.try_get_by_index::<String>(0)?, row.try_get_by_index::<String>(1)?);
            let user = (!subject.is_empty()).then(|| subject.parse::<Uuid>().ok());
            let user = user.map(|user| user.ok_or_else(|| bad_column("usage_counter.subject"))).transpose()?;
            let span = Span::parse(&span).ok_or_else(|| bad_column("usage_counter.span"))?;
            let key = CounterKey { org: org_id, user, span, start: row.try_get_by_index(2)? };
            let sums = (row.try_get_by_index::<i64>(3)?, row.try_get_by_index::<i64>(4)?);
            add(&mut kept.counters, key, (sums.0.into(), sums.1.into()));
        }
        for row in &select(db, DAYS, vec![org_id.into()]).await? {
            let (day, service) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let key = DayKey { org: org_id, day, service, user: row.try_get_by_index(2)? };
            let (events, quantity) = (row.try_get_by_index::<i64>(3)?, row.try_get_by_index::<i64>(4)?);
            add(&mut kept.days, key, (events.into(), quantity.into()));
        }
        for row in &select(db, TOTALS, vec![org_id.into()]).await? {
            let key = TotalKey { org: org_id, day: row.try_get_by_index(0)?, service: row.try_get_by_index(1)? };
            let (events, quantity) = (row.try_get_by_index::<i64>(2)?, row.try_get_by_index::<i64>(3)?);
            add(&mut kept.totals, key, (events.into(), quantity.into()));
        }
        Ok(kept)
    }

    /// As rows.
    pub(crate) fn rows(&self) -> Result<(Changes, Vec<(CounterKey, Line)>), StoreError> {
        let line = |(key, sum): (&CounterKey, &(i128, i128))| Ok((*key, Line::new(fitting(sum.0)?, fitting(sum.1)?)));
        let day = |(key, sum): (&DayKey, &(i128, i128))| {
            Ok((key.clone(), DaySum { events: fitting(sum.0)?, quantity: fitting(sum.1)? }))
        };
        let days = self.days.iter().map(day).collect::<Result<_, StoreError>>()?;
        let lines = self.counters.iter().map(line).collect::<Result<_, StoreError>>()?;
        Ok((Changes { events: Vec::new(), days }, lines))
    }

    /// Where these, which are kept, are not the sums of the ledger.
    pub(crate) fn differences(&self, ledger: &Self, org: OrgId) -> Vec<Difference> {
        let mut found = Vec::new();
        compare(&self.counters, &ledger.counters, |key, counted, summed| {
            let what = of_counter(key);
            push(&mut found, org, what.clone(), (counted.0, summed.0));
            push(&mut found, org, format!("reserved {what}"), (counted.1, summed.1));
        });
        compare(&self.days, &ledger.days, |key, counted, summed| {
            let user = of_user((!key.user.is_nil()).then_some(key.user));
            of_history(
                &mut found,
                org,
                &format!("history {} {}{user}", start(key.day), key.service),
                (counted, summed),
            );
        });
        compare(&self.totals, &ledger.totals, |key, counted, summed| {
            of_history(&mut found, org, &format!("total {} {}", start(key.day), key.service), (counted, summed));
        });
        found.truncate(MOST_DIFFERENCES);
        found
    }
}

/// Each number that either has, as both have it.
fn compare<K: Ord>(
    counted: &BTreeMap<K, (i128, i128)>,
    summed: &BTreeMap<K, (i128, i128)>,
    mut see: impl FnMut(&K, (i128, i128), (i128, i128)),
) {
    let of = |sums: &BTreeMap<K, (i128, i128)>, key: &K| sums.get(key).copied().unwrap_or_default();
    for key in counted.keys().chain(summed.keys()).collect::<BTreeSet<_>>() {
        see(key, of(counted, key), of(summed, key));
    }
}

fn push(found: &mut Vec<Difference>, org: OrgId, what: String, (counted, ledger): (i128, i128)) {
    let clamped = |number: i128| i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX });
    if counted != ledger {
        found.push(Difference { org, what, counted: clamped(counted), ledger: clamped(ledger) });
    }
}

/// Events and quantity of a row of history.
fn of_history(found: &mut Vec<Difference>, org: OrgId, what: &str, (counted, ledger): ((i128, i128), (i128, i128))) {
    push(found, org, what.to_owned(), (counted.1, ledger.1));
    push(found, org, format!("events of {what}"), (counted.0, ledger.0));
}

fn start(micros: i64) -> String {
    policy::start(from_micros(micros))
}

fn of_user(user: Option<Uuid>) -> String {
    user.map(|user| format!(" {}", UserId::from_uuid(user))).unwrap_or_default()
}

fn of_counter(key: &CounterKey) -> String {
    format!("{} {}{}", key.span.as_str(), start(key.start), of_user(key.user))
}
