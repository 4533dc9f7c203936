use std::time::Duration;

use kernel::Role;
use org_core::{Entitlement, Entitlements, Invitations};

use crate::browser::{Answer, Browser};
use crate::house::{House, PASSWORD};

/// A house with an organization, and the token of an invitation to it for `bob@example.com`.
async fn invited() -> (House, kernel::OrgId, String) {
    let house = House::new();
    let ann = house.account("ann").await;
    let org = house.org(&ann, "Acme").await;
    let token = house.invite(org, "bob@example.com", Role::BillingAdmin).await;
    (house, org, token.expose().to_owned())
}

fn path(token: &str) -> String {
    format!("/invitations/accept?token={token}")
}

async fn make(browser: &mut Browser, token: &str, username: &str, passwords: (&str, &str)) -> Answer {
    let (password, repeat) = passwords;
    let fields = [("token", token), ("username", username), ("password", password), ("repeat", repeat)];
    browser.post("/invitations/account", &fields).await
}

#[actix_web::test]
async fn somebody_new_makes_an_account_and_is_in() {
    let (house, _, token) = invited().await;
    let mut browser = Browser::at(&house).await;
    let page = browser.get(&path(&token)).await;
    page.page(200)
        .says("Acme")
        .says("Billing administrator")
        .says("bob@example.com")
        .says("autocomplete=\"new-password\"");
    page.says(&format!("/sign-in?return_to=%2Finvitations%2Faccept%3Ftoken%3D{token}"));
    assert_eq!(make(&mut browser, &page.hidden("token"), "bob", (PASSWORD, PASSWORD)).await.location(), "/");
    browser
        .get("/")
        .await
        .page(200)
        .says("bob@example.com")
        .says("Acme <span class=\"quiet\">as Billing administrator</span>");
    browser.get(&path(&token)).await.page(404).says("This invitation cannot be used");
}

#[actix_web::test]
async fn an_account_that_cannot_be_made_says_why_and_uses_nothing_up() {
    let (house, _, token) = invited().await;
    let mut browser = Browser::at(&house).await;
    for (username, passwords, status, text) in [
        ("b", (PASSWORD, PASSWORD), 422, "A user name has 2 to 64"),
        ("bob<i>", (PASSWORD, PASSWORD), 422, "value=\"bob&#60;i&#62;\""),
        ("bob", (PASSWORD, "something else"), 422, "The two passwords differ."),
        ("bob", ("short", "short"), 422, "The password must have at least 12 characters."),
        ("admin", (PASSWORD, PASSWORD), 422, "This user name is reserved."),
        ("ann", (PASSWORD, PASSWORD), 409, "An account with this user name exists."),
    ] {
        let page = make(&mut browser, &token, username, passwords).await;
        page.page(status).says(text).says("aria-invalid=\"true\"").says("<title>Error: ").hides(PASSWORD);
        assert!(browser.cookies.is_empty());
    }
    assert_eq!(make(&mut browser, &token, "bob", (PASSWORD, PASSWORD)).await.location(), "/");
}

#[actix_web::test]
async fn somebody_with_an_account_signs_in_and_accepts() {
    let (house, _, token) = invited().await;
    house.account("bob").await;
    let mut browser = Browser::at(&house).await;
    let page = make(&mut browser, &token, "bobby", (PASSWORD, PASSWORD)).await;
    page.page(409).says("There is an account with this address already").hides("new-password");
    let back = path(&token);
    let fields = [("login", "bob"), ("password", PASSWORD), ("return_to", back.as_str())];
    assert_eq!(browser.post("/sign-in", &fields).await.location(), back);
    let page = browser.get(&back).await;
    page.page(200).says(">Accept<");
    let fields = [("token", page.hidden("token")), ("csrf_token", page.hidden("csrf_token"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(browser.post("/invitations/accept", &fields).await.location(), "/");
    browser.get("/").await.page(200).says("Acme");
    browser.post("/invitations/accept", &fields).await.page(404).says("This invitation cannot be used");
}

#[actix_web::test]
async fn an_invitation_for_somebody_else_offers_to_sign_out_and_cannot_be_accepted() {
    let (house, _, token) = invited().await;
    house.account("eve").await;
    let mut eve = Browser::of(&house, "eve").await;
    let page = eve.get(&path(&token)).await;
    page.page(200).says("signed in as <strong>eve@example.com</strong>").hides(">Accept<");
    eve.post("/invitations/accept", &[("token", &token)]).await.page(404);
    assert_eq!(make(&mut eve, &token, "bob", (PASSWORD, PASSWORD)).await.location(), path(&token));
    let fields = [("return_to", page.hidden("return_to")), ("csrf_token", page.hidden("csrf_token"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(eve.post("/sign-out", &fields).await.location(), path(&token));
    eve.get(&path(&token)).await.page(200).says("I am new here");
}

#[actix_web::test]
async fn an_account_whose_address_is_not_verified_is_told_so() {
    let (house, _, token) = invited().await;
    house.unverified("bob").await;
    let mut bob = Browser::of(&house, "bob").await;
    bob.get(&path(&token)).await.page(200).says("has not been verified").hides(">Accept<");
    bob.post("/invitations/accept", &[("token", &token)]).await.page(404);
}

#[actix_web::test]
async fn with_no_seat_left_the_account_is_made_and_the_page_says_what_is_missing() {
    let (house, org, token) = invited().await;
    let plan = Entitlements::of(&*house.orgs, org).await.unwrap();
    house.orgs.set_plan(org, Entitlement { seats: 1, ..plan.clone() });
    let mut browser = Browser::at(&house).await;
    let page = make(&mut browser, &token, "bob", (PASSWORD, PASSWORD)).await;
    page.page(409).says("Your account bob was made, and you are signed in.").says("all 1 seats of the plan are taken");
    page.says(&path(&token));
    browser.get("/").await.page(200).says("bob@example.com").says("none at the moment");
    house.orgs.set_plan(org, plan);
    assert_eq!(browser.post("/invitations/accept", &[("token", &token)]).await.location(), "/");
    browser.get("/").await.page(200).says("Acme");
}

#[actix_web::test]
async fn an_invitation_ends_and_says_so() {
    let (house, _, token) = invited().await;
    let mut browser = Browser::at(&house).await;
    house.clock.advance(Invitations::LIFETIME.checked_sub(Duration::from_secs(1)).unwrap());
    browser.get(&path(&token)).await.page(200);
    house.clock.advance(Duration::from_secs(1));
    browser.get(&path(&token)).await.page(410).says("This invitation has expired").hides("bob@example.com");
    make(&mut browser, &token, "bob", (PASSWORD, PASSWORD)).await.page(410);
}

#[actix_web::test]
async fn a_token_of_no_invitation_tells_nothing() {
    let (house, _, token) = invited().await;
    let mut browser = Browser::at(&house).await;
    let other = "a".repeat(64);
    let unknown = browser.get(&path(&other)).await;
    unknown.page(404).says("This invitation cannot be used").hides("Acme");
    for query in
        ["", "?token=", "?token=%00", "?token=%ff", &format!("?token={token}x"), &format!("?token={}", &token[1..])]
    {
        assert_eq!(browser.get(&format!("/invitations/accept{query}")).await.page(404).body, unknown.body, "{query}");
    }
    house.account("carl").await;
    for name in ["carl", "nobody"] {
        make(&mut browser, &other, name, (PASSWORD, PASSWORD)).await.page(404).hides(name);
    }
}
