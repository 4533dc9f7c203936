//! What anybody may read. The answer to a stranger is the same for all strangers, so it may be kept (RFC 9111); what somebody who is
//! known is told is theirs alone.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, EntityTag, IfNoneMatch, VARY};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use auth_core::Scope;
use kernel::{OrgId, PlatformRole};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::answer::{json, written};
use crate::caller::credential;
use crate::endpoint::{Argument, Doc, Reply};
use crate::identify::Credential;
use crate::problem::Problem;

/// Whoever reads: a stranger, somebody who is signed in, or a service.
pub(crate) struct Audience {
    /// The organization that they act in, if any.
    pub(crate) org: Option<OrgId>,
    /// Whether they see what only platform administrators see.
    pub(crate) administers: bool,
    known: bool,
    has: Option<IfNoneMatch>,
}

impl Argument for Audience {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let credential = credential(request).await?;
        let (org, administers) = match &credential {
            Some(Credential::Session(identity)) => (identity.org, identity.role == PlatformRole::Admin),
            Some(Credential::Key(key)) => {
                let org = key.scopes.contain(Scope::EntitlementsRead).then_some(key.org);
                (org, key.platform && key.scopes.contain(Scope::AdminRead))
            }
            None => (None, false),
        };
        Ok(Self { org, administers, known: credential.is_some(), has: request.get_header() })
    }

    fn describe(doc: &mut Doc) {
        doc.problem(401, "invalid_api_key");
        doc.problem(429, "rate_limited");
        doc.problem(503, "unavailable");
    }
}

/// A JSON answer to an [`Audience`].
pub(crate) struct Public<T> {
    audience: Audience,
    body: T,
}

impl<T> Public<T> {
    /// This body for this audience.
    pub(crate) const fn new(audience: Audience, body: T) -> Self {
        Self { audience, body }
    }
}

impl<T: Serialize + ToSchema> Reply for Public<T> {
    fn reply(self) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        // A cache in between must not give one reader's answer to another.
        response.insert_header((VARY, "Cookie, Authorization, X-API-Key"));
        let text = match written(&self.body) {
            Ok(text) if !self.audience.known => text,
            // What cannot be written is an error, and `json` says so.
            Ok(_) | Err(_) => return json(&mut response, "application/json", &self.body),
        };
        let tag = entity_tag(&text);
        response.insert_header((CACHE_CONTROL, "public, max-age=60")).insert_header((ETAG, tag.to_string()));
        if self.audience.has.is_some_and(|has| names(&has, &tag)) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type("application/json").body(text)
    }

    fn describe(doc: &mut Doc) {
        doc.answer::<T>(200, "All is well. A stranger may keep the answer for a minute.");
        doc.plain_answer(304, "A stranger who sent `If-None-Match` has this answer already.");
    }
}

fn entity_tag(text: &[u8]) -> EntityTag {
    let digest = Sha256::digest(text);
    EntityTag::new_strong(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2).
fn names(has: &IfNoneMatch, tag: &EntityTag) -> bool {
    match has {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(tag)),
    }
}
