//! Reads a mail as its receiver does: as much of RFC 5322, 2045 and 2047 as our own mails use.

use std::fmt::Write;

use org_core::testing::Delivered;

/// A mail, taken apart.
pub(crate) struct Mail {
    /// Unfolded and decoded, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) plain: String,
    pub(crate) html: String,
}

impl Mail {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let raw = std::str::from_utf8(raw).unwrap();
        assert!(raw.is_ascii(), "only ASCII crosses the wire");
        assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF");
        assert!(raw.lines().all(|line| line.len() <= 998), "no line is too long (RFC 5322, 2.1.1)");
        let (headers, body) = part(raw);
        let kind = header(&headers, "Content-Type");
        assert!(kind.starts_with("multipart/alternative;"), "{kind}");
        let boundary = kind.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 4, "two parts between the first and the last delimiter");
        let read = |text: &str, media: &str| {
            let (headers, body) = part(text.strip_prefix("\r\n").unwrap());
            assert!(header(&headers, "Content-Type").starts_with(media));
            decoded(&headers, body.strip_suffix("\r\n").unwrap())
        };
        let (plain, html) = (read(parts[1], "text/plain"), read(parts[2], "text/html"));
        Self { headers, plain: plain.replace("\r\n", "\n"), html: html.replace("\r\n", "\n") }
    }

    pub(crate) fn header(&self, name: &str) -> String {
        header(&self.headers, name)
    }

    /// As the contract wants to see it.
    pub(crate) fn delivered(&self, recipients: Vec<String>) -> Delivered {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Delivered { recipients, headers, text: self.plain.clone() }
    }

    pub(crate) fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// A mail of one part: its headers, and its text.
pub(crate) fn single(raw: &[u8]) -> (Vec<(String, String)>, String) {
    let raw = std::str::from_utf8(raw).unwrap();
    assert!(raw.is_ascii(), "only ASCII crosses the wire");
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF");
    let (headers, body) = part(raw);
    let text = decoded(&headers, body);
    (headers, text.replace("\r\n", "\n"))
}

fn decoded(headers: &[(String, String)], body: &str) -> String {
    match header(headers, "Content-Transfer-Encoding").as_str() {
        "7bit" => body.to_owned(),
        "quoted-printable" => quoted_printable(&body.replace("=\r\n", ""), '='),
        "base64" => base64(&body.replace("\r\n", "")),
        other => panic!("unknown encoding {other}"),
    }
}

fn header(headers: &[(String, String)], wanted: &str) -> String {
    let found: Vec<&String> = headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect();
    assert_eq!(found.len(), 1, "exactly one {wanted}");
    found[0].clone()
}

fn part(text: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let headers = unfolded.split("\r\n").map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), encoded_words(value))
    });
    (headers.collect(), body)
}

/// RFC 2047: UTF-8 in base64 or Q; the space between two encoded words is not part of the text.
fn encoded_words(value: &str) -> String {
    let mut text = String::new();
    let mut after_word = false;
    for piece in value.split(' ') {
        let word = piece.strip_prefix("=?utf-8?").and_then(|rest| rest.strip_suffix("?="));
        if !(text.is_empty() || after_word && word.is_some()) {
            text.push(' ');
        }
        after_word = word.is_some();
        match word.map(|word| word.split_at(2)) {
            Some(("b?", data)) => text.push_str(&base64(data)),
            Some(("Q?" | "q?", data)) => text.push_str(&quoted_printable(&data.replace('_', " "), '=')),
            Some((other, _)) => panic!("unknown encoding {other}"),
            None => text.push_str(piece),
        }
    }
    text
}

fn quoted_printable(text: &str, escape: char) -> String {
    let mut pieces = text.split(escape);
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = String::new();
    for byte in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|&known| known == byte).unwrap();
        write!(bits, "{value:06b}").unwrap();
    }
    let bytes =
        bits.as_bytes().chunks_exact(8).map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}
