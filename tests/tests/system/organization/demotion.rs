//! TEN-5, TEN-7: a role that was taken away is of no use, not even to a request that was on its way.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::{Client, Request, TestApp, TestUser};

use crate::rig::party::{add, adding, found, giving, members, no_failures, removing};

const ROUNDS: usize = 3;
const TASKS: usize = 32;

/// Everybody who is in or asked in, by address, with the role and the invitation's end; every key; what is said of the organization.
async fn everything(by: &Client, org: &str) -> BTreeSet<String> {
    let open = by.get(&format!("/api/v1/org/{org}/invitations")).await.expect(200);
    let open = open["invitations"].as_array().expect("invitations").clone();
    let keys = by.get(&format!("/api/v1/api-keys?org_id={org}")).await.expect(200);
    let keys = keys["api_keys"].as_array().expect("keys").clone();
    let about = by.get(&format!("/api/v1/org/{org}/settings")).await.expect(200)["description"].to_string();
    let people = members(by, org).await.into_iter().chain(open);
    let people = people.map(|one| format!("{} {} {}", one["email"], one["role"], one["expires_at"]));
    people.chain(keys.iter().map(|key| key["id"].to_string())).chain([about]).collect()
}

/// What the admin tries: removes a member, adds somebody who is known, invites a stranger, makes a key, takes an invitation back, sends
/// it again, or changes the settings.
fn attempt(by: &Client, org: &str, member: &TestUser, invitation: &str, number: usize) -> Request {
    match number % 7 {
        0 => removing(by, org, member),
        1 => adding(by, org, &format!("known{number}@x.test"), "member"),
        2 => adding(by, org, &format!("stranger{number}@x.test"), "member"),
        3 => {
            let key = json!({ "name": format!("key {number}"), "scopes": ["usage:write"] });
            by.post(&format!("/api/v1/api-keys?org_id={org}")).json(&key)
        }
        4 => by.delete(&format!("/api/v1/org/{org}/invitations/{invitation}")),
        5 => by.post(&format!("/api/v1/org/{org}/invitations/{invitation}/resend")),
        _ => {
            let about = json!({ "description": format!("number {number}") });
            by.put(&format!("/api/v1/org/{org}/settings")).json(&about)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_done_after_the_admin_was_told_that_they_are_none() {
    TestApp::each(|app| async move {
        app.seats(100).await;
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let mut crowd = Vec::new();
        for number in 0..TASKS {
            match number % 7 {
                0 => crowd.push(app.user(&format!("member{number}@x.test")).await),
                1 => drop(app.user(&format!("known{number}@x.test")).await),
                _ => {}
            }
        }
        for round in 0..ROUNDS {
            let org = found(&ada, &format!("Round {round}")).await;
            let bob = app.user(&format!("bob{round}@x.test")).await;
            add(&ada, &org, &bob, "admin").await;
            let mut invitations = Vec::new();
            for (number, member) in crowd.iter().enumerate() {
                add(&ada, &org, member, "member").await;
                let invited = adding(&ada, &org, &format!("asked{number}@x.test"), "member").await.expect(202);
                invitations.push(invited["invitation"]["id"].as_str().expect("an id").to_owned());
            }
            let bases = [&app.base, &sibling.base];
            let running: Vec<_> = (0..TASKS)
                .map(|number| (number, Client::at(&bob, bases[number % 2]), number / 7))
                .map(|(number, bob, at)| attempt(&bob, &org, &crowd[at], &invitations[at], number))
                .map(|request| tokio::spawn(request.into_future()))
                .collect();
            if round == 0 {
                removing(&ada, &org, &bob).await.expect(200);
            } else {
                giving(&ada, &org, &bob, "member").await.expect(200);
            }
            let then = everything(&ada, &org).await;
            let mut answers = Vec::new();
            for one in running {
                answers.push(one.await.expect("an answer"));
            }
            no_failures(&answers);
            for answer in &answers {
                assert!([200, 201, 202, 403, 404].contains(&answer.status), "{}: {}", answer.of, answer.text());
            }
            assert_eq!(everything(&ada, &org).await, then, "round {round}: something was done afterwards");
        }
    })
    .await;
}
