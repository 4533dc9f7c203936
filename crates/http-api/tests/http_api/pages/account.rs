use std::time::Duration;

use kernel::{OrgId, Role, SessionId};
use org_core::{OrgStatus, OrgStore};

use crate::browser::Browser;
use crate::house::House;

/// The ids of the sessions that the page lists, newest first.
fn sessions(page: &str) -> Vec<String> {
    let parts = page.split("action=\"/sessions/").skip(1);
    parts
        .filter_map(|part| part.split_once("/end\""))
        .map(|(id, _)| id.to_owned())
        .filter(|id| id != "others")
        .collect()
}

#[actix_web::test]
async fn the_account_page_tells_who_and_where_and_escapes_what_people_typed() {
    let house = House::new();
    let ann = house.account("ann").await;
    house.org(&ann, "Acme & <b>Sons</b>").await;
    house.names.give(ann.id, "Ann \"<img src=x>\"");
    let mut browser = Browser::at(&house).await;
    browser.headers.push(("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"));
    let page = browser.sign_in("ann").await;
    page.page(200)
        .says("Ann &#34;&#60;img src=x&#62;&#34;")
        .says("Acme &#38; &#60;b&#62;Sons&#60;/b&#62;")
        .hides("<img src=x>");
    for text in
        ["ann@example.com", "Owner", "Firefox on Linux", "192.0.2.7", "This session", "1 January 2030, 00:00 UTC"]
    {
        page.says(text);
    }
    page.hides("End all other sessions").hides("Switch");
    let token = browser.cookies.get("ops_session").unwrap();
    page.hides(token).hides(token.split_once('.').unwrap().1);
}

#[actix_web::test]
async fn another_session_ends_by_its_button() {
    let house = House::new();
    house.account("ann").await;
    let mut lost = Browser::of(&house, "ann").await;
    house.clock.advance(Duration::from_mins(1));
    let mut mine = Browser::of(&house, "ann").await;
    let page = mine.get("/").await;
    let listed = sessions(&page.body);
    assert_eq!(listed.len(), 2);
    let csrf = page.hidden("csrf_token");
    let path = format!("/sessions/{}/end", listed[1]);
    assert_eq!(mine.post(&path, &[("csrf_token", &csrf)]).await.location(), "/");
    assert_eq!(lost.get("/").await.location(), "/sign-in");
    assert_eq!(sessions(&mine.get("/").await.page(200).body).len(), 1);
    mine.post(&path, &[("csrf_token", &csrf)]).await.page(404);
}

#[actix_web::test]
async fn nobody_ends_the_sessions_of_others() {
    let house = House::new();
    house.account("ann").await;
    house.account("bob").await;
    let mut ann = Browser::of(&house, "ann").await;
    let mut bob = Browser::of(&house, "bob").await;
    let of_ann = sessions(&ann.get("/").await.body).remove(0);
    let unknown = SessionId::mint(&house.services.ambient).to_string();
    let foreign = bob.post(&format!("/sessions/{of_ann}/end"), &[]).await;
    assert_eq!(foreign.page(404).body, bob.post(&format!("/sessions/{unknown}/end"), &[]).await.page(404).body);
    bob.post("/sessions/%00/end", &[]).await.page(404);
    ann.get("/").await.page(200);
}

#[actix_web::test]
async fn all_other_sessions_end_at_once_and_this_one_goes_on_under_a_new_token() {
    let house = House::new();
    house.account("ann").await;
    let mut others = [Browser::of(&house, "ann").await, Browser::of(&house, "ann").await];
    let mut mine = Browser::of(&house, "ann").await;
    let before = mine.cookies.get("ops_session").cloned();
    mine.get("/").await.says("End all other sessions");
    assert_eq!(mine.post("/sessions/others/end", &[]).await.location(), "/");
    assert_ne!(mine.cookies.get("ops_session").cloned(), before);
    mine.get("/").await.page(200).hides("End all other sessions");
    for other in &mut others {
        assert_eq!(other.get("/").await.location(), "/sign-in");
    }
}

