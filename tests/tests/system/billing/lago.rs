//! The same with Lago: a subscription's life, and who is believed.

use std::time::Duration;

use billing_core::PaymentProvider;
use kernel::Clock;
use plan_core::PlanPatch;
use serde_json::{Value, json};
use testkit::{Backend, Client, FakeLago, LagoEvent, LagoPlan, Request, TestApp};

use super::{House, MONTH, inbox, is_pdf, settled, unhurried};

const LISTENS: &str = "/api/v1/webhooks/lago";
const PAID: &str = "invoice.payment_status_updated";

/// An app whose plans Lago sells, and which believes what is signed with this secret.
async fn with_lago(lago: &FakeLago, secret: Option<&str>) -> TestApp {
    let app = TestApp::builder().backend(Backend::Sqlite).config(|config| {
        config.plans.default = "free".parse().expect("a plan's name");
        let billing = &mut config.billing;
        billing.provider = PaymentProvider::Lago;
        billing.work_every = Duration::from_millis(20);
        billing.lago.api_url = Some(lago.url());
        billing.lago.api_key = Some(FakeLago::API_KEY.into());
        billing.lago.webhook_secret = secret.map(Into::into);
    });
    let app = app.start().await;
    unhurried(&app).await;
    lago.advance_to(app.clock.now());
    for (plan, cents) in [("starter", 1900), ("professional", 4900)] {
        let code = format!("{plan}_monthly");
        lago.sell(LagoPlan::monthly(&code, cents));
        app.change_plan(plan, PlanPatch { lago_plan_code: Some(Some(code)), ..PlanPatch::default() }).await;
    }
    app
}

fn a_lago() -> FakeLago {
    FakeLago::start()
}

/// Sends an event with these headers.
fn with_headers(app: &TestApp, event: &LagoEvent, headers: [Option<&str>; 3]) -> Request {
    let request = Client::new(&app.base).post(LISTENS).body("application/json", event.body.clone());
    let names = ["X-Lago-Signature", "X-Lago-Signature-Algorithm", "X-Lago-Unique-Key"];
    let given = names.into_iter().zip(headers).filter_map(|(name, value)| Some((name, value?)));
    given.fold(request, |request, (name, value)| request.header(name, value))
}

