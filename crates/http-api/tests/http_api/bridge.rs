use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use account_core::{AvatarName, DisplayName, NotificationPatch, Notifications, Profile, ProfilePatch, ProfileStore};
use async_trait::async_trait;
use auth_core::testing::MemoryAuth;
use auth_core::{Freshness, Home, MembershipStanding, Standing, Standings, User, UserStore};
use kernel::{Email, OrgId, Page, Record, StoreError, UserId};
use org_core::testing::MemoryOrgs;
use org_core::{OrgStatus, OrgStore, People, Person};

/// Accounts and organizations are two doubles; these are the questions that each asks the other.
pub(crate) struct Bridge {
    pub(crate) auth: Arc<MemoryAuth>,
    pub(crate) orgs: Arc<MemoryOrgs>,
}

impl Bridge {
    async fn home_in(
        &self,
        user: UserId,
        org: Option<OrgId>,
    ) -> Result<Option<(OrgId, MembershipStanding)>, StoreError> {
        let joined = OrgStore::joined(&*self.orgs, user, Page::default()).await?.items;
        let wanted = |org_id: OrgId| org.is_none_or(|org| org == org_id);
        let found = joined.into_iter().find(|joined| wanted(joined.org));
        Ok(found.map(|joined| {
            let org_active = joined.status == OrgStatus::Active;
            (joined.org, MembershipStanding { role: joined.role, epoch: 0, org_active })
        }))
    }
}

#[async_trait]
impl Standings for Bridge {
    async fn of(&self, user: UserId, org: Option<OrgId>, fresh: Freshness) -> Result<Option<Standing>, StoreError> {
        let membership = match org {
            Some(org) => self.home_in(user, Some(org)).await?.map(|(_, membership)| membership),
            None => None,
        };
        Ok(Standings::of(&*self.auth, user, None, fresh).await?.map(|standing| Standing { membership, ..standing }))
    }
    async fn home(&self, user: UserId) -> Result<Option<Home>, StoreError> {
        Ok(self.home_in(user, None).await?.map(|(org, membership)| Home { org, epoch: membership.epoch }))
    }
    async fn end_sessions(&self, user: UserId, record: &Record) -> Result<Option<i64>, StoreError> {
        self.auth.end_sessions(user, record).await
    }
    async fn set_home(&self, _: UserId, _: OrgId, record: &Record) -> Result<(), StoreError> {
        self.auth.note(record).await
    }
    async fn note(&self, record: &Record) -> Result<(), StoreError> {
        self.auth.note(record).await
    }
}

#[async_trait]
impl People for Bridge {
    async fn by_email(&self, email: &Email) -> Result<Option<Person>, StoreError> {
        Ok(self.auth.by_login(email.canonical()).await?.map(|found| person(found.user)))
    }
    async fn by_id(&self, user: UserId) -> Result<Option<Person>, StoreError> {
        Ok(UserStore::by_id(&*self.auth, user).await?.map(|found| person(found.user)))
    }
    async fn colleague(&self, user: UserId, _: UserId) -> Result<Option<Person>, StoreError> {
        People::by_id(self, user).await
    }
}

fn person(user: User) -> Person {
    Person { user: user.id, email: user.email, email_verified: user.email_verified, name: user.username.to_string() }
}

/// Everybody has a profile that says nothing but a display name, if one was given.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<UserId, DisplayName>>);

impl Names {
    pub(crate) fn give(&self, user: UserId, name: &str) {
        self.0.lock().unwrap().insert(user, DisplayName::parse(name).unwrap());
    }
}

fn read_only<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("the pages change no profile"))
}

#[async_trait]
impl ProfileStore for Names {
    async fn find(&self, user: UserId) -> Result<Option<Profile>, StoreError> {
        let display_name = self.0.lock().unwrap().get(&user).cloned();
        Ok(Some(Profile { display_name, ..Profile::empty(user) }))
    }
    async fn patch(&self, _: UserId, _: &ProfilePatch, _: &Record) -> Result<Option<Profile>, StoreError> {
        read_only()
    }
    async fn set_avatar(
        &self,
        _: UserId,
        _: Option<&AvatarName>,
        _: &Record,
    ) -> Result<Option<Option<AvatarName>>, StoreError> {
        read_only()
    }
    async fn notifications(&self, _: UserId) -> Result<Option<Notifications>, StoreError> {
        read_only()
    }
    async fn patch_notifications(
        &self,
        _: UserId,
        _: &NotificationPatch,
        _: &Record,
    ) -> Result<Option<Notifications>, StoreError> {
        read_only()
    }
}
