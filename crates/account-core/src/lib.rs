//! Profile, picture and notification choices of an account, without a web framework, a database or an image library.
mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::{AccountError, FieldError},
    model::{
        avatar::{Avatar, AvatarName, Rendered},
        notification::{Frequency, NotificationPatch, Notifications, UsageAlertThreshold},
        profile::{DisplayName, Locale, Phone, Profile, ProfilePatch, ShortText, Timezone},
    },
    ports::{AvatarRenderer, BlobStore, NotRendered, ProfileStore},
    service::{avatars::Avatars, profiles::Profiles},
};
