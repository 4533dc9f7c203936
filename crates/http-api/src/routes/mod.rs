//! The areas of the API.
pub mod auth;
pub mod compat;
pub mod invitation;
pub mod member;
pub mod org;
pub mod profile;
pub mod session;
pub mod system;

use crate::endpoint::Endpoint;

/// The one list of everything served: routing and the OpenAPI document both come from it.
pub fn endpoints() -> Vec<Endpoint> {
    let areas: [fn() -> Vec<Endpoint>; 8] = [
        system::endpoints,
        auth::endpoints,
        session::endpoints,
        profile::endpoints,
        compat::endpoints,
        org::endpoints,
        member::endpoints,
        invitation::endpoints,
    ];
    areas.into_iter().flat_map(|area| area()).collect()
}
