use kernel::{StoreError, TextError, Timestamp};

/// A value that cannot be what its field holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Too long, or not for people to read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// More entries than the field holds.
    #[error("at most {0} entries")]
    TooMany(usize),
    /// Not there, or empty, where the field must say something.
    #[error("must not be empty")]
    Empty,
    /// Not the name of a plan or a service.
    #[error("must be 1 to 64 of the characters a-z, 0-9 and '-', beginning and ending with a letter or digit")]
    Name,
    /// A negative number, or an absurd one.
    #[error("must be 0 to {0}")]
    Range(i64),
    /// Fewer seats than the owner needs, or an absurd number.
    #[error("must be 1 to {0}")]
    Seats(i64),
    /// Not a limit.
    #[error("must be 0 or more, or -1 for unlimited")]
    Limit,
    /// Not a currency.
    #[error("must be an ISO 4217 code: three upper-case letters, such as USD")]
    Currency,
    /// No service of the catalogue has this name.
    #[error("there is no service {0:?} in the catalogue")]
    UnknownService(String),
    /// Not what Stripe calls a price.
    #[error("must be the id of a Stripe price: price_…")]
    StripePrice,
    /// Not an address.
    #[error("must be an http or https address, or a path that begins with /")]
    Url,
    /// An active plan is not made inactive by the way: it must be seen first that nobody is on it.
    #[error("a plan is retired by deleting it, not by changing it")]
    Retire,
    /// The plan is no trial.
    #[error("only a plan with trial days can be on trial")]
    NoTrial,
}

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No plan has this name, or it cannot be chosen any more.
    #[error("there is no such plan")]
    UnknownPlan,
    /// No service of the catalogue has this name.
    #[error("there is no such service")]
    UnknownService,
    /// Another plan has the name; retired ones keep theirs.
    #[error("another plan has this name")]
    PlanExists,
    /// Somebody changed it meanwhile.
    #[error("it has been changed meanwhile; read it again and repeat the change")]
    VersionConflict,
    /// The plan cannot be retired: it is an organization's, or the one that every organization begins with.
    #[error("organizations are on this plan; move them to another one first")]
    PlanInUse,
    /// There is no such organization, or it is deleted.
    #[error("there is no such organization")]
    NoSuchOrg,
    /// Quantity was to be held, and as many reservations of the organization are open as may be, however little each of them holds.
    #[error("the organization has as many open reservations as there may be: settle or release some")]
    TooManyReservations {
        /// When it was refused.
        at: Timestamp,
        /// When the first of them ends by itself.
        again: Timestamp,
    },
    /// Fields that cannot hold what they were given, by the names that they have on the wire.
    #[error("{}", list(.0))]
    Invalid(Vec<(&'static str, FieldError)>),
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `level: must be 0 to 100; currency: must be …`.
fn list(fields: &[(&'static str, FieldError)]) -> String {
    fields.iter().map(|(field, error)| format!("{field}: {error}")).collect::<Vec<_>>().join("; ")
}
