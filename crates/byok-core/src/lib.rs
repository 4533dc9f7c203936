//! Customers' own provider keys: kept sealed, told apart by a fingerprint, tested without cost, rotated while they are in use. Without
//! a web framework, a database, an HTTP client or a runtime.
//!
//! [`Byok`] keeps an organization's keys, [`Resolution`] hands one to a service that will use it, [`Custody`] looks after the master
//! keys, [`Watch`] tests keys by itself. A secret is a [`ProviderSecret`] while somebody needs it, and a [`Sealed`] for the rest of the
//! time: [`policy::seal`] says what its bytes are and what they are bound to.

mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::{ByokError, CustodyError, EndpointError, Undecryptable, Upgrade},
    model::{
        binding::{Binding, Purpose},
        endpoint::{BadEndpoint, Endpoint},
        key::{KeyStatus, Label, NewKey, ProviderKey, Sealed, Test, TestRun, Verdict},
        provider::{AuthStyle, BadProviderId, Home, KeyFormat, ProbeCall, Provider, ProviderId, Providers},
        ring::{BadMasterKeyId, BadRing, KeyRing, MasterKey, MasterKeyId},
        secret::{BadSecret, ProviderSecret},
    },
    ports::{
        CustodyStore, Deleted, Entitlement, Finding, KeyNotice, KeyProbe, KeyStore, KnownMasterKey, Put, Remembered,
        Retired, Rewrapped, RingHolder, Trial,
    },
    service::{
        custody::{Custody, CustodyState, InRing, MasterKeyState},
        keys::{Byok, ByokPorts, KeyView, Stats, Stored},
        resolve::{Resolution, Resolved},
        rotation::Rotation,
        watch::{Round, Watch},
    },
};
