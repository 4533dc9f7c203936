//! What is answered to what.

use serde_json::{Value, json};

use super::FakeLago;
use super::book::Book;
use super::object::{credit_note, payment, plan};
use super::serve::{Asked, Said};

/// A real document, as small as one can be.
const DOCUMENT: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
/// A key as Lago gives it: PEM in base64.
const PUBLIC_KEY: &str = include_str!("public_key.txt");

type Answer = Result<Value, (u16, &'static str)>;

pub(super) fn answer(book: &mut Book, asked: &Asked) -> Said {
    let path: Vec<String> = asked.url.path_segments().into_iter().flatten().map(decoded).collect();
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    if let ["files", _] = parts[..] {
        return Said(if asked.key.is_none() { 200 } else { 400 }, "application/pdf", DOCUMENT.to_vec());
    }
    let ["api", "v1", rest @ ..] = &parts[..] else { return Said(404, "text/html", b"<h1>nothing here</h1>".to_vec()) };
    book.requests.push(format!("{} /{}", asked.method, rest.join("/")));
    if !asked.body.is_null() {
        book.bodies.push(asked.body.clone());
    }
    let answer = if asked.key.as_deref() == Some(&format!("Bearer {}", FakeLago::API_KEY)) {
        route(book, asked, rest)
    } else {
        Err((401, "unauthorized"))
    };
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err((status @ 422, code)) => {
            let details = json!({ "base": [code] });
            (
                status,
                json!({ "status": status, "error": "Unprocessable Entity", "code": "validation_errors", "error_details": details }),
            )
        }
        Err((status, code)) => (status, json!({ "status": status, "error": "refused", "code": code })),
    };
    Said(status, "application/json", body.to_string().into_bytes())
}

