use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Problems, read};

/// Where everything durable is. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Database {
    #[serde(deserialize_with = "read::optional_secret")]
    pub url: Option<SecretString>,
    pub max_connections: u32,
}

/// Where live sessions are. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Redis {
    #[serde(deserialize_with = "read::optional_secret")]
    pub url: Option<SecretString>,
}

/// Where files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlobKind {
    /// In the data folder.
    Local,
    /// In a bucket.
    S3,
}

/// Where profile pictures are. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Blob {
    pub kind: BlobKind,
    pub s3_endpoint: String,
    pub s3_bucket: String,
    pub s3_region: String,
    #[serde(deserialize_with = "read::secret")]
    pub s3_access_key: SecretString,
    #[serde(deserialize_with = "read::secret")]
    pub s3_secret_key: SecretString,
    pub s3_allow_http: bool,
}

impl Database {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(self.max_connections > 0, "database.max_connections must be at least 1");
    }
}

impl Blob {
    pub(super) fn check(&self, problems: &mut Problems) {
        let texts = [
            ("s3_endpoint", self.s3_endpoint.as_str()),
            ("s3_bucket", &self.s3_bucket),
            ("s3_region", &self.s3_region),
            ("s3_access_key", self.s3_access_key.expose_secret()),
            ("s3_secret_key", self.s3_secret_key.expose_secret()),
        ];
        for (key, text) in texts {
            let there = self.kind == BlobKind::Local || !text.is_empty();
            problems.require(there, &format!("blob.kind = \"s3\" needs blob.{key}: set it"));
        }
    }
}
