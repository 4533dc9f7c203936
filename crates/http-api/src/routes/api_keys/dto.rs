//! The wire types of this area.

use auth_core::{ApiKey, ApiKeyToken, KeyName, NewApiKey, Scope, Scopes};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::{moment, time};

/// What an API key may do.
#[derive(ToSchema)]
#[schema(as = ApiKeyScope)]
#[expect(dead_code, reason = "only its schema is used: a wrong scope is told with the right ones")]
enum ScopeName {
    /// Record usage, reserve and settle it.
    #[schema(rename = "usage:write")]
    UsageWrite,
    /// Ask what a plan gives and whether a call may happen.
    #[schema(rename = "entitlements:read")]
    EntitlementsRead,
    /// Get a tenant's provider key.
    #[schema(rename = "byok:resolve")]
    ByokResolve,
    /// Name the user on whose behalf the service acts.
    #[schema(rename = "act_as")]
    ActAs,
    /// Read what platform administrators read; only with `platform`.
    #[schema(rename = "admin:read")]
    AdminRead,
}

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateApiKey {
    /// What people will call it: one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    #[schema(example = "LLM gateway")]
    name: String,
    /// What it may do.
    #[schema(min_items = 1, value_type = Vec<ScopeName>, example = json!(["usage:write", "entitlements:read"]))]
    scopes: Vec<String>,
    /// When it dies by itself: in the future, at most five years away. Without it the key lives until it is revoked.
    #[schema(format = DateTime, example = "2027-01-31T09:30:00Z")]
    expires_at: Option<String>,
    /// Whether it acts for every organization. Only platform administrators make such keys.
    #[serde(default)]
    #[schema(default = false, example = false)]
    platform: bool,
}

impl TryFrom<CreateApiKey> for NewApiKey {
    type Error = Problem;

    fn try_from(body: CreateApiKey) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let name = fields.read("/name", KeyName::parse(&body.name));
        let mut scopes = Vec::new();
        for (place, text) in body.scopes.iter().enumerate() {
            scopes.extend(fields.read(&format!("/scopes/{place}"), text.parse::<Scope>()));
        }
        if body.scopes.is_empty() {
            fields.wrong("/scopes", "invalid_value", "must name at least one scope");
        }
        let expires_at = fields.read_some("/expires_at", body.expires_at, |text| moment(&text));
        let made = name.zip(Scopes::new(scopes));
        fields.done(made.map(|(name, scopes)| Self { name, scopes, expires_at, platform: body.platform }))
    }
}

/// The organization's API keys, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeys)]
pub(super) struct ApiKeyList {
    /// The keys that are not revoked.
    api_keys: Vec<ApiKeyBody>,
}

impl ApiKeyList {
    /// These, at this time.
    pub(super) fn new(keys: Vec<ApiKey>, now: Timestamp) -> Self {
        Self { api_keys: keys.iter().map(|key| ApiKeyBody::new(key, now)).collect() }
    }
}

/// An API key, without its text.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct ApiKeyBody {
    /// Names the key; not a credential.
    #[schema(example = "apk_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// What people call it.
    #[schema(example = "LLM gateway")]
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<ScopeName>, example = json!(["usage:write", "entitlements:read"]))]
    scopes: Vec<&'static str>,
    /// The last four characters of its text.
    #[schema(example = "x9Qw")]
    key_preview: String,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    created_at: String,
    /// When it dies by itself, if ever.
    #[schema(format = DateTime, example = "2027-01-31T09:30:00.000000Z")]
    expires_at: Option<String>,
    /// When it was last used, to about a minute.
    #[schema(format = DateTime, example = "2026-02-01T12:00:00.000000Z")]
    last_used: Option<String>,
    /// `active` or `expired`.
    #[schema(example = "active")]
    status: &'static str,
    /// Whether it acts for every organization.
    #[schema(example = false)]
    platform: bool,
}

impl ApiKeyBody {
    fn new(key: &ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.as_str().to_owned(),
            scopes: key.scopes.iter().map(Scope::as_str).collect(),
            key_preview: key.preview.clone(),
            created_at: time(key.created_at),
            expires_at: key.expires_at.map(time),
            last_used: key.last_used.map(time),
            status: if key.lives(now) { "active" } else { "expired" },
            platform: key.platform,
        }
    }
}

/// An API key that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedApiKey {
    #[serde(flatten)]
    about: ApiKeyBody,
    /// The text of the key: shown this once, `null` when the request is repeated.
    #[schema(min_length = 52, max_length = 52, pattern = "^oc_[A-Za-z0-9_-]{49}$")]
    key: Option<String>,
    /// What to do with it, for people.
    #[schema(example = "Keep this key in a safe place: it is not shown again.")]
    message: &'static str,
}

impl CreatedApiKey {
    /// With its text, for whoever made it.
    pub(super) fn shown(key: &ApiKey, token: &ApiKeyToken) -> Self {
        Self {
            about: ApiKeyBody::new(key, key.created_at),
            key: Some(token.expose().to_owned()),
            message: "Keep this key in a safe place: it is not shown again.",
        }
    }

    /// Without it, for whoever asks again: nothing that was stored could tell it.
    pub(super) fn hidden(key: &ApiKey) -> Self {
        Self {
            about: ApiKeyBody::new(key, key.created_at),
            key: None,
            message: "This key was made by the first request, whose answer showed it; if that is lost, revoke it and make another.",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::problem::Place;

    fn read(body: Value) -> Result<NewApiKey, Vec<String>> {
        let body: CreateApiKey = serde_json::from_value(body).expect("the right types");
        NewApiKey::try_from(body).map_err(|problem| {
            assert_eq!(problem.status().as_u16(), 422);
            let wrong = problem.body(&Place::default()).errors.unwrap_or_default();
            wrong.into_iter().map(|field| field.pointer).collect()
        })
    }

    #[test]
    fn a_new_key_is_read_field_by_field() {
        let key = read(json!({"name": " a ", "scopes": ["act_as", "usage:write", "act_as"]})).expect("good");
        assert_eq!((key.name.as_str(), key.scopes.to_string().as_str()), ("a", "usage:write act_as"));
        assert_eq!((key.expires_at, key.platform), (None, false));
        let key = read(json!({"name": "a", "scopes": ["act_as"], "expires_at": "2027-01-31T09:30:00+02:00"}));
        assert_eq!(key.expect("good").expires_at.map(time).as_deref(), Some("2027-01-31T07:30:00.000000Z"));
        let wrong = json!({"name": "", "scopes": ["act_as", "root", "ACT_AS"], "expires_at": "tomorrow"});
        assert_eq!(read(wrong), Err(["/name", "/scopes/1", "/scopes/2", "/expires_at"].map(str::to_owned).to_vec()));
        assert_eq!(read(json!({"name": "a\0", "scopes": []})), Err(vec!["/name".to_owned(), "/scopes".to_owned()]));
    }
}
