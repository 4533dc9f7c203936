//! The areas of the API.
pub mod admin;
pub mod api_keys;
pub mod auth;
pub mod billing;
pub mod byok;
pub mod compat;
pub mod decision;
pub mod invitation;
pub mod member;
pub mod org;
pub mod profile;
pub mod session;
pub mod subscriptions;
pub mod system;
pub mod tier;
pub mod tier_check;
pub mod usage;

use crate::endpoint::Endpoint;

/// The one list of everything served: routing and the OpenAPI document both come from it.
pub fn endpoints() -> Vec<Endpoint> {
    let areas: &[fn() -> Vec<Endpoint>] = &[
        system::endpoints,
        auth::endpoints,
        api_keys::endpoints,
        session::endpoints,
        profile::endpoints,
        compat::endpoints,
        org::endpoints,
        member::endpoints,
        invitation::endpoints,
        usage::endpoints,
        decision::endpoints,
        tier_check::endpoints,
        subscriptions::endpoints,
        tier::endpoints,
        byok::endpoints,
        billing::endpoints,
        admin::endpoints,
    ];
    areas.iter().flat_map(|area| area()).collect()
}
