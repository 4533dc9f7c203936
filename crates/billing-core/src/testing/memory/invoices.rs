use async_trait::async_trait;
use kernel::{InvoiceId, OrgId, Page, Paged, StoreError};

use super::{MemoryBilling, at_most};
use crate::{Invoice, InvoiceFilter, InvoiceStore, PaymentProvider};

#[async_trait]
impl InvoiceStore for MemoryBilling {
    async fn list(&self, org: OrgId, filter: &InvoiceFilter, page: Page) -> Result<Paged<Invoice>, StoreError> {
        let state = self.state()?;
        let wanted = |invoice: &&Invoice| {
            invoice.org == org
                && filter.status.is_none_or(|status| invoice.status == status)
                && filter.from.is_none_or(|from| from <= invoice.issued_at)
                && filter.to.is_none_or(|to| invoice.issued_at < to)
        };
        let mut found: Vec<&Invoice> = state.invoices.iter().filter(wanted).collect();
        found.sort_by_key(|invoice| std::cmp::Reverse((invoice.issued_at, invoice.id)));
        let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let items = found.into_iter().skip(at_most(page.offset())).take(at_most(page.limit())).cloned().collect();
        Ok(Paged { items, total, page })
    }

    async fn one(&self, org: OrgId, id: InvoiceId) -> Result<Option<Invoice>, StoreError> {
        let state = self.state()?;
        Ok(state.invoices.iter().find(|invoice| invoice.org == org && invoice.id == id).cloned())
    }

    async fn numbered(&self, number: &str) -> Result<Option<Invoice>, StoreError> {
        let state = self.state()?;
        let mut own = state.invoices.iter().filter(|invoice| invoice.provider == PaymentProvider::Manual);
        Ok(own.find(|invoice| invoice.number.as_deref() == Some(number)).cloned())
    }
}
