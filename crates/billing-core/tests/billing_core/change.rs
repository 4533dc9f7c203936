//! Another plan: what was promised is charged, once, or nothing happens.
use billing_core::testing::{Giver, World};
use billing_core::{
    BadQuote, BillingError, BillingStore, ChangeRequest, Changed, Consequence, Cycle, Effective, InvoiceStatus, Load,
    PaymentStatus,
};
use chrono::TimeDelta;
use kernel::{Actor, Page};

use crate::house::{House, is};
use crate::sample::usd;

fn request(plan: &str, quote: Option<String>) -> ChangeRequest {
    ChangeRequest { purchase: House::purchase(plan, Cycle::Monthly), effective: None, quote }
}

async fn change(house: &House, request: &ChangeRequest) -> Result<Changed, BillingError> {
    house.billing.change(&Actor::system(), house.org, request).await
}

#[tokio::test]
async fn a_first_plan_is_bought_at_the_providers_page() {
    let house = House::stripe();
    let Changed::Checkout(page) = change(&house, &request("starter", None)).await.unwrap() else {
        panic!("nobody gets a plan for nothing")
    };
    assert!(page.url.ends_with("price_starter_m"), "{page:?}");
    assert_eq!(house.has(), is("", ""));
    for _ in 0..5 {
        change(&house, &request("starter", None)).await.unwrap();
    }
    assert_eq!(house.provider.customers(), 1);
    house.provider.lose_answers(1);
    let other = House::stripe();
    other.provider.lose_answers(1);
    assert!(change(&other, &request("starter", None)).await.is_err());
    change(&other, &request("starter", None)).await.unwrap();
    assert_eq!(other.provider.customers(), 1, "the answer was lost, and the customer is the same");
}

#[tokio::test]
async fn a_quote_is_what_is_charged() {
    let house = House::stripe();
    house.subscribed("starter").await;
    house.pass(TimeDelta::days(10));
    let preview = house.billing.preview(house.org, "professional", None, None).await.unwrap();
    let (quote, _) = preview.quote.clone().unwrap();
    assert!(preview.is_upgrade && preview.effective == Effective::Immediate);
    house.pass(TimeDelta::minutes(14));
    let Changed::Done(account) = change(&house, &request("professional", Some(quote.clone()))).await.unwrap() else {
        panic!("it was paid")
    };
    assert_eq!(account.live().unwrap().plan, "professional");
    assert_eq!(house.provider.charged(), [preview.proration.due]);
    assert_eq!(house.has(), is("professional", "active"));
    let again = change(&house, &request("professional", Some(quote))).await;
    assert!(matches!(again, Err(BillingError::NoChange)), "{again:?}");
    let movements: Vec<_> = house.store.movements(house.org).await.unwrap().into_iter().map(|it| it.why).collect();
    assert_eq!(movements, ["checkout", "upgrade"]);
}

