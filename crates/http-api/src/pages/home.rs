use account_core::Profiles;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use auth_core::policy::device;
use auth_core::{Seen, Sessions, Users};
use kernel::{OrgId, Page as Rows, SessionId};
use org_core::{Joined, OrgStatus, Orgs};

use super::guest::Guest;
use super::return_to::ReturnTo;
use super::view;
use super::wording::{Moment, platform_role, role};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    name: String,
    username: String,
    email: String,
    role: &'static str,
    orgs: Vec<OrgLine>,
    more_orgs: u64,
    sessions: Vec<SessionLine>,
    csrf: String,
}

struct OrgLine {
    id: OrgId,
    name: String,
    role: &'static str,
    active: bool,
    current: bool,
}

struct SessionLine {
    id: SessionId,
    device: String,
    address: String,
    created: Moment,
    last_used: Moment,
    current: bool,
}

impl Page {
    fn org(&self) -> Option<&OrgLine> {
        self.orgs.iter().find(|org| org.current)
    }

    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

impl OrgLine {
    fn of(joined: Joined, current: Option<OrgId>) -> Self {
        Self {
            id: joined.org,
            name: joined.name,
            role: role(joined.role),
            active: joined.status == OrgStatus::Active,
            current: current == Some(joined.org),
        }
    }
}

impl SessionLine {
    fn of(seen: Seen, current: SessionId) -> Self {
        let session = seen.session;
        Self {
            id: session.id,
            device: device::describe(session.user_agent.as_deref()),
            address: session.ip.unwrap_or_else(|| "unknown".to_owned()),
            created: Moment::new(session.created_at),
            last_used: Moment::new(seen.last_seen),
            current: session.id == current,
        }
    }
}

/// Who am I, where am I, where else am I signed in.
pub(super) async fn show(
    users: Data<Users>,
    profiles: Data<Profiles>,
    orgs: Data<Orgs>,
    sessions: Data<Sessions>,
    guest: Guest,
) -> Result<HttpResponse, Problem> {
    let Some(me) = guest.me else { return Ok(view::see_other(&ReturnTo::parse("/sign-in"), [])) };
    let session = &me.current.session;
    let user = users.get(me.user).await?;
    let profile = profiles.get(me.user).await?;
    let joined = orgs.joined(me.user, Rows::new(Rows::MAX_LIMIT, 0).unwrap_or_default()).await?;
    let live = sessions.list(me.current.token.tag(), session).await?;
    let username = user.username.to_string();
    let page = Page {
        name: profile.display_name.map_or_else(|| username.clone(), |name| name.as_str().to_owned()),
        username,
        email: user.email.to_string(),
        role: platform_role(user.role),
        more_orgs: joined.total.saturating_sub(u64::from(Rows::MAX_LIMIT)),
        orgs: joined.items.into_iter().map(|joined| OrgLine::of(joined, session.org)).collect(),
        sessions: live.into_iter().map(|seen| SessionLine::of(seen, session.id)).collect(),
        csrf: me.current.token.csrf(),
    };
    view::page(StatusCode::OK, &page)
}
