use std::time::Duration;

use billing_core::GatewayError;
use kernel::Ambient;
use reqwest::{
    Client, ClientBuilder, Method, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::options::LagoOptions;

/// No answer, and no document, is read beyond this.
const MOST: usize = 10 * 1024 * 1024;
/// The wait after the first failed try, doubled with each further one.
const WAIT: Duration = Duration::from_millis(200);

/// A request to Lago. All of them may be made again: see the crate's documentation.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Call {
    fn new(method: Method, path: &[&str], body: Option<Value>) -> Self {
        Self { method, path: path.iter().map(|part| (*part).to_owned()).collect(), query: Vec::new(), body }
    }

    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path, None)
    }

    pub(crate) fn post(path: &[&str], body: Value) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    /// A `POST` that says all in its path: Lago's specification knows no body for it.
    pub(crate) fn act(path: &[&str]) -> Self {
        Self::new(Method::POST, path, None)
    }

    pub(crate) fn put(path: &[&str], body: Value) -> Self {
        Self::new(Method::PUT, path, Some(body))
    }

    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path, None)
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

/// What Lago says when it does not do something.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: String,
    #[serde(default)]
    error_details: Value,
}

/// What came of one try.
enum Tried {
    Answered(Vec<u8>),
    Over(GatewayError),
    /// Trying again may help, not before this time has passed.
    Passing(GatewayError, Option<Duration>),
}

/// Lago's HTTP side.
pub(crate) struct Lago {
    http: Client,
    files: Client,
    root: Url,
    key: HeaderValue,
    seats: Semaphore,
    timeout: Duration,
    retries: u32,
    pub(crate) ambient: Ambient,
}

impl Lago {
    /// A client with these options. Nothing is sent yet; `GatewayError::Broken` for options that cannot work.
    pub(crate) fn new(options: &LagoOptions, ambient: Ambient) -> Result<Self, GatewayError> {
        // The HTTP client takes the process's TLS provider; an error only says that there is one already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut key = HeaderValue::try_from(format!("Bearer {}", options.api_key.expose_secret()))
            .map_err(GatewayError::broken)?;
        key.set_sensitive(true);
        Ok(Self {
            http: plain(options).redirect(Policy::none()).build().map_err(GatewayError::broken)?,
            // A document may be kept elsewhere; whoever is asked for it is not shown the key.
            files: plain(options).redirect(Policy::limited(3)).build().map_err(GatewayError::broken)?,
            root: root(&options.api_url)?,
            key,
            seats: Semaphore::new(options.in_flight.max(1)),
            timeout: options.timeout,
            retries: options.retries.min(3),
            ambient,
        })
    }

    /// The answer to a request.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, GatewayError> {
        serde_json::from_slice(&self.send(&call).await?).map_err(GatewayError::broken)
    }

    /// The answer to a request about something that may not be there, or may not be ready.
    pub(crate) async fn find<T: DeserializeOwned>(&self, call: Call) -> Result<Option<T>, GatewayError> {
        match self.send(&call).await {
            Ok(body) if body.is_empty() => Ok(None),
            Ok(body) => serde_json::from_slice(&body).map(Some).map_err(GatewayError::broken),
            Err(GatewayError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for a change whose answer says nothing that is needed.
    pub(crate) async fn tell(&self, call: Call) -> Result<(), GatewayError> {
        self.send(&call).await.map(drop)
    }

    /// A document, wherever it is kept.
    pub(crate) async fn file(&self, address: &str) -> Result<Vec<u8>, GatewayError> {
        let url = self.root.join(address).map_err(GatewayError::broken)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(GatewayError::broken("a document must be kept at an https address"));
        }
        let deadline = Instant::now() + self.timeout;
        let fetch = async {
            let _seat = self.seats.acquire().await.map_err(GatewayError::unavailable)?;
            let answer = self.files.get(url).send().await.map_err(GatewayError::unavailable)?;
            if !answer.status().is_success() {
                return Err(GatewayError::unavailable(format!("the document is answered with {}", answer.status())));
            }
            body(answer).await
        };
        timeout_at(deadline, fetch).await.unwrap_or_else(|late| Err(GatewayError::unavailable(late)))
    }

    async fn send(&self, call: &Call) -> Result<Vec<u8>, GatewayError> {
        let deadline = Instant::now() + self.timeout;
        let mut wait = WAIT;
        for tries in 0..=self.retries {
            let (error, asked) = match timeout_at(deadline, self.attempt(call)).await {
                Ok(Tried::Answered(body)) => return Ok(body),
                Ok(Tried::Over(error)) => return Err(error),
                Ok(Tried::Passing(error, asked)) => (error, asked),
                Err(late) => return Err(GatewayError::unavailable(late)),
            };
            // A random part, so that many who failed together do not come back together.
            let [jitter] = self.ambient.random::<1>();
            let pause = asked.unwrap_or(wait) + Duration::from_millis(u64::from(jitter));
            if tries == self.retries || Instant::now() + pause >= deadline {
                return Err(error);
            }
            sleep(pause).await;
            wait *= 2;
        }
        Err(GatewayError::unavailable("no try was made"))
    }

    async fn attempt(&self, call: &Call) -> Tried {
        let _seat = match self.seats.acquire().await {
            Ok(seat) => seat,
            Err(closed) => return Tried::Over(GatewayError::unavailable(closed)),
        };
        let mut request =
            self.http.request(call.method.clone(), self.url(call)).header(AUTHORIZATION, self.key.clone());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        match request.send().await {
            Ok(answer) => judge(answer).await,
            Err(error) if error.is_builder() => Tried::Over(GatewayError::broken(error)),
            Err(error) => Tried::Passing(GatewayError::unavailable(error), None),
        }
    }

    fn url(&self, call: &Call) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }
}

