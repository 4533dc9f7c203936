//! Who may do what, and what sessions do afterwards: the three areas together, over stores in memory.

mod stage;

use std::time::Duration;

use org_core::testing::Population;
use serde_json::{Value, json};

use self::stage::{Browser, Stage};

/// Makes an organization of the browser's user and enters it.
async fn founded(stage: &Stage, owner: &mut Browser) -> String {
    let made = stage.ask(owner, "POST /api/v1/org", Some(json!({"name": "Acme"}))).await;
    assert_eq!((made.status, made.renewed), (201, false), "{made:?}");
    let id = made.body["organization"]["id"].as_str().unwrap().to_owned();
    let entered = stage.ask(owner, "POST /api/v1/org/switch", Some(json!({"org_id": id}))).await;
    assert_eq!((entered.status, entered.renewed), (200, true), "{entered:?}");
    id
}

/// Invites somebody by mail and lets them accept.
async fn joined(stage: &Stage, by: &mut Browser, email: &str, role: &str) -> Browser {
    let invited = stage.ask(by, "POST /api/v1/org/members", Some(json!({"email": email, "role": role}))).await;
    assert_eq!(invited.status, 202, "{invited:?}");
    let token = stage.stores.mails().last().unwrap().token.expose().to_owned();
    let mut guest = stage.sign_in(email).await;
    let accepted = stage.ask(&mut guest, "POST /api/v1/org/invitations/accept", Some(json!({"token": token}))).await;
    assert_eq!((accepted.status, &accepted.body["role"]), (200, &json!(role)));
    let org = accepted.body["org_id"].clone();
    stage.ask(&mut guest, "POST /api/v1/org/switch", Some(json!({"org_id": org}))).await;
    guest
}

#[actix_web::test]
async fn an_organization_is_made_entered_and_shown() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    let before = ada.copy();
    let id = founded(&stage, &mut ada).await;
    assert_eq!(
        stage.ask(&mut before.copy(), "GET /api/v1/org/my-orgs", None).await.status,
        401,
        "the old session is dead"
    );

    let info = stage.ask(&mut ada, "GET /api/v1/org/info", None).await.body;
    assert_eq!(info, stage.ask(&mut ada, &format!("GET /api/v1/org/{id}"), None).await.body);
    assert_eq!(
        (&info["plan_tier"], &info["owner"], &info["seats_used"]),
        (&json!("free"), &json!("ada@acme.example"), &json!(1))
    );
    assert_eq!(info.get("stripe_customer_id"), Some(&Value::Null), "owners manage billing");

    let mine = stage.ask(&mut ada, "GET /api/v1/org/my-orgs?limit=1", None).await;
    assert_eq!(mine.total.as_deref(), Some("1"));
    assert_eq!(
        (&mine.body[0]["id"], &mine.body[0]["is_current"], &mine.body[0]["role"]),
        (&json!(id), &json!(true), &json!("owner"))
    );

    let billing = stage.ask(&mut ada, "GET /api/v1/org/billing", None).await.body;
    assert_eq!((&billing["subscription"]["amount"], &billing["usage"]["apiCallsLimit"]), (&json!(0.0), &json!(1000)));
    let roles = stage.ask(&mut ada, "GET /api/v1/org/roles", None).await.body;
    assert_eq!((roles["roles"].as_array().unwrap().len(), &roles["customRoles"]), (4, &json!([])));

    let mut bob = joined(&stage, &mut ada, "bob@acme.example", "member").await;
    let seen = stage.ask(&mut bob, "GET /api/v1/org/info", None).await.body;
    assert_eq!((seen.get("stripe_customer_id"), &seen["member_count"]), (None, &json!(2)));
    let stats = stage.ask(&mut bob, "GET /api/v1/org/stats", None).await.body;
    assert_eq!(
        (&stats["admins"], &stats["totalMembers"], &stats["members_by_role"]["member"]),
        (&json!(1), &json!(2), &json!(1))
    );
    assert_eq!(stats["byok_providers"], 0);
    stage.store_key(id.parse().unwrap(), "openai").await;
    stage.store_key(id.parse().unwrap(), "cohere").await;
    let stats = stage.ask(&mut bob, "GET /api/v1/org/stats", None).await.body;
    assert_eq!(stats["byok_providers"], 2);
    let members = stage.ask(&mut bob, "GET /api/v1/org/members?search=BOB&role=member", None).await.body;
    assert_eq!((&members["total"], &members["members"][0]["user_id"]), (&json!(1), &json!(bob.user.to_string())));
    for wrong in ["limit=0", "limit=201", "role=OWNER", "search=a%00"] {
        assert_eq!(stage.ask(&mut bob, &format!("GET /api/v1/org/members?{wrong}"), None).await.status, 422, "{wrong}");
    }
}

