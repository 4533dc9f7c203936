//! Money through its operations: bought, changed, invoiced, given up.

mod bank;
mod event;
pub(in crate::routes) mod stage;

use std::time::Duration;

use billing_core::{ChangeRequest, Changed, Cycle, Purchase};
use kernel::{Actor, Page};
use serde_json::{Value, json};

use crate::routes::subscriptions::tests::stage::{Stage, Told};

/// Somebody who owns an organization, and somebody who owns another one.
async fn stage() -> Stage {
    let stage = Stage::new();
    stage.owner("ada").await;
    stage.owner("eve").await;
    stage
}

async fn post(stage: &Stage, path: &str, body: Value) -> Told {
    stage.ask("ada", &format!("POST {path}"), Some(body)).await
}

/// Ada asks for a plan of the manual provider, and the operator has the money.
async fn pay(stage: &Stage, plan: &str) -> String {
    let told = post(stage, "/subscriptions/upgrade", json!({"target_tier": plan})).await;
    assert_eq!(told.status, 200, "{told:?}");
    let number = told.body["invoice"]["number"].as_str().unwrap().to_owned();
    stage.till.billing().mark_paid(&Actor::system(), &number, "bank transfer").await.unwrap();
    number
}

#[actix_web::test]
async fn a_plan_of_the_manual_provider_comes_when_its_invoice_is_paid() {
    let stage = stage().await;
    let none = stage.get("ada", "/billing/subscription-status").await.body;
    assert_eq!((&none["has_subscription"], &none["subscriptions"]), (&json!(false), &json!([])));
    let cycle = stage.get("ada", "/billing/cycle").await.body;
    assert_eq!((&cycle["has_cycle"], &cycle["status"]), (&json!(false), &json!("none")));

    let asked = post(&stage, "/subscriptions/upgrade", json!({"targetTier": "starter", "reason": "we grow"})).await;
    assert_eq!((asked.status, &asked.body["success"]), (200, &json!(true)));
    let number = asked.body["invoice"]["number"].as_str().unwrap();
    assert_eq!(asked.body["message"], format!("the plan changes when the invoice {number} is paid"));
    assert_eq!((&asked.body["invoice"]["amount_cents"], &asked.body["effective_date"]), (&json!(1900), &Value::Null));
    assert_eq!(asked.body["subscription"]["status"], "incomplete");

    stage.till.billing().mark_paid(&Actor::system(), number, "bank transfer").await.unwrap();
    let paid = stage.get("ada", "/billing/subscription-status").await.body;
    let one = &paid["subscriptions"][0];
    assert_eq!(
        (&paid["status"], &one["tier"], &one["tier_name"]),
        (&json!("active"), &json!("starter"), &json!("STARTER"))
    );
    assert_eq!(
        (&one["amount"], &one["currency"], &one["billing_cycle"]),
        (&json!(19.0), &json!("USD"), &json!("monthly"))
    );

    let mine = stage.get("ada", "/subscriptions/my-access").await.body;
    assert_eq!(mine["next_billing_date"], one["current_period_end"]);
    assert_eq!((&mine["provider"], &mine["external_id"]), (&json!("manual"), &Value::Null));
    let cycle = stage.get("ada", "/billing/cycle").await.body;
    assert_eq!((&cycle["has_cycle"], &cycle["current_amount"]), (&json!(true), &json!(19.0)));
    let summary = stage.get("ada", "/billing/summary").await.body;
    assert_eq!(
        (&summary["total_spent"], &summary["paid_invoices"], &summary["price"]),
        (&json!(19.0), &json!(1), &json!(19.0))
    );
}

