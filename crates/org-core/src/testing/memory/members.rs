use async_trait::async_trait;
use kernel::{OrgId, Page, Paged, Record, Role, StoreError, UserId};

use super::orgs::{found, paged};
use super::{MemoryOrgs, Seat, State};
use crate::{Added, Changed, Member, MemberFilter, MemberStatus, MemberStore, OrgStatus, Removed, Transferred};

impl State {
    fn shown(&self, seat: &Seat) -> Option<Member> {
        let account = self.accounts.get(&seat.user)?;
        let email = account.email.as_str();
        Some(Member {
            user: seat.user,
            email: email.to_owned(),
            email_verified: account.verified,
            username: email.split('@').next().unwrap_or_default().to_lowercase(),
            display_name: None,
            role: seat.role,
            status: if account.enabled { MemberStatus::Active } else { MemberStatus::Disabled },
            joined_at: seat.joined,
            last_active: None,
        })
    }
}

#[async_trait]
impl MemberStore for MemoryOrgs {
    async fn role(&self, org: OrgId, user: UserId) -> Result<Option<(Role, OrgStatus)>, StoreError> {
        let state = self.state()?;
        let status = state.orgs.get(&org).map(|org| org.status).filter(|status| *status != OrgStatus::Deleted);
        let role = state.member(org, user).filter(|_| state.enabled(user)).map(|seat| seat.role);
        Ok(role.zip(status))
    }

    async fn find(&self, org: OrgId, user: UserId) -> Result<Option<Member>, StoreError> {
        let state = self.state()?;
        Ok(state.member(org, user).and_then(|seat| state.shown(seat)))
    }

    async fn page(&self, org: OrgId, filter: &MemberFilter, page: Page) -> Result<Paged<Member>, StoreError> {
        let state = self.state()?;
        let members = state.members(org).into_iter().filter_map(|seat| state.shown(seat));
        let wanted = |member: &Member| {
            filter.role.is_none_or(|role| member.role == role)
                && found(filter.search.as_ref(), &[&member.email, &member.username])
        };
        Ok(paged(members.filter(wanted).collect(), page))
    }

    async fn add(
        &self,
        org: OrgId,
        user: UserId,
        role: Role,
        seats: u32,
        record: &Record,
    ) -> Result<Added, StoreError> {
        let mut state = self.state()?;
        if !state.caller_reaches(org, record, &[role]) {
            return Ok(Added::Outdated);
        }
        if state.member(org, user).is_some() {
            return Ok(Added::AlreadyMember);
        }
        if !state.has_seat(org, seats, record.at) {
            return Ok(Added::SeatLimit);
        }
        self.trail.keep(record)?;
        state.seat(org, user, role, record.at);
        Ok(Added::Added)
    }

    async fn remove(&self, org: OrgId, user: UserId, expected: Role, record: &Record) -> Result<Removed, StoreError> {
        let mut state = self.state()?;
        if state.member(org, user).is_none_or(|seat| seat.role != expected) {
            return Ok(Removed::NotFound);
        }
        if record.actor.user_id() != Some(user) && !state.caller_reaches(org, record, &[expected]) {
            return Ok(Removed::Outdated);
        }
        if state.needs(org, user) {
            return Ok(Removed::LastOwner);
        }
        self.trail.keep(record)?;
        state.reseat(org, user, |seat| seat.active = false);
        Ok(Removed::Removed)
    }

    async fn change_role(
        &self,
        org: OrgId,
        user: UserId,
        from: Role,
        to: Role,
        record: &Record,
    ) -> Result<Changed, StoreError> {
        let mut state = self.state()?;
        let Some(role) = state.member(org, user).map(|seat| seat.role) else { return Ok(Changed::NotFound) };
        if role != from || !state.caller_reaches(org, record, &[from, to]) {
            return Ok(Changed::Outdated);
        }
        if role == to {
            return Ok(Changed::Changed);
        }
        if state.needs(org, user) {
            return Ok(Changed::LastOwner);
        }
        self.trail.keep(record)?;
        state.reseat(org, user, |seat| seat.role = to);
        Ok(Changed::Changed)
    }

    async fn transfer(&self, org: OrgId, from: UserId, to: UserId, record: &Record) -> Result<Transferred, StoreError> {
        let mut state = self.state()?;
        if state.member(org, from).is_none_or(|seat| seat.role != Role::Owner) {
            return Ok(Transferred::NotOwner);
        }
        if state.member(org, to).is_none() || !state.enabled(to) {
            return Ok(Transferred::NotFound);
        }
        self.trail.keep(record)?;
        state.reseat(org, from, |seat| seat.role = Role::Admin);
        state.reseat(org, to, |seat| seat.role = Role::Owner);
        Ok(Transferred::Transferred)
    }
}
