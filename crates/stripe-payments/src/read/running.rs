use billing_core::GatewayError;
use kernel::{Period, Timestamp};

use super::object::Object;
use super::subscription::{amount_and_price, ends_with_period, period, scheduled};

/// A subscription, as far as a change must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) customer: String,
    pub(crate) item: String,
    pub(crate) price: String,
    pub(crate) quantity: u64,
    pub(crate) period: Period,
    pub(crate) trial_end: Option<Timestamp>,
    pub(crate) schedule: Option<String>,
    pub(crate) scheduled: Option<(String, Timestamp)>,
    pub(crate) ends_with_period: bool,
    /// It ends at a time that was set by hand.
    pub(crate) ends_at_time: bool,
    pub(crate) has_ended: bool,
}

impl Running {
    pub(crate) fn read(object: Object<'_>) -> Result<Self, GatewayError> {
        let first = object.items("/items").next().ok_or_else(|| GatewayError::broken("a subscription to nothing"))?;
        let status = object.need("/status")?;
        let (_, price) = amount_and_price(object)?;
        Ok(Self {
            customer: object.id("/customer").unwrap_or_default().to_owned(),
            item: first.need("/id")?.to_owned(),
            price: price.to_owned(),
            quantity: first.number("/quantity").and_then(|quantity| u64::try_from(quantity).ok()).unwrap_or(1),
            period: period(object)?,
            trial_end: object.time("/trial_end").filter(|_| status == "trialing"),
            schedule: object.id("/schedule").map(str::to_owned),
            scheduled: scheduled(object, price),
            ends_with_period: ends_with_period(object),
            ends_at_time: !object.flag("/cancel_at_period_end") && object.get("/cancel_at").is_some(),
            has_ended: matches!(status, "canceled" | "incomplete_expired"),
        })
    }
}
