//! One tenant never sees, moves or names another's (TEN-3), nobody gives themselves anything by naming it (TEN-4), and what was
//! decided of a member holds from the very next request (TEN-7).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::crawl::document::{Document, Operation};
use crate::crawl::person::Person;
use crate::crawl::sample::{PNG, Subject, body, keyed};
use crate::crawl::site::Site;
use crate::crawl::wire::{Call, Exchange};

/// In every text that the other tenant ever wrote.
const CANARY: &str = "kanarienvogel";

/// Another tenant, with the canary wherever text can stand.
struct Other {
    owner: Person,
    subject: Subject,
}

async fn other(site: &Site) -> Other {
    let named = |name: &str| format!("{CANARY}.{name}");
    let owner =
        site.account_as(&named("owner"), &format!("{CANARY}.owner@{CANARY}.example"), kernel::PlatformRole::User).await;
    let member = site
        .account_as(&named("member"), &format!("{CANARY}.member@{CANARY}.example"), kernel::PlatformRole::User)
        .await;
    for person in [&owner, &member] {
        person.sign_in().await;
        let call = Call::new("PUT", "/api/v1/auth/profile");
        let profile = json!({"display_name": named("name"), "bio": named("bio"), "company": named("company"), "job_title": named("job")});
        person.send(call.json(&profile)).await.ok();
        person
            .send(Call::new("POST", "/api/v1/auth/profile/avatar").parts(&[("avatar", "a.png", "image/png", PNG)]))
            .await
            .ok();
    }
    let made = owner.post("/api/v1/org", json!({"name": named("org"), "slug": format!("{CANARY}-org")})).await;
    let org = made["organization"]["id"].as_str().unwrap().to_owned();
    owner.enter(&org).await;
    let settings = json!({
        "displayName": named("display"), "description": named("description"), "website": format!("https://{CANARY}.example/"),
        "logoUrl": format!("https://{CANARY}.example/logo.png"), "autoAcceptMembers": true,
        "allowedDomains": [format!("{CANARY}.example")],
    });
    owner.put("/api/v1/org/settings", settings).await;
    owner.add(&org, &member, "admin").await;
    let invitation = owner.invite(&org, &format!("{CANARY}.invited@{CANARY}.example"), "member").await;
    let key = format!("{CANARY}-key");
    let invited = json!({"email": format!("{CANARY}.second@{CANARY}.example"), "role": "member"});
    owner.send(Call::new("POST", "/api/v1/org/members").json(&invited).header("Idempotency-Key", &key)).await.ok();
    let browser = Call::get("/api/v1/auth/me")
        .header("User-Agent", format!("{CANARY}/1.0"))
        .header("X-Request-ID", format!("{CANARY}-request"));
    owner.send(browser).await.ok();
    let sessions = owner.get("/api/v1/auth/sessions").await;
    let session = sessions["sessions"][0]["id"].as_str().unwrap().to_owned();
    let subject =
        Subject { org, member: member.id.clone(), invitation, session, newcomer: "newcomer@example.test".to_owned() };
    Other { owner, subject }
}

