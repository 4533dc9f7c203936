use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};
use auth_core::User;
use kernel::{OrgId, PlatformRole, UserId};
use org_core::Orgs;

use crate::caller::{EntitlementsRead, ON_BEHALF_OF, Subject, check_csrf, credential, data};
use crate::endpoint::{Argument, Doc};
use crate::identify::{Credential, Identity};
use crate::problem::{FieldProblem, Problem};
use crate::routes::auth::active_org;

/// The most characters of a forwarded path that the log keeps.
const LOGGED: usize = 256;

/// The person whose request a proxy asks about: whoever is signed in, or the user for whom a service acts.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) user: UserId,
    /// What their session knows of them; nothing of somebody for whom a service asks.
    pub(super) account: Option<Account>,
    /// Where they act: an active organization of theirs, if they are in one.
    pub(super) org: Option<OrgId>,
}

/// What a gate must know of an account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The canonical address.
    pub(super) email: String,
    pub(super) role: PlatformRole,
}

impl Account {
    pub(super) fn of(user: &User) -> Self {
        Self { email: user.email.canonical().to_owned(), role: user.role }
    }
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
                Ok(Self { user: by.user.ok_or_else(missing)?, account: None, org: Some(by.org) })
            }
        }
    }

    fn describe(doc: &mut Doc) {
        Subject::<EntitlementsRead>::describe(doc);
    }
}

/// Whoever is signed in.
async fn signed_in(request: &HttpRequest, identity: &Identity) -> Result<Person, Problem> {
    let org = active_org(&*data::<Orgs>(request)?, identity).await?;
    check_csrf(request, identity)?;
    let account =
        identity.session.as_ref().map(|session| Account { email: session.email.clone(), role: identity.role });
    Ok(Person { user: identity.user, account, org })
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
