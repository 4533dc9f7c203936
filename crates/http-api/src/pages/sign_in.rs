use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use auth_core::{AuthError, Credentials, SignIn, Users};
use serde::Deserialize;

use super::form::Form;
use super::guest::Guest;
use super::return_to::ReturnTo;
use super::{session, view};
use crate::cookie;
use crate::problem::Problem;
use crate::site::Site;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    login: String,
    return_to: ReturnTo,
    error: Option<String>,
    /// Who is signed in already: they may be asked to prove again who they are.
    known_as: Option<String>,
}

/// The sign-in form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    login: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

/// Asks for user name and password.
pub(super) async fn ask(users: Data<Users>, guest: Guest) -> Result<HttpResponse, Problem> {
    let return_to = ReturnTo::parse(&guest.query("return_to").unwrap_or_default());
    let known_as = match &guest.me {
        Some(me) => Some(users.get(me.user).await?.username.to_string()),
        None => None,
    };
    view::page(StatusCode::OK, &Page { login: String::new(), return_to, error: None, known_as })
}

/// Signs in.
pub(super) async fn answer(
    sign_in: Data<SignIn>,
    site: Data<Site>,
    form: Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let Form { actor, request, fields } = form;
    let return_to = ReturnTo::parse(&fields.return_to);
    let credentials = Credentials { login: fields.login, password: fields.password.into() };
    let device = cookie::read_device(&site, &request);
    let old = cookie::read_session(&site, &request);
    match sign_in.with_password(&actor, &credentials, device.as_ref(), old.as_ref()).await {
        Ok(signed) => Ok(session::begun(&site, &signed, &return_to)),
        Err(error @ (AuthError::InvalidCredentials | AuthError::TooManyAttempts(_))) => {
            let problem = Problem::from(error);
            let text = match problem.status() {
                StatusCode::TOO_MANY_REQUESTS => {
                    format!("Too many attempts. Try again in {}.", view::patience(&request, &problem))
                }
                _ => "The user name or the password is wrong.".to_owned(),
            };
            let page = Page { login: credentials.login, return_to, error: Some(text), known_as: None };
            Ok(view::refusal(&request, &problem, &page))
        }
        Err(error) => Err(error.into()),
    }
}
