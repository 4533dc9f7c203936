//! WH-1 and WH-8: only what Stripe signed is taken, and junk costs nothing.
use chrono::TimeDelta;
use kernel::{Clock, SystemClock};
use serde_json::json;
use testkit::{Backend, Client, FakeStripe, TestApp};

use super::{WEBHOOK, a_stripe, inbox, with_stripe};

fn body() -> Vec<u8> {
    json!({"id": "evt_1", "type": "invoice.paid", "livemode": false, "data": {"object": {"customer": "cus_1"}}})
        .to_string()
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_by_stripe_is_refused_and_not_kept() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let (secret, now, body) = (stripe.webhook_secret(), SystemClock.now(), body());
    let good = FakeStripe::sign_with(&secret, now, &body);
    let (time, proof) = good.split_once(',').expect("t and v1");
    let at = |minutes: i64| FakeStripe::sign_with(&secret, now + TimeDelta::minutes(minutes), &body);
    let flipped =
        if proof.ends_with('0') { proof.replace('0', "1") } else { format!("{}0", &proof[..proof.len() - 1]) };
    let headers: Vec<(&str, Option<String>)> = vec![
        ("none", None),
        ("empty", Some(String::new())),
        ("no proof", Some(time.to_owned())),
        ("no time", Some(proof.to_owned())),
        ("only a comma", Some(",".to_owned())),
        ("another scheme", Some(good.replace("v1=", "v0="))),
        ("another secret", Some(FakeStripe::sign_with("whsec_other", now, &body))),
        ("an empty secret", Some(FakeStripe::sign_with("", now, &body))),
        ("another body", Some(FakeStripe::sign_with(&secret, now, b"{}"))),
        ("too old", Some(at(-6))),
        ("of the future", Some(at(6))),
        ("another time", Some(format!("t={},{proof}", now.timestamp() + 1))),
        ("time twice", Some(format!("t=1,{good}"))),
        ("one digit changed", Some(format!("{time},{flipped}"))),
        ("cut off", Some(good[..good.len() - 1].to_owned())),
        ("longer", Some(format!("{good}0"))),
        ("not hexadecimal", Some(format!("{time},v1=zz"))),
        ("a word as time", Some(format!("t=now,{proof}"))),
        ("a negative time", Some(format!("t=-1,{proof}"))),
        ("a huge time", Some(format!("t=99999999999999999999,{proof}"))),
    ];
    for (what, header) in headers {
        let mut request = Client::new(&app.base).post(WEBHOOK).body("application/json", body.clone());
        if let Some(header) = &header {
            request = request.header("Stripe-Signature", header);
        }
        let answer = request.await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        answer.problem(400, "invalid_signature");
    }
    for changed in [body.iter().copied().chain([b' ']).collect::<Vec<u8>>(), body[1..].to_vec(), Vec::new()] {
        let request = Client::new(&app.base).post(WEBHOOK).body("application/json", changed);
        request.header("Stripe-Signature", &good).await.problem(400, "invalid_signature");
    }
    assert!(inbox(&app).await.is_empty());
    is_taken(&app, &good, &body, "received").await;
    // While a secret is rolled there are two, in either order.
    let other = FakeStripe::sign_with("whsec_other", now, &body);
    let other = other.split_once(',').expect("t and v1").1;
    is_taken(&app, &format!("{good},{other}"), &body, "duplicate").await;
    is_taken(&app, &format!("{time},{other},{proof}"), &body, "duplicate").await;
    let sent = Client::new(&app.base).post("/api/v1/webhooks/lago").body("application/json", body.clone());
    sent.await.problem(404, "not_found");
}

async fn is_taken(app: &TestApp, header: &str, body: &[u8], status: &str) {
    let request = Client::new(&app.base).post(WEBHOOK).body("application/json", body.to_vec());
    let answer = request.header("Stripe-Signature", header).await;
    assert_eq!(answer.expect(200), json!({"status": status, "event_id": "evt_1"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_may_have_a_megabyte_and_no_more() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    for (fill, status) in [(900_000, 200), (1_100_000, 413)] {
        let big = json!({"id": format!("evt_{fill}"), "type": "moon.landed", "fill": "x".repeat(fill)}).to_string();
        let signature = stripe.sign(big.as_bytes());
        let request = Client::new(&app.base).post(WEBHOOK).body("application/json", big.into_bytes());
        let answer = request.header("Stripe-Signature", &signature).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}
