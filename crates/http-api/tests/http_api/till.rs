//! Money over stores in memory, where nobody buys anything.

use std::sync::Arc;

use async_trait::async_trait;
use billing_core::testing::MemoryBilling;
use billing_core::{
    Billing, BillingNotice, BillingPorts, BillingSettings, CustomerDetails, Invoice, InvoicePrinter, Load, Notice,
    Offers, Platform,
};
use chrono::TimeDelta;
use kernel::{Ambient, OrgId, StoreError};
use zeroize::Zeroizing;

/// A product that sells nothing.
struct NothingToBuy;

#[async_trait]
impl Platform for NothingToBuy {
    async fn offers(&self) -> Result<Arc<Offers>, StoreError> {
        Ok(Arc::default())
    }
    async fn plan_of(&self, _: OrgId) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
    async fn customer(&self, _: OrgId) -> Result<Option<CustomerDetails>, StoreError> {
        Ok(None)
    }
    async fn load(&self, _: OrgId) -> Result<Load, StoreError> {
        Ok(Load::default())
    }
}

#[async_trait]
impl BillingNotice for NothingToBuy {
    async fn tell(&self, _: OrgId, _: &Notice) -> Result<(), StoreError> {
        Ok(())
    }
}

impl InvoicePrinter for NothingToBuy {
    fn print(&self, _: &Invoice) -> Result<Vec<u8>, StoreError> {
        Err(StoreError::broken("nothing is invoiced"))
    }
}

/// The use cases.
pub(crate) fn billing(ambient: &Ambient) -> Billing {
    let (store, world) = (Arc::new(MemoryBilling::new()), Arc::new(NothingToBuy));
    let ports = BillingPorts {
        store: store.clone(),
        invoices: store.clone(),
        inbox: store.clone(),
        outbox: store,
        platform: world.clone(),
        notice: world.clone(),
        printer: world,
        gateway: None,
    };
    let (grace, term) = (TimeDelta::days(7), TimeDelta::days(14));
    Billing::new(ports, BillingSettings { grace, term, quote_key: Zeroizing::new([7; 32]) }, ambient.clone())
}
