use kernel::{OrgId, UserId};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use usage_core::{Tally, Tracked};
use utoipa::ToSchema;

use super::batch::Event;
use crate::wire::time;

/// A whole number: a number in JSON, its digits in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = u64, minimum = 1, maximum = 1_000_000_000)]
pub(crate) struct Whole(pub(crate) u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for a number, a query reads its text as one; JSON does not.
        let read = u64::deserialize(deserializer);
        read.map(Whole).map_err(|_error| D::Error::custom("`quantity` is no whole number"))
    }
}

/// A call that happened.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UsageEvent)]
pub(crate) struct Track {
    /// Which service, as the catalogue names it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "chat")]
    pub(super) service: String,
    /// What of it, for the history.
    #[schema(min_length = 1, max_length = 64, example = "completion")]
    pub(super) action: Option<String>,
    /// How much of the quota it costs; 1 when absent.
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000_000, example = 1)]
    pub(super) quantity: Option<Whole>,
    /// By which name it is recorded once, within the organization and for ever. Without one, and without an
    /// `Idempotency-Key`, a name is made, and a repetition counts again.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "call-7f3a")]
    pub(super) event_id: Option<String>,
    /// Who called: only a service with the scope `act_as` names somebody else.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    pub(super) user_id: Option<String>,
    /// Whose quota pays; without it that of the key, or of the session.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    pub(super) org_id: Option<String>,
    /// What else is to be kept: at most 4096 bytes as JSON.
    #[schema(value_type = Option<Object>, example = json!({"model": "large"}))]
    pub(super) metadata: Option<Map<String, Value>>,
    /// When it happened, if not now: at most 24 hours ago.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00Z")]
    pub(super) occurred_at: Option<String>,
}

/// A call that is in the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrackedUsage)]
pub(crate) struct TrackedAnswer {
    /// Always `tracked`.
    #[schema(example = "tracked")]
    status: &'static str,
    /// Its name.
    #[schema(example = "call-7f3a")]
    event_id: String,
    /// The service.
    #[schema(example = "chat")]
    service: String,
    /// What of it.
    #[schema(example = "completion")]
    action: Option<String>,
    /// Who called.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user: Option<String>,
    /// Whose quota paid.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: String,
    /// What the organization used in its month.
    #[schema(example = 17)]
    used: u64,
    /// What its plan gives in a month; −1 is without end.
    #[schema(example = 1000)]
    limit: i64,
    /// What is left of the month; `null` without end.
    #[schema(example = 983)]
    remaining: Option<u64>,
    /// Whether the event was in the ledger before; then nothing changed.
    #[schema(example = false)]
    duplicate: bool,
}

impl TrackedAnswer {
    pub(crate) fn new(event: &Event, tracked: &Tracked, org: OrgId, user: Option<UserId>) -> Self {
        let month = tracked.tally.month;
        Self {
            status: "tracked",
            event_id: tracked.event.to_string(),
            service: event.service.to_string(),
            action: event.action.as_ref().map(|action| action.as_str().to_owned()),
            user: user.map(|user| user.to_string()),
            org_id: org.to_string(),
            used: month.used,
            limit: month.limit.to_i64(),
            remaining: month.remaining(),
            duplicate: tracked.duplicate,
        }
    }
}

/// Counters that were set back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageReset)]
pub(crate) struct ResetAnswer {
    /// What was done.
    #[schema(example = "the counters are at zero; compensating entries are in the ledger")]
    message: &'static str,
    /// By whom.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user: String,
    /// When the month ends by itself.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    reset_date: String,
}

impl ResetAnswer {
    pub(crate) fn new(tally: &Tally, by: UserId) -> Self {
        Self {
            message: "the counters are at zero; compensating entries are in the ledger",
            user: by.to_string(),
            reset_date: time(tally.month.period.end),
        }
    }
}
