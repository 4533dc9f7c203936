//! Where the browser goes after it was at a payment provider: an address of this installation and no other (CWE-601).

use actix_web::HttpRequest;
use actix_web::dev::Payload;

use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;
use crate::site::Site;

/// The longest address, in bytes.
const MAX: usize = 2048;

/// The addresses of this installation.
pub(in crate::routes) struct Home {
    /// Every origin of ours.
    origins: Vec<String>,
    /// The one that paths belong to: the console that asks, else where people reach us.
    base: String,
}

/// The address is none of this installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a path that begins with one '/', or an address of this site, of at most {MAX} visible characters")]
pub(in crate::routes) struct Elsewhere;

impl Home {
    fn of(site: &Site, origin: Option<&str>) -> Self {
        let console = site.origins.iter().find(|ours| origin.is_some_and(|origin| origin.eq_ignore_ascii_case(ours)));
        let origins = site.origins.iter().chain([&site.public_url]).cloned().collect();
        Self { origins, base: console.unwrap_or(&site.public_url).clone() }
    }

    /// A path of ours as an address.
    pub(super) fn usual(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// An address that somebody asked for, or the usual one.
    pub(super) fn url(&self, asked: Option<String>, usual: &str) -> Result<String, Elsewhere> {
        let Some(asked) = asked else { return Ok(self.usual(usual)) };
        // A browser takes `\` for `/` and drops tabs and line breaks.
        let visible = asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !visible || asked.len() > MAX {
            return Err(Elsewhere);
        }
        if asked.starts_with('/') && !asked.starts_with("//") {
            return Ok(self.usual(&asked));
        }
        let ours = self.origins.iter().find_map(|origin| {
            let (head, rest) = asked.split_at_checked(origin.len())?;
            // What follows an origin's last character must not make it another one: `https://ops.example.evil.org`, `…example@evil`.
            let ends = rest.is_empty() || rest.starts_with(['/', '?', '#']);
            (head.eq_ignore_ascii_case(origin) && ends).then(|| format!("{origin}{rest}"))
        });
        ours.ok_or(Elsewhere)
    }
}

impl Argument for Home {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let origin = request.headers().get("Origin").and_then(|value| value.to_str().ok());
        let site = data::<Site>(request)?;
        Ok(Self::of(&site, origin))
    }
    fn describe(_: &mut Doc) {}
}

#[cfg(test)]
pub(in crate::routes::billing) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::site::Environment;

    pub(in crate::routes::billing) fn home(origin: Option<&str>) -> Home {
        let site = Site {
            public_url: "https://ops.example".to_owned(),
            origins: vec!["https://ops.example".to_owned(), "https://console.example:8443".to_owned()],
            secure: true,
            trusted_proxies: Vec::new(),
            deadline: Duration::from_secs(30),
            version: "test",
            environment: Environment::Production,
        };
        Home::of(&site, origin)
    }

    fn url(asked: &str) -> Result<String, Elsewhere> {
        home(None).url(Some(asked.to_owned()), "/billing")
    }

    #[test]
    fn addresses_of_this_site_are_honoured() {
        for (asked, wanted) in [
            ("/", "https://ops.example/"),
            ("/done?session_id={CHECKOUT_SESSION_ID}", "https://ops.example/done?session_id={CHECKOUT_SESSION_ID}"),
            ("/a?next=https://evil.example//b", "https://ops.example/a?next=https://evil.example//b"),
            ("https://ops.example", "https://ops.example"),
            ("HTTPS://OPS.example/a", "https://ops.example/a"),
            ("https://ops.example?a#b", "https://ops.example?a#b"),
            ("https://console.example:8443/a", "https://console.example:8443/a"),
        ] {
            assert_eq!(url(asked).as_deref(), Ok(wanted));
        }
    }

    #[test]
    fn every_other_address_is_refused() {
        let long = format!("/{}", "a".repeat(MAX));
        for asked in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\r\nb",
            "/a b",
            "/\u{0}",
            "/ä",
            " https://ops.example/",
            "https://evil.example/",
            "http://ops.example/",
            "https://ops.example.evil.org/",
            "https://ops.example@evil.org/",
            "https://ops.example:444/",
            "https://ops.example\\@evil.org",
            "https://console.example/",
            "https:/ops.example",
            "https:ops.example",
            "javascript:alert(1)",
            "data:text/html,x",
            long.as_str(),
        ] {
            assert_eq!(url(asked), Err(Elsewhere), "{asked:?}");
        }
    }

    #[test]
    fn a_path_belongs_to_the_console_that_asks_for_it() {
        for (origin, wanted) in [
            (None, "https://ops.example/billing"),
            (Some("https://console.example:8443"), "https://console.example:8443/billing"),
            (Some("https://evil.example"), "https://ops.example/billing"),
            (Some("null"), "https://ops.example/billing"),
        ] {
            assert_eq!(home(origin).url(None, "/billing").as_deref(), Ok(wanted));
            assert_eq!(home(origin).url(Some("/billing".to_owned()), "/x").as_deref(), Ok(wanted));
        }
    }
}
