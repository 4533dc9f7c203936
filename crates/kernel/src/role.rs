use std::{fmt, str::FromStr};

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role; the roles are {0}")]
pub struct BadRole(pub &'static str);

/// What a person may do on the whole platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlatformRole {
    /// May read what every user may read.
    Viewer,
    /// An ordinary user.
    User,
    /// Operates the platform.
    Admin,
}

impl PlatformRole {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for PlatformRole {
    type Err = BadRole;
    fn from_str(text: &str) -> Result<Self, BadRole> {
        [Self::Viewer, Self::User, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(BadRole("admin, user, viewer"))
    }
}

/// What a member may do in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything, deletion included.
    Owner,
    /// People, settings and keys; cannot touch owners.
    Admin,
    /// Money.
    BillingAdmin,
    /// Sees everything, changes nothing.
    Member,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::BillingAdmin, Self::Member];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::BillingAdmin => "billing_admin",
            Self::Member => "member",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = BadRole;
    fn from_str(text: &str) -> Result<Self, BadRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(BadRole("owner, admin, billing_admin, member"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_and_nothing_else_does() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for role in [PlatformRole::Viewer, PlatformRole::User, PlatformRole::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for wrong in ["", "OWNER", "Owner", "owner ", "ｏwner", "superuser", "null"] {
            assert!(wrong.parse::<Role>().is_err(), "{wrong}");
            assert!(wrong.parse::<PlatformRole>().is_err(), "{wrong}");
        }
    }
}
