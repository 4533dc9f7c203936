//! Providers, and the keys that are kept for them.

use byok_core::{KeyStatus, KeyView, Provider, ProviderKey, Stats, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::time;

/// All providers that keys can be kept for, by id.
#[derive(Serialize, ToSchema)]
#[schema(as = Providers)]
pub(in crate::routes::byok) struct ProvidersBody(Vec<ProviderBody>);

/// A provider.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
struct ProviderBody {
    /// What it is called in requests.
    #[schema(example = "openai")]
    id: String,
    /// What people call it.
    #[schema(example = "OpenAI")]
    name: String,
    /// What its keys usually look like, for people.
    #[schema(example = "sk-…, 20 to 256 characters")]
    key_format: String,
    /// Where people get a key.
    #[schema(format = "uri", example = "https://platform.openai.com/api-keys")]
    docs_url: String,
    /// Whether the organization has a key for it.
    #[schema(example = false)]
    configured: bool,
    /// The lowest plan with keys of one's own; null when none that can be chosen has them.
    #[schema(example = "starter")]
    tier_required: Option<String>,
}

impl ProvidersBody {
    /// These, each with whether there is a key for it.
    pub(in crate::routes::byok) fn new(providers: Vec<(Provider, bool)>, tier_required: Option<&str>) -> Self {
        let body = |(provider, configured): (Provider, bool)| ProviderBody {
            id: provider.id.to_string(),
            key_format: provider.key_format.to_string(),
            name: provider.name,
            docs_url: provider.docs_url,
            configured,
            tier_required: tier_required.map(str::to_owned),
        };
        Self(providers.into_iter().map(body).collect())
    }
}

/// How a key is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProviderKeyStatus)]
enum StatusName {
    /// It can be used.
    Active,
    /// The provider refused it when it was last asked and gave an answer.
    Rejected,
    /// It cannot be opened any more: store it again.
    Undecryptable,
    /// It opens and is not used: the plan has no keys of one's own any more, or the platform no such provider, or none at the kind of
    /// address that it was stored for. It is kept for when that changes.
    Disabled,
}

impl From<KeyStatus> for StatusName {
    fn from(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Active => Self::Active,
            KeyStatus::Rejected => Self::Rejected,
            KeyStatus::Undecryptable => Self::Undecryptable,
            KeyStatus::Disabled => Self::Disabled,
        }
    }
}

/// What a test of a key found out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProviderKeyVerdict)]
pub(super) enum VerdictName {
    /// The provider took it.
    Valid,
    /// The provider refused it.
    Invalid,
    /// The provider could not be reached: nothing is known of the key.
    Error,
    /// The provider's answer says nothing of the key: too many requests, an error of its own; or no request without cost proves it.
    Unknown,
}

impl From<Verdict> for VerdictName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Valid => Self::Valid,
            Verdict::Invalid => Self::Invalid,
            Verdict::Error => Self::Error,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

/// The organization's keys, by the provider's id.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKeys)]
pub(in crate::routes::byok) struct KeysBody(Vec<KeyBody>);

/// A key that is kept, without its text.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKey)]
struct KeyBody {
    /// Names the record; not a credential.
    #[schema(example = "key_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// The provider.
    #[schema(example = "openai")]
    provider: String,
    /// What the provider is called.
    #[schema(example = "OpenAI")]
    provider_name: String,
    /// `****` and the last four characters of the key, none of a key shorter than twenty.
    #[schema(min_length = 4, max_length = 8, example = "****cdef")]
    key_preview: String,
    /// `key_preview` again.
    #[schema(min_length = 4, max_length = 8, example = "****cdef")]
    masked_key: String,
    /// By which two keys are told apart; the same key has the same one, and nobody finds the key by it.
    #[schema(min_length = 8, max_length = 8, pattern = "^[0-9a-f]{8}$", example = "9f86d081")]
    fingerprint: String,
    /// What people call it.
    #[schema(max_length = 100, example = "production")]
    label: Option<String>,
    /// The only address that it is sent to, where the provider has none of its own.
    #[schema(max_length = 2048, format = "uri", example = json!(null))]
    endpoint: Option<String>,
    /// When it was stored.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    added_date: String,
    /// Who stored it.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    created_by: Option<String>,
    /// When it was last tested; null when it never was.
    #[schema(format = DateTime, example = "2026-02-01T12:00:00.000000Z")]
    last_tested: Option<String>,
    /// What the last test found out; null when it was never tested.
    test_status: Option<VerdictName>,
    /// When it was last handed to a service, to about a minute.
    #[schema(format = DateTime, example = "2026-02-01T12:00:00.000000Z")]
    last_used: Option<String>,
    /// How it is.
    status: StatusName,
}

impl From<Vec<KeyView>> for KeysBody {
    fn from(keys: Vec<KeyView>) -> Self {
        Self(keys.into_iter().map(KeyBody::from).collect())
    }
}

impl From<KeyView> for KeyBody {
    fn from(view: KeyView) -> Self {
        let KeyView { key, provider_name, status } = view;
        let (shown, tested) = (preview(&key), key.tested);
        Self {
            id: key.id.to_string(),
            provider: key.provider.to_string(),
            provider_name,
            key_preview: shown.clone(),
            masked_key: shown,
            fingerprint: key.fingerprint,
            label: key.label.map(|label| label.as_str().to_owned()),
            endpoint: key.endpoint.map(|endpoint| endpoint.to_string()),
            added_date: time(key.added_at),
            created_by: key.added_by.map(|user| user.to_string()),
            last_tested: tested.map(|test| time(test.at)),
            test_status: tested.map(|test| test.verdict.into()),
            last_used: key.last_used.map(time),
            status: status.into(),
        }
    }
}

/// What people see of a key.
pub(super) fn preview(key: &ProviderKey) -> String {
    format!("****{}", key.tail)
}

/// The organization's keys in numbers.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKeyStats)]
pub(in crate::routes::byok) struct StatsBody {
    /// Providers that keys can be kept for.
    #[schema(example = 15)]
    total_providers: usize,
    /// Those that the organization has a key for.
    #[schema(example = 2)]
    configured_providers: usize,
    /// Those whose key was tested.
    #[schema(example = 1)]
    tested_providers: usize,
    /// Those whose key can be used, and was good when it was last tested.
    #[schema(example = 1)]
    valid_providers: usize,
    /// The organization's plan.
    #[schema(example = "starter")]
    user_tier: String,
}

impl From<Stats> for StatsBody {
    fn from(stats: Stats) -> Self {
        Self {
            total_providers: stats.providers,
            configured_providers: stats.configured,
            tested_providers: stats.tested,
            valid_providers: stats.valid,
            user_tier: stats.plan,
        }
    }
}
