use std::{sync::Arc, time::Duration};

use kernel::StoreError;
use reqwest::{Client, ClientBuilder, Method, Response, header::HeaderMap, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

use super::{Rules, is_plain, resolver::Resolver};
use crate::ProbeOptions;

/// A request that is to be sent. Its headers are sensitive where they hold a secret.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<String>,
}

/// Why there is no answer. Customers must not be told which: that would be a port scanner.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Scheme, port or address are not allowed.
    #[error("the address is not allowed")]
    Forbidden,
    /// No connection: the name is unknown or leads to where it must not, nobody listens, nobody answers, or TLS failed.
    #[error("there is no connection")]
    NoConnection(#[source] reqwest::Error),
    /// There was a connection, and no answer in HTTP came of it, or none in time.
    #[error("there is no answer")]
    NoAnswer(#[source] Option<reqwest::Error>),
}

/// The beginning of an answer.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    max: usize,
    deadline: Instant,
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Reads the body, at most as much as the options say and as long as the request may take; and whether that was all of it.
    pub async fn body(mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        // Out of time and broken off are the same here: there is more that was not read.
        while let Ok(Ok(more)) = timeout_at(self.deadline, self.response.chunk()).await {
            let Some(chunk) = more else { return (body, true) };
            let room = self.max.saturating_sub(body.len());
            body.extend(chunk.iter().take(room));
            if chunk.len() > room {
                break;
            }
        }
        (body, false)
    }
}

/// The client. See the module.
#[derive(Clone)]
pub struct GuardedClient {
    rules: Arc<Rules>,
    resolver: Resolver,
    encrypted: Client,
    plain: Client,
    patience: Duration,
    max_answer: usize,
}

impl GuardedClient {
    /// A client with these rules; believes the certificate authorities that Mozilla does. `StoreError::Broken` when it cannot be made.
    pub fn new(options: &ProbeOptions) -> Result<Self, StoreError> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::with_roots(options, roots)
    }

    pub(super) fn with_roots(options: &ProbeOptions, roots: RootCertStore) -> Result<Self, StoreError> {
        let rules = Arc::new(Rules::new(options));
        let resolver = Resolver::new(options.dns_server, options.connect_timeout, rules.clone())?;
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(StoreError::broken)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = |plain: bool| {
            let client = strict(options).tls_backend_preconfigured(tls.clone()).https_only(!plain);
            client.dns_resolver(Arc::new(resolver.hook(plain))).build().map_err(StoreError::broken)
        };
        Ok(Self {
            encrypted: client(false)?,
            plain: client(true)?,
            patience: options.connect_timeout,
            max_answer: options.max_answer,
            rules,
            resolver,
        })
    }

    /// Whether this URL could be asked now: scheme and port are allowed, and so is every address that it leads to. Nothing is sent
    /// there.
    pub async fn admits(&self, url: &Url) -> bool {
        if !self.rules.admit(url) {
            return false;
        }
        let Some(Host::Domain(name)) = url.host() else { return true };
        let found = timeout(self.patience, self.resolver.addresses(name, is_plain(url))).await;
        match found {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::info!(host = name, %error, "an address is not admitted");
                false
            }
            Err(_) => false,
        }
    }

    /// Sends a request, whose answer must have ended at the deadline. The answer's body has not been read yet.
    pub(crate) async fn send(&self, request: Outbound, deadline: Instant) -> Result<Answer, Failure> {
        if !self.rules.admit(&request.url) {
            return Err(Failure::Forbidden);
        }
        let client = if is_plain(&request.url) { &self.plain } else { &self.encrypted };
        let mut call = client.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            call = call.body(body);
        }
        match timeout_at(deadline, call.send()).await {
            Ok(Ok(response)) => Ok(Answer { response, max: self.max_answer, deadline }),
            Ok(Err(error)) if error.is_connect() => Err(Failure::NoConnection(error)),
            Ok(Err(error)) => Err(Failure::NoAnswer(Some(error))),
            Err(_) => Err(Failure::NoAnswer(None)),
        }
    }
}

/// What both clients have in common.
fn strict(options: &ProbeOptions) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .user_agent("ops-center")
        .connect_timeout(options.connect_timeout)
        // A kept connection would be one whose address nobody has checked for this request.
        .pool_max_idle_per_host(0)
}
