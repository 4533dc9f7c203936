//! Providers, keys and options of these tests.

use std::time::Duration;

use byok_core::{
    AuthStyle, Endpoint, Finding, Home, KeyFormat, KeyProbe, ProbeCall, Provider, ProviderSecret, Trial, Verdict,
};
use kernel::Ambient;
use provider_probe::{GuardedProbe, ProbeOptions};
use secrecy::SecretString;
use tokio::sync::Mutex;

/// Held by tests that measure time and by those that need the machine.
pub static QUIET: Mutex<()> = Mutex::const_new(());

/// The key of these tests.
pub const KEY: &str = "sk-CanaryCanaryCanary0123456789";

/// [`KEY`], as the core has it.
pub fn secret() -> ProviderSecret {
    ProviderSecret::parse(SecretString::from(KEY)).unwrap()
}

pub fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text).unwrap()
}

/// A provider with a bearer token and `GET /v1/models`, whose address customers name.
pub fn customers() -> Provider {
    Provider {
        id: "custom".parse().unwrap(),
        name: "Server".into(),
        docs_url: "https://example.com".into(),
        key_format: KeyFormat { prefixes: Vec::new(), min_length: 10, max_length: 4096 },
        home: Home::Customer,
        auth: AuthStyle::Bearer,
        headers: Vec::new(),
        probe: ProbeCall::Get("/v1/models".into()),
        refused_by: Vec::new(),
        says_nothing: Vec::new(),
        services: Vec::new(),
    }
}

/// The same with an address of its own.
pub fn fixed(url: &str) -> Provider {
    Provider { home: Home::Fixed(endpoint(url)), name: "Provider".into(), ..customers() }
}

/// Any port, http too, this network, and little time.
pub fn loose(networks: &[&str]) -> ProbeOptions {
    ProbeOptions {
        allowed_networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        allowed_ports: (0..=u16::MAX).collect(),
        allow_http: true,
        connect_timeout: Duration::from_millis(500),
        timeout: Duration::from_secs(5),
        ..ProbeOptions::default()
    }
}

pub fn probe(options: ProbeOptions) -> GuardedProbe {
    GuardedProbe::new(options, Ambient::system()).unwrap()
}

/// The finding of this provider at this address.
pub async fn find(probe: &GuardedProbe, provider: &Provider, url: &str) -> Finding {
    let (endpoint, secret) = (endpoint(url), secret());
    probe.probe(Trial { provider, endpoint: &endpoint, secret: &secret }).await
}

/// Asserts that the finding is the one for every address that cannot be asked.
pub fn assert_unreachable(finding: &Finding, about: &str) {
    assert_eq!(finding.verdict, Verdict::Error, "{about}");
    assert_eq!(finding.message, "Server could not be reached; the key was not tested", "{about}");
    assert_eq!(finding.status_code, None, "{about}");
}
