//! A batch of drafts, decided in their order within one transaction.
use std::collections::{BTreeSet, HashMap};

use kernel::{OrgId, StoreError, Timestamp};
use usage_core::{Admitted, Draft, EntryKind, policy};
use uuid::Uuid;

use super::key::Payer;
use super::reservation::Overdue;
use super::row::{self, Changes, EventRow, stored};
use super::sheet::{Sheet, wall};
use super::standing::{Standing, Standings, lock};
use crate::error::Failure;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::{micros, without_zero};

/// What a batch is decided upon, as it becomes while it is decided.
struct Desk<'a> {
    standings: Standings,
    sheet: Sheet,
    overdue: Overdue,
    /// The fingerprints of names that are in the ledger.
    known: HashMap<(Uuid, &'a str), Vec<u8>>,
    changes: Changes,
}

/// [`usage_core::Ledger::admit`].
pub(crate) async fn admit(tx: &Tx, default: &str, drafts: &[&Draft]) -> Result<Step<Vec<Admitted>>, Failure> {
    let mut desk = Desk::open(tx, default, drafts).await?;
    let answers = drafts.iter().map(|draft| desk.decide(draft)).collect::<Result<Vec<_>, _>>()?;
    if desk.changes.events.is_empty() && desk.overdue.is_empty() {
        return Ok(RollBack(answers));
    }
    desk.overdue.write(&**tx).await?;
    row::write(&**tx, &desk.changes, &desk.sheet.moved()).await?;
    Ok(Commit(answers))
}

fn key(draft: &Draft) -> (Uuid, &str) {
    (draft.org.uuid(), draft.event.as_str())
}

/// Who pays for a draft at a moment.
fn payer(draft: &Draft, standing: &Standing, at: Timestamp) -> Payer {
    Payer::at(draft.org, draft.user, standing.anchor, stored(at))
}

impl<'a> Desk<'a> {
    async fn open(tx: &Tx, default: &str, drafts: &[&'a Draft]) -> Result<Self, Failure> {
        let orgs: BTreeSet<Uuid> = drafts.iter().map(|draft| draft.org.uuid()).collect();
        let standings = lock(&**tx, default, &orgs).await?;
        let active = |draft: &&&'a Draft| standings.active(draft.org).is_some();
        let mut sheet = Sheet::default();
        let payers = drafts.iter().filter_map(|draft| standings.active(draft.org).map(|standing| (draft, standing)));
        let counters = payers.flat_map(|(draft, standing)| {
            let moments = [Some(draft.received_at), draft.occurred_at];
            moments.into_iter().flatten().flat_map(|at| payer(draft, standing, at).keys().each())
        });
        sheet.load(&**tx, counters).await?;
        let until = drafts.iter().map(|draft| draft.received_at).max().unwrap_or_default();
        let overdue = Overdue::load(&**tx, &mut sheet, until).await?;
        let names: BTreeSet<(Uuid, &'a str)> = drafts.iter().filter(active).map(|draft| key(draft)).collect();
        let names: Vec<_> = names.into_iter().collect();
        let mut known = HashMap::new();
        for (place, fingerprint) in row::known(&**tx, &names).await? {
            known.extend(names.get(place).map(|name| (*name, fingerprint)));
        }
        Ok(Self { standings, sheet, overdue, known, changes: Changes::default() })
    }

    fn decide(&mut self, draft: &'a Draft) -> Result<Admitted, StoreError> {
        let received = stored(draft.received_at);
        let Some(standing) = self.standings.active(draft.org) else { return Ok(Admitted::NoOrg) };
        self.overdue.expire(&mut self.sheet, draft.org, received);
        let terms = standing.terms(received)?;
        let fingerprint = draft.fingerprint();
        if let Some(known) = self.known.get(&key(draft)) {
            if *known != fingerprint {
                return Ok(Admitted::Conflict);
            }
            return Ok(Admitted::Duplicate(self.sheet.tally(&payer(draft, standing, received), terms)?));
        }
        if draft.event.is_the_ledgers_own() {
            return Ok(Admitted::Conflict);
        }
        let at = stored(draft.at());
        if !policy::in_time(at, received) {
            return Ok(Admitted::OutOfTime);
        }
        let payer = payer(draft, standing, at);
        let before = self.sheet.tally(&payer, terms)?;
        if let Some(wall) = wall(&before, draft.quantity.get()) {
            return Ok(Admitted::OverLimit(wall, before));
        }
        let quantity = i64::try_from(draft.quantity.get()).map_err(StoreError::broken)?;
        self.sheet.add_all(payer.keys(), quantity, 0);
        let after = self.sheet.tally(&payer, terms)?;
        self.changes.record(ledger_row(draft, quantity, &payer, &fingerprint));
        self.known.insert(key(draft), fingerprint.to_vec());
        Ok(Admitted::Recorded(after))
    }
}

fn ledger_row(draft: &Draft, quantity: i64, payer: &Payer, fingerprint: &[u8]) -> EventRow {
    EventRow {
        org: OrgId::uuid(draft.org),
        event: draft.event.as_str().to_owned(),
        kind: EntryKind::Call,
        user: draft.user.map(kernel::UserId::uuid),
        service: Some(draft.service.as_str().to_owned()),
        action: draft.action.as_ref().map(|action| action.as_str().to_owned()),
        quantity,
        occurred_at: micros(draft.at()),
        recorded_at: micros(draft.received_at),
        month_start: micros(payer.month.start),
        fingerprint: fingerprint.to_vec(),
        metadata: draft.metadata.as_deref().map(without_zero),
    }
}