#[actix_web::test]
async fn settings_come_back_as_they_were_sent() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    founded(&stage, &mut ada).await;
    let change = json!({"settings": {"displayName": "Acme Research", "branding": {"theme": "dark"}}, "unknown": 1});
    let saved = stage.ask(&mut ada, "PUT /api/v1/org/settings", Some(change)).await;
    assert_eq!((saved.status, &saved.body["success"]), (200, &json!(true)), "{saved:?}");
    let mut seen = stage.ask(&mut ada, "GET /api/v1/org/settings", None).await.body;
    assert_eq!(
        (&seen["displayName"], &seen["settings"]["branding"]["theme"]),
        (&json!("Acme Research"), &json!("dark"))
    );
    assert_eq!((&seen["plan_tier"], &seen["settings"]["name"]), (&json!("free"), &json!("Acme")));
    seen["name"] = json!("Acme 2");
    let whole = stage.ask(&mut ada, "PUT /api/v1/org/settings", Some(seen)).await;
    assert_eq!((whole.status, &whole.body["settings"]["name"]), (200, &json!("Acme 2")), "{whole:?}");
}

#[actix_web::test]
async fn what_is_foreign_answers_as_what_does_not_exist() {
    let stage = Stage::new();
    let (mut ada, mut eve) = (stage.sign_in("ada@acme.example").await, stage.sign_in("eve@other.example").await);
    let org = founded(&stage, &mut ada).await;
    founded(&stage, &mut eve).await;
    let invited = json!({"email": "bob@acme.example", "role": "member"});
    let invitation =
        stage.ask(&mut ada, "POST /api/v1/org/members", Some(invited)).await.body["invitation"]["id"].clone();
    let (unknown, invitation) = ("org_01890a5d-ac96-774b-bcce-b302099a8057", invitation.as_str().unwrap().to_owned());
    for operation in [
        "GET /api/v1/org/ORG",
        "GET /api/v1/org/info?org_id=ORG",
        "GET /api/v1/org/ORG/members",
        "POST /api/v1/org/ORG/members",
        "GET /api/v1/org/ORG/invitations",
        "POST /api/v1/org/ORG/invitations/inv_01890a5d-ac96-774b-bcce-b302099a8057/resend",
        "DELETE /api/v1/org/ORG/members/usr_01890a5d-ac96-774b-bcce-b302099a8057",
        "PUT /api/v1/org/ORG/members/usr_01890a5d-ac96-774b-bcce-b302099a8057/role",
        "POST /api/v1/org/ORG/transfer-ownership",
        "GET /api/v1/org/ORG/roles",
        "GET /api/v1/org/ORG/settings",
        "PUT /api/v1/org/ORG/settings",
        "GET /api/v1/org/ORG/billing",
        "GET /api/v1/org/ORG/stats",
        "DELETE /api/v1/org/ORG?confirm=true",
    ] {
        for named in [org.as_str(), unknown, "org_1"] {
            let mut told = stage.ask(&mut eve, &operation.replace("ORG", named), None).await;
            told.body["instance"] = Value::Null;
            let nothing = stage.ask(&mut eve, "DELETE /api/v1/org/members/nobody", None).await;
            let mut same = nothing.body;
            same["instance"] = Value::Null;
            assert_eq!((told.status, told.body), (404, same), "{operation} {named}");
        }
        assert_eq!(stage.ask_as_nobody(&operation.replace("ORG", &org), None).await.status, 401, "{operation}");
    }
    for own in [
        format!("POST /api/v1/org/invitations/{invitation}/resend"),
        format!("DELETE /api/v1/org/invitations/{invitation}"),
        format!("DELETE /api/v1/org/members/{}", ada.user),
    ] {
        assert_eq!(stage.ask(&mut eve, &own, None).await.status, 404, "{own}");
    }
    let switch = stage.ask(&mut eve, "POST /api/v1/users/me/switch-org", Some(json!({"org_id": org}))).await;
    assert_eq!((switch.status, switch.renewed), (404, false));
    let list = stage.ask(&mut eve, "GET /api/v1/org/organizations?tier=free", None).await.body;
    assert_eq!((&list["total"], list["organizations"][0]["id"] == json!(org)), (&json!(1), false));
    assert_eq!(stage.ask(&mut eve, "GET /api/v1/org/organizations?tier=pro", None).await.body["total"], 0);
}

