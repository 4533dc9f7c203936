//! Texts that have broken programs: JSON strings as they stand in a body, and the same for paths and queries.

/// A text to put where a string is expected.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    /// The JSON value, written by hand: some are no JSON at all.
    pub(super) json: String,
    /// The same percent-encoded; `None` where that makes no difference.
    pub(super) encoded: Option<String>,
}

/// Short texts, as they are.
const TEXTS: &[&str] = &[
    "", " ", "\t", "\n", "\r\n", "\u{b}", "\u{0}", "a\u{0}b", "\u{0}\u{0}\u{0}", "\u{1}", "\u{7f}", "\u{80}", "\u{85}", "\u{9f}", "\u{a0}",
    "\u{ad}", "\u{feff}", "\u{feff}text", "\u{fffe}", "\u{ffff}", "\u{10ffff}", "\u{e000}", "\u{fffd}", "\u{200b}", "\u{200c}", "\u{200d}",
    "\u{200e}", "\u{200f}", "\u{202a}", "\u{202e}gnp.exe", "\u{2028}", "\u{2029}", "\u{2060}", "\u{2066}x\u{2069}", "\u{300}", "e\u{301}",
    "Z\u{351}\u{36b}\u{343}a\u{357}\u{30d}l\u{358}g\u{310}o\u{300}", "ﷺ", "İstanbul", "ıi", "ß", "ẞ", "ſ", "ﬁ", "Ǆ", "ΑΣ", "ς", "Å", "Å",
    "ａｄｍｉｎ", "аdmin", "ⓐⓓⓜⓘⓝ", "𝐚𝐝𝐦𝐢𝐧", "admin\u{200b}", "מְבוּרָךְ", "العربية", "हिन्दी", "日本語", "한국어", "ไทย", "👍", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇦🇹", "1️⃣",
    "null", "NULL", "nil", "None", "undefined", "NaN", "Infinity", "-Infinity", "true", "false", "0", "-0", "-1", "1e400", "1e-400",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "0x7fffffff", "1.0", "1,000", "٣",
    "' OR '1'='1", "\" OR \"\"=\"", "'; DROP TABLE app_user; --", "1; SELECT pg_sleep(10)", "' UNION SELECT NULL--", "%' ESCAPE '\\", "%", "_",
    "%%", "\\", "\\\\", "\\'", "x'41'", "$1", "?1", ":name", "@@version", "/*", "--", "E'\\x00'", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "data:text/html,x", "<!--", "]]>", "<!ENTITY x>",
    "&lt;", "&#0;", "%s%s%s%n", "%d", "%00", "%0a", "%0d%0aSet-Cookie: a=b", "\r\nSet-Cookie: a=b", "\r\nBcc: x@y.example", "{0}", "{}", "{{}}",
    "../../../etc/passwd", "..\\..\\windows", "/etc/passwd", "file:///etc/passwd", "CON", "a/b", "//", ".", "..", "~", "|id", "`id`", "$(id)", ";id",
    "=1+1", "+1", "@SUM(1)",
];

/// Texts for fields that are read: addresses, ids, tags, zones, links, numbers, colors.
const SHAPED: &[&str] = &[
    "a@b", "@", "a@", "@b.example", "a@b.example@c.example", "a@b..example", "a@.example", "a@-b.example", "a b@c.example", "a@b.example\r\nBcc: c@d.example",
    "\"a\"@b.example", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@xn--.example", "a@xn--a.example", "a@ex\u{ad}ample.example", "a@ＥＸＡＭＰＬＥ.example", "ä@b.example",
    "a@b.example\u{0}", "\u{202e}a@b.example", "a@b.c.d.e.f.g.h.i.j.k.example", "A@B.EXAMPLE", "a+b@c.example", "<a@b.example>", "a@b.example,c@d.example",
    "usr_", "usr_0", "org_00000000-0000-0000-0000-000000000000", "usr_ffffffff-ffff-ffff-ffff-ffffffffffff", "USR_01890A5D-AC96-774B-BCCE-B302099A8057",
    "usr_01890a5dac96774bbcceb302099a8057", "usr_{01890a5d-ac96-774b-bcce-b302099a8057}", "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057", "org_", "inv_", "ses_",
    "ses_others", "others", "all", "ALL", "other", "00000000-0000-0000-0000-000000000000", "owner", "OWNER", "Owner", "owner ", " owner", "ｏwner", "superuser", "admin",
    "member,owner", "[\"owner\"]", "en", "en-", "-en", "en_US", "x-private", "i-klingon", "und", "zh-cmn-Hans-CN-x-a-b-c-d-e-f-g-h", "de-1996-1996", "en-a-b-a-b",
    "UTC", "Etc/GMT+99", "Europe/", "/Europe/Vienna", "europe/vienna", "Mars/Base", "../Europe/Vienna", "+44", "+00000000", "+4420794600001234567", "++442079460000",
    "+44 (0) 20 7946", "00442079460000", "#", "#fff", "#GGGGGG", "#1a73e8ff", "http://", "https://", "http:///", "http://[::1", "http://a b", "http://user:pw@h.example",
    "HTTPS://EXAMPLE.COM", "https://\u{0}.example", "https://a.example/\u{202e}", "ftp://a.example", "2026-13-40T99:99:99Z", "1970-01-01T00:00:00-99:99",
];

