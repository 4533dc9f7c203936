//! MET-1 to MET-11: what is acknowledged is in the ledger, once; no limit is ever exceeded; every call counts in its own period.

mod downgrade;
mod kill;
mod once;
mod outage;
mod period;
mod quantity;
mod reading;
mod reservation;
mod stop;
mod wall;

use std::future::Future;

use kernel::{Clock, Timestamp};
use ops_center::config::Config;
use plan_core::PlanPatch;
use serde_json::Value;
use testkit::{Backend, Builder, Client, TestApp, TestUser};

use crate::rig::service::Service;

/// What a service that meters may do.
const METER: [&str; 2] = ["usage:write", "entitlements:read"];

/// Runs a test on every backend, where organizations begin on the free plan. How fast callers ask is another matter.
async fn on_free<F, Fut>(body: F)
where
    F: Fn(TestApp) -> Fut,
    Fut: Future<Output = ()>,
{
    let change = |config: &mut Config| {
        config.plans.default = "free".parse().expect("a plan's name");
        config.rate_limit.enabled = false;
    };
    TestApp::each_with(change, body).await;
}

/// An app on one backend, where organizations begin on the free plan.
fn free(backend: Backend) -> Builder {
    TestApp::builder().backend(backend).config(|config| config.plans.default = "free".parse().expect("a plan's name"))
}

/// The free plan gives so many calls a month, and sets no other limit.
async fn limit(app: &TestApp, monthly: i64) {
    let patch = PlanPatch {
        api_calls_limit: Some(monthly),
        daily_limit: Some(-1),
        rate_limit: Some(-1),
        ..PlanPatch::default()
    };
    app.change_plan("free", patch).await;
}

/// An organization, its owner, and a service that meters its calls.
struct House {
    owner: TestUser,
    org: String,
    service: Service,
}

impl House {
    async fn new(app: &TestApp, name: &str) -> Self {
        let owner = app.user(&format!("{name}@x.test")).await;
        let org = owner.create_org(name).await;
        let service = Service::of(&owner, &org, &METER).await;
        Self { owner, org, service }
    }

    /// The counters, as the owner sees them.
    async fn quota(&self) -> Value {
        quota(&self.owner, &self.org).await
    }

    /// `used`, `reserved`, `limit` and `remaining` of the month.
    async fn month(&self) -> [Value; 4] {
        let quota = self.quota().await;
        ["used", "reserved", "limit", "remaining"].map(|field| quota["monthly"][field].clone())
    }

    /// Every row of the ledger.
    async fn ledger(&self) -> Vec<Value> {
        ledger(&self.owner, &self.org).await
    }
}

async fn quota(by: &Client, org: &str) -> Value {
    by.get(&format!("/api/v1/usage/quota?org_id={org}")).await.expect(200)
}

async fn ledger(by: &Client, org: &str) -> Vec<Value> {
    let file = by.get(&format!("/api/v1/usage/export?format=jsonl&period=year&org_id={org}")).await;
    assert_eq!(file.status, 200, "{}", file.text());
    assert_eq!(file.header("content-type"), Some("application/jsonl"));
    file.text().lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// The names of the events, sorted.
fn names(ledger: &[Value]) -> Vec<String> {
    let mut names: Vec<String> =
        ledger.iter().map(|row| row["event_id"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

/// A time of an answer.
fn moment(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no time: {value}"))
}

/// Moves the clock on to this moment.
fn go_to(app: &TestApp, then: Timestamp) {
    app.clock.advance((then - app.clock.now()).to_std().expect("a moment that is yet to come"));
}
