//! A batch of drafts, decided in their order within one transaction.
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use kernel::{OrgId, StoreError, Timestamp};
use usage_core::{Admitted, Draft, EntryKind, policy};
use uuid::Uuid;

use super::key::Payer;
use super::reservation::Overdue;
use super::row::{self, Changes, EventRow, stored};
use super::sheet::{Sheet, wall};
use super::standing::{Standing, Standings, lock_free, lock_soon};
use crate::error::Failure;
use crate::transaction::{
    Step::{self, Commit, RollBack},
    Tx,
};
use crate::value::{micros, without_zero};

/// What a batch is decided upon, as it becomes while it is decided.
#[derive(Clone)]
struct Desk<'a> {
    standings: Standings,
    /// The organizations that somebody else holds.
    held: BTreeSet<Uuid>,
    sheet: Sheet,
    overdue: Overdue,
    /// The fingerprints of names that are in the ledger.
    known: HashMap<(Uuid, &'a str), Vec<u8>>,
    changes: Changes,
}

/// What became of a draft; nothing where somebody else holds its organization.
type Answer = Option<Admitted>;

/// How a batch is gone about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Whether it waits a little for whoever holds one of its organizations.
    pub(crate) wait: bool,
    /// Whether it is written without looking first which names are there.
    pub(crate) hopeful: bool,
}

/// How long a batch waits that nothing else waits behind.
const SOON: Duration = Duration::from_millis(50);

/// [`usage_core::Ledger::admit`], for the organizations that nobody else holds.
///
/// Hopefully no name is in the ledger yet: if all drafts can then be recorded they are written without looking, and the ledger's own key
/// finds those that were there after all ([`Failure::Outdated`]: to be begun again without hope).
pub(crate) async fn admit(
    tx: &Tx,
    default: &str,
    drafts: &[&Draft],
    manner: Manner,
) -> Result<Step<Vec<Answer>>, Failure> {
    let orgs: BTreeSet<Uuid> = drafts.iter().map(|draft| draft.org.uuid()).collect();
    let locked = if manner.wait {
        match lock_soon(&**tx, default, &orgs, SOON).await? {
            Some(standings) => (standings, BTreeSet::new()),
            None => return Ok(RollBack(vec![None; drafts.len()])),
        }
    } else {
        lock_free(&**tx, default, &orgs).await?
    };
    let mut desk = Desk::open(tx, locked, drafts).await?;
    if manner.hopeful {
        let mut hopeful = desk.clone();
        let answers = hopeful.answers(drafts)?;
        if answers.iter().all(|answer| matches!(answer, None | Some(Admitted::Recorded(_)))) {
            return hopeful.write(tx, answers).await;
        }
    }
    desk.look_up(tx, drafts).await?;
    let answers = desk.answers(drafts)?;
    desk.write(tx, answers).await
}

fn key(draft: &Draft) -> (Uuid, &str) {
    (draft.org.uuid(), draft.event.as_str())
}

/// Who pays for a draft at a moment.
fn payer(draft: &Draft, standing: &Standing, at: Timestamp) -> Payer {
    Payer::at(draft.org, draft.user, standing.anchor, stored(at))
}

impl<'a> Desk<'a> {
    async fn open(
        tx: &Tx,
        (standings, held): (Standings, BTreeSet<Uuid>),
        drafts: &[&'a Draft],
    ) -> Result<Self, Failure> {
        let mut sheet = Sheet::default();
        let payers = drafts.iter().filter_map(|draft| standings.active(draft.org).map(|standing| (draft, standing)));
        let counters = payers.flat_map(|(draft, standing)| {
            let moments = [Some(draft.received_at), draft.occurred_at];
            moments.into_iter().flatten().flat_map(|at| payer(draft, standing, at).keys().each())
        });
        sheet.load(&**tx, counters).await?;
        let until = drafts.iter().map(|draft| draft.received_at).max().unwrap_or_default();
        let overdue = Overdue::load(&**tx, &mut sheet, until).await?;
        Ok(Self { standings, held, sheet, overdue, known: HashMap::new(), changes: Changes::default() })
    }

    /// Which of the drafts' names are in the ledger.
    async fn look_up(&mut self, tx: &Tx, drafts: &[&'a Draft]) -> Result<(), Failure> {
        let active = |draft: &&&'a Draft| self.standings.active(draft.org).is_some();
        let names: BTreeSet<(Uuid, &'a str)> = drafts.iter().filter(active).map(|draft| key(draft)).collect();
        let names: Vec<_> = names.into_iter().collect();
        for (place, fingerprint) in row::known(&**tx, &names).await? {
            self.known.extend(names.get(place).map(|name| (*name, fingerprint)));
        }
        Ok(())
    }

    /// Commits what was decided, if that is anything.
    async fn write(self, tx: &Tx, answers: Vec<Answer>) -> Result<Step<Vec<Answer>>, Failure> {
        if self.changes.events.is_empty() && self.overdue.is_empty() {
            return Ok(RollBack(answers));
        }
        self.overdue.write(&**tx).await?;
        row::write(&**tx, &self.changes, &self.sheet.moved()).await?;
        Ok(Commit(answers))
    }

    fn answers(&mut self, drafts: &[&'a Draft]) -> Result<Vec<Answer>, StoreError> {
        drafts.iter().map(|draft| self.answer(draft)).collect()
    }

    fn answer(&mut self, draft: &'a Draft) -> Result<Answer, StoreError> {
        if self.held.contains(&draft.org.uuid()) { Ok(None) } else { self.decide(draft).map(Some) }
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
        if !policy::counts(draft.occurred_at.map(stored), received, standing.made) {
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
