//! An HTTP client for addresses that strangers choose (server-side request forgery: OWASP ASVS 1.3.6, 13.2.4).
//!
//! - **Deny by default.** A request goes to public addresses, over https, to port 443. The operator, never a customer, can allow
//!   networks, ports, and http within those networks ([`crate::ProbeOptions`]).
//! - **The address that was checked is the one that is connected to.** Names are resolved in the connector, once for each
//!   connection, nothing is cached, and no connection is kept: a name that changes its mind (DNS rebinding) is checked again. When one
//!   of a name's addresses is not allowed, none is used: a name with a private and a public address is an attack or a mistake.
//! - **Addresses written as such are checked apart**, because a connector asks no resolver about them.
//! - **Nothing leads elsewhere**: no redirects, no proxy from the environment, no cookies, no referer, no retries, no search domains.
//! - **Everything has an end**: [`crate::ProbeOptions`] bounds connecting, the whole, and how much is read.
//! - **TLS** is rustls with the Mozilla roots; nothing can switch the check of certificates off.
//!
//! What a failure was is for the log, not for the caller's caller: [`Failure`].

pub mod address;
mod client;
mod resolver;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

pub(crate) use self::client::Outbound;
pub use self::client::{Answer, Failure, GuardedClient};
use crate::ProbeOptions;

/// What may be asked.
#[derive(Debug)]
struct Rules {
    networks: Vec<IpNet>,
    ports: Vec<u16>,
    http: bool,
}

impl Rules {
    fn new(options: &ProbeOptions) -> Self {
        Self {
            networks: options.allowed_networks.clone(),
            ports: options.allowed_ports.clone(),
            http: options.allow_http,
        }
    }

    /// Whether scheme and port are allowed, and the address if the URL has one instead of a name.
    fn admit(&self, url: &Url) -> bool {
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self.http,
            _ => false,
        };
        let port = url.port_or_known_default().is_some_and(|port| self.ports.contains(&port));
        let anonymous = url.username().is_empty() && url.password().is_none();
        let literal = match url.host() {
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => self.admit_address(address.into(), is_plain(url)),
            Some(Host::Ipv6(address)) => self.admit_address(address.into(), is_plain(url)),
            None => false,
        };
        scheme && port && anonymous && literal
    }

    /// Whether this address may be connected to; `plain` when no TLS protects what is sent.
    fn admit_address(&self, address: IpAddr, plain: bool) -> bool {
        address::within(&self.networks, address) || (!plain && address::is_public(address))
    }
}

/// Whether the URL is asked without TLS.
fn is_plain(url: &Url) -> bool {
    url.scheme() != "https"
}
