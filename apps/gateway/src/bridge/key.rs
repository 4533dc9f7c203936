use async_trait::async_trait;
use kernel::{OrgId, ServiceName, StoreError};
use plan_core::{OwnKeys, Pays};

/// Organizations bring no provider keys yet: the platform pays for every call.
pub(crate) struct PlatformPays;

#[async_trait]
impl OwnKeys for PlatformPays {
    async fn pays(&self, _: OrgId, _: &ServiceName) -> Result<Pays, StoreError> {
        Ok(Pays::Platform)
    }
}
