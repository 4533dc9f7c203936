use kernel::StoreError;

/// Why the trail could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
