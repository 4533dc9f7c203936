//! Signing in and out, who is signed in, and the password.

pub(crate) mod account;
mod check;
mod dto;

use actix_web::web::Data;
use auth_core::{Credentials, Passwords, Secret, Sessions, SignIn};
use kernel::Ambient;

use self::account::Accounts;
pub(crate) use self::check::{active_org, visible};
use self::dto::password::{NewPassword, PasswordChange, PasswordChanged, PasswordPolicy};
use self::dto::session::{CsrfToken, SessionState, SignInAnswer, SignInRequest, SignedOut};
use crate::Answer;
use crate::caller::{Caller, Newcomer, Visitor};
use crate::cookie::{self, Browser};
use crate::endpoint::Endpoint;
use crate::input::Json;
use crate::problem::Problem;
use crate::site::Site;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/auth/login", login)
            .summary("Signs in with a user name or e-mail address and a password; the session is in the cookie")
            .fails(401, "invalid_credentials"),
        Endpoint::post("/api/v1/auth/logout", logout).summary("Ends the session").unlimited(),
        Endpoint::get("/api/v1/auth/session", session)
            .summary("Who is signed in, where, and the session's CSRF token")
            .fails(401, "unauthenticated"),
        Endpoint::get("/api/v1/auth/csrf-token", csrf_token)
            .summary("The session's CSRF token; for nobody one that authenticates nothing"),
        Endpoint::get("/api/v1/auth/password-policy", password_policy).summary("What a password must be"),
        changes_password(Endpoint::post("/api/v1/auth/change-password", change_password)),
        changes_password(Endpoint::put("/api/v1/auth/password", change_password)),
        Endpoint::get("/auth/check", check::check)
            .decision()
            .summary("For a proxy that asks before it lets a request through (forward authentication)")
            .answers(200, "Signed in: `X-User-Id`, `X-User-Email`, `X-Org-Id` (empty in no organization) and `X-Tier` say as whom.")
            .fails(403, "forbidden"),
    ]
}

fn changes_password(row: Endpoint) -> Endpoint {
    row.summary("Changes the password; every other session of the user dies")
        .fails(400, "wrong_password")
        .fails(422, "weak_password")
        .fails(429, "too_many_attempts")
}

async fn login(
    sign_in: Data<SignIn>,
    accounts: Accounts,
    newcomer: Newcomer,
    browser: Browser,
    body: Json<SignInRequest>,
) -> Result<Answer<SignInAnswer>, Problem> {
    let credentials = Credentials::try_from(body.0)?;
    let (device, replacing) = (browser.device.as_ref(), browser.session.as_ref());
    let found = sign_in.with_password(&newcomer.actor, &credentials, device, replacing).await?;
    let user = accounts.session_user(found.user.id, found.session.org).await?;
    let answer =
        Answer::new(SignInAnswer::new(&found.session, user)).cookie(browser.keep(&found.token, &found.session));
    Ok(answer.maybe_cookie(browser.know(found.device.as_ref())))
}

async fn logout(sessions: Data<Sessions>, site: Data<Site>, caller: Caller) -> Result<Answer<SignedOut>, Problem> {
    let current = caller.session()?;
    sessions.end(&caller.actor, current.token.tag(), &current.session).await?;
    let answer = Answer::new(SignedOut::from(site.get_ref())).cookie(cookie::no_session(&site));
    Ok(answer.header("Clear-Site-Data", "\"cache\", \"storage\""))
}

async fn session(accounts: Accounts, visitor: Visitor) -> Result<Answer<SessionState>, Problem> {
    let identity = visitor.identity.ok_or_else(Problem::nobody)?;
    let user = accounts.session_user(identity.user, identity.org).await?;
    Ok(Answer::new(SessionState::new(&identity, user)))
}

async fn csrf_token(ambient: Data<Ambient>, visitor: Visitor) -> Result<Answer<CsrfToken>, Problem> {
    let session = visitor.identity.and_then(|identity| identity.session);
    let token = session.map_or_else(|| Secret::mint(&ambient).expose().to_owned(), |current| current.token.csrf());
    Ok(Answer::new(token.into()))
}

async fn password_policy() -> Result<Answer<PasswordPolicy>, Problem> {
    Ok(Answer::new(PasswordPolicy::present()))
}

async fn change_password(
    passwords: Data<Passwords>,
    site: Data<Site>,
    caller: Caller,
    body: Json<PasswordChange>,
) -> Result<Answer<PasswordChanged>, Problem> {
    let NewPassword { current, new } = body.0.try_into()?;
    let mine = caller.session()?;
    let changed = passwords.change(&caller.actor, &mine.token, &mine.session, &current, &new).await?;
    let cookie = cookie::session(&site, &changed.renewed.token, &changed.renewed.session);
    Ok(Answer::new(changed.strength.into()).cookie(cookie))
}
