//! What another plan would cost and mean.
use kernel::{OrgId, Timestamp};

use super::billing::Billing;
use crate::policy::proration::{Running, prorate};
use crate::policy::{consequence, quote};
use crate::{
    Account, BadQuote, BillingError, Consequence, Cycle, Effective, Money, Offer, PaidSubscription, PaymentStatus,
    Proration, Quote,
};

/// What a change would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The plan now.
    pub from: Option<Offer>,
    /// What is paid for it now.
    pub old_price: Option<Money>,
    /// The plan to come.
    pub to: Offer,
    /// What it costs a cycle.
    pub new_price: Money,
    /// How often.
    pub cycle: Cycle,
    /// What is charged now; nothing for a change with the next period.
    pub proration: Proration,
    /// When it happens.
    pub effective: Effective,
    /// When that is.
    pub effective_at: Timestamp,
    /// Whether it is a step up.
    pub is_upgrade: bool,
    /// What comes with it.
    pub features_added: Vec<String>,
    /// What goes with it.
    pub features_removed: Vec<String>,
    /// What else it means.
    pub consequences: Vec<Consequence>,
    /// The promise, to be given back with the confirmation; `None` for what is bought at the provider's page.
    pub quote: Option<(String, Timestamp)>,
}

/// A change, understood.
pub(super) struct Plan {
    pub(super) account: Account,
    pub(super) from: Option<Offer>,
    pub(super) to: Offer,
    pub(super) cycle: Cycle,
    pub(super) effective: Effective,
}

impl Billing {
    /// What a change of plan would cost and mean, promised for a quarter of an hour.
    pub async fn preview(
        &self,
        org: OrgId,
        plan: &str,
        cycle: Option<Cycle>,
        effective: Option<Effective>,
    ) -> Result<Preview, BillingError> {
        let plan = self.understood(org, plan, cycle, effective).await?;
        let now = self.ambient.now();
        let proration = self.cost(&plan, now).await?;
        let load = self.ports.platform.load(org).await?;
        let (added, removed) = consequence::features(plan.from.as_ref(), &plan.to);
        let owned = |features: Vec<&str>| features.into_iter().map(str::to_owned).collect();
        let live = plan.account.live();
        let expires_at = now + quote::LIFETIME;
        let promised = live.map(|live| Quote {
            org,
            basis: quote::basis(Some(live)),
            plan: plan.to.plan.clone(),
            cycle: plan.cycle,
            effective: plan.effective,
            prorated_at: now,
            due: proration.due,
            expires_at,
        });
        Ok(Preview {
            old_price: live.map(|live| live.amount),
            new_price: plan.to.price(plan.cycle),
            cycle: plan.cycle,
            proration,
            effective: plan.effective,
            effective_at: effective_at(&plan, now),
            is_upgrade: plan.from.as_ref().is_none_or(|from| consequence::is_upgrade(from, &plan.to)),
            features_added: owned(added),
            features_removed: owned(removed),
            consequences: consequence::consequences(&load, &plan.to),
            quote: promised.map(|quote| (quote::seal(&self.settings.quote_key, &quote), expires_at)),
            from: plan.from,
            to: plan.to,
        })
    }

    /// A request, held against what there is.
    pub(super) async fn understood(
        &self,
        org: OrgId,
        plan: &str,
        cycle: Option<Cycle>,
        effective: Option<Effective>,
    ) -> Result<Plan, BillingError> {
        let (account, offers) = (self.account(org).await?, self.ports.platform.offers().await?);
        let to = Self::choose(&offers, plan)?.clone();
        let live = account.live().filter(|live| live.status != PaymentStatus::Incomplete);
        let now = match live {
            Some(live) => Some(live.plan.clone()),
            None => self.ports.platform.plan_of(org).await?,
        };
        let from = now.as_deref().and_then(|plan| offers.plan(plan)).cloned();
        let cycle = cycle.or_else(|| live.map(|live| live.cycle)).unwrap_or(Cycle::Monthly);
        if live.is_none() && to.is_free() {
            return Err(BillingError::NoChange);
        }
        if let Some(live) = live
            && live.plan == to.plan
            && (live.cycle == cycle || to.is_free())
            && live.pending.is_none()
            && !live.cancel_at_period_end
        {
            return Err(BillingError::NoChange);
        }
        if self.ports.outbox.pending(org).await?.is_some() {
            return Err(BillingError::ChangePending);
        }
        let usual = || match live {
            Some(_) => consequence::usual(from.as_ref(), &to),
            None => Effective::Immediate,
        };
        Ok(Plan { effective: effective.unwrap_or_else(usual), account, from, to, cycle })
    }

    /// What is charged when the change happens at this moment, as the provider counts.
    pub(super) async fn cost(&self, plan: &Plan, at: Timestamp) -> Result<Proration, BillingError> {
        let nothing = Proration { charge_minor: 0, credit_minor: 0, due: Money::zero(plan.to.currency) };
        let Some(live) = plan.account.live().filter(|live| live.status != PaymentStatus::Incomplete) else {
            let price = plan.to.price(plan.cycle);
            return Ok(Proration { charge_minor: price.minor, credit_minor: 0, due: price });
        };
        if plan.effective == Effective::NextCycle || plan.to.is_free() || same_price(plan, live) {
            return Ok(nothing);
        }
        if let (Some(gateway), Some(customer)) = (&self.ports.gateway, &plan.account.customer) {
            let command = self.command(plan, live, at, nothing.due)?;
            return Ok(gateway.payments.preview(customer, &command).await?);
        }
        let running = Running { amount: live.amount, cycle: live.cycle, period: live.period };
        let cost = prorate(&running, plan.to.price(plan.cycle), plan.cycle, at);
        cost.ok_or_else(|| {
            BillingError::Refused("a subscription cannot change its currency; cancel it first".to_owned())
        })
    }

    /// The quote that was given back, if it is one for this change.
    pub(super) fn promised(&self, plan: &Plan, quote: Option<&str>) -> Result<Option<Quote>, BadQuote> {
        let Some(text) = quote else { return Ok(None) };
        let quote = quote::open(&self.settings.quote_key, text, plan.account.org, self.ambient.now())?;
        if quote.plan != plan.to.plan || (quote.cycle, quote.effective) != (plan.cycle, plan.effective) {
            return Err(BadQuote::OtherChange);
        }
        if quote.basis != quote::basis(plan.account.live()) {
            return Err(BadQuote::Outdated);
        }
        Ok(Some(quote))
    }
}

/// Whether nothing is to be sold otherwise than now.
pub(super) fn same_price(plan: &Plan, live: &PaidSubscription) -> bool {
    live.plan == plan.to.plan && live.cycle == plan.cycle
}

fn effective_at(plan: &Plan, now: Timestamp) -> Timestamp {
    match (plan.effective, plan.account.live()) {
        (Effective::NextCycle, Some(live)) => live.period.end,
        _ => now,
    }
}
