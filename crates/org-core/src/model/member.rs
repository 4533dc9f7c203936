use kernel::{OrgId, Role, Timestamp, UserId};

use crate::{OrgError, OrgStatus, Permission};

/// The proof that somebody is an active member of an organization now. Only [`crate::Orgs::membership`] and the contract tests
/// make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) role: Role,
}

impl Membership {
    /// The organization.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The member.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Their role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Refuses a member whose role does not carry the permission.
    pub fn require(&self, permission: Permission) -> Result<(), OrgError> {
        if permission.held_by(self.role) { Ok(()) } else { Err(OrgError::Forbidden(permission)) }
    }
}

/// Whether a member can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatus {
    /// Yes.
    Active,
    /// The account is disabled.
    Disabled,
}

impl MemberStatus {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// A member, as the organization's list shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub user: UserId,
    /// Its e-mail address, as written.
    pub email: String,
    /// Whether the address was proved.
    pub email_verified: bool,
    /// Its user name.
    pub username: String,
    /// What others see, if it was said.
    pub display_name: Option<String>,
    /// The role in this organization.
    pub role: Role,
    /// Whether they can act.
    pub status: MemberStatus,
    /// When they became a member.
    pub joined_at: Timestamp,
    /// When they last signed in.
    pub last_active: Option<Timestamp>,
}

/// Which members to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Part of the e-mail address, user name or display name, whatever the case. `%` and `_` mean themselves.
    pub search: Option<String>,
    /// Only this role.
    pub role: Option<Role>,
}

/// An organization as one of its members sees it in the list of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The organization.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: OrgStatus,
    /// The address of its logo.
    pub logo_url: Option<String>,
    /// The member's role.
    pub role: Role,
    /// When they joined.
    pub joined_at: Timestamp,
    /// How many active members it has.
    pub member_count: u64,
}