#[actix_web::test]
async fn signing_out_ends_the_session_on_the_server_too() {
    let house = House::new();
    house.account("ann").await;
    for by_own_row in [false, true] {
        let mut browser = Browser::of(&house, "ann").await;
        let kept = browser.cookies.clone();
        let id = sessions(&browser.get("/").await.body).remove(0);
        let path = if by_own_row { format!("/sessions/{id}/end") } else { "/sign-out".to_owned() };
        let out = browser.post(&path, &[]).await;
        assert_eq!(out.location(), "/sign-in");
        assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
        assert!(!browser.cookies.contains_key("ops_session"));
        browser.cookies = kept;
        assert_eq!(browser.get("/").await.location(), "/sign-in");
        browser.post("/sign-out", &[]).await.page(401).says("You are not signed in");
    }
}

#[actix_web::test]
async fn signing_out_is_no_open_redirect() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::of(&house, "ann").await;
    assert_eq!(browser.post("/sign-out", &[("return_to", "//evil.example")]).await.location(), "/");
}

#[actix_web::test]
async fn the_organization_changes_by_its_button_and_only_to_ones_own() {
    let house = House::new();
    let (ann, bob) = (house.account("ann").await, house.account("bob").await);
    let first = house.org(&ann, "First").await;
    let second = house.org(&ann, "Second").await;
    let foreign = house.org(&bob, "Foreign").await;
    let mut browser = Browser::of(&house, "ann").await;
    let page = browser.get("/").await;
    page.page(200).says(&format!("/organizations/{second}/enter")).hides(&first.to_string()).hides("Foreign");
    let old = browser.cookies.clone();
    assert_eq!(browser.post(&format!("/organizations/{second}/enter"), &[]).await.location(), "/");
    browser.get("/").await.page(200).says(&format!("/organizations/{first}/enter")).hides(&second.to_string());
    let unknown = OrgId::mint(&house.services.ambient);
    for id in [foreign.to_string(), unknown.to_string(), "org_x".to_owned(), "%2e%2e".to_owned()] {
        browser.post(&format!("/organizations/{id}/enter"), &[]).await.page(404);
    }
    browser.cookies = old;
    assert_eq!(browser.get("/").await.location(), "/sign-in");
}

#[actix_web::test]
async fn a_suspended_organization_is_shown_as_one_and_cannot_be_entered() {
    let house = House::new();
    let ann = house.account("ann").await;
    house.org(&ann, "First").await;
    let second = house.org(&ann, "Second").await;
    let token = house.invite(second, "bob@example.com", Role::Owner).await;
    house.account("bob").await;
    let mut bob = Browser::of(&house, "bob").await;
    bob.post("/invitations/accept", &[("token", token.expose())]).await.location();
    house.suspend(second).await;
    let mut browser = Browser::of(&house, "ann").await;
    browser.get("/").await.page(200).says("Suspended").hides(&second.to_string());
    browser.post(&format!("/organizations/{second}/enter"), &[]).await.page(404);
    let found = OrgStore::find(&*house.orgs, second).await.unwrap().unwrap();
    assert_eq!(found.status, OrgStatus::Suspended);
}

#[actix_web::test]
async fn without_an_organization_the_page_says_so() {
    let house = House::new();
    house.account("ann").await;
    Browser::of(&house, "ann")
        .await
        .get("/")
        .await
        .page(200)
        .says("none at the moment")
        .says("not a member of an organization");
}

#[actix_web::test]
async fn while_the_stores_are_down_pages_say_so_and_nobody_is_signed_out() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::of(&house, "ann").await;
    house.break_down(true);
    for path in ["/", "/sign-in", "/sign-in/link?token=x"] {
        let down = browser.get(path).await;
        assert_eq!(down.page(503).header("retry-after"), "1", "{path}");
        down.says("Not available right now").says(down.header("x-request-id"));
    }
    for path in ["/sign-out", "/sessions/others/end", "/invitations/accept"] {
        browser.post(path, &[("token", "x")]).await.page(503);
    }
    browser.post("/sign-in", &[("login", "ann"), ("password", "x")]).await.page(503);
    house.break_down(false);
    browser.get("/").await.page(200);
}
