use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;

/// Where keys may be sent, and how long an answer may take. The default is the strictest: public addresses, https, port 443.
#[derive(Debug, Clone)]
pub struct ProbeOptions {
    /// Networks of the operator's own that may be asked besides public addresses: on-prem servers. Never a customer's to choose.
    pub allowed_networks: Vec<IpNet>,
    /// The ports that may be asked.
    pub allowed_ports: Vec<u16>,
    /// Whether http without TLS is possible; to the allowed networks only, never to public addresses.
    pub allow_http: bool,
    /// The DNS server that names are asked of; the machine's own ones otherwise (`/etc/resolv.conf`, read once).
    pub dns_server: Option<SocketAddr>,
    /// The most that finding the address, connecting and the TLS handshake may take together.
    pub connect_timeout: Duration,
    /// The most that a whole test may take.
    pub timeout: Duration,
    /// How much of an answer is read, in bytes.
    pub max_answer: usize,
}

impl Default for ProbeOptions {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            allowed_ports: vec![443],
            allow_http: false,
            dns_server: None,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            max_answer: 1 << 20,
        }
    }
}
