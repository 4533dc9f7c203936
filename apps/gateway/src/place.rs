//! Where this server stands: which addresses reach it, and whether they are safe.

use std::net::{IpAddr, SocketAddr};

use http_api::Site;

use crate::config::Config;
use crate::failure::Failure;

/// Refuses to be reached by other machines without TLS, here or at a proxy in front of us.
pub(crate) fn guard(config: &Config, insecure_dev: bool) -> Result<(), Failure> {
    let server = &config.server;
    let listen = server.listen;
    let reachable = !listen.ip().to_canonical().is_loopback();
    let safe = server.tls().is_some() || !server.trusted_proxies.is_empty();
    if reachable && !safe && !insecure_dev {
        return Err(Failure::Usage(format!(
            "server.listen = {listen} can be reached from other machines without TLS: set server.tls_cert and server.tls_key, or \
             name the proxy with TLS in front of it in server.trusted_proxies, or pass --insecure-dev on a network you trust"
        )));
    }
    if listen.ip().is_unspecified() && safe && server.public_url.is_none() {
        return Err(Failure::Usage(format!(
            "server.listen = {listen} does not say how people reach this server: set server.public_url, such as https://ops.example.com"
        )));
    }
    Ok(())
}

/// What the routes must know of the place, once the port is known.
pub(crate) fn site(config: &Config, bound: SocketAddr) -> Site {
    let server = &config.server;
    let tls = server.tls().is_some();
    let scheme = if tls { "https" } else { "http" };
    let public_url = server.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", reachable(bound)));
    let mut origins = vec![public_url.clone()];
    if server.public_url.is_none() && (bound.ip().is_loopback() || bound.ip().is_unspecified()) {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        origins.extend(names.iter().map(|name| format!("{scheme}://{name}:{}", bound.port())));
    }
    origins.dedup();
    Site {
        secure: tls || public_url.starts_with("https://") || !server.trusted_proxies.is_empty(),
        public_url,
        origins,
        trusted_proxies: server.trusted_proxies.clone(),
        deadline: server.deadline,
        version: env!("CARGO_PKG_VERSION"),
        environment: config.environment,
    }
}

/// An address that a browser on this machine can open.
fn reachable(bound: SocketAddr) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("localhost:{}", bound.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => bound.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let pairs = pairs.iter().map(|(key, value)| (format!("OPS_CENTER__SERVER__{key}"), (*value).to_owned()));
        Config::load(&Sources::of_variables(pairs)).expect("a configuration")
    }

    #[test]
    fn another_machine_gets_in_over_tls_only() {
        for loopback in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            guard(&config(&[("LISTEN", loopback)]), false).expect(loopback);
        }
        for open in ["0.0.0.0:1", "192.0.2.1:1", "[::]:1", "[2001:db8::1]:1"] {
            let refused = guard(&config(&[("LISTEN", open)]), false).expect_err(open).to_string();
            for way in ["server.tls_cert", "server.trusted_proxies", "--insecure-dev"] {
                assert!(refused.contains(way), "{refused}");
            }
            guard(&config(&[("LISTEN", open)]), true).expect(open);
            guard(&config(&[("LISTEN", open), ("TRUSTED_PROXIES", "10.0.0.1"), ("PUBLIC_URL", "https://a.b")]), false)
                .expect(open);
        }
        let nameless = config(&[("LISTEN", "0.0.0.0:1"), ("TRUSTED_PROXIES", "10.0.0.1")]);
        assert!(guard(&nameless, false).expect_err("no name").to_string().contains("server.public_url"));
    }

    #[test]
    fn plain_cookies_are_for_loopback_only() {
        let bound = "127.0.0.1:8084".parse().expect("an address");
        let plain = site(&config(&[]), bound);
        assert!(!plain.secure);
        assert_eq!(plain.origins, ["http://127.0.0.1:8084", "http://localhost:8084", "http://[::1]:8084"]);
        let named = site(&config(&[("PUBLIC_URL", "https://ops.example")]), bound);
        assert!(named.secure && named.origins.contains(&"https://ops.example".to_owned()));
        assert!(site(&config(&[("TRUSTED_PROXIES", "127.0.0.1")]), bound).secure);
        assert!(site(&config(&[("TLS_CERT", "c"), ("TLS_KEY", "k")]), bound).public_url.starts_with("https://"));
        let open = "0.0.0.0:80".parse().expect("an address");
        assert_eq!(site(&config(&[("LISTEN", "0.0.0.0:80")]), open).public_url, "http://localhost:80");
    }
}
