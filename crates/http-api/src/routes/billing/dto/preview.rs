//! What another plan would cost and mean.

use billing_core::{Consequence, Cycle, Effective, Money, Offer, Preview};
use plan_core::PlanId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::change::{effective, named};
use super::checkout::cycle;
use super::money::major;
use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::time;

/// Which change.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(in crate::routes) struct PreviewQuery {
    /// The plan to be on; it must be given, under this name or the other.
    #[param(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", nullable = false)]
    #[param(example = "professional")]
    target_tier: Option<String>,
    /// `target_tier` by another name.
    #[param(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", nullable = false)]
    new_plan_code: Option<String>,
    /// `monthly` or `yearly`; as it is now when absent.
    #[param(pattern = "^(monthly|yearly)$", nullable = false, example = "monthly")]
    billing_cycle: Option<String>,
    /// `immediate` or `next_cycle`; when absent, a step up at once and a step down with the next period.
    #[param(pattern = "^(immediate|next_cycle)$", nullable = false)]
    effective_date: Option<String>,
}

/// The change that a preview is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::routes) struct Wanted {
    pub(in crate::routes) plan: PlanId,
    pub(in crate::routes) cycle: Option<Cycle>,
    pub(in crate::routes) effective: Option<Effective>,
}

impl TryFrom<PreviewQuery> for Wanted {
    type Error = Problem;

    fn try_from(query: PreviewQuery) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let plan = named(&mut fields, [("?target_tier", query.target_tier), ("?new_plan_code", query.new_plan_code)]);
        let cycle = fields.read_some("?billing_cycle", query.billing_cycle, |text| cycle(&text));
        let effective = fields.read_some("?effective_date", query.effective_date, |text| effective(&text));
        fields.done(plan.map(|plan| Self { plan, cycle, effective }))
    }
}

/// What another plan would cost and mean.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangePreview)]
pub(in crate::routes) struct PreviewBody {
    /// The plan now.
    #[schema(example = "starter")]
    old_tier: Option<String>,
    /// The plan to come.
    #[schema(example = "professional")]
    new_tier: String,
    /// What is paid for a cycle now, in `currency`; 0 for what is not paid for.
    #[schema(example = 19.0)]
    old_price: f64,
    /// What a cycle will cost.
    #[schema(example = 49.0)]
    new_price: f64,
    /// `old_tier` again.
    #[schema(example = "starter")]
    current_plan: Option<String>,
    /// `new_tier` again.
    #[schema(example = "professional")]
    target_plan: String,
    /// `old_price` again.
    #[schema(example = 19.0)]
    current_price: f64,
    /// `new_price` again.
    #[schema(example = 49.0)]
    target_price: f64,
    /// How much more a cycle costs; negative when it is less.
    #[schema(example = 30.0)]
    price_difference: f64,
    /// For the rest of the period on the new plan.
    #[schema(example = 24.5)]
    proration_amount: f64,
    /// For the rest of the period on the old plan, which is given back.
    #[schema(example = 9.5)]
    proration_credit: f64,
    /// What is charged now; negative is a credit that stays with the customer.
    #[schema(example = 15.0)]
    amount_due: f64,
    /// `amount_due` in minor units.
    #[schema(example = 1500)]
    amount_due_cents: i64,
    /// `new_price` in minor units.
    #[schema(example = 4900)]
    new_price_cents: i64,
    /// `old_price` in minor units.
    #[schema(example = 1900)]
    old_price_cents: i64,
    /// ISO 4217.
    #[schema(example = "USD")]
    currency: String,
    /// How the new plan will be paid: `monthly` or `yearly`.
    #[schema(example = "monthly")]
    billing_cycle: &'static str,
    /// `immediate` or `next_cycle`.
    #[schema(example = "immediate")]
    effective: &'static str,
    /// When that is.
    #[schema(format = DateTime, example = "2026-02-14T09:30:00.000000Z")]
    effective_date: String,
    /// Whether it is a step up.
    #[schema(example = true)]
    is_upgrade: bool,
    /// What comes with it.
    #[schema(example = json!(["Speech"]))]
    features_added: Vec<String>,
    /// What goes with it.
    #[schema(example = json!([]))]
    features_removed: Vec<String>,
    /// What else it means.
    consequences: Vec<ConsequenceBody>,
    /// The promise, to be given back with the confirmation; null for what is bought first.
    #[schema(example = json!(null))]
    quote: Option<String>,
    /// Until when it holds.
    #[schema(format = DateTime, example = json!(null))]
    quote_expires_at: Option<String>,
}

