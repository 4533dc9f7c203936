//! Events take effect once, in any order, and none of them is believed.
use billing_core::{EventKey, InboundEvent, InvoiceFilter, Payment, PaymentProvider, PaymentStatus, WorkState};
use chrono::TimeDelta;
use kernel::{Actor, Page};

use crate::house::{House, is};

/// All orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for order in orders(count - 1) {
        for place in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(place, count - 1);
            all.push(longer);
        }
    }
    all
}

#[tokio::test]
async fn all_orders_of_a_life_end_in_the_same() {
    let orders = orders(5);
    assert_eq!(orders.len(), 120);
    for order in orders {
        let house = House::stripe();
        let customer = house.subscribed("starter").await;
        // What happened at the provider has happened: bought, late, paid, moved up, to be canceled. Its events come as they like.
        house.provider.change(&customer, |it| {
            it.price = "price_professional_m".to_owned();
            it.cancel_at_period_end = true;
        });
        for number in order {
            for _ in 0..2 {
                house.event(&format!("evt_{number}"), &customer).await;
            }
            house.rounds().await;
        }
        let account = house.billing.status(house.org).await.unwrap().account;
        let subscription = account.subscription.unwrap();
        assert!(subscription.cancel_at_period_end && subscription.plan == "professional");
        assert_eq!(house.has(), is("professional", "active"));
        let entries = house.billing.events(None, Page::default()).await.unwrap();
        assert_eq!((entries.total, entries.items.iter().all(|it| it.state == WorkState::Done)), (6, true));
    }
}

#[tokio::test]
async fn an_event_about_somebody_unknown_is_ignored() {
    let house = House::stripe();
    house.subscribed("starter").await;
    house.event("evt_foreign", "cus_of_somebody_else").await;
    house.rounds().await;
    let ignored = house.billing.events(Some(WorkState::Ignored), Page::default()).await.unwrap();
    assert_eq!((ignored.total, ignored.items[0].key.id.as_str()), (1, "evt_foreign"));
}

#[tokio::test]
async fn what_cannot_be_applied_is_tried_again_and_then_shown_to_somebody() {
    let house = House::stripe();
    let customer = house.subscribed("starter").await;
    house.provider.change(&customer, |it| it.status = PaymentStatus::Canceled);
    house.provider.break_down(true);
    house.event("evt_late", &customer).await;
    for _ in 0..9 {
        house.rounds().await;
        assert_eq!(house.has(), is("starter", "active"), "down is not canceled");
        house.pass(TimeDelta::hours(1));
    }
    let dead = house.billing.events(Some(WorkState::Dead), Page::default()).await.unwrap().items;
    assert_eq!((dead.len(), dead[0].attempts), (1, 9));
    assert!(dead[0].error.as_ref().unwrap().contains("the double is down"), "{dead:?}");
    house.provider.break_down(false);
    let key = EventKey { provider: PaymentProvider::Stripe, id: "evt_late".to_owned() };
    assert!(house.billing.replay(&Actor::system(), &key).await.unwrap());
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "canceled"));
}

#[tokio::test]
async fn one_that_fails_holds_up_no_other() {
    let house = House::stripe();
    let customer = house.subscribed("starter").await;
    house.store.let_rivals_win(100);
    house.event("evt_unlucky", &customer).await;
    house.event("evt_strange", "cus_strange").await;
    house.billing.work().await.unwrap();
    let ignored = house.billing.events(Some(WorkState::Ignored), Page::default()).await.unwrap();
    assert_eq!(ignored.total, 1);
}

#[tokio::test]
async fn access_goes_on_for_a_time_and_comes_back_with_the_payment() {
    let house = House::stripe();
    let customer = house.subscribed("starter").await;
    house.provider.change(&customer, |it| (it.status, it.payment) = (PaymentStatus::PastDue, Payment::Unpaid));
    house.event("evt_failed", &customer).await;
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "past_due"));
    assert_eq!(house.notices.told().len(), 1);
    house.pass(TimeDelta::days(7));
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "unpaid"), "by time alone");
    assert_eq!(house.notices.told().len(), 2);
    house.provider.change(&customer, |it| (it.status, it.payment) = (PaymentStatus::Active, Payment::Paid));
    house.event("evt_paid", &customer).await;
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "active"));
}

#[tokio::test]
async fn a_reconcile_finds_what_no_event_told() {
    let house = House::stripe();
    let customer = house.subscribed("starter").await;
    assert_eq!(house.billing.reconcile(None, 10).await.unwrap().drift.len(), 0);
    house.pass(TimeDelta::minutes(5));
    let before = house.ambient.now();
    house.provider.change(&customer, |it| it.price = "price_professional_m".to_owned());
    let pass = house.billing.reconcile_since(before).await.unwrap();
    assert_eq!((pass.compared, pass.drift.len(), pass.failed.len()), (1, 1, 0));
    assert_eq!(house.has(), is("professional", "active"));
    assert_eq!(house.billing.reconcile(None, 10).await.unwrap().drift.len(), 0, "after one pass there is none");
    house.provider.break_down(true);
    assert_eq!(house.billing.reconcile(None, 10).await.unwrap().failed.len(), 1);
    // And a list is what is known, never empty for an outage.
    house.billing.list_invoices(house.org, &InvoiceFilter::default(), Page::default()).await.unwrap();
}

#[tokio::test]
async fn a_dispute_names_nobody_and_is_found_all_the_same() {
    let house = House::stripe();
    let customer = house.subscribed("starter").await;
    house.pass(TimeDelta::hours(1));
    house.provider.change(&customer, |it| it.payment = Payment::Disputed);
    let event = InboundEvent {
        provider: PaymentProvider::Stripe,
        id: "evt_dispute".to_owned(),
        kind: "charge.dispute.created".to_owned(),
        customer: None,
        received_at: house.ambient.now(),
        body: b"{}".to_vec(),
    };
    house.billing.receive(&event).await.unwrap();
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "unpaid"));
}