/// A segment of a path without its percent signs.
fn decoded(segment: &str) -> String {
    let pair = format!("http://x/?{}", segment.replace('+', "%2B"));
    let url = reqwest::Url::parse(&pair).expect("a URL");
    url.query_pairs().next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn route(book: &mut Book, asked: &Asked, path: &[&str]) -> Answer {
    match (asked.method.as_str(), path) {
        ("POST", ["customers"]) => make_customer(book, &asked.body["customer"]),
        ("GET", ["customers", name]) => customer(book, name).map(|()| json!({ "customer": book.customer(name) })),
        ("GET", ["customers", name, what]) => customer(book, name).and_then(|()| of_customer(book, asked, name, what)),
        ("POST", ["customers", name, "checkout_url"]) => customer(book, name).and_then(|()| checkout_url(book, name)),
        ("GET", ["plans", code]) => {
            let found = book.plans.get(*code).ok_or((404, "plan_not_found"))?;
            Ok(json!({ "plan": plan(found, found.trial_days) }))
        }
        ("GET", ["subscriptions"]) => Ok(subscriptions(book, asked, None)),
        ("POST", ["subscriptions"]) => subscribe(book, &asked.body["subscription"]),
        (method, ["subscriptions", name]) => subscription(book, method, asked, name),
        ("GET", ["invoices"]) => Ok(invoices(book, asked, None)),
        ("POST", ["invoices", "preview"]) => preview(book, &asked.body),
        ("GET", ["invoices", id]) => invoice(book, id, |_| Ok(())),
        ("POST", ["invoices", id, verb]) => act(book, id, verb),
        ("GET", ["credit_notes"]) => {
            let of = query(asked, "external_customer_id").into_iter().next().unwrap_or_default();
            let notes: Vec<_> = book.notes.iter().filter(|note| note.customer == of).map(credit_note).collect();
            Ok(json!({ "credit_notes": notes, "meta": meta(None) }))
        }
        ("GET", ["webhooks", "json_public_key"]) => Ok(json!({ "webhook": { "public_key": PUBLIC_KEY.trim() } })),
        _ => Err((404, "route")),
    }
}

fn query(asked: &Asked, name: &str) -> Vec<String> {
    asked.url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
}

fn meta(next: Option<usize>) -> Value {
    json!({ "current_page": 1, "next_page": next, "prev_page": null, "total_pages": 1, "total_count": 0 })
}

/// The page that is asked for, and the number of the next one.
fn paged(asked: &Asked, all: Vec<Value>) -> (Vec<Value>, Option<usize>) {
    let number = |name| query(asked, name).first().and_then(|text| text.parse().ok());
    let (page, size) = (number("page").unwrap_or(1), number("per_page").unwrap_or(20).min(100));
    let next = (all.len() > page * size).then_some(page + 1);
    (all.into_iter().skip((page - 1) * size).take(size).collect(), next)
}

fn customer(book: &Book, name: &str) -> Result<(), (u16, &'static str)> {
    if book.customers.contains_key(name) { Ok(()) } else { Err((404, "customer_not_found")) }
}

fn make_customer(book: &mut Book, said: &Value) -> Answer {
    let name = said["external_id"].as_str().ok_or((422, "external_id"))?.to_owned();
    book.customers.insert(name.clone(), said.clone());
    Ok(json!({ "customer": book.customer(&name) }))
}

fn of_customer(book: &Book, asked: &Asked, name: &str, what: &str) -> Answer {
    match what {
        "subscriptions" => Ok(subscriptions(book, asked, Some(name))),
        "invoices" => Ok(invoices(book, asked, Some(name))),
        "payments" => {
            let payments: Vec<_> = book.payments.iter().filter(|it| it.customer == name).map(payment).collect();
            Ok(json!({ "payments": payments, "meta": meta(None) }))
        }
        "portal_url" if book.premium => {
            Ok(json!({ "customer": { "portal_url": format!("http://{}/customer-portal/{name}", book.address) } }))
        }
        "portal_url" => Err((403, "feature_unavailable")),
        _ => Err((404, "route")),
    }
}

fn checkout_url(book: &Book, name: &str) -> Answer {
    if !book.payment_provider {
        return Err((422, "no_linked_payment_provider"));
    }
    let url = format!("http://{}/checkout/{name}", book.address);
    Ok(json!({ "customer": { "external_customer_id": name, "payment_provider": "stripe", "checkout_url": url } }))
}

fn subscriptions(book: &Book, asked: &Asked, customer: Option<&str>) -> Value {
    let wanted = query(asked, "status[]");
    let shown =
        |status: &str| if wanted.is_empty() { status == "active" } else { wanted.iter().any(|it| it == status) };
    let of_it =
        book.subscriptions.iter().filter(|it| customer.is_none_or(|name| it.customer == name) && shown(it.status));
    let (page, next) = paged(asked, of_it.map(|it| book.subscription(it)).collect());
    json!({ "subscriptions": page, "meta": meta(next) })
}

fn invoices(book: &Book, asked: &Asked, customer: Option<&str>) -> Value {
    let from = query(asked, "issuing_date_from").into_iter().next().unwrap_or_default();
    let of_it = book.invoices.iter().rev().filter(|it| customer.is_none_or(|name| it.customer == name));
    let of_it = of_it.filter(|it| it.created.format("%Y-%m-%d").to_string() >= from);
    let (page, next) = paged(asked, of_it.map(|it| book.invoice_object(it, false)).collect());
    json!({ "invoices": page, "meta": meta(next) })
}

/// Makes a subscription, or changes the plan of the one that has this name already.
fn subscribe(book: &mut Book, said: &Value) -> Answer {
    let text = |name: &str| said[name].as_str().map(str::to_owned).ok_or((422, "value_is_mandatory"));
    let (external, name, code) = (text("external_id")?, text("external_customer_id")?, text("plan_code")?);
    customer(book, &name)?;
    let wanted = book.plans.get(&code).ok_or((404, "plan_not_found"))?.clone();
    let running = book.of(&external, "active").map(|it| (it.customer.clone(), it.plan.clone()));
    match running {
        Some((other, _)) if other != name => return Err((422, "value_already_exist")),
        Some((_, plan)) if plan == code => {}
        Some((_, plan)) if wanted.yearly() >= book.plans[&plan].yearly() => book.upgrade(&external, &code),
        Some(_) => book.downgrade(&external, &code),
        None => {
            let trial = said["plan_overrides"]["trial_period"].as_f64().map(|days| format!("{days:.0}"));
            let trial = trial.map_or(wanted.trial_days, |days| days.parse().expect("days"));
            book.begin(&external, &name, &code, trial, None);
            book.bill(&external);
        }
    }
    let made = book.subscriptions.iter().rev().find(|it| it.external == external).expect("it was made");
    Ok(book.whole_subscription(made))
}

fn subscription(book: &mut Book, method: &str, asked: &Asked, name: &str) -> Answer {
    let status = query(asked, "status").into_iter().next().unwrap_or_else(|| "active".to_owned());
    let now = book.now;
    let found = book.of(name, &status).ok_or((404, "subscription_not_found"))?;
    match method {
        "GET" => {}
        "PUT" => {
            let ending = &asked.body["subscription"]["ending_at"];
            found.ending = ending.as_str().map(|text| text.parse().expect("a time"));
        }
        "DELETE" => {
            found.status = if status == "pending" { "canceled" } else { "terminated" };
            found.ended = Some(now);
        }
        _ => return Err((404, "route")),
    }
    let id = found.id.clone();
    let found = book.subscriptions.iter().find(|it| it.id == id).expect("the same");
    Ok(book.whole_subscription(found))
}

fn preview(book: &mut Book, said: &Value) -> Answer {
    if !book.premium {
        return Err((403, "feature_unavailable"));
    }
    let (external, code) = (&said["subscriptions"]["external_ids"][0], &said["subscriptions"]["plan_code"]);
    let (external, code) = (external.as_str().unwrap_or_default(), code.as_str().unwrap_or_default());
    let (fee, credit, _) = book.prorated(external, code).ok_or((404, "subscription_not_found"))?;
    let tax = fee * book.tax_percent / 100;
    Ok(json!({ "invoice": {
        "currency": book.plans[code].currency, "fees_amount_cents": fee, "taxes_amount_cents": tax,
        "credit_notes_amount_cents": credit, "total_amount_cents": fee + tax - credit,
    } }))
}

/// Does something to an invoice, and shows it.
fn invoice(
    book: &mut Book,
    id: &str,
    act: impl FnOnce(&mut super::book::Invoice) -> Result<(), (u16, &'static str)>,
) -> Answer {
    let found = book.invoices.iter_mut().find(|it| it.id == id).ok_or((404, "invoice_not_found"))?;
    act(found)?;
    let found = book.invoices.iter().find(|it| it.id == id).expect("the same");
    Ok(json!({ "invoice": book.invoice_object(found, true) }))
}

fn act(book: &mut Book, id: &str, verb: &str) -> Answer {
    let (now, address) = (book.now, book.address);
    match verb {
        "download" => {
            let mut shown = invoice(book, id, |_| Ok(()))?;
            if book.documents {
                shown["invoice"]["file_url"] = json!(format!("http://{address}/files/{id}"));
            }
            Ok(shown)
        }
        "void" => invoice(book, id, |it| {
            if !it.is_open() {
                return Err((405, "not_voidable"));
            }
            (it.status, it.updated) = ("voided", now);
            Ok(())
        }),
        "retry_payment" => invoice(book, id, |it| {
            if !it.is_open() {
                return Err((405, "invalid_status"));
            }
            (it.payment_status, it.updated) = ("pending", now);
            Ok(())
        }),
        "payment_url" if book.payment_provider => {
            invoice(book, id, |it| {
                if it.is_open() { Ok(()) } else { Err((422, "invalid_invoice_status_or_payment_status")) }
            })?;
            let url = format!("http://{address}/pay/{id}");
            Ok(
                json!({ "invoice_payment_details": { "lago_invoice_id": id, "payment_provider": "stripe", "payment_url": url } }),
            )
        }
        "payment_url" => Err((422, "no_linked_payment_provider")),
        _ => Err((404, "route")),
    }
}
