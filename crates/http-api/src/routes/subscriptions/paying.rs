//! Which plan an organization pays for: previewed, changed, given up.

use actix_web::web::Data;
use billing_core::Billing;

use crate::Answer;
use crate::caller::{ManageBilling, Member};
use crate::endpoint::Endpoint;
use crate::input::{Json, OptionalJson, Query};
use crate::problem::Problem;
use crate::routes::billing::{
    CancelPlan, ChangePlan, Counter, PlanChanged, PreviewBody, PreviewQuery, Wanted, asks_provider, cancels, changes,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let preview = Endpoint::get("/api/v1/subscriptions/preview-change", preview)
        .summary("What another plan would cost and mean; the quote holds for a quarter of an hour")
        .fails(404, "unknown_plan")
        .fails(402, "payment_required")
        .fails(404, "no_subscription")
        .fails(409, "change_pending")
        .fails(409, "no_change")
        .fails(409, "not_sold");
    let change = Endpoint::post("/api/v1/subscriptions/change", change)
        .also("/api/v1/subscriptions/upgrade")
        .also("/api/v1/subscriptions/downgrade")
        .summary("Changes the plan; what must be bought first is bought at the page that the answer names")
        .once();
    let cancel = Endpoint::post("/api/v1/subscriptions/cancel", cancel)
        .summary("Ends what is paid for, with its period unless it is to end now")
        .once();
    vec![asks_provider(preview), changes(change), cancels(cancel)]
}

async fn preview(
    billing: Data<Billing>,
    by: Member<ManageBilling>,
    query: Query<PreviewQuery>,
) -> Result<Answer<PreviewBody>, Problem> {
    let Wanted { plan, cycle, effective } = query.0.try_into()?;
    let preview = billing.preview(by.membership.org(), plan.as_str(), cycle, effective).await;
    Ok(Answer::new(preview.map_err(Problem::not_charged)?.into()))
}

async fn change(counter: Counter, by: Member<ManageBilling>, body: Json<ChangePlan>) -> Result<PlanChanged, Problem> {
    counter.change(&by, body.0.try_into()?).await
}

async fn cancel(
    counter: Counter,
    by: Member<ManageBilling>,
    body: OptionalJson<CancelPlan>,
) -> Result<PlanChanged, Problem> {
    counter.cancel(&by, None, body.0.at_period_end()?).await
}
