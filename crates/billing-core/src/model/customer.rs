use kernel::OrgId;

/// Who an invoice is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerDetails {
    /// The organization.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Where bills go: the address of its oldest active owner.
    pub email: String,
}

/// A card or the like that a provider keeps. Never its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// The provider's name for it: `pm_…`.
    pub id: String,
    /// `card`, `sepa_debit`, …
    pub kind: String,
    /// `visa`, …; empty for what has no brand.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// 1 to 12; `None` for what does not expire.
    pub exp_month: Option<u32>,
    /// Four digits.
    pub exp_year: Option<i32>,
    /// Whether it is charged by default.
    pub is_default: bool,
    /// ISO 3166-1, two letters.
    pub country: Option<String>,
    /// `credit`, `debit`, `prepaid`, `unknown`.
    pub funding: Option<String>,
    /// When it was made.
    pub created: kernel::Timestamp,
}

/// What a browser needs to add a payment method without its number ever coming here.
#[derive(Debug, Clone)]
pub struct SetupIntent {
    /// The provider's name for it.
    pub id: String,
    /// What the browser proves itself with.
    pub client_secret: secrecy::SecretString,
    /// The key that browsers use.
    pub publishable_key: Option<String>,
}
