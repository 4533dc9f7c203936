use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

/// The text cannot be an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Longer than [`Endpoint::MAX`], or no URL at all, or one that could be read in two ways.
    #[error("must be a URL of at most {} ASCII characters, such as https://models.example.com/v1", Endpoint::MAX)]
    NotAUrl,
    /// Neither https nor, where the operator allows it, http.
    #[error("must begin with https://")]
    Scheme,
    /// Names a user or a password.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// Has a query or a fragment, which a path cannot be put behind.
    #[error("must not contain '?' or '#'")]
    Tail,
}

/// Where a provider is asked: scheme, host, port and the path that all its paths begin with. No user, no query, no fragment.
///
/// Only what has one meaning is an endpoint: every client (RFC 3986, WHATWG URL) reads it as the same host, port and path. So names are
/// letters, digits, '-' and '_' (`xn--` for others), IPv4 is four decimal numbers, and nothing has to be decoded or resolved (`%2e`,
/// `..`, `\`, full-width digits, `0x7f.1`). It is kept in one spelling: lower-case scheme and host, IPv6 as WHATWG URL writes it, no
/// default port, no slash at the end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(String);

impl Endpoint {
    /// The longest endpoint, in bytes.
    pub const MAX: usize = 2048;

    /// Reads what somebody wrote. Whether its host may be asked is for the client that asks it.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let (scheme, rest) = text.split_once(':').filter(|_| plain).ok_or(BadEndpoint::NotAUrl)?;
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "https" => 443,
            "http" => 80,
            other if is_scheme(other) => return Err(BadEndpoint::Scheme),
            _ => return Err(BadEndpoint::NotAUrl),
        };
        if rest.contains('@') {
            return Err(BadEndpoint::Credentials);
        }
        if rest.contains(['?', '#']) {
            return Err(BadEndpoint::Tail);
        }
        let read = || {
            let rest = rest.strip_prefix("//")?;
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let (host, port) = authority_of(authority)?;
            let port = port.filter(|port| *port != default_port).map_or_else(String::new, |port| format!(":{port}"));
            let kept = format!("{}://{host}{port}{}", scheme.to_ascii_lowercase(), path_of(path)?);
            (text.len().max(kept.len()) <= Self::MAX).then_some(Self(kept))
        };
        read().ok_or(BadEndpoint::NotAUrl)
    }

    /// In the one spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is asked without encryption.
    pub fn is_plain(&self) -> bool {
        self.0.starts_with("http:")
    }

    /// The address of a path below it; `path` begins with a slash.
    pub fn below(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// RFC 3986, 3.1; in lower case.
fn is_scheme(text: &str) -> bool {
    let within = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    within && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Host, in its one spelling, and port.
fn authority_of(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        (ipv6(address.parse().ok()?), rest)
    } else {
        let (host, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        (name_or_ipv4(&host.to_ascii_lowercase())?, rest)
    };
    match rest.strip_prefix(':') {
        Some(digits) => Some((host, Some(port(digits)?))),
        None => rest.is_empty().then_some((host, None)),
    }
}

fn port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

/// As the WHATWG URL standard writes it: the standard library writes an IPv4-mapped address with dots.
fn ipv6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => format!("[::ffff:{high:x}:{low:x}]"),
        _ => format!("[{address}]"),
    }
}

/// RFC 1123 names, and '_', which container networks use. What ends in a number is an IPv4 address for a browser, of whichever notation:
/// here of one.
fn name_or_ipv4(host: &str) -> Option<String> {
    let last = host.rsplit('.').next()?;
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return host.parse::<Ipv4Addr>().ok().map(|address| address.to_string());
    }
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    (host.len() <= 253 && host.split('.').all(label)).then(|| host.to_owned())
}

/// Segments of RFC 3986, 3.3, that mean what they say; without a slash at the end.
fn path_of(text: &str) -> Option<&str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:/%".contains(&b);
    let encoded = text.split('%').skip(1).all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let good = text.bytes().all(allowed) && encoded && !text.split('/').any(is_dots);
    good.then(|| text.trim_end_matches('/'))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
