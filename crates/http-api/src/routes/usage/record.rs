use actix_web::http::StatusCode;
use actix_web::web::Data;
use usage_core::Metering;

use super::counter::Counter;
use super::dto::batch::{Batch, BatchAnswer, Event};
use super::dto::record::{ResetAnswer, Track, TrackedAnswer};
use super::gauge::{Gauge, entitled};
use crate::Answer;
use crate::caller::{Claim, ManageSettings, Member, Subject, UsageWrite};
use crate::idempotency::{EventNames, REPLAYED};
use crate::input::{JsonOrQuery, LargeJson};
use crate::problem::Problem;
use crate::site::{Environment, Site};

pub(super) async fn track(
    counter: Counter,
    claim: Claim<UsageWrite>,
    names: EventNames,
    body: JsonOrQuery<Track>,
) -> Result<Answer<TrackedAnswer>, Problem> {
    let event = Event::try_from(body.0)?;
    let by = claim.acting_for(event.org, event.user).await?;
    // Read first: what fails then has not been recorded.
    let standing = counter.access.standing(by.org).await?;
    entitled(&standing, counter.access.upgrade_url(), &event.service)?;
    let mut report = event.clone().report(by.org, by.user);
    names.give(&mut report, 0);
    let refusal = |error| names.reused(event.name(), &error).unwrap_or_else(|| counter.refusal(&standing, error));
    let tracked = counter.metering.track(report).await.map_err(refusal)?;
    let answer = Answer::new(TrackedAnswer::new(&event, &tracked, by.org, by.user));
    let again = tracked.duplicate && names.named(event.name());
    let answer = if again { answer.header(REPLAYED, "true") } else { answer };
    Ok(Gauge::new(&standing, &tracked.tally).on(answer))
}

pub(super) async fn track_batch(
    counter: Counter,
    by: Subject<UsageWrite>,
    names: EventNames,
    body: LargeJson<Batch>,
) -> Result<Answer<BatchAnswer>, Problem> {
    let (org, user) = (by.org, by.user);
    let mut batch = body.0.read(org, user)?;
    for named in batch.users.clone().into_iter().filter(|named| Some(*named) != user) {
        match by.may_name(named).await {
            Ok(()) => {}
            // Somebody who is no member any more, or whose calls come too fast: their events are refused, the others' are not.
            Err(problem) if [StatusCode::NOT_FOUND, StatusCode::TOO_MANY_REQUESTS].contains(&problem.status()) => {
                batch.refuse(named, &problem);
            }
            Err(problem) => return Err(problem),
        }
    }
    let standing = counter.access.standing(org).await?;
    let reports = batch.reports(&standing, counter.access.upgrade_url(), &names);
    let answers = if reports.is_empty() { Vec::new() } else { counter.metering.track_batch(reports).await? };
    let refusal =
        |event: &Event, error| names.reused(event.name(), &error).unwrap_or_else(|| counter.refusal(&standing, error));
    Ok(Answer::new(batch.answer(&by.at(), answers, refusal)))
}

pub(super) async fn reset_demo(
    metering: Data<Metering>,
    site: Data<Site>,
    by: Member<ManageSettings>,
) -> Result<Answer<ResetAnswer>, Problem> {
    if site.environment != Environment::Development {
        return Err(Problem::forbidden("counters are set back here on development installations only"));
    }
    let tally = metering.reset(&by.actor, by.membership.org(), Some("reset-demo")).await?;
    Ok(Answer::new(ResetAnswer::new(&tally, by.identity.user)))
}
