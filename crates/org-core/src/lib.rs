//! Organizations, their members, roles, invitations and settings, without a web framework, a database or a runtime.
//!
//! A use case takes a [`Membership`]: the proof, read a moment ago, that the caller belongs to the organization and in which role.
//! [`Orgs::membership`] gives it out; nothing else can make one.
mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::{FieldError, NamedBy, OrgError},
    model::{
        invitation::{Invitation, InvitationToken, Invited, Preview},
        member::{Joined, Member, MemberFilter, MemberStatus, Membership},
        org::{Entitlement, OnTier, Org, OrgFilter, OrgName, OrgStats, OrgStatus, OrgSummary, Slug},
        permission::Permission,
        settings::{
            AllowedDomain, Branding, Color, DateFormat, Preferences, Settings, SettingsPatch, Theme, TimeFormat, WebUrl,
        },
    },
    ports::{
        Accepted, Added, Changed, Created, Entitlements, InvitationMail, InvitationStore, Inviting, MemberStore,
        OrgStore, Patched, People, Person, Removed, Renewal, Renewed, Revoked, StatusChanged, Transferred,
    },
    service::{
        invitations::{InvitationPorts, Invitations, Sent},
        members::Members,
        orgs::{OrgPorts, OrgView, Orgs},
    },
};
