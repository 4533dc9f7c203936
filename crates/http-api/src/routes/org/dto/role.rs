//! What members can be, and what each role allows.

use kernel::Role;
use org_core::Permission;
use serde::Serialize;
use utoipa::ToSchema;

/// What members can be.
#[derive(Serialize, ToSchema)]
#[schema(as = OrgRoles)]
pub(in crate::routes::org) struct RolesBody {
    /// Every role, the mightiest first.
    roles: Vec<RoleBody>,
    /// Roles of the organization's own making: there are none.
    #[serde(rename = "customRoles")]
    custom_roles: Vec<RoleBody>,
}

/// A role.
#[derive(Serialize, ToSchema)]
#[schema(as = OrgRole)]
struct RoleBody {
    /// What the API calls it.
    #[schema(example = "admin")]
    id: &'static str,
    /// What people call it.
    #[schema(example = "Admin")]
    name: &'static str,
    /// What it is for.
    #[schema(example = "Manages people, settings and keys; cannot touch owners.")]
    description: &'static str,
    /// What it allows.
    #[schema(example = json!(["manage_members", "manage_settings", "manage_keys", "view_all"]))]
    permissions: Vec<&'static str>,
}

impl RolesBody {
    /// Every role.
    pub(in crate::routes::org) fn all() -> Self {
        Self { roles: Role::ALL.into_iter().map(RoleBody::from).collect(), custom_roles: Vec::new() }
    }
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        let (name, description) = match role {
            Role::Owner => ("Owner", "May do everything, deleting the organization included."),
            Role::Admin => ("Admin", "Manages people, settings and keys; cannot touch owners."),
            Role::BillingAdmin => ("Billing admin", "Manages the subscription, payment methods and invoices."),
            Role::Member => ("Member", "Sees everything that is not secret."),
        };
        let held = Permission::ALL.into_iter().filter(|permission| permission.held_by(role));
        Self { id: role.as_str(), name, description, permissions: held.map(Permission::as_str).collect() }
    }
}
