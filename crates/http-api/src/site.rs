use std::net::IpAddr;
use std::time::Duration;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// What the routes must know of the place where they are served.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where people reach us, without a slash at the end: for links.
    pub public_url: String,
    /// The origins that serve our pages: `scheme://host[:port]`, lower case.
    pub origins: Vec<String>,
    /// Whether people reach us over TLS: then cookies are `Secure` and carry the `__Host-` prefix.
    pub secure: bool,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a request may take, its body included.
    pub deadline: Duration,
    /// The version that runs.
    pub version: &'static str,
    /// What kind of installation this is.
    pub environment: Environment,
}

/// What kind of installation this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// For people who develop.
    Development,
    /// For people who depend on it.
    Production,
}

impl Environment {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

impl Site {
    /// The address of the client: the right-most hop that is not a proxy of ours (what stands left of it is the client's own word).
    pub fn client_ip(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !self.trusts(peer) {
            return Some(peer);
        }
        let hops = request.headers().get_all("X-Forwarded-For").filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut client = peer;
        for hop in hops.iter().rev() {
            let Ok(ip) = hop.parse::<IpAddr>() else { break };
            client = ip.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&ip))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn site(proxies: &[&str]) -> Site {
        Site {
            public_url: "https://ops.example".to_owned(),
            origins: vec!["https://ops.example".to_owned()],
            secure: true,
            trusted_proxies: proxies.iter().map(|net| net.parse().expect("a network")).collect(),
            deadline: Duration::from_secs(30),
            version: "test",
            environment: Environment::Production,
        }
    }

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1").parse().expect("an address"));
        for value in forwarded {
            request = request.append_header(("X-Forwarded-For", *value));
        }
        site(proxies).client_ip(&request.to_http_request()).map(|ip| ip.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy_and_only_the_right_most_stranger() {
        assert_eq!(client(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client(&["192.0.2.0/24"], "192.0.2.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(&["192.0.2.0/24"], "192.0.2.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(&["192.0.2.0/24"], "192.0.2.1", &["203.0.113.9", "198.51.100.7, 192.0.2.5"]), "198.51.100.7");
        assert_eq!(client(&["192.0.2.0/24"], "192.0.2.1", &["junk"]), "192.0.2.1");
        assert_eq!(client(&["192.0.2.0/24"], "192.0.2.1", &["203.0.113.9, junk"]), "192.0.2.1");
        assert_eq!(client(&["192.0.2.0/24"], "192.0.2.1", &[]), "192.0.2.1");
    }
}
