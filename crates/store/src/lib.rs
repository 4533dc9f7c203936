//! Every row of Ops Center and the adapters that satisfy the features' ports, on SQLite and on PostgreSQL.
//!
//! [`Database::connect`] opens one of the two by its URL, [`Database::migrate`] brings its schema up to date, and each `Sea…`
//! struct is the adapter of one port. All adapters of one [`Database`] share its connections and its short-lived caches of
//! standings, plans and keys, so that what one of them changes the others see at once.
//!
//! A change and its audit record are one transaction. Where an invariant could race, the change locks what it rests on: the
//! row of the organization first, then the rows of accounts, each in the order of their ids. SQLite has one writer at a time.
mod account;
mod audit;
mod auth;
mod billing;
mod byok;
mod connection;
mod entity;
mod error;
mod group_commit;
mod idempotency;
mod org;
mod plan;
mod recent;
mod schema;
mod transaction;
mod usage;
mod value;

pub use self::{
    account::SeaProfiles,
    audit::SeaTrail,
    auth::{
        api_keys::SeaApiKeys, links::SeaLinks, sessions::SeaSessions, standings::SeaStandings, throttle::SeaThrottle,
        users::SeaUsers,
    },
    billing::{accounts::SeaBilling, inbox::SeaInbox, invoices::SeaInvoices, outbox::SeaOutbox},
    byok::{custody::SeaCustody, keys::SeaProviderKeys},
    connection::{Database, DatabaseOptions},
    error::OpenError,
    idempotency::SeaIdempotency,
    org::{invitations::SeaInvitations, members::SeaMembers, orgs::SeaOrgs, people::SeaPeople},
    plan::{catalogue::SeaCatalogue, subscriptions::SeaSubscriptions},
    usage::{books::SeaBooks, ledger::SeaLedger, reader::SeaUsage},
};
