//! WH-1 to WH-8, OUT-1: money over HTTP, with a Stripe that loses, repeats and reorders what it sends, and with none at all.

mod events;
mod junk;
mod kill;
mod lago;
mod life;
mod manual;
mod outage;
mod signature;
mod till;

use std::time::Duration;

use billing_core::PaymentProvider;
use plan_core::PlanPatch;
use serde_json::{Value, json};
use testkit::{Answer, Backend, Client, FakeStripe, Request, StripeEvent, StripePrice, TestApp, TestUser};

use crate::rig::until;

const WEBHOOK: &str = "/api/v1/billing/webhooks/stripe";
const ACCESS: &str = "/api/v1/subscriptions/my-access";
const SOON: Duration = Duration::from_secs(20);
const MONTH: Duration = Duration::from_hours(24 * 32);

/// An app whose organizations begin on `free`, where nobody is slowed down, and whose plans Stripe sells.
async fn with_stripe(backend: Backend, stripe: &FakeStripe) -> TestApp {
    let app = TestApp::builder().backend(backend).config(|config| {
        config.plans.default = "free".parse().expect("a plan's name");
        let billing = &mut config.billing;
        billing.provider = PaymentProvider::Stripe;
        billing.work_every = Duration::from_millis(20);
        billing.stripe.secret_key = Some(stripe.secret_key().into());
        billing.stripe.publishable_key = Some("pk_test_fake".to_owned());
        billing.stripe.webhook_secrets = vec![stripe.webhook_secret().into()];
        billing.stripe.base_url = Some(stripe.url());
    });
    let app = app.start().await;
    unhurried(&app).await;
    for plan in ["starter", "professional", "enterprise"] {
        let patch = PlanPatch {
            stripe_price_id: Some(Some(format!("price_{plan}_monthly"))),
            stripe_annual_price_id: Some(Some(format!("price_{plan}_yearly"))),
            ..PlanPatch::default()
        };
        app.change_plan(plan, patch).await;
    }
    stripe.listen(&format!("{}{WEBHOOK}", app.base));
    app
}

/// No plan limits the requests of a minute.
async fn unhurried(app: &TestApp) {
    for plan in ["free", "starter", "professional", "enterprise"] {
        app.change_plan(plan, PlanPatch { rate_limit: Some(-1), ..PlanPatch::default() }).await;
    }
}

fn a_stripe() -> FakeStripe {
    FakeStripe::start(&StripePrice::shipped())
}

/// An organization, and who pays for it.
struct House {
    owner: TestUser,
    org: String,
}

impl House {
    async fn new(app: &TestApp, name: &str) -> Self {
        let owner = app.user(&format!("{name}@x.test")).await;
        let org = owner.create_org(name).await;
        owner.switch_org(&org).await;
        Self { owner, org }
    }

    async fn access(&self) -> Value {
        self.owner.get(ACCESS).await.expect(200)
    }

    /// Waits until the organization is on this plan.
    async fn comes_to(&self, plan: &str, status: &str) {
        let there = async || {
            let access = self.access().await;
            access["tier"] == plan && access["status"] == status
        };
        until(SOON, &format!("{plan} {status}"), there).await;
    }

    fn checkout(&self, plan: &str) -> Request {
        let body = json!({"tier_id": plan, "billing_cycle": "monthly"});
        self.owner.post("/api/v1/billing/subscriptions/checkout").json(&body)
    }

    /// Buys a plan with a card that pays.
    async fn buys(&self, stripe: &FakeStripe, plan: &str) {
        let opened = self.checkout(plan).await.expect(200);
        stripe.complete(opened["session_id"].as_str().expect("an id"), "pm_card_visa").expect("it is paid");
        stripe.deliver();
        self.comes_to(plan, "active").await;
    }

    fn change(&self, plan: &str, quote: Option<&str>) -> Request {
        let body = json!({"target_tier": plan, "quote": quote});
        self.owner.post("/api/v1/subscriptions/upgrade").json(&body)
    }

    async fn preview(&self, plan: &str) -> Value {
        self.owner.get(&format!("/api/v1/subscriptions/preview-change?target_tier={plan}")).await.expect(200)
    }

    async fn invoices(&self) -> Vec<Value> {
        let answer = self.owner.get("/api/v1/billing/invoices").await;
        let invoices = answer.expect(200).as_array().expect("a bare array").clone();
        assert_eq!(answer.header("x-total-count"), Some(invoices.len().to_string().as_str()));
        invoices
    }

    /// Its name at Stripe.
    fn customer(&self, stripe: &FakeStripe) -> String {
        let of = |customer: &Value| customer["metadata"]["org_id"] == self.org.as_str();
        let customers = stripe.all("customer");
        let found = customers.iter().find(|customer| of(customer)).unwrap_or_else(|| panic!("{customers:?}"));
        found["id"].as_str().expect("an id").to_owned()
    }

    fn subscription(&self, stripe: &FakeStripe) -> String {
        let customer = self.customer(stripe);
        let all = stripe.all("subscription");
        let found = all.iter().rfind(|it| it["customer"] == customer.as_str()).expect("a subscription");
        found["id"].as_str().expect("an id").to_owned()
    }
}

/// Sends an event as Stripe does.
fn sending(app: &TestApp, stripe: &FakeStripe, event: &StripeEvent) -> Request {
    let signature = stripe.sign(&event.body);
    Client::new(&app.base)
        .post(WEBHOOK)
        .body("application/json", event.body.clone())
        .header("Stripe-Signature", &signature)
}

/// What the books hold of events: how many stand where.
async fn inbox(app: &TestApp) -> Vec<(String, i64)> {
    let connection = crate::rig::tables::beside(app).await;
    let sql = "SELECT state, COUNT(*) FROM inbox_event GROUP BY state ORDER BY state";
    let read = |row: &sea_orm::QueryResult| {
        (row.try_get_by_index(0).expect("a state"), row.try_get_by_index(1).expect("a count"))
    };
    let found = crate::rig::tables::rows(&connection, sql).await.iter().map(read).collect();
    connection.close().await.expect("no connection");
    found
}

/// Waits until every event took effect or was put aside.
async fn settled(app: &TestApp) {
    let done = async || inbox(app).await.iter().all(|(state, _)| state != "pending");
    until(SOON, "nothing waits", done).await;
}

#[track_caller]
fn is_pdf(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/pdf"));
    assert!(answer.header("content-disposition").is_some_and(|it| it.starts_with("attachment; filename=\"")));
    assert!(answer.body.starts_with(b"%PDF-"));
}
