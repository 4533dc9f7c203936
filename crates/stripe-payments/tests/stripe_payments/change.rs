use std::time::Duration;

use billing_core::{Command, GatewayError, Payment, PaymentGateway, PaymentStatus};
use chrono::TimeDelta;

use crate::world::{World, usd};

const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(31 * 24);

#[tokio::test]
async fn an_upgrade_charges_what_was_quoted() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.advance(10 * DAY);
    // Microseconds are ours alone: Stripe counts seconds.
    let (command, due) = world.change_now(&customer, "price_professional_monthly", world.stripe.now()).await;
    assert!((1..3000).contains(&due), "{due}");
    world.stripe.advance(Duration::from_mins(14));
    world.gateway.execute(&command, "task_1").await.unwrap();
    let seen = world.look(&customer).await;
    assert_eq!(
        (seen.subscriptions[0].price.as_str(), seen.subscriptions[0].payment),
        ("price_professional_monthly", Payment::Paid)
    );
    assert_eq!((seen.invoices[0].total.minor, seen.invoices[0].payments[0].amount_minor), (due, due));
    assert_eq!(seen.invoices[0].lines.len(), 2);
}

#[tokio::test]
async fn a_preview_says_what_is_charged_and_what_is_given_back() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let external = world.subscription(&customer).await.external;
    let command = |price: &str, due| Command::ChangeNow {
        external: external.clone(),
        price: price.to_owned(),
        prorated_at: world.stripe.now(),
        due: usd(due),
    };
    let up = world.gateway.preview(&customer, &command("price_professional_monthly", 0)).await.unwrap();
    assert_eq!(up.due.minor, up.charge_minor - up.credit_minor);
    assert!((4890..=4900).contains(&up.charge_minor) && (1890..=1900).contains(&up.credit_minor), "{up:?}");
    let down = world.gateway.preview(&customer, &command("price_yen", 0)).await;
    assert!(matches!(down, Err(GatewayError::Refused(_))), "{down:?}");
    let year = world.gateway.preview(&customer, &command("price_starter_yearly", 0)).await.unwrap();
    assert_eq!(year.charge_minor, 19000);
    let other = world.gateway.preview("cus_other", &command("price_professional_monthly", 0)).await;
    assert!(matches!(other, Err(GatewayError::NotFound)), "{other:?}");
    let later = Command::ChangeAtPeriodEnd { external: external.clone(), price: "price_starter_yearly".to_owned() };
    assert!(matches!(world.gateway.preview(&customer, &later).await, Err(GatewayError::Unsupported)));
}

#[tokio::test]
async fn a_step_down_now_leaves_a_credit_which_the_next_change_uses() {
    let world = World::new();
    let customer = world.buyer("price_enterprise_monthly").await;
    let (down, due) = world.change_now(&customer, "price_starter_monthly", world.stripe.now()).await;
    assert!(due < -7900, "{due}");
    world.gateway.execute(&down, "down").await.unwrap();
    let (up, due) = world.change_now(&customer, "price_professional_monthly", world.stripe.now()).await;
    assert_eq!(due, 0);
    world.gateway.execute(&up, "up").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert_eq!((seen.price.as_str(), seen.payment), ("price_professional_monthly", Payment::Paid));
}

#[tokio::test]
async fn another_cycle_begins_a_period() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    world.stripe.advance(10 * DAY);
    let (command, due) = world.change_now(&customer, "price_starter_yearly", world.stripe.now()).await;
    world.gateway.execute(&command, "yearly").await.unwrap();
    let seen = world.look(&customer).await;
    assert_eq!(seen.invoices[0].total.minor, due);
    assert!((seen.subscriptions[0].period.end - world.stripe.now()).num_days() >= 364);
}

#[tokio::test]
async fn what_costs_something_else_by_now_does_not_happen() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let (command, due) = world.change_now(&customer, "price_professional_monthly", world.stripe.now()).await;
    let Command::ChangeNow { external, price, prorated_at, .. } = command else { unreachable!() };
    let other = Command::ChangeNow { external, price, prorated_at, due: usd(due - 1) };
    let answer = world.gateway.execute(&other, "task").await;
    assert!(matches!(answer, Err(GatewayError::Refused(_))), "{answer:?}");
    assert_eq!(world.subscription(&customer).await.price, "price_starter_monthly");
    assert_eq!(world.stripe.all("charge").len(), 1);
}

