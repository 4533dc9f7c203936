use billing_core::{InvoiceStatus, Payment, PaymentGateway, PaymentStatus};
use kernel::OrgId;
use testkit::LagoPlan;

use super::world::{World, at};

#[tokio::test]
async fn an_invoice_is_read_whole() {
    let world = World::new();
    world.lago.tax(20);
    world.buys("starter").await;
    let invoices = world.invoices().await;
    assert_eq!(invoices.len(), 1);
    let invoice = &invoices[0];
    assert_eq!((invoice.org, invoice.status), (world.org, InvoiceStatus::Paid));
    assert_eq!(invoice.number.as_deref(), Some("LAG-1234-001"));
    assert_eq!((invoice.subtotal_minor, invoice.tax_minor, invoice.total.minor), (1900, 380, 2280));
    assert_eq!((invoice.issued_at, invoice.paid_at), (at("2030-01-01T00:00:00Z"), Some(at("2030-01-01T00:00:00Z"))));
    assert_eq!(invoice.period.unwrap().end, at("2030-02-01T00:00:00Z"));
    let line = &invoice.lines[0];
    assert_eq!(
        (line.description.as_str(), line.quantity, line.unit_minor, line.amount_minor),
        ("starter", 1, 1900, 1900)
    );
    assert_eq!(line.period, invoice.period);
    assert_eq!((invoice.payments.len(), invoice.payments[0].amount_minor), (1, 2280));
    assert_eq!(invoice.payments[0].method, "stripe");
    let (name, address) = &invoice.customer;
    assert_eq!((name.as_str(), address.as_str()), ("Žluťoučký kůň", "5230 Penfield Ave\n91364 Woodland Hills\nCA\nUS"));
}

#[tokio::test]
async fn lines_sum_up_to_the_total_before_tax_also_when_something_is_credited() {
    let world = World::new();
    let external = world.buys("starter").await;
    world.advance_to(at("2030-01-11T00:00:00Z"));
    let due = billing_core::Money::new(2032, "USD".parse().unwrap());
    let command = billing_core::Command::ChangeNow {
        external,
        price: "professional".to_owned(),
        prorated_at: world.lago.now(),
        due,
    };
    world.gateway.execute(&command, "task_5").await.unwrap();
    let invoices = world.invoices().await;
    let newest = &invoices[0];
    assert_eq!((newest.status, newest.total.minor), (InvoiceStatus::Open, 2032));
    assert_eq!(newest.lines.iter().map(|line| line.amount_minor).sum::<i64>(), newest.subtotal_minor);
    assert!(newest.lines.iter().any(|line| line.amount_minor == -1287), "{:?}", newest.lines);
}

#[tokio::test]
async fn money_that_went_back_is_not_a_payment() {
    let world = World::new();
    world.buys("starter").await;
    let customer = world.org.to_string();
    world.lago.refund(&customer);
    assert_eq!(world.subscription().await.payment, Payment::Refunded);
    let other = World::new();
    other.buys("starter").await;
    other.lago.dispute(&other.org.to_string());
    assert_eq!(other.subscription().await.payment, Payment::Disputed);
}

#[tokio::test]
async fn a_renewal_that_fails_is_past_due_until_it_is_paid() {
    let world = World::new();
    world.buys("starter").await;
    let customer = world.org.to_string();
    world.advance_to(at("2030-02-01T00:00:00Z"));
    let pending = world.subscription().await;
    assert_eq!((pending.status, pending.payment), (PaymentStatus::Active, Payment::Unpaid));
    assert_eq!(world.lago.decline(&customer), 1);
    let late = world.subscription().await;
    assert_eq!((late.status, late.payment), (PaymentStatus::PastDue, Payment::Unpaid));
    assert_eq!(world.invoices().await[0].status, InvoiceStatus::Failed);
    world.lago.pay(&customer);
    let paid = world.subscription().await;
    assert_eq!((paid.status, paid.payment), (PaymentStatus::Active, Payment::Paid));
    assert_eq!(paid.period.end, at("2030-03-01T00:00:00Z"));
}

#[tokio::test]
async fn a_first_payment_that_fails_begins_nothing() {
    let world = World::new();
    let customer = world.customer().await;
    world.checkout("starter").await.unwrap();
    world.lago.decline(&customer);
    assert_eq!(world.subscription().await.status, PaymentStatus::Incomplete);
}

