//! What a browser sees: where one pays, looks after it, and gets a document. And, for trials by hand, a clock that is moved.

use std::time::Duration;

use serde_json::Value;

use super::Shared;
use super::book::text;
use super::form::{self, Params};
use super::invoice;
use super::router::Request;

pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
}

impl Page {
    fn html(status: u16, body: &str) -> Self {
        let body = format!("<!doctype html><meta charset=utf-8><title>Fake Stripe</title><h1>Fake Stripe</h1>{body}");
        Self { status, headers: "Content-Type: text/html; charset=utf-8\r\n".to_owned(), body: body.into_bytes() }
    }

    fn redirect(to: &str) -> Self {
        Self { status: 303, headers: format!("Location: {}\r\n", to.replace(['\r', '\n'], "")), body: Vec::new() }
    }

    fn unknown() -> Self {
        Self::html(404, "There is nothing here.")
    }
}

pub(super) fn answer(shared: &Shared, request: &Request) -> Page {
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    let params = Params(form::read(&request.body));
    let post = request.method == "POST";
    match *path.as_slice() {
        ["checkout", id] if post => pay(shared, id, &params),
        ["checkout", id] => checkout(shared, id),
        ["portal", id] => portal(shared, id),
        ["portal", id, "cancel"] if post => cancel(shared, id),
        ["pdf", id] => document(shared, id),
        ["invoice", id] => shown(shared, id),
        ["fake", "advance"] if post => {
            let seconds = params.number("seconds").unwrap_or(0) + params.number("days").unwrap_or(0) * 86_400;
            shared.advance(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
            Page::html(200, &format!("It is {} now.\n", shared.book().time()))
        }
        ["fake", "decline"] if post => {
            let reason = params.text("reason").filter(|reason| !reason.is_empty());
            shared.decline(params.text("customer").unwrap_or_default(), reason);
            Page::html(200, "So be it.\n")
        }
        _ => Page::unknown(),
    }
}

fn checkout(shared: &Shared, id: &str) -> Page {
    let book = shared.book();
    let Ok(session) = book.get("checkout.session", id) else { return Page::unknown() };
    if session["status"] != "open" {
        return Page::html(410, &format!("This session is {}.", text(&session, "/status")));
    }
    let price = &book.objects[text(&session, "/price")];
    let (amount, currency) = (&price["unit_amount"], text(price, "/currency"));
    let form = format!(
        "<p>{}: {amount} {currency} (minor units)</p><form method=post><input name=card value=pm_card_visa><button>Pay</button></form>\
         <p><a href=\"{}\">Back</a></p>",
        escaped(text(price, "/nickname")),
        escaped(text(&session, "/cancel_url"))
    );
    Page::html(200, &form)
}

fn pay(shared: &Shared, id: &str, params: &Params) -> Page {
    let mut book = shared.book();
    match book.complete_checkout(id, params.text("card").unwrap_or("pm_card_visa"), false) {
        Ok(session) => Page::redirect(&text(&session, "/success_url").replace("{CHECKOUT_SESSION_ID}", id)),
        Err(problem) => Page::html(problem.status, &escaped(text(&problem.body, "/error/message"))),
    }
}

fn portal(shared: &Shared, id: &str) -> Page {
    let book = shared.book();
    let Ok(session) = book.get("billing_portal.session", id) else { return Page::unknown() };
    let invoices = book.of("invoice", "customer", text(&session, "/customer"));
    let row = |invoice: &Value| {
        format!(
            "<li><a href=\"{}\">{}</a> {} {}",
            text(invoice, "/invoice_pdf"),
            text(invoice, "/number"),
            invoice["total"],
            text(invoice, "/status")
        )
    };
    let rows: String = invoices.iter().map(row).collect();
    let back = escaped(text(&session, "/return_url"));
    Page::html(
        200,
        &format!(
            "<ul>{rows}</ul><form method=post action=\"{id}/cancel\"><button>Cancel</button></form><p><a href=\"{back}\">Back</a>"
        ),
    )
}

/// What customers do at the portal without the shop's knowing.
fn cancel(shared: &Shared, id: &str) -> Page {
    let mut book = shared.book();
    let Ok(session) = book.get("billing_portal.session", id) else { return Page::unknown() };
    let wish = Params(form::read("cancel_at_period_end=true"));
    for subscription in book.of("subscription", "customer", text(&session, "/customer")) {
        // One that has ended cannot end again.
        book.update_subscription(text(&subscription, "/id"), &wish).ok();
    }
    Page::redirect(text(&session, "/return_url"))
}

fn document(shared: &Shared, id: &str) -> Page {
    match shared.book().get("invoice", id) {
        Ok(found) => {
            Page { status: 200, headers: "Content-Type: application/pdf\r\n".to_owned(), body: invoice::pdf(&found) }
        }
        Err(_) => Page::unknown(),
    }
}

fn shown(shared: &Shared, id: &str) -> Page {
    match shared.book().get("invoice", id) {
        Ok(found) => Page::html(
            200,
            &format!("<p>Invoice {}: {} {}</p>", text(&found, "/number"), found["total"], text(&found, "/status")),
        ),
        Err(_) => Page::unknown(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
