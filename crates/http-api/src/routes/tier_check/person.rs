use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};
use kernel::{OrgId, UserId};
use org_core::{OrgError, Orgs};

use crate::caller::{EntitlementsRead, ON_BEHALF_OF, Subject, check_csrf, credential, data};
use crate::endpoint::{Argument, Doc};
use crate::identify::{Credential, Identity};
use crate::problem::{FieldProblem, Problem};

/// The most characters of a forwarded path that the log keeps.
const LOGGED: usize = 256;

/// The person whose request a proxy asks about: whoever is signed in, or the user for whom a service acts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) user: UserId,
    /// Where they act: an active organization of theirs, if they are in one.
    pub(super) org: Option<OrgId>,
}

impl Argument for Person {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        log_forwarded(request);
        match credential(request).await?.ok_or_else(Problem::no_credential)? {
            Credential::Session(identity) if !names_another(request) => signed_in(request, &identity).await,
            Credential::Session(_) | Credential::Key(_) => {
                let by = Subject::<EntitlementsRead>::take(request, payload).await?;
                // What a proxy is told here it believes for every application behind it: an organization's own key must not say who
                // somebody is.
                if by.key().is_some() && !by.platform {
                    return Err(Problem::forbidden("forward authentication needs a key of the platform, or a session"));
                }
                let why = "a service names the user for whom it asks";
                let missing = || Problem::invalid(vec![FieldProblem::new("?user_id", "missing_field", why)]);
                Ok(Self { user: by.user.ok_or_else(missing)?, org: Some(by.org) })
            }
        }
    }

    fn describe(doc: &mut Doc) {
        Subject::<EntitlementsRead>::describe(doc);
    }
}

/// Whoever is signed in. A proxy passes on whatever is no 401 or 403 as a fault of its own, so one whose organization is suspended, or
/// who left it a moment ago, is somebody without an organization here.
async fn signed_in(request: &HttpRequest, identity: &Identity) -> Result<Person, Problem> {
    check_csrf(request, identity)?;
    let org = match identity.org {
        Some(org) => match data::<Orgs>(request)?.membership(org, identity.user).await {
            Ok(membership) => Some(membership.org()),
            Err(OrgError::OrgNotFound) => None,
            Err(failure) => return Err(failure.into()),
        },
        None => None,
    };
    Ok(Person { user: identity.user, org })
}

/// Whether the request names an organization or a user: then it must be allowed to.
fn names_another(request: &HttpRequest) -> bool {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let names =
        |pairs: web::Query<Vec<(String, String)>>| pairs.iter().any(|(name, _)| name == "org_id" || name == "user_id");
    request.headers().contains_key(ON_BEHALF_OF) || pairs.is_ok_and(names)
}

/// What the client asked the proxy for decides nothing. Its query may carry secrets and stays out of the log.
fn log_forwarded(request: &HttpRequest) {
    let Some(uri) = request.headers().get("X-Forwarded-Uri").and_then(|value| value.to_str().ok()) else { return };
    let path: String = uri.split(['?', '#']).next().unwrap_or_default().chars().take(LOGGED).collect();
    tracing::debug!(forwarded_path = ?path, "a proxy asks about a request");
}
