use std::sync::Arc;

use async_trait::async_trait;
use kernel::{InvoiceId, OrgId, Page, Paged, Record, StoreError, TaskId, Timestamp};

use crate::{
    Account, Capabilities, ClaimedEvent, Command, CustomerDetails, EventEntry, EventKey, GatewayError, InboundEvent,
    Invoice, InvoiceStatus, Money, Movement, Offers, Outgoing, PaymentMethod, PaymentProvider, Proration, SetupIntent,
    Snapshot, WorkState,
};

/// What an organization has because of money: the plan-core's words, of which this crate knows only these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// What the plan gives, until a trial ends.
    Trialing,
    /// What the plan gives.
    Active,
    /// What the plan gives, for a time, though a payment is missing.
    PastDue,
    /// What the default plan gives, until the payment is made.
    Unpaid,
    /// What the default plan gives.
    Canceled,
}

impl Access {
    /// Every access.
    pub const ALL: [Self; 5] = [Self::Trialing, Self::Active, Self::PastDue, Self::Unpaid, Self::Canceled];

    /// The name in the store; the words are those of a subscription's status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Canceled => "canceled",
        }
    }

    /// Reads [`Access::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }

    /// Whether the plan's gifts are there.
    pub const fn stands(self) -> bool {
        matches!(self, Self::Trialing | Self::Active | Self::PastDue)
    }
}

/// What an organization is entitled to by what it pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The plan.
    pub plan: String,
    /// How high that stands.
    pub level: u8,
    /// What of it.
    pub access: Access,
    /// From when its months are counted.
    pub anchor: Timestamp,
    /// When a trial ends.
    pub trial_ends_at: Option<Timestamp>,
}

/// What is over when a posting is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settles {
    /// Nothing that was waiting.
    Nothing,
    /// This event took effect.
    Event(EventKey),
    /// This command was carried out.
    Task(TaskId),
}

/// One change of an organization's money: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The account as it is to be, one version higher than it was read.
    pub account: Account,
    /// When time alone changes something again: an end of grace, of a trial, of a period of the manual provider.
    pub next_at: Option<Timestamp>,
    /// What the organization is entitled to from now on; `None` leaves that as it is. A plan that an administrator or the installation
    /// gave stays while it stands higher than the one that is paid for; one that nobody pays for any more ends only if it was paid for.
    /// One that an administrator paused stays paused, whatever is paid.
    pub grant: Option<Grant>,
    /// For the books.
    pub movement: Option<Movement>,
    /// Made, or changed: those that the store knows by provider and `external` (or by `id` where there is none) are overwritten, but for
    /// their `id`. One of the manual provider that is not a draft and has no number gets the next of its series, without gaps.
    pub invoices: Vec<Invoice>,
    /// To be carried out.
    pub outgoing: Option<Outgoing>,
    /// What is over with it.
    pub settles: Settles,
}

/// Answer of [`BillingStore::post`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// All of it happened.
    Posted,
    /// Somebody changed the account meanwhile: nothing happened.
    Moved,
    /// Something is being carried out for this organization already: nothing happened. (Only with `outgoing`.)
    ChangePending,
    /// The event took effect before, or the command is over: nothing happened.
    AlreadySettled,
    /// There is no such organization, or it is deleted: nothing happened.
    NoOrg,
}

/// Everything about money that is kept. What `post` answered is what the next read sees, in every process.
#[async_trait]
pub trait BillingStore: Send + Sync {
    /// The organization's account; a new one of `provider` where there is none yet. `None` for an organization that does not exist or is
    /// deleted.
    async fn account(&self, org: OrgId, provider: PaymentProvider) -> Result<Option<Account>, StoreError>;
    /// Whose customer this is: by what was kept when the customer was made, and nothing that an event says.
    async fn org_of(&self, provider: PaymentProvider, customer: &str) -> Result<Option<OrgId>, StoreError>;
    /// Makes a change. Of any number that were made upon one version of an account, one happens.
    async fn post(&self, posting: &Posting, record: &Record) -> Result<Posted, StoreError>;
    /// Up to `limit` organizations whose `next_at` has come, the longest overdue first.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrgId>, StoreError>;
    /// Up to `limit` accounts that have a customer at this provider, by organization, those after `after`.
    async fn accounts(
        &self,
        provider: PaymentProvider,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError>;
    /// The organization's moves between plans, oldest first.
    async fn movements(&self, org: OrgId) -> Result<Vec<Movement>, StoreError>;
}

/// Which invoices are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InvoiceFilter {
    /// Only those that stand here.
    pub status: Option<InvoiceStatus>,
    /// Only those made at this time or later.
    pub from: Option<Timestamp>,
    /// Only those made before this time.
    pub to: Option<Timestamp>,
}

