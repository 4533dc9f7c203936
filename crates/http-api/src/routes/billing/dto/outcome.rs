//! What came of a change of plan.

use actix_web::HttpResponse;
use billing_core::{Account, Changed, Invoice, PaidSubscription};
use kernel::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::names::Names;
use super::checkout::CheckoutOpened;
use super::invoice::InvoiceDue;
use super::subscription::SubscriptionBody;
use crate::Answer;
use crate::endpoint::{Doc, Reply};
use crate::wire::time;

/// What came of a change.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct ChangeBody {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// `success`, or `pending` while the payment provider has not come round.
    #[schema(example = "success")]
    status: &'static str,
    /// What was done, for people.
    #[schema(example = "the plan is Professional now")]
    message: String,
    /// What is paid for.
    subscription: Option<SubscriptionBody>,
    /// When the change happens, or happened; null while that is not known.
    #[schema(format = DateTime, example = "2026-02-28T09:30:00.000000Z")]
    effective_date: Option<String>,
    /// Until when there is access, of a subscription that ends.
    #[schema(format = DateTime, example = json!(null))]
    access_until: Option<String>,
    /// The invoice that the change waits for.
    invoice: Option<InvoiceDue>,
}

/// What came of it, or where it must be bought first.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::routes) enum ChangeAnswer {
    /// It must be bought first.
    Checkout(CheckoutOpened),
    /// It happened, or is agreed for later.
    Done(Box<ChangeBody>),
}

/// What came of a change, with its status.
pub(in crate::routes) enum PlanChanged {
    /// 200.
    Settled(ChangeAnswer),
    /// 202: it will happen, when the payment provider has come round.
    UnderWay(Box<ChangeBody>),
}

impl Reply for PlanChanged {
    fn reply(self) -> HttpResponse {
        match self {
            Self::Settled(body) => Answer::<_, 200>::new(body).reply(),
            Self::UnderWay(body) => Answer::<_, 202>::new(*body).reply(),
        }
    }
    fn describe(doc: &mut Doc) {
        Answer::<ChangeAnswer, 200>::describe(doc);
        Answer::<ChangeBody, 202>::describe(doc);
    }
}

/// What is needed to tell what came of a change.
pub(in crate::routes::billing) struct Outcome<'a> {
    /// What people call plans.
    pub(in crate::routes::billing) names: &'a Names,
    /// Now.
    pub(in crate::routes::billing) now: Timestamp,
}

impl Outcome<'_> {
    /// What came of it.
    pub(in crate::routes::billing) fn told(&self, changed: Changed) -> PlanChanged {
        PlanChanged::Settled(match changed {
            Changed::Checkout(checkout) => ChangeAnswer::Checkout(checkout.into()),
            Changed::Done(account) => ChangeAnswer::Done(self.done(&account).into()),
            Changed::Invoiced(account, invoice) => ChangeAnswer::Done(self.invoiced(&account, &invoice).into()),
            Changed::UnderWay(account) => {
                let message = "the payment provider does not answer; it is asked again until the change has happened";
                let body = self.body(&account, message.to_owned());
                return PlanChanged::UnderWay(ChangeBody { status: "pending", ..body }.into());
            }
        })
    }

    fn done(&self, account: &Account) -> ChangeBody {
        let (when, ends, message) = match account.subscription.as_ref() {
            None => (self.now, None, "nothing is paid for any more".to_owned()),
            Some(it) => self.happened(it),
        };
        let body = self.body(account, message);
        ChangeBody { effective_date: Some(time(when)), access_until: ends.map(time), ..body }
    }

    /// When it happens, when access ends, and both for people.
    fn happened(&self, it: &PaidSubscription) -> (Timestamp, Option<Timestamp>, String) {
        let end = it.period.end;
        if it.status.has_ended() {
            let ended = it.ended_at.unwrap_or(self.now);
            (ended, Some(ended), "the subscription has ended".to_owned())
        } else if it.cancel_at_period_end {
            (end, Some(end), format!("the subscription ends with its period, on {}", end.date_naive()))
        } else if let Some(pending) = &it.pending {
            let (when, name) = (pending.at.unwrap_or(end), self.names.of(&pending.plan));
            (when, None, format!("the plan {name} follows on {}", when.date_naive()))
        } else {
            (self.now, None, format!("the plan is {} now", self.names.of(&it.plan)))
        }
    }

    fn invoiced(&self, account: &Account, invoice: &Invoice) -> ChangeBody {
        let number = invoice.number.as_deref().unwrap_or("of the change");
        let message = format!("the plan changes when the invoice {number} is paid");
        ChangeBody { invoice: Some(invoice.into()), ..self.body(account, message) }
    }

    fn body(&self, account: &Account, message: String) -> ChangeBody {
        ChangeBody {
            success: true,
            status: "success",
            message,
            subscription: SubscriptionBody::of(account, self.names),
            effective_date: None,
            access_until: None,
            invoice: None,
        }
    }
}
