use actix_web::web::Data;
use kernel::ReservationId;
use usage_core::Metering;

use super::dto::hold::{Settle, SettledAnswer};
use crate::Answer;
use crate::caller::{Service, UsageWrite};
use crate::input::{Id, Json};
use crate::problem::Problem;
use crate::routes::usage::{Counter, Gauge};
use crate::wire::Done;

pub(super) async fn settle(
    counter: Counter,
    Service(by): Service<UsageWrite>,
    Id(id): Id<ReservationId>,
    body: Json<Settle>,
) -> Result<Answer<SettledAnswer>, Problem> {
    let quantity = body.0.read()?;
    // Read first: what fails then has not settled anything.
    let standing = counter.access.standing(by.org).await?;
    let settled = counter.metering.settle(by.org, id, quantity).await;
    let tally = settled.map_err(|error| counter.refusal(&standing, error))?;
    Ok(Gauge::new(&standing, &tally).on(Answer::new(SettledAnswer::new(id, quantity, &tally))))
}

pub(super) async fn release(
    metering: Data<Metering>,
    Service(by): Service<UsageWrite>,
    Id(id): Id<ReservationId>,
) -> Result<Answer<Done>, Problem> {
    metering.release(by.org, id).await?;
    Ok(Answer::new(Done::new("nothing is held any more")))
}
