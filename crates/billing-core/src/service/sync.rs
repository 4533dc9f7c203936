//! What the provider says, made known here.
use kernel::{Action, Actor, OrgId, Page, SubscriptionId};

use super::billing::Billing;
use crate::policy::grant::{self, grace_ends};
use crate::policy::observe::observe;
use crate::{
    Access, Account, BillingError, Invoice, InvoiceFilter, Notice, Outgoing, Posted, Posting, Settles, Snapshot,
};

/// So often a change is begun again when somebody else was faster.
pub(super) const ATTEMPTS: usize = 5;

impl Billing {
    /// Asks the provider about an organization and writes down what changed; the account afterwards. With `settles` something is over
    /// thereby, also when nothing changed.
    pub async fn sync(&self, org: OrgId, settles: &Settles) -> Result<Account, BillingError> {
        for _ in 0..ATTEMPTS {
            let before = self.account(org).await?;
            let (after, invoices) = self.seen(&before).await?;
            let same = Account { synced_at: before.synced_at, ..after.clone() } == before;
            if same && invoices.is_empty() && *settles == Settles::Nothing {
                return Ok(before);
            }
            let change = Change { before: &before, after, invoices, outgoing: None, settles: settles.clone() };
            let action = Action::PaymentStateChanged;
            match self.post(&Actor::system(), action, change).await? {
                Outcome::Posted(account) => return Ok(*account),
                Outcome::Over => return self.account(org).await,
                Outcome::Moved => {}
            }
        }
        Err(BillingError::ChangePending)
    }

    /// The account as the provider and the time say it is now, and the newest invoices.
    async fn seen(&self, before: &Account) -> Result<(Account, Vec<Invoice>), BillingError> {
        let now = self.ambient.now();
        let mut after = before.clone();
        let mut invoices = Vec::new();
        if let (Some(gateway), Some(customer)) = (&self.ports.gateway, &before.customer) {
            let snapshot: Snapshot = gateway.payments.snapshot(before.org, customer).await?;
            let offers = self.ports.platform.offers().await?;
            let observed = observe(before, &snapshot, &offers, SubscriptionId::mint(&self.ambient), now);
            for price in observed.unknown {
                self.ports.notice.tell(before.org, &Notice::UnknownPrice(price)).await?;
            }
            after.subscription = observed.subscription;
            after.synced_at = Some(now);
            invoices = self.new_or_changed(before.org, snapshot.invoices).await?;
        }
        after.access = self.access(&after);
        Ok((after, invoices))
    }

    /// Those of a provider's invoices that are not known as they are.
    async fn new_or_changed(&self, org: OrgId, invoices: Vec<Invoice>) -> Result<Vec<Invoice>, BillingError> {
        let page = Page::new(Page::MAX_LIMIT, 0).unwrap_or_default();
        let known = self.ports.invoices.list(org, &InvoiceFilter::default(), page).await?.items;
        let is_known = |invoice: &Invoice| {
            known.iter().any(|other| {
                other.external == invoice.external && Invoice { id: other.id, ..invoice.clone() } == *other
            })
        };
        Ok(invoices.into_iter().filter(|invoice| !is_known(invoice)).collect())
    }

    /// What the organization has by its account, now.
    pub(super) fn access(&self, account: &Account) -> Option<Access> {
        let subscription = account.subscription.as_ref()?;
        grant::access(subscription, self.settings.grace, self.ambient.now()).or(account.access)
    }

    /// Writes a change of an account down, with all that follows from it.
    pub(super) async fn post(
        &self,
        actor: &Actor,
        action: Action,
        change: Change<'_>,
    ) -> Result<Outcome, BillingError> {
        let Change { before, mut after, invoices, outgoing, settles } = change;
        let (offers, now, grace) = (self.ports.platform.offers().await?, self.ambient.now(), self.settings.grace);
        after.access = self.access(&after);
        after.version = before.version.saturating_add(1);
        let posting = Posting {
            next_at: grant::next_at(&after, grace, now),
            grant: grant::grant(&after, &offers),
            movement: grant::movement(before, &after, now),
            invoices,
            outgoing,
            settles,
            account: after,
        };
        let account = &posting.account;
        let said = |account: &Account| account.subscription.as_ref().map_or("none", |it| it.status.as_str());
        let plan = |account: &Account| account.subscription.as_ref().map_or_else(String::new, |it| it.plan.clone());
        let record = self
            .record(actor, action, account.org)
            .with("from", plan(before))
            .with("to", plan(account))
            .with("status", said(account));
        match self.ports.store.post(&posting, &record).await? {
            Posted::Posted => {
                self.tell_owners(before, account).await?;
                Ok(Outcome::Posted(Box::new(posting.account)))
            }
            Posted::Moved => Ok(Outcome::Moved),
            Posted::AlreadySettled => Ok(Outcome::Over),
            Posted::ChangePending => Err(BillingError::ChangePending),
            Posted::NoOrg => Err(BillingError::NoSuchOrg),
        }
    }

    /// The same, anew when somebody else wrote in between and what is paid for is still what it was.
    pub(super) async fn insist(
        &self,
        actor: &Actor,
        action: Action,
        change: Change<'_>,
    ) -> Result<Account, BillingError> {
        let (mut before, after) = (change.before.clone(), change.after.clone());
        for _ in 0..ATTEMPTS {
            let again = Change {
                before: &before,
                after: Account { subscription: after.subscription.clone(), ..before.clone() },
                invoices: change.invoices.clone(),
                outgoing: change.outgoing.clone(),
                settles: change.settles.clone(),
            };
            if let Outcome::Posted(account) = self.post(actor, action, again).await? {
                return Ok(*account);
            }
            let known = before.subscription.clone();
            before = self.account(before.org).await?;
            if before.subscription != known {
                break;
            }
        }
        Err(BillingError::ChangePending)
    }

    /// Owners learn when a payment is missing, and when access ended because of that.
    async fn tell_owners(&self, before: &Account, after: &Account) -> Result<(), BillingError> {
        let Some(subscription) = after.subscription.as_ref().filter(|_| before.access != after.access) else {
            return Ok(());
        };
        let notice = match after.access {
            Some(Access::PastDue) => {
                Notice::PaymentMissing(grace_ends(subscription, self.settings.grace, self.ambient.now()))
            }
            Some(Access::Unpaid) => Notice::AccessEnded,
            _ => return Ok(()),
        };
        Ok(self.ports.notice.tell(after.org, &notice).await?)
    }
}

/// A change of an account that is to be written down.
pub(super) struct Change<'a> {
    pub(super) before: &'a Account,
    pub(super) after: Account,
    pub(super) invoices: Vec<Invoice>,
    pub(super) outgoing: Option<Outgoing>,
    pub(super) settles: Settles,
}

/// What became of it.
pub(super) enum Outcome {
    /// It is so now.
    Posted(Box<Account>),
    /// What it was to settle was over before: nothing happened.
    Over,
    /// Somebody changed the account meanwhile: nothing happened.
    Moved,
}
