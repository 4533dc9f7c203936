//! The certificate that we serve with.

use std::path::Path;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{ConfigError, TlsFiles};
use crate::failure::Failure;

/// Reads certificate chain and key; each failure names the key of the configuration and the file.
pub(crate) fn read(files: TlsFiles<'_>) -> Result<ServerConfig, Failure> {
    let refuse = |key: &str, path: &Path, why: String| {
        Failure::Config(ConfigError::Rejected(format!("server.{key} = {} cannot be used: {why}", path.display())))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(files.cert)
        .and_then(Iterator::collect)
        .map_err(|error| refuse("tls_cert", files.cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(refuse("tls_cert", files.cert, "it holds no certificate in PEM form".to_owned()));
    }
    let pem = crate::config::private_file(files.key, "server.tls_key")?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| refuse("tls_key", files.key, error.to_string()))?;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| refuse("tls_key", files.key, error.to_string()))
}
