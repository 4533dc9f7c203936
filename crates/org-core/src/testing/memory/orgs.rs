use std::cmp::Reverse;

use async_trait::async_trait;
use kernel::{OrgId, Page, Paged, Record, Role, StoreError, Timestamp, UserId};

use super::{MemoryOrgs, Seat, State};
use crate::{
    Created, Joined, OnTier, Org, OrgFilter, OrgStats, OrgStatus, OrgStore, OrgSummary, Patched, Permission,
    SettingsPatch, StatusChanged,
};

/// A number of things, as the wire counts them.
pub(super) fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// The asked part of a list.
pub(super) fn paged<T>(all: Vec<T>, page: Page) -> Paged<T> {
    let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let total = count(all.len());
    Paged { items: all.into_iter().skip(at(page.offset())).take(at(page.limit())).collect(), total, page }
}

/// Whether one of the texts contains what is searched for, whatever the case.
pub(super) fn found(search: Option<&String>, texts: &[&str]) -> bool {
    search.is_none_or(|part| texts.iter().any(|text| text.to_lowercase().contains(&part.to_lowercase())))
}

impl State {
    fn active_members(&self, org: OrgId) -> u64 {
        count(self.members(org).into_iter().filter(|seat| self.enabled(seat.user)).count())
    }

    fn matches(&self, filter: &OrgFilter, org: &Org) -> bool {
        filter.status.map_or(org.status != OrgStatus::Deleted, |status| org.status == status)
            && found(filter.search.as_ref(), &[org.name.as_str(), org.slug.as_str()])
            && filter.member.is_none_or(|user| self.member(org.id, user).is_some())
            && filter.on.as_ref().is_none_or(|on| self.is_on(on, org))
    }

    fn is_on(&self, on: &OnTier, org: &Org) -> bool {
        let runs = self.trials.get(&org.id).is_none_or(|end| on.at < *end);
        let own = self.plans.get(&org.id).filter(|_| runs && org.status != OrgStatus::Deleted);
        own.map_or(&on.otherwise, |plan| &plan.tier) == &on.tier
    }

    fn summary(&self, org: &Org) -> OrgSummary {
        let owner = self.owners_beside(org.id, None).first().and_then(|seat| self.accounts.get(&seat.user));
        OrgSummary {
            id: org.id,
            name: org.name.as_str().to_owned(),
            slug: org.slug.as_str().to_owned(),
            status: org.status,
            created_at: org.created_at,
            owner: owner.map(|account| account.email.as_str().to_owned()),
            member_count: self.active_members(org.id),
        }
    }

    fn joined(&self, seat: &Seat) -> Option<Joined> {
        let org = self.orgs.get(&seat.org).filter(|org| org.status != OrgStatus::Deleted)?;
        Some(Joined {
            org: org.id,
            name: org.name.as_str().to_owned(),
            status: org.status,
            logo_url: org.settings.logo_url.as_ref().map(|url| url.as_str().to_owned()),
            role: seat.role,
            joined_at: seat.joined,
            member_count: self.active_members(org.id),
        })
    }
}

#[async_trait]
impl OrgStore for MemoryOrgs {
    async fn create(&self, org: &Org, owner: UserId, record: &Record) -> Result<Created, StoreError> {
        let mut state = self.state()?;
        if state.orgs.values().any(|other| other.slug == org.slug) {
            return Ok(Created::SlugTaken);
        }
        self.trail.keep(record)?;
        state.orgs.insert(org.id, org.clone());
        state.seat(org.id, owner, Role::Owner, org.created_at);
        Ok(Created::Created)
    }

    async fn find(&self, org: OrgId) -> Result<Option<Org>, StoreError> {
        Ok(self.state()?.orgs.get(&org).cloned())
    }

    async fn page(&self, filter: &OrgFilter, page: Page) -> Result<Paged<OrgSummary>, StoreError> {
        let state = self.state()?;
        let mut orgs: Vec<_> = state.orgs.values().filter(|org| state.matches(filter, org)).collect();
        orgs.sort_by_key(|org| Reverse((org.created_at, org.id)));
        Ok(paged(orgs.into_iter().map(|org| state.summary(org)).collect(), page))
    }

    async fn joined(&self, user: UserId, page: Page) -> Result<Paged<Joined>, StoreError> {
        let state = self.state()?;
        let mut mine: Vec<_> = state.seats.iter().filter(|seat| seat.user == user && seat.active).collect();
        mine.sort_by_key(|seat| seat.joined);
        Ok(paged(mine.into_iter().filter_map(|seat| state.joined(seat)).collect(), page))
    }

    async fn patch(&self, org: OrgId, patch: &SettingsPatch, record: &Record) -> Result<Patched, StoreError> {
        let mut state = self.state()?;
        let allowed = state.caller_holds(org, record, Permission::ManageSettings);
        let Some(found) = state.orgs.get_mut(&org).filter(|org| org.status != OrgStatus::Deleted) else {
            return Ok(Patched::NotFound);
        };
        if !allowed {
            return Ok(Patched::Outdated);
        }
        self.trail.keep(record)?;
        found.settings = patch.applied_to(found.settings.clone());
        found.name = patch.name.clone().unwrap_or_else(|| found.name.clone());
        Ok(Patched::Patched(Box::new(found.clone())))
    }

    async fn set_status(&self, org: OrgId, status: OrgStatus, record: &Record) -> Result<StatusChanged, StoreError> {
        let mut state = self.state()?;
        let ownerless = state.owners_beside(org, None).is_empty();
        let Some(found) = state.orgs.get_mut(&org).filter(|org| org.status != OrgStatus::Deleted) else {
            return Ok(StatusChanged::NotFound);
        };
        if status == OrgStatus::Active && ownerless {
            return Ok(StatusChanged::LastOwner);
        }
        self.trail.keep(record)?;
        found.status = status;
        if status != OrgStatus::Active {
            for seat in state.seats.iter_mut().filter(|seat| seat.org == org) {
                seat.epoch += 1;
            }
        }
        if status == OrgStatus::Deleted {
            state.invitations.retain(|(_, invitation)| invitation.org != org);
        }
        Ok(StatusChanged::Changed)
    }

    async fn stats(&self, org: OrgId, now: Timestamp) -> Result<OrgStats, StoreError> {
        let state = self.state()?;
        let members = state.members(org);
        let with = |role: Role| count(members.iter().filter(|seat| seat.role == role).count());
        Ok(OrgStats {
            total_members: count(members.len()),
            active_members: state.active_members(org),
            pending_invites: count(state.open(org, now).len()),
            members_by_role: Role::ALL.into_iter().map(|role| (role.as_str(), with(role))).collect(),
        })
    }
}