#[actix_web::test]
async fn roles_decide_before_the_body_is_looked_at() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    let org = founded(&stage, &mut ada).await;
    let mut bob = joined(&stage, &mut ada, "bob@acme.example", "member").await;
    for operation in [
        "POST /api/v1/org/members",
        "GET /api/v1/org/invitations",
        "PUT /api/v1/org/settings",
        "GET /api/v1/org/billing",
        "POST /api/v1/org/transfer-ownership",
        &format!("PUT /api/v1/org/{org}/status"),
        &format!("DELETE /api/v1/org/{org}"),
        &format!("DELETE /api/v1/org/members/{}", ada.user),
        &format!("PUT /api/v1/org/members/{}/role", ada.user),
    ] {
        assert_eq!(stage.ask(&mut bob, operation, None).await.code(), (403, "forbidden"), "{operation}");
    }
    let mut admin = joined(&stage, &mut ada, "cyd@acme.example", "admin").await;
    let above =
        stage.ask(&mut admin, "POST /api/v1/org/members", Some(json!({"email": "d@d.example", "role": "owner"}))).await;
    assert_eq!(above.code(), (403, "role_above_own"));
    let touch = format!("PUT /api/v1/org/members/{}/role", ada.user);
    assert_eq!(stage.ask(&mut admin, &touch, Some(json!({"role": "member"}))).await.code(), (403, "role_above_own"));
    let elsewhere = stage.ask(&mut ada.elsewhere(), "POST /api/v1/org", Some(json!({"name": "Evil"}))).await;
    assert_eq!(elsewhere.code(), (403, "csrf_failed"));
    assert_eq!(
        stage.ask(&mut ada, "POST /api/v1/org/members", Some(json!({"role": "x"}))).await.code(),
        (422, "invalid_request")
    );
    assert_eq!(stage.ask(&mut ada, &touch, Some(json!({"role": "member"}))).await.code(), (409, "last_owner"));
    let leave = format!("DELETE /api/v1/org/members/{}", ada.user);
    assert_eq!(stage.ask(&mut ada, &leave, None).await.code(), (409, "last_owner"));
}

