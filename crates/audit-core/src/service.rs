use std::sync::Arc;

use kernel::{Page, Paged};

use crate::{AuditError, Entry, TrailFilter, TrailStore};

/// Reads the trail.
#[derive(Clone)]
pub struct Trail {
    store: Arc<dyn TrailStore>,
}

impl Trail {
    /// The trail in this store.
    pub fn new(store: Arc<dyn TrailStore>) -> Self {
        Self { store }
    }

    /// Lists entries, newest first.
    pub async fn page(&self, filter: &TrailFilter, page: Page) -> Result<Paged<Entry>, AuditError> {
        Ok(self.store.page(filter, page).await?)
    }
}
