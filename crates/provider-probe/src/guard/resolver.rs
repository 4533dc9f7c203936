use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::Name,
};
use kernel::StoreError;
use reqwest::dns::{Addrs, Name as HostName, Resolve, Resolving};

use super::Rules;

/// Why a name has no address that may be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAddress {
    /// The name is none, or DNS knows no address for it, or did not answer.
    #[error("the name cannot be resolved")]
    Unresolvable(#[source] Option<hickory_resolver::net::NetError>),
    /// One of its addresses is not allowed.
    #[error("the name leads to an address that is not allowed: {0}")]
    Forbidden(IpAddr),
}

/// Finds the addresses of a name, all of which are allowed.
#[derive(Clone)]
pub(super) struct Resolver {
    dns: TokioResolver,
    rules: Arc<Rules>,
}

impl Resolver {
    /// A resolver that asks this DNS server, or the machine's own.
    pub(super) fn new(server: Option<SocketAddr>, patience: Duration, rules: Arc<Rules>) -> Result<Self, StoreError> {
        let mut builder = match server {
            Some(server) => TokioResolver::builder_with_config(only(server), TokioRuntimeProvider::default()),
            None => TokioResolver::builder_tokio().unwrap_or_else(|error| {
                // resolv.conf(5): without the file, the name server on this machine is asked.
                tracing::warn!(%error, "/etc/resolv.conf cannot be read: names are asked of 127.0.0.1:53");
                let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
                TokioResolver::builder_with_config(only(here), TokioRuntimeProvider::default())
            }),
        };
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = patience;
        options.attempts = 1;
        // Tests of keys are rare: a remembered answer would only be an old one.
        options.cache_size = 0;
        let dns = builder.build().map_err(StoreError::broken)?;
        Ok(Self { dns, rules })
    }

    /// All addresses of a name, each of them allowed; `plain` when no TLS protects what is sent there.
    pub(super) async fn addresses(&self, host: &str, plain: bool) -> Result<Vec<IpAddr>, NoAddress> {
        let mut name = Name::from_ascii(host).map_err(|error| NoAddress::Unresolvable(Some(error.into())))?;
        // Whole: the machine's search domains are inside names.
        name.set_fqdn(true);
        let found = self.dns.lookup_ip(name).await.map_err(|error| NoAddress::Unresolvable(Some(error)))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        match addresses.iter().find(|address| !self.rules.admit_address(**address, plain)) {
            Some(forbidden) => Err(NoAddress::Forbidden(*forbidden)),
            None if addresses.is_empty() => Err(NoAddress::Unresolvable(None)),
            None => Ok(addresses),
        }
    }

    /// The resolver of a client that speaks only with TLS, or only without.
    pub(super) fn hook(&self, plain: bool) -> Hook {
        Hook { resolver: self.clone(), plain }
    }
}

/// [`Resolver`] inside a client's connector: what it gives is what is connected to.
pub(super) struct Hook {
    resolver: Resolver,
    plain: bool,
}

impl Resolve for Hook {
    fn resolve(&self, name: HostName) -> Resolving {
        let (resolver, plain) = (self.resolver.clone(), self.plain);
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str(), plain).await?;
            // Port 0 stands for the URL's own.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok::<Addrs, _>(Box::new(addresses))
        })
    }
}

/// This DNS server alone, by UDP, and by TCP for what is too long.
fn only(server: SocketAddr) -> ResolverConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        let connection: &mut ConnectionConfig = connection;
        connection.port = server.port();
    }
    ResolverConfig::from_name_servers(vec![config])
}
