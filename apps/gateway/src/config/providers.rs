//! The providers as people write them: a TOML file, of which `providers.toml` is the shipped one.
//!
//! Everything that is wrong is told at once, each with its line, its provider and its field.

#[cfg(test)]
mod tests;

use byok_core::{AuthStyle, Endpoint, Home, KeyFormat, ProbeCall, Provider, ProviderSecret, Providers};
use kernel::ServiceName;
use toml::de::DeTable;

use super::page::{Entry, Page};
use super::{Config, ConfigError};

/// The providers of every installation.
pub(crate) const SHIPPED: &str = include_str!("../providers.toml");

const SECTIONS: &[&str] = &["providers"];
const PROVIDER: &[&str] = &[
    "name",
    "docs_url",
    "endpoint",
    "auth",
    "headers",
    "probe",
    "probe_body",
    "refused_by",
    "says_nothing",
    "key_prefixes",
    "key_min",
    "key_max",
    "services",
    "checked",
];

/// Headers that are the client's own, or that carry the key.
const OURS: [&str; 7] =
    ["authorization", "connection", "content-length", "content-type", "host", "transfer-encoding", "user-agent"];

/// The shipped providers, with those of `byok.providers` added or put in the place of their namesakes.
pub(crate) fn load(config: &Config) -> Result<Providers, ConfigError> {
    let mut providers = read(SHIPPED, "the shipped providers")?;
    if let Some(path) = &config.byok.providers {
        let unreadable =
            |error| ConfigError::Rejected(format!("byok.providers: the file {path} cannot be read: {error}"));
        providers.extend(read(&std::fs::read_to_string(path).map_err(unreadable)?, path)?);
    }
    Ok(Providers::new(providers))
}

/// Reads providers. `origin` names the text in errors: the path of a file, or "the shipped providers".
fn read(text: &str, origin: &str) -> Result<Vec<Provider>, ConfigError> {
    let mut page = Page::new(text, origin);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        page.syntax(error);
    }
    if !errors.is_empty() {
        return page.end(Vec::new());
    }
    let top = Entry::top(table.get_ref(), SECTIONS);
    top.refuse_unknown(&mut page);
    let entries = top.tables(&mut page, "providers", "provider", PROVIDER);
    let providers: Vec<Provider> = entries.iter().filter_map(|entry| provider(&mut page, entry)).collect();
    if providers.is_empty() && page.is_good() {
        page.complain(1, "there is no provider: write at least one, such as [providers.openai]".to_owned());
    }
    page.end(providers)
}

