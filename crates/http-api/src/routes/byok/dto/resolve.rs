//! A key for a service.

use byok_core::{ProviderId, ProviderSecret, Resolved};
use kernel::OrgId;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::problem::Problem;

/// Which key a service needs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResolveProviderKey)]
pub(in crate::routes::byok) struct Resolve {
    /// Whose: the organization of the API key, or any for a key of the platform.
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: String,
    /// At which provider.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", example = "openai")]
    provider: String,
}

/// What [`Resolve`] asks for.
pub(in crate::routes::byok) struct Wanted {
    pub(in crate::routes::byok) org: OrgId,
    pub(in crate::routes::byok) provider: ProviderId,
}

impl TryFrom<Resolve> for Wanted {
    type Error = Problem;

    /// An organization that cannot be one does not exist.
    fn try_from(body: Resolve) -> Result<Self, Problem> {
        let org = body.org_id.parse().or(Err(Problem::not_found()))?;
        let provider = body.provider.parse().map_err(|why| Problem::invalid_field("/provider", why))?;
        Ok(Self { org, provider })
    }
}

/// A key, for a service that uses it at once.
#[derive(Serialize, ToSchema)]
#[schema(as = ResolvedProviderKey)]
pub(in crate::routes::byok) struct KeyResolved {
    /// The provider.
    #[schema(example = "openai")]
    provider: String,
    /// The key. Not to be kept: it may be replaced or deleted at any moment.
    #[serde(serialize_with = "exposed")]
    #[schema(value_type = String, format = Password, min_length = 10, max_length = 4096, pattern = "^[!-~]+$")]
    #[schema(example = "sk-example-0123456789abcdef")]
    key: ProviderSecret,
    /// The only address that the key may be sent to.
    #[schema(max_length = 2048, format = "uri", example = "https://api.openai.com")]
    endpoint: String,
}

fn exposed<S: Serializer>(secret: &ProviderSecret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl From<Resolved> for KeyResolved {
    fn from(resolved: Resolved) -> Self {
        Self { provider: resolved.provider.to_string(), key: resolved.secret, endpoint: resolved.endpoint.to_string() }
    }
}
