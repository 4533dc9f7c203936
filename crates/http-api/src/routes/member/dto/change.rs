//! Another role, another owner, an end.

use kernel::{Role, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;

/// Another role of a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeMemberRole)]
pub(in crate::routes::member) struct ChangeRole {
    /// The role; `org_role` is read as the same key.
    #[schema(value_type = String, pattern = "^(owner|admin|billing_admin|member)$", example = "admin")]
    role: Option<String>,
    #[schema(ignore)]
    org_role: Option<String>,
}

impl TryFrom<ChangeRole> for Role {
    type Error = Problem;

    fn try_from(body: ChangeRole) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let role = match (body.role, body.org_role) {
            (Some(role), Some(other)) if role != other => {
                fields.wrong("/org_role", "contradiction", "role says something else");
                None
            }
            (Some(role), _) => fields.read("/role", role.parse()),
            (None, Some(role)) => fields.read("/org_role", role.parse()),
            (None, None) => {
                fields.wrong("/role", "missing_field", "must be given");
                None
            }
        };
        fields.done(role)
    }
}

/// The member has another role now.
#[derive(Serialize, ToSchema)]
#[schema(as = MemberRoleChanged)]
pub(in crate::routes::member) struct RoleChanged {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "The role is admin now.")]
    message: String,
    /// The member.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
    /// The role they have now.
    #[schema(example = "admin")]
    new_role: &'static str,
}

impl RoleChanged {
    /// This member, this role.
    pub(in crate::routes::member) fn new(user: UserId, role: Role) -> Self {
        let message = format!("The role is {role} now.");
        Self { success: true, message, user_id: user.to_string(), new_role: role.as_str() }
    }
}

/// The member is none any more.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::member) struct MemberRemoved {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "The member is removed.")]
    message: &'static str,
    /// Who it was.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
}

impl MemberRemoved {
    /// This member, by others or by themselves.
    pub(in crate::routes::member) fn new(user: UserId, oneself: bool) -> Self {
        let message = if oneself { "You have left the organization." } else { "The member is removed." };
        Self { success: true, message, user_id: user.to_string() }
    }
}

/// Who is to own the organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TransferOwnership)]
pub(in crate::routes::member) struct Transfer {
    /// Another member.
    #[schema(pattern = "^usr_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
}

impl TryFrom<Transfer> for UserId {
    type Error = Problem;

    fn try_from(body: Transfer) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let user = fields.read("/user_id", body.user_id.parse());
        fields.done(user)
    }
}

/// Another member owns the organization now; the giver is an admin.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::member) struct OwnershipTransferred {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "They own the organization now; you are an admin.")]
    message: &'static str,
    /// The new owner.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
    /// The caller's role now.
    #[schema(example = "admin")]
    own_role: &'static str,
}

impl OwnershipTransferred {
    /// To this member.
    pub(in crate::routes::member) fn new(heir: UserId) -> Self {
        Self {
            success: true,
            message: "They own the organization now; you are an admin.",
            user_id: heir.to_string(),
            own_role: Role::Admin.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;
    use crate::problem::Place;

    #[test]
    fn a_role_is_read_under_either_name() {
        for (text, outcome) in [
            (r#"{"role":"admin"}"#, Ok(Role::Admin)),
            (r#"{"org_role":"billing_admin"}"#, Ok(Role::BillingAdmin)),
            (r#"{"role":"member","org_role":"member"}"#, Ok(Role::Member)),
            (r#"{"role":"member","org_role":"admin"}"#, Err("/org_role")),
            (r#"{"role":"ADMIN"}"#, Err("/role")),
            (r#"{"role":["admin"]}"#, Err("/role")),
            (r#"{"role":null}"#, Err("/role")),
            ("{}", Err("/role")),
            (r#"{"org_role":""}"#, Err("/org_role")),
            (r#"{"role":"admin","user_id":"x"}"#, Err("/user_id")),
        ] {
            let read = parse_json::<ChangeRole>(text.as_bytes()).and_then(Role::try_from);
            let read =
                read.map_err(|problem| problem.body(&Place::default()).errors.unwrap_or_default().remove(0).pointer);
            assert_eq!(read, outcome.map_err(str::to_owned), "{text}");
        }
    }
}
