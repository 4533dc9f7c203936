//! Whether a request with our cookie was meant by the user's own pages (OWASP CSRF prevention cheat sheet: Fetch Metadata first, then
//! `Origin`, then a token in a header; never a cookie).

/// The headers that the decision reads; `None` is an absent header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// `Sec-Fetch-Site` (Fetch Metadata).
    pub fetch_site: Option<&'a [u8]>,
    /// `Origin` (RFC 6454).
    pub origin: Option<&'a [u8]>,
    /// Whether `X-CSRF-Token`, or a form's hidden field, carries the token of this session.
    pub token_matches: bool,
}

/// Whether an unsafe request passes. `ours` are the origins that serve our pages: `scheme://host[:port]`, lower case.
pub fn passes(evidence: Evidence<'_>, ours: &[String]) -> bool {
    match (evidence.fetch_site, evidence.origin) {
        (Some(site), _) => site == b"same-origin",
        (None, Some(origin)) => is_ours(origin, ours),
        (None, None) => evidence.token_matches,
    }
}

/// Whether a request without a session may start one: everything but a page of somebody else's. A program that is no browser sends
/// neither header and has no user to trick.
pub fn may_sign_in(evidence: Evidence<'_>, ours: &[String]) -> bool {
    match (evidence.fetch_site, evidence.origin) {
        (Some(site), _) => site == b"same-origin" || site == b"none",
        (None, Some(origin)) => is_ours(origin, ours),
        (None, None) => true,
    }
}

fn is_ours(origin: &[u8], ours: &[String]) -> bool {
    ours.iter().any(|known| known.as_bytes() == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_header_that_is_there_decides() {
        let ours = ["https://ops.example".to_owned()];
        let case = |site: Option<&'static str>, origin: Option<&'static str>, token| {
            passes(
                Evidence {
                    fetch_site: site.map(str::as_bytes),
                    origin: origin.map(str::as_bytes),
                    token_matches: token,
                },
                &ours,
            )
        };
        let own = Some("https://ops.example");
        for (site, origin, token, expected) in [
            (Some("same-origin"), None, false, true),
            (Some("same-origin"), Some("https://evil.example"), false, true),
            (Some("same-site"), own, true, false),
            (Some("cross-site"), own, true, false),
            (Some("none"), own, true, false),
            (Some("Same-Origin"), own, true, false),
            (Some(""), own, true, false),
            (None, own, false, true),
            (None, Some("https://ops.example:443"), true, false),
            (None, Some("http://ops.example"), true, false),
            (None, Some("https://ops.example.evil"), true, false),
            (None, Some("null"), true, false),
            (None, Some(""), true, false),
            (None, None, true, true),
            (None, None, false, false),
        ] {
            assert_eq!(case(site, origin, token), expected, "{site:?} {origin:?} {token}");
        }
    }

    #[test]
    fn a_stranger_may_sign_in_unless_a_foreign_page_sent_them() {
        let ours = ["https://ops.example".to_owned()];
        let case = |site: Option<&'static [u8]>, origin: Option<&'static [u8]>| {
            may_sign_in(Evidence { fetch_site: site, origin, token_matches: false }, &ours)
        };
        assert!(case(None, None));
        assert!(case(Some(b"same-origin"), None));
        assert!(case(Some(b"none"), None));
        assert!(case(None, Some(b"https://ops.example")));
        assert!(!case(Some(b"cross-site"), Some(b"https://ops.example")));
        assert!(!case(None, Some(b"null")));
        assert!(!case(None, Some(b"https://evil.example")));
    }
}
