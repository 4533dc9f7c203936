use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use auth_core::SessionToken;
use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::Answer;

/// An HTTP/1.1 client that follows no redirects, keeps no cookies and trusts no certificates. It opens a connection for each request:
/// tests have runtimes of their own, and a kept connection dies with the runtime that made it.
pub fn http_client() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let made = || {
        // An error only says that the process has a provider already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().http1_only().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.pool_max_idle_per_host(0).timeout(Duration::from_mins(1));
        client.tls_certs_only([]).build().expect("a client")
    };
    CLIENT.get_or_init(made).clone()
}

/// Cookies by name. Which host, path or scheme they are for is not looked at.
type Jar = Arc<Mutex<BTreeMap<String, String>>>;

/// A browser without a page: cookies of its own, an address of its own.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    jar: Jar,
    address: Ipv4Addr,
}

impl Client {
    /// A new browser for the server at this URL.
    pub fn new(base: impl Into<String>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % 0x00ff_ffff;
        Self { base: base.into(), jar: Jar::default(), address: Ipv4Addr::from_bits(0x0a00_0000 | number) }
    }

    /// The same browser, cookies shared, speaking to another server.
    #[must_use]
    pub fn at(&self, base: impl Into<String>) -> Self {
        Self { base: base.into(), ..self.clone() }
    }

    /// The address that it says it comes from.
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The server's URL.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A cookie's value; the `__Host-` prefix is found with and without.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.get(&format!("__Host-{name}")).or_else(|| jar.get(name)).cloned()
    }

    /// All cookies, as a request carries them.
    pub fn cookies(&self) -> String {
        let jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Puts a cookie into the jar, as if a server had set it.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value.to_owned());
    }

    /// Forgets all cookies.
    pub fn forget(&self) {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The CSRF token of the session in the jar.
    pub fn csrf(&self) -> Option<String> {
        Some(SessionToken::parse(&self.cookie("ops_session")?)?.csrf())
    }

    /// A request with this method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let csrf = if method.is_safe() { None } else { self.csrf() };
        let builder = http_client().request(method.clone(), format!("{}{path}", self.base));
        let builder = builder.header("X-Forwarded-For", self.address.to_string());
        Request { builder, csrf, bare: false, jar: self.clone(), of: format!("{method} {path}") }
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// `POST`.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// `PUT`.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    fn store(&self, headers: &HeaderMap) {
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        for line in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// A request that is sent when it is awaited: with the jar's cookies and, if it is unsafe, the session's `X-CSRF-Token`.
#[must_use = "a request is sent when it is awaited"]
#[derive(Debug)]
pub struct Request {
    builder: RequestBuilder,
    csrf: Option<String>,
    bare: bool,
    jar: Client,
    of: String,
}

impl Request {
    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// With form fields.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.builder = self.builder.form(fields);
        self
    }

    /// With a body of this type.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self.builder.header("Content-Type", content_type).body(body.into());
        self
    }

    /// With one file as `multipart/form-data`.
    pub fn file(self, part: &str, content_type: &str, bytes: &[u8]) -> Self {
        let boundary = "testkit-boundary-7f3a9c";
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"file\"\r\nContent-Type: {content_type}\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        self.body(&format!("multipart/form-data; boundary={boundary}"), body)
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Without the CSRF token.
    pub fn without_csrf(mut self) -> Self {
        self.csrf = None;
        self
    }

    /// Without cookies and CSRF token; the jar is not changed by the answer.
    pub fn anonymous(mut self) -> Self {
        self.bare = true;
        self.without_csrf()
    }

    /// Sends it; the transport's error when no answer came.
    pub async fn attempt(self) -> Result<Answer, reqwest::Error> {
        let mut builder = self.builder;
        let cookies = self.jar.cookies();
        if !self.bare && !cookies.is_empty() {
            builder = builder.header(COOKIE, cookies);
        }
        if let Some(csrf) = self.csrf {
            builder = builder.header("X-CSRF-Token", csrf);
        }
        let response = builder.send().await?;
        if !self.bare {
            self.jar.store(response.headers());
        }
        Ok(Answer::read(self.of, response).await)
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let of = self.of.clone();
        Box::pin(async move { self.attempt().await.unwrap_or_else(|error| panic!("{of}: no answer: {error:?}")) })
    }
}
