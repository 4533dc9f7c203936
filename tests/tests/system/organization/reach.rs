//! X2, O2: nobody gives or touches a role above their own, and what is no role changes nothing anywhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{TestApp, TestUser};

use crate::rig::party::{add, adding, found, giving, members, removing};

const ROLES: [&str; 4] = ["owner", "admin", "billing_admin", "member"];

/// Whether somebody in the role `own` may touch or give the role `other`: written down here once more, from the contract.
fn reaches(own: &str, other: &str) -> bool {
    match own {
        "owner" => true,
        "admin" => other != "owner",
        _ => false,
    }
}

/// The code of a refusal for somebody in this role.
fn code(own: &str) -> &'static str {
    if own == "admin" { "role_above_own" } else { "forbidden" }
}

/// One member in each role, beside the owner who made the organization; nobody's session acts in it.
struct Court {
    org: String,
    boss: TestUser,
    by_role: BTreeMap<&'static str, TestUser>,
}

impl Court {
    async fn assemble(app: &TestApp) -> Self {
        let boss = app.user("boss@x.test").await;
        let org = found(&boss, "Court").await;
        let mut by_role = BTreeMap::new();
        for role in ROLES {
            let user = app.user(&format!("{role}@x.test")).await;
            add(&boss, &org, &user, role).await;
            by_role.insert(role, user);
        }
        Self { org, boss, by_role }
    }

