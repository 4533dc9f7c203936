//! The rows of keys. One that somebody wrote to past this program is still a row: of a key that does not open, because nothing was ever
//! sealed for what its columns are read as. So it hides no other, can be seen, and can be replaced.
use byok_core::{Endpoint, Label, MasterKeyId, ProviderId, ProviderKey, Sealed, Test, Verdict};
use kernel::{OrgId, ProviderKeyId, StoreError, UserId};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use crate::entity::provider_key::{ActiveModel, Model};
use crate::value::{read, storable};

/// What a name is read as that is none.
const UNREADABLE: &str = "unreadable";
/// What an address is read as that is none; nobody can have this one (RFC 6761, section 6.4).
const NOWHERE: &str = "https://unreadable.invalid";
/// What a version is read as that is none: versions begin with 1.
const NEVER: u32 = 0;

/// A key as a row that nobody has claimed.
pub(super) fn to_row(key: &ProviderKey) -> ActiveModel {
    let row = Model {
        org_id: key.org.uuid(),
        provider: key.provider.as_str().to_owned(),
        id: key.id.uuid(),
        version: key.version.into(),
        master_key: key.master_key.as_str().to_owned(),
        sealed: key.sealed.as_bytes().to_vec(),
        endpoint: key.endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
        label: key.label.as_ref().map(|label| label.as_str().to_owned()),
        tail: key.tail.clone(),
        fingerprint: key.fingerprint.clone(),
        added_at: storable(key.added_at),
        added_by: key.added_by.map(UserId::uuid),
        tested_at: key.tested.map(|test| storable(test.at)),
        verdict: key.tested.map(|test| test.verdict.as_str().to_owned()),
        refused: key.tested.is_some_and(|test| test.refused),
        last_used_at: key.last_used.map(storable),
        claimed_until: None,
    };
    row.into_active_model().reset_all()
}

/// A row as a key.
pub(super) fn to_key(row: Model) -> Result<ProviderKey, StoreError> {
    let (org, id, version) = (OrgId::from_uuid(row.org_id), ProviderKeyId::from_uuid(row.id), version(&row));
    let endpoint = |text: String| readable("provider_key.endpoint", &text, NOWHERE, Endpoint::parse);
    let verdict = row.verdict.as_deref().and_then(Verdict::parse).unwrap_or(Verdict::Unknown);
    Ok(ProviderKey {
        id,
        org,
        provider: readable("provider_key.provider", &row.provider, UNREADABLE, str::parse::<ProviderId>)?,
        version,
        master_key: master_key(&row.master_key)?,
        sealed: Sealed::from_bytes(row.sealed),
        endpoint: row.endpoint.map(endpoint).transpose()?,
        label: row.label.and_then(|label| Label::parse(&label).ok().flatten()),
        tail: row.tail,
        fingerprint: row.fingerprint,
        added_at: row.added_at,
        added_by: row.added_by.map(UserId::from_uuid),
        tested: row.tested_at.map(|at| Test { at, verdict, refused: row.refused }),
        last_used: row.last_used_at,
    })
}

/// How often a row's secret was set.
pub(super) fn version(row: &Model) -> u32 {
    version_of(row.version)
}

/// The same of the column alone.
pub(super) fn version_of(column: i64) -> u32 {
    u32::try_from(column).unwrap_or(NEVER)
}

/// The master key that a column names.
pub(super) fn master_key(column: &str) -> Result<MasterKeyId, StoreError> {
    readable("provider_key.master_key", column, UNREADABLE, str::parse)
}

/// What a column says, or what it is read as when it says nothing.
fn readable<T, E>(
    column: &'static str,
    text: &str,
    instead: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, StoreError> {
    if let Ok(value) = parse(text) {
        return Ok(value);
    }
    tracing::warn!(column, "a provider key was changed from outside");
    read(column, parse(instead))
}
