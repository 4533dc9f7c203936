//! Services with an API key, and signed-in people, where both may ask: in which organization, and for which user.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{HttpMessage, HttpRequest, web};
use auth_core::{ApiKey, ApiKeys, Scope};
use kernel::{Actor, ActorKind, OrgId, UserId};
use org_core::Orgs;
use utoipa::openapi::path::ParameterIn;

use super::{actor, asked_org, check_csrf, credential, data, settle};
use crate::endpoint::{Argument, Doc, Who};
use crate::identify::{Credential, Identity};
use crate::problem::Problem;
use crate::rate_limit;

/// The header with which a service names the user for whom it acts.
pub(crate) const ON_BEHALF_OF: &str = "X-On-Behalf-Of";

/// A scope, as a type: what [`Subject`] and [`Claim`] ask of a key.
pub trait NeedsScope {
    /// Which.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($name:ident),*) => {$(
        /// The scope of the same name.
        pub struct $name;
        impl NeedsScope for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}
scopes!(UsageWrite, EntitlementsRead, ByokResolve, AdminRead);

/// What proved who it is.
#[derive(Debug, Clone)]
pub enum Via {
    /// A session: the user acts for themselves, in an organization of theirs.
    Session(Identity),
    /// An API key with the scope.
    Key(ApiKey),
}

/// A service whose key has the scope, or somebody who is signed in, with the organization and the user that the call is about. The
/// organization is active, and the user is an active member of it.
pub struct Subject<S> {
    /// Who acts, and from where. With a key that is the service, also when it acts for a user.
    pub actor: Actor,
    /// Where: the one that the path or the query names; else the key's own, or the one that the session is in.
    pub org: OrgId,
    /// For whom: whoever is signed in, or the user whom the service named.
    pub user: Option<UserId>,
    /// Whether it may act in every organization: a key of the platform.
    pub platform: bool,
    /// What proved who it is.
    pub via: Via,
    named: Named,
    proofs: Proofs,
    scope: PhantomData<S>,
}

/// The same for what only services do: a session, whoever's it is, is refused.
pub struct Service<S>(pub Subject<S>);

/// The same, before the body has been read: for operations whose body may name the organization and the user, too.
pub struct Claim<S> {
    /// Who acts, and from where.
    pub actor: Actor,
    /// What proved who it is.
    pub via: Via,
    named: Named,
    proofs: Proofs,
    settled: Option<Place>,
    scope: PhantomData<S>,
}

/// Where a call takes place, and for whom.
#[derive(Debug, Clone, Copy)]
struct Place {
    org: OrgId,
    user: Option<UserId>,
}

/// Whom a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Named {
    org: Option<OrgId>,
    user: Option<UserId>,
}

/// The request, whose services know where somebody may act.
struct Proofs(HttpRequest);

impl<S> Subject<S> {
    /// The same for an organization and a user that the body names, by the same rules; a body that contradicts the query or the
    /// header is a 422.
    pub async fn acting_for(self, org: Option<OrgId>, user: Option<UserId>) -> Result<Self, Problem> {
        let settled = Some(Place { org: self.org, user: self.user });
        let Self { actor, via, named, proofs, scope, .. } = self;
        Claim { actor, via, named, proofs, settled, scope }.acting_for(org, user).await
    }

    /// Whether it may also name this user, of the same organization, for a part of what it asks: by the same rules, and a 422 when
    /// query or header name another one for all of it. A service that names somebody is counted for them (429).
    pub async fn may_name(&self, user: UserId) -> Result<(), Problem> {
        agreed("?user_id", self.named.user, Some(user))?;
        let place = self.proofs.place(&self.via, Named { org: Some(self.org), user: Some(user) }).await?;
        match &self.via {
            Via::Key(_) => rate_limit::also_for(&self.proofs.0, user, place.org).await,
            Via::Session(_) => Ok(()),
        }
    }

    /// Where the request is, for problems that are a part of its answer.
    pub(crate) fn at(&self) -> crate::problem::Place {
        crate::problem::Place::of(&self.proofs.0)
    }

    /// The key, when it is a service.
    pub const fn key(&self) -> Option<&ApiKey> {
        match &self.via {
            Via::Key(key) => Some(key),
            Via::Session(_) => None,
        }
    }
}

impl<S> Claim<S> {
    /// For the organization and the user that the body names, if it names any; one that contradicts the query or the header is a 422.
    pub async fn acting_for(self, org: Option<OrgId>, user: Option<UserId>) -> Result<Subject<S>, Problem> {
        let named =
            Named { org: agreed("/org_id", self.named.org, org)?, user: agreed("/user_id", self.named.user, user)? };
        let place = match self.settled.filter(|_| named == self.named) {
            Some(place) => place,
            None => self.proofs.place(&self.via, named).await?,
        };
        self.proofs.settle(&self.via, place).await?;
        let Self { actor, via, proofs, scope, .. } = self;
        let platform = matches!(&via, Via::Key(key) if key.platform);
        Ok(Subject { actor, org: place.org, user: place.user, platform, via, named, proofs, scope })
    }
}

impl Proofs {
    /// Notes where the call takes place; a service that acts for somebody is counted for them.
    async fn settle(&self, via: &Via, place: Place) -> Result<(), Problem> {
        settle(&self.0, place.org);
        match via {
            Via::Session(_) => Ok(()),
            Via::Key(key) => {
                let who = rate_limit::Subject { user: place.user, org: Some(place.org), key: Some(key.into()) };
                rate_limit::acts_for(&self.0, who).await
            }
        }
    }

