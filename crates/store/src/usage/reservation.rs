//! Quantity that is held for calls under way.
use std::collections::{BTreeSet, HashMap, VecDeque};

use kernel::{OrgId, Period, ReservationId, StoreError, Timestamp, UserId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use usage_core::{EntryKind, EventId, Held, Hold, Quantity, Released, Settled, Tally};
use uuid::Uuid;

use super::key::{Keys, Payer};
use super::row::{self, Changes, EventRow, among, ids, run, select, stored};
use super::sheet::{Sheet, wall};
use super::standing::{Standing, Standings, lock};
use crate::error::{Failure, bad_column};
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::{from_micros, micros, number};

const COLUMNS: &str = "SELECT org_id, id, user_id, service, quantity, state, created_at, expires_at, settled_quantity, \
     month_start, day_start FROM usage_reservation";

/// If not as many are open as may be: what is counted are the entries of one index, and not more of them than that.
const INSERT: &str = "INSERT INTO usage_reservation (org_id, id, user_id, service, quantity, state, created_at, expires_at, \
     settled_quantity, month_start, day_start) SELECT $1, $2, $3, $4, $5, 'open', $6, $7, NULL, $8, $9 \
     WHERE (SELECT COUNT(*) FROM (SELECT 1 FROM usage_reservation \
     WHERE org_id = $1 AND state = 'open' AND expires_at > $6 LIMIT $10) AS others) < $10";

/// When the first of those that are open ends by itself.
const FIRST_END: &str = "SELECT expires_at FROM usage_reservation WHERE org_id = $1 AND state = 'open' AND expires_at > $2 \
     ORDER BY expires_at LIMIT 1";

const END: &str = "UPDATE usage_reservation SET state = $3, settled_quantity = $4 \
     WHERE org_id = $1 AND id = $2 AND state = 'open'";

const RAN_OUT: &str = "SELECT org_id, id FROM usage_reservation WHERE state = 'open' AND expires_at <= $1 \
     ORDER BY expires_at, id LIMIT $2";

/// The same on PostgreSQL, of organizations that nobody else holds, which are then ours.
const RAN_OUT_FREE: &str = "SELECT r.org_id, r.id FROM usage_reservation r JOIN usage_account a ON a.org_id = r.org_id \
     WHERE r.state = 'open' AND r.expires_at <= $1 ORDER BY r.expires_at, r.id LIMIT $2 FOR UPDATE OF a SKIP LOCKED";

/// Whether quantity is still held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Settled,
    Released,
    Expired,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Settled, Self::Released, Self::Expired].into_iter().find(|state| state.as_str() == text)
    }
}

/// A row.
#[derive(Debug, Clone)]
struct Reservation {
    org: Uuid,
    id: Uuid,
    user: Option<Uuid>,
    service: String,
    quantity: i64,
    state: State,
    created_at: i64,
    expires_at: i64,
    settled_quantity: Option<i64>,
    month_start: i64,
    day_start: i64,
}

impl Reservation {
    fn read(row: &QueryResult) -> Result<Self, Failure> {
        let state = row.try_get_by_index::<String>(5)?;
        Ok(Self {
            org: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            user: row.try_get_by_index(2)?,
            service: row.try_get_by_index(3)?,
            quantity: row.try_get_by_index(4)?,
            state: State::parse(&state).ok_or_else(|| bad_column("usage_reservation.state"))?,
            created_at: row.try_get_by_index(6)?,
            expires_at: row.try_get_by_index(7)?,
            settled_quantity: row.try_get_by_index(8)?,
            month_start: row.try_get_by_index(9)?,
            day_start: row.try_get_by_index(10)?,
        })
    }

    fn keys(&self) -> Keys {
        Keys::new(self.org, self.user, self.month_start, self.day_start)
    }

