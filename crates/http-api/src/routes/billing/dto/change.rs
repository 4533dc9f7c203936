//! Another plan, or none.

use billing_core::{ChangeRequest, Cycle, Effective, Purchase};
use kernel::plain_text;
use plan_core::PlanId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::home::Home;
use super::checkout::{BOUGHT, NOT_BOUGHT, cycle};
use crate::input::Fields;
use crate::problem::Problem;

/// The most characters of a reason.
const MAX_REASON: usize = 1000;
/// The longest quote, in bytes: ours have some three hundred.
const MAX_QUOTE: usize = 2048;

/// The plan to be on. It is named once, under any of its three names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct ChangePlan {
    /// The plan to be on.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "professional")]
    target_tier: Option<String>,
    /// `target_tier` by another name.
    #[serde(rename = "targetTier")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "professional")]
    target_tier_again: Option<String>,
    /// `target_tier` by another name.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "professional")]
    plan_code: Option<String>,
    /// `monthly` or `yearly`; as it is now when absent.
    #[schema(pattern = "^(monthly|yearly)$", example = "monthly")]
    billing_cycle: Option<String>,
    /// `immediate` or `next_cycle`; when absent, a step up at once and a step down with the next period.
    #[schema(pattern = "^(immediate|next_cycle)$", example = "immediate")]
    effective_date: Option<String>,
    /// What `GET /subscriptions/preview-change` promised: exactly that is charged, or nothing happens.
    #[schema(min_length = 1, max_length = 2048, pattern = "^[!-~]+$", example = json!(null))]
    quote: Option<String>,
    /// Why, in a few words.
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", example = "we have grown")]
    reason: Option<String>,
    /// What could be better.
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", example = json!(null))]
    feedback: Option<String>,
}

/// The plan to be on, as older consoles name it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::billing) struct UpgradeSubscription {
    /// The plan to be on.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "professional")]
    new_tier_id: String,
    /// `monthly` or `yearly`; as it is now when absent.
    #[schema(pattern = "^(monthly|yearly)$", example = "monthly")]
    billing_cycle: Option<String>,
    /// What `GET /subscriptions/preview-change` promised: exactly that is charged, or nothing happens.
    #[schema(min_length = 1, max_length = 2048, pattern = "^[!-~]+$", example = json!(null))]
    quote: Option<String>,
}

/// A change that somebody asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::routes) struct Asked {
    pub(super) plan: PlanId,
    pub(super) cycle: Option<Cycle>,
    pub(super) effective: Option<Effective>,
    quote: Option<String>,
}

impl Asked {
    /// The same for the use case. What nobody said of the cycle stays as it runs.
    pub(in crate::routes::billing) fn request(self, running: Option<Cycle>, home: &Home) -> ChangeRequest {
        ChangeRequest {
            purchase: Purchase {
                plan: self.plan.to_string(),
                cycle: self.cycle.or(running).unwrap_or(Cycle::Monthly),
                success_url: home.usual(BOUGHT),
                cancel_url: home.usual(NOT_BOUGHT),
            },
            effective: self.effective,
            quote: self.quote,
        }
    }
}

impl TryFrom<ChangePlan> for Asked {
    type Error = Problem;

    fn try_from(body: ChangePlan) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let names = [
            ("/target_tier", body.target_tier),
            ("/targetTier", body.target_tier_again),
            ("/plan_code", body.plan_code),
        ];
        let plan = named(&mut fields, names);
        let cycle = fields.read_some("/billing_cycle", body.billing_cycle, |text| cycle(&text));
        let effective = fields.read_some("/effective_date", body.effective_date, |text| effective(&text));
        let quote = fields.read_some("/quote", body.quote, quote);
        said(&mut fields, body.reason, body.feedback);
        fields.done(plan.map(|plan| Self { plan, cycle, effective, quote }))
    }
}

impl TryFrom<UpgradeSubscription> for Asked {
    type Error = Problem;

    fn try_from(body: UpgradeSubscription) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let plan = fields.read("/new_tier_id", body.new_tier_id.parse::<PlanId>());
        let cycle = fields.read_some("/billing_cycle", body.billing_cycle, |text| cycle(&text));
        let quote = fields.read_some("/quote", body.quote, quote);
        fields.done(plan.map(|plan| Self { plan, cycle, effective: None, quote }))
    }
}

/// The plan that a request names under one or several names, which must agree.
pub(super) fn named<const N: usize>(fields: &mut Fields, names: [(&'static str, Option<String>); N]) -> Option<PlanId> {
    let first = names.first().map_or("", |(pointer, _)| *pointer);
    let mut given = names.into_iter().filter_map(|(pointer, text)| Some((pointer, text?)));
    let Some((pointer, text)) = given.next() else {
        fields.wrong(first, "missing_field", "must be given");
        return None;
    };
    for (pointer, _) in given.filter(|(_, other)| *other != text) {
        fields.wrong(pointer, "invalid_value", "is named twice, and not the same one");
    }
    fields.read(pointer, text.parse())
}

/// Reads when a change is to happen.
pub(super) fn effective(text: &str) -> Result<Effective, &'static str> {
    Effective::parse(text).ok_or("must be immediate or next_cycle")
}

fn quote(text: String) -> Result<String, &'static str> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=MAX_QUOTE).contains(&text.len()) { Ok(text) } else { Err("is not a quote") }
}

/// What people say of their reasons is text that people can read.
fn said(fields: &mut Fields, reason: Option<String>, feedback: Option<String>) {
    for (pointer, text) in [("/reason", reason), ("/feedback", feedback)] {
        fields.read_some(pointer, text, |text| plain_text(&text, MAX_REASON));
    }
}

/// How a subscription is to end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct CancelPlan {
    /// `next_cycle`, which is also meant when it is absent, or `immediate`.
    #[schema(pattern = "^(immediate|next_cycle)$", example = "next_cycle")]
    effective_date: Option<String>,
    /// Why, in a few words.
    #[schema(
        max_length = 1000,
        pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
        example = "the project is over"
    )]
    reason: Option<String>,
    /// What could have been better.
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", example = json!(null))]
    feedback: Option<String>,
}

impl CancelPlan {
    /// Whether it ends with its period, rather than now.
    pub(in crate::routes) fn at_period_end(self) -> Result<bool, Problem> {
        let mut fields = Fields::default();
        let when = fields.read_some("/effective_date", self.effective_date, |text| effective(&text));
        said(&mut fields, self.reason, self.feedback);
        fields.done(Some(when != Some(Effective::Immediate)))
    }
}

/// How a subscription is to end, as older consoles say it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::billing) struct CancelSubscription {
    /// Which, by its name here or at the payment provider; the organization's own when absent.
    #[schema(max_length = 255, example = "sub_01890a5d-ac96-774b-bcce-b302099a8057")]
    subscription_id: Option<String>,
    /// Whether it ends with its period, which is also meant when it is absent, rather than now.
    #[schema(example = true)]
    at_period_end: Option<bool>,
    /// Why, in a few words.
    #[schema(
        max_length = 1000,
        pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$",
        example = "the project is over"
    )]
    reason: Option<String>,
}

impl CancelSubscription {
    /// Which, and whether it ends with its period.
    pub(in crate::routes::billing) fn read(self) -> Result<(Option<String>, bool), Problem> {
        let mut fields = Fields::default();
        said(&mut fields, self.reason, None);
        fields.done(Some((self.subscription_id, self.at_period_end.unwrap_or(true))))
    }
}

#[cfg(test)]
mod tests;
