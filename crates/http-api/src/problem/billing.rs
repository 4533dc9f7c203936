use std::error::Error;

use actix_web::http::StatusCode;
use billing_core::{BadQuote, BadSignature, BillingError, GatewayError, PaymentProvider};

use super::Problem;

/// What the manual provider cannot do, and how to get one that can.
const UNSUPPORTED: &str = "the payment provider of this installation does not offer this; for cards, set billing.provider = \"stripe\" and \
                           STRIPE_SECRET_KEY, and start the server again";

impl From<BillingError> for Problem {
    fn from(error: BillingError) -> Self {
        let detail = error.to_string();
        match error {
            BillingError::NoSuchOrg | BillingError::NoSuchMethod | BillingError::NoSuchInvoice => Self::not_found(),
            BillingError::UnknownPlan(_) => Self::new(StatusCode::NOT_FOUND, "unknown_plan", detail),
            BillingError::NotSold(_) => {
                Self::conflict("not_sold", format!("{detail}; an administrator gives the plan its price there"))
            }
            BillingError::ProviderUnsupported => Self::conflict("provider_unsupported", UNSUPPORTED),
            BillingError::NoCustomer => Self::new(StatusCode::NOT_FOUND, "no_customer", detail),
            BillingError::NoSubscription => Self::new(StatusCode::NOT_FOUND, "no_subscription", detail),
            BillingError::AlreadySubscribed => Self::conflict("already_subscribed", detail),
            BillingError::NoChange => Self::conflict("no_change", detail),
            BillingError::ChangePending => {
                Self::conflict("change_pending", "another change is being carried out; try again when it is over")
            }
            BillingError::Quote(why) => Self::conflict(quote_code(why), detail),
            BillingError::Declined(reason) => Self::declined("card_declined", reason),
            BillingError::Refused(sentence) => Self::conflict("provider_refused", sentence),
            BillingError::LastMethod => Self::conflict(
                "last_method_of_active_subscription",
                "this is the only payment method of an active subscription; add another one first",
            ),
            BillingError::NotPayable(_) => Self::conflict("not_payable", detail),
            BillingError::NoDocument => Self::new(StatusCode::NOT_FOUND, "no_document", detail),
            BillingError::Gateway(cause) => cause.into(),
            BillingError::Store(cause) => cause.into(),
        }
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Unavailable(_) => Self::unavailable(causes(&error)),
            GatewayError::Broken(_) | GatewayError::NotFound => {
                let detail =
                    "the payment provider gave an answer that makes no sense; tell the operator the request id";
                let mut problem = Self::new(StatusCode::BAD_GATEWAY, "provider_error", detail);
                problem.0.cause = Some(causes(&error).into());
                problem
            }
            GatewayError::Declined(_) | GatewayError::Refused(_) | GatewayError::Unsupported => {
                BillingError::from(error).into()
            }
        }
    }
}

impl Problem {
    /// Why a plan was not changed: here a declined payment means that the plan is still to be paid.
    pub(crate) fn not_charged(error: BillingError) -> Self {
        match error {
            BillingError::Declined(reason) => Self::declined("payment_required", reason),
            other => other.into(),
        }
    }

    /// 402: the bank said no. Its reason is a word of the provider's list.
    fn declined(code: &'static str, reason: String) -> Self {
        let detail = "the payment was declined; use another payment method, or ask the bank";
        let known = !reason.is_empty() && reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let reason = if known { reason } else { "generic_decline".to_owned() };
        Self::new(StatusCode::PAYMENT_REQUIRED, code, detail).with("decline_code", reason)
    }

    /// An event that its provider did not prove to be its own: 400 for Stripe, 401 for Lago.
    pub(crate) fn unsigned(provider: PaymentProvider, why: BadSignature) -> Self {
        let detail = why.to_string();
        match provider {
            PaymentProvider::Lago => {
                let challenge = "Signature headers=\"x-lago-signature\"".to_owned();
                Self::new(StatusCode::UNAUTHORIZED, "invalid_signature", detail).challenge(challenge)
            }
            PaymentProvider::Stripe | PaymentProvider::Manual => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_signature", detail)
            }
        }
    }
}

const fn quote_code(why: BadQuote) -> &'static str {
    match why {
        BadQuote::NotOurs => "quote_invalid",
        BadQuote::Expired => "quote_expired",
        BadQuote::OtherChange => "quote_mismatch",
        BadQuote::Outdated => "quote_outdated",
    }
}

