//! Settings: what is written is read back, what is not named stays, what is unknown is passed over, what is wrong is told.

use serde_json::{Value, json};
use testkit::TestApp;

use crate::rig::party::{found, giving};

fn whole() -> Value {
    json!({
        "name": "Acme GmbH", "displayName": "Acme Research", "description": "Makers of everything — also of ünïcode ✓",
        "website": "https://acme.example/about?x=1#top", "timezone": "Europe/Vienna", "defaultRole": "billing_admin",
        "allowSelfRegistration": true, "requireEmailVerification": false, "autoAcceptMembers": true,
        "allowedDomains": ["acme.example", "xn--bcher-kva.example"],
        "branding": { "primaryColor": "#1a73e8", "accentColor": "#fbbc04", "theme": "dark" },
        "preferences": { "language": "de-AT", "dateFormat": "DD.MM.YYYY", "timeFormat": "12h" },
        "logoUrl": "https://acme.example/logo.png"
    })
}

/// Every key of `part` has its value in `whole`.
#[track_caller]
fn contains(whole: &Value, part: &Value) {
    for (key, value) in part.as_object().expect("an object") {
        if value.is_object() {
            contains(&whole[key], value);
        } else {
            assert_eq!(&whole[key], value, "{key} of {whole}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_come_back_as_they_were_written_flat_and_nested() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let fresh = ada.get("/api/v1/org/settings").await.expect(200);
        contains(&fresh, &json!({ "name": "Acme", "plan_tier": "enterprise", "status": "active", "displayName": null, "defaultRole": "member", "allowSelfRegistration": false, "autoAcceptMembers": false, "allowedDomains": [], "logoUrl": null }));

        let saved = ada.put("/api/v1/org/settings").json(&whole()).await.expect(200);
        assert_eq!(saved["success"], true);
        assert!(saved["message"].is_string());
        contains(&saved, &whole());
        contains(&saved["settings"], &whole());
        let read = ada.get("/api/v1/org/settings").await.expect(200);
        contains(&read, &whole());
        contains(&read["settings"], &whole());
        assert!(read["id"].is_string() && read["created_at"].is_string());

        // The object that was read can be sent back as it is.
        ada.put("/api/v1/org/settings").json(&read).await.expect(200);
        assert_eq!(ada.get("/api/v1/org/settings").await.expect(200), read);

        // Nested, a part only; what is not named stays.
        let part = json!({ "settings": { "description": "Less", "branding": { "theme": "light" }, "preferences": { "timeFormat": "24h" } } });
        ada.put("/api/v1/org/settings").json(&part).await.expect(200);
        let mut wanted = whole();
        wanted["description"] = json!("Less");
        wanted["branding"]["theme"] = json!("light");
        wanted["preferences"]["timeFormat"] = json!("24h");
        contains(&ada.get("/api/v1/org/settings").await.expect(200), &wanted);

        // What stands in both places counts as it stands outside.
        let both = json!({ "displayName": "Outside", "settings": { "displayName": "Inside", "website": "https://inside.example" } });
        let saved = ada.put("/api/v1/org/settings").json(&both).await.expect(200);
        contains(&saved, &json!({ "displayName": "Outside", "website": "https://inside.example" }));

        // Null and nothing empty a key.
        let emptied = json!({ "displayName": null, "website": "", "allowedDomains": [], "branding": { "primaryColor": null }, "logoUrl": "" });
        let saved = ada.put("/api/v1/org/settings").json(&emptied).await.expect(200);
        contains(&saved, &json!({ "displayName": null, "website": null, "allowedDomains": [], "logoUrl": null }));
        assert_eq!((&saved["branding"]["primaryColor"], &saved["branding"]["accentColor"]), (&json!(null), &json!("#fbbc04")));
        assert_eq!(ada.get("/api/v1/org/info").await.expect(200)["name"], "Acme GmbH");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_are_passed_over_and_wrong_values_are_told_one_by_one() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        ada.put("/api/v1/org/settings").json(&whole()).await.expect(200);
        let before = ada.get("/api/v1/org/settings").await.expect(200);
        let unknown = json!({ "colour": "red", "branding": { "font": "Comic Sans" }, "preferences": { "unit": "furlong" }, "settings": { "more": [1, 2] }, "success": true, "message": "x" });
        ada.put("/api/v1/org/settings").json(&unknown).await.expect(200);
        assert_eq!(ada.get("/api/v1/org/settings").await.expect(200), before);
        ada.put("/api/v1/org/settings").json(&json!({})).await.expect(200);

        for (body, pointer) in [
            (json!({ "name": "" }), "/name"),
            (json!({ "name": null }), "/name"),
            (json!({ "name": "n".repeat(101) }), "/name"),
            (json!({ "displayName": "a\u{0}" }), "/displayName"),
            (json!({ "description": "d".repeat(1001) }), "/description"),
            (json!({ "website": "javascript:alert(1)" }), "/website"),
            (json!({ "website": "acme.example" }), "/website"),
            (json!({ "logoUrl": "data:image/png;base64,AAAA" }), "/logoUrl"),
            (json!({ "timezone": "Mars/Base" }), "/timezone"),
            (json!({ "defaultRole": "owner" }), "/defaultRole"),
            (json!({ "defaultRole": "superuser" }), "/defaultRole"),
            (json!({ "autoAcceptMembers": "yes" }), "/autoAcceptMembers"),
            (json!({ "allowedDomains": ["not a domain"] }), "/allowedDomains/0"),
            (json!({ "allowedDomains": ["acme.example", 7] }), "/allowedDomains/1"),
            (json!({ "allowedDomains": "acme.example" }), "/allowedDomains"),
            (json!({ "branding": { "primaryColor": "red" } }), "/branding/primaryColor"),
            (json!({ "branding": { "theme": "neon" } }), "/branding/theme"),
            (json!({ "branding": [] }), "/branding"),
            (json!({ "preferences": { "language": "!!" } }), "/preferences/language"),
            (json!({ "preferences": { "dateFormat": "YY" } }), "/preferences/dateFormat"),
            (json!({ "preferences": { "timeFormat": "25h" } }), "/preferences/timeFormat"),
            (json!({ "settings": { "website": "ftp://x.example" } }), "/settings/website"),
            (json!({ "settings": 1 }), "/settings"),
        ] {
            let answer = ada.put("/api/v1/org/settings").json(&body).await;
            assert_eq!(answer.status, 422, "{body}: {}", answer.text());
            assert_eq!(answer.json()["errors"][0]["pointer"], json!(pointer), "{body}");
        }
        // All that is wrong at once, and then nothing is changed.
        let many = json!({ "description": "changed", "website": "x", "timezone": "y", "branding": { "theme": "z" } });
        let problem = ada.put("/api/v1/org/settings").json(&many).await.problem(422, "invalid_request");
        let pointers: Vec<&str> = problem["errors"].as_array().expect("errors").iter().filter_map(|error| error["pointer"].as_str()).collect();
        assert_eq!(pointers, ["/website", "/timezone", "/branding/theme"]);
        assert_eq!(ada.get("/api/v1/org/settings").await.expect(200), before);
        for body in ["", "[]", "null", "{", "\"x\""] {
            assert_eq!(ada.put("/api/v1/org/settings").body("application/json", body).await.status, 422, "{body:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_role_is_given_to_whom_none_is_named() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = found(&ada, "Acme").await;
        let path = format!("/api/v1/org/{org}/members");
        let added = ada.post(&path).json(&json!({ "email": bob.email })).await.expect(201);
        assert_eq!(added["member"]["role"], "member");
        ada.put(&format!("/api/v1/org/{org}/settings")).json(&json!({ "defaultRole": "admin" })).await.expect(200);
        let invited = ada.post(&path).json(&json!({ "email": "guest@x.test" })).await.expect(202);
        assert_eq!(invited["invitation"]["role"], "admin");
        bob.post(&path).json(&json!({ "email": "other@x.test" })).await.problem(403, "forbidden");
        giving(&ada, &org, &bob, "admin").await.expect(200);
        let invited = bob.post(&path).json(&json!({ "email": "other@x.test" })).await.expect(202);
        assert_eq!(invited["invitation"]["role"], "admin", "not above the caller's own");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_is_not_allowed_any_more_accepts_nothing() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let bob = app.user("bob@other.example").await;
        let invited = json!({ "email": bob.email, "role": "member" });
        ada.post("/api/v1/org/members").json(&invited).await.expect(202);
        let token = app.mails().pop().and_then(|mail| mail.token()).expect("a token");
        let allow = async |domains: Value| {
            ada.put("/api/v1/org/settings").json(&json!({ "allowedDomains": domains })).await.expect(200)
        };
        allow(json!(["x.test"])).await;
        let accept = || bob.post("/api/v1/org/invitations/accept").json(&json!({ "token": token }));
        let problem = accept().await.problem(422, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], "/token");
        allow(json!(["x.test", "OTHER.example"])).await;
        assert_eq!(accept().await.expect(200)["role"], "member");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_are_written_at_once_all_stay() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.owner("ada@x.test", "Acme").await;
        let parts = [
            json!({ "displayName": "D" }),
            json!({ "description": "T" }),
            json!({ "website": "https://w.example" }),
            json!({ "timezone": "Asia/Tokyo" }),
            json!({ "branding": { "primaryColor": "#000001" } }),
            json!({ "branding": { "accentColor": "#000002" } }),
            json!({ "preferences": { "language": "fr" } }),
            json!({ "preferences": { "timeFormat": "12h" } }),
            json!({ "autoAcceptMembers": true }),
        ];
        let requests = parts.iter().enumerate().map(|(number, part)| {
            let at = if number % 2 == 0 { &app } else { &sibling };
            ada.at(at).put("/api/v1/org/settings").json(part)
        });
        for answer in crate::rig::at_once(requests).await {
            answer.expect(200);
        }
        let read = ada.get("/api/v1/org/settings").await.expect(200);
        for part in &parts {
            contains(&read, part);
        }
    })
    .await;
}
