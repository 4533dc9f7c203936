//! Every request that we make is one that Stripe's own description of its API takes. stripe-mock has no memory, and answers with examples:
//! what it says is looked at only as far as that it can be read.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use billing_core::{Command as Change, GatewayError, PaymentGateway, PaymentMethods, ProviderInvoices};
use kernel::{Ambient, Clock, OrgId, SystemClock};
use stripe_payments::{StripeGateway, StripeOptions};

use crate::world::{World, usd};

/// stripe-mock on a port; it ends with the test.
struct Mock {
    child: Child,
    port: u16,
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own surroundings")]
fn program() -> Option<String> {
    let said = std::env::var("OPS_CENTER_TEST_STRIPE_MOCK").ok();
    let program = said.unwrap_or_else(|| "stripe-mock".to_owned());
    let found = Command::new(&program).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "stripe-mock is missing: run scripts/stripe-mock");
        eprintln!(
            "SKIPPED: stripe-mock is not on the PATH, and OPS_CENTER_TEST_STRIPE_MOCK does not say where it is (scripts/stripe-mock builds it)"
        );
    }
    found.then_some(program)
}

async fn start() -> Option<Mock> {
    let program = program()?;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(program).args(["-http-addr", &format!("127.0.0.1:{port}")]).stdout(Stdio::null()).spawn();
    let mock = Mock { child: child.unwrap(), port };
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(mock);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("stripe-mock does not answer");
}

fn in_order<T>(what: &str, answer: Result<T, GatewayError>) -> T {
    answer.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

#[tokio::test]
async fn every_request_is_in_order() {
    let Some(mock) = start().await else { return };
    let mut options = StripeOptions::new("sk_test_123".into());
    options.base_url = Some(format!("http://127.0.0.1:{}/", mock.port));
    options.per_second = 1000;
    let ambient = Ambient::system();
    let gateway = StripeGateway::new(options, ambient.clone()).unwrap();
    let (org, now) = (OrgId::mint(&ambient), SystemClock.now());
    let details = billing_core::CustomerDetails { org, name: "Acme".to_owned(), email: "a@example.com".to_owned() };
    in_order("create_customer", gateway.create_customer(&details, "1").await);
    in_order("checkout", gateway.checkout(&World::request("cus_1", "price_1", 14), "2").await);
    // The example of a portal is one of real money, which we do not take with this key; the request was in order.
    let portal = gateway.portal("cus_1", "https://console.example/").await;
    assert!(format!("{portal:?}").contains("the object of real money"), "{portal:?}");
    in_order("snapshot", gateway.snapshot(org, "cus_1").await);
    in_order("touched", gateway.touched(now).await);
    in_order("list", gateway.list("cus_1").await);
    in_order("attach", gateway.attach("cus_1", "pm_card_visa", "3").await);
    in_order("setup", gateway.setup("cus_1", "4").await);
    in_order("retry", gateway.retry("in_1", "5").await);
    let external = "sub_1".to_owned();
    in_order(
        "cancel later",
        gateway.execute(&Change::CancelAtPeriodEnd { external: external.clone(), cancel: true }, "6").await,
    );
    in_order("cancel now", gateway.execute(&Change::CancelNow { external: external.clone() }, "7").await);
    let later = Change::ChangeAtPeriodEnd { external: external.clone(), price: "price_2".to_owned() };
    in_order("change later", gateway.execute(&later, "8").await);
    let customer = "cus_QXg1o8vcGmoR32"; // whose the example is
    let change =
        |due| Change::ChangeNow { external: external.clone(), price: "price_2".to_owned(), prorated_at: now, due };
    let cost = in_order("preview", gateway.preview(customer, &change(usd(0))).await);
    in_order("change now", gateway.execute(&change(cost.due), "9").await);
}
