use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use actix_web::http::Uri;
use ipnet::IpNet;
use serde::Deserialize;

use super::{ConfigError, Problems, read};

/// Where and how we serve. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Server {
    #[serde(deserialize_with = "read::address")]
    pub listen: SocketAddr,
    #[serde(deserialize_with = "read::optional")]
    pub public_url: Option<String>,
    #[serde(deserialize_with = "read::networks")]
    pub trusted_proxies: Vec<IpNet>,
    #[serde(deserialize_with = "read::optional")]
    pub tls_cert: Option<PathBuf>,
    #[serde(deserialize_with = "read::optional")]
    pub tls_key: Option<PathBuf>,
    #[serde(deserialize_with = "read::optional_address")]
    pub private_listen: Option<SocketAddr>,
    pub workers: u16,
    #[serde(rename = "deadline_seconds", deserialize_with = "read::seconds")]
    pub deadline: Duration,
    #[serde(rename = "shutdown_seconds", deserialize_with = "read::seconds")]
    pub shutdown: Duration,
    pub max_connections: u32,
}

/// A certificate chain and its key, PEM files.
#[derive(Debug, Clone, Copy)]
pub struct TlsFiles<'a> {
    /// The chain.
    pub cert: &'a PathBuf,
    /// The key.
    pub key: &'a PathBuf,
}

impl Server {
    /// The files to speak TLS with, if we do.
    pub fn tls(&self) -> Option<TlsFiles<'_>> {
        Some(TlsFiles { cert: self.tls_cert.as_ref()?, key: self.tls_key.as_ref()? })
    }

    pub(super) fn check(&mut self, problems: &mut Problems) {
        problems.require(
            self.tls_cert.is_some() == self.tls_key.is_some(),
            "server.tls_cert and server.tls_key go together: set both, or neither",
        );
        problems.require(
            !self.deadline.is_zero() && self.max_connections > 0,
            "server.deadline_seconds and server.max_connections must be at least 1",
        );
        if let Some(url) = &self.public_url {
            // One that is set and wrong is not missing.
            self.public_url = problems.note(origin(url)).or_else(|| self.public_url.take());
        }
    }
}

/// The origin that a URL consists of: scheme, host and port, lower case, nothing behind it.
fn origin(url: &str) -> Result<String, ConfigError> {
    let parsed = url.parse::<Uri>().ok();
    let plain = parsed.filter(|url| matches!(url.path_and_query().map_or("/", |path| path.as_str()), "/" | ""));
    let parts = plain.as_ref().and_then(|url| Some((url.scheme_str()?, url.authority()?.as_str())));
    match parts {
        Some((scheme @ ("http" | "https"), place)) if !place.contains('@') => {
            let place = place.to_ascii_lowercase();
            let usual = if scheme == "https" { ":443" } else { ":80" };
            Ok(format!("{scheme}://{}", place.strip_suffix(usual).unwrap_or(&place)))
        }
        _ => Err(ConfigError::Rejected(format!(
            "server.public_url must look like https://ops.example.com, without a path; it is {url:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        assert_eq!(origin("HTTPS://Ops.Example.com/").expect("an origin"), "https://ops.example.com");
        assert_eq!(origin("https://ops.example.com:443").expect("an origin"), "https://ops.example.com");
        assert_eq!(origin("http://127.0.0.1:8084").expect("an origin"), "http://127.0.0.1:8084");
        assert_eq!(origin("http://[::1]:8084").expect("an origin"), "http://[::1]:8084");
        for wrong in
            ["ops.example.com", "ftp://a.b", "https://a.b/c", "https://a.b/?d", "https://u@a.b", "https://", "x y"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
