mod billing;
mod by_hand;
mod change;
mod checkout;
mod invoices;
mod manual;
mod methods;
mod preview;
mod reconcile;
mod sync;
mod work;

pub use self::{
    billing::{Billing, BillingPorts, BillingSettings, Gateway, Status},
    change::{ChangeRequest, Changed},
    checkout::Purchase,
    invoices::Document,
    manual::Marked,
    methods::Methods,
    preview::Preview,
    reconcile::{Drift, Reconciled},
    work::Round,
};
