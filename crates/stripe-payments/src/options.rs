use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// Where Stripe is.
const STRIPE: &str = "https://api.stripe.com/";

/// How Stripe is asked.
#[derive(Debug, Clone)]
pub struct StripeOptions {
    /// `sk_test_…`, `sk_live_…`, or a restricted key, `rk_…`.
    pub secret_key: SecretString,
    /// Another server in Stripe's place, such as `http://127.0.0.1:12111/`.
    pub base_url: Option<String>,
    /// `pk_…`, for browsers that add a card.
    pub publishable_key: Option<String>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a call may take in all, its retries included.
    pub call_timeout: Duration,
    /// How many requests may be on their way at once.
    pub in_flight: usize,
    /// How many requests are sent in a second; as many may be sent at once after a pause. Stripe takes 25 in a sandbox, 100 live.
    pub per_second: u32,
    /// How often a request is sent again that failed in a way that may pass.
    pub retries: u32,
    /// How long the first retry waits; each further one twice as long, with jitter.
    pub first_pause: Duration,
}

impl StripeOptions {
    /// Stripe itself with this key, and the limits that it asks for.
    pub fn new(secret_key: SecretString) -> Self {
        Self {
            secret_key,
            base_url: None,
            publishable_key: None,
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(10),
            in_flight: 20,
            per_second: 20,
            retries: 3,
            first_pause: Duration::from_millis(500),
        }
    }

    /// Whether the key moves real money.
    pub(crate) fn live(&self) -> Result<bool, BadOptions> {
        let key = self.secret_key.expose_secret();
        let starts = |kinds: [&str; 2]| kinds.iter().any(|kind| key.starts_with(kind));
        match (starts(["sk_live_", "rk_live_"]), starts(["sk_test_", "rk_test_"])) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(BadOptions::Key),
        }
    }

    /// Where requests go; ends in a slash.
    pub(crate) fn base(&self) -> Result<Url, BadOptions> {
        let mut text = self.base_url.clone().unwrap_or_else(|| STRIPE.to_owned());
        if !text.ends_with('/') {
            text.push('/');
        }
        let url = Url::parse(&text).map_err(|error| BadOptions::Url(error.to_string()))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if !self.live()? => Ok(url),
            "http" => Err(BadOptions::Plain),
            other => Err(BadOptions::Url(format!("{other} is no scheme of the web"))),
        }
    }
}

/// The options are of no use.
#[derive(Debug, thiserror::Error)]
pub enum BadOptions {
    /// The key is none.
    #[error("the Stripe secret key must begin with sk_test_, sk_live_, rk_test_ or rk_live_, and be visible ASCII")]
    Key,
    /// The address is none.
    #[error("the Stripe address is not a URL: {0}")]
    Url(String),
    /// A key of real money would travel unencrypted.
    #[error("a live Stripe key is only sent over https")]
    Plain,
    /// The client cannot be made.
    #[error("no client for Stripe can be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(key: &str, base: Option<&str>) -> StripeOptions {
        StripeOptions { base_url: base.map(str::to_owned), ..StripeOptions::new(key.into()) }
    }

    #[test]
    fn a_key_says_whether_the_money_is_real() {
        for (key, live) in [("sk_live_1", true), ("rk_live_1", true), ("sk_test_1", false), ("rk_test_1", false)] {
            assert_eq!(options(key, None).live().unwrap(), live, "{key}");
        }
        for key in ["", "pk_live_1", "whsec_1", "sk_1", " sk_test_1"] {
            assert!(matches!(options(key, None).live(), Err(BadOptions::Key)), "{key}");
        }
    }

    #[test]
    fn an_address_ends_in_a_slash_and_a_live_key_is_encrypted() {
        assert_eq!(options("sk_live_1", None).base().unwrap().as_str(), STRIPE);
        assert_eq!(options("sk_test_1", Some("http://h:1/x")).base().unwrap().as_str(), "http://h:1/x/");
        assert!(matches!(options("sk_live_1", Some("http://h")).base(), Err(BadOptions::Plain)));
        assert!(matches!(options("sk_test_1", Some("ftp://h")).base(), Err(BadOptions::Url(_))));
        assert!(matches!(options("sk_test_1", Some("nowhere")).base(), Err(BadOptions::Url(_))));
    }

    #[test]
    fn a_key_does_not_print() {
        assert!(!format!("{:?}", options("sk_test_secret", None)).contains("secret\""));
        assert!(!format!("{:?}", options("sk_test_42", None)).contains("42"));
    }
}
