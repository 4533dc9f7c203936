//! What a test of a key found out.

use byok_core::{Finding, ProviderId, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use super::list::VerdictName;

/// A key was tested.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKeyTested)]
pub(in crate::routes::byok) struct KeyTested {
    /// The provider.
    #[schema(example = "openai")]
    provider: String,
    /// What the provider is called.
    #[schema(example = "OpenAI")]
    provider_name: String,
    /// What was found out.
    status: VerdictName,
    /// Whether the provider took the key: `status` is `valid`.
    #[schema(example = true)]
    success: bool,
    /// The same, for people.
    #[schema(example = "the provider takes the key")]
    message: String,
    /// More about the test.
    details: TestDetails,
    /// How long the test took, in milliseconds.
    #[schema(example = 212)]
    latency_ms: u64,
}

/// More about the test of a key.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKeyTestDetails)]
struct TestDetails {
    /// The HTTP status that the provider answered with; null when it did not answer.
    #[schema(minimum = 100, maximum = 999, example = 200)]
    status_code: Option<u16>,
}

impl KeyTested {
    /// This was found out about the key at this provider.
    pub(in crate::routes::byok) fn new(provider: &ProviderId, provider_name: String, finding: Finding) -> Self {
        Self {
            provider: provider.to_string(),
            provider_name,
            status: finding.verdict.into(),
            success: finding.verdict == Verdict::Valid,
            message: finding.message,
            details: TestDetails { status_code: finding.status_code },
            latency_ms: finding.latency_ms,
        }
    }
}
