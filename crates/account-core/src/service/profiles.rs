use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Record, UserId};

use crate::{AccountError, NotificationPatch, Notifications, Profile, ProfilePatch, ProfileStore};

/// What a person tells of themselves and wants to hear of.
#[derive(Clone)]
pub struct Profiles {
    store: Arc<dyn ProfileStore>,
    ambient: Ambient,
}

impl Profiles {
    /// The use cases over this store.
    pub fn new(store: Arc<dyn ProfileStore>, ambient: Ambient) -> Self {
        Self { store, ambient }
    }

    /// The profile.
    pub async fn get(&self, user: UserId) -> Result<Profile, AccountError> {
        self.store.find(user).await?.ok_or(AccountError::NotFound)
    }

    /// Changes the fields that the patch names.
    pub async fn update(&self, actor: &Actor, user: UserId, patch: &ProfilePatch) -> Result<Profile, AccountError> {
        let record = Record::new(&self.ambient, actor, Action::ProfileUpdated, "user", user);
        self.store.patch(user, patch, &record).await?.ok_or(AccountError::NotFound)
    }

    /// The notification choices.
    pub async fn notifications(&self, user: UserId) -> Result<Notifications, AccountError> {
        self.store.notifications(user).await?.ok_or(AccountError::NotFound)
    }

    /// Changes the choices that the patch names.
    pub async fn choose(
        &self,
        actor: &Actor,
        user: UserId,
        patch: &NotificationPatch,
    ) -> Result<Notifications, AccountError> {
        let record = Record::new(&self.ambient, actor, Action::NotificationsUpdated, "user", user);
        self.store.patch_notifications(user, patch, &record).await?.ok_or(AccountError::NotFound)
    }
}
