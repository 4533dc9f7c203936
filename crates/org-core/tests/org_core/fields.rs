//! What an organization's fields hold, and what they refuse.

use std::fmt::Debug;

use kernel::{PlatformRole, Role};
use org_core::{
    AllowedDomain, Color, DateFormat, FieldError, OrgName, OrgStatus, Slug, Theme, TimeFormat, WebUrl, policy,
};

fn refused<T: Debug>(read: impl Fn(&str) -> Result<T, FieldError>, values: &[&str]) {
    for value in values {
        assert!(read(value).is_err(), "{value:?}: {:?}", read(value));
    }
}

#[test]
fn only_the_names_of_roles_are_roles() {
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    for text in [
        "",
        " ",
        "OWNER",
        "Owner",
        "oWner",
        "owner ",
        " owner",
        "owner\n",
        "owner\0",
        "\"owner\"",
        "['owner']",
        "[\"owner\"]",
        "{\"role\":\"owner\"}",
        "null",
        "true",
        "0",
        "1",
        "-1",
        "superuser",
        "root",
        "administrator",
        "billing-admin",
        "billingadmin",
        "billing admin",
        "BillingAdmin",
        "BILLING_ADMIN",
        "members",
        "guest",
        "viewer",
        "user",
        "ｏwner",
        "οwner",
        "оwner",
        "owner\u{200b}",
        "\u{feff}owner",
        "ownеr",
        "owner,admin",
        "owner;admin",
        "owner%00",
        "' OR '1'='1",
        "admin--",
        "ADMIN",
        "adm\u{131}n",
        "member\u{301}",
    ] {
        assert!(text.parse::<Role>().is_err(), "{text:?}");
    }
    for text in ["owner", "member", "Admin", "superuser", "", "null"] {
        assert!(text.parse::<PlatformRole>().is_err(), "{text:?}");
    }
}

#[test]
fn names_and_slugs() {
    assert_eq!(OrgName::parse("  Acme GmbH ").unwrap().as_str(), "Acme GmbH");
    assert!(OrgName::parse(&"ä".repeat(100)).is_ok());
    refused(OrgName::parse, &["", "   ", "\n", &"a".repeat(101), "a\0b", "a\u{1b}[31mb"]);
    for good in ["ab", "a1", "acme-gmbh", &"a".repeat(63), "1-2"] {
        assert_eq!(Slug::parse(good).unwrap().as_str(), good);
    }
    refused(
        Slug::parse,
        &["", "a", "-a", "a-", "Acme", "a b", "a_b", "a.b", "ä1", "a/b", "..", &"a".repeat(64), "a\nb"],
    );
}

#[test]
fn addresses_colors_and_domains() {
    for good in ["https://example.com", "http://example.com:8080/a?b=c#d", "https://bücher.example/ä"] {
        assert_eq!(WebUrl::parse(good).unwrap().as_str(), good);
    }
    refused(
        WebUrl::parse,
        &[
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "https://",
            "https:///path",
            "https://user@example.com",
            "https://user:pass@example.com",
            "https://exa mple.com",
            "https://example.com/<script>",
            "https://example.com/\"x",
            "https://example.com/\nX",
            "https://example.com\\@evil.example",
            " javascript:alert(1)",
            &format!("https://example.com/{}", "a".repeat(2048)),
        ],
    );
    assert_eq!(Color::parse(" #AbCdEf ").unwrap().as_str(), "#abcdef");
    refused(Color::parse, &["", "#", "#abc", "abcdef", "#abcdeg", "#abcdef0", "red", "#äbcde", "url(x)", "#abcdef;"]);
    assert_eq!(AllowedDomain::parse("@Bücher.Example").unwrap().as_str(), "xn--bcher-kva.example");
    refused(
        AllowedDomain::parse,
        &["", "@", "localhost", "a@b.example", "exa mple.com", "*.example.com", "example..com", ".com"],
    );
}

#[test]
fn choices_have_one_spelling() {
    for value in ["light", "dark", "auto"] {
        assert_eq!(Theme::parse(value).unwrap().as_str(), value);
    }
    for value in ["YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY"] {
        assert_eq!(DateFormat::parse(value).unwrap().as_str(), value);
    }
    for value in ["24h", "12h"] {
        assert_eq!(TimeFormat::parse(value).unwrap().as_str(), value);
    }
    for status in [OrgStatus::Active, OrgStatus::Suspended, OrgStatus::Deleted] {
        assert_eq!(status.as_str().parse(), Ok(status));
    }
    refused(Theme::parse, &["", "Light", "dark ", "blue"]);
    refused(DateFormat::parse, &["", "yyyy-mm-dd", "YYYY"]);
    refused(TimeFormat::parse, &["", "24", "24H"]);
    refused(str::parse::<OrgStatus>, &["", "Active", "gone", "null"]);
}

#[test]
fn languages_and_time_zones() {
    assert_eq!(policy::timezone(" Europe/Vienna ").unwrap(), "Europe/Vienna");
    refused(policy::timezone, &["", "Vienna", "europe/vienna", "UTC+1", "../etc/passwd", "Europe/Nowhere"]);
    assert_eq!(policy::language("DE-at").unwrap(), "de-AT");
    refused(policy::language, &["", "d", "deutsch!", "en_US", "-", "en-"]);
}
