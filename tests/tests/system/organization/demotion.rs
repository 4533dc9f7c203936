//! TEN-5, TEN-7: a role that was taken away is of no use, not even to a request that was on its way.

use std::collections::BTreeSet;

use testkit::{Client, Request, TestApp, TestUser};

use crate::rig::party::{add, adding, found, giving, members, no_failures, removing};

const ROUNDS: usize = 3;
const TASKS: usize = 32;

/// Everybody who is in or asked in, by address, with the role.
async fn everybody(by: &Client, org: &str) -> BTreeSet<String> {
    let open = by.get(&format!("/api/v1/org/{org}/invitations")).await.expect(200);
    let open = open["invitations"].as_array().expect("invitations").clone();
    let all = members(by, org).await.into_iter().chain(open);
    all.map(|one| format!("{} {}", one["email"], one["role"])).collect()
}

/// What the admin tries: removes a member, adds somebody who is known, or invites a stranger.
fn attempt(by: &Client, org: &str, member: &TestUser, number: usize) -> Request {
    match number % 3 {
        0 => removing(by, org, member),
        1 => adding(by, org, &format!("known{number}@x.test"), "member"),
        _ => adding(by, org, &format!("stranger{number}@x.test"), "member"),
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
            match number % 3 {
                0 => crowd.push(app.user(&format!("member{number}@x.test")).await),
                1 => drop(app.user(&format!("known{number}@x.test")).await),
                _ => {}
            }
        }
        for round in 0..ROUNDS {
            let org = found(&ada, &format!("Round {round}")).await;
            let bob = app.user(&format!("bob{round}@x.test")).await;
            add(&ada, &org, &bob, "admin").await;
            for member in &crowd {
                add(&ada, &org, member, "member").await;
            }
            let bases = [&app.base, &sibling.base];
            let running: Vec<_> = (0..TASKS)
                .map(|number| attempt(&Client::at(&bob, bases[number % 2]), &org, &crowd[number / 3], number))
                .map(|request| tokio::spawn(request.into_future()))
                .collect();
            if round == 0 {
                removing(&ada, &org, &bob).await.expect(200);
            } else {
                giving(&ada, &org, &bob, "member").await.expect(200);
            }
            let then = everybody(&ada, &org).await;
            let mut answers = Vec::new();
            for one in running {
                answers.push(one.await.expect("an answer"));
            }
            no_failures(&answers);
            for answer in &answers {
                assert!([200, 201, 202, 403, 404].contains(&answer.status), "{}: {}", answer.of, answer.text());
            }
            assert_eq!(everybody(&ada, &org).await, then, "round {round}: something was done afterwards");
        }
    })
    .await;
}