#[tokio::test]
async fn a_card_that_does_not_pay_changes_nothing() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let before = world.subscription(&customer).await;
    let (command, _) = world.change_now(&customer, "price_enterprise_monthly", world.stripe.now()).await;
    world.stripe.decline(&customer, Some("insufficient_funds"));
    let answer = world.gateway.execute(&command, "task").await;
    assert!(matches!(&answer, Err(GatewayError::Declined(code)) if code == "insufficient_funds"), "{answer:?}");
    assert_eq!(world.subscription(&customer).await, before);
    // Under the same name the answer stays, even when the card pays again; under another it is another change.
    world.stripe.decline(&customer, None);
    assert!(matches!(world.gateway.execute(&command, "task").await, Err(GatewayError::Declined(_))));
    world.gateway.execute(&command, "task 2").await.unwrap();
    assert_eq!(world.subscription(&customer).await.price, "price_enterprise_monthly");
}

#[tokio::test]
async fn a_change_is_made_once_however_often_it_is_asked_for() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let (command, _) = world.change_now(&customer, "price_professional_monthly", world.stripe.now()).await;
    for _ in 0..3 {
        world.gateway.execute(&command, "task").await.unwrap();
    }
    assert_eq!(world.stripe.all("charge").len(), 2);
}

#[tokio::test]
async fn a_change_for_the_next_period_is_seen_and_happens_then() {
    let world = World::new();
    let customer = world.buyer("price_professional_monthly").await;
    let before = world.subscription(&customer).await;
    let later = |price: &str| Command::ChangeAtPeriodEnd { external: before.external.clone(), price: price.to_owned() };
    world.gateway.execute(&later("price_starter_monthly"), "later").await.unwrap();
    // Again, and then another one in its place.
    world.gateway.execute(&later("price_starter_monthly"), "later").await.unwrap();
    world.gateway.execute(&later("price_starter_yearly"), "later 2").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert_eq!(seen.price, "price_professional_monthly");
    assert_eq!(seen.scheduled, Some(("price_starter_yearly".to_owned(), before.period.end)));
    assert_eq!(world.stripe.all("subscription_schedule").len(), 1);
    world.stripe.advance(MONTH);
    let after = world.look(&customer).await;
    let subscription = &after.subscriptions[0];
    assert_eq!((subscription.price.as_str(), &subscription.scheduled), ("price_starter_yearly", &None));
    assert_eq!((after.invoices[0].total.minor, subscription.payment), (19000, Payment::Paid));
    assert_eq!(subscription.period.start, before.period.end);
    // The schedule lets go, and the price stays.
    world.stripe.advance(MONTH + MONTH);
    let longer = world.subscription(&customer).await;
    assert_eq!((longer.price.as_str(), longer.status), ("price_starter_yearly", PaymentStatus::Active));
    assert_eq!(world.stripe.all("subscription_schedule")[0]["status"], "released");
}

#[tokio::test]
async fn a_change_in_a_trial_waits_for_its_end() {
    let world = World::new();
    let customer = world.customer().await;
    let checkout =
        world.gateway.checkout(&World::request(&customer, "price_professional_monthly", 14), "try").await.unwrap();
    world.stripe.complete(&checkout.id, "pm_card_visa").unwrap();
    let external = world.subscription(&customer).await.external;
    let later = Command::ChangeAtPeriodEnd { external, price: "price_starter_monthly".to_owned() };
    world.gateway.execute(&later, "later").await.unwrap();
    assert_eq!(world.subscription(&customer).await.status, PaymentStatus::Trialing);
    world.stripe.advance(15 * DAY);
    let after = world.look(&customer).await;
    assert_eq!((after.subscriptions[0].price.as_str(), after.invoices[0].total.minor), ("price_starter_monthly", 1900));
}

