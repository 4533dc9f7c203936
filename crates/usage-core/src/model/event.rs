use std::{fmt, str::FromStr};

use kernel::{
    Ambient, OrgId, RecordId, ReservationId, ServiceName, TextError, Timestamp, TokenHash, UserId, plain_line,
};

/// A value that cannot be what its field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not a quantity.
    #[error("must be a whole number from 1 to {}", Quantity::MAX)]
    Quantity,
    /// Not the name of an event.
    #[error("must be 1 to 128 visible ASCII characters")]
    EventId,
    /// A name that the ledger gives itself.
    #[error("must not begin with rsv_ or reset_: the ledger names its own entries so")]
    OwnEventId,
    /// Not the name of an action.
    #[error("must be 1 to 64 characters without control characters")]
    Action,
    /// More than a ledger row holds.
    #[error("must be a JSON object of at most 4096 bytes")]
    Metadata,
    /// Not a batch.
    #[error("must be 1 to 1000 events")]
    Batch,
    /// Not a time for which quantity is held.
    #[error("must be 1 to 3600 seconds")]
    Lease,
    /// Not a number of days.
    #[error("must be 1 to 366 days")]
    Days,
    /// Too long, or not for people to read.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// How much a call costs: 1 to 10⁹.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u64);

impl Quantity {
    /// The most that one event may cost.
    pub const MAX: u64 = 1_000_000_000;
    /// One call.
    pub const ONE: Self = Self(1);

    /// `Err` outside 1 to 10⁹.
    pub const fn new(number: u64) -> Result<Self, FieldError> {
        if number >= 1 && number <= Self::MAX { Ok(Self(number)) } else { Err(FieldError::Quantity) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// By which name an event is recorded once and never again, within its organization and for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

impl EventId {
    /// A name for an event whose sender gave none: `evt_` and a UUIDv7.
    pub fn mint(ambient: &Ambient) -> Self {
        Self(format!("evt_{}", RecordId::mint(ambient).uuid().hyphenated()))
    }

    /// The name of an event whose sender gave a key instead, by which the request may be repeated: `idem_` and this digest of the
    /// sender, the key, and the event's place, in hexadecimal.
    pub fn of_key(digest: &TokenHash) -> Self {
        Self(format!("idem_{}", digest.to_hex()))
    }

    /// The name under which a settled reservation stands in the ledger.
    pub fn of_reservation(id: ReservationId) -> Self {
        Self(id.to_string())
    }

    /// The name of a reset's compensating entry: `reset_`, the UUID of the reset's record, and a number.
    pub fn of_reset(record: RecordId, number: usize) -> Self {
        Self(format!("reset_{}_{number}", record.uuid().hyphenated()))
    }

    /// Whether only the ledger itself gives such names: those of settled reservations and of resets.
    pub fn is_the_ledgers_own(&self) -> bool {
        self.0.starts_with("rsv_") || self.0.starts_with("reset_")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if visible && (1..=128).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(FieldError::EventId) }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was done with a service: `completion`, `embedding`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActionName(String);

impl ActionName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActionName {
    type Err = FieldError;
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let line = plain_line(text, 64).ok().filter(|line| !line.is_empty());
        line.map(Self).ok_or(FieldError::Action)
    }
}

/// A call that somebody reports. Two drafts with one event id are the same event if all but `received_at` is equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whose quota pays.
    pub org: OrgId,
    /// Its name.
    pub event: EventId,
    /// Who called; `None` for a call that no person made.
    pub user: Option<UserId>,
    /// Which service.
    pub service: ServiceName,
    /// What of it.
    pub action: Option<ActionName>,
    /// How much it costs.
    pub quantity: Quantity,
    /// When it happened; it belongs to the period of this moment. `None` is the moment it was received.
    pub occurred_at: Option<Timestamp>,
    /// When we heard of it.
    pub received_at: Timestamp,
    /// What else the sender wants to keep: a JSON object, as text, at most [`Draft::MAX_METADATA`] bytes.
    pub metadata: Option<String>,
}

impl Draft {
    /// The most bytes of metadata.
    pub const MAX_METADATA: usize = 4096;

    /// The moment whose periods pay for it.
    pub fn at(&self) -> Timestamp {
        self.occurred_at.unwrap_or(self.received_at)
    }
}

/// What a row of the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A call that happened.
    Call,
    /// A reservation that was settled.
    Settled,
    /// A compensating entry: its quantity is negative.
    Reset,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Call, Self::Settled, Self::Reset];

    /// The name in the store and in exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Settled => "settled",
            Self::Reset => "reset",
        }
    }

    /// Reads [`EntryKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub event: EventId,
    /// What it is.
    pub kind: EntryKind,
    /// Who called.
    pub user: Option<UserId>,
    /// Which service; `None` for a reset.
    pub service: Option<ServiceName>,
    /// What of it.
    pub action: Option<ActionName>,
    /// How much it counts; negative for a reset.
    pub quantity: i64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}
