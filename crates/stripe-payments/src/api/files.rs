use reqwest::Url;
use tokio::time::timeout;

use super::client::{Api, whole};
use super::failure::{Complaint, Failure};

/// The largest document that is fetched.
const DOCUMENT: usize = 10 * 1024 * 1024;

/// Whether documents may come from there: from Stripe, or from what stands in its place.
pub(super) fn is_theirs(base: &Url, url: &Url) -> bool {
    let stripe = url.host_str().is_some_and(|host| host == "stripe.com" || host.ends_with(".stripe.com"));
    url.origin() == base.origin() || stripe && url.scheme() == "https" && url.port().is_none()
}

impl Api {
    /// A PDF from the address that Stripe gave for it. The key is not shown there.
    pub(crate) async fn document(&self, address: &str) -> Result<Vec<u8>, Failure> {
        let url = Url::parse(address).map_err(|error| Failure::Nonsense(error.to_string()))?;
        if !is_theirs(&self.base, &url) {
            return Err(Failure::Nonsense("the document is somewhere else".to_owned()));
        }
        let fetch = async {
            let response =
                self.files.get(url).send().await.map_err(|error| Failure::Unreachable(error.without_url()))?;
            let status = response.status();
            let body = whole(response, DOCUMENT).await?;
            if !status.is_success() {
                return Err(Failure::Said(Box::new(Complaint::read(status.as_u16(), None, "-", &[]))));
            }
            if !body.starts_with(b"%PDF-") {
                return Err(Failure::Nonsense("the document is no PDF".to_owned()));
            }
            Ok(body)
        };
        let whole = self.options.call_timeout;
        timeout(whole, fetch).await.unwrap_or(Err(Failure::Late(whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_come_from_stripe_only() {
        let theirs = |base: &str, url: &str| is_theirs(&Url::parse(base).unwrap(), &Url::parse(url).unwrap());
        let stripe = "https://api.stripe.com/";
        assert!(theirs(stripe, "https://pay.stripe.com/invoice/acct_1/x/pdf?s=ap"));
        assert!(theirs(stripe, "https://files.stripe.com/x"));
        for bad in [
            "http://pay.stripe.com/x",
            "https://stripe.com.evil.test/x",
            "https://evilstripe.com/x",
            "https://pay.stripe.com:8443/",
            "http://169.254.169.254/",
            "file:///etc/passwd",
        ] {
            assert!(!theirs(stripe, bad), "{bad}");
        }
        assert!(theirs("http://127.0.0.1:1/", "http://127.0.0.1:1/pdf"));
        assert!(!theirs("http://127.0.0.1:1/", "http://127.0.0.1:2/pdf"));
    }
}
