use std::fmt;

/// Where to go after signing in: a path of this site, never another site's address (CWE-601).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReturnTo(String);

impl ReturnTo {
    /// The longest path that is honoured, in bytes.
    const MAX: usize = 2048;

    /// The account page.
    pub(super) fn home() -> Self {
        Self("/".to_owned())
    }

    /// Reads what a link or form asked for; whatever is not a path of this site becomes the account page.
    pub(super) fn parse(asked: &str) -> Self {
        // A browser takes `\` for `/` and drops tabs and line breaks, so `/\host` and `/<tab>/host` would be another site.
        let visible = asked.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let path = asked.split(['?', '#']).next().unwrap_or_default();
        let ours = path.starts_with('/') && !path.contains("//");
        if visible && ours && asked.len() <= Self::MAX { Self(asked.to_owned()) } else { Self::home() }
    }

    /// The path.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_are_honoured() {
        for path in
            ["/", "/docs/", "/invitations/accept?token=abc_-", "/a?next=https://b.example//c", "/a#b", "/%2F%2Fx"]
        {
            assert_eq!(ReturnTo::parse(path).as_str(), path);
        }
    }

    #[test]
    fn everything_else_leads_home() {
        let long = format!("/{}", "a".repeat(ReturnTo::MAX));
        for asked in [
            "",
            "sign-in",
            "?a",
            "#a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/a\\..\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "\t//evil.example",
            " //evil.example",
            " /a",
            "/a b",
            "/\u{0}",
            "/\u{7f}",
            "/\u{85}/evil.example",
            "/\u{2028}/evil.example",
            "/\u{ff0f}evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "https://evil.example",
            "https:/evil.example",
            "https:evil.example",
            "http:///evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example/",
            "@evil.example",
            long.as_str(),
        ] {
            assert_eq!(ReturnTo::parse(asked), ReturnTo::home(), "{asked:?}");
        }
    }
}
