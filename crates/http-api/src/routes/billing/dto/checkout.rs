//! Pages of the payment provider.

use billing_core::{Checkout, Cycle, Purchase};
use plan_core::PlanId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::home::Home;
use crate::input::Fields;
use crate::problem::Problem;

/// Where the browser goes when a plan was bought; the payment provider fills in its name for the purchase.
pub(in crate::routes::billing) const BOUGHT: &str = "/billing/success?session_id={CHECKOUT_SESSION_ID}";
/// Where it goes when none was bought.
pub(in crate::routes::billing) const NOT_BOUGHT: &str = "/billing/plans";
/// Where it comes back to from the page for customers.
const BACK: &str = "/billing";

/// A plan that is to be bought.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::billing) struct OpenCheckout {
    /// The plan.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "starter")]
    tier_id: String,
    /// `monthly` or `yearly`.
    #[schema(pattern = "^(monthly|yearly)$", example = "monthly")]
    billing_cycle: String,
    /// Where the browser goes when it was bought: a path, or an address of this site. `{CHECKOUT_SESSION_ID}` in it is filled in.
    #[schema(min_length = 1, max_length = 2048, pattern = r"^[!-\[\]-~]+$", example = "/billing/success")]
    success_url: Option<String>,
    /// Where it goes when it was not.
    #[schema(min_length = 1, max_length = 2048, pattern = r"^[!-\[\]-~]+$", example = "/billing/plans")]
    cancel_url: Option<String>,
}

impl OpenCheckout {
    /// What is to be bought; the browser comes home afterwards.
    pub(in crate::routes::billing) fn read(self, home: &Home) -> Result<Purchase, Problem> {
        let mut fields = Fields::default();
        let plan = fields.read("/tier_id", self.tier_id.parse::<PlanId>());
        let cycle = fields.read("/billing_cycle", cycle(&self.billing_cycle));
        let success = fields.read("/success_url", home.url(self.success_url, BOUGHT));
        let cancel = fields.read("/cancel_url", home.url(self.cancel_url, NOT_BOUGHT));
        let read = plan.zip(cycle).zip(success.zip(cancel));
        let purchase = |((plan, cycle), (success_url, cancel_url)): ((PlanId, Cycle), (String, String))| Purchase {
            plan: plan.to_string(),
            cycle,
            success_url,
            cancel_url,
        };
        fields.done(read.map(purchase))
    }
}

/// Reads how something is paid.
pub(in crate::routes::billing) fn cycle(text: &str) -> Result<Cycle, &'static str> {
    Cycle::parse(text).ok_or("must be monthly or yearly")
}

/// A page of the payment provider on which a plan is bought.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct CheckoutOpened {
    /// Where the browser goes.
    #[schema(format = "uri", example = "https://checkout.stripe.com/c/pay/cs_test_a1")]
    checkout_url: String,
    /// `checkout_url` again.
    #[serde(rename = "checkoutUrl")]
    #[schema(format = "uri", example = "https://checkout.stripe.com/c/pay/cs_test_a1")]
    checkout_url_again: String,
    /// The provider's name for the purchase.
    #[schema(example = "cs_test_a1")]
    session_id: String,
}

impl From<Checkout> for CheckoutOpened {
    fn from(checkout: Checkout) -> Self {
        Self { checkout_url: checkout.url.clone(), checkout_url_again: checkout.url, session_id: checkout.id }
    }
}

/// Where the browser comes back to.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::billing) struct OpenPortal {
    /// A path, or an address of this site.
    #[schema(min_length = 1, max_length = 2048, pattern = r"^[!-\[\]-~]+$", example = "/billing")]
    return_url: Option<String>,
}

impl OpenPortal {
    /// The address that the browser comes back to.
    pub(in crate::routes::billing) fn read(self, home: &Home) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let back = fields.read("/return_url", home.url(self.return_url, BACK));
        fields.done(back)
    }
}

/// The payment provider's page on which customers look after their payment.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::billing) struct PortalOpened {
    /// Where the browser goes.
    #[schema(format = "uri", example = "https://billing.stripe.com/p/session/bps_1")]
    portal_url: String,
}

impl PortalOpened {
    /// There.
    pub(in crate::routes::billing) const fn new(portal_url: String) -> Self {
        Self { portal_url }
    }
}
