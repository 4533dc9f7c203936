use std::collections::BTreeMap;
use std::str::FromStr;

use kernel::{OrgId, Role, Timestamp, UserId, plain_line};

use super::settings::Settings;
use crate::error::FieldError;

/// An organization's name, 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgName(String);

impl OrgName {
    /// Reads it; white space around it is not part of it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let name = plain_line(value, 100)?;
        if name.is_empty() { Err(FieldError::Empty) } else { Ok(Self(name)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An organization's name in addresses: 2 to 63 of `a-z`, `0-9` and `-` (a DNS label, RFC 1123). Unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Reads it.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let slug = value.trim();
        let inner = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let edges = !slug.starts_with('-') && !slug.ends_with('-');
        if inner && edges && (2..=63).contains(&slug.len()) { Ok(Self(slug.to_owned())) } else { Err(FieldError::Slug) }
    }

    /// One made from a name, with a random end so that it is free: `acme-gmbh-4f9c2a`.
    pub fn from_name(name: &OrgName, random: [u8; 3]) -> Self {
        let mut slug = String::new();
        for c in name.as_str().to_lowercase().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let base: String = slug.trim_matches('-').chars().take(50).collect();
        let end: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let base = if base.is_empty() { "org" } else { base.trim_matches('-') };
        Self(format!("{base}-{end}"))
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The state of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrgStatus {
    /// In use.
    Active,
    /// Stopped by the platform.
    Suspended,
    /// Deleted; its data is erased after the retention time.
    Deleted,
}

impl OrgStatus {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for OrgStatus {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        [Self::Active, Self::Suspended, Self::Deleted]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(FieldError::Choice("active, suspended, deleted"))
    }
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: OrgName,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its state.
    pub status: OrgStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// What its people decided.
    pub settings: Settings,
}

/// An organization in the platform's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgSummary {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Its name in addresses.
    pub slug: String,
    /// Its state.
    pub status: OrgStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// The e-mail address of its longest-standing active owner.
    pub owner: Option<String>,
    /// How many active members it has.
    pub member_count: u64,
}

/// Which organizations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgFilter {
    /// Only this state; without it all but the deleted ones.
    pub status: Option<OrgStatus>,
    /// Part of the name or slug, whatever the case. `%` and `_` mean themselves.
    pub search: Option<String>,
    /// Only organizations of this member.
    pub member: Option<UserId>,
    /// Only organizations for which this plan counts.
    pub on: Option<OnTier>,
}

/// A plan that is to be the one that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTier {
    /// The plan's code.
    pub tier: String,
    /// The code of the plan that counts wherever no other one does: where nobody chose one, where the chosen one has ended, and for
    /// deleted organizations.
    pub otherwise: String,
    /// When: a trial ends by itself.
    pub at: Timestamp,
}

/// Counts of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgStats {
    /// Members, disabled accounts included.
    pub total_members: u64,
    /// Members whose account is enabled.
    pub active_members: u64,
    /// Invitations that are open at the time asked.
    pub pending_invites: u64,
    /// Members by role; every role is there.
    pub members_by_role: BTreeMap<&'static str, u64>,
}

impl OrgStats {
    /// How many have this role.
    pub fn with_role(&self, role: Role) -> u64 {
        self.members_by_role.get(role.as_str()).copied().unwrap_or(0)
    }
}

/// What an organization's plan gives it, as far as this crate must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The plan's code: `free`, …
    pub tier: String,
    /// How many members it may have.
    pub seats: u32,
    /// Calls in a month; `None` is without limit.
    pub api_calls_limit: Option<u64>,
    /// Calls in this period so far.
    pub api_calls_used: u64,
    /// The state of the subscription: `active`, …
    pub subscription_status: String,
    /// What the plan costs, in minor units of `currency`, for one `interval`.
    pub price_cents: i64,
    /// ISO 4217.
    pub currency: String,
    /// `month` or `year`.
    pub interval: String,
}
