use std::ops::Deref;

use kernel::UserId;
use serde_json::{Value, json};

use crate::{Answer, Client, TestApp};

/// A signed-in user with a browser. Requests go through [`Client`], which it dereferences to.
#[derive(Debug, Clone)]
pub struct TestUser {
    client: Client,
    /// The account.
    pub id: UserId,
    /// Its address.
    pub email: String,
    /// Its user name.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl TestUser {
    pub(crate) fn new(client: Client, id: UserId, names: [String; 2], password: String) -> Self {
        let [email, username] = names;
        Self { client, id, email, username, password }
    }

    /// The same user with the same cookies, speaking to another instance.
    #[must_use]
    pub fn at(&self, app: &TestApp) -> Self {
        Self { client: self.client.at(&app.base), ..self.clone() }
    }

    /// The same user with a browser of its own, not signed in there.
    #[must_use]
    pub fn in_new_browser(&self) -> Self {
        Self { client: Client::new(self.client.base()), ..self.clone() }
    }

    /// Signs in through the API.
    pub async fn sign_in(&self) -> Answer {
        let body = json!({ "username": self.email, "password": self.password });
        let answer = self.post("/api/v1/auth/login").without_csrf().json(&body).await;
        answer.expect(200);
        answer
    }

    /// Signs out.
    pub async fn sign_out(&self) -> Answer {
        let answer = self.post("/api/v1/auth/logout").await;
        answer.expect(200);
        answer
    }

    /// Who the server says this is.
    pub async fn me(&self) -> Value {
        self.get("/api/v1/auth/me").await.expect(200)
    }

    /// Makes an organization and goes there; its id.
    pub async fn create_org(&self, name: &str) -> String {
        let made = self.post("/api/v1/org").json(&json!({ "name": name })).await.expect(201);
        let id = made["organization"]["id"].as_str().expect("the organization's id").to_owned();
        self.switch_org(&id).await;
        id
    }

    /// Goes to another organization.
    pub async fn switch_org(&self, org: &str) {
        self.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await.expect(200);
    }

    /// Accepts the invitation whose mail came last to this user's address, and goes to that organization; its id.
    pub async fn accept_invitation(&self, app: &TestApp) -> String {
        let mail = app.mails().into_iter().rev().find(|mail| mail.to == self.email).expect("an invitation's mail");
        let token = mail.token().expect("a link with a token");
        let accepted = self.post("/api/v1/org/invitations/accept").json(&json!({ "token": token })).await.expect(200);
        let org = accepted["org_id"].as_str().expect("the organization's id").to_owned();
        self.switch_org(&org).await;
        org
    }
}

impl Deref for TestUser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