/// Invoices, as they were last posted.
#[async_trait]
pub trait InvoiceStore: Send + Sync {
    /// The organization's invoices, newest first.
    async fn list(&self, org: OrgId, filter: &InvoiceFilter, page: Page) -> Result<Paged<Invoice>, StoreError>;
    /// One of them.
    async fn one(&self, org: OrgId, id: InvoiceId) -> Result<Option<Invoice>, StoreError>;
    /// The invoice of this number that the manual provider made, of any organization. For the operator.
    async fn numbered(&self, number: &str) -> Result<Option<Invoice>, StoreError>;
}

/// Answer of [`Inbox::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is kept.
    New,
    /// One of this name is kept already; this one is not.
    Duplicate,
}

/// What providers sent. Kept before it is acknowledged, applied afterwards.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps an event. Durable when answered.
    async fn receive(&self, event: &InboundEvent) -> Result<Received, StoreError>;
    /// Up to `limit` events whose turn it is, those first whose turn came first, leased until `until`: of any number of callers each event
    /// is given to one.
    /// One that was leased and is not over when the lease ends is given out again.
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<ClaimedEvent>, StoreError>;
    /// An event was understood and is about nothing that is kept here.
    async fn ignore(&self, key: &EventKey, now: Timestamp) -> Result<(), StoreError>;
    /// An event could not be applied, for the `attempts`th time: again at `next_at`, or never by itself when there is none.
    async fn fail(
        &self,
        key: &EventKey,
        attempts: u32,
        next_at: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError>;
    /// Events for an operator, newest first; `None` for every state.
    async fn list(&self, state: Option<WorkState>, page: Page) -> Result<Paged<EventEntry>, StoreError>;
    /// An event that is not pending is to be applied again, from its first attempt on; `false` when there is none of this name.
    async fn replay(&self, key: &EventKey, record: &Record) -> Result<bool, StoreError>;
}

/// Commands that were agreed and are not known to be carried out. They enter with [`BillingStore::post`], and leave with it.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Up to `limit` commands whose turn it is, leased until `until`, as [`Inbox::claim`].
    async fn claim(&self, now: Timestamp, until: Timestamp, limit: u32) -> Result<Vec<Outgoing>, StoreError>;
    /// This one, if nobody else has leased it and it is not over, also before its turn.
    async fn claim_one(&self, id: TaskId, now: Timestamp, until: Timestamp) -> Result<Option<Outgoing>, StoreError>;
    /// It could not be carried out, for the `attempts`th time: again at `next_at`, or never by itself when there is none: then the
    /// organization may agree to another one.
    async fn fail(&self, id: TaskId, attempts: u32, next_at: Option<Timestamp>, error: &str) -> Result<(), StoreError>;
    /// What is on its way for an organization.
    async fn pending(&self, org: OrgId) -> Result<Option<Outgoing>, StoreError>;
}

/// A purchase that is to be made at a provider's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// Who buys, by the provider's name.
    pub customer: String,
    /// What, by the provider's name.
    pub price: String,
    /// Where the browser goes when it was bought.
    pub success_url: String,
    /// Where the browser goes when it was not.
    pub cancel_url: String,
    /// The days of a trial before the first payment.
    pub trial_days: u16,
}

/// A provider's page that is open now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The provider's name for it.
    pub id: String,
    /// Where the browser goes.
    pub url: String,
}

