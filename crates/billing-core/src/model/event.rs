use kernel::{OrgId, Timestamp};

use super::provider::PaymentProvider;

/// What a provider sent, as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundEvent {
    /// Who.
    pub provider: PaymentProvider,
    /// The provider's name for it: one name, one event.
    pub id: String,
    /// What it says it is: `invoice.paid`; empty when it does not say.
    pub kind: String,
    /// The customer that it is about, if it names one.
    pub customer: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// Every byte of it.
    pub body: Vec<u8>,
}

/// Without the bytes, which are somebody's data.
impl std::fmt::Debug for InboundEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { provider, id, kind, customer, .. } = self;
        f.debug_struct("InboundEvent")
            .field("provider", provider)
            .field("id", id)
            .field("kind", kind)
            .field("customer", customer)
            .finish_non_exhaustive()
    }
}

/// Which event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventKey {
    /// Who sent it.
    pub provider: PaymentProvider,
    /// The provider's name for it.
    pub id: String,
}

/// Where an event, or a command, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkState {
    /// It waits for its turn, or for another try.
    Pending,
    /// It took effect.
    Done,
    /// It was understood, and is about nothing that is kept here.
    Ignored,
    /// It failed so often that somebody must look.
    Dead,
}

impl WorkState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Ignored, Self::Dead];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Dead => "dead",
        }
    }

    /// Reads [`WorkState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An event whose turn it is; it is leased to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEvent {
    /// The event.
    pub event: InboundEvent,
    /// How often it was tried before.
    pub attempts: u32,
}

/// An event, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventEntry {
    /// Which.
    pub key: EventKey,
    /// What it says it is.
    pub kind: String,
    /// The organization that it was about, once that is known.
    pub org: Option<OrgId>,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it stands.
    pub state: WorkState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// Why it failed last.
    pub error: Option<String>,
}
