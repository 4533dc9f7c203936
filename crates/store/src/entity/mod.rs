//! The rows, as the databases keep them. Nothing outside this crate sees one.
pub(crate) mod api_key;
pub(crate) mod app_user;
pub(crate) mod audit_record;
pub(crate) mod idempotency;
pub(crate) mod invitation;
pub(crate) mod known_device;
pub(crate) mod membership;
pub(crate) mod notification_choice;
pub(crate) mod organization;
pub(crate) mod plan;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod sign_in_link;
pub(crate) mod subscription;
pub(crate) mod throttle;
pub(crate) mod user_profile;
