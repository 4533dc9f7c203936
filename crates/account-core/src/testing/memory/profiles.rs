use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::testing::{KeptRecords, MemoryTrail};
use kernel::{Ambient, Record, RecordId, StoreError, UserId};

use crate::testing::Population;
use crate::{AvatarName, NotificationPatch, Notifications, Profile, ProfilePatch, ProfileStore};

type Accounts = BTreeMap<UserId, (Profile, Notifications)>;

/// [`ProfileStore`] in memory.
#[derive(Default)]
pub struct MemoryProfiles {
    accounts: Mutex<Accounts>,
    trail: MemoryTrail,
}

impl MemoryProfiles {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records of all changes so far, the first first.
    pub fn records(&self) -> Vec<Record> {
        self.trail.records()
    }

    /// From now on every change fails, and leaves everything as it was.
    pub fn refuse_records(&self, refuse: bool) {
        self.trail.refuse_records(refuse);
    }

    /// From now on every method fails, reads included.
    pub fn break_down(&self, down: bool) {
        self.trail.break_down(down);
    }

    fn accounts(&self) -> Result<MutexGuard<'_, Accounts>, StoreError> {
        self.trail.up()?;
        Ok(self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl KeptRecords for MemoryProfiles {
    async fn kept(&self, record: RecordId) -> bool {
        self.trail.has(record)
    }
}

#[async_trait]
impl Population for MemoryProfiles {
    async fn user(&self) -> UserId {
        let user = UserId::mint(&Ambient::system());
        let account = (Profile::empty(user), Notifications::default());
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(user, account);
        user
    }
}

fn applied(patch: &ProfilePatch, now: &Profile) -> Profile {
    Profile {
        user: now.user,
        display_name: patch.display_name.clone().unwrap_or_else(|| now.display_name.clone()),
        bio: patch.bio.clone().unwrap_or_else(|| now.bio.clone()),
        company: patch.company.clone().unwrap_or_else(|| now.company.clone()),
        job_title: patch.job_title.clone().unwrap_or_else(|| now.job_title.clone()),
        phone: patch.phone.clone().unwrap_or_else(|| now.phone.clone()),
        locale: patch.locale.clone().unwrap_or_else(|| now.locale.clone()),
        timezone: patch.timezone.clone().unwrap_or_else(|| now.timezone.clone()),
        avatar: now.avatar.clone(),
    }
}

#[async_trait]
impl ProfileStore for MemoryProfiles {
    async fn find(&self, user: UserId) -> Result<Option<Profile>, StoreError> {
        Ok(self.accounts()?.get(&user).map(|(profile, _)| profile.clone()))
    }

    async fn patch(&self, user: UserId, patch: &ProfilePatch, record: &Record) -> Result<Option<Profile>, StoreError> {
        let mut accounts = self.accounts()?;
        let Some((profile, _)) = accounts.get_mut(&user) else { return Ok(None) };
        self.trail.keep(record)?;
        *profile = applied(patch, profile);
        Ok(Some(profile.clone()))
    }

    async fn set_avatar(
        &self,
        user: UserId,
        avatar: Option<&AvatarName>,
        record: &Record,
    ) -> Result<Option<Option<AvatarName>>, StoreError> {
        let mut accounts = self.accounts()?;
        let Some((profile, _)) = accounts.get_mut(&user) else { return Ok(None) };
        self.trail.keep(record)?;
        Ok(Some(std::mem::replace(&mut profile.avatar, avatar.cloned())))
    }

    async fn notifications(&self, user: UserId) -> Result<Option<Notifications>, StoreError> {
        Ok(self.accounts()?.get(&user).map(|(_, notifications)| *notifications))
    }

    async fn patch_notifications(
        &self,
        user: UserId,
        patch: &NotificationPatch,
        record: &Record,
    ) -> Result<Option<Notifications>, StoreError> {
        let mut accounts = self.accounts()?;
        let Some((_, notifications)) = accounts.get_mut(&user) else { return Ok(None) };
        self.trail.keep(record)?;
        *notifications = patch.applied_to(*notifications);
        Ok(Some(*notifications))
    }
}