#[tokio::test]
async fn a_quote_does_not_outlive_what_it_was_made_upon() {
    let house = House::stripe();
    let customer = house.subscribed("starter").await;
    let quote = async || house.billing.preview(house.org, "professional", None, None).await.unwrap().quote.unwrap().0;
    let old = quote().await;
    house.pass(TimeDelta::minutes(15));
    let late = change(&house, &request("professional", Some(old))).await;
    assert!(matches!(late, Err(BillingError::Quote(BadQuote::Expired))), "{late:?}");
    let other = change(&house, &request("enterprise", Some(quote().await))).await;
    assert!(matches!(other, Err(BillingError::Quote(BadQuote::OtherChange))), "{other:?}");
    let before = quote().await;
    house.provider.change(&customer, |it| it.cancel_at_period_end = true);
    house.event("evt_portal", &customer).await;
    house.rounds().await;
    let outdated = change(&house, &request("professional", Some(before))).await;
    assert!(matches!(outdated, Err(BillingError::Quote(BadQuote::Outdated))), "{outdated:?}");
    assert!(house.provider.charged().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_charged_once() {
    let house = House::stripe();
    house.subscribed("starter").await;
    house.provider.lose_answers(3);
    let under_way = change(&house, &request("professional", None)).await.unwrap();
    assert!(matches!(under_way, Changed::UnderWay(_)), "{under_way:?}");
    let second = change(&house, &request("enterprise", None)).await;
    assert!(matches!(second, Err(BillingError::ChangePending)), "one at a time: {second:?}");
    for _ in 0..5 {
        house.pass(TimeDelta::minutes(2));
        house.rounds().await;
    }
    assert_eq!(house.provider.charged().len(), 1);
    assert_eq!(house.has(), is("professional", "active"));
    change(&house, &request("enterprise", None)).await.unwrap();
}

#[tokio::test]
async fn a_declined_card_changes_nothing() {
    let house = House::stripe();
    house.subscribed("starter").await;
    house.provider.decline(true);
    let declined = change(&house, &request("professional", None)).await;
    assert!(matches!(&declined, Err(BillingError::Declined(code)) if code == "card_declined"), "{declined:?}");
    assert_eq!(house.has(), is("starter", "active"));
    house.provider.decline(false);
    change(&house, &request("professional", None)).await.unwrap();
}

#[tokio::test]
async fn a_step_down_waits_for_the_period_and_can_be_taken_back() {
    let house = House::stripe();
    house.subscribed("professional").await;
    house.platform.uses(Load { seats: 9, keys: 0, calls: 2500 });
    let preview = house.billing.preview(house.org, "starter", None, None).await.unwrap();
    assert_eq!((preview.effective, preview.proration.due), (Effective::NextCycle, usd(0)));
    assert_eq!(preview.consequences, [Consequence::Seats(9, 3), Consequence::Quota(2500, 2000)]);
    let Changed::Done(account) = change(&house, &request("starter", None)).await.unwrap() else { panic!("agreed") };
    assert_eq!(account.live().unwrap().pending.as_ref().unwrap().plan, "starter");
    assert_eq!(house.has(), is("professional", "active"));
    let Changed::Done(account) = change(&house, &request("professional", None)).await.unwrap() else {
        panic!("agreed")
    };
    assert_eq!(account.live().unwrap().pending, None);
    let Changed::Done(account) = change(&house, &request("free", None)).await.unwrap() else { panic!("agreed") };
    assert!(account.live().unwrap().cancel_at_period_end);
    assert!(house.provider.charged().is_empty());
}

#[tokio::test]
async fn with_the_manual_provider_an_invoice_is_paid_first() {
    let house = House::manual();
    let Changed::Invoiced(_, first) = change(&house, &request("starter", None)).await.unwrap() else {
        panic!("invoice")
    };
    assert_eq!((first.status, first.total), (InvoiceStatus::Open, usd(1900)));
    assert_eq!(house.has(), is("", ""));
    // Somebody changes their mind: one invoice is to be paid, and it is the last one.
    let Changed::Invoiced(_, second) = change(&house, &request("professional", None)).await.unwrap() else {
        panic!("invoice")
    };
    let all = house.billing.list_invoices(house.org, &<_>::default(), Page::default()).await.unwrap().items;
    let open: Vec<_> = all.iter().filter(|it| it.status == InvoiceStatus::Open).map(|it| it.id).collect();
    assert_eq!(open, [second.id]);
    let number = first.number.clone().unwrap();
    let void = house.billing.mark_paid(&Actor::system(), &number, "transfer").await;
    assert!(matches!(void, Err(BillingError::NotPayable("void"))), "{void:?}");
    let marked =
        house.billing.mark_paid(&Actor::system(), second.number.as_deref().unwrap(), "transfer").await.unwrap();
    assert_eq!(marked.account.live().unwrap().status, PaymentStatus::Active);
    assert_eq!(house.has(), is("professional", "active"));
    let again = house.billing.mark_paid(&Actor::system(), second.number.as_deref().unwrap(), "transfer").await;
    assert!(matches!(again, Err(BillingError::NotPayable("paid"))), "{again:?}");
    let document = house.billing.document(house.org, second.id).await.unwrap();
    assert!(document.bytes.starts_with(b"%PDF"));
}

#[tokio::test]
async fn the_manual_provider_lives_by_time() {
    let house = House::manual();
    let Changed::Invoiced(_, first) = change(&house, &request("starter", None)).await.unwrap() else {
        panic!("invoice")
    };
    house.billing.mark_paid(&Actor::system(), first.number.as_deref().unwrap(), "transfer").await.unwrap();
    let count = async || house.billing.list_invoices(house.org, &<_>::default(), Page::default()).await.unwrap().total;
    house.pass(TimeDelta::days(32));
    house.rounds().await;
    assert_eq!((count().await, house.has()), (2, is("starter", "active")));
    house.rounds().await;
    assert_eq!(count().await, 2, "one invoice for one period");
    house.pass(TimeDelta::days(15));
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "past_due"));
    house.pass(TimeDelta::days(8));
    house.rounds().await;
    assert_eq!(house.has(), is("starter", "unpaid"));
    let all = house.billing.list_invoices(house.org, &<_>::default(), Page::default()).await.unwrap().items;
    let open = all.iter().find(|it| it.status == InvoiceStatus::Open).unwrap();
    house.billing.mark_paid(&Actor::system(), open.number.as_deref().unwrap(), "transfer").await.unwrap();
    assert_eq!(house.has(), is("starter", "active"));
    let Changed::Done(account) = house.billing.cancel(&Actor::system(), house.org, false).await.unwrap() else {
        panic!("it ends")
    };
    assert_eq!(account.live(), None);
    assert_eq!(house.has(), is("starter", "canceled"));
}