#[actix_web::test]
async fn a_change_is_previewed_promised_agreed_and_taken_back() {
    let stage = stage().await;
    pay(&stage, "professional").await;
    let preview = stage.get("ada", "/subscriptions/preview-change?new_plan_code=starter").await;
    let body = &preview.body;
    assert_eq!(
        (&body["old_tier"], &body["new_tier"], &body["is_upgrade"]),
        (&json!("professional"), &json!("starter"), &json!(false))
    );
    assert_eq!((&body["price_difference"], &body["amount_due_cents"]), (&json!(-30.0), &json!(0)));
    assert_eq!((&body["effective"], &body["consequences"][0]["kind"]), (&json!("next_cycle"), &json!("seats")));
    assert_eq!(body["features_removed"], json!(["what professional has"]));

    let quoted = json!({"plan_code": "starter", "quote": body["quote"]});
    let forged = json!({"plan_code": "starter", "quote": "q1.e30.e30"});
    assert_eq!(post(&stage, "/subscriptions/downgrade", forged).await.code(), (409, "quote_invalid"));
    stage.clock.advance(Duration::from_secs(901));
    assert_eq!(post(&stage, "/subscriptions/downgrade", quoted).await.code(), (409, "quote_expired"));

    let agreed = post(&stage, "/subscriptions/downgrade", json!({"plan_code": "starter"})).await;
    assert_eq!((agreed.status, &agreed.body["subscription"]["pending_change"]), (200, &json!("starter")), "{agreed:?}");
    assert_eq!(agreed.body["effective_date"], body["effective_date"]);
    assert_eq!(stage.get("ada", "/subscriptions/my-access").await.body["pending_change"], "starter");

    let ends = post(&stage, "/billing/subscription/cancel", json!({"reason": "over"})).await;
    assert_eq!((&ends.body["status"], &ends.body["access_until"]), (&json!("success"), &body["effective_date"]));
    let mine = stage.get("ada", "/subscriptions/my-access").await.body;
    assert_eq!((&mine["cancel_at_period_end"], &mine["next_billing_date"]), (&json!(true), &Value::Null));
    let gone = post(&stage, "/subscriptions/cancel", json!({"effective_date": "immediate"})).await;
    assert_eq!((gone.status, &gone.body["message"]), (200, &json!("the subscription has ended")));
    assert_eq!(post(&stage, "/subscriptions/cancel", json!({})).await.code(), (404, "no_subscription"));
}

#[actix_web::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let stage = stage().await;
    for (path, body, wanted) in [
        ("/subscriptions/change", json!({"target_tier": "free"}), (409, "no_change")),
        ("/subscriptions/change", json!({"target_tier": "nothing"}), (404, "unknown_plan")),
        ("/billing/subscription/upgrade", json!({"new_tier_id": "nothing"}), (404, "unknown_plan")),
        ("/billing/subscription/cancel", json!({}), (404, "no_subscription")),
        ("/billing/subscription/cancel", json!({"subscription_id": "sub_1"}), (404, "not_found")),
        (
            "/billing/subscriptions/checkout",
            json!({"tier_id": "starter", "billing_cycle": "monthly"}),
            (409, "provider_unsupported"),
        ),
        ("/billing/portal/create", json!({}), (409, "provider_unsupported")),
        ("/billing/payment-methods", json!({"payment_method_id": "pm_1"}), (409, "provider_unsupported")),
        ("/billing/payment-methods/setup-intent", json!({}), (409, "provider_unsupported")),
    ] {
        assert_eq!(post(&stage, path, body.clone()).await.code(), wanted, "{path} {body}");
    }
    for path in ["/billing/payment-methods", "/payment-methods"] {
        assert_eq!(stage.get("ada", path).await.code(), (409, "provider_unsupported"));
    }
    for path in ["/subscriptions/preview-change", "/subscriptions/preview-change?target_tier=No!"] {
        assert_eq!(stage.get("ada", path).await.pointer(), (422, "?target_tier"));
    }
}

#[actix_web::test]
async fn invoices_are_listed_shown_and_handed_out() {
    let stage = stage().await;
    let number = pay(&stage, "starter").await;
    assert_eq!(post(&stage, "/subscriptions/upgrade", json!({"target_tier": "professional"})).await.status, 200);
    let list = stage.get("ada", "/billing/invoices?limit=1").await;
    assert_eq!((list.header("X-Total-Count"), list.body.as_array().unwrap().len()), ("2", 1));
    let paid = stage.get("ada", "/billing/invoices?status=paid").await.body;
    let row = &paid[0];
    assert_eq!((&row["number"], &row["invoice_number"]), (&json!(number), &json!(number)));
    assert_eq!(
        (&row["amount"], &row["amount_cents"], &row["tier_name"]),
        (&json!(19.0), &json!(1900), &json!("STARTER"))
    );
    assert_eq!(stage.get("ada", "/billing/invoices?status=lost").await.pointer(), (422, "?status"));

    let path = format!("/billing/invoices/{}", row["id"].as_str().unwrap());
    let one = stage.get("ada", &path).await.body;
    assert_eq!((&one["lines"][0]["amount_cents"], &one["total_cents"]), (&json!(1900), &json!(1900)));
    assert_eq!((&one["customer"]["name"], &one["payments"][0]["method"]), (&json!("Acme"), &json!("bank transfer")));
    for end in ["pdf", "download"] {
        let pdf = stage.get("ada", &format!("{path}/{end}")).await;
        assert_eq!((pdf.status, pdf.bytes), (200, format!("%PDF-1.7 {number}").into_bytes()));
    }
    let pdf = stage.get("ada", &format!("{path}/pdf")).await;
    assert_eq!(pdf.header("Content-Type"), "application/pdf");
    assert_eq!(pdf.header("Content-Disposition"), format!("attachment; filename=\"{number}.pdf\""));
    let link = stage.ask_with("ada", &format!("GET {path}/pdf"), None, ("Accept", "application/json, */*")).await.body;
    assert_eq!((&link["pdf_url"], &link["invoice_number"]), (&json!(format!("/api/v1{path}/pdf")), &json!(number)));

    assert_eq!(post(&stage, &format!("{path}/retry"), json!({})).await.code(), (409, "not_payable"));
    let stranger = stage.get("eve", &path).await;
    let nothing = stage.get("eve", "/billing/invoices/in_01890a5d-ac96-774b-bcce-b302099a8057").await;
    assert_eq!((stranger.code(), nothing.code()), ((404, "not_found"), (404, "not_found")));
    for path in [path.clone(), format!("{path}/pdf"), format!("/billing/invoices/{number}")] {
        assert_eq!(stage.get("eve", &path).await.code(), (404, "not_found"), "{path}");
    }
    assert_eq!(stage.get("eve", "/billing/invoices").await.body, json!([]));
}

