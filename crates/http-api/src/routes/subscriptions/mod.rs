//! Plans, services, and what the caller's organization may do.

mod dto;
mod eyes;
mod found;
mod paying;
#[cfg(test)]
pub(super) mod tests;

use actix_web::web::Data;
use auth_core::Users;
use kernel::{ServiceName, UserId};
use org_core::Orgs;
use plan_core::{Access, PlanError, PlanId, Plans};

pub(super) use self::dto::plan::PlanBody;
pub(super) use self::eyes::Eyes;

use self::dto::access::{MyAccess, UserAccess};
use self::dto::body::PlanRequest;
use self::dto::change::PlanChange;
use self::dto::check::{AccessChecked, Whom};
use self::dto::plan::{PlanSaved, PlansBody};
use self::dto::service::ServicesBody;
use self::dto::trace::TraceStep;
use self::found::{Desk, home};
use crate::caller::{Claim, EntitlementsRead, Member, PlatformAdmin};
use crate::endpoint::Endpoint;
use crate::input::{Id, Json, OptionalJson, PathText};
use crate::problem::Problem;
use crate::public::{Audience, Public};
use crate::routes::usage::explained;
use crate::{Answer, Created};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    let mut rows = catalogue();
    rows.extend(access());
    rows.extend(paying::endpoints());
    rows
}

fn catalogue() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/subscriptions/plans", plans)
            .summary("The plans that can be chosen, the lowest first; platform administrators see all"),
        Endpoint::get("/api/v1/subscriptions/plans/{id}", plan).summary("One plan of the catalogue"),
        Endpoint::post("/api/v1/subscriptions/plans", create)
            .summary("Makes a plan; its fields stand in the body, or under `plan` or `updates`")
            .fails(409, "plan_exists")
            .once(),
        Endpoint::put("/api/v1/subscriptions/plans/{id}", update)
            .summary("Changes the fields of a plan that the body names, for everybody who is on it at once")
            .fails(409, "version_conflict"),
        Endpoint::delete("/api/v1/subscriptions/plans/{id}", retire)
            .summary("Takes a plan that nobody is on out of what can be chosen")
            .fails(409, "plan_in_use"),
        Endpoint::get("/api/v1/subscriptions/services", services)
            .summary("The services of the platform, and which of them the caller's plan opens"),
    ]
}

fn access() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/subscriptions/my-access", my_access)
            .also("/api/v1/subscriptions/current")
            .summary("The organization's subscription, the plan that counts, and what was used of it"),
        Endpoint::post("/api/v1/subscriptions/check-access/{service}", check_access)
            .summary("Whether the organization's plan opens a service; `user_id` may come in the body or the query")
            .fails(404, "unknown_service")
            .decision()
            .explains(explained),
        Endpoint::get("/api/v1/subscriptions/admin/user-access/{id}", user_access).summary(
            "What a user's organization gives them, and why: of several the active one that they joined first",
        ),
    ]
}

async fn plans(plans: Data<Plans>, access: Data<Access>, by: Audience) -> Result<Public<PlansBody>, Problem> {
    let eyes = Eyes::of(&by, &plans, &access).await?;
    let body = PlansBody::new(&eyes.catalogue, |plan| eyes.see(plan), by.administers);
    Ok(Public::new(by, body))
}

async fn plan(
    plans: Data<Plans>,
    access: Data<Access>,
    by: Audience,
    Id(id): Id<PlanId>,
) -> Result<Public<PlanBody>, Problem> {
    let eyes = Eyes::of(&by, &plans, &access).await?;
    let body = PlanBody::shown(eyes.plan(&id)?, by.administers);
    Ok(Public::new(by, body))
}

async fn create(
    plans: Data<Plans>,
    admin: PlatformAdmin,
    body: Json<PlanRequest>,
) -> Result<Created<PlanSaved>, Problem> {
    let change = PlanChange::try_from(body.0)?;
    let made = plans.create(&admin.actor, &change.draft()?).await;
    let plan = made.map_err(|error| change.refusal(error))?;
    Ok(Created::new((&plan).into()))
}

async fn update(
    plans: Data<Plans>,
    admin: PlatformAdmin,
    Id(id): Id<PlanId>,
    body: Json<PlanRequest>,
) -> Result<Answer<PlanSaved>, Problem> {
    let now = plans.catalogue_now().await?;
    let now = now.plan(&id).ok_or_else(Problem::not_found)?;
    let change = PlanChange::try_from(body.0)?;
    let changed = plans.update(&admin.actor, &id, change.version(), &change.update(now)?).await;
    let plan = changed.map_err(|error| change.refusal(error))?;
    Ok(Answer::new((&plan).into()))
}

async fn retire(plans: Data<Plans>, admin: PlatformAdmin, Id(id): Id<PlanId>) -> Result<Answer<PlanSaved>, Problem> {
    plans.retire(&admin.actor, &id).await?;
    let catalogue = plans.catalogue().await?;
    let plan = catalogue.plan(&id).ok_or_else(Problem::not_found)?;
    Ok(Answer::new(plan.into()))
}

async fn services(plans: Data<Plans>, access: Data<Access>, by: Audience) -> Result<Public<ServicesBody>, Problem> {
    let eyes = Eyes::of(&by, &plans, &access).await?;
    let body = ServicesBody::new(&eyes.catalogue, |plan| eyes.see(plan), eyes.own.as_ref());
    Ok(Public::new(by, body))
}

async fn my_access(desk: Desk, by: Member) -> Result<Answer<MyAccess>, Problem> {
    let found = desk.look(by.membership.org(), by.identity.user).await?;
    Ok(Answer::new(MyAccess::new(&found, by.identity.role)))
}

async fn check_access(
    access: Data<Access>,
    claim: Claim<EntitlementsRead>,
    service: PathText,
    body: OptionalJson<Whom>,
) -> Result<Answer<AccessChecked>, Problem> {
    let (org, user) = body.0.ids()?;
    let by = claim.acting_for(org, user).await?;
    let service: ServiceName = service.0.parse().or(Err(PlanError::UnknownService))?;
    Ok(Answer::new(access.check(by.org, &service).await?.into()))
}

async fn user_access(
    desk: Desk,
    users: Data<Users>,
    orgs: Data<Orgs>,
    _: PlatformAdmin,
    Id(user): Id<UserId>,
) -> Result<Answer<UserAccess>, Problem> {
    let role = users.get(user).await?.role;
    let found = desk.look(home(&orgs, user).await?, user).await?;
    let access = MyAccess::new(&found, role);
    Ok(Answer::new(UserAccess::new(access, TraceStep::all(&found.standing, &found.tally))))
}
