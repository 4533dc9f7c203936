use async_trait::async_trait;
use kernel::{Page, Paged, StoreError};

use crate::{Entry, TrailFilter};

/// The kept records.
#[async_trait]
pub trait TrailStore: Send + Sync {
    /// Lists entries, newest first.
    async fn page(&self, filter: &TrailFilter, page: Page) -> Result<Paged<Entry>, StoreError>;
}
