//! Forward authentication by plan: a proxy asks before it lets a request through, and the answer is in headers.

mod dto;
mod person;
mod required;
#[cfg(test)]
mod tests;

pub(super) use self::required::lowest_with_own_keys;

use self::dto::{TierCheckHealth, TierQuery};
use self::person::Person;
use self::required::{Required, Tiers};
use crate::endpoint::Endpoint;
use crate::input::Query;
use crate::problem::Problem;
use crate::{Answer, Raw};

const CHECK: &str = "/api/v1/tier-check/check";
const BILLING: &str = "/api/v1/tier-check/billing";
const ADMIN: &str = "/api/v1/tier-check/admin";
const BYOK: &str = "/api/v1/tier-check/byok";

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    let by_plan = "For a proxy: does the plan of whoever asks stand as high as this one?";
    let paying = "For a proxy: does the plan of whoever asks stand as high as the lowest one that costs something?";
    let admin = "For a proxy: does whoever asks operate the platform?";
    let own_keys = "For a proxy: does the plan of whoever asks come with provider keys of their own?";
    let mut rows: Vec<Endpoint> = vec![
        gate(Endpoint::get(CHECK, check), by_plan),
        gate(Endpoint::post(CHECK, check), by_plan),
        gate(Endpoint::get(BILLING, billing), paying),
        gate(Endpoint::post(BILLING, billing), paying),
        gate(Endpoint::get(ADMIN, admin_only), admin),
        gate(Endpoint::post(ADMIN, admin_only), admin),
        gate(Endpoint::get(BYOK, byok), own_keys),
        gate(Endpoint::post(BYOK, byok), own_keys),
    ];
    let health = Endpoint::get("/api/v1/tier-check/health", health);
    rows.push(health.summary("Whether a proxy can ask here").unlimited());
    rows
}

fn gate(row: Endpoint, summary: &'static str) -> Endpoint {
    row.decision()
        .summary(summary)
        .answers(200, "Let through: `X-User-Email` and `X-User-Tier` say who, `X-Tier-Required` what was asked for; all percent-encoded.")
        .fails(403, "insufficient_tier")
}

async fn check(tiers: Tiers, person: Person, query: Query<TierQuery>) -> Result<Raw, Problem> {
    let asked = query.0.read()?;
    let guest = tiers.guest(&person).await?;
    guest.pass(&Required::plan(&guest, &asked)?)
}

async fn billing(tiers: Tiers, person: Person) -> Result<Raw, Problem> {
    let guest = tiers.guest(&person).await?;
    guest.pass(&Required::paid_plan(&guest))
}

async fn admin_only(tiers: Tiers, person: Person) -> Result<Raw, Problem> {
    let guest = tiers.guest(&person).await?;
    guest.pass(&Required::platform_admin(&guest))
}

async fn byok(tiers: Tiers, person: Person) -> Result<Raw, Problem> {
    let guest = tiers.guest(&person).await?;
    guest.pass(&Required::own_keys(&guest))
}

async fn health() -> Result<Answer<TierCheckHealth>, Problem> {
    Ok(Answer::new(TierCheckHealth::new()))
}
