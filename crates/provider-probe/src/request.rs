use byok_core::{AuthStyle, Endpoint, ProbeCall, Provider, ProviderSecret, Trial};
use bytes::Bytes;
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;
use zeroize::Zeroizing;

use crate::guard::Outbound;

/// The provider's entry of the catalogue, or the endpoint, cannot be made a request of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's probe cannot be made a request of")]
pub(crate) struct Malformed;

/// The request that tests the key; with the key, or, to see what everybody is answered, without. `None` when the provider has no such
/// request.
pub(crate) fn probe(trial: &Trial<'_>, with_key: bool) -> Result<Option<Outbound>, Malformed> {
    let (method, path, body) = match &trial.provider.probe {
        ProbeCall::Get(path) => (Method::GET, path, None),
        ProbeCall::Post(path, body) => (Method::POST, path, Some(body.clone())),
        ProbeCall::None => return Ok(None),
    };
    let mut headers = fixed(trial.provider)?;
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if with_key {
        let (name, value) = credential(&trial.provider.auth, trial.secret)?;
        headers.insert(name, value);
    }
    let url = below(trial.endpoint, path)?;
    Ok(Some(Outbound { method, url, headers, body }))
}

/// The URL of a path, which may have a query, below the endpoint. Whatever the path is, scheme, host and port are the endpoint's.
fn below(endpoint: &Endpoint, path: &str) -> Result<Url, Malformed> {
    let mut url = url(endpoint)?;
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let whole = format!("{}/{}", url.path().trim_end_matches('/'), path.trim_start_matches('/'));
    url.set_path(&whole);
    url.set_query(query);
    Ok(url)
}

/// The endpoint as a URL.
pub(crate) fn url(endpoint: &Endpoint) -> Result<Url, Malformed> {
    Url::parse(endpoint.as_str()).or(Err(Malformed))
}

/// The headers that the provider's requests carry besides the key.
fn fixed(provider: &Provider) -> Result<HeaderMap, Malformed> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in &provider.headers {
        let name = HeaderName::try_from(name.as_str()).or(Err(Malformed))?;
        headers.insert(name, HeaderValue::try_from(value.as_str()).or(Err(Malformed))?);
    }
    Ok(headers)
}

/// The header that shows the key. Its bytes are wiped when the request is over; what the HTTP client writes to its socket's buffer is
/// a copy that nobody outside it can wipe.
fn credential(auth: &AuthStyle, secret: &ProviderSecret) -> Result<(HeaderName, HeaderValue), Malformed> {
    let (name, scheme) = match auth {
        AuthStyle::Bearer => (AUTHORIZATION, "Bearer "),
        AuthStyle::Header(name) => (HeaderName::try_from(name.as_str()).or(Err(Malformed))?, ""),
    };
    let key = secret.expose();
    // At its full size from the beginning: growing would leave a copy behind.
    let mut value = Zeroizing::new(Vec::with_capacity(scheme.len() + key.len()));
    value.extend_from_slice(scheme.as_bytes());
    value.extend_from_slice(key.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).or(Err(Malformed))?;
    value.set_sensitive(true);
    Ok((name, value))
}
