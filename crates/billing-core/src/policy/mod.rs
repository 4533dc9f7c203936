//! Pure decisions of this feature.

pub mod consequence;
pub mod grant;
pub mod manual;
pub mod observe;
pub mod proration;
pub mod quote;
pub mod retry;
