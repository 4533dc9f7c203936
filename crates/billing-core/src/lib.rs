//! Money: who pays for which plan, and what that entitles to; quotes that charge what they promise; invoices; events that take effect
//! once, in any order. Without a payment provider's library, a web framework, a database or a runtime.
//!
//! An [`Account`] is what is known about an organization's money. It changes by a [`Posting`], which is all or nothing and carries what
//! follows from it: the plan ([`Grant`]), the books ([`Movement`]), the invoices. What a provider says is read at once ([`Snapshot`]) and
//! compared, never pieced together from its events: an event only tells when to look.

mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::{BadQuote, BadSignature, BillingError, GatewayError},
    model::{
        account::Account,
        change::{Command, Consequence, Effective, Movement, Outgoing, Proration},
        customer::{CustomerDetails, PaymentMethod, SetupIntent},
        cycle::Cycle,
        event::{ClaimedEvent, EventEntry, EventKey, InboundEvent, WorkState},
        invoice::{Invoice, InvoiceLine, InvoicePayment, InvoiceStatus},
        money::{BadCurrency, Currency, Money},
        offer::{Offer, Offers},
        provider::{Capabilities, PaymentProvider},
        quote::Quote,
        snapshot::{Payment, RemoteSubscription, Snapshot},
        subscription::{PaidSubscription, PaymentStatus, PendingChange},
    },
    ports::{
        Access, BillingNotice, BillingStore, Checkout, CheckoutRequest, Grant, Inbox, InvoiceFilter, InvoicePrinter,
        InvoiceStore, Load, Notice, Outbox, PaymentGateway, PaymentMethods, Platform, Posted, Posting,
        ProviderInvoices, Received, Settles,
    },
    service::{
        Billing, BillingPorts, BillingSettings, ChangeRequest, Changed, Document, Drift, Gateway, Marked, Methods,
        Preview, Purchase, Reconciled, Round, Status,
    },
};
