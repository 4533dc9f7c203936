#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a sample that cannot be made fails a test by panicking"
)]

use kernel::Ambient;

use crate::{AuthStyle, Endpoint, Home, KeyFormat, KeyRing, MasterKey, ProbeCall, Provider, Providers};

/// Five providers: one of each way to be shown a key, one whose address the customer names, and one that cannot be asked for nothing.
///
/// | id | address | key shown as | probe | services |
/// | --- | --- | --- | --- | --- |
/// | `anthropic` | its own | `x-api-key`, and a header besides | `GET` | `chat` |
/// | `cohere` | its own | bearer | `POST` | `search` |
/// | `custom` | the customer's | bearer | `GET` | `chat` |
/// | `openai` | its own | bearer | `GET` | `chat`, `search` |
/// | `perplexity` | its own | bearer | none | `search` |
pub fn sample_providers() -> Providers {
    let models = || ProbeCall::Get("/models".to_owned());
    let anthropic = Provider {
        auth: AuthStyle::Header("x-api-key".to_owned()),
        headers: vec![("anthropic-version".to_owned(), "2023-06-01".to_owned())],
        ..provider("anthropic", Some("https://api.anthropic.com/v1"), "sk-ant-", models(), &["chat"])
    };
    let check = ProbeCall::Post("/check-api-key".to_owned(), "{}".to_owned());
    let cohere = Provider {
        refused_by: vec!["\"valid\":false".to_owned()],
        says_nothing: Vec::new(),
        ..provider("cohere", Some("https://api.cohere.com/v1"), "", check, &["search"])
    };
    Providers::new([
        anthropic,
        cohere,
        provider("custom", None, "", models(), &["chat"]),
        provider("openai", Some("https://api.openai.com/v1"), "sk-", models(), &["chat", "search"]),
        provider("perplexity", Some("https://api.perplexity.ai"), "pplx-", ProbeCall::None, &["search"]),
    ])
}

fn provider(id: &str, home: Option<&str>, prefix: &str, probe: ProbeCall, services: &[&str]) -> Provider {
    let endpoint = |text: &str| Endpoint::parse(text).expect("an endpoint");
    let (min_length, max_length) = if prefix.is_empty() { (10, 4096) } else { (20, 256) };
    Provider {
        id: id.parse().expect("a provider's id"),
        name: format!("{}{}", id[..1].to_uppercase(), &id[1..]),
        docs_url: format!("https://docs.example.com/{id}"),
        key_format: KeyFormat {
            prefixes: Vec::from_iter(Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty())),
            min_length,
            max_length,
        },
        home: home.map_or(Home::Customer, |home| Home::Fixed(endpoint(home))),
        auth: AuthStyle::Bearer,
        headers: Vec::new(),
        probe,
        refused_by: Vec::new(),
        says_nothing: Vec::new(),
        services: services.iter().map(|service| service.parse().expect("a service's name")).collect(),
    }
}

/// A ring of random master keys with these names; the first one seals.
pub fn sample_ring(ambient: &Ambient, names: &[&str]) -> KeyRing {
    let key = || MasterKey::new(ambient.random()).expect("random bits");
    let ids: Vec<_> =
        names.iter().map(|name| name.parse::<crate::MasterKeyId>().expect("a master key's name")).collect();
    let active = ids.first().expect("a name").clone();
    KeyRing::new(active, ids.into_iter().map(|id| (id, key())), key()).expect("a ring")
}
