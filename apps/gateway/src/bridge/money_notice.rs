use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use billing_core::{BillingNotice, Notice};
use kernel::{OrgId, StoreError, Timestamp};
use tokio::task::JoinSet;

use super::OwnerNotices;

/// Tells owners about their money, by mail, and the operator in the log. Mails go out beside the work: a mail server that is slow or away
/// holds up no payment. What is not sent when the process ends is lost; the organization's own pages say the same.
#[derive(Clone)]
pub(crate) struct MoneyNotices {
    owners: Arc<OwnerNotices>,
    sending: Arc<Mutex<JoinSet<()>>>,
}

impl MoneyNotices {
    pub(crate) fn new(owners: OwnerNotices) -> Self {
        Self { owners: Arc::new(owners), sending: Arc::default() }
    }

    fn send(&self, org: OrgId, notice: Notice) {
        let owners = self.owners.clone();
        let mut sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are over are not kept.
        while sending.try_join_next().is_some() {}
        sending.spawn(async move {
            if let Err(StoreError::Unavailable(cause) | StoreError::Broken(cause)) = write(&owners, org, &notice).await
            {
                tracing::warn!(%org, %cause, "the owners could not be told about their payment");
            }
        });
    }

    /// Waits for the mails that are on their way, but not longer than that.
    pub(crate) async fn sent(&self, patience: Duration) {
        let mut sending = std::mem::take(&mut *self.sending.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while sending.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!(mails = sending.len(), "mails about payments were not sent: the mail server takes too long");
        }
    }
}

#[async_trait]
impl BillingNotice for MoneyNotices {
    async fn tell(&self, org: OrgId, notice: &Notice) -> Result<(), StoreError> {
        match notice {
            Notice::UnknownPrice(price) => tracing::error!(
                %org, %price,
                "the payment provider charges for a price that no plan is sold as: nothing is granted for it; name it in a plan of the \
                 catalogue, then run ops-center billing reconcile"
            ),
            Notice::PaymentMissing(_) | Notice::AccessEnded | Notice::InvoiceOpen(..) => self.send(org, notice.clone()),
        }
        Ok(())
    }
}

/// Writes to every owner who can be told.
async fn write(owners: &OwnerNotices, org: OrgId, notice: &Notice) -> Result<(), StoreError> {
    let Some(found) = owners.orgs.find(org).await? else { return Ok(()) };
    let Some((subject, sentences)) = letter(found.name.as_str(), notice) else { return Ok(()) };
    let url = format!("You find its plan and its invoices here: {}", owners.public_url);
    let paragraphs: Vec<String> = std::iter::once("Hello,".to_owned()).chain(sentences).chain([url]).collect();
    if owners.tell_all(org, &subject, &paragraphs).await? == 0 {
        tracing::warn!(%org, "no owner was told about a payment: none can act, has a proved address and was reached");
    }
    Ok(())
}

/// Subject and sentences; `None` for what is not for the owners.
fn letter(org: &str, notice: &Notice) -> Option<(String, [String; 2])> {
    Some(match notice {
        Notice::PaymentMissing(until) => (
            format!("A payment for {org} is missing"),
            [
                format!("A payment for the organization \u{201c}{org}\u{201d} is missing."),
                format!(
                    "Nothing changes until {}. Then the organization has what the default plan gives, until the payment is made.",
                    day(*until)
                ),
            ],
        ),
        Notice::AccessEnded => (
            format!("The plan of {org} is paused"),
            [
                format!(
                    "A payment for the organization \u{201c}{org}\u{201d} is missing, and the time for it is over: it has what the \
                     default plan gives now."
                ),
                "Nothing was deleted. As soon as the payment is made, everything is as before.".to_owned(),
            ],
        ),
        Notice::InvoiceOpen(total, due) => (
            format!("Invoice of {total} for {org}"),
            [
                format!("There is an invoice of {total} for the organization \u{201c}{org}\u{201d}."),
                format!("It is to be paid by {}.", day(*due)),
            ],
        ),
        Notice::UnknownPrice(_) => return None,
    })
}

/// The day, UTC.
fn day(at: Timestamp) -> String {
    at.format("%Y-%m-%d (UTC)").to_string()
}

#[cfg(test)]
mod tests;
