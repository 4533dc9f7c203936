use std::sync::Arc;

use chrono::SubsecRound;
use kernel::{Action, Actor, Ambient, OrgId, Record, ServiceName, Timestamp, UserId, plain_text};

use crate::{ActionName, Admitted, Draft, EventId, FieldError, Ledger, Quantity, Shortfall, Tally, UsageError};

/// A call as its sender reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose quota pays.
    pub org: OrgId,
    /// By which name it is recorded once; `None` for a sender that will not report it again: then one is made.
    pub event: Option<EventId>,
    /// Who called; `None` for a call that no person made.
    pub user: Option<UserId>,
    /// Which service.
    pub service: ServiceName,
    /// What of it.
    pub action: Option<ActionName>,
    /// How much it costs.
    pub quantity: Quantity,
    /// When it happened; `None` is now.
    pub occurred_at: Option<Timestamp>,
    /// What else the sender wants to keep: a JSON object, in one spelling, at most [`Draft::MAX_METADATA`] bytes.
    pub metadata: Option<String>,
}

impl Report {
    /// One call of a service, now, without a name.
    pub const fn new(org: OrgId, service: ServiceName) -> Self {
        Self {
            org,
            event: None,
            user: None,
            service,
            action: None,
            quantity: Quantity::ONE,
            occurred_at: None,
            metadata: None,
        }
    }
}

/// A call that is in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Its name.
    pub event: EventId,
    /// Whether it was there before.
    pub duplicate: bool,
    /// The counts after it; of a duplicate today's.
    pub tally: Tally,
}

/// Records what was used, holds what is about to be, and sets back.
#[derive(Clone)]
pub struct Metering {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) ambient: Ambient,
}

impl Metering {
    /// The most events of one batch.
    pub const MAX_BATCH: usize = 1_000;
    /// The most characters of the reason for a reset.
    pub const MAX_REASON: usize = 500;

    /// The use cases over this ledger.
    pub fn new(ledger: Arc<dyn Ledger>, ambient: Ambient) -> Self {
        Self { ledger, ambient }
    }

    /// Records one call, if it fits under the limits. It is durable when this returns, and recorded once however often it is sent.
    pub async fn track(&self, report: Report) -> Result<Tracked, UsageError> {
        let draft = self.draft(report)?;
        let mut answers = self.ledger.admit(std::slice::from_ref(&draft)).await?;
        let answer = answers.pop().ok_or_else(|| unanswered(0, 1))?;
        tracked(draft, answer)
    }

    /// Records up to [`Metering::MAX_BATCH`] calls, each as if it came alone, in their order: an answer for each. What is refused does
    /// not hinder the others; a ledger that cannot answer fails the whole, and then the whole may be sent again.
    pub async fn track_batch(&self, reports: Vec<Report>) -> Result<Vec<Result<Tracked, UsageError>>, UsageError> {
        if reports.is_empty() || reports.len() > Self::MAX_BATCH {
            return Err(UsageError::Invalid("events", FieldError::Batch));
        }
        let drafted: Vec<_> = reports.into_iter().map(|report| self.draft(report)).collect();
        let drafts: Vec<Draft> = drafted.iter().filter_map(|draft| draft.as_ref().ok()).cloned().collect();
        let answers = if drafts.is_empty() { Vec::new() } else { self.ledger.admit(&drafts).await? };
        if answers.len() != drafts.len() {
            return Err(unanswered(answers.len(), drafts.len()));
        }
        let mut answers = answers.into_iter();
        let answer = |draft: Draft| answers.next().ok_or_else(|| unanswered(0, 1)).and_then(|it| tracked(draft, it));
        let mut answer = answer;
        Ok(drafted.into_iter().map(|draft| draft.and_then(&mut answer)).collect())
    }

    /// Sets an organization's month and day, and its users' months, back to zero by compensating entries: for the platform's admins.
    pub async fn reset(&self, actor: &Actor, org: OrgId, reason: Option<&str>) -> Result<Tally, UsageError> {
        let record = Record::new(&self.ambient, actor, Action::UsageReset, "organization", org).within(org);
        let record = match reason {
            Some(reason) => {
                let plain = plain_text(reason, Self::MAX_REASON);
                record.with("reason", plain.map_err(|error| UsageError::Invalid("reason", error.into()))?)
            }
            None => record,
        };
        self.ledger.reset(org, &record).await?.ok_or(UsageError::NoOrg)
    }

    fn draft(&self, report: Report) -> Result<Draft, UsageError> {
        if report.event.as_ref().is_some_and(EventId::is_the_ledgers_own) {
            return Err(UsageError::Invalid("event_id", FieldError::OwnEventId));
        }
        if report.metadata.as_ref().is_some_and(|metadata| !keeps(metadata)) {
            return Err(UsageError::Invalid("metadata", FieldError::Metadata));
        }
        Ok(Draft {
            org: report.org,
            event: report.event.unwrap_or_else(|| EventId::mint(&self.ambient)),
            user: report.user,
            service: report.service,
            action: report.action,
            quantity: report.quantity,
            occurred_at: report.occurred_at.map(|at| at.trunc_subsecs(6)),
            received_at: self.ambient.now(),
            metadata: report.metadata,
        })
    }
}

/// Whether the ledger keeps this: an object by its brackets (who parsed it knows the rest), and not too large.
fn keeps(metadata: &str) -> bool {
    metadata.len() <= Draft::MAX_METADATA && metadata.starts_with('{') && metadata.ends_with('}')
}

fn tracked(draft: Draft, answer: Admitted) -> Result<Tracked, UsageError> {
    let (event, quantity, at) = (draft.event, draft.quantity, draft.received_at);
    match answer {
        Admitted::Recorded(tally) => Ok(Tracked { event, duplicate: false, tally }),
        Admitted::Duplicate(tally) => Ok(Tracked { event, duplicate: true, tally }),
        Admitted::Conflict => Err(UsageError::EventConflict),
        Admitted::OverLimit(wall, tally) => {
            Err(UsageError::over(wall, Shortfall { tally, quantity, at, settles: false }))
        }
        Admitted::OutOfTime => Err(UsageError::OutOfTime),
        Admitted::NoOrg => Err(UsageError::NoOrg),
    }
}

fn unanswered(given: usize, asked: usize) -> UsageError {
    kernel::StoreError::broken(format!("the ledger gave {given} answers to {asked} events")).into()
}
