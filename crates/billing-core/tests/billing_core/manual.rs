//! The manual provider: nothing begins before it is paid, nothing is charged twice, a quote is what is charged.
use billing_core::policy::manual::{self, Letterhead};
use billing_core::policy::{grant, proration};
use billing_core::{
    Account, Cycle, Invoice, InvoiceStatus, PaymentProvider, PaymentStatus, PendingChange, policy::proration::Running,
};
use chrono::TimeDelta;
use kernel::Timestamp;
use proptest::prelude::*;

use crate::sample::{GRACE, World, at, noon, offers, offers_in, world};

const TERM: TimeDelta = TimeDelta::days(14);

fn head(world: &World, now: Timestamp) -> Letterhead {
    Letterhead { id: world.invoice(), customer: world.customer(), now, term: TERM }
}

/// An organization that asked for a plan, and its invoice.
fn begun(world: &World, plan: &str, cycle: Cycle, now: Timestamp) -> (Account, Invoice) {
    let offers = offers();
    let account = world.account(PaymentProvider::Manual);
    manual::begin(&account, world.subscription, offers.plan(plan).unwrap(), cycle, &head(world, now))
}

fn subscribed(world: &World, plan: &str, cycle: Cycle, now: Timestamp) -> Account {
    let (account, invoice) = begun(world, plan, cycle, now);
    let (mut account, _) = manual::paid(&account, &invoice, &offers(), "transfer", now);
    account.access = grant::access(account.subscription.as_ref().unwrap(), GRACE, now);
    account
}

#[test]
fn nothing_begins_before_its_invoice_is_paid() {
    let world = world();
    let (account, invoice) = begun(&world, "starter", Cycle::Monthly, noon());
    let subscription = account.subscription.as_ref().unwrap();
    assert_eq!(grant::access(subscription, GRACE, noon()), None);
    assert_eq!((invoice.status, invoice.total.minor, invoice.number.as_ref()), (InvoiceStatus::Open, 1900, None));
    assert!(manual::elapse(&account, &offers(), &head(&world, noon() + TimeDelta::days(400))).is_none());
    let later = noon() + TimeDelta::days(3);
    let (account, invoice) = manual::paid(&account, &invoice, &offers(), "transfer", later);
    let subscription = account.subscription.unwrap();
    assert_eq!((subscription.status, subscription.anchor), (PaymentStatus::Active, later), "its month begins then");
    assert_eq!((invoice.status, invoice.paid_at, invoice.payments.len()), (InvoiceStatus::Paid, Some(later), 1));
}

#[test]
fn an_upgrade_happens_when_its_invoice_is_paid() {
    let world = world();
    let account = subscribed(&world, "starter", Cycle::Monthly, at("2026-11-01T00:00:00Z"));
    let live = account.live().unwrap();
    let running = Running { amount: live.amount, cycle: live.cycle, period: live.period };
    let offers = offers();
    let to = offers.plan("professional").unwrap();
    let cost = proration::prorate(&running, to.price(Cycle::Monthly), Cycle::Monthly, noon()).unwrap();
    let (waiting, invoice) =
        manual::change(&account, "Starter", (to, Cycle::Monthly), &cost, &head(&world, noon())).unwrap();
    assert_eq!(waiting.live().unwrap().plan, "starter");
    assert_eq!(invoice.total, cost.due, "what was promised");
    assert_eq!(invoice.lines.iter().map(|line| line.amount_minor).sum::<i64>(), invoice.total.minor);
    let (done, _) = manual::paid(&waiting, &invoice, &offers, "transfer", noon());
    let live = done.live().unwrap();
    assert_eq!(
        (live.plan.as_str(), live.amount, live.pending.as_ref()),
        ("professional", to.price(Cycle::Monthly), None)
    );
    assert_eq!(live.period, account.live().unwrap().period, "and the month goes on");
}