/// Sends an event as Lago does.
fn sending(app: &TestApp, event: &LagoEvent) -> Request {
    let headers = [&event.signature, &event.algorithm, &event.unique_key];
    with_headers(app, event, headers.map(|text| Some(text.as_str())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_bought_changed_and_canceled_through_lago() {
    let lago = a_lago();
    let app = with_lago(&lago, Some(FakeLago::HMAC_SECRET)).await;
    let house = House::new(&app, "ada").await;
    let opened = house.checkout("starter").await.expect(200);
    assert!(opened["checkout_url"].as_str().is_some_and(|url| url.starts_with(&lago.url())), "{opened}");
    sending(&app, &lago.event("invoice.created", &house.org)).await.expect(200);
    settled(&app).await;
    assert_eq!(house.access().await["tier"], "free", "it is not paid yet");

    // The right customer, and nobody else.
    let stranger = House::new(&app, "eve").await;
    assert_eq!(lago.pay(&house.org), 1);
    let event = lago.event(PAID, &house.org);
    assert_eq!(sending(&app, &event).await.expect(200)["status"], "received");
    assert_eq!(sending(&app, &event).await.expect(200)["status"], "duplicate");
    house.comes_to("starter", "active").await;
    assert_eq!(stranger.access().await["tier"], "free");
    house.checkout("professional").await.problem(409, "already_subscribed");

    moves_up(&app, &lago, &house).await;
    has_invoices(&house, &stranger).await;
    let cards = house.owner.get("/api/v1/billing/payment-methods").await;
    cards.problem(409, "provider_unsupported");
    let portal = house.owner.post("/api/v1/billing/portal/create").json(&json!({})).await.expect(200);
    assert!(portal["portal_url"].as_str().is_some_and(|url| url.starts_with(&lago.url())), "{portal}");

    house.owner.post("/api/v1/billing/subscription/cancel").json(&json!({"reason": "too much"})).await.expect(200);
    let access = house.access().await;
    assert_eq!((&access["tier"], &access["cancel_at_period_end"]), (&json!("professional"), &json!(true)));
    app.clock.advance(MONTH);
    lago.advance_to(app.clock.now());
    sending(&app, &lago.event("subscription.terminated", &house.org)).await.expect(200);
    house.owner.sign_in().await.expect(200);
    house.owner.switch_org(&house.org).await;
    house.comes_to("free", "canceled").await;
    settled(&app).await;
    assert_eq!(inbox(&app).await, [("done".to_owned(), 4)]);
}

/// To `professional`, for what was quoted.
async fn moves_up(app: &TestApp, lago: &FakeLago, house: &House) {
    let before = lago.invoiced();
    let preview = house.preview("professional").await;
    let quote = preview["quote"].as_str().expect("a quote");
    house.change("professional", Some(quote)).await.expect(200);
    assert_eq!(house.access().await["tier"], "professional");
    let due = preview["amount_due"].as_f64().expect("an amount");
    let invoiced = f64::from(i32::try_from(lago.invoiced() - before).expect("an amount")) / 100.0;
    assert!((due - invoiced).abs() < 0.005, "{due} promised, {invoiced} invoiced");
    assert_eq!(lago.counts().2, 2, "bought, and moved up once");
    lago.pay(&house.org);
    sending(app, &lago.event(PAID, &house.org)).await.expect(200);
    house.comes_to("professional", "active").await;
    house.change("professional", Some(quote)).await.problem(409, "no_change");
}

async fn has_invoices(house: &House, stranger: &House) {
    let invoices = house.invoices().await;
    assert_eq!(invoices.len(), 2, "{invoices:?}");
    for invoice in &invoices {
        assert_eq!((&invoice["status"], &invoice["provider"]), (&json!("paid"), &json!("lago")), "{invoice}");
        let path = format!("/api/v1/billing/invoices/{}", invoice["id"].as_str().expect("an id"));
        let one: Value = house.owner.get(&path).await.expect(200);
        let lines = one["lines"].as_array().expect("lines").iter();
        assert_eq!(
            lines.map(|it| it["amount_cents"].as_i64()).sum::<Option<i64>>(),
            one["subtotal_cents"].as_i64(),
            "{one}"
        );
        is_pdf(&house.owner.get(&format!("{path}/pdf")).await);
        is_pdf(&house.owner.get(&format!("{path}/download")).await);
        stranger.owner.get(&format!("{path}/download")).await.problem(404, "not_found");
    }
    assert!(stranger.invoices().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_lago_is_believed() {
    let lago = a_lago();
    let app = with_lago(&lago, Some(FakeLago::HMAC_SECRET)).await;
    let house = House::new(&app, "ada").await;
    house.checkout("starter").await.expect(200);
    lago.pay(&house.org);
    let (event, other) = (lago.event(PAID, &house.org), lago.event(PAID, "org_other"));
    let (good, key) = (Some(event.signature.as_str()), Some(event.unique_key.as_str()));
    let bare = event.signature.trim_end_matches('=');
    let turned: String = event.signature.chars().rev().collect();
    let cases: [(&str, [Option<&str>; 3]); 15] = [
        ("nothing at all", [None, None, None]),
        ("no signature", [None, Some("hmac"), key]),
        ("an empty signature", [Some(""), Some("hmac"), key]),
        ("another event's signature", [Some(other.signature.as_str()), Some("hmac"), key]),
        ("no base64", [Some("-"), Some("hmac"), key]),
        ("cut off", [Some(bare), Some("hmac"), key]),
        ("turned around", [Some(turned.as_str()), Some("hmac"), key]),
        ("no algorithm", [good, None, key]),
        ("an empty algorithm", [good, Some(""), key]),
        ("the algorithm none", [good, Some("none"), key]),
        ("an algorithm that nobody has a key for", [good, Some("jwt"), key]),
        ("an unsigned token", [Some("eyJhbGciOiJub25lIn0.e30."), Some("jwt"), key]),
        ("another spelling", [good, Some("HMAC"), key]),
        ("no name", [good, Some("hmac"), None]),
        ("an empty name", [good, Some("hmac"), Some("")]),
    ];
    for (what, headers) in cases {
        let answer = with_headers(&app, &event, headers).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        answer.problem(401, "invalid_signature");
    }
    let changed = LagoEvent { body: [event.body.as_slice(), b" "].concat(), ..event.clone() };
    sending(&app, &changed).await.problem(401, "invalid_signature");
    // Stripe's proof is none here, and Stripe is not listened to.
    let stripe = Client::new(&app.base).post(super::WEBHOOK).body("application/json", event.body.clone());
    stripe.header("Stripe-Signature", "t=1,v1=00").await.problem(404, "not_found");
    assert!(inbox(&app).await.is_empty());
    assert_eq!(house.access().await["tier"], "free");
    let told = sending(&app, &event).await.expect(200);
    assert_eq!(told, json!({"status": "received", "event_id": event.unique_key}));
    house.comes_to("starter", "active").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_another_secret_nothing_is_believed_and_without_one_nobody_listens() {
    let lago = a_lago();
    for (secret, status, code) in [(Some("another secret"), 401, "invalid_signature"), (None, 404, "not_found")] {
        let app = with_lago(&lago, secret).await;
        let house = House::new(&app, "ada").await;
        house.checkout("starter").await.expect(200);
        assert_eq!(lago.pay(&house.org), 1);
        let event = lago.event(PAID, &house.org);
        sending(&app, &event).await.problem(status, code);
        with_headers(&app, &event, [None, None, None]).await.problem(status, code);
        assert!(inbox(&app).await.is_empty());
        assert_eq!(house.access().await["tier"], "free");
        // What nobody could tell is found all the same.
        let pass = app.run(|services| async move { services.billing.reconcile(None, 100).await });
        assert_eq!(pass.await.expect("compared").drift.len(), 1);
        house.comes_to("starter", "active").await;
    }
}
