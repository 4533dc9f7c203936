//! May this call happen? Asked by other services before each call of theirs.

mod dto;
mod hold;
mod rate;
#[cfg(test)]
pub(super) mod stage;
#[cfg(test)]
mod tests;

use actix_web::web::Data;
use auth_core::Scope;
use kernel::Ambient;
use plan_core::Decision;

use self::dto::decide::{Decide, DecisionAnswer, Question};
use crate::Answer;
use crate::caller::{Claim, EntitlementsRead, Via};
use crate::endpoint::Endpoint;
use crate::input::Json;
use crate::problem::Problem;
use crate::routes::usage::explained;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/decide", decide)
            .verdict()
            .explains(explained)
            .summary("May this call happen? Entitlement, quotas, rate limit and provider key in one answer; holds the quantity if asked to")
            .fails(404, "unknown_service")
            .fails(429, "too_many_reservations")
            .once(),
        Endpoint::post("/api/v1/usage/reservations/{id}/settle", hold::settle)
            .explains(explained)
            .summary("Records what a held call really cost; settling again with the same quantity answers the same")
            .fails(409, "reservation_ended")
            .fails(429, "quota_exceeded"),
        Endpoint::delete("/api/v1/usage/reservations/{id}", hold::release)
            .explains(explained)
            .summary("Gives back what is held: the call was not made; releasing again answers the same")
            .fails(409, "reservation_ended"),
        Endpoint::get("/api/v1/rate-limit/check", rate::check)
            .unlimited()
            .explains(explained)
            .summary("How many requests are left of the minute; asking costs nothing"),
    ]
}

async fn decide(
    decision: Data<Decision>,
    ambient: Data<Ambient>,
    claim: Claim<EntitlementsRead>,
    body: Json<Decide>,
) -> Result<Answer<DecisionAnswer>, Problem> {
    let question = Question::try_from(body.0)?;
    if question.reserve.is_some() {
        may_reserve(&claim.via)?;
    }
    let by = claim.acting_for(question.org, question.user).await?;
    // Read before the hold is made, so that nobody is told a later end than the hold's own.
    let expires_at = question.ends(ambient.now());
    let verdict = decision.decide(&question.call(by.org, by.user)).await?;
    Ok(DecisionAnswer::new(verdict, expires_at)?.with_headers())
}

/// Asking reads; holding writes, and a key needs the scope for that too.
fn may_reserve(via: &Via) -> Result<(), Problem> {
    match via {
        Via::Key(key) if !key.scopes.contain(Scope::UsageWrite) => Err(Problem::insufficient_scope(Scope::UsageWrite)),
        Via::Key(_) | Via::Session(_) => Ok(()),
    }
}