    async fn role_of(&self, user: &TestUser) -> Value {
        let id = user.id.to_string();
        let page = self.boss.get(&format!("/api/v1/org/{}/members?search={}", self.org, user.email)).await.expect(200);
        let found =
            page["members"].as_array().expect("members").iter().find(|member| member["id"] == json!(id)).cloned();
        found.map_or(Value::Null, |member| member["role"].clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_or_touches_a_role_above_their_own() {
    TestApp::each(|app| async move {
        app.seats(200).await;
        let court = Court::assemble(&app).await;
        let target = app.user("target@x.test").await;
        for own in ROLES {
            let actor = &court.by_role[own];
            for role in ROLES {
                let answer = adding(actor, &court.org, &format!("{own}.{role}@x.test"), role).await;
                if reaches(own, role) {
                    answer.expect(202)
                } else {
                    answer.problem(403, code(own))
                };

                let known = adding(actor, &court.org, &target.email, role).await;
                if reaches(own, role) {
                    known.expect(201)
                } else {
                    known.problem(403, code(own))
                };
                if reaches(own, role) {
                    removing(&court.boss, &court.org, &target).await.expect(200);
                }
            }
            add(&court.boss, &court.org, &target, "member").await;
            for (from, to) in ROLES.into_iter().flat_map(|from| ROLES.map(|to| (from, to))) {
                giving(&court.boss, &court.org, &target, from).await.expect(200);
                let may = reaches(own, from) && reaches(own, to);
                let answer = giving(actor, &court.org, &target, to).await;
                if may {
                    answer.expect(200)
                } else {
                    answer.problem(403, code(own))
                };
                assert_eq!(court.role_of(&target).await, if may { to } else { from }, "{own}: {from} to {to}");
            }
            removing(&court.boss, &court.org, &target).await.expect(200);
            for role in ROLES {
                add(&court.boss, &court.org, &target, role).await;
                let answer = removing(actor, &court.org, &target).await;
                if reaches(own, role) {
                    answer.expect(200);
                } else {
                    answer.problem(403, code(own));
                    removing(&court.boss, &court.org, &target).await.expect(200);
                }
            }
        }
        invitations_are_out_of_reach_too(&court).await;
    })
    .await;
}

/// Whoever cannot give a role cannot send or take back an invitation to it either.
async fn invitations_are_out_of_reach_too(court: &Court) {
    let invited = adding(&court.boss, &court.org, "heir@x.test", "owner").await.expect(202);
    let path =
        format!("/api/v1/org/{}/invitations/{}", court.org, invited["invitation"]["id"].as_str().expect("an id"));
    for own in ["admin", "billing_admin", "member"] {
        let actor = &court.by_role[own];
        actor.post(&format!("{path}/resend")).await.problem(403, code(own));
        actor.delete(&path).await.problem(403, code(own));
    }
    // Anybody may leave, whoever they are.
    for own in ["billing_admin", "member"] {
        removing(&court.by_role[own], &court.org, &court.by_role[own]).await.expect(200);
    }
    court.by_role["owner"].delete(&path).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_raises_themselves() {
    TestApp::each(|app| async move {
        let court = Court::assemble(&app).await;
        for own in ["admin", "billing_admin", "member"] {
            let actor = &court.by_role[own];
            giving(actor, &court.org, actor, "owner").await.problem(403, code(own));
            assert_eq!(court.role_of(actor).await, own);
        }
        // The default role for those who join is a role that is given, too.
        let default = json!({ "defaultRole": "owner" });
        let path = format!("/api/v1/org/{}/settings", court.org);
        let refused = court.by_role["admin"].put(&path).json(&default).await;
        assert!([403, 422].contains(&refused.status), "{}", refused.text());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_role_is_refused_and_nothing_changes_in_any_organization() {
    TestApp::each(|app| async move {
        let court = Court::assemble(&app).await;
        let neighbour = app.user("neighbour@x.test").await;
        let theirs = found(&neighbour, "Next door").await;
        add(&neighbour, &theirs, &court.boss, "member").await;
        let before = (members(&court.boss, &court.org).await, members(&neighbour, &theirs).await);
        let target = &court.by_role["member"];
        for role in [
            json!("OWNER"),
            json!("Owner"),
            json!(" owner"),
            json!("owner "),
            json!("owner\u{0}"),
            json!("ｏwner"),
            json!("ow\u{200b}ner"),
            json!("оwner"),
            json!(""),
            json!("superuser"),
            json!("root"),
            json!("viewer"),
            json!("user"),
            json!("null"),
            json!("*"),
            json!("owner,admin"),
            json!("'; DROP TABLE membership; --"),
            json!("a".repeat(10_000)),
            json!(["owner"]),
            json!({ "role": "owner" }),
            json!(null),
            json!(0),
            json!(1),
            json!(true),
            json!(-1),
            json!(1.5),
        ] {
            let path = format!("/api/v1/org/{}/members/{}/role", court.org, target.id);
            for body in [json!({ "role": role }), json!({ "org_role": role })] {
                let answer = court.boss.put(&path).json(&body).await;
                assert_eq!(answer.status, 422, "{body}: {}", answer.text());
                let errors = answer.json()["errors"].clone();
                assert!(errors.as_array().is_some_and(|errors| !errors.is_empty()), "{body}: {errors}");
            }
            let invited = court
                .boss
                .post(&format!("/api/v1/org/{}/members", court.org))
                .json(&json!({ "email": "new@x.test", "role": role }))
                .await;
            assert_eq!(invited.status, 422, "{role}: {}", invited.text());
        }
        let searched = court.boss.get(&format!("/api/v1/org/{}/members?role=OWNER", court.org)).await;
        assert_eq!(searched.status, 422);
        let after = (members(&court.boss, &court.org).await, members(&neighbour, &theirs).await);
        assert_eq!(after, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_decides_the_very_next_request_on_both_instances() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let (ada, bob) = (app.user("ada@x.test").await, app.user("bob@x.test").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "admin").await;
        let path = format!("/api/v1/org/{org}/invitations");
        let there = bob.at(&sibling);
        for _ in 0..5 {
            there.get(&path).await.expect(200);
            giving(&ada, &org, &bob, "member").await.expect(200);
            there.get(&path).await.problem(403, "forbidden");
            bob.get(&path).await.problem(403, "forbidden");
            giving(&ada, &org, &bob, "admin").await.expect(200);
            there.get(&path).await.expect(200);
            removing(&ada, &org, &bob).await.expect(200);
            there.get(&path).await.problem(404, "not_found");
            add(&ada, &org, &bob, "admin").await;
        }
    })
    .await;
}