#[tokio::test]
async fn what_was_agreed_is_taken_back() {
    let world = World::new();
    let customer = world.buyer("price_professional_monthly").await;
    let external = world.subscription(&customer).await.external;
    let later = Command::ChangeAtPeriodEnd { external: external.clone(), price: "price_starter_monthly".to_owned() };
    let end = |cancel| Command::CancelAtPeriodEnd { external: external.clone(), cancel };
    world.gateway.execute(&later, "1").await.unwrap();
    world.gateway.execute(&end(false), "2").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert_eq!((seen.scheduled, seen.cancel_at_period_end), (None, false));
    // An end takes the place of a change, and the other way round; an upgrade that of both.
    world.gateway.execute(&later, "3").await.unwrap();
    world.gateway.execute(&end(true), "4").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert_eq!((seen.scheduled, seen.cancel_at_period_end), (None, true));
    world.gateway.execute(&later, "5").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert!(seen.scheduled.is_some() && !seen.cancel_at_period_end);
    let (up, _) = world.change_now(&customer, "price_enterprise_monthly", world.stripe.now()).await;
    world.gateway.execute(&up, "6").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert_eq!((seen.scheduled, seen.price.as_str()), (None, "price_enterprise_monthly"));
}

#[tokio::test]
async fn an_upgrade_that_is_not_paid_leaves_what_was_agreed() {
    let world = World::new();
    let customer = world.buyer("price_professional_monthly").await;
    let external = world.subscription(&customer).await.external;
    let later = Command::ChangeAtPeriodEnd { external, price: "price_starter_monthly".to_owned() };
    world.gateway.execute(&later, "1").await.unwrap();
    let before = world.subscription(&customer).await;
    let (up, _) = world.change_now(&customer, "price_enterprise_monthly", world.stripe.now()).await;
    world.stripe.decline(&customer, Some("lost_card"));
    assert!(matches!(world.gateway.execute(&up, "2").await, Err(GatewayError::Declined(_))));
    assert_eq!(world.subscription(&customer).await, before);
}

#[tokio::test]
async fn an_end_with_the_period_and_an_end_now() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let external = world.subscription(&customer).await.external;
    let end = |cancel| Command::CancelAtPeriodEnd { external: external.clone(), cancel };
    world.gateway.execute(&end(true), "1").await.unwrap();
    let seen = world.subscription(&customer).await;
    assert!(seen.cancel_at_period_end && seen.status == PaymentStatus::Active);
    world.gateway.execute(&end(false), "2").await.unwrap();
    assert!(!world.subscription(&customer).await.cancel_at_period_end);
    let now = Command::CancelNow { external: external.clone() };
    world.gateway.execute(&now, "3").await.unwrap();
    world.gateway.execute(&now, "3").await.unwrap();
    let ended = world.subscription(&customer).await;
    assert_eq!(ended.status, PaymentStatus::Canceled);
    assert!(ended.ended_at.is_some());
    world.gateway.execute(&end(true), "4").await.unwrap();
    assert!(matches!(world.gateway.execute(&end(false), "5").await, Err(GatewayError::Refused(_))));
    let unknown = Command::CancelNow { external: "sub_none".to_owned() };
    assert!(matches!(world.gateway.execute(&unknown, "6").await, Err(GatewayError::NotFound)));
}

#[tokio::test]
async fn an_end_that_was_set_for_a_time_is_taken_away() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let before = world.subscription(&customer).await;
    let end = before.period.end.timestamp();
    world.stripe.tamper(&before.external, |it| it["cancel_at"] = end.into());
    assert!(world.subscription(&customer).await.cancel_at_period_end);
    let keep = Command::CancelAtPeriodEnd { external: before.external.clone(), cancel: false };
    world.gateway.execute(&keep, "keep").await.unwrap();
    assert_eq!(world.subscription(&customer).await, before);
}

#[tokio::test]
async fn a_quote_from_the_last_period_is_refused() {
    let world = World::new();
    let customer = world.buyer("price_starter_monthly").await;
    let (command, _) = world.change_now(&customer, "price_professional_monthly", world.stripe.now()).await;
    world.stripe.advance(MONTH + Duration::from_hours(1));
    let answer = world.gateway.execute(&command, "late").await;
    assert!(matches!(answer, Err(GatewayError::Refused(_))), "{answer:?}");
    let before = world.stripe.now() - TimeDelta::days(40);
    let external = world.subscription(&customer).await.external;
    let old = Command::ChangeNow {
        external,
        price: "price_professional_monthly".to_owned(),
        prorated_at: before,
        due: usd(0),
    };
    assert!(matches!(world.gateway.preview(&customer, &old).await, Err(GatewayError::Refused(_))));
}
