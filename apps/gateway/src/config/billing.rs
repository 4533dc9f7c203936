use std::net::IpAddr;
use std::time::Duration;

use actix_web::http::Uri;
use billing_core::PaymentProvider;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::{Problems, read};

/// The fewest characters of `quote_key`: 32 random bytes in base64 or hexadecimal have more.
const QUOTE_KEY: usize = 32;

/// Money. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Billing {
    #[serde(deserialize_with = "provider")]
    pub provider: PaymentProvider,
    pub grace_days: u16,
    pub invoice_term_days: u16,
    #[serde(deserialize_with = "read::optional_secret")]
    pub quote_key: Option<SecretString>,
    #[serde(rename = "work_every_ms", deserialize_with = "read::milliseconds")]
    pub work_every: Duration,
    pub reconcile_every_hours: u16,
    pub company: Company,
    pub stripe: Stripe,
    pub lago: Lago,
}

/// Who sends the invoices of the manual provider. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Company {
    pub name: String,
    pub address: Vec<String>,
    pub tax_id: String,
}

/// The account at Stripe. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Stripe {
    #[serde(deserialize_with = "read::optional_secret")]
    pub secret_key: Option<SecretString>,
    #[serde(deserialize_with = "read::optional")]
    pub publishable_key: Option<String>,
    #[serde(deserialize_with = "read::secrets")]
    pub webhook_secrets: Vec<SecretString>,
    #[serde(deserialize_with = "read::optional")]
    pub base_url: Option<String>,
}

/// The Lago of this platform. Each key is explained in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents the keys")]
pub struct Lago {
    #[serde(deserialize_with = "read::optional")]
    pub api_url: Option<String>,
    #[serde(deserialize_with = "read::optional_secret")]
    pub api_key: Option<SecretString>,
    #[serde(deserialize_with = "read::optional_secret")]
    pub webhook_secret: Option<SecretString>,
    #[serde(deserialize_with = "read::optional")]
    pub webhook_public_key: Option<String>,
}

impl Lago {
    /// Whether nothing can prove that an event is Lago's.
    pub const fn is_deaf(&self) -> bool {
        self.webhook_secret.is_none() && self.webhook_public_key.is_none()
    }
}

fn provider<'de, D: Deserializer<'de>>(from: D) -> Result<PaymentProvider, D::Error> {
    let known = PaymentProvider::parse(&String::deserialize(from)?);
    known.ok_or_else(|| serde::de::Error::custom("must be \"manual\", \"stripe\" or \"lago\""))
}

impl Billing {
    /// How long access goes on though a payment is missing.
    pub fn grace(&self) -> TimeDelta {
        TimeDelta::days(self.grace_days.into())
    }

    /// How long there is time to pay an invoice of the manual provider.
    pub fn invoice_term(&self) -> TimeDelta {
        TimeDelta::days(self.invoice_term_days.into())
    }

    /// How often everything is compared with the payment provider; `None` when only people ask for it.
    pub fn reconcile_every(&self) -> Option<TimeDelta> {
        (self.reconcile_every_hours > 0).then(|| TimeDelta::hours(self.reconcile_every_hours.into()))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(!self.work_every.is_zero(), "billing.work_every_ms must be at least 1");
        let short = self.quote_key.as_ref().is_some_and(|key| key.expose_secret().chars().count() < QUOTE_KEY);
        problems.require(
            !short,
            "billing.quote_key must have at least 32 characters: make one with `openssl rand -base64 32`, or leave it empty",
        );
        self.check_stripe(problems);
        self.check_lago(problems);
    }

    fn check_stripe(&self, problems: &mut Problems) {
        let chosen = self.provider == PaymentProvider::Stripe;
        problems.require(
            !chosen || self.stripe.secret_key.is_some(),
            "billing.provider = \"stripe\" needs billing.stripe.secret_key (or STRIPE_SECRET_KEY in the environment): set it",
        );
        let begins = |kinds: &[&str]| {
            let key = self.stripe.secret_key.as_ref().map(ExposeSecret::expose_secret);
            key.is_none_or(|key| kinds.iter().any(|kind| key.starts_with(kind)))
        };
        problems.require(
            begins(&["sk_test_", "rk_test_", "sk_live_", "rk_live_"]),
            "billing.stripe.secret_key must begin with sk_test_ or sk_live_ (or rk_test_ or rk_live_, a restricted key): Stripe's \
             dashboard calls it \"Secret key\"",
        );
        problems.require(
            begins(&["sk_test_", "rk_test_"])
                || self.stripe.base_url.as_deref().is_none_or(|url| scheme(url) != "http"),
            "billing.stripe.base_url must be https for a key that moves real money",
        );
        problems.require(
            self.stripe.publishable_key.as_ref().is_none_or(|key| key.starts_with("pk_")),
            "billing.stripe.publishable_key must begin with pk_: it is shown to everybody who adds a card",
        );
        problems.require(
            self.stripe.webhook_secrets.iter().all(|secret| !secret.expose_secret().is_empty()),
            "billing.stripe.webhook_secrets must not have an empty one: what is signed with that could be anybody's",
        );
        require_address(problems, "billing.stripe.base_url", self.stripe.base_url.as_deref());
    }

