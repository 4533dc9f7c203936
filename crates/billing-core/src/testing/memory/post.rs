use kernel::{OrgId, StoreError, Timestamp};

use super::{State, Work};
use crate::testing::Entitled;
use crate::{Grant, Invoice, Movement, PaymentProvider, Posted, Posting, Settles, WorkState};

impl State {
    /// Makes the change here; whoever calls throws this state away unless it was posted.
    pub(super) fn post(&mut self, posting: &Posting, at: Timestamp) -> Result<Posted, StoreError> {
        let (account, org) = (&posting.account, posting.account.org);
        let movement = posting.movement.as_ref();
        let foreign = posting.invoices.iter().any(|invoice| invoice.org != org)
            || posting.outgoing.as_ref().is_some_and(|outgoing| outgoing.org != org)
            || movement.is_some_and(|movement| movement.org != org || Movement::reason(movement.why).is_none());
        let customer = (account.provider, account.customer.as_deref());
        let mut others = self.accounts.values().map(|(other, _)| other).filter(|other| other.org != org);
        let taken = customer.1.is_some() && others.any(|other| (other.provider, other.customer.as_deref()) == customer);
        if foreign || taken {
            return Err(StoreError::broken("a posting of one organization touches another"));
        }
        if !self.lives(org) {
            return Ok(Posted::NoOrg);
        }
        if !self.settle(&posting.settles, org) {
            return Ok(Posted::AlreadySettled);
        }
        let version = self.accounts.get(&org).map_or(0, |(known, _)| known.version);
        if version.checked_add(1) != Some(account.version) {
            return Ok(Posted::Moved);
        }
        self.accounts.insert(org, (account.clone(), posting.next_at));
        if let Some(outgoing) = &posting.outgoing {
            if self.tasks.values().any(|(of, _, work)| *of == org && work.is_pending()) {
                return Ok(Posted::ChangePending);
            }
            self.tasks.insert(outgoing.id, (org, outgoing.command.clone(), Work::new(at, outgoing.attempts)));
        }
        if let Some(grant) = &posting.grant {
            self.entitle(org, grant, at);
        }
        self.movements.extend(movement.cloned());
        let mut invoices: Vec<&Invoice> = posting.invoices.iter().collect();
        invoices.sort_by_key(|invoice| invoice.issued_at);
        for invoice in invoices {
            self.put_invoice(invoice)?;
        }
        Ok(Posted::Posted)
    }

    fn settle(&mut self, settles: &Settles, org: OrgId) -> bool {
        let work = match settles {
            Settles::Nothing => return true,
            Settles::Event(key) => self.events.get_mut(key).map(|(_, work)| work),
            Settles::Task(id) => self.tasks.get_mut(id).filter(|(of, _, _)| *of == org).map(|(_, _, work)| work),
        };
        let Some(work) = work else { return false };
        let over = work.end(WorkState::Done);
        if over {
            work.org = Some(org);
        }
        over
    }

    fn entitle(&mut self, org: OrgId, grant: &Grant, at: Timestamp) {
        let before = self.entitled.get(&org);
        let paid_before = before.is_some_and(|(before, _)| before.source == "payment");
        let paused = before.is_some_and(|(before, _)| before.status == "suspended");
        if let Some((before, level)) = before {
            let given = before.source == "administrator" || before.source == "installation";
            let runs = before.trial_ends_at.is_none_or(|end| at < end);
            let stands = paused || runs && matches!(&*before.status, "active" | "trialing" | "past_due");
            if given && stands && *level > grant.level {
                return;
            }
        }
        if !paid_before && !grant.access.stands() {
            return;
        }
        let status = if paused && grant.access.stands() { "suspended" } else { grant.access.as_str() };
        let next = Entitled {
            plan: grant.plan.clone(),
            status: status.to_owned(),
            source: "payment".to_owned(),
            anchor: grant.anchor,
            trial_ends_at: grant.trial_ends_at,
            version: before.map_or(0, |(before, _)| before.version),
        };
        if before.is_none_or(|(before, _)| *before != next) {
            self.entitled.insert(org, (Entitled { version: next.version + 1, ..next }, grant.level));
        }
    }

    fn put_invoice(&mut self, invoice: &Invoice) -> Result<(), StoreError> {
        let same = |known: &Invoice| match &invoice.external {
            Some(_) => (known.provider, &known.external) == (invoice.provider, &invoice.external),
            None => known.external.is_none() && (known.org, known.id) == (invoice.org, invoice.id),
        };
        let place = self.invoices.iter().position(same);
        let known = place.and_then(|place| self.invoices.get(place));
        if known.is_some_and(|known| known.org != invoice.org) {
            return Err(StoreError::broken("the invoice of another organization"));
        }
        let mut next = invoice.clone();
        next.id = known.map_or(invoice.id, |known| known.id);
        if invoice.provider == PaymentProvider::Manual {
            next.number = known.and_then(|known| known.number.clone());
        }
        if next.number.is_none() && next.is_numbered_here() {
            let series = next.series();
            let last = self.series.entry(series.clone()).or_default();
            *last += 1;
            next.number = Some(Invoice::number(&series, *last));
        }
        match place.and_then(|place| self.invoices.get_mut(place)) {
            Some(known) => *known = next,
            None => self.invoices.push(next),
        }
        Ok(())
    }
}
