use std::fmt;

use kernel::{OrgId, ProviderKeyId, TextError, Timestamp, UserId, plain_line};

use super::{
    binding::{Binding, Purpose},
    endpoint::Endpoint,
    provider::ProviderId,
    ring::MasterKeyId,
    secret::ProviderSecret,
};

/// What people call a key: one line of at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// The longest label, in characters.
    pub const MAX: usize = 100;

    /// Reads a label; `None` for one without a character that could be seen.
    pub fn parse(text: &str) -> Result<Option<Self>, TextError> {
        let label = plain_line(text, Self::MAX)?;
        Ok((!label.is_empty()).then_some(Self(label)))
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a test of a key found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The provider took the key.
    Valid,
    /// The provider refused the key.
    Invalid,
    /// The provider could not be reached, or not asked: nothing is known of the key.
    Error,
    /// The provider answered something that says nothing of the key: too many requests, an error of its own.
    Unknown,
}

impl Verdict {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the provider refuses the key, where this says so or says that it does not.
    pub const fn refuses(self) -> Option<bool> {
        match self {
            Self::Invalid => Some(true),
            Self::Valid => Some(false),
            Self::Error | Self::Unknown => None,
        }
    }

    /// The verdict of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Valid, Self::Invalid, Self::Error, Self::Unknown].into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// The last test of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// When it was.
    pub at: Timestamp,
    /// What it found out.
    pub verdict: Verdict,
    /// Whether the provider refused the key when it last said something of it, in this test or an earlier one of the same secret.
    pub refused: bool,
}

impl Test {
    /// The test that comes after this one. A test that found nothing out does not take a refusal back.
    pub fn after(before: Option<Self>, at: Timestamp, verdict: Verdict) -> Self {
        let before = before.is_some_and(|test| test.refused);
        Self { at, verdict, refused: verdict.refuses().unwrap_or(before) }
    }
}

/// A test from the moment at which the provider was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestRun {
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What it found out.
    pub verdict: Verdict,
}

/// How a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyStatus {
    /// It can be used; whether the provider takes it is what the last test says.
    Active,
    /// The provider refused it when it was last asked and gave an answer.
    Rejected,
    /// It cannot be opened: its master key is gone, or the record was changed from outside.
    Undecryptable,
    /// It opens, and is not used: the organization's plan has no keys of its own any more, or the catalogue has no such provider any
    /// more, or one with an address of another kind. It is kept for when that changes.
    Disabled,
}

impl KeyStatus {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Undecryptable => "undecryptable",
            Self::Disabled => "disabled",
        }
    }
}

/// A sealed secret, as a store keeps it. See [`crate::policy::seal`] for its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// These bytes, as a store gives them back; whether they open is told when they are opened.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A customer's key, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey {
    /// Names the record; no credential.
    pub id: ProviderKeyId,
    /// Whose it is.
    pub org: OrgId,
    /// At which provider.
    pub provider: ProviderId,
    /// How often its secret was set, beginning with 1.
    pub version: u32,
    /// The master key that it is sealed with.
    pub master_key: MasterKeyId,
    /// The secret.
    pub sealed: Sealed,
    /// Where it may be sent, if the customer said so; the provider's own address otherwise.
    pub endpoint: Option<Endpoint>,
    /// What people call it.
    pub label: Option<Label>,
    /// The characters that people may see: four, or none.
    pub tail: String,
    /// Eight hexadecimal digits by which two keys are told apart.
    pub fingerprint: String,
    /// When this secret was stored.
    pub added_at: Timestamp,
    /// Who stored it, if a person did.
    pub added_by: Option<UserId>,
    /// The last test of this secret.
    pub tested: Option<Test>,
    /// When it was last handed out, to about a minute.
    pub last_used: Option<Timestamp>,
}

impl ProviderKey {
    /// The place that its secret is bound to.
    pub fn binding(&self) -> Binding {
        Binding {
            purpose: Purpose::ProviderKey,
            org: self.org,
            provider: self.provider.clone(),
            id: self.id,
            version: self.version,
            endpoint: self.endpoint.clone(),
        }
    }
}

/// A key that somebody wants to be kept.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// At which provider.
    pub provider: ProviderId,
    /// The key.
    pub secret: ProviderSecret,
    /// What people will call it.
    pub label: Option<Label>,
    /// Where it may be sent, for a provider without an address of its own.
    pub endpoint: Option<Endpoint>,
}
