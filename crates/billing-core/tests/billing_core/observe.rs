//! Tier follows price and payment, and nothing else (WH-5).
use billing_core::policy::{grant, observe::observe};
use billing_core::{Access, Account, Payment, PaymentProvider, PaymentStatus, RemoteSubscription, Snapshot};

use crate::sample::{GRACE, World, at, noon, offers, remote, usd, world};

fn snapshot(subscriptions: impl IntoIterator<Item = RemoteSubscription>) -> Snapshot {
    Snapshot { subscriptions: subscriptions.into_iter().collect(), invoices: Vec::new() }
}

/// The plan and what of it an organization has, when this is what the provider says.
fn has(world: &World, before: &Account, snapshot: &Snapshot) -> (String, Option<Access>) {
    let seen = observe(before, snapshot, &offers(), world.subscription, noon());
    let Some(subscription) = seen.subscription else { return (String::new(), None) };
    let access = grant::access(&subscription, GRACE, noon()).or(before.access);
    (subscription.plan, access)
}

#[test]
fn only_money_opens_a_plan() {
    use Payment::{Disputed, NotRequired, Paid, Refunded, Unpaid};
    use PaymentStatus::{
        Active, Canceled, Incomplete, IncompleteExpired, PastDue, Paused, Trialing, Unpaid as NotPaid,
    };
    let world = world();
    let new = world.account(PaymentProvider::Stripe);
    let cases = [
        (Active, Paid, Some(Access::Active)),
        (Active, NotRequired, Some(Access::Active)),
        // Stripe calls a subscription active while a slow payment is under way.
        (Active, Unpaid, None),
        (Active, Refunded, Some(Access::Unpaid)),
        (Active, Disputed, Some(Access::Unpaid)),
        (Trialing, NotRequired, Some(Access::Trialing)),
        (Trialing, Disputed, Some(Access::Unpaid)),
        (Incomplete, Unpaid, None),
        (IncompleteExpired, Unpaid, Some(Access::Canceled)),
        (PastDue, Unpaid, None),
        (PastDue, Disputed, Some(Access::Unpaid)),
        (NotPaid, Unpaid, Some(Access::Unpaid)),
        (Paused, NotRequired, Some(Access::Unpaid)),
        (Canceled, Paid, Some(Access::Canceled)),
    ];
    for (status, payment, access) in cases {
        let seen = has(&world, &new, &snapshot([remote("starter", status, payment)]));
        assert_eq!(seen, ("starter".to_owned(), access), "{status:?} {payment:?}");
    }
}

#[test]
fn who_had_paid_before_has_grace() {
    let world = world();
    let before = world.account_with(world.paid(), Access::Active);
    for status in [PaymentStatus::Active, PaymentStatus::PastDue] {
        let said = snapshot([remote("starter", status, Payment::Unpaid)]);
        assert_eq!(has(&world, &before, &said).1, Some(Access::PastDue), "{status:?}");
    }
    // Counted from when it was first seen, however often it is seen.
    let mut late = world.paid();
    (late.status, late.past_due_since) = (PaymentStatus::PastDue, Some(noon() - GRACE));
    let before = world.account_with(late, Access::PastDue);
    let said = snapshot([remote("starter", PaymentStatus::PastDue, Payment::Unpaid)]);
    assert_eq!(has(&world, &before, &said).1, Some(Access::Unpaid));
    let paid = snapshot([remote("starter", PaymentStatus::Active, Payment::Paid)]);
    let seen = observe(&before, &paid, &offers(), world.subscription, noon()).subscription.unwrap();
    assert_eq!((seen.status, seen.past_due_since), (PaymentStatus::Active, None), "paid is paid");
}

#[test]
fn a_price_that_no_plan_is_sold_as_opens_nothing_and_is_told() {
    let world = world();
    let strange = remote("mystery", PaymentStatus::Active, Payment::Paid);
    let seen =
        observe(&world.account(PaymentProvider::Stripe), &snapshot([strange]), &offers(), world.subscription, noon());
    assert_eq!((seen.subscription, seen.unknown), (None, vec!["price_mystery_m".to_owned()]));
}

#[test]
fn of_several_the_one_that_gives_most_counts_in_any_order() {
    let world = world();
    let new = world.account(PaymentProvider::Stripe);
    let mut all = vec![
        remote("enterprise", PaymentStatus::Incomplete, Payment::Unpaid),
        remote("professional", PaymentStatus::Canceled, Payment::Paid),
        remote("starter", PaymentStatus::Active, Payment::Paid),
    ];
    for (number, one) in all.iter_mut().enumerate() {
        one.external = format!("sub_{number}");
    }
    for _ in 0..all.len() {
        all.rotate_left(1);
        assert_eq!(has(&world, &new, &snapshot(all.clone())), ("starter".to_owned(), Some(Access::Active)));
    }
}

#[test]
fn what_the_provider_does_not_know_any_more_has_ended() {
    let world = world();
    let before = world.account_with(world.paid(), Access::Active);
    let seen = observe(&before, &Snapshot::default(), &offers(), world.subscription, noon()).subscription.unwrap();
    assert_eq!((seen.status, seen.ended_at), (PaymentStatus::Canceled, Some(noon())));
    assert_eq!(seen.id, world.subscription);
}

#[test]
fn a_change_at_the_providers_page_is_seen_by_its_price() {
    let world = world();
    let before = world.account_with(world.paid(), Access::Active);
    let mut moved = remote("professional", PaymentStatus::Active, Payment::Paid);
    (moved.amount, moved.scheduled) = (usd(4900), Some(("price_starter_y".to_owned(), at("2026-12-01T00:00:00Z"))));
    let seen = observe(&before, &snapshot([moved]), &offers(), world.subscription, noon()).subscription.unwrap();
    assert_eq!((seen.plan.as_str(), seen.amount), ("professional", usd(4900)));
    let pending = seen.pending.unwrap();
    assert_eq!((pending.plan.as_str(), pending.cycle.as_str()), ("starter", "yearly"));
}
