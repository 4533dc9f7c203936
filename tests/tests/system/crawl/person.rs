//! Somebody with an account, a session cookie and an address of their own.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::sample::PASSWORD;
use super::wire::{Answer, Call, Wire};

/// Somebody.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) username: String,
    /// Where their requests come from, as the proxy in front of the server says.
    pub(crate) address: String,
    wire: Wire,
    cookie: Mutex<Option<String>>,
}

impl Person {
    /// Nobody in particular: no account, no session.
    pub(crate) fn stranger(wire: &Wire, address: &str) -> Self {
        let nothing = String::new;
        let cookie = Mutex::new(None);
        Self {
            id: nothing(),
            email: nothing(),
            username: nothing(),
            address: address.to_owned(),
            wire: wire.clone(),
            cookie,
        }
    }

    /// Somebody whose account was made a moment ago; not signed in.
    pub(crate) fn new(wire: &Wire, address: &str, id: &str, email: &str, username: &str) -> Self {
        let (id, email, username) = (id.to_owned(), email.to_owned(), username.to_owned());
        Self { id, email, username, ..Self::stranger(wire, address) }
    }

    /// `name=value` of the session cookie; empty without a session.
    pub(crate) fn cookie(&self) -> String {
        self.cookie.lock().unwrap().clone().unwrap_or_default()
    }

    pub(crate) fn keep_cookie(&self, cookie: &str) {
        *self.cookie.lock().unwrap() = Some(cookie.to_owned());
    }

    /// Starts a session.
    pub(crate) async fn sign_in(&self) {
        let body = json!({"username": self.username, "password": PASSWORD});
        let call = Call::new("POST", "/api/v1/auth/login")
            .json(&body)
            .header("User-Agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0");
        let answer = self.wire.send(call.header("X-Forwarded-For", &self.address)).await;
        answer.ok();
        self.keep_cookie(&session_cookie(&answer).expect("a session cookie"));
    }

    /// The same person in another browser.
    pub(crate) async fn elsewhere(&self) -> Self {
        let other = Self::new(&self.wire, &self.address, &self.id, &self.email, &self.username);
        other.sign_in().await;
        other
    }

    /// The same session as seen by another server.
    pub(crate) fn at(&self, wire: &Wire) -> Self {
        let other = Self::new(wire, &self.address, &self.id, &self.email, &self.username);
        other.cookie.lock().unwrap().clone_from(&self.cookie.lock().unwrap());
        other
    }

    /// Sends a request as the user's own page would. A new session cookie in a good answer takes the old one's place.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let call = if call.is_unsafe() { call.header("Sec-Fetch-Site", "same-origin") } else { call };
        self.send_plain(call).await
    }

    /// Sends a request with the cookie, and nothing that says which page it comes from.
    pub(crate) async fn send_plain(&self, call: Call) -> Answer {
        let answer = self.wire.send(self.dressed(call)).await;
        self.follow(&answer);
        answer
    }

    /// The same; the exchange is not kept, and no answer is no reason to panic.
    pub(crate) async fn sent(&self, call: &Call) -> Option<Answer> {
        let answer = self.wire.sent(&self.dressed(call.clone())).await?;
        self.follow(&answer);
        Some(answer)
    }

    /// A new session cookie in a good answer takes the old one's place.
    fn follow(&self, answer: &Answer) {
        if (200..300).contains(&answer.status)
            && let Some(cookie) = session_cookie(answer)
        {
            self.keep_cookie(&cookie);
        }
    }

    /// The request with cookie and address.
    pub(crate) fn dressed(&self, call: Call) -> Call {
        let call = call.header("X-Forwarded-For", &self.address);
        match self.cookie.lock().unwrap().as_deref() {
            Some(cookie) => call.header("Cookie", cookie),
            None => call,
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Value {
        self.send(Call::get(target)).await.ok()
    }

    pub(crate) async fn post(&self, target: &str, body: Value) -> Value {
        self.send(Call::new("POST", target).json(&body)).await.ok()
    }

    pub(crate) async fn put(&self, target: &str, body: Value) -> Value {
        self.send(Call::new("PUT", target).json(&body)).await.ok()
    }

    /// The session's CSRF token.
    pub(crate) async fn csrf_token(&self) -> String {
        self.get("/api/v1/auth/csrf-token").await["csrf_token"].as_str().unwrap().to_owned()
    }

    /// Makes an organization whose known people join at once; gives its id.
    pub(crate) async fn found(&self, name: &str) -> String {
        let made = self.post("/api/v1/org", json!({"name": name})).await;
        let org = made["organization"]["id"].as_str().expect("an id").to_owned();
        self.put(&format!("/api/v1/org/{org}/settings"), json!({"autoAcceptMembers": true})).await;
        org
    }

    /// A key of the platform, for what only services may do.
    pub(crate) async fn platform_key(&self) -> String {
        let scopes = ["usage:write", "byok:resolve"];
        let made = self.post("/api/v1/api-keys", json!({"name": "crawl", "scopes": scopes, "platform": true})).await;
        made["key"].as_str().expect("a key").to_owned()
    }

    /// Adds somebody with an account to an organization of mine.
    pub(crate) async fn add(&self, org: &str, whom: &Self, role: &str) {
        let target = format!("/api/v1/org/{org}/members");
        let answer = self.send(Call::new("POST", target).json(&json!({"email": whom.email, "role": role}))).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// Opens an invitation to an organization of mine; gives its id.
    pub(crate) async fn invite(&self, org: &str, email: &str, role: &str) -> String {
        let invited = self.post(&format!("/api/v1/org/{org}/members"), json!({"email": email, "role": role})).await;
        invited["invitation"]["id"].as_str().expect("an invitation").to_owned()
    }

    /// Moves the session to an organization of mine.
    pub(crate) async fn enter(&self, org: &str) {
        self.post("/api/v1/org/switch", json!({"org_id": org})).await;
    }
}

/// The session cookie that an answer sets, as `name=value`; `None` when it sets none or takes it away.
pub(crate) fn session_cookie(answer: &Answer) -> Option<String> {
    let pairs = answer.all("set-cookie").filter_map(|cookie| cookie.split(';').next());
    let session = pairs.filter(|pair| pair.trim_start_matches("__Host-").starts_with("ops_session=")).last();
    session.filter(|pair| !pair.ends_with('=')).map(str::to_owned)
}
