//! Doubles of the ports, and the contract tests that every adapter runs. Feature `testing`.
//!
//! [`MemoryOrgs`] is every port of this crate in memory. An adapter proves itself by calling the contract functions from its own
//! tests, with [`OrgStores`] over a database of its own; a function panics where a promise of a port is broken. A `_race` function
//! lets attempts collide.

mod contract;
mod memory;
mod population;

pub use self::{
    contract::{
        answers::{
            Delivered, Outbox, colleague_contract, entitlements_contract, invitation_mail_contract, people_contract,
        },
        invitations::invitation_store_contract,
        members::member_store_contract,
        orgs::org_store_contract,
        races::{invitation_store_race, member_store_race, org_store_race},
    },
    memory::{MemoryOrgs, SentMail},
    population::{OrgStores, Population},
};
