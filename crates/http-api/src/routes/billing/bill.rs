//! What money has to say on an organization's page.

use billing_core::{Billing, Invoice, PaymentMethod, Status};
use kernel::{OrgId, Page};

use crate::problem::Problem;

/// So many invoices stand on the page.
const NEWEST: u32 = 10;

/// What an organization pays, paid, and pays with.
pub(in crate::routes) struct Bill {
    /// Where it stands.
    pub(in crate::routes) status: Status,
    /// Its newest invoices.
    pub(in crate::routes) invoices: Vec<Invoice>,
    /// What is charged by default.
    pub(in crate::routes) method: Option<PaymentMethod>,
}

impl Bill {
    /// The organization's.
    pub(in crate::routes) async fn of(billing: &Billing, org: OrgId) -> Result<Self, Problem> {
        let newest = Page::new(NEWEST, 0).unwrap_or_default();
        let invoices = billing.list_invoices(org, &billing_core::InvoiceFilter::default(), newest).await?.items;
        let methods =
            if billing.capabilities().payment_methods { billing.payment_methods(org).await? } else { Vec::new() };
        let method = methods.into_iter().find(|method| method.is_default);
        Ok(Self { status: billing.status(org).await?, invoices, method })
    }
}
