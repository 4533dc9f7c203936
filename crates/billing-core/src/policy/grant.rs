//! What an organization has by what it pays, and what that is worth.
use chrono::TimeDelta;
use kernel::Timestamp;

use crate::{Access, Account, Cycle, Grant, Money, Movement, Offers, PaidSubscription, PaymentProvider, PaymentStatus};

/// What a subscription gives now. `None` while its first payment was not made: nothing begins, and nothing ends.
pub fn access(subscription: &PaidSubscription, grace: TimeDelta, now: Timestamp) -> Option<Access> {
    Some(match subscription.status {
        PaymentStatus::Incomplete => return None,
        PaymentStatus::Active => Access::Active,
        PaymentStatus::Trialing if subscription.trial_ends_at.is_none_or(|end| now < end) => Access::Trialing,
        PaymentStatus::PastDue if now < grace_ends(subscription, grace, now) => Access::PastDue,
        PaymentStatus::Trialing | PaymentStatus::PastDue | PaymentStatus::Unpaid | PaymentStatus::Paused => {
            Access::Unpaid
        }
        PaymentStatus::Canceled | PaymentStatus::IncompleteExpired => Access::Canceled,
    })
}

/// When access ends because a payment is missing.
pub fn grace_ends(subscription: &PaidSubscription, grace: TimeDelta, now: Timestamp) -> Timestamp {
    subscription.past_due_since.unwrap_or(now) + grace
}

/// What the account's organization is entitled to; `None` leaves that as it is.
pub fn grant(account: &Account, offers: &Offers) -> Option<Grant> {
    let (subscription, access) = (account.subscription.as_ref()?, account.access?);
    // A plan that is gone from the catalogue gives nothing.
    let level = offers.plan(&subscription.plan)?.level;
    Some(Grant {
        plan: subscription.plan.clone(),
        level,
        access,
        anchor: subscription.anchor,
        trial_ends_at: subscription.trial_ends_at.filter(|_| access == Access::Trialing),
    })
}

/// When time alone changes something next.
pub fn next_at(account: &Account, grace: TimeDelta, now: Timestamp) -> Option<Timestamp> {
    let subscription = account.live()?;
    let manual = account.provider == PaymentProvider::Manual && subscription.status != PaymentStatus::Incomplete;
    let moments = [
        subscription.past_due_since,
        subscription.past_due_since.map(|since| since + grace),
        subscription.trial_ends_at,
        subscription.pending.as_ref().and_then(|pending| pending.at),
        manual.then_some(subscription.period.end),
    ];
    moments.into_iter().flatten().filter(|moment| *moment > now).min()
}

/// What a month of a subscription is worth; a year's price is divided by twelve, rounded half to even.
pub fn monthly(subscription: &PaidSubscription) -> Money {
    let Money { minor, currency } = subscription.amount;
    let minor = match subscription.cycle {
        Cycle::Monthly => minor,
        Cycle::Yearly => {
            let (whole, rest) = (minor.div_euclid(12), minor.rem_euclid(12));
            if rest > 6 || rest == 6 && whole % 2 != 0 { whole + 1 } else { whole }
        }
    };
    Money::new(minor, currency)
}

/// What an account stands for in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Worth {
    plan: String,
    cycle: Cycle,
    trial: bool,
    /// Of a month; a trial is worth nothing.
    monthly: Option<Money>,
}

impl Worth {
    fn of(account: &Account) -> Option<Self> {
        let (subscription, access) = (account.subscription.as_ref()?, account.access.filter(|access| access.stands())?);
        let trial = access == Access::Trialing;
        let monthly = (!trial).then(|| monthly(subscription));
        Some(Self { plan: subscription.plan.clone(), cycle: subscription.cycle, trial, monthly })
    }
}

/// What the books say of a change of an account, if it is one for them.
pub fn movement(before: &Account, after: &Account, now: Timestamp) -> Option<Movement> {
    let (old, new) = (Worth::of(before), Worth::of(after));
    if old == new {
        return None;
    }
    Some(Movement {
        org: after.org,
        at: now,
        from_plan: old.as_ref().map(|worth| worth.plan.clone()),
        to_plan: new.as_ref().map(|worth| worth.plan.clone()),
        cycle: new.as_ref().map(|worth| worth.cycle),
        from_monthly: old.as_ref().and_then(|worth| worth.monthly),
        to_monthly: new.as_ref().and_then(|worth| worth.monthly),
        why: why(before, old.as_ref(), after, new.as_ref()),
    })
}

fn why(before: &Account, old: Option<&Worth>, after: &Account, new: Option<&Worth>) -> &'static str {
    match (old, new) {
        (None, Some(new)) if new.trial => "trial_started",
        (None, Some(_)) if same(before, after) => "recovered",
        (None, Some(_)) => "checkout",
        (Some(_), None) if after.subscription.as_ref().is_some_and(|it| it.status.has_ended()) => "canceled",
        (Some(old), _) if old.trial => "trial_ended",
        (_, None) => "unpaid",
        (Some(old), Some(new)) => {
            let minor = |worth: &Worth| worth.monthly.map(|money| money.minor);
            if minor(new) >= minor(old) { "upgrade" } else { "downgrade" }
        }
    }
}

/// Whether it is the same subscription, which was interrupted.
fn same(before: &Account, after: &Account) -> bool {
    let id = |account: &Account| account.subscription.as_ref().map(|it| it.id);
    before.access.is_some() && id(before) == id(after)
}
