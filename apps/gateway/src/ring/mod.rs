//! The key ring: a file beside the data, or wherever `byok.keyring` says, and never the database that it protects.

mod file;
mod place;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use byok_core::{KeyRing, MasterKey, RingHolder};
use kernel::{Ambient, StoreError};

use crate::config::{self, ConfigError};

/// Why a ring cannot be had. No message holds a part of a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RingError {
    /// There is no such file.
    #[error("there is no key ring {}", .0.display())]
    Missing(PathBuf),
    /// The file holds no ring, or others can read it.
    #[error(transparent)]
    Bad(#[from] ConfigError),
    /// The file holds another installation's ring, or one whose keys were written over.
    #[error(
        "the key ring {} has another key named {name} than before: put the right file back, or restart with the right database",
        path.display()
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// The name of the key.
        name: String,
    },
    /// The file or its folder does not do what it must.
    #[error("the key ring {} cannot be {doing}: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The operating system's word.
        cause: io::Error,
    },
}

/// A key ring in a file. Nobody else holds a copy: what is written to the file is what the next reading sees.
pub(crate) struct FileRing {
    path: PathBuf,
    ring: RwLock<Arc<KeyRing>>,
}

impl FileRing {
    /// The ring in this file.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Result<Self, RingError> {
        let path = path.into();
        let ring = read(&path)?;
        Ok(Self { path, ring: RwLock::new(Arc::new(ring)) })
    }

    /// Makes a file with a new ring; `false` where there is a file already. Of any number of processes one makes it.
    pub(crate) fn create(path: &Path, ambient: &Ambient) -> Result<bool, RingError> {
        let failed = |cause| RingError::File { path: path.to_owned(), doing: "made", cause };
        let ring = fresh(ambient).map_err(failed)?;
        place::create(path, file::format(&ring).as_bytes(), ambient).map_err(failed)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A ring of one master key, named by the day.
fn fresh(ambient: &Ambient) -> io::Result<KeyRing> {
    let key =
        || MasterKey::new(ambient.random()).ok_or_else(|| io::Error::other("the source of randomness gives zeros"));
    let id: byok_core::MasterKeyId = ambient.now().format("k%Y%m%d").to_string().parse().map_err(io::Error::other)?;
    KeyRing::new(id.clone(), [(id, key()?)], key()?).map_err(io::Error::other)
}

fn read(path: &Path) -> Result<KeyRing, RingError> {
    if !path.try_exists().map_err(|cause| RingError::File { path: path.to_owned(), doing: "read", cause })? {
        return Err(RingError::Missing(path.to_owned()));
    }
    let text = config::private_file(path, "byok.keyring")?;
    Ok(file::parse(&text, &format!("the key ring {}", path.display()))?)
}

/// Reads the ring again. One that contradicts what was read before does not take its place: keys that were sealed before would open
/// no more, and what it seals would open nowhere else.
fn read_after(path: &Path, before: &KeyRing) -> Result<KeyRing, RingError> {
    let ring = read(path)?;
    match before.contradiction(&ring) {
        Some(name) => Err(RingError::Foreign { path: path.to_owned(), name: name.to_owned() }),
        None => Ok(ring),
    }
}

/// As a core sees it: a file that is away, half written by somebody's editor, or another installation's, is an outage.
fn away(error: RingError) -> StoreError {
    if matches!(error, RingError::Foreign { .. }) {
        tracing::error!(error = %error, "the ring as it was last read stays in use, and seals nothing");
    } else {
        tracing::warn!(error = %error, "the ring as it was last read stays in use");
    }
    StoreError::unavailable(error)
}

#[async_trait]
impl RingHolder for FileRing {
    fn ring(&self) -> Arc<KeyRing> {
        // The ring is put in its place whole: a thread that panicked has broken nothing.
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reread(&self) -> Result<Arc<KeyRing>, StoreError> {
        let path = self.path.clone();
        let before = self.ring();
        let reading = tokio::task::spawn_blocking(move || read_after(&path, &before));
        let ring = Arc::new(reading.await.map_err(StoreError::broken)?.map_err(away)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring.clone();
        Ok(ring)
    }

    async fn replace(&self, before: &KeyRing, ring: &KeyRing) -> Result<bool, StoreError> {
        let (path, before, ring) = (self.path.clone(), before.clone(), Arc::new(ring.clone()));
        let new = ring.clone();
        let replaced = tokio::task::spawn_blocking(move || exchange(&path, &before, &new)).await;
        let replaced = replaced.map_err(StoreError::broken)?.map_err(away)?;
        if replaced {
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        }
        Ok(replaced)
    }
}

/// Writes a ring over the one that was read, if that still is the one in the file.
fn exchange(path: &Path, before: &KeyRing, ring: &KeyRing) -> Result<bool, RingError> {
    let failed = |cause| RingError::File { path: path.to_owned(), doing: "replaced", cause };
    let _alone = place::lock(path).map_err(failed)?;
    if read(path)? != *before {
        return Ok(false);
    }
    place::replace(path, file::format(ring).as_bytes()).map_err(failed)?;
    Ok(true)
}
