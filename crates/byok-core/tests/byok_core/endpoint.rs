//! Addresses that customers name: one spelling, and none that hides where it leads.

use byok_core::{BadEndpoint, Endpoint};
use proptest::prelude::*;
use url::Url;

fn parsed(text: &str) -> Result<String, BadEndpoint> {
    Endpoint::parse(text).map(|endpoint| endpoint.as_str().to_owned())
}

#[test]
fn one_address_has_one_spelling() {
    for (written, kept) in [
        ("https://models.example.com", "https://models.example.com"),
        ("https://models.example.com/", "https://models.example.com"),
        ("https://models.example.com/v1/", "https://models.example.com/v1"),
        ("https://models.example.com/v1///", "https://models.example.com/v1"),
        ("HTTPS://MODELS.Example.COM:443/V1", "https://models.example.com/V1"),
        ("https://models.example.com:8443/a/b:c;d=(e)/%7Ef", "https://models.example.com:8443/a/b:c;d=(e)/%7Ef"),
        ("https://XN--Bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://10.0.0.7:11434", "http://10.0.0.7:11434"),
        ("http://example.com:80/v1", "http://example.com/v1"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://my_ollama:11434/v1", "https://my_ollama:11434/v1"),
        ("https://127.0.0.1/", "https://127.0.0.1"),
        ("https://[::1]/", "https://[::1]"),
        ("https://[0:0:0:0:0:FFFF:127.0.0.1]/", "https://[::ffff:7f00:1]"),
        ("https://[::ffff:0.0.0.0]", "https://[::ffff:0:0]"),
        ("https://[::127.0.0.1]:8443", "https://[::7f00:1]:8443"),
        ("https://[2001:DB8:0:0:1:0:0:1]", "https://[2001:db8::1:0:0:1]"),
        ("https://localhost", "https://localhost"),
        ("https://3com.example", "https://3com.example"),
        ("https://1.2.3.4.example", "https://1.2.3.4.example"),
        ("https://example.com/a/.../b/.c", "https://example.com/a/.../b/.c"),
    ] {
        assert_eq!(parsed(written).as_deref(), Ok(kept), "{written}");
        assert_eq!(parsed(kept).as_deref(), Ok(kept), "{kept}: as it is kept, it reads back");
        assert_eq!(as_clients_read(kept), kept, "and so a client reads it");
    }
}

/// What a client that follows the WHATWG URL standard makes of it.
fn as_clients_read(text: &str) -> String {
    Url::parse(text).unwrap().as_str().trim_end_matches('/').to_owned()
}

/// No URL, or one that could be read in two ways.
const NO_URL: &[&str] = &[
    "",
    "models.example.com",
    "//models.example.com",
    "/v1",
    "1https://example.com",
    ":443",
    "https:",
    "https://",
    "https:///v1",
    "https:///models.example.com",
    "https:models.example.com",
    "https:/models.example.com",
    "https://:443",
    "https://.",
    "https://..",
    "https://example..com",
    "https://.example.com",
    "https://localhost.",
    "https://-a.example",
    "https://a-.example",
    "https://exa mple.com",
    " https://example.com",
    "https://example.com\n",
    "https://example.com\r\nHost: x",
    "https://exam\tple.com",
    "https://example.com\0",
    "https://example.com\\@evil.example",
    "https:\\\\example.com",
    "https://example.com:",
    "https://example.com:0",
    "https://example.com:+443",
    "https://example.com:0443",
    "https://example.com:0x50",
    "https://example.com:65536",
    "https://example.com:443:443",
    "https://[::1",
    "https://::1",
    "https://[::1]443",
    "https://[::g]",
    "https://[127.0.0.1]",
    "https://[fe80::1%25eth0]/",
    "https://256.256.256.256",
    "https://1.2.3.4.5",
    "https://127.0.0.1.",
    "https://127.1",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0x7f000001",
    "https://127.0.0.0x1",
    "https://0177.0.0.1/",
    "https://example.0xg",
    "https://①②⑦.0.0.1/",
    "https://１２７.0.0.1",
    "https://127。0。0。1",
    "https://bücher.example",
    "https://exa%6dple.com",
    "https://exa%00mple.com",
    "https://example.com/ä",
    "https://example.com/a b",
    "https://example.com/<a>",
    "https://example.com/a|b",
    "https://example.com/%",
    "https://example.com/%0",
    "https://example.com/%zz",
    "https://example.com/.",
    "https://example.com/a/../b",
    "https://example.com/a/%2e%2E/b",
    "https://example.com/a/.%2e",
    "https://example.com/%2E/b",
];

/// Spoken otherwise.
const OTHER_SCHEMES: &[&str] = &[
    "ftp://example.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://example.com",
    "unix:/var/run/docker.sock",
    "jar:https://example.com!/",
    "localhost:8080",
    "httpss://example.com",
];

/// For somebody.
const WITH_CREDENTIALS: &[&str] = &[
    "https://user@example.com",
    "https://user:password@example.com",
    "https://:password@example.com",
    "https://@example.com",
    "https://example.com/@evil.example",
    "https:user@example.com",
];

/// With something behind the path.
const WITH_TAIL: &[&str] = &[
    "https://example.com?key=1",
    "https://example.com/v1?",
    "https://example.com/v1#top",
    "https://example.com#",
    "https://127.0.0.1?.example.com",
];

#[test]
fn what_could_mislead_is_refused() {
    use BadEndpoint::{Credentials, NotAUrl, Scheme, Tail};
    let long = format!("https://example.com/{}", "a".repeat(Endpoint::MAX));
    let (label, name) = (format!("https://{}.example", "a".repeat(64)), format!("https://{}a", "a.".repeat(127)));
    for (why, texts) in [
        (NotAUrl, NO_URL),
        (NotAUrl, &[&long, &label, &name]),
        (Scheme, OTHER_SCHEMES),
        (Credentials, WITH_CREDENTIALS),
        (Tail, WITH_TAIL),
    ] {
        for text in texts {
            assert_eq!(parsed(text), Err(why), "{text:?}");
        }
    }
}

#[test]
fn paths_go_below_it() {
    for (endpoint, address) in [
        ("https://example.com", "https://example.com/models"),
        ("https://example.com/v1/", "https://example.com/v1/models"),
    ] {
        assert_eq!(Endpoint::parse(endpoint).unwrap().below("/models"), address);
    }
    assert!(Endpoint::parse("HTTP://example.com").unwrap().is_plain());
    assert!(!Endpoint::parse("HTTPS://example.com/http:").unwrap().is_plain());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What is kept has one meaning: a client reads the very same host, port and path.
    #[test]
    fn what_is_kept_is_what_clients_read(text in prop_oneof![
        "[hH]ttps?:(//)?[\\[\\]a-z0-9A-FxX:._%-]{1,16}(:[0-9]{1,5})?(/[ -~]{0,6}){0,3}",
        "https?://([0-9]{1,3}\\.){1,4}[0-9x]{0,3}(:[0-9]{1,5})?/?",
        "https://\\[[0-9a-fA-F:.]{1,20}\\](:443)?",
        "https://[a-z]{1,3}(/(\\.|%2[eE]|%|[a-z])*){1,3}",
        "\\PC{0,30}",
    ]) {
        if let Ok(kept) = parsed(&text) {
            prop_assert_eq!(parsed(&kept), Ok(kept.clone()), "{}", text);
            prop_assert!(kept.is_ascii() && kept.len() <= Endpoint::MAX && !kept.ends_with('/'));
            // Whether "xn--" is followed by good Punycode is for whoever looks the name up.
            if !kept.contains("xn--") {
                prop_assert_eq!(&as_clients_read(&kept), &kept, "{}", text);
            }
            let read = Url::parse(&text).map(|url| url.as_str().trim_end_matches('/').to_owned());
            prop_assert!(kept.contains("xn--") || read.as_ref() == Ok(&kept), "{} is read as {:?}", text, read);
        }
    }

    /// A reader of any address that has one.
    #[test]
    fn addresses(v4: std::net::Ipv4Addr, v6: std::net::Ipv6Addr, mapped: std::net::Ipv4Addr, zeros: u8) {
        let segments = v6.segments();
        let sparse = std::array::from_fn(|n| if zeros >> n & 1 == 1 { 0 } else { segments[n] });
        for v6 in [v6, mapped.to_ipv6_mapped(), std::net::Ipv6Addr::from(sparse)] {
            let text = format!("https://[{v6}]:8443/v1");
            prop_assert_eq!(parsed(&text), Ok(as_clients_read(&text)));
        }
        let text = format!("http://{v4}");
        prop_assert_eq!(parsed(&text), Ok(text));
    }
}
