//! Services that call with API keys, and many callers at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::{Answer, Client, Request, TestApp};

/// A service with an API key.
#[derive(Clone)]
pub(crate) struct Service {
    client: Client,
    /// The key's text.
    pub(crate) key: String,
    /// The key's id.
    pub(crate) id: String,
}

impl Service {
    /// With a new key of the organization, made by one of its people.
    pub(crate) async fn of(by: &Client, org: &str, scopes: &[&str]) -> Self {
        Self::made(by, org, &json!({ "name": "service", "scopes": scopes })).await
    }

    /// The same with this body.
    pub(crate) async fn made(by: &Client, org: &str, body: &Value) -> Self {
        let made = by.post(&format!("/api/v1/api-keys?org_id={org}")).json(body).await.expect(201);
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        Self { client: Client::new(by.base()), key: text("key"), id: text("id") }
    }

    /// With this key, whatever it is.
    pub(crate) fn with(base: &str, key: &str) -> Self {
        Self { client: Client::new(base), key: key.to_owned(), id: String::new() }
    }

    /// The same, calling another instance.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { client: self.client.at(base), ..self.clone() }
    }

    fn dressed(&self, request: Request) -> Request {
        request.header("Authorization", &format!("Bearer {}", self.key))
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.dressed(self.client.get(path))
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        self.dressed(self.client.post(path))
    }

    pub(crate) fn delete(&self, path: &str) -> Request {
        self.dressed(self.client.delete(path))
    }

    /// Reports a call.
    pub(crate) fn track(&self, event: &Value) -> Request {
        self.post("/api/v1/usage/track").json(event)
    }

    /// Reports a call of the chat by this name.
    pub(crate) fn call(&self, event_id: &str) -> Request {
        self.track(&json!({ "service": "chat", "event_id": event_id }))
    }
}

/// `PATCH`.
pub(crate) fn patch(by: &Client, path: &str, body: &Value) -> Request {
    by.request(reqwest::Method::PATCH, path).json(body)
}

/// Puts the organization of this owner on a plan.
pub(crate) async fn grant(admin: &Client, email: &str, tier: &str) -> Value {
    patch(admin, &format!("/api/v1/admin/subscriptions/{email}"), &json!({ "tier": tier })).await.expect(200)
}

/// Sends the requests from so many clients, each one after the other; the answers.
pub(crate) async fn crowd(clients: usize, requests: Vec<Request>) -> Vec<Answer> {
    crowd_counted(clients, requests, Arc::default()).await
}

/// The same; `answered` counts the answers as they come.
pub(crate) async fn crowd_counted(clients: usize, requests: Vec<Request>, answered: Arc<AtomicUsize>) -> Vec<Answer> {
    let queue = Arc::new(Mutex::new(requests.into_iter()));
    let client = || {
        let (queue, answered) = (queue.clone(), answered.clone());
        tokio::spawn(async move {
            let next = || queue.lock().unwrap().next();
            let mut answers = Vec::new();
            while let Some(request) = next() {
                answers.push(request.await);
                answered.fetch_add(1, Ordering::SeqCst);
            }
            answers
        })
    };
    let running: Vec<_> = (0..clients).map(|_| client()).collect();
    let mut answers = Vec::new();
    for one in running {
        answers.extend(one.await.expect("a client"));
    }
    answers
}

/// One of the instances, by turns.
pub(crate) fn by_turns(number: usize, instances: [&TestApp; 2]) -> &str {
    &instances[number % 2].base
}
