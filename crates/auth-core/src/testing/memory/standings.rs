use async_trait::async_trait;
use kernel::{OrgId, Record, StoreError, UserId};

use super::{MemoryAuth, Seat, State};
use crate::{Freshness, Home, MembershipStanding, Standing, Standings};

impl State {
    fn membership(&self, org: OrgId, user: UserId) -> Option<MembershipStanding> {
        let seat = self.seat(org, user)?;
        Some(MembershipStanding { role: seat.role, epoch: seat.epoch, org_active: self.org_active(org) })
    }

    fn home(&self, user: UserId) -> Option<&Seat> {
        let mine = || self.seats.iter().filter(|seat| seat.user == user && seat.active && self.org_active(seat.org));
        let wanted = self.accounts.get(&user).and_then(|account| account.home);
        mine().find(|seat| Some(seat.org) == wanted).or_else(|| mine().min_by_key(|seat| seat.joined))
    }
}

#[async_trait]
impl Standings for MemoryAuth {
    async fn of(&self, user: UserId, org: Option<OrgId>, _fresh: Freshness) -> Result<Option<Standing>, StoreError> {
        let state = self.state()?;
        Ok(state.accounts.get(&user).map(|account| Standing {
            user_epoch: account.epoch,
            platform_epoch: state.platform_epoch,
            enabled: account.user.enabled,
            email: account.user.email.canonical().to_owned(),
            platform_role: account.user.role,
            membership: org.and_then(|org| state.membership(org, user)),
        }))
    }

    async fn home(&self, user: UserId) -> Result<Option<Home>, StoreError> {
        Ok(self.state()?.home(user).map(|seat| Home { org: seat.org, epoch: seat.epoch }))
    }

    async fn end_sessions(&self, user: UserId, record: &Record) -> Result<Option<i64>, StoreError> {
        let mut state = self.state()?;
        let Some(account) = state.accounts.get_mut(&user) else { return Ok(None) };
        self.trail.keep(record)?;
        account.epoch += 1;
        Ok(Some(account.epoch))
    }

    async fn set_home(&self, user: UserId, org: OrgId, record: &Record) -> Result<(), StoreError> {
        let mut state = self.state()?;
        self.trail.keep(record)?;
        if let Some(account) = state.accounts.get_mut(&user) {
            account.home = Some(org);
        }
        Ok(())
    }

    async fn note(&self, record: &Record) -> Result<(), StoreError> {
        self.trail.up()?;
        self.trail.keep(record)
    }
}
