//! The catalogue of plans and services, and which organization is on which plan.
//!
//! On PostgreSQL whoever puts an organization on a plan locks the organization's row and then shares the plan's; whoever retires a
//! plan locks its row alone. So a plan that is being retired gains nobody.
pub(crate) mod catalogue;
mod row;
pub(crate) mod subscriptions;