    /// Where a call of these takes place, if they may act there: 403 for what their credential does not allow, 404 for what is not
    /// theirs.
    async fn place(&self, via: &Via, named: Named) -> Result<Place, Problem> {
        match via {
            Via::Session(identity) => {
                let others = || Problem::forbidden("only a service with the scope act_as can name another user");
                let user = named.user.is_none_or(|user| user == identity.user).then_some(identity.user);
                let user = user.ok_or_else(others)?;
                let org = named.org.or(identity.org).ok_or_else(Problem::not_found)?;
                if identity.proven_org() == Some(org) {
                    return Ok(Place { org, user: Some(user) });
                }
                let membership = data::<Orgs>(&self.0)?.membership(org, user).await?;
                Ok(Place { org: membership.org(), user: Some(user) })
            }
            Via::Key(key) => {
                require(key, named.user.map(|_| Scope::ActAs))?;
                let org = named.org.unwrap_or(key.org);
                let reaches = key.platform || org == key.org;
                // A key that was accepted is one of an active organization.
                let proved = org == key.org && named.user.is_none();
                let may = reaches && (proved || data::<ApiKeys>(&self.0)?.may_act(org, named.user).await?);
                if may { Ok(Place { org, user: named.user }) } else { Err(Problem::not_found()) }
            }
        }
    }
}

impl<S: NeedsScope> Argument for Claim<S> {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let via = match credential(request).await?.ok_or_else(Problem::no_credential)? {
            Credential::Session(identity) => Via::Session(identity),
            Credential::Key(key) => Via::Key(key),
        };
        let texts = named_users(request);
        if let Via::Key(key) = &via {
            require(key, [S::SCOPE].into_iter().chain(texts.first().map(|_| Scope::ActAs)))?;
        }
        let users: Vec<UserId> =
            texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().or(Err(Problem::not_found()))?;
        let named = Named { org: asked_org(request)?, user: users.first().copied() };
        let proofs = Proofs(request.clone());
        // The body may yet name the organization that a user named by a service of the platform is to be a member of.
        let open = matches!(&via, Via::Key(key) if key.platform) && named.org.is_none() && named.user.is_some();
        let settled = if open { None } else { Some(proofs.place(&via, named).await?) };
        let actor = admitted(request, &via, settled)?;
        if users.iter().any(|user| Some(*user) != named.user) {
            return Err(contradiction("?user_id"));
        }
        Ok(Self { actor, via, named, proofs, settled, scope: PhantomData })
    }

    fn describe(doc: &mut Doc) {
        doc.only(Who::Service(S::SCOPE.as_str()));
        place(doc);
    }
}

impl<S: NeedsScope> Argument for Subject<S> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        Claim::<S>::take(request, payload).await?.acting_for(None, None).await
    }
    fn describe(doc: &mut Doc) {
        Claim::<S>::describe(doc);
    }
}

impl<S: NeedsScope> Argument for Service<S> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        match credential(request).await?.ok_or_else(Problem::no_credential)? {
            Credential::Session(_) => Err(Problem::api_key_required()),
            Credential::Key(_) => Subject::take(request, payload).await.map(Self),
        }
    }
    fn describe(doc: &mut Doc) {
        doc.only(Who::Key(S::SCOPE.as_str()));
        place(doc);
    }
}

/// Where query and header say where it is, and for whom.
fn place(doc: &mut Doc) {
    let org = "The organization, `org_…`; without it the key's own, or the one that the session is in. Only keys of the \
               platform and members reach another one.";
    let user =
        "The user, `usr_…`, for whom a service acts: an active member of the organization. Needs the scope `act_as`.";
    doc.parameter("org_id", ParameterIn::Query, false, org);
    doc.parameter("user_id", ParameterIn::Query, false, user);
    doc.parameter(ON_BEHALF_OF, ParameterIn::Header, false, "The same as `user_id`.");
}

/// The CSRF policy for what came with a cookie, and who acts; tells the rate limit about a service.
fn admitted(request: &HttpRequest, via: &Via, settled: Option<Place>) -> Result<Actor, Problem> {
    match via {
        Via::Session(identity) => {
            check_csrf(request, identity)?;
            actor(request, Some(identity))
        }
        Via::Key(key) => {
            // Who is named where the place is still open is counted when it is known.
            let org = Some(settled.map_or(key.org, |place| place.org));
            let user = settled.and_then(|place| place.user);
            request.extensions_mut().insert(rate_limit::Subject { user, org, key: Some(key.into()) });
            Ok(Actor { kind: ActorKind::Service(key.id), ..actor(request, None)? })
        }
    }
}

/// Refuses a key that lacks one of these scopes.
fn require(key: &ApiKey, scopes: impl IntoIterator<Item = Scope>) -> Result<(), Problem> {
    match scopes.into_iter().find(|scope| !key.scopes.contain(*scope)) {
        Some(lacking) => Err(Problem::insufficient_scope(lacking)),
        None => Ok(()),
    }
}

/// Every user whom query and header name, as they were written. What is no text names nobody that exists.
fn named_users(request: &HttpRequest) -> Vec<String> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
    let asked = pairs.into_iter().filter(|(name, _)| name == "user_id").map(|(_, value)| value);
    let headers = request.headers().get_all(ON_BEHALF_OF);
    asked.chain(headers.map(|value| value.to_str().unwrap_or_default().trim().to_owned())).collect()
}

/// The one that is meant when two places may name it.
fn agreed<T: PartialEq>(pointer: &str, before: Option<T>, body: Option<T>) -> Result<Option<T>, Problem> {
    match (before, body) {
        (Some(before), Some(body)) if before != body => Err(contradiction(pointer)),
        (before, body) => Ok(before.or(body)),
    }
}

fn contradiction(pointer: &str) -> Problem {
    Problem::invalid_field(pointer, "is named twice, and not the same one")
}