/// An error with its causes, for the log.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use kernel::{StoreError, Timestamp};

    use super::*;
    use crate::problem::Place;

    fn told(problem: &Problem) -> (u16, &str) {
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn every_error_has_its_problem() {
        let word = || "starter".to_owned();
        for (error, status, code) in [
            (BillingError::NoSuchOrg, 404, "not_found"),
            (BillingError::UnknownPlan(word()), 404, "unknown_plan"),
            (BillingError::NotSold(word()), 409, "not_sold"),
            (BillingError::ProviderUnsupported, 409, "provider_unsupported"),
            (BillingError::NoCustomer, 404, "no_customer"),
            (BillingError::NoSubscription, 404, "no_subscription"),
            (BillingError::AlreadySubscribed, 409, "already_subscribed"),
            (BillingError::NoChange, 409, "no_change"),
            (BillingError::ChangePending, 409, "change_pending"),
            (BadQuote::NotOurs.into(), 409, "quote_invalid"),
            (BadQuote::Expired.into(), 409, "quote_expired"),
            (BadQuote::OtherChange.into(), 409, "quote_mismatch"),
            (BadQuote::Outdated.into(), 409, "quote_outdated"),
            (BillingError::Declined("insufficient_funds".to_owned()), 402, "card_declined"),
            (BillingError::Refused("this cannot be".to_owned()), 409, "provider_refused"),
            (BillingError::NoSuchMethod, 404, "not_found"),
            (BillingError::LastMethod, 409, "last_method_of_active_subscription"),
            (BillingError::NoSuchInvoice, 404, "not_found"),
            (BillingError::NotPayable("paid"), 409, "not_payable"),
            (BillingError::NoDocument, 404, "no_document"),
            (BillingError::Gateway(GatewayError::unavailable("away")), 503, "unavailable"),
            (BillingError::Gateway(GatewayError::broken("odd")), 502, "provider_error"),
            (BillingError::Gateway(GatewayError::NotFound), 502, "provider_error"),
            (BillingError::Gateway(GatewayError::Unsupported), 409, "provider_unsupported"),
            (BillingError::Gateway(GatewayError::Declined("x".to_owned())), 402, "card_declined"),
            (BillingError::Gateway(GatewayError::Refused("no".to_owned())), 409, "provider_refused"),
            (BillingError::Store(StoreError::unavailable("away")), 503, "unavailable"),
            (BillingError::Store(StoreError::broken("odd")), 500, "internal"),
        ] {
            let problem = Problem::from(error);
            assert_eq!(told(&problem), (status, code), "{problem}");
        }
    }

    #[test]
    fn an_outage_says_when_to_come_back_and_keeps_its_cause_for_the_log() {
        let away = Problem::from(BillingError::Gateway(GatewayError::unavailable("connection refused by 10.0.0.7")));
        let answer = away.render(&Place::default());
        assert_eq!(answer.headers().get("Retry-After").unwrap(), "1");
        for problem in [away, Problem::from(GatewayError::broken("connection refused by 10.0.0.7"))] {
            assert!(problem.cause().unwrap().ends_with("connection refused by 10.0.0.7"));
            assert!(!problem.detail().contains("10.0.0.7"));
        }
    }

    #[test]
    fn what_the_manual_provider_lacks_is_told_with_how_to_get_it() {
        let problem = Problem::from(BillingError::ProviderUnsupported);
        for word in ["billing.provider = \"stripe\"", "STRIPE_SECRET_KEY"] {
            assert!(problem.detail().contains(word), "{problem}");
        }
    }

    #[test]
    fn a_declined_payment_of_a_plan_is_one_that_is_still_to_be_made() {
        let declined = |reason: &str| Problem::not_charged(BillingError::Declined(reason.to_owned()));
        let problem = declined("insufficient_funds");
        assert_eq!(told(&problem), (402, "payment_required"));
        assert_eq!(problem.body(&Place::default()).extensions["decline_code"], "insufficient_funds");
        let odd = declined("<b>no</b>");
        assert_eq!(odd.body(&Place::default()).extensions["decline_code"], "generic_decline");
        assert_eq!(told(&Problem::not_charged(BillingError::NoChange)), (409, "no_change"));
    }

    #[test]
    fn each_provider_is_refused_as_it_expects() {
        for why in [BadSignature::Missing, BadSignature::Wrong, BadSignature::Stale(Timestamp::UNIX_EPOCH)] {
            assert_eq!(told(&Problem::unsigned(PaymentProvider::Stripe, why)), (400, "invalid_signature"));
            let lago = Problem::unsigned(PaymentProvider::Lago, why);
            assert_eq!(told(&lago), (401, "invalid_signature"));
            let answer = lago.render(&Place::default());
            assert_ne!(answer.headers().get("WWW-Authenticate").unwrap(), "Session", "no session opens this door");
        }
    }
}
