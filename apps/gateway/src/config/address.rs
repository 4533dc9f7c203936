//! Addresses to listen on, as people type them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The port to propose where none was given: the default of `server.listen`.
const PORT: u16 = 8084;

/// The text is no address and port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an IP address and a port, such as 127.0.0.1:8084 or [::1]:8084{hint}")]
pub(crate) struct BadAddress {
    hint: String,
}

/// Reads an address and a port; the error names the form, and the nearest address that has it.
pub(crate) fn parse(text: &str) -> Result<SocketAddr, BadAddress> {
    let bad = || BadAddress { hint: nearest(text).map(|near| format!("; did you mean {near}?")).unwrap_or_default() };
    text.parse().ok().ok_or_else(bad)
}

/// What was probably meant: a port or an address alone, or this machine by its name.
fn nearest(text: &str) -> Option<SocketAddr> {
    if let Some(ip) = ip(text) {
        return Some(SocketAddr::new(ip, PORT));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host = if host.is_empty() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { ip(host)? };
    Some(SocketAddr::new(host, port.parse().ok()?))
}

fn ip(text: &str) -> Option<IpAddr> {
    if text == "localhost" {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_proposed() {
        for (typed, meant) in [
            ("8084", "127.0.0.1:8084"),
            (":9000", "127.0.0.1:9000"),
            ("localhost", "127.0.0.1:8084"),
            ("localhost:9000", "127.0.0.1:9000"),
            ("1.2.3.4", "1.2.3.4:8084"),
            ("::1", "[::1]:8084"),
            ("[::1]", "[::1]:8084"),
        ] {
            let said = parse(typed).expect_err(typed).to_string();
            assert!(said.contains("such as 127.0.0.1:8084"), "{typed}: {said}");
            assert!(said.ends_with(&format!("; did you mean {meant}?")), "{typed}: {said}");
            assert!(parse(meant).is_ok(), "{meant}");
        }
        for lost in ["", "nowhere", "ops.example.com:80", "70000", "127.0.0.1:http"] {
            assert_eq!(parse(lost), Err(BadAddress { hint: String::new() }), "{lost}");
        }
    }
}