#[actix_web::test]
async fn who_changes_their_own_part_keeps_a_session_and_everybody_else_loses_theirs() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    let org = founded(&stage, &mut ada).await;
    let mut bob = joined(&stage, &mut ada, "bob@acme.example", "member").await;
    let role = |browser: &Browser| format!("PUT /api/v1/org/members/{}/role", browser.user);

    let up = stage.ask(&mut ada, &role(&bob), Some(json!({"org_role": "owner"}))).await;
    assert_eq!((up.status, up.renewed, &up.body["new_role"]), (200, false, &json!("owner")));
    assert_eq!(stage.ask(&mut bob, "GET /api/v1/org/info", None).await.status, 401, "another's hand ends the session");
    let mut bob = stage.again(bob.user).await;
    stage.ask(&mut bob, "POST /api/v1/org/switch", Some(json!({"org_id": org}))).await;

    let (old, down) = (bob.copy(), json!({"role": "admin"}));
    let own_operation = role(&bob);
    let own = stage.ask(&mut bob, &own_operation, Some(down)).await;
    assert_eq!((own.status, own.renewed), (200, true));
    assert_eq!(stage.ask(&mut old.copy(), "GET /api/v1/org/info", None).await.status, 401, "the old cookie is dead");
    assert_eq!(stage.ask(&mut bob, "GET /api/v1/org/info", None).await.status, 200);

    let heir = json!({"user_id": bob.user.to_string()});
    let given = stage.ask(&mut ada, "POST /api/v1/org/transfer-ownership", Some(heir)).await;
    assert_eq!((given.status, given.renewed), (200, true), "{given:?}");
    assert_eq!(stage.ask(&mut ada, "GET /api/v1/org/billing", None).await.status, 403, "an admin now");

    let leave = format!("DELETE /api/v1/org/members/{}", ada.user);
    let left = stage.ask(&mut ada, &leave, None).await;
    assert_eq!((left.status, left.renewed), (200, true));
    assert_eq!(stage.ask(&mut ada, "GET /api/v1/org/info", None).await.status, 404, "in no organization");
    assert_eq!(stage.ask(&mut ada, "GET /api/v1/org/my-orgs", None).await.body, json!([]));
}

#[actix_web::test]
async fn ending_and_handing_over_need_a_sign_in_of_a_moment_ago() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    let org = founded(&stage, &mut ada).await;
    let delete = format!("DELETE /api/v1/org/{org}");
    assert_eq!(stage.ask(&mut ada, &delete, None).await.code(), (400, "confirm_required"));
    stage.clock.advance(Duration::from_secs(301));
    for operation in [delete.as_str(), "POST /api/v1/org/transfer-ownership"] {
        let stale = stage.ask(&mut ada, operation, None).await;
        assert_eq!((stale.code(), &stale.body["max_age"]), ((401, "insufficient_user_authentication"), &json!(300)));
        assert_eq!(stage.ask(&mut ada.elsewhere(), operation, None).await.code(), (403, "csrf_failed"));
    }
    let mut ada = stage.again(ada.user).await;
    stage.ask(&mut ada, "POST /api/v1/org/switch", Some(json!({"org_id": org}))).await;
    let ended = stage.ask(&mut ada, &format!("{delete}?confirm=true"), None).await;
    assert_eq!((ended.status, ended.renewed, &ended.body["status"]), (200, true, &json!("deleted")));
    assert_eq!(stage.ask(&mut ada, &format!("GET /api/v1/org/{org}"), None).await.status, 404);
}

#[actix_web::test]
async fn a_platform_admin_suspends_and_deletes_what_is_not_theirs() {
    let stage = Stage::new();
    let (mut ada, mut root) = (stage.sign_in("ada@acme.example").await, stage.sign_in("root@ops.example").await);
    stage.make_admin(root.user);
    let org = founded(&stage, &mut ada).await;
    assert_eq!(stage.ask(&mut root, "GET /api/v1/org/organizations?search=acme", None).await.body["total"], 1);
    assert_eq!(stage.ask(&mut root, &format!("GET /api/v1/org/{org}"), None).await.status, 404, "no member");
    let status = format!("PUT /api/v1/org/{org}/status");
    assert_eq!(stage.ask(&mut root, &status, Some(json!({"status": "deleted"}))).await.status, 422);
    let unknown = "PUT /api/v1/org/org_01890a5d-ac96-774b-bcce-b302099a8057/status";
    assert_eq!(stage.ask(&mut root, unknown, Some(json!({"status": "active"}))).await.status, 404);
    let suspended = stage.ask(&mut root, &status, Some(json!({"status": "suspended"}))).await;
    assert_eq!((suspended.status, suspended.renewed), (200, false));
    assert_eq!(
        stage.ask(&mut ada, "GET /api/v1/org/info", None).await.status,
        401,
        "sessions of a suspended organization end"
    );
    let ended = stage.ask(&mut root, &format!("DELETE /api/v1/org/{org}?confirm=true"), None).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(stage.ask(&mut root, &format!("DELETE /api/v1/org/{org}?confirm=true"), None).await.status, 404);
}

