//! Another plan, or none.
use chrono::TimeDelta;
use kernel::{Action, Actor, OrgId, SubscriptionId, TaskId, Timestamp};

use super::billing::Billing;
use super::checkout::Purchase;
use super::preview::{Plan, same_price};
use super::sync::Change;
use crate::policy::{manual, retry};
use crate::{
    Account, BadQuote, BillingError, Checkout, Command, Effective, GatewayError, Invoice, Money, Outgoing,
    PaidSubscription, PaymentStatus, Settles,
};

/// How long a request has a command for itself before the worker may take it over.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// A change that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The plan to be on, how it is paid, and where the browser goes if it must be bought.
    pub purchase: Purchase,
    /// When; if nobody says, up at once and down with the next period.
    pub effective: Option<Effective>,
    /// What was promised.
    pub quote: Option<String>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It must be bought first: there.
    Checkout(Checkout),
    /// It happened, or is agreed for later: the account says which.
    Done(Account),
    /// It is agreed, and the provider did not come round yet: it is asked again until it has.
    UnderWay(Account),
    /// It happens when this invoice is paid.
    Invoiced(Account, Box<Invoice>),
}

impl Billing {
    /// Changes the plan. With a quote it costs exactly what that says, or does not happen.
    pub async fn change(&self, actor: &Actor, org: OrgId, request: &ChangeRequest) -> Result<Changed, BillingError> {
        let Purchase { plan, cycle, .. } = &request.purchase;
        let plan = self.understood(org, plan, Some(*cycle), request.effective).await?;
        let quote = self.promised(&plan, request.quote.as_deref())?;
        if plan.to.is_free() {
            return self.cancel(actor, org, plan.effective == Effective::NextCycle).await;
        }
        let Some(live) = plan.account.live().filter(|live| live.status != PaymentStatus::Incomplete).cloned() else {
            return self.begin(actor, &plan, &request.purchase).await;
        };
        let prorated_at = quote.as_ref().map_or_else(|| self.ambient.now(), |quote| quote.prorated_at);
        if self.ports.gateway.is_none() {
            // The catalogue's price may have changed since.
            if let Some(quote) = &quote
                && self.cost(&plan, prorated_at).await?.due != quote.due
            {
                return Err(BadQuote::Outdated.into());
            }
            return self.change_by_invoice(actor, &plan, &live, prorated_at).await;
        }
        let due = match (&quote, plan.effective) {
            (Some(quote), _) => quote.due,
            (None, Effective::Immediate) => self.cost(&plan, prorated_at).await?.due,
            (None, Effective::NextCycle) => Money::zero(plan.to.currency),
        };
        let command = self.command(&plan, &live, prorated_at, due)?;
        self.carry_out(actor, &plan.account, command).await
    }

    /// Ends what is paid for: with its period, or now.
    pub async fn cancel(&self, actor: &Actor, org: OrgId, at_period_end: bool) -> Result<Changed, BillingError> {
        let account = self.account(org).await?;
        let live = Self::live(&account)?;
        let Some(external) = live.external.clone() else {
            return self.cancel_by_hand(actor, &account, at_period_end).await;
        };
        let command = if at_period_end {
            Command::CancelAtPeriodEnd { external, cancel: true }
        } else {
            Command::CancelNow { external }
        };
        self.carry_out(actor, &account, command).await
    }

    /// The change, as the provider is asked for it.
    pub(super) fn command(
        &self,
        plan: &Plan,
        live: &PaidSubscription,
        prorated_at: Timestamp,
        due: Money,
    ) -> Result<Command, BillingError> {
        let external = live.external.clone().ok_or(BillingError::NoSubscription)?;
        if same_price(plan, live) {
            // What was agreed for the next period is taken back.
            return Ok(Command::CancelAtPeriodEnd { external, cancel: false });
        }
        let price = plan.to.sold_as(self.provider(), plan.cycle);
        let price = price.ok_or_else(|| BillingError::NotSold(plan.to.plan.clone()))?;
        Ok(match plan.effective {
            Effective::Immediate => Command::ChangeNow { external, price, prorated_at, due },
            Effective::NextCycle => Command::ChangeAtPeriodEnd { external, price },
        })
    }

    /// Writes down what is agreed, asks the provider for it, and reads what came of it.
    async fn carry_out(&self, actor: &Actor, before: &Account, command: Command) -> Result<Changed, BillingError> {
        let (id, org) = (TaskId::mint(&self.ambient), before.org);
        let outgoing = Some(Outgoing { id, org, command, attempts: 0 });
        let change =
            Change { before, after: before.clone(), invoices: Vec::new(), outgoing, settles: Settles::Nothing };
        let account = self.insist(actor, Action::PlanChangeAgreed, change).await?;
        let now = self.ambient.now();
        let Some(outgoing) = self.ports.outbox.claim_one(id, now, now + LEASE).await? else {
            return Ok(Changed::UnderWay(account));
        };
        match self.execute(&outgoing).await {
            Ok(account) => Ok(Changed::Done(account)),
            Err(BillingError::Gateway(error)) if error.is_passing() => Ok(Changed::UnderWay(account)),
            Err(error) => Err(error),
        }
    }

    /// Asks the provider for a command that is leased to us. What it refuses is over; what it did not answer is tried again.
    pub(super) async fn execute(&self, outgoing: &Outgoing) -> Result<Account, BillingError> {
        let gateway = self.gateway()?;
        let done = match gateway.payments.execute(&outgoing.command, &outgoing.id.to_string()).await {
            Ok(()) => self.sync(outgoing.org, &Settles::Task(outgoing.id)).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = &done {
            let attempts = outgoing.attempts.saturating_add(1);
            let passing = matches!(error, BillingError::Gateway(it) if it.is_passing())
                || matches!(error, BillingError::Store(_) | BillingError::ChangePending);
            let next = if passing { retry::next(attempts, self.ambient.now()) } else { None };
            self.ports.outbox.fail(outgoing.id, attempts, next, &error.to_string()).await?;
        }
        done
    }

    /// The first plan that is paid for.
    async fn begin(&self, actor: &Actor, plan: &Plan, purchase: &Purchase) -> Result<Changed, BillingError> {
        let org = plan.account.org;
        if self.ports.gateway.is_some() {
            if !self.capabilities().checkout {
                return Err(BillingError::ProviderUnsupported);
            }
            let account = self.customer(actor, org).await?;
            return Ok(Changed::Checkout(self.open_checkout(&account, &plan.to, purchase).await?));
        }
        let head = self.letterhead(org).await?;
        let id = SubscriptionId::mint(&self.ambient);
        let made = manual::begin(&plan.account, id, &plan.to, plan.cycle, &head);
        self.invoiced(actor, plan, made).await
    }
}

/// An outage of the provider is told as what it is.
impl BillingError {
    /// Whether the provider did not answer, so that trying again may help.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Gateway(GatewayError::Unavailable(_)))
    }
}