/// What else a change of plan means.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangeConsequence)]
struct ConsequenceBody {
    /// `seats`, `byok` or `quota`.
    #[schema(example = "seats")]
    kind: &'static str,
    /// The same, for people.
    #[schema(example = "5 members and open invitations, and 3 seats: nobody can be added before some have left")]
    message: String,
}

impl From<Preview> for PreviewBody {
    fn from(preview: Preview) -> Self {
        let Preview { from, old_price, to, new_price, cycle, proration, .. } = preview;
        let old_price = old_price.unwrap_or(Money::zero(new_price.currency));
        let (old_tier, new_tier) = (from.map(|offer: Offer| offer.plan), to.plan);
        let difference = Money::new(new_price.minor - old_price.minor, new_price.currency);
        let part = |minor| major(Money::new(minor, proration.due.currency));
        let (quote, expires_at) = preview.quote.unzip();
        Self {
            old_tier: old_tier.clone(),
            new_tier: new_tier.clone(),
            old_price: major(old_price),
            new_price: major(new_price),
            current_plan: old_tier,
            target_plan: new_tier,
            current_price: major(old_price),
            target_price: major(new_price),
            price_difference: major(difference),
            proration_amount: part(proration.charge_minor),
            proration_credit: part(proration.credit_minor),
            amount_due: major(proration.due),
            amount_due_cents: proration.due.minor,
            new_price_cents: new_price.minor,
            old_price_cents: old_price.minor,
            currency: new_price.currency.to_string(),
            billing_cycle: cycle.as_str(),
            effective: preview.effective.as_str(),
            effective_date: time(preview.effective_at),
            is_upgrade: preview.is_upgrade,
            features_added: preview.features_added,
            features_removed: preview.features_removed,
            consequences: preview.consequences.into_iter().map(ConsequenceBody::from).collect(),
            quote,
            quote_expires_at: expires_at.map(time),
        }
    }
}

impl From<Consequence> for ConsequenceBody {
    fn from(consequence: Consequence) -> Self {
        match consequence {
            Consequence::Seats(taken, seats) => Self {
                kind: "seats",
                message: format!(
                    "{taken} members and open invitations, and {seats} seats: nobody can be added before some have left"
                ),
            },
            Consequence::Byok(keys) => Self {
                kind: "byok",
                message: format!("provider keys of your own are not used any more: there are {keys}"),
            },
            Consequence::Quota(used, limit) => Self {
                kind: "quota",
                message: format!(
                    "{used} calls of this month are used, and the plan has {limit}: no more until it ends"
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_names_its_plan_once() {
        let query = |target_tier: Option<&str>, new_plan_code: Option<&str>| {
            let text = |name: Option<&str>| name.map(str::to_owned);
            PreviewQuery { target_tier: text(target_tier), new_plan_code: text(new_plan_code), ..Default::default() }
        };
        for good in
            [query(Some("starter"), None), query(None, Some("starter")), query(Some("starter"), Some("starter"))]
        {
            assert_eq!(Wanted::try_from(good).unwrap().plan.as_str(), "starter");
        }
        for (wrong, pointer) in [
            (query(None, None), "?target_tier"),
            (query(Some("No!"), None), "?target_tier"),
            (query(Some("starter"), Some("free")), "?new_plan_code"),
            (PreviewQuery { billing_cycle: Some("weekly".to_owned()), ..query(Some("free"), None) }, "?billing_cycle"),
            (PreviewQuery { effective_date: Some("now".to_owned()), ..query(Some("free"), None) }, "?effective_date"),
        ] {
            let problem = Wanted::try_from(wrong).unwrap_err();
            let body = problem.body(&crate::problem::Place::default());
            assert_eq!((body.status, body.errors.unwrap()[0].pointer.as_str()), (422, pointer));
        }
    }
}