    fn check_lago(&self, problems: &mut Problems) {
        let chosen = self.provider == PaymentProvider::Lago;
        let set = [("api_url", self.lago.api_url.is_some()), ("api_key", self.lago.api_key.is_some())];
        for (key, is_set) in set {
            let why = format!("billing.provider = \"lago\" needs billing.lago.{key}: set it");
            problems.require(!chosen || is_set, &why);
        }
        require_address(problems, "billing.lago.api_url", self.lago.api_url.as_deref());
    }

    /// What holds and is probably not meant, each in a sentence that says what to do.
    pub fn warnings(&self) -> Vec<String> {
        let set = [
            (PaymentProvider::Stripe, "billing.stripe.secret_key", self.stripe.secret_key.is_some()),
            (PaymentProvider::Lago, "billing.lago.api_key", self.lago.api_key.is_some()),
        ];
        let unused = set.into_iter().filter(|(provider, _, is_set)| *is_set && *provider != self.provider);
        let mut warnings: Vec<String> = unused
            .map(|(provider, key, _)| {
                let (provider, now) = (provider.as_str(), self.provider.as_str());
                format!(
                    "{key} is set but not used, because billing.provider is \"{now}\": set billing.provider = \"{provider}\", or \
                     take the key away"
                )
            })
            .collect();
        warnings.extend(self.deaf().map(|(route, key)| {
            format!(
                "{key} is not set: {route} is turned off, and payments take effect only when the provider is asked \
                 (billing.reconcile_every_hours, ops-center billing reconcile); set it to the secret that the provider signs with"
            )
        }));
        let plain = [("billing.stripe.base_url", &self.stripe.base_url), ("billing.lago.api_url", &self.lago.api_url)];
        warnings.extend(plain.into_iter().filter(|(_, url)| url.as_deref().is_some_and(is_plain)).map(|(key, _)| {
            format!("{key} is plain http: the provider's key crosses the network in the clear; use https")
        }));
        warnings
    }

    /// The route on which the chosen provider cannot be heard, and the key that it lacks.
    fn deaf(&self) -> Option<(&'static str, &'static str)> {
        match self.provider {
            PaymentProvider::Stripe if self.stripe.webhook_secrets.is_empty() => {
                Some(("/api/v1/billing/webhooks/stripe", "billing.stripe.webhook_secrets"))
            }
            PaymentProvider::Lago if self.lago.is_deaf() => {
                Some(("/api/v1/webhooks/lago", "billing.lago.webhook_secret"))
            }
            PaymentProvider::Stripe | PaymentProvider::Lago | PaymentProvider::Manual => None,
        }
    }
}

/// `https`, `http`, or nothing of the web.
fn scheme(url: &str) -> String {
    url.parse::<Uri>().ok().and_then(|url| url.scheme_str().map(str::to_owned)).unwrap_or_default()
}

fn require_address(problems: &mut Problems, key: &str, url: Option<&str>) {
    let good = |url: &str| {
        let plain = |it: Uri| it.authority().is_some_and(|place| !place.as_str().contains('@')) && it.query().is_none();
        matches!(&*scheme(url), "https" | "http") && url.parse().is_ok_and(plain)
    };
    problems.require(
        url.is_none_or(good),
        &format!("{key} must look like https://billing.example.com, without a user, a password or a query"),
    );
}

/// Whether somebody between us and this address could read what we send.
fn is_plain(url: &str) -> bool {
    let host = url.parse::<Uri>().ok().and_then(|url| url.host().map(|host| host.trim_matches(['[', ']']).to_owned()));
    let here = |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    scheme(url) == "http" && !host.as_deref().is_some_and(here)
}

#[cfg(test)]
mod tests;
