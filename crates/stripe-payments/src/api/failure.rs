use std::time::Duration;

use billing_core::GatewayError;
use serde_json::Value;

use crate::read::Object;

/// What there is instead of an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Stripe cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("Stripe did not answer within {0:?}")]
    Late(Duration),
    #[error("Stripe's answer is none: {0}")]
    Nonsense(String),
    #[error("{0}")]
    Said(Box<Complaint>),
}

/// Stripe says no (docs.stripe.com/api/errors). Without its message, which may name people.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    /// `Stripe-Should-Retry`: what Stripe itself thinks of trying again.
    pub(crate) retry: Option<bool>,
    pub(crate) kind: String,
    pub(crate) code: Option<String>,
    pub(crate) decline: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) request: String,
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, kind, request, .. } = self;
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (code, param) = (said(&self.code), said(&self.param));
        write!(f, "Stripe answered {status} (type {kind}, code {code}, parameter {param}, request {request})")
    }
}

impl Complaint {
    pub(super) fn read(status: u16, retry: Option<bool>, request: &str, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = Object::new(&body);
        let text = |path: &str| error.text(path).map(str::to_owned);
        Self {
            status,
            retry,
            kind: text("/error/type").unwrap_or_else(|| "none".to_owned()),
            code: text("/error/code"),
            decline: text("/error/decline_code"),
            param: text("/error/param"),
            request: request.to_owned(),
        }
    }

    fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl Failure {
    /// Whether trying again may help: what Stripe says of it counts, else what its libraries do.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Late(_) | Self::Nonsense(_) => false,
            Self::Said(said) => said.retry.unwrap_or(matches!(said.status, 409 | 424 | 429 | 500..)),
        }
    }

    /// Stripe will not have it as the thing stands; whether it stands as was wanted is another question.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Said(said) if matches!(said.status, 400 | 404))
    }
}

impl From<Failure> for GatewayError {
    fn from(failure: Failure) -> Self {
        let Failure::Said(said) = &failure else {
            return if matches!(failure, Failure::Nonsense(_)) {
                Self::broken(failure)
            } else {
                Self::unavailable(failure)
            };
        };
        match said.status {
            402 => {
                Self::Declined(said.decline.clone().or_else(|| said.code.clone()).unwrap_or_else(|| said.kind.clone()))
            }
            404 => Self::NotFound,
            409 | 424 | 429 | 500.. => Self::unavailable(failure),
            400 if said.kind == "idempotency_error" => Self::broken(failure),
            // Without a parameter it is the card that is missing.
            400 if said.is("resource_missing") && said.param.is_none() => {
                Self::Declined("payment_method_missing".to_owned())
            }
            400 if said.is("resource_missing") => Self::NotFound,
            400 => Self::Refused(sentence(said.code.as_deref()).to_owned()),
            _ => Self::broken(failure),
        }
    }
}

/// What people may read: our words, never Stripe's.
fn sentence(code: Option<&str>) -> &'static str {
    match code {
        Some("customer_tax_location_invalid") => "the billing address is missing, or does not do for tax",
        Some("invoice_not_editable" | "invoice_already_paid") => "the invoice is settled already",
        Some("currency_not_supported" | "payment_intent_payment_currency_mismatch") => {
            "the payment method does not do for this currency"
        }
        Some("payment_method_unexpected_state") => "the payment method cannot be used",
        _ => "the payment provider refused the request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Failure {
        Failure::Said(Box::new(Complaint::read(status, None, "req_1", body.as_bytes())))
    }

    #[test]
    fn what_stripe_says_becomes_what_it_means_here() {
        let card = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}}"#;
        assert!(matches!(said(402, card).into(), GatewayError::Declined(code) if code == "insufficient_funds"));
        let none = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        assert!(matches!(said(400, none).into(), GatewayError::Declined(code) if code == "payment_method_missing"));
        let price = r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"items[0][price]"}}"#;
        assert!(matches!(said(400, price).into(), GatewayError::NotFound));
        assert!(matches!(said(404, "{}").into(), GatewayError::NotFound));
        assert!(matches!(said(401, "{}").into(), GatewayError::Broken(_)));
        assert!(matches!(said(400, r#"{"error":{"type":"idempotency_error"}}"#).into(), GatewayError::Broken(_)));
        assert!(matches!(said(400, "<html>").into(), GatewayError::Refused(_)));
        for status in [409, 429, 500, 503, 599] {
            assert!(matches!(said(status, "{}").into(), GatewayError::Unavailable(_)), "{status}");
        }
    }

    #[test]
    fn stripe_s_own_word_on_trying_again_counts() {
        let with = |status, retry| Failure::Said(Box::new(Complaint::read(status, retry, "", b"")));
        assert!(with(429, None).may_pass() && with(500, None).may_pass() && with(409, None).may_pass());
        assert!(!with(500, Some(false)).may_pass() && !with(400, None).may_pass() && !with(402, None).may_pass());
        assert!(with(400, Some(true)).may_pass());
    }

    #[test]
    fn no_word_of_stripe_s_message_is_kept() {
        let body = r#"{"error":{"type":"x","message":"Ada's card 4242"}}"#;
        let failure = said(400, body);
        assert!(!format!("{failure} {failure:?}").contains("Ada"));
    }
}
