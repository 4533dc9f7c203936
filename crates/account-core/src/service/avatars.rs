use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Record, StoreError, UserId};

use crate::{AccountError, Avatar, AvatarName, AvatarRenderer, BlobStore, ProfileStore};

/// Profile pictures: re-made from pixels, stored under random names.
#[derive(Clone)]
pub struct Avatars {
    profiles: Arc<dyn ProfileStore>,
    blobs: Arc<dyn BlobStore>,
    renderer: Arc<dyn AvatarRenderer>,
    ambient: Ambient,
}

impl Avatars {
    /// The use cases over these ports.
    pub fn new(
        profiles: Arc<dyn ProfileStore>,
        blobs: Arc<dyn BlobStore>,
        renderer: Arc<dyn AvatarRenderer>,
        ambient: Ambient,
    ) -> Self {
        Self { profiles, blobs, renderer, ambient }
    }

    /// Replaces the user's picture: the files first, then the name with its record, then the old files go. A failure in between
    /// leaves the old picture in place.
    pub async fn set(&self, actor: &Actor, user: UserId, file: Vec<u8>) -> Result<AvatarName, AccountError> {
        let rendered = self.renderer.render(file).await?;
        let name = AvatarName::mint(&self.ambient);
        self.blobs.put(&name.webp(), rendered.webp).await?;
        self.blobs.put(&name.png(), rendered.png).await?;
        let record = Record::new(&self.ambient, actor, Action::AvatarUpdated, "user", user);
        match self.profiles.set_avatar(user, Some(&name), &record).await {
            Ok(Some(old)) => {
                self.discard(old).await?;
                Ok(name)
            }
            Ok(None) => {
                self.discard(Some(name)).await?;
                Err(AccountError::NotFound)
            }
            Err(failure) => {
                self.discard(Some(name)).await?;
                Err(failure.into())
            }
        }
    }

    /// Takes the user's picture away; nothing happens when there is none.
    pub async fn remove(&self, actor: &Actor, user: UserId) -> Result<(), AccountError> {
        let record = Record::new(&self.ambient, actor, Action::AvatarRemoved, "user", user);
        let old = self.profiles.set_avatar(user, None, &record).await?.ok_or(AccountError::NotFound)?;
        Ok(self.discard(old).await?)
    }

    /// A stored picture by its file name; `None` for every name that is not one.
    pub async fn read(&self, file: &str) -> Result<Option<Avatar>, AccountError> {
        let Some((_, media_type)) = AvatarName::parse_file(file) else { return Ok(None) };
        Ok(self.blobs.get(file).await?.map(|bytes| Avatar { media_type, bytes }))
    }

    async fn discard(&self, name: Option<AvatarName>) -> Result<(), StoreError> {
        let Some(name) = name else { return Ok(()) };
        self.blobs.delete(&name.webp()).await?;
        self.blobs.delete(&name.png()).await
    }
}
