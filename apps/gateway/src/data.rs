//! The data folder: what we keep on this machine's disk, for our user alone.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::config::{BlobKind, Config};
use crate::failure::Failure;

/// The folder that `--data-dir` names.
#[derive(Debug, Clone)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// A folder, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where mails go that no mail server takes.
    pub fn outbox(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// Where the master keys of this configuration are.
    pub(crate) fn keyring(&self, config: &Config) -> PathBuf {
        config.byok.keyring.clone().unwrap_or_else(|| self.0.join("keyring.toml"))
    }

    /// Where profile pictures are.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.0.join("blobs")
    }

    /// Makes what this configuration keeps here, readable by our user only: SQLite gives its side files the mode of its file.
    pub(crate) fn prepare(&self, config: &Config) -> Result<(), Failure> {
        let file = match &config.database.url {
            None => Some(self.default_database()),
            Some(url) => sqlite_file(url.expose_secret()),
        };
        if config.database.url.is_none() || config.mail.smtp_host.is_none() {
            make(&self.0)?;
        }
        if config.blob.kind == BlobKind::Local {
            make(&self.0)?;
            make(&self.blobs())?;
        }
        let Some(file) = file else { return Ok(()) };
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&file);
        opened.map(drop).map_err(|error| Failure::file(&file, "written", &error))
    }

    /// The database of this configuration: the configured one, or the file in this folder.
    pub(crate) fn database_url(&self, config: &Config) -> SecretString {
        config.database.url.clone().unwrap_or_else(|| format!("sqlite:{}", self.default_database().display()).into())
    }

    /// The database where none is configured.
    pub(crate) fn default_database(&self) -> PathBuf {
        self.0.join("ops-center.db")
    }
}

/// The file that a SQLite URL names, if it names one.
pub(crate) fn sqlite_file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest).split('?').next().unwrap_or_default();
    (!path.is_empty() && !url.contains(":memory:") && !url.contains("mode=memory")).then(|| PathBuf::from(path))
}

fn make(folder: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Failure::file(folder, "made", &error))
}
