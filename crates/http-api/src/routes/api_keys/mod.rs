//! The API keys of an organization: for services that record usage and ask for decisions.

mod dto;

use actix_web::web::Data;
use auth_core::{ApiKeys, NewApiKey};
use kernel::{Ambient, ApiKeyId};

use self::dto::{ApiKeyList, CreateApiKey, CreatedApiKey};
use crate::caller::{ManageKeys, Member};
use crate::endpoint::Endpoint;
use crate::input::{Id, Json};
use crate::problem::Problem;
use crate::wire::Done;
use crate::{Answer, Created};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/api-keys", list)
            .also("/api/v1/account/uc-api-keys")
            .summary("The organization's API keys that are not revoked, newest first"),
        Endpoint::post("/api/v1/api-keys", create)
            .also("/api/v1/account/uc-api-keys")
            .summary("Makes an API key; its text is in this answer and nowhere else, not even in a repeated one")
            .fails(409, "too_many_keys")
            .once(),
        Endpoint::delete("/api/v1/api-keys/{id}", revoke)
            .also("/api/v1/account/uc-api-keys/{id}")
            .summary("Revokes an API key: within a second it is dead everywhere"),
    ]
}

async fn list(
    keys: Data<ApiKeys>,
    ambient: Data<Ambient>,
    by: Member<ManageKeys>,
) -> Result<Answer<ApiKeyList>, Problem> {
    let found = keys.list(by.membership.org()).await?;
    Ok(Answer::new(ApiKeyList::new(found, ambient.now())))
}

async fn create(
    keys: Data<ApiKeys>,
    by: Member<ManageKeys>,
    body: Json<CreateApiKey>,
) -> Result<Created<CreatedApiKey>, Problem> {
    let new = NewApiKey::try_from(body.0)?;
    let (key, token) = keys.create(&by.actor, by.membership.org(), by.identity.role, new).await?;
    Ok(Created::new(CreatedApiKey::shown(&key, &token)).remembered_as(CreatedApiKey::hidden(&key)))
}

async fn revoke(keys: Data<ApiKeys>, by: Member<ManageKeys>, Id(id): Id<ApiKeyId>) -> Result<Answer<Done>, Problem> {
    keys.revoke(&by.actor, by.membership.org(), id).await?;
    Ok(Answer::new(Done::new("the API key is revoked")))
}
