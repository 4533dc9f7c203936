//! An organization that begins, and one that is entered.

use kernel::{OrgId, Role};
use org_core::{Entitlement, Org, OrgName, Slug};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::time;

/// A new organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::org) struct CreateOrg {
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    #[schema(example = "Acme")]
    name: String,
    /// Its name in addresses; made from the name when absent.
    #[schema(min_length = 2, max_length = 63, pattern = "^[a-z0-9][a-z0-9-]*[a-z0-9]$", example = "acme")]
    slug: Option<String>,
}

/// What [`CreateOrg`] asks for.
pub(in crate::routes::org) struct NewOrg {
    pub(in crate::routes::org) name: OrgName,
    pub(in crate::routes::org) slug: Option<Slug>,
}

impl TryFrom<CreateOrg> for NewOrg {
    type Error = Problem;

    fn try_from(body: CreateOrg) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let name = fields.read("/name", OrgName::parse(&body.name));
        let slug = fields.read_some("/slug", body.slug, |slug| Slug::parse(&slug));
        fields.done(name.map(|name| Self { name, slug }))
    }
}

/// The organization exists.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::org) struct OrgMade {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// The organization.
    organization: NewOrgBody,
}

/// An organization that was made just now.
#[derive(Serialize, ToSchema)]
#[schema(as = NewOrg)]
struct NewOrgBody {
    /// Its id.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// Its name in addresses.
    #[schema(example = "acme-4f9c2a")]
    slug: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// `active`.
    #[schema(example = "active")]
    status: &'static str,
    /// Its plan.
    #[schema(example = "free")]
    plan_tier: String,
    /// The caller's role: `owner`.
    #[schema(example = "owner")]
    role: &'static str,
    /// How many members it has.
    #[schema(example = 1)]
    member_count: u64,
    /// How many seats its plan has.
    #[schema(example = 5)]
    seats: u32,
}

impl OrgMade {
    /// This organization, on this plan.
    pub(in crate::routes::org) fn new(org: Org, plan: Entitlement) -> Self {
        let organization = NewOrgBody {
            id: org.id.to_string(),
            name: org.name.as_str().to_owned(),
            slug: org.slug.as_str().to_owned(),
            created_at: time(org.created_at),
            status: org.status.as_str(),
            plan_tier: plan.tier,
            role: Role::Owner.as_str(),
            member_count: 1,
            seats: plan.seats,
        };
        Self { success: true, organization }
    }
}

/// Where to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::org) struct SwitchOrg {
    /// An organization of the caller.
    #[schema(pattern = "^org_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: String,
}

impl TryFrom<SwitchOrg> for OrgId {
    type Error = Problem;

    fn try_from(body: SwitchOrg) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let org = fields.read("/org_id", body.org_id.parse());
        fields.done(org)
    }
}

/// The session acts in this organization now.
#[derive(Serialize, ToSchema)]
#[schema(as = SwitchedOrg)]
pub(in crate::routes::org) struct Switched {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "You now act in Acme.")]
    message: String,
    /// The organization.
    organization: CurrentOrg,
}

/// The organization that a session acts in.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::org) struct CurrentOrg {
    /// Its id.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// Its name in addresses.
    #[schema(example = "acme-4f9c2a")]
    slug: String,
    /// The caller's role in it.
    #[schema(example = "member")]
    role: &'static str,
}

impl CurrentOrg {
    /// This organization, in this role.
    pub(in crate::routes::org) fn new(org: Org, role: Role) -> Self {
        let (name, slug) = (org.name.as_str().to_owned(), org.slug.as_str().to_owned());
        Self { id: org.id.to_string(), name, slug, role: role.as_str() }
    }
}

impl From<CurrentOrg> for Switched {
    fn from(organization: CurrentOrg) -> Self {
        Self { success: true, message: format!("You now act in {}.", organization.name), organization }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;
    use crate::problem::Place;

    fn wrong(text: &str) -> Vec<(String, String)> {
        let read = parse_json::<CreateOrg>(text.as_bytes()).and_then(NewOrg::try_from);
        let body = read.err().expect(text).body(&Place::default());
        assert_eq!(body.status, 422, "{text}");
        body.errors.unwrap_or_default().into_iter().map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn nobody_gives_a_new_organization_a_plan() {
        for key in
            ["plan_tier", "seats", "role", "owner", "id", "status", "stripe_customer_id", "lago_customer_id", "limits"]
        {
            let text = format!(r#"{{"name":"Acme","{key}":"enterprise"}}"#);
            assert_eq!(wrong(&text), [(format!("/{key}"), "unknown_field".to_owned())]);
        }
    }

    #[test]
    fn every_wrong_field_is_told() {
        let long = format!(r#"{{"name":"{}"}}"#, "n".repeat(101));
        for (text, pointers) in [
            (r#"{"name":" ","slug":"-"}"#, vec!["/name", "/slug"]),
            (r#"{"name":"a\u0000"}"#, vec!["/name"]),
            (r#"{"name":"a","slug":"Ä"}"#, vec!["/slug"]),
            (long.as_str(), vec!["/name"]),
        ] {
            let told: Vec<String> = wrong(text).into_iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(told, pointers, "{text}");
        }
    }
}
