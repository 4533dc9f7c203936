//! What a held call really cost.

use kernel::ReservationId;
use serde::{Deserialize, Serialize};
use usage_core::{Quantity, Tally};
use utoipa::ToSchema;

use crate::problem::Problem;

/// What a held call really cost.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettleReservation)]
pub(in crate::routes::decision) struct Settle {
    /// How much, which may be less or more than is held. A call that cost nothing is released.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 1)]
    quantity: u64,
}

impl Settle {
    /// The quantity.
    pub(in crate::routes::decision) fn read(self) -> Result<Quantity, Problem> {
        Quantity::new(self.quantity).map_err(|error| Problem::invalid_field("/quantity", error))
    }
}

/// A reservation that is settled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettledReservation)]
pub(in crate::routes::decision) struct SettledAnswer {
    /// Always `settled`.
    #[schema(example = "settled")]
    status: &'static str,
    /// Its id, and the name of its entry in the ledger.
    #[schema(example = "rsv_01890a5d-ac96-774b-bcce-b302099a8057")]
    reservation_id: String,
    /// What was recorded.
    #[schema(example = 1)]
    quantity: u64,
    /// What the organization used in the month in which the quantity was held.
    #[schema(example = 17)]
    used: u64,
    /// What its plan gives in a month; −1 is without end.
    #[schema(example = 1000)]
    limit: i64,
    /// What is left of the month; `null` without end.
    #[schema(example = 983)]
    remaining: Option<u64>,
}

impl SettledAnswer {
    /// Settled with this quantity; the counts after it.
    pub(in crate::routes::decision) fn new(id: ReservationId, quantity: Quantity, tally: &Tally) -> Self {
        Self {
            status: "settled",
            reservation_id: id.to_string(),
            quantity: quantity.get(),
            used: tally.month.used,
            limit: tally.month.limit.to_i64(),
            remaining: tally.month.remaining(),
        }
    }
}