    /// Who pays, in the periods of the hold. Months may since be counted from another day: then the month lasts as long as one does.
    fn payer(&self, standing: &Standing) -> Payer {
        let (created, start) = (from_micros(self.created_at), from_micros(self.month_start));
        let user = self.user.map(UserId::from_uuid);
        let mut payer = Payer::at(OrgId::from_uuid(self.org), user, standing.anchor, created);
        if payer.month.start != start {
            payer.month = Period::month(start, start);
        }
        payer
    }

    fn ledger_row(&self, quantity: i64, now: Timestamp) -> EventRow {
        EventRow {
            org: self.org,
            event: EventId::of_reservation(ReservationId::from_uuid(self.id)).as_str().to_owned(),
            kind: EntryKind::Settled,
            user: self.user,
            service: Some(self.service.clone()),
            action: None,
            quantity,
            occurred_at: self.created_at,
            recorded_at: micros(now),
            month_start: self.month_start,
            fingerprint: Vec::new(),
            metadata: None,
        }
    }
}

async fn find(tx: &impl ConnectionTrait, org: OrgId, id: ReservationId) -> Result<Option<Reservation>, Failure> {
    let sql = format!("{COLUMNS} WHERE org_id = $1 AND id = $2");
    let rows = select(tx, &sql, vec![org.uuid().into(), id.uuid().into()]).await?;
    rows.first().map(Reservation::read).transpose()
}

/// Reservations that have run out, or will while the transaction's calls are decided.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overdue {
    waiting: HashMap<Uuid, VecDeque<Reservation>>,
    expired: Vec<(Uuid, Uuid)>,
}

impl Overdue {
    /// What runs out until then, of the organizations of which the sheet says that something is held. Its counters are loaded.
    pub(crate) async fn load(tx: &impl ConnectionTrait, sheet: &mut Sheet, until: Timestamp) -> Result<Self, Failure> {
        let orgs = sheet.holding();
        if orgs.is_empty() {
            return Ok(Self::default());
        }
        let backend = tx.get_database_backend();
        let orgs_match = among(backend, "org_id", 1);
        let sql =
            format!("{COLUMNS} WHERE {orgs_match} AND state = 'open' AND expires_at <= $2 ORDER BY expires_at, id");
        let rows = select(tx, &sql, vec![ids(backend, &orgs), micros(until).into()]).await?;
        let mut overdue = Self::default();
        for row in &rows {
            let reservation = Reservation::read(row)?;
            overdue.waiting.entry(reservation.org).or_default().push_back(reservation);
        }
        sheet.load(tx, overdue.waiting.values().flatten().flat_map(|reservation| reservation.keys().each())).await?;
        Ok(overdue)
    }

    /// Gives back what has run out of an organization at this moment.
    pub(crate) fn expire(&mut self, sheet: &mut Sheet, org: OrgId, at: Timestamp) {
        let Some(waiting) = self.waiting.get_mut(&org.uuid()) else { return };
        while let Some(gone) = waiting.pop_front_if(|next| next.expires_at <= micros(at)) {
            sheet.add_all(gone.keys(), 0, -gone.quantity);
            self.expired.push((gone.org, gone.id));
        }
    }

    /// Whether anything was given back.
    pub(crate) fn is_empty(&self) -> bool {
        self.expired.is_empty()
    }

    /// Writes that they have run out.
    pub(crate) async fn write(&self, tx: &impl ConnectionTrait) -> Result<(), Failure> {
        if self.expired.is_empty() {
            return Ok(());
        }
        let backend = tx.get_database_backend();
        let (orgs, these) = (among(backend, "org_id", 1), among(backend, "id", 2));
        let sql = format!("UPDATE usage_reservation SET state = 'expired' WHERE {orgs} AND {these} AND state = 'open'");
        let owners: BTreeSet<Uuid> = self.expired.iter().map(|(org, _)| *org).collect();
        let expired = ids(backend, self.expired.iter().map(|(_, id)| id));
        run(tx, &sql, vec![ids(backend, &owners), expired]).await?;
        Ok(())
    }
}

