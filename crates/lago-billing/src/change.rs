use billing_core::{Command, GatewayError, Money, Proration};
use kernel::Timestamp;
use serde_json::{Value, json};

use crate::{
    client::{Call, Lago},
    snapshot::{found, plan},
    wire::{Invoice, InvoiceReply, Plan, Subscription},
};

/// Carries a command out, unless it was before: Lago is asked how things stand, and then for what is missing.
pub(crate) async fn execute(lago: &Lago, command: &Command) -> Result<(), GatewayError> {
    match command {
        Command::ChangeNow { external, price, due, .. } => change_now(lago, external, price, *due).await,
        Command::ChangeAtPeriodEnd { external, price } => change_later(lago, external, price).await,
        Command::CancelAtPeriodEnd { external, cancel } => end_with_period(lago, external, *cancel).await,
        Command::CancelNow { external } => end_now(lago, external).await,
    }
}

/// What a change to a dearer plan costs now.
pub(crate) async fn preview(lago: &Lago, customer: &str, command: &Command) -> Result<Proration, GatewayError> {
    let Command::ChangeNow { external, price, .. } = command else { return Err(GatewayError::Unsupported) };
    let running = found(lago, external, "active").await?.ok_or(GatewayError::NotFound)?;
    if running.external_customer_id != customer {
        return Err(GatewayError::NotFound);
    }
    if !is_dearer(lago, &running, price).await? {
        return Err(cheaper());
    }
    cost(lago, &running, price).await
}

async fn cost(lago: &Lago, running: &Subscription, price: &str) -> Result<Proration, GatewayError> {
    let body = json!({
        "customer": { "external_id": running.external_customer_id },
        "subscriptions": { "external_ids": [running.external_id], "plan_code": price },
    });
    let reply: InvoiceReply = lago.ask(Call::post(&["invoices", "preview"], body)).await?;
    let Invoice { total_amount_cents, credit_notes_amount_cents, currency, .. } = reply.invoice;
    let credit_minor = credit_notes_amount_cents.saturating_abs();
    let due = Money::new(total_amount_cents, currency.parse().map_err(GatewayError::broken)?);
    Ok(Proration { charge_minor: total_amount_cents.saturating_add(credit_minor), credit_minor, due })
}

fn cheaper() -> GatewayError {
    GatewayError::Refused("a cheaper plan begins with the next period".to_owned())
}

async fn change_now(lago: &Lago, external: &str, price: &str, due: Money) -> Result<(), GatewayError> {
    let running = found(lago, external, "active").await?.ok_or(GatewayError::NotFound)?;
    if running.plan_code == price {
        return Ok(());
    }
    if !is_dearer(lago, &running, price).await? {
        return Err(cheaper());
    }
    if cost(lago, &running, price).await?.due != due {
        let sentence = "the change costs something else than was quoted; ask for another quote";
        return Err(GatewayError::Refused(sentence.to_owned()));
    }
    sell(lago, &running, price).await
}

async fn change_later(lago: &Lago, external: &str, price: &str) -> Result<(), GatewayError> {
    let running = found(lago, external, "active").await?.ok_or(GatewayError::NotFound)?;
    if running.plan_code == price {
        return end_with_period(lago, external, false).await;
    }
    if running.next_plan_code.as_deref() != Some(price) && is_dearer(lago, &running, price).await? {
        return Err(GatewayError::Refused("a dearer plan begins at once".to_owned()));
    }
    ends(lago, &running, None).await?;
    if running.next_plan_code.as_deref() == Some(price) { Ok(()) } else { sell(lago, &running, price).await }
}

async fn end_with_period(lago: &Lago, external: &str, cancel: bool) -> Result<(), GatewayError> {
    let running = found(lago, external, "active").await?.ok_or(GatewayError::NotFound)?;
    if running.next_plan_code.is_some() {
        terminate(lago, external, "pending").await?;
    }
    let end = running.current_billing_period_ending_at;
    if cancel && end.is_none() {
        return Err(GatewayError::broken("a subscription has no period"));
    }
    ends(lago, &running, end.filter(|_| cancel)).await
}

async fn end_now(lago: &Lago, external: &str) -> Result<(), GatewayError> {
    for status in ["active", "pending"] {
        if found(lago, external, status).await?.is_some() {
            terminate(lago, external, status).await?;
        }
    }
    for status in ["terminated", "canceled"] {
        if found(lago, external, status).await?.is_some() {
            return Ok(());
        }
    }
    Err(GatewayError::NotFound)
}

/// Sells it as another plan. A dearer one begins at once, a cheaper one with the next period: Lago sees to that.
async fn sell(lago: &Lago, running: &Subscription, price: &str) -> Result<(), GatewayError> {
    let subscription = json!({
        "external_customer_id": running.external_customer_id, "external_id": running.external_id, "plan_code": price,
    });
    lago.tell(Call::post(&["subscriptions"], json!({ "subscription": subscription }))).await
}

/// Lets it end then, or not at all.
async fn ends(lago: &Lago, running: &Subscription, at: Option<Timestamp>) -> Result<(), GatewayError> {
    if running.ending_at == at {
        return Ok(());
    }
    let at = at.map_or(Value::Null, |at| json!(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
    let body = json!({ "subscription": { "ending_at": at } });
    lago.tell(Call::put(&["subscriptions", &running.external_id], body).query("status", "active")).await
}

async fn terminate(lago: &Lago, external: &str, status: &str) -> Result<(), GatewayError> {
    match lago.tell(Call::delete(&["subscriptions", external]).query("status", status)).await {
        Ok(()) | Err(GatewayError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether Lago would let this plan begin at once: it compares what a year costs.
async fn is_dearer(lago: &Lago, running: &Subscription, price: &str) -> Result<bool, GatewayError> {
    let to = plan(lago, price).await?.ok_or_else(|| GatewayError::Refused(format!("Lago has no plan {price}")))?;
    let from = plan(lago, &running.plan_code).await?;
    Ok(from.is_none_or(|from| yearly(&to) >= yearly(&from)))
}

/// What a year of a plan costs, in minor units.
fn yearly(plan: &Plan) -> i64 {
    let times = match plan.interval.as_str() {
        "weekly" => 52,
        "monthly" => 12,
        "quarterly" => 4,
        "semiannual" => 2,
        _ => 1,
    };
    plan.amount_cents.saturating_mul(times)
}
