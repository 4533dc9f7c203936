//! Compensating entries that set counters back to zero.
use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::{OrgId, Record};
use usage_core::{EntryKind, EventId, Tally, policy};
use uuid::Uuid;

use super::key::{Keys, Payer};
use super::reservation::Overdue;
use super::row::{self, Changes, DAY_OF_ROW, EventRow, WHOLE_QUANTITY, fitting, select, stored, whole};
use super::sheet::Sheet;
use super::standing::lock;
use crate::error::Failure;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::micros;

/// What is to be compensated: the entries of one user, day and month.
struct Sum {
    user: Option<Uuid>,
    month: i64,
    day: i64,
    quantity: i64,
    last: i64,
}

/// [`usage_core::Ledger::reset`].
pub(crate) async fn reset(tx: &Tx, default: &str, org: OrgId, record: &Record) -> Result<Step<Option<Tally>>, Failure> {
    let standings = lock(&**tx, default, &BTreeSet::from([org.uuid()])).await?;
    let Some(standing) = standings.of(org) else { return Ok(RollBack(None)) };
    let now = stored(record.at);
    let payer = Payer::at(org, None, standing.anchor, now);
    let sums = sums(tx, &payer).await?;
    let (mut sheet, mut changes) = (Sheet::default(), Changes::default());
    let keys = |sum: &Sum| Keys::new(org.uuid(), sum.user, sum.month, sum.day);
    sheet.load(&**tx, payer.keys().each().chain(sums.iter().flat_map(|sum| keys(sum).each()))).await?;
    let mut overdue = Overdue::load(&**tx, &mut sheet, now).await?;
    overdue.expire(&mut sheet, org, now);
    for (place, sum) in sums.iter().enumerate() {
        sheet.add_all(keys(sum), -sum.quantity, 0);
        changes.record(EventRow {
            org: org.uuid(),
            event: EventId::of_reset(record.id, place).as_str().to_owned(),
            kind: EntryKind::Reset,
            user: sum.user,
            service: None,
            action: None,
            quantity: -sum.quantity,
            occurred_at: sum.last,
            recorded_at: micros(now),
            month_start: sum.month,
            fingerprint: Vec::new(),
            metadata: None,
        });
    }
    overdue.write(&**tx).await?;
    row::write(&**tx, &changes, &sheet.moved()).await?;
    Ok(Commit(Some(sheet.tally(&payer, standing.terms(now)?)?)))
}

/// The entries of the payer's month and day that do not sum to zero.
async fn sums(tx: &Tx, payer: &Payer) -> Result<Vec<Sum>, Failure> {
    let sql = format!(
        "SELECT user_id, month_start, {DAY_OF_ROW}, MAX(occurred_at), {WHOLE_QUANTITY} FROM usage_event \
         WHERE org_id = $1 AND recorded_at > 0 AND recorded_at >= $2 \
         AND (month_start = $3 OR (occurred_at >= $4 AND occurred_at < $5)) \
         GROUP BY user_id, month_start, {DAY_OF_ROW} ORDER BY 3, 2, 1"
    );
    // An entry may have been recorded a little before it occurred.
    let early = TimeDelta::from_std(policy::EARLY).unwrap_or_default();
    let since = payer.month.start.min(payer.day.start).checked_sub_signed(early).unwrap_or_default();
    let keys = payer.keys();
    let values = vec![
        payer.org.uuid().into(),
        micros(since).into(),
        keys.month.start.into(),
        keys.day.start.into(),
        micros(payer.day.end).into(),
    ];
    let mut sums = Vec::new();
    for row in &select(&**tx, &sql, values).await? {
        let quantity = fitting(whole(row, 4)?)?;
        if quantity != 0 {
            let (user, month) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            sums.push(Sum { user, month, day: row.try_get_by_index(2)?, last: row.try_get_by_index(3)?, quantity });
        }
    }
    Ok(sums)
}
