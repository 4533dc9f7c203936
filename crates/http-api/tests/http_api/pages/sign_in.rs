use std::time::Duration;

use crate::browser::Browser;
use crate::house::{House, PASSWORD};

#[actix_web::test]
async fn a_stranger_is_asked_to_sign_in_and_lands_where_they_wanted() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::at(&house).await;
    assert_eq!(browser.get("/").await.location(), "/sign-in");
    let asked = browser.get("/sign-in?return_to=%2Fdocs%2F&utm_source=mail").await;
    asked.page(200).says("autocomplete=\"username\"").says("autocomplete=\"current-password\"");
    let back = asked.hidden("return_to");
    let fields = [("login", "ANN@example.com"), ("password", PASSWORD), ("return_to", back.as_str())];
    assert_eq!(browser.post("/sign-in", &fields).await.location(), "/docs/");
    browser.get("/").await.page(200).says("ann@example.com");
    browser.get("/sign-in").await.page(200).says("You are signed in as <strong>ann</strong>");
}

#[actix_web::test]
async fn no_link_leads_to_another_site_after_signing_in() {
    let house = House::new();
    house.account("ann").await;
    for asked in
        ["//evil.example", "/\\evil.example", "https://evil.example", "/.//evil.example", "javascript:alert(1)"]
    {
        let mut browser = Browser::at(&house).await;
        let page = browser.get(&format!("/sign-in?return_to={asked}")).await;
        assert_eq!(page.page(200).hidden("return_to"), "/", "{asked}");
        let fields = [("login", "ann"), ("password", PASSWORD), ("return_to", asked)];
        assert_eq!(browser.post("/sign-in", &fields).await.location(), "/", "{asked}");
    }
}

#[actix_web::test]
async fn a_wrong_password_is_told_on_the_page_like_a_wrong_name() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::at(&house).await;
    let wrong = browser.post("/sign-in", &[("login", "ann"), ("password", "wrong"), ("return_to", "/docs/")]).await;
    wrong.page(401).says("The user name or the password is wrong.").says("value=\"ann\"").hides("value=\"wrong\"");
    assert_eq!(wrong.hidden("return_to"), "/docs/");
    let unknown = browser.post("/sign-in", &[("login", "nan"), ("password", "wrong"), ("return_to", "/docs/")]).await;
    assert_eq!(unknown.page(401).body, wrong.body.replace("value=\"ann\"", "value=\"nan\""));
    let hostile = browser.post("/sign-in", &[("login", "\"><script>alert(1)</script>"), ("password", "wrong")]).await;
    hostile.page(401).says("&#60;script&#62;");
    assert!(browser.cookies.is_empty());
}

#[actix_web::test]
async fn somebody_who_guesses_is_told_how_long_to_wait() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::at(&house).await;
    let mut last = browser.post("/sign-in", &[("login", "ann"), ("password", "wrong")]).await;
    for _ in 0..200 {
        if last.status == 429 {
            break;
        }
        last = browser.post("/sign-in", &[("login", "ann"), ("password", "wrong")]).await;
    }
    last.page(429).says("Too many attempts. Try again in ").says("value=\"ann\"");
    let wait: u64 = last.header("retry-after").parse().unwrap();
    assert!(wait > 0);
    browser.post("/sign-in", &[("login", "ann"), ("password", PASSWORD)]).await.page(429);
    house.clock.advance(Duration::from_secs(wait));
    browser.post("/sign-in", &[("login", "ann"), ("password", "wrong")]).await.page(401);
}

#[actix_web::test]
async fn opening_a_sign_in_link_does_not_use_it_up_and_pressing_its_button_does() {
    let house = House::new();
    let ann = house.account("ann").await;
    let link = house.link(&ann).await;
    let path = format!("/sign-in/link?token={}", link.expose());
    let mut browser = Browser::at(&house).await;
    for _ in 0..3 {
        browser.get(&path).await.page(200);
        assert_eq!(browser.method("HEAD", &path).await.status, 200);
    }
    let token = browser.get(&path).await.hidden("token");
    assert_eq!(browser.post("/sign-in/link", &[("token", &token)]).await.location(), "/");
    browser.get("/").await.page(200).says("ann@example.com");
    let mut other = Browser::at(&house).await;
    other.post("/sign-in/link", &[("token", &token)]).await.page(401).says("This link cannot be used");
    assert_eq!(other.get("/").await.location(), "/sign-in");
}

#[actix_web::test]
async fn a_sign_in_link_that_cannot_be_one_says_so() {
    let house = House::new();
    let mut browser = Browser::at(&house).await;
    for query in ["", "?token=", "?token=short", "?token=%00", "?token=%ff", "?other=1"] {
        browser.get(&format!("/sign-in/link{query}")).await.page(404).says("This link cannot be used");
    }
    browser.post("/sign-in/link", &[("token", "short")]).await.page(404);
    browser.post("/sign-in/link", &[]).await.page(422);
}

#[actix_web::test]
async fn no_page_of_another_site_can_sign_anybody_in() {
    let house = House::new();
    let ann = house.account("ann").await;
    let link = house.link(&ann).await;
    let mut browser = Browser::at(&house).await;
    for headers in [
        vec![("Sec-Fetch-Site", "cross-site")],
        vec![("Sec-Fetch-Site", "same-site"), ("Origin", "http://ops.example")],
        vec![("Origin", "http://evil.example")],
        vec![("Origin", "null")],
    ] {
        browser.headers = headers;
        browser.post("/sign-in", &[("login", "ann"), ("password", PASSWORD)]).await.page(403).says("was not accepted");
        browser.post("/sign-in/link", &[("token", link.expose())]).await.page(403);
        let fields = [("token", "x"), ("username", "bob"), ("password", PASSWORD), ("repeat", PASSWORD)];
        browser.post("/invitations/account", &fields).await.page(403);
    }
    assert!(browser.cookies.is_empty());
    browser.headers = vec![("Origin", "http://ops.example")];
    browser.post("/sign-in/link", &[("token", link.expose())]).await.location();
}
