//! With a provider that keeps cards.

use serde_json::json;

use super::stage::Mood;
use super::{Stage, post};

async fn stage() -> Stage {
    let mut stage = super::stage().await;
    stage.till.open_bank();
    stage
}

/// Ada has bought a plan at the bank's page.
async fn subscribed() -> Stage {
    let stage = stage().await;
    let opened = post(&stage, "/subscriptions/upgrade", json!({"target_tier": "starter"})).await;
    assert_eq!((opened.status, &opened.body["checkout_url"]), (200, &json!("https://bank.example/pay")), "{opened:?}");
    assert_eq!(
        (&opened.body["checkoutUrl"], &opened.body["session_id"]),
        (&json!("https://bank.example/pay"), &json!("cs_1"))
    );
    stage.till.bank.sell("cus_1", "price_starter_monthly", 1900);
    let list = stage.get("ada", "/billing/invoices").await;
    assert_eq!(list.status, 200, "asking for invoices asks the bank");
    assert_eq!(stage.get("ada", "/billing/subscription-status").await.body["status"], "active");
    stage
}

#[actix_web::test]
async fn a_purchase_comes_home_and_nowhere_else() {
    let stage = stage().await;
    let buy = |more: serde_json::Value| {
        let mut body = json!({"tier_id": "starter", "billing_cycle": "yearly"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let path = "/billing/subscriptions/checkout";
    for (field, address) in [
        ("success_url", "https://evil.example/"),
        ("cancel_url", "//evil.example"),
        ("success_url", "http://localhost.evil.example/"),
        ("cancel_url", "/\0"),
    ] {
        assert_eq!(
            post(&stage, path, buy(json!({field: address}))).await.pointer(),
            (422, format!("/{field}").as_str())
        );
    }
    assert_eq!(
        post(&stage, "/billing/portal/create", json!({"return_url": "https://evil.example"})).await.pointer(),
        (422, "/return_url")
    );
    assert!(stage.till.bank.opened.lock().unwrap().is_empty());

    assert_eq!(post(&stage, "/billing/portal/create", json!({})).await.code(), (404, "no_customer"));
    let opened = post(&stage, path, buy(json!({"cancel_url": "http://localhost/no"}))).await;
    assert_eq!((opened.status, &opened.body["session_id"]), (200, &json!("cs_1")), "{opened:?}");
    let asked = stage.till.bank.opened.lock().unwrap()[0].clone();
    assert_eq!(asked.price, "price_starter_yearly");
    assert_eq!(asked.success_url, "http://localhost/billing/success?session_id={CHECKOUT_SESSION_ID}");
    assert_eq!(asked.cancel_url, "http://localhost/no");
    let portal = post(&stage, "/billing/portal/create", json!({"return_url": "/back"})).await.body;
    assert_eq!(portal["portal_url"], "https://bank.example/cus_1?back=http://localhost/back");
    assert_eq!(
        post(&stage, path, json!({"tier_id": "free", "billing_cycle": "monthly"})).await.code(),
        (404, "unknown_plan")
    );
    assert_eq!(
        post(&stage, path, json!({"tier_id": "a", "billing_cycle": "weekly"})).await.pointer(),
        (422, "/billing_cycle")
    );
}

#[actix_web::test]
async fn a_change_is_charged_declined_or_under_way() {
    let stage = subscribed().await;
    let path = "/billing/subscriptions/checkout";
    let again = post(&stage, path, json!({"tier_id": "professional", "billing_cycle": "monthly"})).await;
    assert_eq!(again.code(), (409, "already_subscribed"));
    let preview = stage.get("ada", "/subscriptions/preview-change?target_tier=professional").await.body;
    assert_eq!((&preview["amount_due"], &preview["proration_credit"]), (&json!(15.0), &json!(9.5)));

    let up = json!({"new_tier_id": "professional", "quote": preview["quote"]});
    stage.till.bank.feel(Mood::Strict);
    let declined = post(&stage, "/billing/subscription/upgrade", up.clone()).await;
    assert_eq!(declined.code(), (402, "payment_required"));
    assert_eq!(declined.body["decline_code"], "insufficient_funds");

    stage.till.bank.feel(Mood::Kind);
    let done = post(&stage, "/billing/subscription/upgrade", up).await;
    assert_eq!((done.status, &done.body["status"]), (200, &json!("success")), "{done:?}");
    assert_eq!(done.body["subscription"]["tier"], "professional");
    let mine = stage.get("ada", "/subscriptions/my-access").await.body;
    assert_eq!(
        (&mine["provider"], &mine["external_id"], &mine["lago_id"]),
        (&json!("stripe"), &json!("sub_bank"), &json!(null))
    );

    stage.till.bank.feel(Mood::Asleep);
    let pending = post(&stage, "/subscriptions/cancel", json!({})).await;
    assert_eq!((pending.status, &pending.body["status"]), (202, &json!("pending")));
    let other = post(&stage, "/subscriptions/cancel", json!({})).await;
    assert_eq!(other.code(), (409, "change_pending"));
    assert_eq!(stage.get("ada", "/billing/payment-methods").await.code(), (503, "unavailable"));
    stage.till.bank.feel(Mood::Confused);
    assert_eq!(stage.get("ada", "/billing/payment-methods").await.code(), (502, "provider_error"));
}

#[actix_web::test]
async fn an_outage_is_no_empty_list() {
    let stage = stage().await;
    assert_eq!(stage.get("ada", "/billing/invoices").await.body, json!([]), "who never bought anything has none");
    let buy = json!({"tier_id": "starter", "billing_cycle": "monthly"});
    assert_eq!(post(&stage, "/billing/subscriptions/checkout", buy).await.status, 200);
    stage.till.bank.feel(Mood::Asleep);
    let away = stage.get("ada", "/billing/invoices").await;
    assert_eq!((away.code(), away.header("Retry-After")), ((503, "unavailable"), "1"));
}

#[actix_web::test]
async fn cards_are_added_chosen_and_removed() {
    let stage = subscribed().await;
    let add = |id: &str, default: bool| json!({"payment_method_id": id, "set_default": default});
    let methods = "/billing/payment-methods";
    assert_eq!(post(&stage, methods, add("pm/../x", false)).await.pointer(), (422, "/payment_method_id"));
    let first = post(&stage, methods, add("pm_1", true)).await;
    assert_eq!(
        (first.status, &first.body["is_default"], &first.body["expires_soon"]),
        (201, &json!(true), &json!(false))
    );
    let last = stage.ask("ada", "DELETE /billing/payment-methods/pm_1", None).await;
    assert_eq!(last.code(), (409, "last_method_of_active_subscription"));
    assert_eq!(post(&stage, methods, add("pm_2", false)).await.status, 201);
    for method in ["PUT", "POST"] {
        let chosen = stage.ask("ada", &format!("{method} /billing/payment-methods/pm_2/default"), None).await;
        assert_eq!((chosen.status, &chosen.body["payment_method"]["id"]), (200, &json!("pm_2")));
    }
    let list = stage.get("ada", "/payment-methods").await.body;
    assert_eq!((&list["total"], &list["default_payment_method"]), (&json!(2), &json!("pm_2")));
    assert_eq!(list["payment_methods"], stage.get("ada", methods).await.body);
    assert_eq!(stage.ask("ada", "DELETE /billing/payment-methods/pm_1", None).await.body["success"], true);
    for (operation, code) in [
        ("DELETE /billing/payment-methods/pm_1", (404, "not_found")),
        ("DELETE /billing/payment-methods/pm.1", (404, "not_found")),
        ("PUT /billing/payment-methods/pm_1/default", (404, "not_found")),
    ] {
        assert_eq!(stage.ask("ada", operation, None).await.code(), code, "{operation}");
    }
    stage.till.bank.feel(Mood::Strict);
    assert_eq!(post(&stage, methods, add("pm_3", false)).await.code(), (402, "card_declined"));
}

#[actix_web::test]
async fn a_secret_is_told_once() {
    let stage = stage().await;
    let path = "POST /billing/payment-methods/setup-intent";
    let first = stage.ask_with("ada", path, None, ("Idempotency-Key", "k")).await;
    assert_eq!((first.status, &first.body["client_secret"]), (200, &json!("seti_1_secret")));
    let again = stage.ask_with("ada", path, None, ("Idempotency-Key", "k")).await;
    assert_eq!((&again.body["setup_intent_id"], &again.body["client_secret"]), (&json!("seti_1"), &json!(null)));
}
