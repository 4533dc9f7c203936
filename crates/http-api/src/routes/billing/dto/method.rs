//! Cards and the like that the payment provider keeps. Their numbers never come here.

use std::str::FromStr;

use billing_core::{PaymentMethod, SetupIntent};
use chrono::{Datelike, Months, NaiveDate};
use kernel::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::time;

/// The text cannot name a payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 letters, digits and underscores")]
pub(in crate::routes::billing) struct BadMethodId;

/// The provider's name for a payment method: `pm_…`. Of such letters that it can stand in the address of a request to the provider.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::routes::billing) struct MethodId(pub(in crate::routes::billing) String);

impl FromStr for MethodId {
    type Err = BadMethodId;
    fn from_str(text: &str) -> Result<Self, BadMethodId> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain && (1..=255).contains(&text.len()) { Ok(Self(text.to_owned())) } else { Err(BadMethodId) }
    }
}

/// A payment method that the browser made at the payment provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::billing) struct AddMethod {
    /// The provider's name for it.
    #[schema(min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_]+$", example = "pm_1PgafmB7WZ01zgkW6dKueIc5")]
    payment_method_id: String,
    /// Whether it is charged by default from now on; not when absent.
    #[schema(example = true)]
    set_default: Option<bool>,
}

impl AddMethod {
    /// Which, and whether it is charged by default.
    pub(in crate::routes::billing) fn read(self) -> Result<(MethodId, bool), Problem> {
        let mut fields = Fields::default();
        let id = fields.read("/payment_method_id", self.payment_method_id.parse());
        fields.done(id.map(|id| (id, self.set_default.unwrap_or(false))))
    }
}

/// A card or the like.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub(in crate::routes) struct MethodBody {
    /// The provider's name for it.
    #[schema(example = "pm_1PgafmB7WZ01zgkW6dKueIc5")]
    id: String,
    /// `card`, `sepa_debit`, …
    #[serde(rename = "type")]
    #[schema(example = "card")]
    kind: String,
    /// `visa`, …; empty for what has no brand.
    #[schema(example = "visa")]
    brand: String,
    /// The last four digits.
    #[schema(example = "4242")]
    last4: String,
    /// 1 to 12; null for what does not expire.
    #[schema(example = 12)]
    exp_month: Option<u32>,
    /// Four digits.
    #[schema(example = 2030)]
    exp_year: Option<i32>,
    /// Whether it is charged by default.
    #[schema(example = true)]
    is_default: bool,
    /// Whether it expires with this month or the next, or has.
    #[schema(example = false)]
    expires_soon: bool,
    /// ISO 3166-1, two letters.
    #[schema(example = "DE")]
    country: Option<String>,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    #[schema(example = "credit")]
    funding: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created: String,
}

impl MethodBody {
    /// This one, at this time.
    pub(in crate::routes) fn new(method: PaymentMethod, now: Timestamp) -> Self {
        Self {
            expires_soon: expires_soon(method.exp_year, method.exp_month, now.date_naive()),
            id: method.id,
            kind: method.kind,
            brand: method.brand,
            last4: method.last4,
            exp_month: method.exp_month,
            exp_year: method.exp_year,
            is_default: method.is_default,
            country: method.country,
            funding: method.funding,
            created: time(method.created),
        }
    }
}

/// A card is good until its month ends; it expires soon from the month before on.
fn expires_soon(year: Option<i32>, month: Option<u32>, today: NaiveDate) -> bool {
    let Some((year, month)) = year.zip(month) else { return false };
    let next = today.checked_add_months(Months::new(1)).unwrap_or(today);
    (year, month) <= (next.year(), next.month())
}

/// The organization's payment methods, the default one first.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentMethods)]
pub(in crate::routes::billing) struct MethodsBody(pub(in crate::routes::billing) Vec<MethodBody>);

/// The same as an object.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentMethodList)]
pub(in crate::routes::billing) struct MethodListBody {
    /// The organization's payment methods, the default one first.
    payment_methods: Vec<MethodBody>,
    /// Which of them is charged by default.
    #[schema(example = "pm_1PgafmB7WZ01zgkW6dKueIc5")]
    default_payment_method: Option<String>,
    /// How many there are.
    #[schema(example = 1)]
    total: usize,
}

impl From<MethodsBody> for MethodListBody {
    fn from(MethodsBody(methods): MethodsBody) -> Self {
        let default = methods.iter().find(|method| method.is_default).map(|method| method.id.clone());
        Self { total: methods.len(), default_payment_method: default, payment_methods: methods }
    }
}

/// A payment method is charged by default from now on.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentMethodChosen)]
pub(in crate::routes::billing) struct MethodChosen {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What was done, for people.
    #[schema(example = "the payment method is the default one now")]
    message: &'static str,
    /// It.
    payment_method: MethodBody,
}

impl MethodChosen {
    /// This one.
    pub(in crate::routes::billing) const fn new(payment_method: MethodBody) -> Self {
        Self { success: true, message: "the payment method is the default one now", payment_method }
    }
}

/// What a browser needs to add a payment method at the payment provider.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::billing) struct SetupPrepared {
    /// What the browser proves itself with; null in a repeated answer: it is told once.
    #[schema(example = "seti_1_secret_2")]
    client_secret: Option<String>,
    /// The provider's name for the preparation.
    #[schema(example = "seti_1")]
    setup_intent_id: String,
    /// The key that browsers use, where one is configured.
    #[schema(example = "pk_live_1")]
    publishable_key: Option<String>,
}

impl SetupPrepared {
    /// With its secret, for the one who asked.
    pub(in crate::routes::billing) fn shown(intent: &SetupIntent) -> Self {
        Self { client_secret: Some(intent.client_secret.expose_secret().to_owned()), ..Self::hidden(intent) }
    }

    /// Without it, for keeping.
    pub(in crate::routes::billing) fn hidden(intent: &SetupIntent) -> Self {
        Self {
            client_secret: None,
            setup_intent_id: intent.id.clone(),
            publishable_key: intent.publishable_key.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_method_is_named_by_letters_that_are_at_home_in_an_address() {
        assert_eq!("pm_card_visa".parse(), Ok(MethodId("pm_card_visa".to_owned())));
        for wrong in ["", "pm_1/../../charges", "pm_1?x", "pm 1", "pm_ä", "pm_\0", "..", &"x".repeat(256)] {
            assert_eq!(wrong.parse::<MethodId>(), Err(BadMethodId), "{wrong:?}");
        }
    }

    #[test]
    fn a_card_expires_soon_in_its_last_two_months() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        for (year, month, today, soon) in [
            (2026, 12, day(2026, 10, 31), false),
            (2026, 12, day(2026, 11, 1), true),
            (2026, 12, day(2026, 12, 31), true),
            (2026, 12, day(2027, 1, 1), true),
            (2027, 1, day(2026, 12, 31), true),
            (2027, 2, day(2026, 12, 31), false),
            (2027, 2, day(2027, 1, 31), true),
        ] {
            assert_eq!(expires_soon(Some(year), Some(month), today), soon, "{month}/{year} on {today}");
        }
        assert!(!expires_soon(None, None, day(2026, 1, 1)), "what does not expire");
    }
}
