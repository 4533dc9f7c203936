//! The list of members.

use kernel::{Page, Paged, plain_text};
use org_core::{Member, MemberFilter, MemberStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::input::{Fields, PageQuery};
use crate::problem::Problem;
use crate::wire::time;

/// Which members to list.
#[derive(Deserialize, IntoParams)]
pub(in crate::routes::member) struct MembersQuery {
    /// How many rows at most, 1..=200; 50 when absent.
    #[param(nullable = false, minimum = 1, maximum = 200, example = 50)]
    limit: Option<u32>,
    /// How many rows to pass over first.
    #[param(nullable = false, minimum = 0, example = 0)]
    offset: Option<u32>,
    /// Part of the e-mail address, user name or display name, whatever the case.
    #[param(nullable = false, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "ada")]
    search: Option<String>,
    /// Only this role.
    #[param(nullable = false, pattern = "^(owner|admin|billing_admin|member)$", example = "admin")]
    role: Option<String>,
}

/// What [`MembersQuery`] asks for.
pub(in crate::routes::member) struct Wanted {
    pub(in crate::routes::member) filter: MemberFilter,
    pub(in crate::routes::member) page: Page,
}

impl TryFrom<MembersQuery> for Wanted {
    type Error = Problem;

    fn try_from(query: MembersQuery) -> Result<Self, Problem> {
        let page = PageQuery { limit: query.limit, offset: query.offset }.page()?;
        let mut fields = Fields::default();
        let search = fields.read_some("?search", query.search, |search| plain_text(&search, 100));
        let role = fields.read_some("?role", query.role, |role| role.parse());
        let filter = MemberFilter { search: search.filter(|search| !search.is_empty()), role };
        fields.done(Some(Self { filter, page }))
    }
}

/// A part of the list of members.
#[derive(Serialize, ToSchema)]
#[schema(as = Members)]
pub(in crate::routes::member) struct MembersBody {
    /// The members, the one who joined first first.
    members: Vec<MemberBody>,
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

/// A member.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberBody {
    /// The account.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// `id` again.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
    /// The e-mail address, as written.
    #[schema(example = "ada@acme.example")]
    email: String,
    /// The user name.
    #[schema(example = "ada")]
    username: String,
    /// What others see, if it was said.
    #[schema(example = "Ada Lovelace")]
    display_name: Option<String>,
    /// The display name up to its first space.
    #[schema(example = "Ada")]
    first_name: Option<String>,
    /// The display name behind its first space.
    #[schema(example = "Lovelace")]
    last_name: Option<String>,
    /// `first_name` again.
    #[serde(rename = "firstName")]
    #[schema(example = "Ada")]
    first_name_again: Option<String>,
    /// `last_name` again.
    #[serde(rename = "lastName")]
    #[schema(example = "Lovelace")]
    last_name_again: Option<String>,
    /// The role in this organization.
    #[schema(example = "admin")]
    role: &'static str,
    /// `role` again.
    #[schema(example = "admin")]
    org_role: &'static str,
    /// `active`, or `disabled` when the account is.
    #[schema(example = "active")]
    status: &'static str,
    /// Whether the status is `active`.
    #[schema(example = true)]
    enabled: bool,
    /// Whether the address was proved.
    #[schema(example = true)]
    email_verified: bool,
    /// When they became a member.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    joined_at: String,
    /// `joined_at` again.
    #[serde(rename = "createdAt")]
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// When they last signed in.
    #[schema(format = DateTime, example = "2026-02-01T08:00:00.000000Z")]
    last_active: Option<String>,
}

impl From<Paged<Member>> for MembersBody {
    fn from(found: Paged<Member>) -> Self {
        let members = found.items.into_iter().map(MemberBody::from).collect();
        Self { members, total: found.total, limit: found.page.limit(), offset: found.page.offset() }
    }
}

impl From<Member> for MemberBody {
    fn from(member: Member) -> Self {
        let (first_name, last_name) = names(member.display_name.as_deref());
        let (id, joined_at) = (member.user.to_string(), time(member.joined_at));
        Self {
            id: id.clone(),
            user_id: id,
            email: member.email,
            username: member.username,
            display_name: member.display_name,
            first_name: first_name.clone(),
            last_name: last_name.clone(),
            first_name_again: first_name,
            last_name_again: last_name,
            role: member.role.as_str(),
            org_role: member.role.as_str(),
            status: member.status.as_str(),
            enabled: member.status == MemberStatus::Active,
            email_verified: member.email_verified,
            joined_at: joined_at.clone(),
            created_at: joined_at,
            last_active: member.last_active.map(time),
        }
    }
}

/// A display name up to its first space and behind it.
fn names(display_name: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(name) = display_name.map(str::trim).filter(|name| !name.is_empty()) else { return (None, None) };
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let last = last.trim_start();
    (Some(first.to_owned()), (!last.is_empty()).then(|| last.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_is_split_at_its_first_space() {
        for (name, first, last) in [
            (None, None, None),
            (Some(" "), None, None),
            (Some("Ada"), Some("Ada"), None),
            (Some("Ada Lovelace"), Some("Ada"), Some("Lovelace")),
            (Some("Ada  King Lovelace"), Some("Ada"), Some("King Lovelace")),
        ] {
            assert_eq!(names(name), (first.map(str::to_owned), last.map(str::to_owned)), "{name:?}");
        }
    }
}
