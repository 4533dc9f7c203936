use kernel::Role;

/// What a role allows inside an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Invite, remove, change roles.
    ManageMembers,
    /// Subscription, payment methods, invoices.
    ManageBilling,
    /// Name, branding, preferences.
    ManageSettings,
    /// Provider keys and service keys.
    ManageKeys,
    /// End the organization.
    DeleteOrg,
    /// See everything that is not secret.
    ViewAll,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 6] = [
        Self::ManageMembers,
        Self::ManageBilling,
        Self::ManageSettings,
        Self::ManageKeys,
        Self::DeleteOrg,
        Self::ViewAll,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManageMembers => "manage_members",
            Self::ManageBilling => "manage_billing",
            Self::ManageSettings => "manage_settings",
            Self::ManageKeys => "manage_keys",
            Self::DeleteOrg => "delete_org",
            Self::ViewAll => "view_all",
        }
    }

    /// Whether a role carries this permission.
    pub const fn held_by(self, role: Role) -> bool {
        match role {
            Role::Owner => true,
            Role::Admin => {
                matches!(self, Self::ManageMembers | Self::ManageSettings | Self::ManageKeys | Self::ViewAll)
            }
            Role::BillingAdmin => matches!(self, Self::ManageBilling | Self::ViewAll),
            Role::Member => matches!(self, Self::ViewAll),
        }
    }
}
