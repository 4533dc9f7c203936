//! Payment methods.

use actix_web::web::Data;
use billing_core::Billing;
use kernel::Ambient;

use super::asks_provider;
use super::dto::method::{AddMethod, MethodBody, MethodChosen, MethodId, MethodListBody, MethodsBody, SetupPrepared};
use crate::caller::{ManageBilling, Member};
use crate::endpoint::Endpoint;
use crate::input::{Id, Json};
use crate::problem::Problem;
use crate::wire::Done;
use crate::{Answer, Created};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let add = Endpoint::post("/api/v1/billing/payment-methods", add)
        .summary("Adds a payment method that the browser made at the payment provider")
        .fails(402, "card_declined")
        .fails(404, "not_found")
        .fails(409, "change_pending")
        .once();
    let setup = Endpoint::post("/api/v1/billing/payment-methods/setup-intent", setup)
        .summary("Prepares for a browser that adds a payment method; its number never comes here")
        .fails(409, "change_pending")
        .once();
    let remove = Endpoint::delete("/api/v1/billing/payment-methods/{id}", remove)
        .summary("Removes a payment method")
        .fails(409, "change_pending")
        .fails(409, "last_method_of_active_subscription");
    let choose = |row: Endpoint| {
        let row = row.summary("Charges this payment method by default from now on");
        asks_provider(row.fails(402, "card_declined").fails(409, "change_pending"))
    };
    let own = "/api/v1/billing/payment-methods/{id}/default";
    vec![
        asks_provider(Endpoint::get("/api/v1/billing/payment-methods", list))
            .summary("The organization's payment methods, the default one first"),
        asks_provider(Endpoint::get("/api/v1/payment-methods", listed))
            .summary("The same as an object, for consoles already in the field"),
        asks_provider(add),
        asks_provider(setup),
        asks_provider(remove),
        choose(Endpoint::put(own, choose_default)),
        choose(Endpoint::post(own, choose_default)),
    ]
}

async fn list(
    billing: Data<Billing>,
    ambient: Data<Ambient>,
    by: Member<ManageBilling>,
) -> Result<Answer<MethodsBody>, Problem> {
    Ok(Answer::new(methods(&billing, &ambient, &by).await?))
}

async fn listed(
    billing: Data<Billing>,
    ambient: Data<Ambient>,
    by: Member<ManageBilling>,
) -> Result<Answer<MethodListBody>, Problem> {
    Ok(Answer::new(methods(&billing, &ambient, &by).await?.into()))
}

async fn methods(billing: &Billing, ambient: &Ambient, by: &Member<ManageBilling>) -> Result<MethodsBody, Problem> {
    let found = billing.payment_methods(by.membership.org()).await?;
    let now = ambient.now();
    Ok(MethodsBody(found.into_iter().map(|method| MethodBody::new(method, now)).collect()))
}

async fn add(
    billing: Data<Billing>,
    ambient: Data<Ambient>,
    by: Member<ManageBilling>,
    body: Json<AddMethod>,
) -> Result<Created<MethodBody>, Problem> {
    let (MethodId(id), default) = body.0.read()?;
    let added = billing.add_method(&by.actor, by.membership.org(), &id, default).await?;
    Ok(Created::new(MethodBody::new(added, ambient.now())))
}

async fn setup(billing: Data<Billing>, by: Member<ManageBilling>) -> Result<Answer<SetupPrepared>, Problem> {
    let intent = billing.setup(&by.actor, by.membership.org()).await?;
    Ok(Answer::new(SetupPrepared::shown(&intent)).remembered_as(SetupPrepared::hidden(&intent)))
}

async fn remove(
    billing: Data<Billing>,
    by: Member<ManageBilling>,
    Id(MethodId(id)): Id<MethodId>,
) -> Result<Answer<Done>, Problem> {
    billing.remove_method(&by.actor, by.membership.org(), &id).await?;
    Ok(Answer::new(Done::new("the payment method is removed")))
}

async fn choose_default(
    billing: Data<Billing>,
    ambient: Data<Ambient>,
    by: Member<ManageBilling>,
    Id(MethodId(id)): Id<MethodId>,
) -> Result<Answer<MethodChosen>, Problem> {
    let chosen = billing.choose_method(&by.actor, by.membership.org(), &id).await?;
    Ok(Answer::new(MethodChosen::new(MethodBody::new(chosen, ambient.now()))))
}
