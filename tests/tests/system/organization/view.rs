//! What members see of their organization, and how it reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{TestApp, TestUser};

use crate::rig::party::{add, adding, found};

#[track_caller]
fn has(value: &Value, keys: &[&str]) {
    let there: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    let missing: Vec<&&str> = keys.iter().filter(|key| !there.contains(**key)).collect();
    assert!(missing.is_empty(), "{missing:?} not in {value}");
}

async fn cast(app: &TestApp) -> (String, [TestUser; 4]) {
    let people = [
        app.user("ada@x.test").await,
        app.user("adm@x.test").await,
        app.user("bill@x.test").await,
        app.user("mem@x.test").await,
    ];
    let org = found(&people[0], "Acme").await;
    for (person, role) in people[1..].iter().zip(["admin", "billing_admin", "member"]) {
        add(&people[0], &org, person, role).await;
    }
    for person in &people {
        person.switch_org(&org).await;
    }
    (org, people)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_for_those_who_manage_it() {
    TestApp::each(|app| async move {
        let (org, [owner, admin, billing, member]) = cast(&app).await;
        for (person, sees) in [(&owner, true), (&admin, false), (&billing, true), (&member, false)] {
            for path in
                ["/api/v1/org/info".to_owned(), format!("/api/v1/org/{org}"), format!("/api/v1/org/info?org_id={org}")]
            {
                let info = person.get(&path).await.expect(200);
                has(
                    &info,
                    &[
                        "id",
                        "name",
                        "slug",
                        "created_at",
                        "status",
                        "plan_tier",
                        "owner",
                        "member_count",
                        "seats",
                        "seats_used",
                    ],
                );
                assert_eq!((&info["owner"], &info["member_count"]), (&json!("ada@x.test"), &json!(4)));
                for key in ["lago_customer_id", "stripe_customer_id"] {
                    assert_eq!(info.get(key).is_some(), sees, "{key} for {}", person.email);
                }
            }
            let money = person.get("/api/v1/org/billing").await;
            if !sees {
                money.problem(403, "forbidden");
                continue;
            }
            let money = money.expect(200);
            has(
                &money,
                &[
                    "plan_tier",
                    "status",
                    "created_at",
                    "lago_customer_id",
                    "stripe_customer_id",
                    "subscription",
                    "usage",
                    "invoices",
                    "paymentMethod",
                ],
            );
            has(
                &money["subscription"],
                &[
                    "plan",
                    "status",
                    "seats",
                    "seatsUsed",
                    "amount",
                    "currency",
                    "interval",
                    "nextBillingDate",
                    "cancelAtPeriodEnd",
                ],
            );
            has(&money["usage"], &["apiCalls", "apiCallsLimit"]);
            assert_eq!(
                (&money["subscription"]["seatsUsed"], &money["usage"]["apiCallsLimit"]),
                (&json!(4), &json!(-1))
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_stats_members_and_lists_have_their_shape() {
    TestApp::each(|app| async move {
        let (org, [owner, _, _, member]) = cast(&app).await;
        adding(&owner, &org, "guest@x.test", "member").await.expect(202);
        let roles = member.get("/api/v1/org/roles").await.expect(200);
        assert_eq!(roles["customRoles"], json!([]));
        let permissions: Vec<(&str, usize)> = roles["roles"]
            .as_array()
            .expect("roles")
            .iter()
            .map(|role| {
                has(role, &["id", "name", "description", "permissions"]);
                (role["id"].as_str().expect("an id"), role["permissions"].as_array().expect("permissions").len())
            })
            .collect();
        assert_eq!(permissions, [("owner", 6), ("admin", 4), ("billing_admin", 2), ("member", 1)]);

        let stats = member.get("/api/v1/org/stats").await.expect(200);
        for (key, value) in [
            ("total_members", json!(4)),
            ("totalMembers", json!(4)),
            ("active_members", json!(4)),
            ("activeMembers", json!(4)),
            ("pending_invites", json!(1)),
            ("pendingInvites", json!(1)),
            ("members_by_role", json!({ "owner": 1, "admin": 1, "billing_admin": 1, "member": 1 })),
            ("api_calls_used", json!(0)),
            ("api_calls_limit", json!(-1)),
            ("plan_tier", json!("enterprise")),
            ("status", json!("active")),
            ("organization_name", json!("Acme")),
        ] {
            assert_eq!(stats[key], value, "{key}");
        }
        has(&stats, &["admins", "byok_providers", "created_at"]);

        owner.put("/api/v1/auth/profile").json(&json!({ "display_name": "Ada King Lovelace" })).await.expect(200);
        let page = member.get("/api/v1/org/members").await.expect(200);
        assert_eq!((&page["total"], &page["limit"], &page["offset"]), (&json!(4), &json!(50), &json!(0)));
        let ada = page["members"]
            .as_array()
            .expect("members")
            .iter()
            .find(|row| row["email"] == "ada@x.test")
            .expect("ada")
            .clone();
        for (key, value) in [
            ("display_name", json!("Ada King Lovelace")),
            ("first_name", json!("Ada")),
            ("firstName", json!("Ada")),
            ("last_name", json!("King Lovelace")),
            ("lastName", json!("King Lovelace")),
            ("role", json!("owner")),
            ("org_role", json!("owner")),
            ("status", json!("active")),
            ("enabled", json!(true)),
            ("email_verified", json!(true)),
            ("id", json!(owner.id.to_string())),
            ("user_id", json!(owner.id.to_string())),
        ] {
            assert_eq!(ada[key], value, "{key}");
        }
        has(&ada, &["username", "joined_at", "createdAt", "last_active"]);

        member.get("/api/v1/org/invitations").await.problem(403, "forbidden");
        let open = owner.get("/api/v1/org/invitations").await.expect(200);
        has(&open["invitations"][0], &["id", "email", "role", "invited_by", "created_at", "expires_at"]);
        assert!(!open.to_string().contains("token"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_lists_all_organizations_and_everybody_else_their_own() {
    TestApp::each(|app| async move {
        let (ada, bob) = (app.owner("ada@x.test", "Acme").await, app.owner("bob@x.test", "Bolt").await);
        let admin = app.admin().await;
        let names = async |user: &TestUser, query: &str| {
            let page = user.get(&format!("/api/v1/org/organizations{query}")).await.expect(200);
            has(&page, &["organizations", "total", "limit", "offset"]);
            page["organizations"]
                .as_array()
                .expect("rows")
                .iter()
                .map(|row| {
                    has(row, &["id", "name", "owner", "member_count", "created_at", "subscription_tier", "status"]);
                    row["name"].as_str().expect("a name").to_owned()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&admin, "").await, ["Bolt", "Acme", "Default organization"]);
        assert_eq!(names(&ada, "").await, ["Acme"]);
        assert_eq!(names(&bob, "?search=acme").await, Vec::<String>::new());
        assert_eq!(names(&admin, "?search=ACM").await, ["Acme"]);
        assert_eq!(names(&admin, "?search=%25").await, Vec::<String>::new(), "% means itself");
        assert_eq!(names(&admin, "?limit=1&offset=1").await, ["Acme"]);
        assert_eq!(names(&admin, "?tier=enterprise").await.len(), 3);
        assert_eq!(names(&admin, "?tier=free").await.len(), 0);
        assert_eq!(names(&admin, "?status=suspended").await.len(), 0);
        for wrong in ["?status=gone", "?limit=0", "?limit=1000"] {
            assert_eq!(admin.get(&format!("/api/v1/org/organizations{wrong}")).await.status, 422, "{wrong}");
        }
        // Nobody who acts nowhere is told of an organization.
        let carol = app.user("carol@x.test").await;
        for path in ["info", "members", "settings", "stats", "billing", "invitations"] {
            carol.get(&format!("/api/v1/org/{path}")).await.problem(404, "not_found");
        }
    })
    .await;
}
