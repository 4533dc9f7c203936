//! Lists of organizations.

use kernel::{OrgId, Page, Paged, plain_text};
use org_core::{Joined, OrgFilter, OrgSummary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::input::{Fields, PageQuery};
use crate::problem::Problem;
use crate::wire::time;

/// The caller's organizations.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::org) struct MyOrgs(Vec<MyOrg>);

/// An organization of the caller.
#[derive(Serialize, ToSchema)]
struct MyOrg {
    /// Its id.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// The caller's role in it.
    #[schema(example = "owner")]
    role: &'static str,
    /// Its plan.
    #[schema(example = "free")]
    plan_tier: String,
    /// `active` or `suspended`.
    #[schema(example = "active")]
    status: &'static str,
    /// How many active members it has.
    #[schema(example = 3)]
    member_count: u64,
    /// When the caller joined.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    joined_at: String,
    /// The address of its logo.
    #[schema(example = "https://acme.example/logo.png")]
    logo_url: Option<String>,
    /// Whether the session acts in it.
    #[schema(example = true)]
    is_current: bool,
}

impl MyOrgs {
    /// These organizations, each with its tier; the session acts in `current`.
    pub(in crate::routes::org) fn new(rows: Vec<Joined>, tiers: Vec<String>, current: Option<OrgId>) -> Self {
        let row = |(row, plan_tier): (Joined, String)| MyOrg {
            id: row.org.to_string(),
            name: row.name,
            role: row.role.as_str(),
            plan_tier,
            status: row.status.as_str(),
            member_count: row.member_count,
            joined_at: time(row.joined_at),
            logo_url: row.logo_url,
            is_current: current == Some(row.org),
        };
        Self(rows.into_iter().zip(tiers).map(row).collect())
    }
}

/// Which organizations to list.
#[derive(Deserialize, IntoParams)]
pub(in crate::routes::org) struct OrgsQuery {
    /// How many rows at most, 1..=200; 50 when absent.
    #[param(nullable = false, minimum = 1, maximum = 200, example = 50)]
    limit: Option<u32>,
    /// How many rows to pass over first.
    #[param(nullable = false, minimum = 0, example = 0)]
    offset: Option<u32>,
    /// Only this state: `active`, `suspended` or `deleted`; without it all but the deleted ones.
    #[param(nullable = false, pattern = "^(active|suspended|deleted)$", example = "active")]
    status: Option<String>,
    /// Only this plan.
    #[param(nullable = false, max_length = 50, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "free")]
    tier: Option<String>,
    /// Part of the name or slug, whatever the case.
    #[param(nullable = false, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "acme")]
    search: Option<String>,
}

/// What [`OrgsQuery`] asks for.
pub(in crate::routes::org) struct Wanted {
    pub(in crate::routes::org) filter: OrgFilter,
    pub(in crate::routes::org) page: Page,
    pub(in crate::routes::org) tier: Option<String>,
}

impl TryFrom<OrgsQuery> for Wanted {
    type Error = Problem;

    fn try_from(query: OrgsQuery) -> Result<Self, Problem> {
        let page = PageQuery { limit: query.limit, offset: query.offset }.page()?;
        let mut fields = Fields::default();
        let status = fields.read_some("?status", query.status, |status| status.parse());
        let tier = fields.read_some("?tier", query.tier, |tier| plain_text(&tier, 50));
        let search = fields.read_some("?search", query.search, |search| plain_text(&search, 100));
        let given = |text: &String| !text.is_empty();
        let filter = OrgFilter { status, search: search.filter(given), member: None, on: None };
        fields.done(Some(Self { filter, page, tier: tier.filter(given) }))
    }
}

/// A part of the list of organizations.
#[derive(Serialize, ToSchema)]
#[schema(as = Organizations)]
pub(in crate::routes::org) struct OrgsBody {
    /// The organizations, newest first.
    organizations: Vec<OrgRow>,
    /// How many there are in all.
    #[schema(example = 1)]
    total: u64,
    /// How many were asked for at most.
    #[schema(example = 50)]
    limit: u32,
    /// How many were passed over.
    #[schema(example = 0)]
    offset: u32,
}

/// An organization in the list.
#[derive(Serialize, ToSchema)]
#[schema(as = Organization)]
struct OrgRow {
    /// Its id.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// Its name in addresses.
    #[schema(example = "acme-4f9c2a")]
    slug: String,
    /// The e-mail address of its longest-standing active owner.
    #[schema(example = "ada@acme.example")]
    owner: Option<String>,
    /// How many active members it has.
    #[schema(example = 3)]
    member_count: u64,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// Its plan.
    #[schema(example = "free")]
    subscription_tier: String,
    /// `active`, `suspended` or `deleted`.
    #[schema(example = "active")]
    status: &'static str,
}

impl OrgsBody {
    /// These organizations, each with its tier.
    pub(in crate::routes::org) fn new(found: Paged<OrgSummary>, tiers: Vec<String>) -> Self {
        let row = |(row, subscription_tier): (OrgSummary, String)| OrgRow {
            id: row.id.to_string(),
            name: row.name,
            slug: row.slug,
            owner: row.owner,
            member_count: row.member_count,
            created_at: time(row.created_at),
            subscription_tier,
            status: row.status.as_str(),
        };
        let organizations = found.items.into_iter().zip(tiers).map(row).collect();
        Self { organizations, total: found.total, limit: found.page.limit(), offset: found.page.offset() }
    }
}

/// Whether the deletion is meant.
#[derive(Deserialize, IntoParams)]
pub(in crate::routes::org) struct DeleteQuery {
    /// Must be true: there is no way back.
    #[param(nullable = false, example = true)]
    pub(in crate::routes::org) confirm: Option<bool>,
}
