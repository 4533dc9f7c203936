//! An account for somebody who was invited: the link came by mail, so the address is theirs.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use auth_core::policy::password::Violation;
use auth_core::{AuthError, NewUser, SignIn, SignedIn, User, Username, Users};
use kernel::{Actor, PlatformRole};
use org_core::{InvitationToken, Invitations, Preview};
use secrecy::SecretString;
use serde::Deserialize;

use super::form::Form;
use super::invitation::{Draft, Page, Reader, address, token, told};
use super::return_to::ReturnTo;
use super::session;
use super::view::{self, Message};
use super::wording::sentence;
use crate::caller::identify;
use crate::problem::Problem;
use crate::site::Site;

/// The form of somebody who has no account yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    token: String,
    username: String,
    password: String,
    repeat: String,
}

/// An invitation that can be accepted.
struct Open {
    token: InvitationToken,
    preview: Preview,
}

/// Makes the account, accepts the invitation and signs in.
pub(super) async fn register(
    invitations: Data<Invitations>,
    users: Data<Users>,
    sign_in: Data<SignIn>,
    site: Data<Site>,
    form: Form<NewAccount>,
) -> Result<HttpResponse, Problem> {
    let Form { actor, request, fields } = form;
    let token = token(&fields.token)?;
    let open = Open { preview: invitations.preview(&token).await.map_err(told)?, token };
    if identify(&request).await?.is_some() {
        // Signed in meanwhile, in another tab: the page tells what they can do now.
        return Ok(view::see_other(&ReturnTo::parse(&address(&open.token)), []));
    }
    let user = match make(&users, &actor, &open, fields).await? {
        Ok(user) => user,
        Err(refused) => return Ok(again(&request, &open, refused)),
    };
    let actor = actor.known_as(user.id);
    let accepted = invitations.accept(&actor, user.id, &open.token).await;
    let signed = sign_in.as_new_user(&actor, user.id).await;
    match (signed, accepted) {
        (Ok(signed), Ok(_)) => Ok(session::begun(&site, &signed, &ReturnTo::home())),
        (Ok(signed), Err(error)) => not_joined(&site, &request, &open, (signed, told(error))),
        (Err(error), accepted) => Ok(not_signed_in(&request, &open, error, accepted.is_ok())),
    }
}

/// Why no account was made, and what the person who asked reads.
struct Refused {
    problem: Problem,
    reader: Reader,
}

async fn make(users: &Users, actor: &Actor, open: &Open, fields: NewAccount) -> Result<Result<User, Refused>, Problem> {
    let password = SecretString::from(fields.password);
    let repeated = secrecy::ExposeSecret::expose_secret(&password) == fields.repeat;
    let mut draft = Draft { username: fields.username, ..Draft::default() };
    let username = Username::parse(&draft.username);
    draft.username_error = username.as_ref().err().map(|why| sentence(&why.to_string()));
    draft.repeat_error = (!repeated).then(|| "The two passwords differ.".to_owned());
    let username = match username {
        Ok(username) if repeated => username,
        _ => return Ok(Err(invalid(draft))),
    };
    let email = open.preview.email.clone();
    let new = NewUser { email, email_verified: true, username, role: PlatformRole::User };
    match users.register(actor, new, &password).await {
        Ok(user) => Ok(Ok(user)),
        Err(AuthError::WeakPassword(rules)) => {
            Ok(Err(invalid(Draft { password_error: Some(broken(&rules)), ..draft })))
        }
        Err(error @ (AuthError::UsernameTaken | AuthError::UsernameReserved)) => {
            let draft = Draft { username_error: Some(sentence(&error.to_string())), ..draft };
            Ok(Err(Refused { problem: error.into(), reader: Reader::Stranger(draft) }))
        }
        Err(error @ AuthError::EmailTaken) => Ok(Err(Refused { problem: error.into(), reader: Reader::HasAccount })),
        Err(error) => Err(error.into()),
    }
}

fn invalid(draft: Draft) -> Refused {
    Refused { problem: Problem::invalid(Vec::new()), reader: Reader::Stranger(draft) }
}

fn broken(rules: &[Violation]) -> String {
    let sentences: Vec<String> = rules.iter().map(|rule| format!("The password {rule}.")).collect();
    sentences.join(" ")
}

/// The form again, with what is wrong.
fn again(request: &HttpRequest, open: &Open, refused: Refused) -> HttpResponse {
    view::refusal(request, &refused.problem, &Page::new(&open.preview, &open.token, refused.reader))
}

/// The account was made, but the invitation could not be accepted.
fn not_joined(
    site: &Site,
    request: &HttpRequest,
    open: &Open,
    (signed, problem): (SignedIn, Problem),
) -> Result<HttpResponse, Problem> {
    let made = format!("Your account {} was made, and you are signed in.", signed.user.username);
    let why = match problem.status() {
        StatusCode::CONFLICT | StatusCode::NOT_FOUND | StatusCode::GONE => {
            format!("But you could not join {}: {}.", open.preview.org_name, problem.detail())
        }
        _ => format!("But you could not join {} right now.", open.preview.org_name),
    };
    let address = address(&open.token);
    let (then, link) = match problem.status() {
        StatusCode::NOT_FOUND | StatusCode::GONE => ("Ask for a new invitation.", ("/", "Go to your account")),
        _ => (
            "The invitation stays open until it expires. Once the reason is gone, open its link again.",
            (address.as_str(), "Open the invitation"),
        ),
    };
    let page = Message::new("Your account was made", &[&made, &why, then], Some(link));
    let mut answer = view::refusal(request, &problem, &page);
    for cookie in session::cookies(site, &signed) {
        answer.add_cookie(&cookie).map_err(Problem::internal)?;
    }
    Ok(answer)
}

/// The account was made, but signing in to it failed.
fn not_signed_in(request: &HttpRequest, open: &Open, error: AuthError, joined: bool) -> HttpResponse {
    let made = if joined {
        format!("Your account was made, and you are a member of {}.", open.preview.org_name)
    } else {
        "Your account was made. The invitation is not accepted yet: open its link again once you are signed in."
            .to_owned()
    };
    let text = [made.as_str(), "But you could not be signed in right now. Try in a moment."];
    let page = Message::new("Your account was made", &text, Some(("/sign-in", "Sign in")));
    view::refusal(request, &error.into(), &page)
}
