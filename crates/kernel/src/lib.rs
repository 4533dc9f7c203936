//! The words that every feature shares: ids, time and randomness as parameters, who did what, and the opaque error of a store.
//!
//! Nothing lives here that three features do not share. The crate knows no technology.

mod action;
mod actor;
mod ambient;
#[cfg(feature = "email")]
mod email;
mod error;
mod id;
mod idempotency;
mod limit;
mod page;
mod period;
mod record;
mod role;
mod service_name;
#[cfg(feature = "system")]
mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod token;

pub use self::{
    action::{Action, Category},
    actor::{Actor, ActorKind},
    ambient::{Ambient, Clock, Rng, Timestamp},
    error::StoreError,
    id::{
        ApiKeyId, BadId, InvitationId, InvoiceId, OrgId, ProviderKeyId, RecordId, ReservationId, SessionId,
        SubscriptionId, TaskId, UserId,
    },
    idempotency::{Begun, Idempotency, IdempotencyKey, Recorded},
    limit::Limit,
    page::{Page, Paged},
    period::Period,
    record::{Outcome, Record, Resource},
    role::{BadRole, PlatformRole, Role},
    service_name::{BadServiceName, ServiceName},
    text::{TextError, plain_line, plain_text},
    token::TokenHash,
};

#[cfg(feature = "email")]
pub use self::email::{BadEmail, Email};
#[cfg(feature = "system")]
pub use self::system::{OsRng, SystemClock};
