use kernel::Limit;

use super::{cycle::Cycle, money::Currency, money::Money, provider::PaymentProvider};

/// A plan, as something that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The plan's name for ever: `starter`.
    pub plan: String,
    /// What people read.
    pub name: String,
    /// How high it stands.
    pub level: u8,
    /// For a month, in minor units.
    pub monthly: i64,
    /// For a year, in minor units.
    pub yearly: i64,
    /// Of this currency.
    pub currency: Currency,
    /// Members and open invitations.
    pub seats: u32,
    /// Whether provider keys of one's own may be used.
    pub byok: bool,
    /// Calls in a month.
    pub calls: Limit,
    /// The names of what its page promises, sorted.
    pub features: Vec<String>,
    /// Whether it can be chosen; a retired plan stays with those who have it.
    pub is_active: bool,
    /// Whether everybody may choose it; the others are given by an administrator.
    pub is_public: bool,
    /// The days that a trial of it lasts; 0 for a plan that is no trial.
    pub trial_days: u16,
    /// Stripe's price for a month, `price_…`.
    pub stripe_monthly: Option<String>,
    /// Stripe's price for a year, `price_…`.
    pub stripe_yearly: Option<String>,
    /// Lago's code of the plan that is paid monthly.
    pub lago_monthly: Option<String>,
}

impl Offer {
    /// What a cycle of it costs.
    pub const fn price(&self, cycle: Cycle) -> Money {
        let minor = match cycle {
            Cycle::Monthly => self.monthly,
            Cycle::Yearly => self.yearly,
        };
        Money::new(minor, self.currency)
    }

    /// Whether it costs nothing.
    pub const fn is_free(&self) -> bool {
        self.monthly == 0 && self.yearly == 0
    }

    /// By which name a provider sells it; `None` where it does not. Lago's yearly plan has the monthly one's code and `_yearly`.
    pub fn sold_as(&self, provider: PaymentProvider, cycle: Cycle) -> Option<String> {
        match (provider, cycle) {
            (PaymentProvider::Stripe, Cycle::Monthly) => self.stripe_monthly.clone(),
            (PaymentProvider::Stripe, Cycle::Yearly) => self.stripe_yearly.clone(),
            (PaymentProvider::Lago, Cycle::Monthly) => self.lago_monthly.clone(),
            (PaymentProvider::Lago, Cycle::Yearly) => self.lago_monthly.as_ref().map(|code| format!("{code}_yearly")),
            (PaymentProvider::Manual, cycle) => Some(format!("{}/{}", self.plan, cycle.as_str())),
        }
    }
}

/// All that can be bought, and what can be bought no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers(pub Vec<Offer>);

impl Offers {
    /// The plan of this name.
    pub fn plan(&self, plan: &str) -> Option<&Offer> {
        self.0.iter().find(|offer| offer.plan == plan)
    }

    /// What a provider sells under this name. Tier follows price, and nothing else (never metadata).
    pub fn sold_as(&self, provider: PaymentProvider, price: &str) -> Option<(&Offer, Cycle)> {
        let pairs = self.0.iter().flat_map(|offer| Cycle::ALL.map(|cycle| (offer, cycle)));
        let mut matching = pairs.filter(|(offer, cycle)| offer.sold_as(provider, *cycle).as_deref() == Some(price));
        matching.next()
    }
}
