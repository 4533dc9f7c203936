use chrono::Datelike;
use kernel::{InvoiceId, OrgId, Period, Timestamp};

use super::{cycle::Cycle, money::Money, provider::PaymentProvider};

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceStatus {
    /// It may still change.
    Draft,
    /// It is to be paid.
    Open,
    /// It was paid.
    Paid,
    /// A payment was tried and failed.
    Failed,
    /// It is not to be paid any more.
    Void,
}

impl InvoiceStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Open, Self::Paid, Self::Failed, Self::Void];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Void => "void",
        }
    }

    /// Reads [`InvoiceStatus::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// What it is for.
    pub description: String,
    /// How many.
    pub quantity: u32,
    /// What one costs, in minor units; negative for a credit.
    pub unit_minor: i64,
    /// All of them, in minor units.
    pub amount_minor: i64,
    /// For which time.
    pub period: Option<Period>,
}

/// What was paid for an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoicePayment {
    /// When.
    pub at: Timestamp,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How: `card visa 4242`, `bank transfer 2026-11-22`.
    pub method: String,
}

/// An invoice, of whichever provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its name here. Of two invoices with one provider and one `external` the store keeps the first one's name.
    pub id: InvoiceId,
    /// Whose.
    pub org: OrgId,
    /// Whose it is at the provider's side.
    pub provider: PaymentProvider,
    /// The provider's name for it; the manual one has none.
    pub external: Option<String>,
    /// What people call it. A draft has none; the manual provider's are given by the store, without gaps.
    pub number: Option<String>,
    /// Where it stands.
    pub status: InvoiceStatus,
    /// Before tax, in minor units of the total's currency.
    pub subtotal_minor: i64,
    /// The tax, in minor units.
    pub tax_minor: i64,
    /// What is to be paid, or was.
    pub total: Money,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Until when it is to be paid.
    pub due_at: Option<Timestamp>,
    /// When it was.
    pub paid_at: Option<Timestamp>,
    /// For which time.
    pub period: Option<Period>,
    /// The plan that it is for, where that is known.
    pub plan: Option<String>,
    /// How often it is paid for.
    pub cycle: Option<Cycle>,
    /// One line about it.
    pub description: String,
    /// The lines.
    pub lines: Vec<InvoiceLine>,
    /// What was paid.
    pub payments: Vec<InvoicePayment>,
    /// Who it is for: name and address, as they were.
    pub customer: (String, String),
    /// The provider's page for it.
    pub hosted_url: Option<String>,
}

impl Invoice {
    /// Whether the store gives it a number: one of our own that has left the drawer.
    pub fn is_numbered_here(&self) -> bool {
        self.provider == PaymentProvider::Manual && self.status != InvoiceStatus::Draft
    }

    /// The series that it is numbered in: one for each calendar year of issue, UTC.
    pub fn series(&self) -> String {
        format!("INV-{}", self.issued_at.year())
    }

    /// The `n`th number of a series: `INV-2026-000001`.
    pub fn number(series: &str, n: u64) -> String {
        format!("{series}-{n:06}")
    }
}
