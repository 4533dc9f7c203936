//! Organizations: which there are, what they are, what their people decided about them, and how they begin and end.

mod dto;
mod renewal;
#[cfg(test)]
mod tests;
mod who;

use actix_web::web::Data;
use billing_core::Billing;
use byok_core::Byok;
use futures_util::future::try_join_all;
use kernel::{Ambient, OrgId, PlatformRole};
use org_core::{OrgError, OrgStatus, Orgs, Permission};
use plan_core::Plans;

pub(super) use self::renewal::Renewal;

use self::dto::billing::{BillingBody, StatsBody};
use self::dto::change::ChangeSettings;
use self::dto::list::{DeleteQuery, MyOrgs, OrgsBody, OrgsQuery, Wanted};
use self::dto::make::{CreateOrg, CurrentOrg, NewOrg, OrgMade, SwitchOrg, Switched};
use self::dto::role::RolesBody;
use self::dto::settings::{SettingsSaved, SettingsView};
use self::dto::view::{OrgInfo, OrgStatusChanged, SetStatus};
use self::who::{Ender, NamedOrg, Reader};
use crate::caller::{Caller, ManageBilling, ManageSettings, Member, PlatformAdmin};
use crate::endpoint::Endpoint;
use crate::input::{Json, PageQuery, Query};
use crate::problem::Problem;
use crate::routes::billing::{Bill, Names};
use crate::{Answer, Created};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    let mut rows = about_one();
    rows.extend(about_many());
    rows
}

fn about_one() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/org/info", info)
            .also("/api/v1/org/{org_id}")
            .summary("The organization, its plan and how full it is"),
        Endpoint::get("/api/v1/org/roles", roles)
            .also("/api/v1/org/{org_id}/roles")
            .summary("The roles of members and what each allows"),
        Endpoint::get("/api/v1/org/settings", settings)
            .also("/api/v1/org/{org_id}/settings")
            .summary("What the organization's people decided about it"),
        Endpoint::put("/api/v1/org/settings", change_settings)
            .also("/api/v1/org/{org_id}/settings")
            .summary("Changes the settings that the body names; other keys are passed over")
            .fails(403, "role_above_own"),
        Endpoint::get("/api/v1/org/billing", billing)
            .also("/api/v1/org/{org_id}/billing")
            .summary("The organization's subscription, what it has used, and its newest invoices")
            .fails(409, "change_pending")
            .fails(409, "provider_refused")
            .fails(409, "provider_unsupported")
            .fails(502, "provider_error"),
        Endpoint::get("/api/v1/org/stats", stats)
            .also("/api/v1/org/{org_id}/stats")
            .summary("Counts of the organization"),
        Endpoint::put("/api/v1/org/{org_id}/status", set_status)
            .summary(
                "Suspends an organization or makes it active again; what runs in a suspended one stops within a second",
            )
            .fails(409, "last_owner"),
        Endpoint::delete("/api/v1/org/{org_id}", delete)
            .summary("Deletes the organization; its owners and platform admins may, a moment after they signed in")
            .fails(400, "confirm_required"),
    ]
}

fn about_many() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/org/my-orgs", mine)
            .summary("The caller's organizations, the one joined first first; `X-Total-Count` has the number of all"),
        Endpoint::post("/api/v1/org", create)
            .summary("Makes an organization that the caller owns; the session stays where it is")
            .fails(409, "slug_taken")
            .once(),
        Endpoint::post("/api/v1/org/switch", switch)
            .also("/api/v1/users/me/switch-org")
            .summary("Moves the session to another organization of the caller, under a new cookie")
            .fails(404, "not_found"),
        Endpoint::get("/api/v1/org/organizations", organizations)
            .summary("Organizations, newest first: all for a platform admin, their own for everybody else"),
    ]
}

async fn info(orgs: Data<Orgs>, billing: Data<Billing>, by: Member) -> Result<Answer<OrgInfo>, Problem> {
    let view = orgs.view(&by.membership).await?;
    let account = if Permission::ManageBilling.held_by(by.membership.role()) {
        Some(billing.status(by.membership.org()).await?.account)
    } else {
        None
    };
    Ok(Answer::new(OrgInfo::new(view, account.as_ref())))
}

async fn mine(orgs: Data<Orgs>, caller: Caller, page: Query<PageQuery>) -> Result<Answer<MyOrgs>, Problem> {
    let joined = orgs.joined(caller.user(), page.0.page()?).await?;
    let tiers = tiers(&orgs, joined.items.iter().map(|row| row.org)).await?;
    let total = joined.total.to_string();
    Ok(Answer::new(MyOrgs::new(joined.items, tiers, caller.identity.org)).header("X-Total-Count", total))
}