#[tokio::test]
async fn the_last_card_of_a_subscription_stays() {
    let house = House::stripe();
    house.subscribed("starter").await;
    let actor = Actor::system();
    let (org, billing) = (house.org, &house.billing);
    billing.add_method(&actor, org, "pm_1", true).await.unwrap();
    let last = billing.remove_method(&actor, org, "pm_1").await;
    assert!(matches!(last, Err(BillingError::LastMethod)), "{last:?}");
    billing.add_method(&actor, org, "pm_2", true).await.unwrap();
    billing.remove_method(&actor, org, "pm_1").await.unwrap();
    let foreign = billing.remove_method(&actor, org, "pm_of_somebody_else").await;
    assert!(matches!(foreign, Err(BillingError::NoSuchMethod)), "{foreign:?}");
    let rest = billing.payment_methods(org).await.unwrap();
    assert_eq!((rest.len(), rest[0].is_default), (1, true));
}

#[tokio::test]
async fn a_change_does_not_fail_because_something_else_was_written_down() {
    let house = House::stripe();
    house.subscribed("starter").await;
    house.store.let_rivals_win(2);
    let Changed::Done(account) = change(&house, &request("professional", None)).await.unwrap() else {
        panic!("agreed")
    };
    assert_eq!(account.live().unwrap().plan, "professional");
}

#[tokio::test]
async fn who_buys_more_after_canceling_is_not_canceled() {
    let house = House::manual();
    let Changed::Invoiced(_, first) = change(&house, &request("starter", None)).await.unwrap() else {
        panic!("invoice")
    };
    house.billing.mark_paid(&Actor::system(), first.number.as_deref().unwrap(), "transfer").await.unwrap();
    house.billing.cancel(&Actor::system(), house.org, true).await.unwrap();
    let Changed::Invoiced(_, more) = change(&house, &request("professional", None)).await.unwrap() else {
        panic!("invoice")
    };
    let marked = house.billing.mark_paid(&Actor::system(), more.number.as_deref().unwrap(), "transfer").await.unwrap();
    let live = marked.account.live().unwrap();
    assert_eq!((live.plan.as_str(), live.cancel_at_period_end), ("professional", false));
}

#[tokio::test]
async fn a_gift_that_is_taken_back_leaves_what_is_paid_for() {
    let house = House::stripe();
    house.subscribed("starter").await;
    house.store.give(house.org, Giver::Administrator, ("enterprise", 4), None).await;
    assert!(house.billing.given(&Actor::system(), house.org).await.unwrap().is_some());
    assert_eq!(house.has(), is("enterprise", "active"), "a gift that is higher stands");
    house.store.give(house.org, Giver::Administrator, ("free", 0), None).await;
    house.billing.given(&Actor::system(), house.org).await.unwrap();
    assert_eq!(house.has(), is("starter", "active"));
}
