/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentProvider {
    /// Stripe.
    Stripe,
    /// Lago.
    Lago,
    /// Nobody: the operator's own invoices, marked paid by hand.
    Manual,
}

impl PaymentProvider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Stripe, Self::Lago, Self::Manual];

    /// The name on the wire, in the configuration and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Lago => "lago",
            Self::Manual => "manual",
        }
    }

    /// Reads [`PaymentProvider::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text)
    }
}

/// What a provider can do beside taking money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a provider answers")]
pub struct Capabilities {
    /// A page of its own on which a plan is bought.
    pub checkout: bool,
    /// A page of its own on which customers look after their payment.
    pub portal: bool,
    /// Cards and the like that are kept.
    pub payment_methods: bool,
    /// Failed invoices that can be charged again.
    pub retry: bool,
}
