//! Money, over doubles: what a provider says becomes what is known, what time brings, what a change costs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod change;
mod contracts;
mod events;
mod grant;
mod house;
mod manual;
mod observe;
mod sample;
