//! What a provider says, as what is known here.
use kernel::{SubscriptionId, Timestamp};

use crate::{
    Account, Cycle, Offer, Offers, PaidSubscription, Payment, PaymentProvider, PaymentStatus, PendingChange,
    RemoteSubscription, Snapshot,
};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The subscription that counts; `None` where there never was one.
    pub subscription: Option<PaidSubscription>,
    /// What the provider charges for and no plan is sold as: somebody must look, and nobody gets anything for it.
    pub unknown: Vec<String>,
}

/// The subscription that counts: tier follows price and payment, and nothing else (WH-5). Of several the one that gives most.
pub fn observe(
    account: &Account,
    snapshot: &Snapshot,
    offers: &Offers,
    new: SubscriptionId,
    now: Timestamp,
) -> Observed {
    let mut unknown = Vec::new();
    let mut best: Option<(&RemoteSubscription, &Offer, Cycle, PaymentStatus)> = None;
    for remote in &snapshot.subscriptions {
        let status = status(remote, before(account, remote));
        let Some((offer, cycle)) = offers.sold_as(account.provider, &remote.price) else {
            if !status.has_ended() {
                unknown.push(remote.price.clone());
            }
            continue;
        };
        let rank = |remote: &RemoteSubscription, offer: &Offer, status| (standing(status), offer.level, remote.created);
        if best.is_none_or(|(other, its, _, old)| rank(remote, offer, status) > rank(other, its, old)) {
            best = Some((remote, offer, cycle, status));
        }
    }
    let subscription = best.map(|(remote, offer, cycle, status)| {
        let before = before(account, remote);
        let id = before.map_or(new, |before| before.id);
        let missing = matches!(status, PaymentStatus::PastDue | PaymentStatus::Unpaid);
        PaidSubscription {
            id,
            external: Some(remote.external.clone()),
            plan: offer.plan.clone(),
            cycle,
            amount: remote.amount,
            status,
            anchor: remote.created,
            period: remote.period,
            trial_ends_at: remote.trial_ends_at,
            cancel_at_period_end: remote.cancel_at_period_end,
            past_due_since: missing.then(|| before.and_then(|before| before.past_due_since).unwrap_or(now)),
            pending: pending(remote, offers, account.provider),
            ended_at: remote.ended_at.or_else(|| status.has_ended().then_some(now)),
        }
    });
    Observed { subscription: subscription.or_else(|| gone(account, now)), unknown }
}

/// What is known of the same subscription.
fn before<'a>(account: &'a Account, remote: &RemoteSubscription) -> Option<&'a PaidSubscription> {
    account.subscription.as_ref().filter(|known| known.external.as_deref() == Some(&*remote.external))
}

/// One that the provider does not know any more has ended.
fn gone(account: &Account, now: Timestamp) -> Option<PaidSubscription> {
    let mut known = account.subscription.clone()?;
    if !known.status.has_ended() {
        known.status = PaymentStatus::Canceled;
        known.ended_at = Some(now);
        known.pending = None;
    }
    Some(known)
}

/// The status, with what the money says: whatever the provider calls a subscription whose first payment did not come, it does not begin;
/// one whose payment was given back or is taken back is not paid.
fn status(remote: &RemoteSubscription, before: Option<&PaidSubscription>) -> PaymentStatus {
    let began = before.is_some_and(|known| known.status != PaymentStatus::Incomplete);
    match (remote.status, remote.payment) {
        (
            PaymentStatus::Active | PaymentStatus::Trialing | PaymentStatus::PastDue,
            Payment::Refunded | Payment::Disputed,
        ) => PaymentStatus::Unpaid,
        (PaymentStatus::Active | PaymentStatus::PastDue, Payment::Unpaid) if !began => PaymentStatus::Incomplete,
        (PaymentStatus::Active, Payment::Unpaid) => PaymentStatus::PastDue,
        (status, _) => status,
    }
}

/// Which of two subscriptions counts.
const fn standing(status: PaymentStatus) -> u8 {
    match status {
        PaymentStatus::Active => 6,
        PaymentStatus::Trialing => 5,
        PaymentStatus::PastDue => 4,
        PaymentStatus::Unpaid | PaymentStatus::Paused => 3,
        PaymentStatus::Canceled => 2,
        PaymentStatus::Incomplete => 1,
        PaymentStatus::IncompleteExpired => 0,
    }
}

fn pending(remote: &RemoteSubscription, offers: &Offers, provider: PaymentProvider) -> Option<PendingChange> {
    let (price, at) = remote.scheduled.as_ref()?;
    let (offer, cycle) = offers.sold_as(provider, price)?;
    Some(PendingChange { plan: offer.plan.clone(), cycle, at: Some(*at) })
}
