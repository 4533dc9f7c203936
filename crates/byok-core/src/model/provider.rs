use std::{collections::BTreeMap, fmt, str::FromStr};

use kernel::ServiceName;

use super::endpoint::Endpoint;

/// The text cannot name a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 of the characters a-z, 0-9, '_' and '-', beginning and ending with a letter or digit")]
pub struct BadProviderId;

/// What a provider is called in the catalogue and on the wire: `openai`, `azure_openai`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

impl ProviderId {
    /// The most characters of a name.
    pub const MAX: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderId {
    type Err = BadProviderId;
    fn from_str(text: &str) -> Result<Self, BadProviderId> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let within = text.bytes().all(|b| plain(b) || b == b'_' || b == b'-');
        let ends = text.bytes().next().is_some_and(plain) && text.bytes().next_back().is_some_and(plain);
        if within && ends && text.len() <= Self::MAX { Ok(Self(text.to_owned())) } else { Err(BadProviderId) }
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a provider's keys look like, as its documentation says. Told to people as a warning when it is only unusual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFormat {
    /// What a key begins with; any of them. Empty: nothing in particular.
    pub prefixes: Vec<String>,
    /// The shortest key, in characters.
    pub min_length: usize,
    /// The longest key, in characters.
    pub max_length: usize,
}

impl fmt::Display for KeyFormat {
    /// `sk-…, 20 to 256 characters`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for prefix in &self.prefixes {
            write!(f, "{prefix}…, ")?;
        }
        write!(f, "{} to {} characters", self.min_length, self.max_length)
    }
}

/// How a provider wants to be shown the key. Never in a URL: those are logged on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthStyle {
    /// `Authorization: Bearer KEY` (RFC 6750).
    Bearer,
    /// `NAME: KEY`.
    Header(String),
}

/// The cheapest request that tells a good key from a bad one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeCall {
    /// `GET` of this path below the endpoint; 2xx is a good key, 401 and 403 a bad one, and what [`Provider::refused_by`] says.
    Get(String),
    /// `POST` of this path with this JSON body, understood as the answer to a `Get` is.
    Post(String, String),
    /// Nothing that costs no tokens proves the key: it stays unknown.
    None,
}

/// Where a provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// At its own address; nobody can name another.
    Fixed(Endpoint),
    /// Where the customer says: the address is stored with the key, and the key is sent nowhere else.
    Customer,
}

/// A company, or a server, that takes keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it is called.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// Where people get a key.
    pub docs_url: String,
    /// What its keys look like.
    pub key_format: KeyFormat,
    /// Where it is.
    pub home: Home,
    /// How it is shown a key.
    pub auth: AuthStyle,
    /// Headers that each request to it carries: name and value. Never a secret.
    pub headers: Vec<(String, String)>,
    /// How a key is tested.
    pub probe: ProbeCall,
    /// Texts of which one, in a 2xx or 400 answer to the probe, says that the key is refused all the same; white space does not count.
    /// `"valid":false`, `API_KEY_INVALID`.
    pub refused_by: Vec<String>,
    /// Texts of which one, in a 401 or 403 answer to the probe, says that something else than the key was refused: a good key that may
    /// not do just this, a country. White space does not count. `Missing scopes`.
    pub says_nothing: Vec<String>,
    /// The services of the platform that can use it: with a good key of the organization, the organization pays for these itself.
    pub services: Vec<ServiceName>,
}

/// All providers that keys can be kept for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers(BTreeMap<ProviderId, Provider>);

impl Providers {
    /// These; of two with one name, the latter.
    pub fn new(providers: impl IntoIterator<Item = Provider>) -> Self {
        Self(providers.into_iter().map(|provider| (provider.id.clone(), provider)).collect())
    }

    /// The one of this name.
    pub fn get(&self, id: &ProviderId) -> Option<&Provider> {
        self.0.get(id)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
