//! Organizations and the people in them.

use serde_json::{Value, json};
use testkit::{Answer, Client, Request, TestUser};

/// Makes an organization whose known people join without being asked; its id. The session stays where it is.
pub(crate) async fn found(owner: &Client, name: &str) -> String {
    let made = owner.post("/api/v1/org").json(&json!({ "name": name })).await.expect(201);
    let org = made["organization"]["id"].as_str().expect("an id").to_owned();
    let open = json!({ "autoAcceptMembers": true });
    owner.put(&format!("/api/v1/org/{org}/settings")).json(&open).await.expect(200);
    org
}

/// Adds somebody who has an account.
pub(crate) async fn add(by: &Client, org: &str, whom: &TestUser, role: &str) {
    adding(by, org, &whom.email, role).await.expect(201);
}

/// The request that adds or invites somebody.
pub(crate) fn adding(by: &Client, org: &str, email: &str, role: &str) -> Request {
    by.post(&format!("/api/v1/org/{org}/members")).json(&json!({ "email": email, "role": role }))
}

/// The request that removes somebody.
pub(crate) fn removing(by: &Client, org: &str, whom: &TestUser) -> Request {
    by.delete(&format!("/api/v1/org/{org}/members/{}", whom.id))
}

/// The request that gives somebody a role.
pub(crate) fn giving(by: &Client, org: &str, whom: &TestUser, role: &str) -> Request {
    by.put(&format!("/api/v1/org/{org}/members/{}/role", whom.id)).json(&json!({ "role": role }))
}

/// The members, as somebody sees them.
pub(crate) async fn members(by: &Client, org: &str) -> Vec<Value> {
    let page = by.get(&format!("/api/v1/org/{org}/members?limit=200")).await.expect(200);
    page["members"].as_array().expect("members").clone()
}

/// The ids of the members in this role.
pub(crate) async fn in_role(by: &Client, org: &str, role: &str) -> Vec<String> {
    let these = members(by, org).await.into_iter().filter(|member| member["role"] == role);
    these.map(|member| member["id"].as_str().expect("an id").to_owned()).collect()
}

/// No answer is a defect or an outage of ours.
#[track_caller]
pub(crate) fn no_failures(answers: &[Answer]) {
    for answer in answers {
        assert!(answer.status < 500, "{}: {} {}", answer.of, answer.status, answer.text());
    }
}