/// Ways to smuggle the other tenant's ids into a request of one's own.
fn smuggled(operation: &Operation, own: &Subject, theirs: &Subject) -> Vec<Call> {
    let mixed = |org: &Subject, objects: &Subject| Subject { org: org.org.clone(), ..objects.clone() };
    let with_query = |mut call: Call| {
        let separator = if call.target.contains('?') { '&' } else { '?' };
        let ids = [
            ("org_id", &theirs.org),
            ("organization_id", &theirs.org),
            ("user_id", &theirs.member),
            ("id", &theirs.invitation),
            ("search", &theirs.member),
        ];
        let query: Vec<String> = ids.iter().map(|(name, id)| format!("{name}={id}")).collect();
        call.target = format!("{}{separator}{}", call.target, query.join("&"));
        call
    };
    let headers = [
        "X-Org-Id",
        "X-Tenant-ID",
        "X-Organization-Id",
        "X-On-Behalf-Of",
        "X-User-Id",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Uri",
    ];
    let with_headers = |call: Call| {
        let value = |name: &str| {
            if name.contains("User") || name.contains("Behalf") { theirs.member.clone() } else { theirs.org.clone() }
        };
        headers.iter().fold(call, |call, name| call.header(name, value(name)))
    };
    let mut calls = vec![
        theirs.call(operation),
        mixed(own, theirs).call(operation),
        mixed(theirs, own).call(operation),
        with_query(own.call(operation)),
        with_query(mixed(own, theirs).call(operation)),
        with_headers(own.call(operation)),
        own.call(operation).header("Idempotency-Key", format!("{CANARY}-key")),
    ];
    if let Some(sample) = body(operation, own) {
        let mut hidden = sample;
        for (name, id) in [
            ("org_id", &theirs.org),
            ("user_id", &theirs.member),
            ("id", &theirs.member),
            ("organization_id", &theirs.org),
        ] {
            hidden[name] = json!(id);
        }
        calls.push(operation.call(own.target(operation)).json(&hidden));
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_another_tenant_is_ever_seen() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let Other { owner: them, subject: theirs } = other(&site).await;
    let before = json!([
        them.get("/api/v1/org/info").await,
        them.get("/api/v1/org/members").await["total"],
        them.get("/api/v1/org/settings").await
    ]);
    let (mine, friend, nobody) =
        (site.account("mine").await, site.account("friend").await, site.account("nobody").await);
    mine.sign_in().await;
    nobody.sign_in().await;
    let org = mine.found("Mine").await;
    mine.enter(&org).await;
    mine.add(&org, &friend, "member").await;
    let invitation = mine.invite(&org, "invited@example.test", "member").await;
    let own = Subject { org, member: friend.id, invitation, ..Subject::nothing() };
    let stranger = Person::stranger(&site.wire, &site.address());

    let seen = site.wire.exchanged();
    assert!(seen.iter().filter(|exchange| leaks(exchange)).count() >= 10, "the canary is found where it may be seen");
    for operation in document.operations.iter().filter(|operation| operation.name() != "POST /api/v1/auth/logout") {
        for (number, call) in smuggled(operation, &own, &theirs).into_iter().enumerate() {
            // Organizations of mine that one call takes away are missed by no other.
            let person =
                if operation.name().starts_with("DELETE /api/v1/org/{org_id}") && number > 0 { &nobody } else { &mine };
            person.send(call.clone()).await;
            nobody.send(call.clone()).await;
            stranger.send(call).await;
        }
    }
    let exchanged = site.wire.exchanged();
    assert!(exchanged.len() > 500, "{} exchanges", exchanged.len());
    let leaks: Vec<String> = exchanged.iter().filter(|exchange| leaks(exchange)).map(shown).collect();
    assert!(leaks.is_empty(), "the other tenant was seen:\n{}", leaks.join("\n"));
    let after = json!([
        them.get("/api/v1/org/info").await,
        them.get("/api/v1/org/members").await["total"],
        them.get("/api/v1/org/settings").await
    ]);
    assert_eq!(after, before, "the other tenant was changed");
}

/// Whether the canary is in the answer: no request had it where it could come back from.
fn leaks(exchange: &Exchange) -> bool {
    let head: String = exchange.answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{head}{}", exchange.answer.text()).to_lowercase().contains(CANARY)
}

fn shown(Exchange { call, answer }: &Exchange) -> String {
    format!("{} {} gave {} {}", call.method, call.target, answer.status, answer.text())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_idempotency_key_of_another_tenant_is_another_key() {
    let site = Site::open().await;
    let Other { .. } = other(&site).await;
    let mine = site.account("mine").await;
    mine.sign_in().await;
    let org = mine.found("Mine").await;
    mine.enter(&org).await;
    let body = json!({"email": format!("{CANARY}.second@{CANARY}.example"), "role": "member"});
    let call = Call::new("POST", "/api/v1/org/members").json(&body).header("Idempotency-Key", format!("{CANARY}-key"));
    let first = mine.send(call.clone()).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None), "{}", first.text());
    let again = mine.send(call).await;
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_gives_nothing_to_whoever_has_lost_the_right_or_comes_from_another_site() {
    let site = Site::open().await;
    let (owner, member) = (site.account("owner").await, site.account("member").await);
    owner.sign_in().await;
    let org = owner.found("Once").await;
    owner.add(&org, &member, "admin").await;
    member.sign_in().await;
    let elsewhere = member.found("Elsewhere").await;
    member.enter(&elsewhere).await;
    let body = json!({"email": "secret@example.test", "role": "member"});
    let target = format!("/api/v1/org/{org}/members");
    let call = || Call::new("POST", target.as_str()).json(&body).header("Idempotency-Key", "once");
    assert_eq!(member.send(call()).await.status, 202);
    assert_eq!(member.send(call()).await.header("idempotent-replayed"), Some("true"));
    assert_eq!(member.send_plain(call().header("Sec-Fetch-Site", "cross-site")).await.verdict(), "403 csrf_failed");
    owner.put(&format!("{target}/{}/role", member.id), json!({"role": "member"})).await;
    assert_eq!(member.send(call()).await.verdict(), "403 forbidden");
    owner.send(Call::new("DELETE", format!("{target}/{}", member.id))).await.ok();
    let answer = member.send(call()).await;
    assert_eq!(answer.verdict(), "404 not_found", "{}", answer.text());
    // Not even what is wrong with the key is told before that.
    let long = "k".repeat(300);
    assert_eq!(member.send(call().header("Idempotency-Key", long)).await.verdict(), "404 not_found");
}

/// What somebody would like to be or to have.
fn privileges() -> Vec<(&'static str, Value)> {
    vec![
        ("plan_tier", json!("enterprise")),
        ("tier", json!("enterprise")),
        ("subscription_tier", json!("enterprise")),
        ("plan", json!({"id": "enterprise"})),
        ("status", json!("active")),
        ("org_status", json!("active")),
        ("platform_role", json!("admin")),
        ("roles", json!(["admin"])),
        ("is_admin", json!(true)),
        ("isAdmin", json!(true)),
        ("admin", json!(true)),
        ("is_superuser", json!(true)),
        ("permissions", json!(["manage_billing"])),
        ("id", json!("org_01890a5d-ac96-774b-bcce-000000000001")),
        ("_id", json!(1)),
        ("owner", json!("me")),
        ("owner_id", json!("usr_01890a5d-ac96-774b-bcce-000000000002")),
        ("created_at", json!("2000-01-01T00:00:00Z")),
        ("seats", json!(1_000_000)),
        ("seats_used", json!(0)),
        ("member_count", json!(0)),
        ("api_calls_limit", json!(-1)),
        ("api_calls_used", json!(0)),
        ("lago_customer_id", json!("x")),
        ("stripe_customer_id", json!("cus_x")),
        ("email_verified", json!(true)),
        ("enabled", json!(true)),
        ("password_hash", json!("x")),
        ("epoch", json!(0)),
        ("__proto__", json!({"is_admin": true})),
        ("constructor", json!({"prototype": {"is_admin": true}})),
        ("$where", json!("1")),
    ]
}

/// Bodies in which unknown keys are passed over.
const TOLERANT: &str = "PUT /api/v1/org/settings";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_not_asked_for_is_refused() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let admin = site.admin().await;
    let member = site.account("member").await;
    admin.sign_in().await;
    let org = admin.found("Fields").await;
    admin.enter(&org).await;
    admin.add(&org, &member, "member").await;
    let subject =
        Subject { org, member: member.id, newcomer: "newcomer@example.test".to_owned(), ..Subject::nothing() };
    let before = privileged(&admin).await;
    assert!(privileges().len() >= 30);
    let key = admin.platform_key().await;
    let mut wrong = Vec::new();
    for operation in document.operations.iter().filter(|operation| operation.takes_json()) {
        let sample = body(operation, &subject).unwrap();
        let taken = documented(&document, operation);
        for (name, value) in privileges().into_iter().filter(|(name, _)| !taken.contains(*name)) {
            let mut more = sample.clone();
            more[name] = value.clone();
            let call = keyed(operation.call(subject.target(operation)).json(&more), operation, &key);
            let answer = admin.send(call).await;
            let tolerated = operation.real_name() == TOLERANT && answer.status == 200;
            if !tolerated && answer.verdict() != "422 unknown_field" {
                wrong.push(format!("{} with {name}: {} {}", operation.name(), answer.verdict(), answer.text()));
            }
            if operation.real_name() == TOLERANT {
                let nested = json!({"settings": more});
                admin.send(operation.call(subject.target(operation)).json(&nested)).await.ok();
            }
        }
    }
    for part in ["role", "is_admin", "user_id", "id", "email_verified", "plan_tier"] {
        let call =
            Call::new("PUT", "/api/v1/auth/profile").parts(&[("name", "", "", b"Ada"), (part, "", "", b"admin")]);
        let answer = admin.send(call).await;
        if answer.verdict() != "422 unknown_field" {
            wrong.push(format!("a form with {part}: {}", answer.verdict()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(privileged(&admin).await, before, "somebody was given something");
}

/// The names of all fields that an operation's body may have.
fn documented(document: &Document, operation: &Operation) -> BTreeSet<String> {
    let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![operation.node["requestBody"]["content"]["application/json"]["schema"].clone()];
    while let Some(node) = open.pop() {
        let Some(members) = node.as_object() else {
            open.extend(node.as_array().into_iter().flatten().cloned());
            continue;
        };
        for (key, inner) in members {
            match (key.as_str(), inner) {
                ("$ref", Value::String(place)) if seen.insert(place.clone()) => {
                    open.extend(document.root.pointer(place.trim_start_matches('#')).cloned());
                }
                ("properties", Value::Object(fields)) => names.extend(fields.keys().cloned()),
                ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => open.extend(parts.iter().cloned()),
                _ => {}
            }
        }
    }
    names
}

/// What nobody gives themselves: of the organization, and of the account.
async fn privileged(person: &Person) -> Vec<Value> {
    let (info, me) = (person.get("/api/v1/org/info").await, person.get("/api/v1/auth/me").await);
    let of_org = [
        "id",
        "slug",
        "created_at",
        "status",
        "plan_tier",
        "owner",
        "member_count",
        "seats",
        "lago_customer_id",
        "stripe_customer_id",
    ];
    let of_account = [
        "id",
        "email",
        "username",
        "role",
        "roles",
        "is_admin",
        "email_verified",
        "subscription_tier",
        "api_calls_limit",
    ];
    of_org.iter().map(|name| info[name].clone()).chain(of_account.iter().map(|name| me[name].clone())).collect()
}

/// Every request that needs more than to be a member.
fn managing(org: &str) -> Call {
    Call::get(format!("/api/v1/org/{org}/invitations"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_role_decides_the_very_next_request_on_every_instance() {
    testkit::TestApp::each(|app| async move {
        let here = Site::of(app);
        let there = here.sibling().await;
        let (owner, member) = (here.account("owner").await, here.account("member").await);
        owner.sign_in().await;
        let org = owner.found("Roles").await;
        owner.add(&org, &member, "member").await;
        let role = format!("/api/v1/org/{org}/members/{}/role", member.id);
        for round in 0..5 {
            for (new, allowed) in [("admin", true), ("member", false), ("admin", true), ("billing_admin", false)] {
                owner.put(&role, json!({"role": new})).await;
                // Their session in this organization may have ended with the change: never may it do what it could before.
                let (near, far) = (member.at(&here.wire), member.at(&there.wire));
                for (place, person) in [("there", &far), ("here", &near)] {
                    if person.cookie().is_empty() {
                        continue;
                    }
                    let status = person.send(managing(&org)).await.status;
                    assert!(allowed || status != 200, "round {round}: {new} still manages {place}");
                    let status = person
                        .send(Call::new("POST", format!("/api/v1/org/{org}/members")).json(&json!({})))
                        .await
                        .status;
                    assert!(
                        allowed || [401, 403].contains(&status),
                        "round {round}: {new} still writes {place}: {status}"
                    );
                }
                member.sign_in().await;
                let status = member.at(&there.wire).send(managing(&org)).await.status;
                assert_eq!(status, if allowed { 200 } else { 403 }, "round {round}: {new} after another sign-in");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_out_with_the_very_next_request_on_every_instance() {
    testkit::TestApp::each(|app| async move {
        let here = Site::of(app);
        let there = here.sibling().await;
        let owner = here.account("owner").await;
        owner.sign_in().await;
        let org = owner.found("Out").await;
        for round in 0..5 {
            let member = here.account(&format!("member{round}")).await;
            owner.add(&org, &member, "admin").await;
            member.sign_in().await;
            member.enter(&org).await;
            let (near, far) = (member.at(&here.wire), member.at(&there.wire));
            for person in [&near, &far] {
                // Known to the caches of both.
                person.send(managing(&org)).await.ok();
            }
            owner.send(Call::new("DELETE", format!("/api/v1/org/{org}/members/{}", member.id))).await.ok();
            for person in [&far, &near] {
                for call in
                    [managing(&org), Call::get("/api/v1/org/info"), Call::get(format!("/api/v1/org/{org}/members"))]
                {
                    let answer = person.send(call).await;
                    assert!([401, 404].contains(&answer.status), "round {round}: {}", answer.text());
                    assert!(!answer.text().contains("owner@people.example"));
                }
                let write =
                    Call::new("PUT", format!("/api/v1/org/{org}/settings")).json(&json!({"description": "mine"}));
                assert!([401, 404].contains(&person.send(write).await.status));
            }
        }
        assert_eq!(owner.get(&format!("/api/v1/org/{org}/settings")).await["description"], Value::Null);
    })
    .await;
}
