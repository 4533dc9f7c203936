//! The manual provider: numbered invoices, marked paid by hand.
use std::time::Duration;

use kernel::Actor;
use serde_json::json;
use testkit::{Backend, TestApp};

use super::{House, MONTH, is_pdf, unhurried};
use crate::rig::at_once;

async fn app_on(backend: Backend) -> TestApp {
    let app = TestApp::builder().backend(backend).config(|config| {
        config.plans.default = "free".parse().expect("a plan's name");
        config.billing.work_every = Duration::from_millis(20);
    });
    let app = app.start().await;
    unhurried(&app).await;
    app
}

async fn mark_paid(app: &TestApp, number: &str) {
    let number = number.to_owned();
    let paid =
        app.run(|services| async move { services.billing.mark_paid(&Actor::system(), &number, "bank transfer").await });
    paid.await.expect("it is paid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_is_paid_and_the_plan_is_there() {
    for backend in Backend::ALL {
        println!("on {backend}:");
        let app = app_on(backend).await;
        let house = House::new(&app, "ada").await;
        let refused = house.checkout("starter").await;
        let told = refused.problem(409, "provider_unsupported");
        assert!(told["detail"].as_str().is_some_and(|text| text.contains("STRIPE_SECRET_KEY")), "{told}");
        let asked = house.change("starter", None).await.expect(200);
        assert_eq!((&asked["success"], house.access().await["tier"].as_str()), (&json!(true), Some("free")), "{asked}");
        let invoices = house.invoices().await;
        let number = invoices[0]["number"].as_str().expect("a number").to_owned();
        assert_eq!((invoices.len(), &invoices[0]["amount_cents"]), (1, &json!(1900)));
        mark_paid(&app, &number).await;
        house.comes_to("starter", "active").await;
        let id = invoices[0]["id"].as_str().expect("an id");
        is_pdf(&house.owner.get(&format!("/api/v1/billing/invoices/{id}/download")).await);
        let stranger = House::new(&app, "eve").await;
        stranger.owner.get(&format!("/api/v1/billing/invoices/{id}")).await.problem(404, "not_found");
        stranger.owner.get(&format!("/api/v1/billing/invoices/{id}/pdf")).await.problem(404, "not_found");
        app.clock.advance(MONTH);
        house.owner.sign_in().await.expect(200);
        house.owner.switch_org(&house.org).await;
        crate::rig::until(super::SOON, "the next invoice", async || house.invoices().await.len() == 2).await;
        let status = house.owner.get("/api/v1/billing/subscription-status").await.expect(200);
        assert_eq!(
            (&status["has_subscription"], &status["current_tier"]),
            (&json!(true), &json!("starter")),
            "{status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_have_no_gaps() {
    for backend in Backend::ALL {
        println!("on {backend}:");
        let app = app_on(backend).await;
        let mut houses = Vec::new();
        for n in 0..8 {
            houses.push(House::new(&app, &format!("h{n}")).await);
        }
        let answers = at_once(houses.iter().map(|house| house.change("starter", None))).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let mut numbers = Vec::new();
        for house in &houses {
            numbers.extend(house.invoices().await.iter().map(|it| it["number"].as_str().expect("a number").to_owned()));
        }
        numbers.sort_unstable();
        let last = |number: &String| number.rsplit('-').next().and_then(|text| text.parse::<u32>().ok());
        let counted: Vec<_> = numbers.iter().filter_map(last).collect();
        assert_eq!(counted, (1..=8).collect::<Vec<_>>(), "{numbers:?}");
    }
}
