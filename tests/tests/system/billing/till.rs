//! The program itself, as a process, whose organizations pay through a fake Stripe.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{Backend, Client, FakeStripe, Request, StripeEvent};

use super::{ACCESS, WEBHOOK, a_stripe};
use crate::rig::process::{Server, Site};

/// Plans that cost what the fake sells them for; nobody is slowed down.
fn catalogue() -> String {
    let plans = [("free", 0), ("starter", 1900), ("professional", 4900), ("enterprise", 9900)];
    let plan = |(level, (name, cents)): (usize, &(&str, u32))| {
        let page = format!(
            "[plans.{name}]\nname = \"{name}\"\nlevel = {level}\nprice_monthly_cents = {cents}\nprice_yearly_cents = {}\n\
             api_calls_limit = \"unlimited\"\nrate_limit = \"unlimited\"\n",
            cents * 10
        );
        let prices =
            format!("stripe_price_id = \"price_{name}_monthly\"\nstripe_annual_price_id = \"price_{name}_yearly\"\n");
        if *cents == 0 { page } else { page + &prices }
    };
    plans.iter().enumerate().map(plan).collect()
}

/// A place for the program, and the Stripe that it asks.
pub(super) struct Till {
    pub(super) site: Site,
    pub(super) stripe: FakeStripe,
}

/// An organization that pays: its names here and at Stripe.
#[derive(Clone)]
pub(super) struct Payer {
    pub(super) org: String,
    pub(super) customer: String,
    pub(super) subscription: String,
}

impl Till {
    pub(super) async fn on(backend: Backend) -> Self {
        let site = Site::on(backend).await;
        std::fs::write(site.folder().join("plans.toml"), catalogue()).expect("a file");
        Self { site, stripe: a_stripe() }
    }

    /// The program with this Stripe. It compares accounts only when it is told to: what an event is to bring about is not to be had
    /// without it.
    pub(super) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.site.program(arguments);
        command.env("OPS_CENTER__PLANS__CATALOGUE", "plans.toml").env("OPS_CENTER__PLANS__DEFAULT", "free");
        let billing = [
            ("PROVIDER", "stripe".to_owned()),
            ("WORK_EVERY_MS", "20".to_owned()),
            ("RECONCILE_EVERY_HOURS", "0".to_owned()),
            ("STRIPE__SECRET_KEY", self.stripe.secret_key()),
            ("STRIPE__WEBHOOK_SECRETS", self.stripe.webhook_secret()),
            ("STRIPE__BASE_URL", self.stripe.url()),
        ];
        command.envs(billing.map(|(key, value)| (format!("OPS_CENTER__BILLING__{key}"), value)));
        command
    }

    /// Serves on a free port.
    pub(super) fn serve(&self) -> Server {
        Server::start(&mut self.program(&["--listen", "127.0.0.1:0"]))
    }

    /// Sends an event to this server as Stripe does.
    pub(super) fn send(&self, base: &str, event: &StripeEvent) -> Request {
        let request = Client::new(base).post(WEBHOOK).body("application/json", event.body.clone());
        request.header("Stripe-Signature", &self.stripe.sign(&event.body))
    }

    /// A new organization, which has bought `starter`; no event about it was sent.
    pub(super) async fn payer(&self, owner: &Client, name: &str) -> Payer {
        let made = owner.post("/api/v1/org").json(&json!({ "name": name })).await.expect(201);
        let org = made["organization"]["id"].as_str().expect("an id").to_owned();
        enter(owner, &org).await;
        let body = json!({ "tier_id": "starter", "billing_cycle": "monthly" });
        let opened = owner.post("/api/v1/billing/subscriptions/checkout").json(&body).await.expect(200);
        let session = opened["session_id"].as_str().expect("an id");
        let paid = self.stripe.complete(session, "pm_card_visa").expect("it is paid");
        let text = |field: &str| paid[field].as_str().expect("a name").to_owned();
        Payer { org, customer: text("customer"), subscription: text("subscription") }
    }

    /// What the payer pays for at Stripe: plan, and status.
    pub(super) fn truth(&self, payer: &Payer) -> (String, String) {
        let subscription = self.stripe.object(&payer.subscription);
        let price = subscription["items"]["data"][0]["price"]["id"].as_str().expect("a price");
        let plan = price.strip_prefix("price_").and_then(|rest| rest.strip_suffix("_monthly"));
        let status = subscription["status"].as_str().expect("a status");
        (plan.expect("a plan's price").to_owned(), status.to_owned())
    }
}

/// Goes to an organization.
pub(super) async fn enter(owner: &Client, org: &str) {
    owner.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await.expect(200);
}

/// What an organization of this owner has: plan, and status.
pub(super) async fn access(owner: &Client, payer: &Payer) -> (String, String) {
    enter(owner, &payer.org).await;
    let access: Value = owner.get(ACCESS).await.expect(200);
    let text = |field: &str| access[field].as_str().expect("a text").to_owned();
    (text("tier"), text("status"))
}
