//! Section 2 of the contract, row by row: who somebody is, what they tell of themselves, what they want to hear about, their password.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{TestApp, TestUser};

/// Exactly these keys.
#[track_caller]
fn shape(value: &Value, keys: &[&str]) {
    let there: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(there, keys.iter().copied().collect(), "{value}");
}

#[track_caller]
fn is(value: &Value, wanted: &[(&str, Value)]) {
    for (key, wanted) in wanted {
        assert_eq!(&value[*key], wanted, "{key} of {value}");
    }
}

const USER: [&str; 12] = [
    "id",
    "username",
    "email",
    "name",
    "avatar",
    "role",
    "roles",
    "org_id",
    "org_name",
    "org_role",
    "subscription_tier",
    "notifications",
];
const NOTIFICATIONS: [&str; 11] = [
    "email",
    "system",
    "updates",
    "security",
    "billing",
    "marketing",
    "sms",
    "push",
    "usage_alerts",
    "usage_alert_threshold",
    "frequency",
];
const PROFILE: [&str; 14] = [
    "id",
    "email",
    "username",
    "display_name",
    "bio",
    "company",
    "job_title",
    "phone",
    "locale",
    "timezone",
    "avatar_url",
    "created_at",
    "last_login",
    "email_verified",
];

async fn put(user: &TestUser, body: Value) -> testkit::Answer {
    user.put("/api/v1/auth/profile").json(&body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_and_asking_who_one_is() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let org = ada.me().await["org_id"].clone();
        let answer = ada.sign_in().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let signed_in = answer.json();
        shape(&signed_in, &["access_token", "token_type", "expires_in", "user"]);
        is(&signed_in, &[("token_type", json!("session")), ("expires_in", json!(43200))]);
        let marker = signed_in["access_token"].as_str().expect("a marker");
        let secret = ada.cookie("ops_session").expect("a session");
        assert!(!secret.contains(marker) && !marker.contains(secret.split_once('.').expect("a secret").1));
        shape(&signed_in["user"], &USER);
        shape(&signed_in["user"]["notifications"], &NOTIFICATIONS);
        is(
            &signed_in["user"],
            &[
                ("id", json!(ada.id.to_string())),
                ("email", json!("ada@x.test")),
                ("role", json!("user")),
                ("roles", json!(["user"])),
                ("org_id", org.clone()),
                ("org_name", json!("Acme")),
                ("org_role", json!("owner")),
                ("subscription_tier", json!("enterprise")),
            ],
        );

        let state = ada.get("/api/v1/auth/session").await.expect(200);
        shape(&state, &["authenticated", "token", "user", "csrf_token", "expires_at"]);
        is(
            &state,
            &[
                ("authenticated", json!(true)),
                ("token", signed_in["access_token"].clone()),
                ("user", signed_in["user"].clone()),
                ("csrf_token", json!(ada.csrf())),
            ],
        );
        // The marker authenticates nothing.
        for header in [format!("Bearer {marker}"), format!("Session {marker}")] {
            app.visitor().get("/api/v1/auth/me").header("Authorization", &header).await.problem(401, "unauthenticated");
        }
        // A bearer that is none of ours does not spoil a good cookie.
        ada.get("/api/v1/auth/me").header("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30.").await.expect(200);

        let nobody = app.visitor().get("/api/v1/auth/session").await.problem(401, "unauthenticated");
        assert_eq!(nobody["authenticated"], false);

        let csrf = app.visitor().get("/api/v1/auth/csrf-token").await.expect(200);
        shape(&csrf, &["csrf_token", "header_name"]);
        assert_eq!(csrf["header_name"], "X-CSRF-Token");
        let foreign = csrf["csrf_token"].as_str().expect("a token");
        let change = ada
            .put("/api/v1/auth/notifications")
            .without_csrf()
            .header("X-CSRF-Token", foreign)
            .json(&json!({ "sms": true }));
        change.await.problem(403, "csrf_failed");
        assert_eq!(ada.get("/api/v1/auth/csrf-token").await.expect(200)["csrf_token"], json!(ada.csrf()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flat_answers_of_older_consoles() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let me = ada.get("/api/v1/auth/me").await.expect(200);
        shape(
            &me,
            &[
                "user_id",
                "id",
                "email",
                "username",
                "name",
                "given_name",
                "family_name",
                "role",
                "roles",
                "is_admin",
                "org_id",
                "org_name",
                "org_role",
                "email_verified",
                "subscription_tier",
                "subscription_status",
                "created_at",
                "last_login",
                "api_calls_used",
                "api_calls_limit",
                "profile_picture",
            ],
        );
        is(
            &me,
            &[
                ("id", json!(ada.id.to_string())),
                ("user_id", json!(ada.id.to_string())),
                ("name", json!(ada.username)),
                ("given_name", json!(null)),
                ("is_admin", json!(false)),
                ("org_id", json!(null)),
                ("subscription_tier", json!(app.config.plans.default.as_str())),
                ("email_verified", json!(true)),
            ],
        );
        put(&ada, json!({ "display_name": "Ada King Lovelace" })).await.expect(200);
        ada.create_org("Acme").await;
        let me = ada.get("/api/v1/auth/me").await.expect(200);
        is(
            &me,
            &[
                ("name", json!("Ada King Lovelace")),
                ("given_name", json!("Ada")),
                ("family_name", json!("King Lovelace")),
                ("org_role", json!("owner")),
                ("api_calls_used", json!(0)),
                ("api_calls_limit", json!(-1)),
                ("subscription_status", json!("active")),
            ],
        );
        for path in ["/api/v1/auth/user", "/api/v1/user"] {
            assert_eq!(ada.get(path).await.expect(200), me, "{path}");
            app.visitor().get(path).await.problem(401, "unauthenticated");
        }
        let admin = app.admin().await.me().await;
        is(&admin, &[("is_admin", json!(true)), ("role", json!("admin")), ("roles", json!(["admin"]))]);
        let moved = ada.post("/api/v1/users/me/switch-org").json(&json!({ "org_id": me["org_id"] })).await.expect(200);
        assert_eq!((&moved["success"], &moved["organization"]["id"]), (&json!(true), &me["org_id"]));
        ada.post("/api/v1/users/me/switch-org")
            .json(&json!({ "org_id": "org_01890a5d-ac96-774b-bcce-b302099a8057" }))
            .await
            .problem(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forward_authentication_says_who_in_headers_and_believes_none() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let nowhere = ada.get("/auth/check").await;
        assert_eq!(
            (nowhere.status, nowhere.header("x-org-id"), nowhere.header("x-tier")),
            (200, Some(""), Some(app.config.plans.default.as_str())),
            "whoever is nowhere has what every organization begins with"
        );
        let org = ada.create_org("Acme").await;
        let forged =
            ["X-User-Id", "X-User-Email", "X-Org-Id", "X-Tier", "X-Tenant-ID", "X-Forwarded-User", "Remote-User"];
        let with_forged =
            |request: testkit::Request| forged.iter().fold(request, |request, name| request.header(name, "mallory"));
        let answer = with_forged(ada.get("/auth/check")).await;
        assert_eq!(answer.status, 200);
        let id = ada.id.to_string();
        for (name, value) in [
            ("x-user-id", id.as_str()),
            ("x-user-email", "ada@x.test"),
            ("x-org-id", org.as_str()),
            ("x-tier", "enterprise"),
        ] {
            assert_eq!(answer.headers.get_all(name).iter().collect::<Vec<_>>(), [value], "{name}");
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        with_forged(app.visitor().get("/auth/check")).await.problem(401, "unauthenticated");
        ada.sign_out().await;
        with_forged(ada.get("/auth/check")).await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_keeps_what_it_is_told_and_forgets_what_is_emptied() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let fresh = ada.get("/api/v1/auth/profile").await.expect(200);
        shape(&fresh, &PROFILE);
        is(&fresh, &[("id", json!(ada.id.to_string())), ("email", json!("ada@x.test")), ("username", json!(ada.username)), ("display_name", json!(null)), ("avatar_url", json!(null)), ("email_verified", json!(true))]);
        let told = json!({
            "display_name": "Ada Lovelace — ✓ 数", "bio": "b".repeat(500), "company": "c".repeat(200), "job_title": "j".repeat(100),
            "phone": "+44 (20) 7946-0000", "locale": "en-gb", "timezone": "Europe/London",
        });
        let answer = put(&ada, told.clone()).await.expect(200);
        shape(&answer, &["success", "message", "user"]);
        shape(&answer["user"], &PROFILE);
        let mut wanted = told.clone();
        wanted["phone"] = json!("+442079460000");
        wanted["locale"] = json!("en-GB");
        let read = ada.get("/api/v1/auth/profile").await.expect(200);
        assert_eq!(answer["user"], read);
        for (key, value) in wanted.as_object().expect("an object") {
            assert_eq!(&read[key], value, "{key}");
        }
        // What is not named stays.
        put(&ada, json!({})).await.expect(200);
        put(&ada, json!({ "bio": "short" })).await.expect(200);
        let read = ada.get("/api/v1/auth/profile").await.expect(200);
        is(&read, &[("bio", json!("short")), ("company", wanted["company"].clone())]);
        let emptied = put(&ada, json!({ "bio": null, "company": "", "phone": null, "locale": "", "timezone": null, "job_title": "  ", "display_name": null })).await.expect(200);
        for key in ["display_name", "bio", "company", "job_title", "phone", "locale", "timezone"] {
            assert_eq!(emptied["user"][key], json!(null), "{key}");
        }
        app.visitor().get("/api/v1/auth/profile").await.problem(401, "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_languages_and_zones_are_read_by_their_standards() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let good = [
            (
                "phone",
                vec![
                    ("+12025550123", "+12025550123"),
                    ("+1 202.555.0123", "+12025550123"),
                    ("+4930123456", "+4930123456"),
                    ("+1234567", "+1234567"),
                    ("+123456789012345", "+123456789012345"),
                ],
            ),
            (
                "locale",
                vec![
                    ("de", "de"),
                    ("DE-at", "de-AT"),
                    ("zh-hant-tw", "zh-Hant-TW"),
                    ("es-419", "es-419"),
                    ("sr-Latn-RS", "sr-Latn-RS"),
                ],
            ),
            (
                "timezone",
                vec![
                    ("UTC", "UTC"),
                    ("Europe/Vienna", "Europe/Vienna"),
                    ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
                    ("Etc/GMT+5", "Etc/GMT+5"),
                    ("Asia/Kolkata", "Asia/Kolkata"),
                ],
            ),
        ];
        for (field, values) in good {
            for (given, kept) in values {
                let answer = put(&ada, json!({ field: given })).await.expect(200);
                assert_eq!(answer["user"][field], json!(kept), "{given}");
            }
        }
        let before = ada.get("/api/v1/auth/profile").await.expect(200);
        let bad = [
            (
                "phone",
                vec![
                    json!("12025550123"),
                    json!("+0123456789"),
                    json!("+123456"),
                    json!("+1234567890123456"),
                    json!("+1202555012x"),
                    json!("++12025550123"),
                    json!("+１２０２５５５０１２３"),
                    json!("+"),
                    json!("call me"),
                    json!(12_025_550_123_i64),
                ],
            ),
            (
                "locale",
                vec![
                    json!("e"),
                    json!("en_GB"),
                    json!("en-"),
                    json!("-en"),
                    json!("en--GB"),
                    json!("en-GB\u{0}"),
                    json!("x".repeat(36)),
                    json!(1),
                ],
            ),
            (
                "timezone",
                vec![
                    json!("Mars/Base"),
                    json!("europe"),
                    json!("GMT+25"),
                    json!("../../etc/localtime"),
                    json!("UTC\u{0}"),
                    json!("Europe/Wien na"),
                    json!("+02:00"),
                    json!(["UTC"]),
                ],
            ),
            ("display_name", vec![json!("d".repeat(101)), json!("a\u{0}b"), json!("line\nbreak"), json!(true)]),
            ("bio", vec![json!("b".repeat(501)), json!({})]),
            ("company", vec![json!("c".repeat(201))]),
            ("job_title", vec![json!("j".repeat(101))]),
        ];
        for (field, values) in bad {
            for value in values {
                let answer = put(&ada, json!({ field: value })).await;
                assert_eq!(answer.status, 422, "{field} {value}: {}", answer.text());
                assert_eq!(answer.json()["errors"][0]["pointer"], json!(format!("/{field}")), "{value}");
            }
        }
        // All at once, and nothing is changed.
        let many = put(&ada, json!({ "bio": "changed", "phone": "x", "locale": "!", "timezone": "y" }))
            .await
            .problem(422, "invalid_request");
        assert_eq!(many["errors"].as_array().map(Vec::len), Some(3));
        for field in
            ["role", "is_admin", "id", "username", "email_verified", "avatar_url", "org_id", "created_at", "password"]
        {
            put(&ada, json!({ field: "admin" })).await.problem(422, "unknown_field");
        }
        assert_eq!(ada.get("/api/v1/auth/profile").await.expect(200), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_address_is_read_only() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        put(&ada, json!({ "email": "ADA@X.test", "bio": "the same address" })).await.expect(200);
        for other in ["eve@x.test", "ada@y.test", "", "no address"] {
            put(&ada, json!({ "email": other, "bio": "changed" })).await.problem(409, "email_read_only");
        }
        let form = |fields: &[(&str, &str)]| {
            let part = |(name, text): &(&str, &str)| {
                format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
            };
            fields.iter().map(part).chain(["--X--\r\n".to_owned()]).collect::<String>()
        };
        let send = |fields: &[(&str, &str)]| {
            ada.put("/api/v1/auth/profile").body("multipart/form-data; boundary=X", form(fields))
        };
        send(&[("name", "By form"), ("email", "ada@x.test")]).await.expect(200);
        send(&[("name", "Changed"), ("email", "eve@x.test")]).await.problem(409, "email_read_only");
        let read = ada.get("/api/v1/auth/profile").await.expect(200);
        is(
            &read,
            &[("display_name", json!("By form")), ("bio", json!("the same address")), ("email", json!("ada@x.test"))],
        );
        assert_eq!(send(&[("role", "admin")]).await.status, 422);
        assert_eq!(send(&[("name", &"x".repeat(101))]).await.status, 422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_change_one_by_one() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let fresh = ada.get("/api/v1/auth/notifications").await.expect(200);
        shape(&fresh, &NOTIFICATIONS);
        let change = async |body: Value| ada.put("/api/v1/auth/notifications").json(&body).await;
        for key in ["email", "system", "updates", "security", "billing", "marketing", "sms", "push", "usage_alerts"] {
            let mut wanted = ada.get("/api/v1/auth/notifications").await.expect(200);
            wanted[key] = json!(wanted[key] == false);
            assert_eq!(change(json!({ key: wanted[key] })).await.expect(200), wanted, "{key}");
        }
        for frequency in ["daily", "weekly", "immediate"] {
            assert_eq!(change(json!({ "frequency": frequency })).await.expect(200)["frequency"], json!(frequency));
        }
        for threshold in [50, 100, 75] {
            assert_eq!(
                change(json!({ "usage_alert_threshold": threshold })).await.expect(200)["usage_alert_threshold"],
                json!(threshold)
            );
        }
        let before = ada.get("/api/v1/auth/notifications").await.expect(200);
        assert_eq!(change(json!({})).await.expect(200), before);
        assert_eq!(change(before.clone()).await.expect(200), before);
        for (body, pointer) in [
            (json!({ "email": "yes" }), "/email"),
            (json!({ "sms": 1 }), "/sms"),
            (json!({ "frequency": "hourly" }), "/frequency"),
            (json!({ "frequency": "Daily" }), "/frequency"),
            (json!({ "usage_alert_threshold": 49 }), "/usage_alert_threshold"),
            (json!({ "usage_alert_threshold": 101 }), "/usage_alert_threshold"),
            (json!({ "usage_alert_threshold": 75.5 }), "/usage_alert_threshold"),
            (json!({ "usage_alert_threshold": -1 }), "/usage_alert_threshold"),
            (json!({ "usage_alert_threshold": 1e9 }), "/usage_alert_threshold"),
            (json!({ "telegram": true }), "/telegram"),
        ] {
            let answer = change(body.clone()).await;
            assert_eq!(answer.status, 422, "{body}: {}", answer.text());
            assert_eq!(answer.json()["errors"][0]["pointer"], json!(pointer), "{body}");
        }
        assert_eq!(ada.get("/api/v1/auth/notifications").await.expect(200), before);
        assert_eq!(ada.get("/api/v1/auth/session").await.expect(200)["user"]["notifications"], before);
        let bob = app.user("bob@x.test").await;
        assert_eq!(bob.get("/api/v1/auth/notifications").await.expect(200), fresh, "of everybody their own");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_changes_by_policy_and_ends_the_other_sessions() {
    TestApp::each(|app| async move {
        let policy = app.visitor().get("/api/v1/auth/password-policy").await.expect(200);
        shape(
            &policy,
            &["minimum_length", "maximum_length", "required_categories", "categories", "restrictions", "examples"],
        );
        is(&policy, &[("minimum_length", json!(12)), ("maximum_length", json!(128))]);

        let ada = app.user("ada@x.test").await;
        let other = ada.in_new_browser();
        other.sign_in().await;
        let change = async |current: &str, new: &str| {
            let body = json!({ "current_password": current, "new_password": new });
            ada.post("/api/v1/auth/change-password").json(&body).await
        };
        for (new, code) in [
            ("short", "too_short"),
            (&*"x1y2z3".repeat(22), "too_long"),
            ("password1234", "too_common"),
            ("aaaaaaaaaaaaaaaa", "repetitive"),
            ("ada@x.test.ada", "contains_identity"),
            ("control\u{7}character", "control_character"),
            (&ada.password, "unchanged"),
        ] {
            let problem = change(&ada.password, new).await.problem(422, "weak_password");
            let codes: Vec<&str> = problem["errors"]
                .as_array()
                .expect("errors")
                .iter()
                .filter_map(|error| error["code"].as_str())
                .collect();
            assert!(codes.contains(&code), "{new}: {codes:?}");
            assert_eq!(problem["errors"][0]["pointer"], "/new_password");
        }
        change("not the password", "another ship sails at dusk").await.problem(400, "wrong_password");
        other.get("/api/v1/auth/me").await.expect(200);
        app.clock.advance(std::time::Duration::from_secs(2));
        let changed = change(&ada.password, "another ship sails at dusk").await.expect(200);
        shape(&changed, &["success", "message", "strength", "warnings"]);
        is(&changed, &[("success", json!(true)), ("strength", json!("strong")), ("warnings", json!([]))]);
        ada.me().await;
        other.get("/api/v1/auth/me").await.problem(401, "unauthenticated");

        let sign_in = async |password: &str| {
            let body = json!({ "username": ada.email, "password": password });
            app.visitor().post("/api/v1/auth/login").json(&body).await
        };
        sign_in(&ada.password).await.problem(401, "invalid_credentials");
        app.clock.advance(std::time::Duration::from_secs(2));
        sign_in("another ship sails at dusk").await.expect(200);
        let weak = ada
            .put("/api/v1/auth/password")
            .json(&json!({ "current_password": "another ship sails at dusk", "new_password": "wrensandoaks" }))
            .await
            .expect(200);
        assert_eq!(weak["strength"], "weak");
        assert!(!weak["warnings"].as_array().expect("warnings").is_empty());
        for body in [
            json!({}),
            json!({ "current_password": "x" }),
            json!({ "current_password": "", "new_password": "y" }),
            json!({ "current_password": "x", "new_password": "y", "user_id": "z" }),
        ] {
            assert_eq!(ada.post("/api/v1/auth/change-password").json(&body).await.status, 422, "{body}");
        }
    })
    .await;
}