fn plain(options: &LagoOptions) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .user_agent("ops-center")
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout)
}

/// The address below which all requests go.
fn root(address: &str) -> Result<Url, GatewayError> {
    let mut url = Url::parse(address).map_err(GatewayError::broken)?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(GatewayError::broken("the address of Lago must begin with https:// or http://"));
    }
    let path = url.path().trim_end_matches('/').trim_end_matches("/api/v1").to_owned();
    url.set_path(&format!("{path}/api/v1/"));
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

async fn judge(answer: Response) -> Tried {
    let status = answer.status();
    let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = match body(answer).await {
        Ok(body) => body,
        Err(error) => return Tried::Passing(error, None),
    };
    if status.is_success() {
        return Tried::Answered(body);
    }
    let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
    let said = || format!("Lago answered {status} {}", refusal.code);
    match status {
        // Only Lago itself says what it does not know: a wrong address, or a proxy, answers 404 too, and must not read as "there is none".
        StatusCode::NOT_FOUND if refusal.code.ends_with("_not_found") => Tried::Over(GatewayError::NotFound),
        StatusCode::FORBIDDEN if refusal.code == "feature_unavailable" => Tried::Over(GatewayError::Unsupported),
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNPROCESSABLE_ENTITY => {
            Tried::Over(GatewayError::Refused(sentence(&refusal)))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Tried::Passing(GatewayError::unavailable(said()), wait.map(Duration::from_secs))
        }
        _ if status.is_server_error() => Tried::Passing(GatewayError::unavailable(said()), None),
        _ => Tried::Over(GatewayError::broken(said())),
    }
}

/// What Lago objects to, for people: `Lago refuses it: plan_code value_is_mandatory`.
fn sentence(refusal: &Refusal) -> String {
    let mut parts = Vec::new();
    if let Value::Object(details) = &refusal.error_details {
        for (field, codes) in details {
            let codes: Vec<_> = codes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            parts.push(format!("{field} {}", codes.join(", ")));
        }
    }
    if parts.is_empty() {
        parts.push(refusal.code.clone());
    }
    let shown: String = parts.join("; ").chars().filter(|c| !c.is_control()).take(200).collect();
    format!("Lago refuses it: {shown}")
}

/// The whole body, unless it is too long.
async fn body(mut answer: Response) -> Result<Vec<u8>, GatewayError> {
    let mut read = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(GatewayError::unavailable)? {
        if read.len() + part.len() > MOST {
            return Err(GatewayError::broken("the answer is longer than 10 MiB"));
        }
        read.extend_from_slice(&part);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_may_be_written_in_each_usual_way() {
        for address in
            ["https://lago.test", "https://lago.test/", "https://lago.test/api/v1", "https://lago.test/api/v1/"]
        {
            assert_eq!(root(address).unwrap().as_str(), "https://lago.test/api/v1/");
        }
        assert_eq!(root("http://h:3000/lago/").unwrap().as_str(), "http://h:3000/lago/api/v1/");
        for bad in ["lago.test", "file:///etc", "ftp://lago.test", ""] {
            assert!(root(bad).is_err(), "{bad}");
        }
    }
}
