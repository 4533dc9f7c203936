//! Pure decisions of this feature.
pub mod csrf;
pub mod device;
pub mod password;
pub mod throttle;