/// The counters of one call, without what has run out.
async fn open_sheet(tx: &Tx, org: OrgId, keys: Keys, at: Timestamp) -> Result<(Sheet, Overdue), Failure> {
    let mut sheet = Sheet::default();
    sheet.load(&**tx, keys.each()).await?;
    let mut overdue = Overdue::load(&**tx, &mut sheet, at).await?;
    overdue.expire(&mut sheet, org, at);
    Ok((sheet, overdue))
}

async fn close(tx: &Tx, sheet: &Sheet, overdue: &Overdue, changes: &Changes) -> Result<(), Failure> {
    overdue.write(&**tx).await?;
    row::write(&**tx, changes, &sheet.moved()).await
}

async fn lock_one(tx: &Tx, default: &str, org: OrgId) -> Result<Standings, Failure> {
    lock(&**tx, default, &BTreeSet::from([org.uuid()])).await
}

fn signed(quantity: Quantity) -> Result<i64, StoreError> {
    i64::try_from(quantity.get()).map_err(StoreError::broken)
}

/// [`usage_core::Ledger::hold`].
pub(crate) async fn hold(tx: &Tx, default: &str, hold: &Hold) -> Result<Step<Held>, Failure> {
    let standings = lock_one(tx, default, hold.org).await?;
    let Some(standing) = standings.active(hold.org) else { return Ok(RollBack(Held::NoOrg)) };
    let at = stored(hold.at);
    let payer = Payer::at(hold.org, hold.user, standing.anchor, at);
    let keys = payer.keys();
    let (mut sheet, overdue) = open_sheet(tx, hold.org, keys, at).await?;
    let terms = standing.terms(at)?;
    let before = sheet.tally(&payer, terms)?;
    if let Some(wall) = wall(&before, hold.quantity.get()) {
        return Ok(RollBack(Held::OverLimit(wall, before)));
    }
    let quantity = signed(hold.quantity)?;
    sheet.add_all(keys, 0, quantity);
    let values = vec![
        hold.org.uuid().into(),
        hold.id.uuid().into(),
        hold.user.map(UserId::uuid).into(),
        hold.service.as_str().into(),
        quantity.into(),
        micros(at).into(),
        micros(hold.expires_at).into(),
        keys.month.start.into(),
        keys.day.start.into(),
        i64::from(Hold::MOST_OPEN).into(),
    ];
    if run(&**tx, INSERT, values).await? == 0 {
        return Ok(RollBack(Held::TooMany(first_end(tx, hold.org, at).await?)));
    }
    close(tx, &sheet, &overdue, &Changes::default()).await?;
    Ok(Commit(Held::Held(sheet.tally(&payer, terms)?)))
}

/// When the first of the organization's open reservations ends: there are some.
async fn first_end(tx: &Tx, org: OrgId, at: Timestamp) -> Result<Timestamp, Failure> {
    let rows = select(&**tx, FIRST_END, vec![org.uuid().into(), micros(at).into()]).await?;
    let row = rows.first().ok_or_else(|| StoreError::broken("so many are open, and none of them ends"))?;
    Ok(from_micros(row.try_get_by_index(0)?))
}

async fn end(tx: &Tx, reservation: &Reservation, state: State, quantity: Option<i64>) -> Result<(), Failure> {
    let values = vec![reservation.org.into(), reservation.id.into(), state.as_str().into(), quantity.into()];
    run(&**tx, END, values).await?;
    Ok(())
}

