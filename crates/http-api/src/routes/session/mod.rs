//! A user's sessions: seen and ended.

mod dto;

use actix_web::web::Data;
use auth_core::Sessions;

use self::dto::{SessionList, Which};
use crate::Answer;
use crate::caller::Caller;
use crate::cookie;
use crate::endpoint::Endpoint;
use crate::input::Id;
use crate::problem::Problem;
use crate::site::Site;
use crate::wire::Done;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/auth/sessions", list).summary("The user's sessions, newest first"),
        Endpoint::delete("/api/v1/auth/sessions/{id}", end).summary(
            "Ends a session of the user, or `others`, or `all`; the very next request of an ended session is a 401",
        ),
    ]
}

async fn list(sessions: Data<Sessions>, caller: Caller) -> Result<Answer<SessionList>, Problem> {
    let mine = caller.session()?;
    let seen = sessions.list(mine.token.tag(), &mine.session).await?;
    Ok(Answer::new(SessionList::new(seen, mine.session.id)))
}

async fn end(
    sessions: Data<Sessions>,
    site: Data<Site>,
    caller: Caller,
    which: Id<Which>,
) -> Result<Answer<Done>, Problem> {
    let (mine, actor) = (caller.session()?, &caller.actor);
    let cookie = match which.0 {
        Which::All => {
            sessions.revoke_all(actor, mine.session.user).await?;
            Some(cookie::no_session(&site))
        }
        Which::Others => {
            let renewed = sessions.revoke_others(actor, &mine.token, &mine.session).await?;
            Some(cookie::session(&site, &renewed.token, &renewed.session))
        }
        Which::One(id) => {
            sessions.revoke(actor, mine.token.tag(), &mine.session, id).await?;
            (id == mine.session.id).then(|| cookie::no_session(&site))
        }
    };
    Ok(Answer::new(Done::new(which.0.done())).maybe_cookie(cookie))
}
