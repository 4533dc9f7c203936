//! What belongs to another tenant answers exactly as what does not exist (TEN-2): status, headers, bytes and time.

use std::time::Instant;

use serde_json::{Value, json};

use crate::crawl::document::{Document, Operation};
use crate::crawl::person::Person;
use crate::crawl::sample::{NO_INVITATION, NO_ORG, NO_SESSION, NO_USER, Subject, body, names_org_in_query};
use crate::crawl::site::Site;
use crate::crawl::wire::{Answer, Call};

/// Members of bodies that name an object of one tenant.
const IDS: [&str; 2] = ["org_id", "user_id"];

/// The answer without what is different in every answer: its date, its request id, the id that was asked for, the order of its headers,
/// and whether the connection is kept, which depends on how much of the unread body has arrived.
fn normal(answer: &Answer, asked: &[&str]) -> Answer {
    let kept = |(name, value): &(String, String)| match name.as_str() {
        "date" | "x-request-id" | "connection" => None,
        _ => Some((name.clone(), value.clone())),
    };
    let mut text = answer.text();
    if let Some(id) = answer.header("x-request-id") {
        text = text.replace(id, "<request>");
    }
    for id in asked {
        text = text.replace(id, "<id>");
    }
    let mut headers: Vec<(String, String)> = answer.headers.iter().filter_map(kept).collect();
    headers.sort();
    Answer { status: answer.status, headers, body: text.into_bytes() }
}

/// Pairs of requests that differ in one id: one of another tenant, one of nobody.
fn pairs(operation: &Operation, own: &Subject, theirs: &Subject) -> Vec<(&'static str, Call, Call)> {
    let mut pairs = Vec::new();
    let nothing = Subject::nothing();
    let in_path = operation.has("org_id") || names_org_in_query(operation);
    if in_path {
        let (foreign, none) =
            (Subject { org: theirs.org.clone(), ..own.clone() }, Subject { org: NO_ORG.to_owned(), ..own.clone() });
        pairs.push(("organization", foreign.call(operation), none.call(operation)));
        if operation.has("id") {
            let none = Subject { org: NO_ORG.to_owned(), ..theirs.clone() };
            pairs.push(("organization and object", theirs.call(operation), none.call(operation)));
        }
    }
    if operation.has("id") {
        let at = |subject: &Subject| Subject { org: own.org.clone(), ..subject.clone() };
        pairs.push(("object", at(theirs).call(operation), at(&nothing).call(operation)));
    }
    let Some(mut sample) = body(operation, own) else { return pairs };
    if operation.real_name() == "POST /api/v1/org/members" {
        // The one operation that takes either of two.
        sample = json!({"user_id": own.member, "role": "member"});
    }
    for name in IDS.into_iter().filter(|name| sample.get(name).is_some()) {
        let with = |id: &str| {
            let mut changed: Value = sample.clone();
            changed[name] = json!(id);
            operation.call(own.target(operation)).json(&changed)
        };
        let (foreign, none) = if name == "org_id" { (&theirs.org, NO_ORG) } else { (&theirs.member, NO_USER) };
        pairs.push(("body", with(foreign), with(none)));
    }
    pairs
}

struct Tenants {
    mine: Person,
    own: Subject,
    theirs: Subject,
}

async fn tenants(site: &Site) -> Tenants {
    let (mine, them, helper, guest) = (
        site.account("mine").await,
        site.account("them").await,
        site.account("helper").await,
        site.account("guest").await,
    );
    mine.sign_in().await;
    them.sign_in().await;
    let own = subject(&mine, &helper, "Mine").await;
    let theirs = subject(&them, &guest, "Theirs").await;
    mine.enter(&own.org).await;
    Tenants { mine, own, theirs }
}

async fn subject(owner: &Person, member: &Person, name: &str) -> Subject {
    let org = owner.found(name).await;
    owner.add(&org, member, "member").await;
    let invitation = owner.invite(&org, &format!("invited.{name}@example.test"), "member").await;
    let sessions = owner.get("/api/v1/auth/sessions").await;
    let session = sessions["sessions"][0]["id"].as_str().expect("a session").to_owned();
    Subject { org, member: member.id.clone(), invitation, session, newcomer: format!("newcomer.{name}@example.test") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_object_answers_as_one_that_does_not_exist() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let Tenants { mine, own, theirs } = tenants(&site).await;
    let nothing = [NO_ORG, NO_USER, NO_SESSION, NO_INVITATION];
    let asked: Vec<&str> =
        [theirs.org.as_str(), &theirs.member, &theirs.invitation, &theirs.session].into_iter().chain(nothing).collect();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    // A plan is nobody's: whoever asks sees it.
    let owned = |operation: &&Operation| !operation.path.starts_with("/api/v1/subscriptions/plans");
    for operation in document.operations.iter().filter(owned) {
        for (place, foreign, none) in pairs(operation, &own, &theirs) {
            let foreign = normal(&mine.send(foreign).await, &asked);
            let none = normal(&mine.send(none).await, &asked);
            compared += 1;
            if foreign != none {
                let shown = |answer: &Answer| format!("{} {:?} {}", answer.status, answer.headers, answer.text());
                let (theirs, nobodys) = (shown(&foreign), shown(&none));
                wrong.push(format!("{} ({place}):\n  theirs: {theirs}\n  nobody's: {nobodys}", operation.name()));
            }
            // Refused, not just alike.
            if foreign.status < 400 {
                wrong.push(format!("{} ({place}) gave {}", operation.name(), foreign.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 40, "only {compared} pairs");
    // The other tenant has lost nothing.
    assert_eq!(mine.get("/api/v1/org/my-orgs").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_object_takes_as_long_as_one_that_does_not_exist() {
    const SAMPLES: usize = 200;
    let site = Site::open().await;
    let Tenants { mine, theirs, .. } = tenants(&site).await;
    let mut differences = Vec::new();
    for _run in 0..3 {
        let (mut foreign, mut none) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            for (org, times) in [(theirs.org.as_str(), &mut foreign), (NO_ORG, &mut none)] {
                let started = Instant::now();
                let answer = mine.send(Call::get(format!("/api/v1/org/{org}"))).await;
                times.push(started.elapsed().as_secs_f64() * 1e3);
                assert_eq!(answer.status, 404);
            }
        }
        differences.push((median(&mut foreign) - median(&mut none)).abs());
    }
    assert!(differences.iter().all(|difference| *difference <= 5.0), "medians differ by {differences:?} ms");
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
