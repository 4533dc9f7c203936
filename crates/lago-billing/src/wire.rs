//! Lago's objects, as far as they are needed. Everything that is not named here may change.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, de::DeserializeOwned};

pub(crate) type Time = Option<DateTime<Utc>>;

#[derive(Debug, Deserialize)]
pub(crate) struct Meta {
    pub(crate) next_page: Option<u32>,
}

/// A page of a list: what is on it, and the number of the next one.
pub(crate) trait Listing: DeserializeOwned {
    type Item;
    fn split(self) -> (Vec<Self::Item>, Option<u32>);
}

impl Listing for Subscriptions {
    type Item = Subscription;
    fn split(self) -> (Vec<Subscription>, Option<u32>) {
        (self.subscriptions, self.meta.next_page)
    }
}

impl Listing for Invoices {
    type Item = Invoice;
    fn split(self) -> (Vec<Invoice>, Option<u32>) {
        (self.invoices, self.meta.next_page)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct SubscriptionReply {
    pub(crate) subscription: Subscription,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscriptions {
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) meta: Meta,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) external_id: String,
    pub(crate) external_customer_id: String,
    pub(crate) plan_code: String,
    pub(crate) plan_amount_cents: Option<i64>,
    pub(crate) plan_amount_currency: Option<String>,
    pub(crate) status: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) canceled_at: Time,
    pub(crate) started_at: Time,
    pub(crate) ending_at: Time,
    pub(crate) subscription_at: Time,
    pub(crate) terminated_at: Time,
    pub(crate) next_plan_code: Option<String>,
    pub(crate) downgrade_plan_date: Option<NaiveDate>,
    pub(crate) trial_ended_at: Time,
    pub(crate) current_billing_period_started_at: Time,
    pub(crate) current_billing_period_ending_at: Time,
    /// As it was agreed with this customer; lists leave it out.
    pub(crate) plan: Option<Plan>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PlanReply {
    pub(crate) plan: Plan,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Plan {
    pub(crate) code: String,
    pub(crate) interval: String,
    pub(crate) amount_cents: i64,
    pub(crate) amount_currency: String,
    /// In days, written as a decimal number.
    pub(crate) trial_period: Option<f64>,
    #[serde(default)]
    pub(crate) pay_in_advance: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct InvoiceReply {
    pub(crate) invoice: Invoice,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Invoices {
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) meta: Meta,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Invoice {
    /// A preview has none.
    pub(crate) lago_id: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) issuing_date: Option<NaiveDate>,
    pub(crate) payment_due_date: Option<NaiveDate>,
    pub(crate) payment_dispute_lost_at: Time,
    #[serde(default)]
    pub(crate) payment_overdue: bool,
    pub(crate) invoice_type: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) payment_status: Option<String>,
    pub(crate) currency: String,
    #[serde(default)]
    pub(crate) coupons_amount_cents: i64,
    #[serde(default)]
    pub(crate) credit_notes_amount_cents: i64,
    #[serde(default)]
    pub(crate) prepaid_credit_amount_cents: i64,
    #[serde(default)]
    pub(crate) progressive_billing_credit_amount_cents: i64,
    #[serde(default)]
    pub(crate) taxes_amount_cents: i64,
    pub(crate) total_amount_cents: i64,
    pub(crate) file_url: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    pub(crate) customer: Option<Customer>,
    pub(crate) billing_periods: Option<Vec<BillingPeriod>>,
    pub(crate) fees: Option<Vec<Fee>>,
    pub(crate) subscriptions: Option<Vec<Subscription>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BillingPeriod {
    pub(crate) subscription_from_datetime: Time,
    pub(crate) subscription_to_datetime: Time,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fee {
    pub(crate) amount_cents: i64,
    /// How many, written as a decimal number.
    pub(crate) units: Option<String>,
    pub(crate) from_date: Time,
    pub(crate) to_date: Time,
    pub(crate) description: Option<String>,
    pub(crate) item: Option<FeeItem>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FeeItem {
    pub(crate) name: Option<String>,
    pub(crate) invoice_display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CustomerReply {
    pub(crate) customer: Customer,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Customer {
    pub(crate) external_id: String,
    pub(crate) name: Option<String>,
    pub(crate) legal_name: Option<String>,
    pub(crate) address_line1: Option<String>,
    pub(crate) address_line2: Option<String>,
    pub(crate) zipcode: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) country: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PortalReply {
    pub(crate) customer: Portal,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Portal {
    pub(crate) portal_url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CheckoutReply {
    pub(crate) customer: CheckoutPage,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CheckoutPage {
    pub(crate) checkout_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PaymentPageReply {
    pub(crate) invoice_payment_details: PaymentPage,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PaymentPage {
    pub(crate) payment_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Payments {
    pub(crate) payments: Vec<Payment>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Payment {
    #[serde(default)]
    pub(crate) invoice_ids: Vec<String>,
    pub(crate) amount_cents: i64,
    pub(crate) payment_status: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) payment_provider_type: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CreditNotes {
    pub(crate) credit_notes: Vec<CreditNote>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CreditNote {
    pub(crate) lago_invoice_id: String,
    pub(crate) refund_status: Option<String>,
    #[serde(default)]
    pub(crate) refund_amount_cents: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PublicKeyReply {
    pub(crate) webhook: PublicKey,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PublicKey {
    pub(crate) public_key: String,
}