/// JSON that is no string, or no JSON.
const RAW: &[&str] = &[
    "null", "true", "false", "0", "-0", "-1", "1", "1.5", "1e2", "1e400", "-1e400", "1e-400", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616", "340282366920938463463374607431768211456", "0.1e1", "1E1", "00", "01", "+1", ".5", "5.",
    "0x10", "1_000", "NaN", "Infinity", "-Infinity", "undefined", "[]", "{}", "[null]", "[\"a\"]", "[[\"a\"]]", "{\"a\":1}", "{\"\":\"\"}", "{\"$gt\":\"\"}", "{\"$ne\":null}",
    "[{}]", "[1,2,3]", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"",
    "\"\\uDBFF\\uDFFF\"", "\"\\uFFFE\"", "\"\\u202e\"", "\"\\u001f\"", "\"\\b\\f\\n\\r\\t\"", "\"\\/\"", "\"\\x41\"", "\"\\a\"", "\"\\", "\"", "'a'", "a", "\"a\"\"b\"", "\"a\",", ",",
    "[", "{", "]", "}", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "// comment\n1", "/* */ 1", "\u{feff}\"a\"", "\"a\" x", "tru", "nul", "--1",
];

/// All of them: 400 and more.
pub(super) fn corpus() -> Vec<Payload> {
    let text = |text: &str| Payload { json: serde_json::Value::from(text).to_string(), encoded: Some(percent(text.as_bytes())) };
    let mut all: Vec<Payload> = TEXTS.iter().chain(SHAPED).map(|one| text(one)).collect();
    all.extend(RAW.iter().map(|raw| Payload { json: (*raw).to_owned(), encoded: None }));
    all.extend(long().iter().map(|one| text(one)));
    all.extend(deep().into_iter().map(|json| Payload { json, encoded: None }));
    all.extend(bytes().into_iter().map(|encoded| Payload { json: "\"\"".to_owned(), encoded: Some(encoded) }));
    all
}

/// Texts at and around lengths that matter.
fn long() -> Vec<String> {
    let mut all = Vec::new();
    for length in [2, 63, 64, 65, 100, 101, 200, 201, 253, 254, 255, 256, 500, 501, 1000, 1001, 2048, 2049, 4096, 32_000, 60_000] {
        all.push("a".repeat(length));
        all.push("é".repeat(length.min(30_000)));
    }
    for length in [63, 100, 254, 1000, 10_000] {
        all.push("e\u{301}".repeat(length));
        all.push("👍".repeat(length));
        all.push(format!("{}@example.test", "a".repeat(length)));
        all.push(format!("a@{}.test", "b".repeat(length)));
        all.push(format!("https://example.test/{}", "p".repeat(length)));
        all.push("../".repeat(length));
        all.push("%".repeat(length));
        all.push(" ".repeat(length));
    }
    all.push("ﷺ".repeat(1000));
    all.push("\u{0}".repeat(1000));
    all
}

/// What nests deeply or is too large for any body.
fn deep() -> Vec<String> {
    let mut all = Vec::new();
    for depth in [10, 127, 128, 129, 1000, 30_000, 100_000] {
        all.push("[".repeat(depth));
        all.push(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        all.push(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    }
    all.push(format!("\"{}\"", "x".repeat(1024 * 1024)));
    all.push("1".repeat(50_000));
    all.push(format!("0.{}1", "0".repeat(50_000)));
    all.push(format!("1e{}", "9".repeat(1000)));
    all
}

/// What percent-encoding can say and text cannot.
fn bytes() -> Vec<String> {
    ["%ff", "%fe%ff", "%c0%80", "%c0%ae", "%ed%a0%80", "%f5%80%80%80", "%80", "%e2%82", "%f0%9f%92", "%", "%2", "%zz", "%u0041", "+", "%2b", "%26a=b", "%3d", "a&b=c"]
        .map(str::to_owned)
        .to_vec()
}

fn percent(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    bytes.iter().map(|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