#[actix_web::test]
async fn the_same_key_buys_once() {
    let stage = stage().await;
    let body = json!({"target_tier": "starter"});
    let once = || stage.ask_with("ada", "POST /subscriptions/upgrade", Some(body.clone()), ("Idempotency-Key", "k1"));
    let (first, again) = (once().await, once().await);
    assert_eq!((first.status, &first.body), (200, &again.body));
    assert_eq!(again.header("Idempotent-Replayed"), "true");
    assert_eq!(stage.get("ada", "/billing/invoices").await.header("X-Total-Count"), "1");
}

#[actix_web::test]
async fn older_consoles_find_their_shapes() {
    let stage = stage().await;
    let plans = stage.get("ada", "/billing/plans").await.body;
    assert_eq!(plans, stage.get("ada", "/subscriptions/plans").await.body["plans"]);
    assert_eq!(stage.get("", "/billing/plans").await.code(), (401, "unauthenticated"));
    let provider = stage.get("ada", "/billing/provider-config").await.body;
    assert_eq!((&provider["provider"], &provider["supports_checkout"]), (&json!("manual"), &json!(false)));
    let summary = stage.get("ada", "/billing/summary").await.body;
    assert_eq!((&summary["tier"], &summary["total_spent_cents"]), (&json!("free"), &json!(0)));
}

#[actix_web::test]
async fn a_quote_is_for_one_change_at_one_time() {
    let stage = stage().await;
    pay(&stage, "starter").await;
    let query = "/subscriptions/preview-change?target_tier=professional";
    let later = stage.get("ada", &format!("{query}&effective_date=next_cycle")).await.body;
    assert_eq!(later["amount_due_cents"], 0);
    let up = |quote: &Value, when: &str| {
        let body = json!({"target_tier": "professional", "quote": quote, "effective_date": when});
        post(&stage, "/subscriptions/upgrade", body)
    };
    assert_eq!(up(&later["quote"], "immediate").await.code(), (409, "quote_mismatch"), "nothing is had for nothing");
    let now = stage.get("ada", query).await.body;
    assert_eq!(now["amount_due_cents"], 3000);
    let done = up(&now["quote"], "immediate").await;
    assert_eq!((done.status, &done.body["invoice"]["amount_cents"]), (200, &json!(3000)), "{done:?}");
}

#[actix_web::test]
async fn a_summary_counts_more_invoices_than_one_page_has() {
    let stage = Stage::new();
    let (org, billing) = (stage.owner("ada").await, stage.till.billing());
    let purchase = Purchase {
        plan: "starter".to_owned(),
        cycle: Cycle::Monthly,
        success_url: String::new(),
        cancel_url: String::new(),
    };
    let request = ChangeRequest { purchase, effective: None, quote: None };
    for _ in 0..=Page::MAX_LIMIT {
        let Ok(Changed::Invoiced(_, invoice)) = billing.change(&Actor::system(), org, &request).await else {
            panic!("no invoice")
        };
        billing.mark_paid(&Actor::system(), &invoice.number.unwrap(), "cash").await.unwrap();
        billing.cancel(&Actor::system(), org, false).await.unwrap();
    }
    let summary = stage.get("ada", "/billing/summary").await.body;
    assert_eq!((&summary["paid_invoices"], &summary["total_spent_cents"]), (&json!(201), &json!(201 * 1900)));
}
