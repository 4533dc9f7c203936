use async_trait::async_trait;
use kernel::{Record, StoreError, UserId};

use crate::{AvatarName, NotificationPatch, Notifications, Profile, ProfilePatch, Rendered};

/// Profiles and notification choices. Each method is one atomic step.
#[async_trait]
pub trait ProfileStore: Send + Sync {
    /// The user's profile (empty when nothing was said yet); `None` without such a user.
    async fn find(&self, user: UserId) -> Result<Option<Profile>, StoreError>;
    /// Changes the fields that the patch names, and the profile after that; `None` without such a user. Concurrent patches of
    /// different fields both hold.
    async fn patch(&self, user: UserId, patch: &ProfilePatch, record: &Record) -> Result<Option<Profile>, StoreError>;
    /// Sets or removes the picture's name; the outer `None` without such a user, the inner the name it had.
    async fn set_avatar(
        &self,
        user: UserId,
        avatar: Option<&AvatarName>,
        record: &Record,
    ) -> Result<Option<Option<AvatarName>>, StoreError>;
    /// The user's notification choices (the default when none were made); `None` without such a user.
    async fn notifications(&self, user: UserId) -> Result<Option<Notifications>, StoreError>;
    /// Changes the choices that the patch names; the whole after that. Concurrent patches of different choices both hold.
    async fn patch_notifications(
        &self,
        user: UserId,
        patch: &NotificationPatch,
        record: &Record,
    ) -> Result<Option<Notifications>, StoreError>;
}

/// Files by name.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Keeps a file under a new name.
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError>;
    /// Reads a file; `None` when there is none of that name.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Removes a file; no error when there is none.
    async fn delete(&self, name: &str) -> Result<(), StoreError>;
}

/// Why a picture cannot be re-made.
#[derive(Debug, thiserror::Error)]
pub enum NotRendered {
    /// Neither PNG nor JPEG nor WebP.
    #[error("the picture must be a PNG, JPEG or WebP file")]
    UnknownFormat,
    /// More pixels than are accepted.
    #[error("the picture must be at most 4096 pixels wide and high")]
    TooLarge,
    /// More than one frame.
    #[error("the picture must not be animated")]
    Animated,
    /// The file is damaged.
    #[error("the picture cannot be read; is the file complete?")]
    Damaged,
    /// Too many pictures are being worked on.
    #[error("too many pictures are being worked on; try again shortly")]
    Busy,
}

/// Makes a new picture from a stranger's file, off the request's thread.
#[async_trait]
pub trait AvatarRenderer: Send + Sync {
    /// Decodes PNG, JPEG or WebP (at most 4096×4096 pixels, one frame) within bounds of memory, crops it to a square, scales it to
    /// 256×256 and writes it anew, as WebP and PNG, without any metadata. The orientation that EXIF asks for is applied.
    async fn render(&self, file: Vec<u8>) -> Result<Rendered, NotRendered>;
}
