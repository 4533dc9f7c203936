//! What the mail says, where it goes, and what strangers cannot make of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod injection;
mod mime;
mod notice;
mod outbox;
mod smtp;

use chrono::{DateTime, TimeDelta};
use kernel::{Ambient, Email, InvitationId, OrgId, Role, UserId};
use mail_smtp::Sender;
use org_core::{Invitation, InvitationToken};

fn invitation(role: Role) -> Invitation {
    let ambient = Ambient::system();
    let created_at = DateTime::from_timestamp(1_793_707_200, 0).unwrap();
    Invitation {
        id: InvitationId::mint(&ambient),
        org: OrgId::mint(&ambient),
        email: Email::parse("ada@example.com").unwrap(),
        role,
        invited_by: UserId::mint(&ambient),
        created_at,
        expires_at: created_at + TimeDelta::days(7),
    }
}

fn sender() -> Sender {
    "Ops Center <ops@example.com>".parse().unwrap()
}

fn token() -> InvitationToken {
    InvitationToken::mint(&Ambient::system())
}