fn provider(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<Provider> {
    let id = entry.name().parse().map_err(|wrong: byok_core::BadProviderId| entry.wrong(page, &wrong.to_string())).ok();
    let name = entry.required(page, "name");
    let docs_url = entry.required(page, "docs_url").filter(|url| {
        let web = url.starts_with("https://");
        if !web {
            entry.refuse(page, "docs_url", "must begin with https://");
        }
        web
    });
    let home = home(page, entry);
    let auth = auth(page, entry);
    let headers = headers(page, entry);
    let probe = probe(page, entry);
    let key_format = key_format(page, entry);
    let services = services(page, entry);
    let refused_by = texts(page, entry, "refused_by");
    let says_nothing = texts(page, entry, "says_nothing");
    // Says to people how old the line is; nothing reads it.
    entry.text(page, "checked");
    Some(Provider {
        id: id?,
        name: name?,
        docs_url: docs_url?,
        key_format: key_format?,
        home: home?,
        auth: auth?,
        headers: headers?,
        probe: probe?,
        refused_by: refused_by?,
        says_nothing: says_nothing?,
        services: services?,
    })
}

fn home(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<Home> {
    if !entry.has("endpoint") {
        return Some(Home::Customer);
    }
    let text = entry.text(page, "endpoint")?;
    Endpoint::parse(&text).map(Home::Fixed).map_err(|wrong| entry.refuse(page, "endpoint", &wrong.to_string())).ok()
}

fn auth(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<AuthStyle> {
    let text = entry.required(page, "auth")?;
    match text.strip_prefix("header:") {
        _ if text == "bearer" => Some(AuthStyle::Bearer),
        Some(name) if is_header(name) => Some(AuthStyle::Header(name.to_ascii_lowercase())),
        _ => {
            entry.refuse(
                page,
                "auth",
                "must be \"bearer\", or \"header:\" and a header's name, such as \"header:x-api-key\"",
            );
            None
        }
    }
}

fn headers(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<Vec<(String, String)>> {
    if !entry.has("headers") {
        return Some(Vec::new());
    }
    let pairs = entry.pairs(page, "headers")?;
    let visible = |c: char| c == ' ' || c.is_ascii_graphic();
    let good = |(name, value): &&(String, String)| is_header(name) && value.chars().all(visible);
    if pairs.iter().filter(good).count() == pairs.len() {
        return Some(pairs.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect());
    }
    entry.refuse(
        page,
        "headers",
        "must be names and values of HTTP headers that are not the client's own (host, content-type, …)",
    );
    None
}

/// The name of a header (RFC 9110, 5.1) that is not the client's own.
fn is_header(name: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(token) && !OURS.contains(&name.to_ascii_lowercase().as_str())
}

fn probe(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<ProbeCall> {
    let text = entry.required(page, "probe")?;
    let body = entry.text(page, "probe_body");
    let plain = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.chars().all(|c| c.is_ascii_graphic() && !"#\\".contains(c))
    };
    let (method, path) = text.split_once(' ').unwrap_or((text.as_str(), ""));
    let call = match (method, Some(path).filter(plain)) {
        ("none", None) if path.is_empty() => Some(ProbeCall::None),
        ("GET", Some(path)) => Some(ProbeCall::Get(path.to_owned())),
        ("POST", Some(path)) => Some(ProbeCall::Post(path.to_owned(), body.clone().unwrap_or_default())),
        _ => None,
    };
    let json = body.as_ref().is_none_or(|body| serde_json::from_str::<serde_json::Value>(body).is_ok());
    match &call {
        None => entry.refuse(page, "probe", "must be \"GET /path\", \"POST /path\" or \"none\""),
        Some(ProbeCall::Post(..)) if body.is_none() => entry.refuse(page, "probe_body", "is missing"),
        Some(ProbeCall::Get(_) | ProbeCall::None) if body.is_some() => {
            entry.refuse(page, "probe_body", "is for a probe by POST only");
        }
        Some(_) if !json => entry.refuse(page, "probe_body", "must be JSON"),
        Some(_) => {}
    }
    call
}

fn key_format(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<KeyFormat> {
    let prefixes = texts(page, entry, "key_prefixes")?;
    let min_length = length(page, entry, "key_min", ProviderSecret::MIN)?;
    let max_length = length(page, entry, "key_max", ProviderSecret::MAX)?;
    if min_length > max_length {
        entry.refuse(page, "key_min", "must not be more than key_max");
        return None;
    }
    Some(KeyFormat { prefixes, min_length, max_length })
}

fn length(page: &mut Page<'_>, entry: &Entry<'_>, field: &'static str, usual: usize) -> Option<usize> {
    let (min, max) = (ProviderSecret::MIN, ProviderSecret::MAX);
    if !entry.has(field) {
        return Some(usual);
    }
    let found = entry.number(page, field)?;
    let within = usize::try_from(found).ok().filter(|length| (min..=max).contains(length));
    if within.is_none() {
        entry.refuse(page, field, &format!("must be {min} to {max}"));
    }
    within
}

fn services(page: &mut Page<'_>, entry: &Entry<'_>) -> Option<Vec<ServiceName>> {
    let mut services = Vec::new();
    for name in texts(page, entry, "services")? {
        match name.parse() {
            Ok(service) => services.push(service),
            Err(wrong) => {
                let wrong: kernel::BadServiceName = wrong;
                entry.refuse(page, "services", &format!("{name:?}: {wrong}"));
                return None;
            }
        }
    }
    Some(services)
}

/// A list that may be left out; none of its texts is empty.
fn texts(page: &mut Page<'_>, entry: &Entry<'_>, field: &'static str) -> Option<Vec<String>> {
    if !entry.has(field) {
        return Some(Vec::new());
    }
    let texts = entry.texts(page, field)?;
    if texts.iter().any(String::is_empty) {
        entry.refuse(page, field, "must not contain an empty text");
        return None;
    }
    Some(texts)
}
