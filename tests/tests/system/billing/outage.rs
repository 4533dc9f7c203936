//! FLT-4, OUT-1: while Stripe is down nothing is lost, nothing is taken away, and an outage is told as one.
use serde_json::json;
use testkit::{Backend, StripeFault};

use super::{House, MONTH, a_stripe, inbox, settled, with_stripe};
use crate::rig::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_waits_until_stripe_is_back() {
    for backend in Backend::ALL {
        println!("on {backend}:");
        let stripe = a_stripe();
        let app = with_stripe(backend, &stripe).await;
        let house = House::new(&app, "ada").await;
        house.buys(&stripe, "starter").await;
        let subscription = house.subscription(&stripe);
        stripe.change_at_portal(&subscription, "price_professional_monthly").expect("changed");
        stripe.fail("GET /v1/subscriptions", std::iter::repeat_n(StripeFault::Refused(503, Some(false)), 3));
        stripe.deliver();
        assert_eq!(house.access().await["tier"], "starter", "what is known stays");
        // The first tries are a second and five apart.
        app.clock.advance(std::time::Duration::from_secs(10));
        until(super::SOON, "it is tried again", async || {
            app.clock.advance(std::time::Duration::from_secs(10));
            house.access().await["tier"] == "professional"
        })
        .await;
        settled(&app).await;
        assert!(inbox(&app).await.iter().all(|(state, _)| state != "dead"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_is_lost_is_charged_once() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    house.buys(&stripe, "starter").await;
    stripe.fail("POST /v1/subscriptions", std::iter::repeat_n(StripeFault::LostAnswer, 4));
    let answer = house.change("professional", None).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
    until(super::SOON, "it is carried out", async || {
        app.clock.advance(std::time::Duration::from_secs(30));
        house.access().await["tier"] == "professional"
    })
    .await;
    let invoices = stripe.all("invoice");
    assert_eq!(invoices.len(), 2, "bought, and moved up once: {invoices:?}");
    let changes = stripe
        .calls()
        .into_iter()
        .filter(|call| call.done && call.method == "POST" && call.path.starts_with("/v1/subscriptions/"));
    assert_eq!(changes.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_no_empty_list_and_no_refusal() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    house.buys(&stripe, "starter").await;
    let down = || stripe.fail("", std::iter::repeat_n(StripeFault::Refused(503, Some(false)), 50));
    down();
    assert_eq!(house.invoices().await.len(), 1, "what is known is shown");
    let other = House::new(&app, "eve").await;
    let opened = other.checkout("starter").await;
    opened.problem(503, "unavailable");
    assert!(opened.header("retry-after").is_some());
    house.owner.get("/api/v1/billing/payment-methods").await.problem(503, "unavailable");
    assert_eq!(house.access().await["tier"], "starter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_goes_on_for_a_week_without_a_payment() {
    let stripe = a_stripe();
    let app = with_stripe(Backend::ALL[0], &stripe).await;
    let house = House::new(&app, "ada").await;
    house.buys(&stripe, "starter").await;
    let customer = house.customer(&stripe);
    stripe.decline(&customer, Some("insufficient_funds"));
    let later = async |time| {
        stripe.advance(time);
        app.clock.advance(time);
        stripe.deliver();
        house.owner.sign_in().await.expect(200);
        house.owner.switch_org(&house.org).await;
    };
    later(MONTH).await;
    house.comes_to("starter", "past_due").await;
    assert!(app.mails().iter().any(|mail| mail.to.contains("ada@x.test")), "the owner is told");
    later(std::time::Duration::from_hours(24 * 8)).await;
    house.comes_to("free", "unpaid").await;
    stripe.decline(&customer, None);
    let failed = house.invoices().await.into_iter().find(|it| it["status"] != "paid").expect("one that is not paid");
    let id = failed["id"].as_str().expect("an id");
    let paid = house.owner.post(&format!("/api/v1/billing/invoices/{id}/retry")).json(&json!({})).await.expect(200);
    assert_eq!(paid["success"], true, "{paid}");
    stripe.deliver();
    house.comes_to("starter", "active").await;
}
