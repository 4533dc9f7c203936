//! Session cookies: all that were ever handed out, and whether they still are somebody.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Client, Request};

use super::at_once;

/// Every session cookie that was seen.
#[derive(Clone, Default)]
pub(crate) struct Cookies(Arc<Mutex<BTreeSet<String>>>);

impl Cookies {
    /// Notes what the answer hands out.
    pub(crate) fn note(&self, answer: &Answer) {
        self.0.lock().unwrap().extend(session_cookies(answer));
    }

    /// Notes what the client has.
    pub(crate) fn note_of(&self, client: &Client) {
        self.0.lock().unwrap().extend(client.cookie("ops_session"));
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }

    /// Those that can change something at one of these instances.
    async fn that_write(&self, bases: &[&str]) -> BTreeSet<String> {
        self.accepted(bases, choose).await
    }

    /// Those that can read something at one of these instances.
    async fn that_read(&self, bases: &[&str]) -> BTreeSet<String> {
        self.accepted(bases, |holder| holder.get("/api/v1/auth/me")).await
    }

    /// From now on exactly these cookies are somebody at these instances: changes at once, reads within a second of `ended`.
    pub(crate) async fn are_settled(&self, bases: &[&str], alive: &BTreeSet<String>, ended: Instant) {
        assert_eq!(&self.that_write(bases).await, alive, "changes");
        loop {
            let began = ended.elapsed();
            let reading = self.that_read(bases).await;
            if &reading == alive {
                return;
            }
            assert!(began < Duration::from_secs(1), "{began:?} later some still read: {reading:?}, and not {alive:?}");
        }
    }

    async fn accepted(&self, bases: &[&str], ask: impl Fn(&Client) -> Request) -> BTreeSet<String> {
        let mut accepted = BTreeSet::new();
        for base in bases {
            let cookies: Vec<String> = self.all().into_iter().collect();
            for some in cookies.chunks(16) {
                let answers = at_once(some.iter().map(|cookie| ask(&holder(base, cookie)))).await;
                for (cookie, answer) in some.iter().zip(answers) {
                    assert!([200, 401].contains(&answer.status), "{}: {} {}", answer.of, answer.status, answer.text());
                    if answer.status == 200 {
                        accepted.insert(cookie.clone());
                    }
                }
            }
        }
        accepted
    }
}

/// The session cookies that an answer sets; not those that it takes away.
pub(crate) fn session_cookies(answer: &Answer) -> Vec<String> {
    let pairs = answer.set_cookies().into_iter().filter_map(|line| line.split(';').next()?.split_once('='));
    let ours = pairs.filter(|(name, value)| *name == SESSION && !value.is_empty());
    ours.map(|(_, value)| value.to_owned()).collect()
}

/// The session cookie's name behind a proxy with TLS, as which the kit passes.
pub(crate) const SESSION: &str = "__Host-ops_session";
/// The device cookie's.
pub(crate) const DEVICE: &str = "__Host-ops_device";

/// A browser that has this session cookie and nothing else.
pub(crate) fn holder(base: &str, cookie: &str) -> Client {
    let client = Client::new(base);
    client.set_cookie(SESSION, cookie);
    client
}

/// A change that everybody who is signed in may make.
pub(crate) fn choose(client: &Client) -> Request {
    own(client.put("/api/v1/auth/notifications")).json(&json!({ "push": true }))
}

/// As a page of the same origin sends it: it needs no token, which would have to fit the cookie of the moment.
pub(crate) fn own(request: Request) -> Request {
    request.without_csrf().header("Sec-Fetch-Site", "same-origin")
}
