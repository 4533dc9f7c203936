use std::cmp::Reverse;

use async_trait::async_trait;
use kernel::{InvitationId, OrgId, Record, StoreError, Timestamp, TokenHash, UserId};

use super::{MemoryOrgs, State};
use crate::{Accepted, Invitation, InvitationStore, Inviting, Renewal, Renewed, Revoked};

impl State {
    fn pending(&self, org: OrgId, id: InvitationId) -> Option<&Invitation> {
        let mut invitations = self.invitations.iter().map(|(_, invitation)| invitation);
        invitations.find(|invitation| invitation.org == org && invitation.id == id)
    }

    fn has_member_with_address_of(&self, invitation: &Invitation) -> bool {
        let address = |user: &UserId| self.accounts.get(user).map(|account| &account.email);
        self.members(invitation.org).iter().any(|seat| address(&seat.user) == Some(&invitation.email))
    }
}

#[async_trait]
impl InvitationStore for MemoryOrgs {
    async fn create(
        &self,
        invitation: &Invitation,
        token: &TokenHash,
        seats: u32,
        record: &Record,
    ) -> Result<Inviting, StoreError> {
        let mut state = self.state()?;
        if !state.caller_reaches(invitation.org, record, &[invitation.role]) {
            return Ok(Inviting::Outdated);
        }
        if state.has_member_with_address_of(invitation) {
            return Ok(Inviting::AlreadyMember);
        }
        if state.open(invitation.org, record.at).iter().any(|open| open.email == invitation.email) {
            return Ok(Inviting::AlreadyInvited);
        }
        if !state.has_seat(invitation.org, seats, record.at) {
            return Ok(Inviting::SeatLimit);
        }
        self.trail.keep(record)?;
        state.invitations.retain(|(_, old)| old.org != invitation.org || old.email != invitation.email);
        state.invitations.push((*token, invitation.clone()));
        Ok(Inviting::Created)
    }

    async fn open(&self, org: OrgId, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        let state = self.state()?;
        let mut open: Vec<_> = state.open(org, now).into_iter().cloned().collect();
        open.sort_by_key(|invitation| Reverse((invitation.created_at, invitation.id)));
        Ok(open)
    }

    async fn by_token(&self, token: &TokenHash) -> Result<Option<Invitation>, StoreError> {
        let state = self.state()?;
        let found = state.invitations.iter().find(|(kept, _)| kept == token);
        Ok(found.map(|(_, invitation)| invitation.clone()))
    }

    async fn renew(
        &self,
        org: OrgId,
        id: InvitationId,
        renewal: &Renewal,
        record: &Record,
    ) -> Result<Renewed, StoreError> {
        let mut state = self.state()?;
        let Some(old) = state.pending(org, id).cloned() else { return Ok(Renewed::NotFound) };
        if !state.caller_reaches(org, record, &[old.role]) {
            return Ok(Renewed::Outdated);
        }
        if old.expires_at <= record.at && !state.has_seat(org, renewal.seats, record.at) {
            return Ok(Renewed::SeatLimit);
        }
        self.trail.keep(record)?;
        let renewed = Invitation { expires_at: renewal.expires_at, ..old };
        for kept in state.invitations.iter_mut().filter(|(_, invitation)| invitation.id == id) {
            *kept = (renewal.token, renewed.clone());
        }
        Ok(Renewed::Renewed(renewed))
    }

    async fn revoke(&self, org: OrgId, id: InvitationId, record: &Record) -> Result<Revoked, StoreError> {
        let mut state = self.state()?;
        let Some(role) = state.pending(org, id).map(|invitation| invitation.role) else {
            return Ok(Revoked::NotFound);
        };
        if !state.caller_reaches(org, record, &[role]) {
            return Ok(Revoked::Outdated);
        }
        self.trail.keep(record)?;
        state.invitations.retain(|(_, invitation)| invitation.id != id);
        Ok(Revoked::Revoked)
    }

    async fn accept(
        &self,
        token: &TokenHash,
        user: UserId,
        seats: u32,
        record: &Record,
    ) -> Result<Accepted, StoreError> {
        let mut state = self.state()?;
        let found = state.invitations.iter().find(|(kept, _)| kept == token);
        let Some((org, role)) = found.map(|(_, invitation)| (invitation.org, invitation.role)) else {
            return Ok(Accepted::Gone);
        };
        let member = state.member(org, user).is_some();
        let full = u32::try_from(state.members(org).len()).is_ok_and(|members| members >= seats);
        if !member && full {
            return Ok(Accepted::SeatLimit);
        }
        self.trail.keep(record)?;
        state.invitations.retain(|(kept, _)| kept != token);
        if member {
            return Ok(Accepted::AlreadyMember);
        }
        state.seat(org, user, role, record.at);
        Ok(Accepted::Accepted)
    }
}
