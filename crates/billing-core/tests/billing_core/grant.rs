//! What is owed for what is paid, and what the books say.
use billing_core::policy::grant::{access, grant, monthly, movement, next_at};
use billing_core::{Access, Account, Cycle, PaymentStatus, PendingChange};
use chrono::TimeDelta;
use proptest::prelude::*;

use crate::sample::{GRACE, noon, offers, usd, world};

#[test]
fn access_ends_with_grace_and_with_a_trial() {
    let mut subscription = world().paid();
    (subscription.status, subscription.past_due_since) = (PaymentStatus::PastDue, Some(noon()));
    let moment = TimeDelta::microseconds(1);
    assert_eq!(access(&subscription, GRACE, noon() + GRACE - moment), Some(Access::PastDue));
    assert_eq!(access(&subscription, GRACE, noon() + GRACE), Some(Access::Unpaid));
    (subscription.status, subscription.trial_ends_at) = (PaymentStatus::Trialing, Some(noon()));
    assert_eq!(access(&subscription, GRACE, noon() - moment), Some(Access::Trialing));
    assert_eq!(access(&subscription, GRACE, noon()), Some(Access::Unpaid));
}

#[test]
fn it_is_known_when_time_alone_changes_something() {
    let world = world();
    let mut subscription = world.paid();
    let account = |subscription| world.account_with(subscription, Access::Active);
    assert_eq!(next_at(&account(subscription.clone()), GRACE, noon()), None, "Stripe looks after its periods");
    subscription.past_due_since = Some(noon());
    assert_eq!(next_at(&account(subscription.clone()), GRACE, noon()), Some(noon() + GRACE));
    let soon = noon() + TimeDelta::days(1);
    subscription.pending = Some(PendingChange { plan: "free".to_owned(), cycle: Cycle::Monthly, at: Some(soon) });
    assert_eq!(next_at(&account(subscription.clone()), GRACE, noon()), Some(soon));
    subscription.status = PaymentStatus::Canceled;
    assert_eq!(next_at(&account(subscription), GRACE, noon()), None);
}

#[test]
fn a_plan_that_is_gone_from_the_catalogue_gives_nothing() {
    let world = world();
    let mut subscription = world.paid();
    let given = grant(&world.account_with(subscription.clone(), Access::Active), &offers()).unwrap();
    assert_eq!((given.plan.as_str(), given.level, given.access), ("starter", 2, Access::Active));
    subscription.plan = "gone".to_owned();
    assert_eq!(grant(&world.account_with(subscription, Access::Active), &offers()), None);
}

#[test]
fn the_books_say_why() {
    let world = world();
    let none = world.account(billing_core::PaymentProvider::Stripe);
    let on = |access, minor: i64, status| {
        let mut subscription = world.paid();
        (subscription.amount, subscription.status) = (usd(minor), status);
        world.account_with(subscription, access)
    };
    let active = on(Access::Active, 1900, PaymentStatus::Active);
    let more = on(Access::Active, 4900, PaymentStatus::Active);
    let late = on(Access::PastDue, 1900, PaymentStatus::PastDue);
    let unpaid = on(Access::Unpaid, 1900, PaymentStatus::Unpaid);
    let trial = on(Access::Trialing, 1900, PaymentStatus::Trialing);
    let ended = on(Access::Canceled, 1900, PaymentStatus::Canceled);
    let cases: [(&Account, &Account, Option<&str>); 12] = [
        (&none, &active, Some("checkout")),
        (&none, &trial, Some("trial_started")),
        (&trial, &active, Some("trial_ended")),
        (&trial, &unpaid, Some("trial_ended")),
        (&active, &more, Some("upgrade")),
        (&more, &active, Some("downgrade")),
        (&active, &late, None),
        (&late, &unpaid, Some("unpaid")),
        (&unpaid, &active, Some("recovered")),
        (&active, &ended, Some("canceled")),
        (&unpaid, &ended, None),
        (&active, &active, None),
    ];
    for (number, (before, after, why)) in cases.into_iter().enumerate() {
        let said = movement(before, after, noon());
        assert_eq!(said.as_ref().map(|it| it.why), why, "case {number}");
        if let Some(said) = said {
            assert_eq!(said.from_monthly.is_some(), matches!(before.access, Some(Access::Active | Access::PastDue)));
            assert_eq!(said.to_monthly.is_some(), matches!(after.access, Some(Access::Active | Access::PastDue)));
        }
    }
}

proptest! {
    #[test]
    fn twelve_months_are_a_year_to_within_half_a_cent_each(yearly in 0_i64..1_000_000_000_000) {
        let mut subscription = world().paid();
        (subscription.amount, subscription.cycle) = (usd(yearly), Cycle::Yearly);
        let twelve = monthly(&subscription).minor * 12;
        prop_assert!((twelve - yearly).abs() <= 6, "{twelve} {yearly}");
    }
}
