use kernel::{StoreError, Timestamp};

/// Why a payment provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// It cannot be reached, or does not come round, or says that it cannot now. What became of a change is not known.
    #[error("the payment provider cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered with something that it should not, or does not know us.
    #[error("the payment provider gave an invalid answer")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not know what was named.
    #[error("the payment provider does not know it")]
    NotFound,
    /// The payment was declined: the provider's code for the reason, such as `insufficient_funds`.
    #[error("the payment was declined ({0})")]
    Declined(String),
    /// It refused: one sentence that people may read.
    #[error("{0}")]
    Refused(String),
    /// It does not offer this.
    #[error("the payment provider does not offer this")]
    Unsupported,
}

impl GatewayError {
    /// Wraps the cause of an outage.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Wraps the description of a defect.
    pub fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(cause.into())
    }

    /// Whether trying again may help.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Broken(_))
    }
}

/// Why a quote does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadQuote {
    /// It was not made here, or for another organization.
    #[error("the quote is not one of ours")]
    NotOurs,
    /// Its time is over.
    #[error("the quote has expired; ask for another one")]
    Expired,
    /// It is for another change than the one that is asked for.
    #[error("the quote is for another change")]
    OtherChange,
    /// What is paid for changed since.
    #[error("the subscription was changed since the quote was made; ask for another one")]
    Outdated,
}

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// There is no such organization.
    #[error("there is no such organization")]
    NoSuchOrg,
    /// There is no such plan, or it cannot be chosen.
    #[error("there is no plan {0} that can be chosen")]
    UnknownPlan(String),
    /// The payment provider does not sell this plan.
    #[error("the plan {0} is not sold by the payment provider")]
    NotSold(String),
    /// The payment provider does not offer this.
    #[error("the payment provider does not offer this")]
    ProviderUnsupported,
    /// The organization is no customer of the payment provider.
    #[error("the organization has bought nothing yet")]
    NoCustomer,
    /// The organization pays for nothing.
    #[error("the organization has no subscription")]
    NoSubscription,
    /// The organization pays for something already.
    #[error("the organization has a subscription already; change its plan instead")]
    AlreadySubscribed,
    /// It is on this plan, paid this way, already.
    #[error("the organization is on this plan already")]
    NoChange,
    /// Something was agreed before, and is being carried out.
    #[error("another change is being carried out")]
    ChangePending,
    /// The quote does not hold.
    #[error(transparent)]
    Quote(#[from] BadQuote),
    /// The payment was declined.
    #[error("the payment was declined ({0})")]
    Declined(String),
    /// The payment provider refused.
    #[error("{0}")]
    Refused(String),
    /// There is no such payment method.
    #[error("there is no such payment method")]
    NoSuchMethod,
    /// The last payment method of a subscription that is charged cannot be removed.
    #[error("this is the only payment method of an active subscription")]
    LastMethod,
    /// There is no such invoice.
    #[error("there is no such invoice")]
    NoSuchInvoice,
    /// The invoice is not one that is to be paid.
    #[error("the invoice is {0}: there is nothing to be paid")]
    NotPayable(&'static str),
    /// A document that the provider has not made yet.
    #[error("the invoice has no document yet")]
    NoDocument,
    /// The payment provider cannot be reached, or broke.
    #[error("the payment provider did not answer")]
    Gateway(#[source] GatewayError),
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Refusals keep their meaning; the rest is an outage.
impl From<GatewayError> for BillingError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Declined(code) => Self::Declined(code),
            GatewayError::Refused(sentence) => Self::Refused(sentence),
            GatewayError::Unsupported => Self::ProviderUnsupported,
            other @ (GatewayError::Unavailable(_) | GatewayError::Broken(_) | GatewayError::NotFound) => {
                Self::Gateway(other)
            }
        }
    }
}

/// When a signature does not prove who sent an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is none, or not in the form it must have.
    #[error("the signature is missing or malformed")]
    Missing,
    /// None of the secrets made it.
    #[error("the signature is wrong")]
    Wrong,
    /// It was made too long ago, or in the future: at this time.
    #[error("the signature is too old")]
    Stale(Timestamp),
}
