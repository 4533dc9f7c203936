//! The built-in pages: enough for a person with a browser to sign in, see and end their sessions, change organization and accept an
//! invitation. Plain HTML without JavaScript, over the same use cases as the API.

mod asset;
mod docs;
mod failure;
mod form;
mod guest;
mod home;
mod invitation;
mod link;
mod new_account;
mod return_to;
mod session;
mod sign_in;
mod view;
mod wording;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{Handler, HttpRequest, HttpResponse, Resource, Route, guard, web};

use crate::endpoint::{Arguments, contained};
use crate::problem::Problem;

/// Mounts the pages.
pub fn configure(cfg: &mut ServiceConfig) {
    mount(cfg, "/", READ, [get(home::show)]);
    mount(cfg, "/sign-in", BOTH, [get(sign_in::ask), post(sign_in::answer)]);
    mount(cfg, "/sign-in/link", BOTH, [get(link::ask), post(link::answer)]);
    mount(cfg, "/sign-out", WRITE, [post(session::sign_out)]);
    mount(cfg, "/sessions/others/end", WRITE, [post(session::end_others)]);
    mount(cfg, "/sessions/{id}/end", WRITE, [post(session::end)]);
    mount(cfg, "/organizations/{id}/enter", WRITE, [post(session::enter)]);
    mount(cfg, "/invitations/accept", BOTH, [get(invitation::show), post(invitation::accept)]);
    mount(cfg, "/invitations/account", WRITE, [post(new_account::register)]);
    mount(cfg, "/assets/{name}", READ, [get(asset::serve)]);
    mount(cfg, "/docs", READ, [get(docs::enter)]);
    mount(cfg, "/docs/{file:.*}", READ, [get(docs::serve)]);
}

const READ: &str = "GET, HEAD";
const WRITE: &str = "POST";
const BOTH: &str = "GET, HEAD, POST";

/// A path that answers these methods, and the others with 405.
fn mount<const N: usize>(cfg: &mut ServiceConfig, path: &str, allowed: &'static str, routes: [Route; N]) {
    let wrong = web::to(move |request: HttpRequest| wrong_method(request, allowed));
    let resource = routes.into_iter().fold(web::resource(path), Resource::route);
    cfg.service(resource.default_service(wrong));
}

fn get<F, A>(handler: F) -> Route
where
    F: Handler<A, Output = Result<HttpResponse, Problem>>,
    A: Arguments + 'static,
{
    web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(in_order(handler))
}

fn post<F, A>(handler: F) -> Route
where
    F: Handler<A, Output = Result<HttpResponse, Problem>>,
    A: Arguments + 'static,
{
    web::post().to(in_order(handler))
}

/// Wraps a handler so that its arguments are taken one after the other, and every problem becomes a page.
fn in_order<F, A>(handler: F) -> impl Handler<(HttpRequest, web::Payload), Output = HttpResponse>
where
    F: Handler<A, Output = Result<HttpResponse, Problem>>,
    A: Arguments + 'static,
{
    move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();
        async move {
            let work = async {
                let arguments = A::take(&request, &mut payload.into_inner()).await?;
                handler.call(arguments).await
            };
            contained(&request, work).await.unwrap_or_else(|problem| failure::page(&request, &problem))
        }
    }
}

async fn wrong_method(request: HttpRequest, allowed: &'static str) -> HttpResponse {
    let detail = format!("this address answers {allowed}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    let mut answer = failure::page(&request, &problem);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}