#[tokio::test]
async fn a_trial_ends_and_is_then_to_be_paid() {
    let world = World::new();
    let customer = world.customer().await;
    world.lago.sell(LagoPlan { trial_days: 14, ..LagoPlan::monthly("trial", 1900) });
    let request = billing_core::CheckoutRequest {
        customer: customer.clone(),
        price: "trial".to_owned(),
        success_url: String::new(),
        cancel_url: String::new(),
        trial_days: 14,
    };
    world.gateway.checkout(&request, "task_2").await.unwrap();
    let trial = world.subscription().await;
    assert_eq!((trial.status, trial.payment), (PaymentStatus::Trialing, Payment::NotRequired));
    assert_eq!(trial.trial_ends_at, Some(at("2030-01-15T00:00:00Z")));
    // One that was agreed with this customer alone is one too.
    let other = World::new();
    other.customer().await;
    let alone =
        billing_core::CheckoutRequest { customer: other.org.to_string(), price: "starter".to_owned(), ..request };
    other.gateway.checkout(&alone, "task_2").await.unwrap();
    assert_eq!(other.subscription().await.status, PaymentStatus::Trialing);
    world.advance_to(at("2030-01-15T00:00:00Z"));
    world.lago.decline(&customer);
    let ended = world.subscription().await;
    assert_eq!((ended.status, ended.payment), (PaymentStatus::PastDue, Payment::Unpaid));
}

#[tokio::test]
async fn what_costs_nothing_or_is_paid_afterwards_is_not_unpaid() {
    let world = World::new();
    world.customer().await;
    world.lago.sell(LagoPlan { in_advance: false, ..LagoPlan::monthly("arrears", 1900) });
    world.checkout("arrears").await.unwrap();
    let arrears = world.subscription().await;
    assert_eq!((arrears.status, arrears.payment), (PaymentStatus::Active, Payment::NotRequired));
    let other = World::new();
    other.customer().await;
    other.checkout("free").await.unwrap();
    assert_eq!(other.subscription().await.payment, Payment::NotRequired);
}

#[tokio::test]
async fn a_year_is_a_year() {
    let world = World::new();
    world.buys("professional_yearly").await;
    let subscription = world.subscription().await;
    assert_eq!(subscription.period.end, at("2031-01-01T00:00:00Z"));
    assert_eq!(world.invoices().await[0].cycle, Some(billing_core::Cycle::Yearly));
}

#[tokio::test]
async fn customers_about_whom_something_happened_are_found() {
    let world = World::new();
    let early = world.buys("starter").await;
    world.advance_to(at("2030-01-11T00:00:00Z"));
    let since = at("2030-01-10T00:00:00Z");
    assert_eq!(world.gateway.touched(since).await.unwrap(), Vec::<String>::new());
    // Another one buys now, and is not paid yet.
    let mut others = Vec::new();
    for _ in 0..3 {
        let org = OrgId::mint(&world.ambient);
        let who = billing_core::CustomerDetails { org, ..world.details() };
        let customer = world.gateway.create_customer(&who, "task").await.unwrap();
        let request = billing_core::CheckoutRequest {
            customer: customer.clone(),
            price: "starter".to_owned(),
            success_url: String::new(),
            cancel_url: String::new(),
            trial_days: 0,
        };
        world.gateway.checkout(&request, "task").await.unwrap();
        others.push(customer);
    }
    others.sort();
    assert_eq!(world.gateway.touched(since).await.unwrap(), others);
    // An old invoice that is touched now counts too.
    world.lago.refund(&world.org.to_string());
    assert!(world.gateway.touched(since).await.unwrap().contains(&world.org.to_string()));
    assert!(early.starts_with(&world.org.to_string()));
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end() {
    let world = World::new();
    let customer = world.customer().await;
    for _ in 0..120 {
        let bought = world.checkout("free").await.unwrap();
        let command = billing_core::Command::CancelNow { external: bought.id };
        world.gateway.execute(&command, "task").await.unwrap();
    }
    world.checkout("starter").await.unwrap();
    world.lago.pay(&customer);
    let all = world.subscriptions().await;
    assert_eq!(all.len(), 121);
    assert_eq!(all.iter().filter(|it| it.status == PaymentStatus::Active).count(), 1);
}