#[actix_web::test]
async fn an_invitation_tells_whether_its_mail_left_and_works_once() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    founded(&stage, &mut ada).await;
    stage.stores.fail_mails(true);
    let guest = json!({"email": "bob@acme.example", "role": "member"});
    let invited = stage.ask(&mut ada, "POST /api/v1/org/members", Some(guest.clone())).await;
    assert_eq!(invited.status, 202);
    assert!(invited.body["message"].as_str().unwrap().contains("resend"), "{invited:?}");
    assert_eq!(stage.ask(&mut ada, "POST /api/v1/org/members", Some(guest)).await.code(), (409, "already_invited"));
    stage.stores.fail_mails(false);
    let id = invited.body["invitation"]["id"].as_str().unwrap().to_owned();
    let resent = stage.ask(&mut ada, &format!("POST /api/v1/org/invitations/{id}/resend"), None).await;
    assert_eq!((resent.status, &resent.body["success"]), (200, &json!(true)));
    let token = json!({"token": stage.stores.mails()[0].token.expose()});

    let accept = "POST /api/v1/org/invitations/accept";
    assert_eq!(stage.ask(&mut ada, accept, Some(token.clone())).await.status, 404, "not for this address");
    let mut bob = stage.sign_in("bob@acme.example").await;
    stage.clock.advance(Duration::from_mins(50));
    assert_eq!(stage.ask(&mut bob, accept, Some(json!({"token": "\u{0}"}))).await.status, 404);
    assert_eq!(stage.ask(&mut bob, accept, Some(token.clone())).await.status, 200);
    assert_eq!(stage.ask(&mut bob, accept, Some(token)).await.status, 404, "used up");

    let late = stage
        .ask(&mut ada, "POST /api/v1/org/members", Some(json!({"email": "cyd@acme.example", "role": "member"})))
        .await;
    assert_eq!(late.status, 202);
    let token = json!({"token": stage.stores.mails()[1].token.expose()});
    stage.clock.advance(Duration::from_hours(7 * 24));
    let mut cyd = stage.sign_in("cyd@acme.example").await;
    assert_eq!(stage.ask(&mut cyd, accept, Some(token)).await.code(), (410, "invitation_expired"));
}

#[actix_web::test]
async fn an_expired_invitation_is_sent_again_only_to_a_free_seat() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    let org = founded(&stage, &mut ada).await;
    let add = format!("POST /api/v1/org/{org}/members");
    let first = stage.ask(&mut ada, &add, Some(json!({"email": "first@acme.example", "role": "member"}))).await;
    let id = first.body["invitation"]["id"].as_str().unwrap().to_owned();
    stage.clock.advance(Duration::from_hours(7 * 24));
    let mut ada = stage.again(ada.user).await;
    for number in 0..4 {
        let guest = json!({"email": format!("guest{number}@acme.example"), "role": "member"});
        assert_eq!(stage.ask(&mut ada, &add, Some(guest)).await.status, 202, "its seat is free");
    }
    let resend = format!("POST /api/v1/org/{org}/invitations/{id}/resend");
    let full = stage.ask(&mut ada, &resend, None).await;
    assert_eq!(full.code(), (409, "seat_limit"), "{full:?}");
    let info = stage.ask(&mut ada, &format!("GET /api/v1/org/{org}"), None).await.body;
    assert_eq!((&info["seats"], &info["seats_used"]), (&json!(5), &json!(5)));
}

