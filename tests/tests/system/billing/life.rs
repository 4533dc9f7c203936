//! The life of a subscription: free, bought, moved up by a quote, invoiced, canceled.
use serde_json::{Value, json};
use testkit::{Backend, TestApp};

use super::{House, MONTH, a_stripe, is_pdf, settled, with_stripe};
use crate::rig::at_once;
use crate::rig::tables::trail;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_bought_changed_and_canceled() {
    for backend in Backend::ALL {
        println!("on {backend}:");
        let stripe = a_stripe();
        let app = with_stripe(backend, &stripe).await;
        let house = House::new(&app, "ada").await;
        assert_eq!(house.access().await["tier"], "free");
        assert!(house.invoices().await.is_empty());
        house.owner.post("/api/v1/billing/portal/create").json(&json!({})).await.problem(404, "no_customer");
        let opened = house.checkout("starter").await.expect(200);
        assert!(opened["checkout_url"].as_str().is_some_and(|url| url.starts_with("http")), "{opened}");
        assert_eq!(house.access().await["tier"], "free", "nobody gets a plan for opening a page");
        house.buys(&stripe, "starter").await;
        house.checkout("professional").await.problem(409, "already_subscribed");
        let portal = house.owner.post("/api/v1/billing/portal/create").json(&json!({})).await.expect(200);
        assert!(portal["portal_url"].as_str().is_some_and(|url| url.starts_with("http")), "{portal}");
        moves_up(&house, &stripe).await;
        has_invoices(&house).await;
        ends(&app, &house, &stripe).await;
        let whos: Vec<String> = trail(&app, "billing.change.agreed").await.into_iter().map(|[who, ..]| who).collect();
        assert_eq!(whos, ["user", "user"]);
    }
}

async fn moves_up(house: &House, stripe: &testkit::FakeStripe) {
    let preview = house.preview("professional").await;
    assert_eq!((&preview["old_tier"], &preview["new_tier"]), (&json!("starter"), &json!("professional")));
    assert_eq!(preview["is_upgrade"], true, "{preview}");
    let quote = preview["quote"].as_str().expect("a quote");
    let done = house.change("professional", Some(quote)).await.expect(200);
    assert_eq!((&done["success"], &done["subscription"]["tier_name"].is_string()), (&json!(true), &true), "{done}");
    house.comes_to("professional", "active").await;
    let invoices = stripe.all("invoice");
    let due = preview["amount_due"].as_f64().expect("an amount");
    let charged = |invoice: &Value| invoice["total"].as_f64().is_some_and(|total| (total / 100.0 - due).abs() < 0.005);
    assert!(invoices.len() == 2 && invoices.iter().any(charged), "{due} promised: {invoices:?}");
    house.change("professional", Some(quote)).await.problem(409, "no_change");
}

async fn has_invoices(house: &House) {
    let invoices = house.invoices().await;
    assert_eq!(invoices.len(), 2, "{invoices:?}");
    for invoice in &invoices {
        assert_eq!((&invoice["status"], &invoice["provider"]), (&json!("paid"), &json!("stripe")), "{invoice}");
        let id = invoice["id"].as_str().expect("an id");
        let one = house.owner.get(&format!("/api/v1/billing/invoices/{id}")).await.expect(200);
        let sum: i64 =
            one["lines"].as_array().expect("lines").iter().filter_map(|it| it["amount_cents"].as_i64()).sum();
        assert_eq!(Some(sum), one["subtotal_cents"].as_i64(), "{one}");
        is_pdf(&house.owner.get(&format!("/api/v1/billing/invoices/{id}/pdf")).await);
        let json = house.owner.get(&format!("/api/v1/billing/invoices/{id}/download"));
        let told = json.header("Accept", "application/json").await.expect(200);
        assert!(told["pdf_url"].is_string() && told["invoice_number"].is_string(), "{told}");
    }
    let dates: Vec<&str> = invoices.iter().filter_map(|it| it["issued_at"].as_str()).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b), "newest first: {dates:?}");
}

async fn ends(app: &TestApp, house: &House, stripe: &testkit::FakeStripe) {
    let ended = house.owner.post("/api/v1/billing/subscription/cancel").json(&json!({"reason": "too much"})).await;
    assert!(ended.expect(200)["access_until"].is_string(), "{}", ended.text());
    assert_eq!(house.access().await["cancel_at_period_end"], true);
    assert_eq!(house.access().await["tier"], "professional", "what is paid stays");
    stripe.advance(MONTH);
    app.clock.advance(MONTH);
    stripe.deliver();
    house.owner.sign_in().await.expect(200);
    house.owner.switch_org(&house.org).await;
    house.comes_to("free", "canceled").await;
    settled(app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_buys_once_and_one_organization_is_one_customer() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    let again = || house.checkout("starter").header("Idempotency-Key", "order-1");
    let first = again().await.expect(200);
    let second = again().await;
    assert_eq!((second.expect(200), second.header("idempotent-replayed")), (first, Some("true")));
    let answers = at_once((0..8).map(|_| house.checkout("starter"))).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)), "{answers:?}");
    assert_eq!(stripe.all("customer").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_are_kept_at_stripe() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    let methods = "/api/v1/billing/payment-methods";
    assert_eq!(house.owner.get(methods).await.expect(200), json!([]));
    let intent = house.owner.post(&format!("{methods}/setup-intent")).json(&json!({})).await.expect(200);
    assert!(intent["client_secret"].is_string() && intent["publishable_key"] == "pk_test_fake", "{intent}");
    let add = |card: &str| house.owner.post(methods).json(&json!({"payment_method_id": card, "set_default": true}));
    let visa = stripe.card("pm_card_visa").expect("a card")["id"].as_str().expect("an id").to_owned();
    let added = add(&visa).await.expect(201);
    assert_eq!((&added["brand"], &added["is_default"]), (&json!("visa"), &json!(true)), "{added}");
    add("pm_card_chargeDeclined").await.problem(402, "card_declined");
    house.buys(&stripe, "starter").await;
    let all = house.owner.get(methods).await.expect(200);
    let ids: Vec<String> =
        all.as_array().expect("a bare array").iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect();
    for id in &ids[1..] {
        house.owner.delete(&format!("{methods}/{id}")).await.expect(200);
    }
    house.owner.delete(&format!("{methods}/{}", ids[0])).await.problem(409, "last_method_of_active_subscription");
    house.owner.delete(&format!("{methods}/pm_nobody")).await.problem(404, "not_found");
    let other = House::new(&app, "eve").await;
    other.owner.delete(&format!("{methods}/{}", ids[0])).await.problem(404, "not_found");
    assert_eq!(other.owner.get(methods).await.expect(200), Value::Array(Vec::new()));
}