/// [`usage_core::Ledger::settle`].
pub(crate) async fn settle(
    tx: &Tx,
    default: &str,
    (org, id): (OrgId, ReservationId),
    quantity: Quantity,
    now: Timestamp,
) -> Result<Step<Settled>, Failure> {
    let standings = lock_one(tx, default, org).await?;
    let Some(standing) = standings.of(org) else { return Ok(RollBack(Settled::NotFound)) };
    let Some(held) = find(&**tx, org, id).await? else { return Ok(RollBack(Settled::NotFound)) };
    let now = stored(now);
    let cost = signed(quantity)?;
    let (terms, payer) = (standing.terms(now)?, held.payer(standing));
    let settled_so = held.state == State::Settled && held.settled_quantity == Some(cost);
    let open = held.state == State::Open && held.expires_at > micros(now);
    if !settled_so && !open {
        return Ok(RollBack(Settled::Ended));
    }
    let (mut sheet, overdue) = open_sheet(tx, org, held.keys(), now).await?;
    let before = sheet.tally(&payer, terms)?;
    if settled_so {
        return Ok(RollBack(Settled::Settled(before)));
    }
    let excess = quantity.get().saturating_sub(number("usage_reservation.quantity", held.quantity)?);
    if let Some(wall) = (excess > 0).then(|| wall(&before, excess)).flatten() {
        return Ok(RollBack(Settled::OverLimit(wall, before)));
    }
    sheet.add_all(held.keys(), cost, -held.quantity);
    end(tx, &held, State::Settled, Some(cost)).await?;
    let mut changes = Changes::default();
    changes.record(held.ledger_row(cost, now));
    close(tx, &sheet, &overdue, &changes).await?;
    let after: Tally = sheet.tally(&payer, terms)?;
    Ok(Commit(Settled::Settled(after)))
}

/// [`usage_core::Ledger::release`].
pub(crate) async fn release(
    tx: &Tx,
    default: &str,
    (org, id): (OrgId, ReservationId),
) -> Result<Step<Released>, Failure> {
    lock_one(tx, default, org).await?;
    let Some(held) = find(&**tx, org, id).await? else { return Ok(RollBack(Released::NotFound)) };
    match held.state {
        State::Settled => return Ok(RollBack(Released::Settled)),
        State::Released | State::Expired => return Ok(RollBack(Released::Released)),
        State::Open => {}
    }
    let mut sheet = Sheet::default();
    sheet.load(&**tx, held.keys().each()).await?;
    sheet.add_all(held.keys(), 0, -held.quantity);
    end(tx, &held, State::Released, None).await?;
    row::write(&**tx, &Changes::default(), &sheet.moved()).await?;
    Ok(Commit(Released::Released))
}

/// [`usage_core::Ledger::expire`].
pub(crate) async fn expire(tx: &Tx, now: Timestamp, most: u32) -> Result<Step<u64>, Failure> {
    let backend = tx.get_database_backend();
    let ran_out = if backend == DbBackend::Postgres { RAN_OUT_FREE } else { RAN_OUT };
    let found = select(&**tx, ran_out, vec![micros(now).into(), i64::from(most).into()]).await?;
    let pair = |row: &QueryResult| Ok((row.try_get_by_index::<Uuid>(0)?, row.try_get_by_index::<Uuid>(1)?));
    let found = found.iter().map(pair).collect::<Result<Vec<_>, Failure>>()?;
    let orgs: BTreeSet<Uuid> = found.iter().map(|(org, _)| *org).collect();
    if orgs.is_empty() {
        return Ok(RollBack(0));
    }
    // Under the lock once more: somebody else may have ended some of them meanwhile.
    let (of_orgs, these) = (among(backend, "org_id", 1), among(backend, "id", 2));
    let sql = format!("{COLUMNS} WHERE {of_orgs} AND {these} AND state = 'open'");
    let values = vec![ids(backend, &orgs), ids(backend, found.iter().map(|(_, id)| id))];
    let rows = select(&**tx, &sql, values).await?;
    let gone = rows.iter().map(Reservation::read).collect::<Result<Vec<_>, Failure>>()?;
    let mut sheet = Sheet::default();
    sheet.load(&**tx, gone.iter().flat_map(|gone| gone.keys().each())).await?;
    for gone in &gone {
        sheet.add_all(gone.keys(), 0, -gone.quantity);
    }
    let expired: Vec<_> = gone.iter().map(|gone| (gone.org, gone.id)).collect();
    let many = u64::try_from(expired.len()).unwrap_or(u64::MAX);
    close(tx, &sheet, &Overdue { waiting: HashMap::new(), expired }, &Changes::default()).await?;
    Ok(Commit(many))
}