#[test]
fn a_renewal_that_is_not_paid_ends_in_time() {
    let world = world();
    let start = at("2026-11-01T00:00:00Z");
    let account = subscribed(&world, "starter", Cycle::Monthly, start);
    let end = account.live().unwrap().period.end;
    assert!(manual::elapse(&account, &offers(), &head(&world, end - TimeDelta::microseconds(1))).is_none());
    let (renewed, invoice) = manual::elapse(&account, &offers(), &head(&world, end)).unwrap();
    let invoice = invoice.unwrap();
    assert_eq!((invoice.total.minor, invoice.due_at), (1900, Some(end + TERM)));
    assert_eq!(renewed.live().unwrap().period.start, end);
    assert!(manual::elapse(&renewed, &offers(), &head(&world, end)).is_none(), "one invoice for one period");
    let due = end + TERM;
    assert_eq!(grant::next_at(&renewed, GRACE, end), Some(due));
    let (late, none) = manual::elapse(&renewed, &offers(), &head(&world, due)).unwrap();
    assert_eq!((late.live().unwrap().status, none), (PaymentStatus::PastDue, None));
    assert_eq!(grant::next_at(&late, GRACE, due), Some(due + GRACE));
    let (recovered, _) = manual::paid(&late, &invoice, &offers(), "transfer", due + GRACE);
    assert_eq!(recovered.live().unwrap().status, PaymentStatus::Active);
    // Or nobody ever pays: there is no invoice for a period after one that was not paid.
    let (ended, none) = manual::elapse(&late, &offers(), &head(&world, late.live().unwrap().period.end)).unwrap();
    assert_eq!((ended.live(), none), (None, None));
}

#[test]
fn a_downgrade_waits_for_the_period_and_can_be_taken_back() {
    let world = world();
    let mut account = subscribed(&world, "professional", Cycle::Monthly, at("2026-11-01T00:00:00Z"));
    let end = account.live().unwrap().period.end;
    account.subscription.as_mut().unwrap().pending =
        Some(PendingChange { plan: "starter".to_owned(), cycle: Cycle::Monthly, at: Some(end) });
    let (renewed, invoice) = manual::elapse(&account, &offers(), &head(&world, end)).unwrap();
    assert_eq!(renewed.live().unwrap().plan, "starter");
    assert_eq!(invoice.unwrap().total.minor, 1900);
    account.subscription.as_mut().unwrap().cancel_at_period_end = true;
    let (ended, invoice) = manual::elapse(&account, &offers(), &head(&world, end)).unwrap();
    assert_eq!((ended.live(), invoice), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever the month's length, the cycle, the moment and the currency: the invoice is the preview, to the cent.
    #[test]
    fn what_is_charged_is_what_was_shown(
        start in 1_700_000_000_i64..1_900_000_000,
        share in 0_u32..1000,
        plans in prop::sample::select(vec![("starter", "professional"), ("starter", "enterprise"), ("professional", "enterprise")]),
        cycles in prop::sample::select(vec![
            (Cycle::Monthly, Cycle::Monthly), (Cycle::Monthly, Cycle::Yearly), (Cycle::Yearly, Cycle::Yearly),
        ]),
        currency in prop::sample::select(vec!["USD", "JPY", "KWD"]),
    ) {
        let (world, offers) = (world(), offers_in(currency));
        let start = Timestamp::from_timestamp(start, 0).unwrap();
        let from = offers.plan(plans.0).unwrap();
        let (account, first) = manual::begin(
            &world.account(PaymentProvider::Manual), world.subscription, from, cycles.0, &head(&world, start));
        let (account, _) = manual::paid(&account, &first, &offers, "transfer", start);
        let live = account.live().unwrap();
        let span = live.period.end - live.period.start;
        let moment = live.period.start + span * i32::try_from(share).unwrap() / 1000;
        let to = offers.plan(plans.1).unwrap();
        let running = Running { amount: live.amount, cycle: live.cycle, period: live.period };
        let shown = proration::prorate(&running, to.price(cycles.1), cycles.1, moment).unwrap();
        let (waiting, invoice) = manual::change(&account, "the old one", (to, cycles.1), &shown, &head(&world, moment)).unwrap();
        prop_assert_eq!(invoice.total, shown.due);
        prop_assert_eq!(invoice.lines.iter().map(|line| line.amount_minor).sum::<i64>(), shown.due.minor);
        prop_assert!(shown.due.minor >= 0);
        let covered = invoice.period.unwrap();
        let end = if cycles.0 == cycles.1 { live.period.end } else { cycles.1.period(moment, moment).end };
        prop_assert_eq!((covered.start, covered.end), (moment, end));
        let (after, _) = manual::paid(&waiting, &invoice, &offers, "transfer", moment);
        prop_assert_eq!(&after.live().unwrap().plan, plans.1);
        prop_assert!(after.live().unwrap().period.contains(moment) || moment == live.period.end);
    }
}
