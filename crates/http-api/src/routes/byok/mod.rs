//! Customers' own provider keys: kept, shown in part, tested, destroyed by people, and handed to the services that use them.

mod dto;
mod entitled;
mod named;
#[cfg(test)]
pub(super) mod tests;

use actix_web::web::Data;
use byok_core::{Byok, NewKey, Resolution};
use plan_core::{Plan, Plans};
use serde::Serialize;
use utoipa::ToSchema;

use self::dto::add::{AddKey, KeyAdded, KeyDeleted};
use self::dto::list::{KeysBody, ProvidersBody, StatsBody};
use self::dto::resolve::{KeyResolved, Resolve, Wanted};
use self::dto::test::KeyTested;
use self::entitled::Entitled;
use self::named::NamedProvider;
use super::tier_check::lowest_with_own_keys;
use crate::Answer;
use crate::caller::{ByokResolve, ManageKeys, Member, Service};
use crate::endpoint::Endpoint;
use crate::input::{Json, SecretJson};
use crate::problem::Problem;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/byok/providers", providers)
            .summary("The providers that keys can be kept for, and which of them the organization has a key for"),
        Endpoint::get("/api/v1/byok/keys", list)
            .summary("The organization's provider keys: previews and how they are, never their text"),
        Endpoint::post("/api/v1/byok/keys/add", add)
            .summary("Keeps a provider key; the organization's one at the same provider is destroyed")
            .fails(422, "unknown_provider")
            .fails(422, "key_format")
            .fails(422, "endpoint_forbidden")
            .once(),
        Endpoint::delete("/api/v1/byok/keys/{provider}", delete)
            .summary("Destroys a provider key: within a second no server has it any more; whatever the plan is"),
        Endpoint::post("/api/v1/byok/keys/test/{provider}", test)
            .summary("Asks the provider whether it takes the key; costs no tokens. A provider that does not answer is an answer too")
            .fails(403, "upgrade_required")
            .fails(409, "key_undecryptable")
            .fails(409, "key_outdated"),
        Endpoint::get("/api/v1/byok/stats", stats).summary("The organization's provider keys in numbers"),
        Endpoint::post("/api/v1/byok/resolve", resolve)
            .decision()
            .summary("Hands a provider key to the service that uses it at once; each time is in the audit trail")
            .fails(403, "upgrade_required")
            .fails(409, "key_undecryptable")
            .fails(409, "key_outdated"),
    ]
}

/// An answer with facts about keys: nobody on the way keeps it, whichever application mounts these routes.
fn unkept<T: Serialize + ToSchema>(body: T) -> Answer<T> {
    Answer::new(body).header("Cache-Control", "no-store")
}

async fn providers(byok: Data<Byok>, plans: Data<Plans>, by: Member) -> Result<Answer<ProvidersBody>, Problem> {
    let found = byok.providers(by.membership.org()).await?;
    let catalogue = plans.catalogue().await?;
    let required = lowest_with_own_keys(&catalogue).map(|plan: &Plan| plan.id.as_str());
    Ok(unkept(ProvidersBody::new(found, required)))
}

async fn list(byok: Data<Byok>, by: Member) -> Result<Answer<KeysBody>, Problem> {
    Ok(unkept(byok.list(by.membership.org()).await?.into()))
}

async fn add(byok: Data<Byok>, by: Entitled, body: SecretJson<AddKey>) -> Result<Answer<KeyAdded>, Problem> {
    let Entitled(by) = by;
    let new = NewKey::try_from(body.0)?;
    let stored = byok.add(&by.actor, by.membership.org(), new).await.map_err(Problem::key_not_kept)?;
    Ok(unkept(stored.into()))
}

async fn delete(
    byok: Data<Byok>,
    by: Member<ManageKeys>,
    NamedProvider(provider): NamedProvider,
) -> Result<Answer<KeyDeleted>, Problem> {
    byok.delete(&by.actor, by.membership.org(), &provider).await?;
    Ok(unkept(KeyDeleted::new(&provider)))
}

async fn test(
    byok: Data<Byok>,
    by: Member<ManageKeys>,
    NamedProvider(provider): NamedProvider,
) -> Result<Answer<KeyTested>, Problem> {
    let tested = byok.test(&by.actor, by.membership.org(), &provider).await;
    let finding = tested.map_err(Problem::key_not_used)?;
    Ok(unkept(KeyTested::new(&provider, byok.name_of(&provider), finding)))
}

async fn stats(byok: Data<Byok>, by: Member) -> Result<Answer<StatsBody>, Problem> {
    Ok(unkept(byok.stats(by.membership.org()).await?.into()))
}

async fn resolve(
    resolution: Data<Resolution>,
    service: Service<ByokResolve>,
    body: Json<Resolve>,
) -> Result<Answer<KeyResolved>, Problem> {
    let wanted = Wanted::try_from(body.0)?;
    let by = service.0.acting_for(Some(wanted.org), None).await?;
    let resolved = resolution.resolve(&by.actor, by.org, &wanted.provider).await;
    Ok(unkept(resolved.map_err(Problem::key_not_used)?.into()))
}
