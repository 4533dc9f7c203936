//! KEY-1 to KEY-9 and SSRF-1: customers' own provider keys are kept sealed, tested without cost, handed to services that may have them,
//! and told to nobody else.

mod canary;
mod finality;
mod foreign;
mod input;
mod life;
mod memory;
mod nonce;
mod overtaken;
mod page;
mod plan;
mod probe;
mod reach;
mod rotation;
mod secret;
mod tamper;
mod watch;

use serde_json::{Value, json};
use testkit::{Client, Request, TestApp, TestUser};

use crate::rig::service::Service;

const BYOK: &str = "/api/v1/byok";
const KEYS: &str = "/api/v1/byok/keys";
const ADD: &str = "/api/v1/byok/keys/add";
const RESOLVE: &str = "/api/v1/byok/resolve";

/// A key that `OpenAI` could have given out.
const OPENAI: &str = "sk-proj-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1PsXqA";

/// The request that stores a key.
fn adding(by: &Client, org: &str, body: &Value) -> Request {
    by.post(&format!("{ADD}?org_id={org}")).json(body)
}

/// Stores a key at a provider that has an address of its own.
async fn add(by: &Client, org: &str, provider: &str, key: &str) -> Value {
    adding(by, org, &json!({ "provider": provider, "key": key })).await.expect(200)
}

/// The request that tests the key at a provider.
fn testing(by: &Client, org: &str, provider: &str) -> Request {
    by.post(&format!("{KEYS}/test/{provider}?org_id={org}"))
}

/// The request that destroys the key at a provider.
fn deleting(by: &Client, org: &str, provider: &str) -> Request {
    by.delete(&format!("{KEYS}/{provider}?org_id={org}"))
}

/// The organization's keys.
async fn keys(by: &Client, org: &str) -> Vec<Value> {
    by.get(&format!("{KEYS}?org_id={org}")).await.expect(200).as_array().expect("a bare array").clone()
}

/// What is said of the key at a provider.
async fn key_at(by: &Client, org: &str, provider: &str) -> Value {
    let found = keys(by, org).await.into_iter().find(|key| key["provider"] == provider);
    found.unwrap_or_else(|| panic!("no key at {provider}"))
}

/// The request of a service for the key at a provider.
fn resolving(service: &Service, org: &str, provider: &str) -> Request {
    service.post(RESOLVE).json(&json!({ "org_id": org, "provider": provider }))
}

/// An organization, its owner, and a service that is handed its keys.
struct House {
    owner: TestUser,
    org: String,
    service: Service,
}

impl House {
    async fn new(app: &TestApp, name: &str) -> Self {
        let owner = app.user(&format!("{name}@x.test")).await;
        let org = owner.create_org(name).await;
        let service = Service::of(&owner, &org, &["byok:resolve", "entitlements:read"]).await;
        Self { owner, org, service }
    }

    async fn add(&self, provider: &str, key: &str) -> Value {
        add(&self.owner, &self.org, provider, key).await
    }

    async fn key(&self, provider: &str) -> Value {
        key_at(&self.owner, &self.org, provider).await
    }

    fn test(&self, provider: &str) -> Request {
        testing(&self.owner, &self.org, provider)
    }

    fn delete(&self, provider: &str) -> Request {
        deleting(&self.owner, &self.org, provider)
    }

    fn resolve(&self, provider: &str) -> Request {
        resolving(&self.service, &self.org, provider)
    }
}

/// Every run of eight characters of a secret.
fn pieces(secret: &str) -> impl Iterator<Item = &str> {
    (0..=secret.len() - 8).map(|start| &secret[start..start + 8])
}

/// No answer to people has a piece of the secret.
#[track_caller]
fn tells_nothing(text: &str, secret: &str) {
    for piece in pieces(secret) {
        assert!(!text.contains(piece), "{piece} of the key is told: {text}");
    }
}
