use std::net::IpAddr;

use crate::{ApiKeyId, UserId};

/// Who is acting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// Nobody that we know: a request without a session.
    Anonymous,
    /// A signed-in user.
    User(UserId),
    /// A service of the platform, by its API key.
    Service(ApiKeyId),
    /// The installation itself: its command line, its start.
    System,
}

impl ActorKind {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User(_) => "user",
            Self::Service(_) => "service",
            Self::System => "system",
        }
    }
}

/// Who is acting, and from where: what a record of the trail keeps of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub kind: ActorKind,
    /// The address the request came from, behind the proxies we trust.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, at most [`Actor::MAX_USER_AGENT`] characters.
    pub user_agent: Option<String>,
    /// The request's id, as in the answer's `X-Request-ID` and in the logs.
    pub request_id: Option<String>,
    /// A hash of the session's credential, never the credential.
    pub session: Option<String>,
}

impl Actor {
    /// How much of a user agent is kept, in characters.
    pub const MAX_USER_AGENT: usize = 256;

    /// The installation itself.
    pub const fn system() -> Self {
        Self { kind: ActorKind::System, ip: None, user_agent: None, request_id: None, session: None }
    }

    /// A user, without the circumstances of a request.
    pub const fn user(id: UserId) -> Self {
        Self { kind: ActorKind::User(id), ip: None, user_agent: None, request_id: None, session: None }
    }

    /// The acting user, if it is one.
    pub const fn user_id(&self) -> Option<UserId> {
        match self.kind {
            ActorKind::User(id) => Some(id),
            ActorKind::Anonymous | ActorKind::Service(_) | ActorKind::System => None,
        }
    }

    /// The same circumstances, with the user who has just proved who they are.
    #[must_use]
    pub fn known_as(&self, id: UserId) -> Self {
        Self { kind: ActorKind::User(id), ..self.clone() }
    }
}
