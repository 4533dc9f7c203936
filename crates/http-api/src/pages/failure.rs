//! Problems as pages: what happened, whether anything was done, and where to go from here.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::view::{Message, patience, refusal};
use super::wording::sentence;
use crate::problem::{Place, Problem};

const HOME: Option<(&str, &str)> = Some(("/", "Go to your account"));

/// The page of a problem.
pub(super) fn page(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let told = by_code(problem).unwrap_or_else(|| by_status(request, problem));
    refusal(request, problem, &told)
}

fn by_code(problem: &Problem) -> Option<Message> {
    let message = match problem.code() {
        "csrf_failed" => {
            let text = "The request may have come from another site, so nothing was done. Open the page again and repeat it there.";
            Message::new("This was not accepted", &[text], HOME)
        }
        "link_unusable" => {
            let text = [
                "It may have been used already, its time may be over, or a part of the address may be missing.",
                "A link signs in once. If you need another one, ask whoever sent it to you.",
            ];
            Message::new("This link cannot be used", &text, Some(("/sign-in", "Sign in with your password")))
        }
        "invitation_not_found" => {
            let text = [
                "It may have been accepted already or taken back, it may be for somebody else, or a part of the address may be missing.",
                "If you have accepted it, you find the organization in your account. Otherwise ask for a new invitation.",
            ];
            Message::new("This invitation cannot be used", &text, HOME)
        }
        "invitation_expired" => {
            let text = "An invitation can be accepted for seven days. Ask for a new one.";
            Message::new("This invitation has expired", &[text], HOME)
        }
        "already_member" => Message::new("You are a member already", &["There is nothing left to do."], HOME),
        _ => return None,
    };
    Some(message)
}

fn by_status(request: &HttpRequest, problem: &Problem) -> Message {
    let detail = sentence(problem.detail());
    match problem.status() {
        StatusCode::UNAUTHORIZED => {
            let text = "The session has ended, or you have not signed in yet.";
            Message::new("You are not signed in", &[text], Some(("/sign-in", "Sign in")))
        }
        StatusCode::NOT_FOUND => Message::new("Not found", &["There is nothing here under this address."], HOME),
        StatusCode::UNPROCESSABLE_ENTITY => {
            let text = "The form could not be read, so nothing was done. Open the page again and fill it in there.";
            Message::new("This was not understood", &[text], HOME)
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let text = format!("Too many attempts. Try again in {}.", patience(request, problem));
            Message::new("Please wait", &[&text], None)
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            let text = "A part of the service cannot be reached. This is no fault of yours; try again in a moment.";
            fault_of_ours("Not available right now", text, request)
        }
        status if status.is_server_error() => {
            let text = "This is a fault of ours. If it happens again, tell the operator the request id.";
            fault_of_ours("Something went wrong", text, request)
        }
        _ => Message::new("This cannot be done", &[&detail], HOME),
    }
}

fn fault_of_ours(title: &str, text: &str, request: &HttpRequest) -> Message {
    Message { request_id: Some(Place::of(request).request_id), ..Message::new(title, &[text], HOME) }
}