/// The tier of each organization, in order.
async fn tiers(orgs: &Orgs, ids: impl Iterator<Item = OrgId>) -> Result<Vec<String>, OrgError> {
    try_join_all(ids.map(|org| orgs.tier_of(org))).await
}

async fn create(orgs: Data<Orgs>, caller: Caller, body: Json<CreateOrg>) -> Result<Created<OrgMade>, Problem> {
    let new = NewOrg::try_from(body.0)?;
    let org = orgs.create(&caller.actor, caller.user(), new.name, new.slug).await?;
    let plan = orgs.plan_of(org.id).await?;
    Ok(Created::new(OrgMade::new(org, plan)))
}

async fn switch(
    orgs: Data<Orgs>,
    renewal: Renewal,
    caller: Caller,
    body: Json<SwitchOrg>,
) -> Result<Answer<Switched>, Problem> {
    let membership = orgs.membership(OrgId::try_from(body.0)?, caller.user()).await?;
    let org = orgs.get(&membership).await?;
    let cookie = renewal.enter(&caller, membership.org()).await?;
    Ok(Answer::new(CurrentOrg::new(org, membership.role()).into()).cookie(cookie))
}

async fn roles(_: Reader) -> Result<Answer<RolesBody>, Problem> {
    Ok(Answer::new(RolesBody::all()))
}

async fn settings(orgs: Data<Orgs>, by: Member) -> Result<Answer<SettingsView>, Problem> {
    let org = orgs.get(&by.membership).await?;
    let plan = orgs.entitlement(&by.membership).await?;
    Ok(Answer::new(SettingsView::new(org, plan)))
}

async fn change_settings(
    orgs: Data<Orgs>,
    by: Member<ManageSettings>,
    body: Json<ChangeSettings>,
) -> Result<Answer<SettingsSaved>, Problem> {
    let org = orgs.update(&by.actor, &by.membership, &body.0.try_into()?).await?;
    let plan = orgs.entitlement(&by.membership).await?;
    Ok(Answer::new(SettingsView::new(org, plan).into()))
}

async fn billing(
    orgs: Data<Orgs>,
    billing: Data<Billing>,
    plans: Data<Plans>,
    ambient: Data<Ambient>,
    by: Member<ManageBilling>,
) -> Result<Answer<BillingBody>, Problem> {
    let view = orgs.view(&by.membership).await?;
    let bill = Bill::of(&billing, by.membership.org()).await?;
    let names = Names::new(plans.catalogue().await?);
    Ok(Answer::new(BillingBody::new(view, bill, &names, ambient.now())))
}

async fn stats(orgs: Data<Orgs>, byok: Data<Byok>, by: Member) -> Result<Answer<StatsBody>, Problem> {
    let view = orgs.view(&by.membership).await?;
    let keys = byok.stats(by.membership.org()).await?;
    Ok(Answer::new(StatsBody::new(view, keys.configured)))
}

async fn organizations(orgs: Data<Orgs>, caller: Caller, query: Query<OrgsQuery>) -> Result<Answer<OrgsBody>, Problem> {
    let Wanted { mut filter, page, tier } = query.0.try_into()?;
    if caller.identity.role != PlatformRole::Admin {
        filter.member = Some(caller.user());
    }
    let found = match tier {
        Some(tier) => orgs.list_on_tier(&filter, &tier, page).await?,
        None => orgs.list(&filter, page).await?,
    };
    let tiers = tiers(&orgs, found.items.iter().map(|row| row.id)).await?;
    Ok(Answer::new(OrgsBody::new(found, tiers)))
}

async fn set_status(
    orgs: Data<Orgs>,
    renewal: Renewal,
    admin: PlatformAdmin,
    org: NamedOrg,
    body: Json<SetStatus>,
) -> Result<Answer<OrgStatusChanged>, Problem> {
    let status = OrgStatus::try_from(body.0)?;
    orgs.set_status(&admin.actor, org.0, status).await?;
    let cookie = renewal.follow(&admin.identity, org.0).await?;
    Ok(Answer::new(OrgStatusChanged::new(org.0, status)).maybe_cookie(cookie))
}

async fn delete(
    orgs: Data<Orgs>,
    renewal: Renewal,
    by: Ender,
    query: Query<DeleteQuery>,
) -> Result<Answer<OrgStatusChanged>, Problem> {
    orgs.delete(&by.actor, by.org, by.membership.as_ref(), query.0.confirm.unwrap_or(false)).await?;
    let cookie = renewal.follow(&by.identity, by.org).await?;
    Ok(Answer::new(OrgStatusChanged::new(by.org, OrgStatus::Deleted)).maybe_cookie(cookie))
}
