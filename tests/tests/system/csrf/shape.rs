//! The ways in which a request can say where it comes from.

use serde_json::{Value, json};

use crate::crawl::wire::Call;

/// Tokens to put somewhere.
pub(super) struct Tokens {
    pub(super) right: String,
    /// The token of another session of the same user.
    pub(super) other: String,
}

/// One way.
pub(super) struct Shape {
    pub(super) name: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    query: Option<String>,
    member: Option<(&'static str, String)>,
    /// Whether a request with a session passes.
    pub(super) passes: bool,
    /// Whether a request that starts a session passes: a program that is no browser may.
    pub(super) may_sign_in: bool,
}

impl Shape {
    fn new(name: impl Into<String>, headers: &[(&'static str, &[u8])]) -> Self {
        let headers: Vec<(&'static str, Vec<u8>)> =
            headers.iter().map(|(name, value)| (*name, value.to_vec())).collect();
        // A sign-in needs no token: whatever says nothing of another page may do it.
        let silent = headers.iter().all(|(name, _)| !["Sec-Fetch-Site", "Origin"].contains(name));
        Self { name: name.into(), headers, query: None, member: None, passes: false, may_sign_in: silent }
    }

    const fn good(mut self) -> Self {
        self.passes = true;
        self.may_sign_in = true;
        self
    }

    /// Puts it on a request.
    pub(super) fn on(&self, mut call: Call) -> Call {
        if let Some(query) = &self.query {
            let separator = if call.target.contains('?') { '&' } else { '?' };
            call.target = format!("{}{separator}{query}", call.target);
        }
        if let Some((name, value)) = &self.member {
            let mut body =
                serde_json::from_slice::<Value>(&call.body).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
            body[name] = json!(value);
            call = call.json(&body);
        }
        self.headers.iter().fold(call, |call, (name, value)| call.header(name, value))
    }
}

/// All of them. `ours` is the origin of our own pages.
pub(super) fn shapes(ours: &str, tokens: &Tokens) -> Vec<Shape> {
    let mut all = by_fetch_site(ours, tokens);
    all.extend(by_origin(ours, tokens));
    all.extend(by_token(ours, tokens));
    all
}

/// `Sec-Fetch-Site` decides when it is there: beside each refused value stand everything that would let the request pass without it.
fn by_fetch_site(ours: &str, tokens: &Tokens) -> Vec<Shape> {
    const SITE: &str = "Sec-Fetch-Site";
    let site = |value: &str| Shape::new(format!("Sec-Fetch-Site: {value:?}"), &[(SITE, value.as_bytes())]);
    let mut all = vec![
        site("same-origin").good(),
        Shape::new("same-origin and a foreign Origin", &[(SITE, b"same-origin"), ("Origin", b"https://evil.example")])
            .good(),
        Shape::new("same-origin and a wrong token", &[(SITE, b"same-origin"), ("X-CSRF-Token", b"wrong")]).good(),
    ];
    let refused: [&[u8]; 14] = [
        b"cross-site",
        b"same-site",
        b"none",
        b"",
        b"Same-Origin",
        b"SAME-ORIGIN",
        b"sameorigin",
        b"same-origin;",
        b"\"same-origin\"",
        b"same-origin, cross-site",
        b"cross-site, same-origin",
        b"same-origin same-origin",
        b"same\xe2\x80\x90origin",
        b"1",
    ];
    for value in refused {
        let shown = String::from_utf8_lossy(value);
        let headers = [(SITE, value), ("Origin", ours.as_bytes()), ("X-CSRF-Token", tokens.right.as_bytes())];
        let mut shape = Shape::new(format!("Sec-Fetch-Site: {shown:?}, our Origin, the token"), &headers);
        // An address typed by hand starts a session; it changes nothing for one that is there.
        shape.may_sign_in = value == b"none";
        all.push(shape);
    }
    for (first, second) in
        [("same-origin", "cross-site"), ("cross-site", "same-origin"), ("same-origin", "same-origin")]
    {
        let headers: [(&'static str, &[u8]); 3] =
            [(SITE, first.as_bytes()), (SITE, second.as_bytes()), ("X-CSRF-Token", tokens.right.as_bytes())];
        all.push(Shape::new(format!("Sec-Fetch-Site twice: {first}, {second}"), &headers));
    }
    all
}

/// `Origin` decides when the first is absent: beside each refused value stands the token.
fn by_origin(ours: &str, tokens: &Tokens) -> Vec<Shape> {
    let host = ours.split("//").nth(1).unwrap();
    let name = host.split(':').next().unwrap();
    let mut all = vec![
        Shape::new("our Origin", &[("Origin", ours.as_bytes())]).good(),
        Shape::new("our Origin and a wrong token", &[("Origin", ours.as_bytes()), ("X-CSRF-Token", b"wrong")]).good(),
    ];
    for origin in [
        "null".to_owned(),
        String::new(),
        "https://evil.example".to_owned(),
        format!("{ours}.evil.example"),
        format!("https://evil.example/{ours}"),
        format!("https://evil.example#{ours}"),
        format!("https://{name}.evil.example"),
        format!("http://evil{name}"),
        format!("http://x.{host}"),
        format!("http://{name}"),
        format!("http://{name}:1"),
        format!("{ours}0"),
        format!("{ours}/"),
        format!("{ours}/page"),
        format!("{ours}, https://evil.example"),
        format!("https://evil.example {ours}"),
        format!("{ours} {ours}"),
        format!("http://{host}@evil.example"),
        format!("http://user@{host}"),
        format!("https://{host}"),
        format!("HTTP://{host}"),
        format!("ws://{host}"),
        format!("//{host}"),
        host.to_owned(),
        format!("http://{name}.:{}", host.split(':').nth(1).unwrap_or("80")),
        "file://".to_owned(),
        "chrome-extension://abcdefghijklmnop".to_owned(),
    ] {
        let headers = [("Origin", origin.as_bytes()), ("X-CSRF-Token", tokens.right.as_bytes())];
        all.push(Shape::new(format!("Origin: {origin:?}, the token"), &headers));
    }
    for (first, second) in [(ours, ours), (ours, "https://evil.example"), ("https://evil.example", ours)] {
        let headers: [(&'static str, &[u8]); 3] =
            [("Origin", first.as_bytes()), ("Origin", second.as_bytes()), ("X-CSRF-Token", tokens.right.as_bytes())];
        all.push(Shape::new(format!("Origin twice: {first}, {second}"), &headers));
    }
    all
}

/// The token decides when both are absent, and only in its header.
fn by_token(ours: &str, tokens: &Tokens) -> Vec<Shape> {
    const TOKEN: &str = "X-CSRF-Token";
    let right = tokens.right.as_str();
    let short: String = right.chars().take(right.len() - 1).collect();
    let case: String =
        right.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
    let mut all = vec![
        Shape::new("the token", &[(TOKEN, right.as_bytes())]).good(),
        Shape::new("the token, header in lower case", &[("x-csrf-token", right.as_bytes())]).good(),
        Shape::new("nothing", &[]),
        Shape::new("our Referer only", &[("Referer", ours.as_bytes())]),
        Shape::new("X-Requested-With only", &[("X-Requested-With", b"XMLHttpRequest")]),
        Shape::new(
            "the token in a cookie",
            &[("Cookie", format!("csrf_token={right}; X-CSRF-Token={right}").as_bytes())],
        ),
        Shape::new("the token as X-XSRF-Token", &[("X-XSRF-Token", right.as_bytes())]),
        Shape::new("the token as a bearer", &[("Authorization", format!("Bearer {right}").as_bytes())]),
        Shape::new("the right token, then a wrong one", &[(TOKEN, right.as_bytes()), (TOKEN, b"wrong")]),
        Shape::new("a wrong token, then the right one", &[(TOKEN, b"wrong"), (TOKEN, right.as_bytes())]),
        Shape {
            query: Some(format!("csrf_token={right}&X-CSRF-Token={right}")),
            ..Shape::new("the token in the query", &[])
        },
        Shape { member: Some(("csrf_token", right.to_owned())), ..Shape::new("the token in the body", &[]) },
    ];
    for (name, token) in [
        ("an empty token", ""),
        ("a wrong token", "wrong"),
        ("another session's token", &tokens.other),
        ("a token too short", &short),
        ("a token in another case", &case),
        ("a token of the right length", &"A".repeat(right.len())),
        ("the token with padding", &format!("{right}=")),
        ("the token in quotes", &format!("\"{right}\"")),
        ("the token twice in one header", &format!("{right}, {right}")),
        ("null", "null"),
    ] {
        all.push(Shape::new(name, &[(TOKEN, token.as_bytes())]));
    }
    all
}
