//! Files by name, in a folder or in a bucket: [`Blobs`] is the [`account_core::BlobStore`] of profile pictures.
//!
//! [`Blobs::local`] writes into a folder of this machine: whole files appear under their names or not at all (written beside,
//! flushed to the disk, then renamed). [`Blobs::s3`] speaks to Amazon S3 and everything compatible with it, in path style, with
//! at most 10 s for one try and 20 s for a call with its retries. Instances that share one platform need the bucket.
//!
//! Names are the ones that [`account_core::AvatarName`] makes. As a second wall nothing else than letters, digits, `.`, `_` and
//! `-`, not beginning with a dot, reaches the storage: such a name is `StoreError::Broken`. Storage that cannot be reached, is
//! full or refuses us is `StoreError::Unavailable`; a file that is not there is no error.

use std::{fs, path::Path as FsPath, sync::Arc, time::Duration};

use account_core::BlobStore;
use async_trait::async_trait;
use kernel::StoreError;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path,
};
use secrecy::{ExposeSecret, SecretString};

/// The longest name, in bytes.
const MAX_NAME: usize = 128;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES: usize = 2;

/// Where a bucket is and how to open it.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// The service, such as `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The bucket. It must exist.
    pub bucket: String,
    /// The region, such as `eu-central-1`; services without regions take any.
    pub region: String,
    /// The access key's id.
    pub access_key: SecretString,
    /// The secret access key.
    pub secret_key: SecretString,
    /// Whether the endpoint may be plain HTTP: inside a trusted network only.
    pub allow_http: bool,
}

/// Files in one folder or one bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// Files in a folder, which is made if need be. `StoreError::Unavailable` when it cannot be.
    pub fn local(dir: impl AsRef<FsPath>) -> Result<Self, StoreError> {
        fs::create_dir_all(dir.as_ref()).map_err(StoreError::unavailable)?;
        let store = LocalFileSystem::new_with_prefix(dir).map_err(store_error)?;
        Ok(Self(Arc::new(store.with_fsync(true))))
    }

    /// Files in a bucket. Nothing is sent yet; `StoreError::Broken` for options that cannot work.
    pub fn s3(options: S3Options) -> Result<Self, StoreError> {
        // The HTTP client takes the process's TLS provider; an error only says that there is one already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = ClientOptions::new().with_connect_timeout(CONNECT_TIMEOUT).with_timeout(TRY_TIMEOUT);
        let retry = RetryConfig { max_retries: RETRIES, retry_timeout: CALL_TIMEOUT, ..RetryConfig::default() };
        let store = AmazonS3Builder::new()
            .with_client_options(client)
            .with_allow_http(options.allow_http)
            .with_retry(retry)
            .with_endpoint(options.endpoint)
            .with_bucket_name(options.bucket)
            .with_region(options.region)
            .with_access_key_id(options.access_key.expose_secret())
            .with_secret_access_key(options.secret_key.expose_secret())
            // Plain DELETE is what every compatible service knows.
            .with_disable_bulk_delete(true)
            .build()
            .map_err(StoreError::broken)?;
        Ok(Self(Arc::new(store)))
    }
}

#[async_trait]
impl BlobStore for Blobs {
    async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.0.put(&location(name)?, bytes.into()).await.map_err(store_error)?;
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.0.get(&location(name)?).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(store_error)?.into())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        match self.0.delete(&location(name)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_error(error)),
        }
    }
}

/// One flat name: no folder, no way out of one, nothing hidden.
fn location(name: &str) -> Result<Path, StoreError> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if name.is_empty() || name.len() > MAX_NAME || !plain || name.starts_with('.') || name.contains("..") {
        return Err(StoreError::broken("not the name of a stored file"));
    }
    Path::parse(name).map_err(StoreError::broken)
}

fn store_error(error: Error) -> StoreError {
    match error {
        Error::InvalidPath { .. }
        | Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::UnknownConfigurationKey { .. } => StoreError::broken(error),
        _ => StoreError::unavailable(error),
    }
}