#[actix_web::test]
async fn an_organization_without_an_active_owner_is_not_made_active() {
    let stage = Stage::new();
    let (mut ada, mut root) = (stage.sign_in("ada@acme.example").await, stage.sign_in("root@ops.example").await);
    stage.make_admin(root.user);
    let status = format!("PUT /api/v1/org/{}/status", founded(&stage, &mut ada).await);
    let active = json!({"status": "active"});
    assert_eq!(stage.ask(&mut root, &status, Some(json!({"status": "suspended"}))).await.status, 200);
    stage.stores.set_enabled(ada.user, false).await;
    let refused = stage.ask(&mut root, &status, Some(active.clone())).await;
    assert_eq!(refused.code(), (409, "last_owner"), "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("enable the account of one of its owners"));
    stage.stores.set_enabled(ada.user, true).await;
    assert_eq!(stage.ask(&mut root, &status, Some(active)).await.status, 200, "what the answer said helps");
}

#[actix_web::test]
async fn who_is_added_without_a_role_gets_the_default_one() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    founded(&stage, &mut ada).await;
    let add = "POST /api/v1/org/members";
    let first = stage.ask(&mut ada, add, Some(json!({"email": "first@acme.example"}))).await;
    assert_eq!((first.status, &first.body["invitation"]["role"]), (202, &json!("member")));
    let change = json!({"defaultRole": "billing_admin", "autoAcceptMembers": true});
    assert_eq!(stage.ask(&mut ada, "PUT /api/v1/org/settings", Some(change)).await.status, 200);
    stage.sign_in("bob@acme.example").await;
    let added = stage.ask(&mut ada, add, Some(json!({"email": "bob@acme.example"}))).await;
    assert_eq!((added.status, &added.body["member"]["role"]), (201, &json!("billing_admin")), "{added:?}");
    for none in [json!(null), json!("")] {
        let refused = stage.ask(&mut ada, add, Some(json!({"email": "cyd@acme.example", "role": none}))).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (422, &json!("/role")));
    }
}

#[actix_web::test]
async fn a_domain_that_is_not_allowed_is_told_by_the_field_that_named_it() {
    let stage = Stage::new();
    let mut ada = stage.sign_in("ada@acme.example").await;
    founded(&stage, &mut ada).await;
    let mut bob = joined(&stage, &mut ada, "bob@other.example", "member").await;
    let invited = json!({"email": "eve@other.example", "role": "member"});
    assert_eq!(stage.ask(&mut ada, "POST /api/v1/org/members", Some(invited.clone())).await.status, 202);
    let token = stage.stores.mails().last().unwrap().token.expose().to_owned();
    let change = json!({"allowedDomains": ["acme.example"]});
    assert_eq!(stage.ask(&mut ada, "PUT /api/v1/org/settings", Some(change)).await.status, 200);
    let mut eve = stage.sign_in("eve@other.example").await;
    let accept = "POST /api/v1/org/invitations/accept";
    let accepted = stage.ask(&mut eve, accept, Some(json!({"token": token}))).await;
    let by_id = json!({"user_id": bob.user.to_string(), "role": "member"});
    let by_id = stage.ask(&mut ada, "POST /api/v1/org/members", Some(by_id)).await;
    let by_address = stage.ask(&mut ada, "POST /api/v1/org/members", Some(invited)).await;
    for (told, pointer) in [(accepted, "/token"), (by_id, "/user_id"), (by_address, "/email")] {
        assert_eq!(told.code(), (422, "invalid_request"), "{told:?}");
        assert_eq!(told.body["errors"][0]["pointer"], json!(pointer));
    }
    assert_eq!(stage.ask(&mut bob, "GET /api/v1/org/info", None).await.status, 200, "who is in stays in");
}

/// Every reference in the document leads somewhere, and no two of these operations share an id.
#[test]
fn the_document_is_whole() {
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    let paths = document["paths"].as_object().unwrap();
    let ids: Vec<&Value> =
        paths.values().flat_map(|path| path.as_object().unwrap().values()).map(|o| &o["operationId"]).collect();
    let distinct: std::collections::BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), ids.len());
}
