use std::sync::Arc;
use std::time::Duration;

use kernel::Ambient;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Response, Url, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use secrecy::ExposeSecret;
use serde_json::Value;
use stripe_client_core::{RequestBuilder, StripeMethod, VERSION};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::failure::{Complaint, Failure};
use super::pace::Pace;
use crate::options::{BadOptions, StripeOptions};

/// The largest answer that is read; a page of a hundred invoices has about 500 KiB.
const ANSWER: usize = 8 * 1024 * 1024;
/// No retry waits longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Stripe's API, with one key.
pub(crate) struct Api {
    client: Client,
    pub(super) files: Client,
    pub(super) base: Url,
    pub(super) options: StripeOptions,
    pub(crate) live: bool,
    places: Semaphore,
    pace: Pace,
    ambient: Ambient,
}

impl Api {
    pub(crate) fn new(options: StripeOptions, ambient: Ambient) -> Result<Self, BadOptions> {
        let (live, base) = (options.live()?, options.base()?);
        let client = client(&options)?.redirect(redirect::Policy::none()).default_headers(headers(&options)?);
        let files = client_of_files(&options, &base)?;
        Ok(Self {
            client: client.build().map_err(|error| BadOptions::Client(error.into()))?,
            files,
            base,
            live,
            places: Semaphore::new(options.in_flight.max(1)),
            pace: Pace::new(options.per_second),
            options,
            ambient,
        })
    }

    /// Sends a request and reads the answer; again, under the same name, where that may help. A `POST` that makes or charges something
    /// carries a name (`once`), under which Stripe does it one time.
    pub(crate) async fn send(&self, request: RequestBuilder, once: Option<&str>) -> Result<Value, Failure> {
        let whole = self.options.call_timeout;
        let answer = timeout(whole, self.persist(&request, once)).await.unwrap_or(Err(Failure::Late(whole)));
        answer.inspect_err(|failure| tracing::debug!(path = request.path, %failure, "Stripe did not do it"))
    }

    async fn persist(&self, request: &RequestBuilder, once: Option<&str>) -> Result<Value, Failure> {
        let mut tried = 0;
        loop {
            match self.attempt(request, once).await {
                Err(failure) if tried < self.options.retries && failure.may_pass() => {
                    tracing::debug!(path = request.path, %failure, "once more");
                    sleep(self.pause(tried)).await;
                    tried += 1;
                }
                answer => return answer,
            }
        }
    }

    /// How long the `tried`th retry waits: doubled each time, and a quarter more or less, so that many do not come back at once.
    fn pause(&self, tried: u32) -> Duration {
        let whole = self.options.first_pause.saturating_mul(1_u32.checked_shl(tried).unwrap_or(u32::MAX));
        let quarters = 768 + 2 * u32::from(u8::from_le_bytes(self.ambient.random()));
        (whole.min(LONGEST_PAUSE) / 1024).saturating_mul(quarters)
    }

    async fn attempt(&self, request: &RequestBuilder, once: Option<&str>) -> Result<Value, Failure> {
        let place = self.places.acquire().await.map_err(|error| Failure::Nonsense(error.to_string()))?;
        self.pace.turn().await;
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut url = self.base.clone();
        url.set_path(&format!("{}v1{}", self.base.path(), request.path));
        url.set_query(request.query.as_deref().filter(|query| !query.is_empty()));
        let mut call = self.client.request(method, url);
        if let Some(body) = &request.body {
            call = call.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.clone());
        }
        if let Some(once) = once {
            call = call.header(IDEMPOTENCY_KEY, once);
        }
        let response = call.send().await.map_err(unreachable)?;
        let answer = read(response).await;
        drop(place);
        answer
    }
}

fn unreachable(error: reqwest::Error) -> Failure {
    if error.is_builder() {
        Failure::Nonsense(error.without_url().to_string())
    } else {
        Failure::Unreachable(error.without_url())
    }
}

async fn read(response: Response) -> Result<Value, Failure> {
    let (status, headers) = (response.status(), response.headers().clone());
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let retry = header("stripe-should-retry").and_then(|text| text.parse().ok());
    let request = header("request-id").unwrap_or("-").to_owned();
    let body = whole(response, ANSWER).await?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|error| Failure::Nonsense(error.to_string()));
    }
    Err(Failure::Said(Box::new(Complaint::read(status.as_u16(), retry, &request, &body))))
}

/// A body of at most so many bytes.
pub(super) async fn whole(mut response: Response, most: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len().saturating_add(chunk.len()) > most {
            return Err(Failure::Nonsense(format!("it is longer than {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn headers(options: &StripeOptions) -> Result<HeaderMap, BadOptions> {
    let bearer = format!("Bearer {}", options.secret_key.expose_secret());
    let mut bearer = HeaderValue::try_from(bearer).or(Err(BadOptions::Key))?;
    bearer.set_sensitive(true);
    let version = HeaderValue::try_from(VERSION.as_str()).map_err(|error| BadOptions::Client(error.into()))?;
    Ok(HeaderMap::from_iter([(AUTHORIZATION, bearer), (STRIPE_VERSION, version)]))
}

/// What both clients have in common. Believes the certificate authorities that Mozilla does.
fn client(options: &StripeOptions) -> Result<ClientBuilder, BadOptions> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BadOptions::Client(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder().tls_backend_preconfigured(tls).user_agent("ops-center").referer(false);
    Ok(client.connect_timeout(options.connect_timeout))
}

/// The client that fetches documents: it has no key, and follows only to where documents are.
fn client_of_files(options: &StripeOptions, base: &Url) -> Result<Client, BadOptions> {
    let base = base.clone();
    let follow = redirect::Policy::custom(move |attempt| {
        let within = attempt.previous().len() <= 3 && super::files::is_theirs(&base, attempt.url());
        if within { attempt.follow() } else { attempt.stop() }
    });
    client(options)?.redirect(follow).build().map_err(|error| BadOptions::Client(error.into()))
}