/// Who takes the money. Every call that changes something carries a name under which it happens once, however often it is made.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Who it is, and what it can do.
    fn provider(&self) -> (PaymentProvider, Capabilities);
    /// Makes a customer; the provider's name for it.
    async fn create_customer(&self, who: &CustomerDetails, once: &str) -> Result<String, GatewayError>;
    /// Opens a page on which a plan is bought.
    async fn checkout(&self, request: &CheckoutRequest, once: &str) -> Result<Checkout, GatewayError>;
    /// Opens a page on which a customer looks after its payment.
    async fn portal(&self, customer: &str, return_url: &str) -> Result<String, GatewayError>;
    /// Everything about a customer of this organization, as it is now.
    async fn snapshot(&self, org: OrgId, customer: &str) -> Result<Snapshot, GatewayError>;
    /// What a change would cost: [`Command::ChangeNow`], of which `due` is ignored.
    async fn preview(&self, customer: &str, command: &Command) -> Result<Proration, GatewayError>;
    /// Carries a command out. One that was carried out before under this name is not carried out again.
    async fn execute(&self, command: &Command, once: &str) -> Result<(), GatewayError>;
    /// The names of customers about whom something happened since then: for finding events that never came.
    async fn touched(&self, since: Timestamp) -> Result<Vec<String>, GatewayError>;
}

/// Payment methods that a provider keeps.
#[async_trait]
pub trait PaymentMethods: Send + Sync {
    /// The customer's, the default one first.
    async fn list(&self, customer: &str) -> Result<Vec<PaymentMethod>, GatewayError>;
    /// Adds one that the browser made.
    async fn attach(&self, customer: &str, method: &str, once: &str) -> Result<PaymentMethod, GatewayError>;
    /// Removes one of this customer; `NotFound` for another customer's.
    async fn detach(&self, customer: &str, method: &str) -> Result<(), GatewayError>;
    /// Charges this one of the customer's by default from now on; `NotFound` for another customer's.
    async fn choose(&self, customer: &str, method: &str) -> Result<PaymentMethod, GatewayError>;
    /// Prepares for a browser that adds one.
    async fn setup(&self, customer: &str, once: &str) -> Result<SetupIntent, GatewayError>;
}

/// What a provider does with single invoices.
#[async_trait]
pub trait ProviderInvoices: Send + Sync {
    /// The document, at most 10 MiB: the bytes of a PDF.
    async fn pdf(&self, external: &str) -> Result<Vec<u8>, GatewayError>;
    /// Tries to charge it again.
    async fn retry(&self, external: &str, once: &str) -> Result<(), GatewayError>;
}

/// Makes the document of an invoice of the manual provider.
pub trait InvoicePrinter: Send + Sync {
    /// The bytes of a PDF.
    fn print(&self, invoice: &Invoice) -> Result<Vec<u8>, StoreError>;
}

/// How much of a plan an organization uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Members and open invitations.
    pub seats: u32,
    /// Provider keys of its own.
    pub keys: u32,
    /// Calls in this month.
    pub calls: u64,
}

/// What this crate asks about the rest of the product. Answered by the application.
#[async_trait]
pub trait Platform: Send + Sync {
    /// All plans, at most a second old.
    async fn offers(&self) -> Result<Arc<Offers>, StoreError>;
    /// The plan that the organization is on now, whoever gave it.
    async fn plan_of(&self, org: OrgId) -> Result<Option<String>, StoreError>;
    /// Who gets the organization's bills; `None` for one that does not exist or is deleted.
    async fn customer(&self, org: OrgId) -> Result<Option<CustomerDetails>, StoreError>;
    /// How much it uses.
    async fn load(&self, org: OrgId) -> Result<Load, StoreError>;
}

/// What people are told about their money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A payment is missing; access ends then.
    PaymentMissing(Timestamp),
    /// Access ended, because a payment is missing.
    AccessEnded,
    /// An invoice of the operator is to be paid: how much, and until when.
    InvoiceOpen(Money, Timestamp),
    /// The provider charges for something that no plan is sold as; nothing is granted for it. For the operator.
    UnknownPrice(String),
}

/// Tells the owners of an organization about their money, and the operator what only the operator can mend. Answered by the application.
#[async_trait]
pub trait BillingNotice: Send + Sync {
    /// Tells them, soon.
    async fn tell(&self, org: OrgId, notice: &Notice) -> Result<(), StoreError>;
}
