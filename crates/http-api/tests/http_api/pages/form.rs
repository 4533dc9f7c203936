use kernel::{OrgId, SessionId};

use crate::browser::Browser;
use crate::house::House;

const FORM: &str = "application/x-www-form-urlencoded";

/// Every form of somebody who is signed in.
fn own_forms(house: &House) -> [String; 5] {
    [
        "/sign-out".to_owned(),
        "/sessions/others/end".to_owned(),
        format!("/sessions/{}/end", SessionId::mint(&house.services.ambient)),
        format!("/organizations/{}/enter", OrgId::mint(&house.services.ambient)),
        "/invitations/accept".to_owned(),
    ]
}

/// Every form that takes fields, and good ones.
const OPEN_FORMS: [(&str, &str); 3] = [
    ("/sign-in", "login=a&password=b"),
    ("/sign-in/link", "token=a"),
    ("/invitations/account", "token=a&username=b&password=c&repeat=d"),
];

#[actix_web::test]
async fn nothing_is_done_for_strangers() {
    let house = House::new();
    let mut browser = Browser::at(&house).await;
    for path in own_forms(&house) {
        browser.post_raw(&path, FORM, b"token=a").await.page(401).says("You are not signed in");
        browser.post_raw(&path, "application/json", b"{").await.page(401);
    }
}

#[actix_web::test]
async fn nothing_is_done_for_the_pages_of_others() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::of(&house, "ann").await;
    let page = browser.get("/").await;
    let csrf = page.hidden("csrf_token");
    let with_token = format!("csrf_token={csrf}");
    let foreign = Browser::of(&house, "ann").await.get("/").await.hidden("csrf_token");
    let with_foreign = format!("csrf_token={foreign}");
    for path in own_forms(&house) {
        for (headers, body) in [
            (vec![], ""),
            (vec![], "csrf_token="),
            (vec![], "csrf_token=%00"),
            (vec![], with_foreign.as_str()),
            (vec![("Sec-Fetch-Site", "cross-site")], with_token.as_str()),
            (vec![("Sec-Fetch-Site", "same-site")], with_token.as_str()),
            (vec![("Sec-Fetch-Site", "none")], with_token.as_str()),
            (vec![("Origin", "http://evil.example")], with_token.as_str()),
            (vec![("Origin", "null")], with_token.as_str()),
        ] {
            browser.headers = headers;
            let answer = browser.post_raw(&path, FORM, body.as_bytes()).await;
            answer.page(403).says("was not accepted");
        }
    }
    browser.get("/").await.page(200);
    for headers in [vec![], vec![("Origin", "http://ops.example")], vec![("Sec-Fetch-Site", "same-origin")]] {
        browser.headers = headers;
        let token = browser.get("/").await.hidden("csrf_token");
        let body = format!("csrf_token={token}");
        assert_eq!(browser.post_raw("/sessions/others/end", FORM, body.as_bytes()).await.location(), "/");
    }
}

#[actix_web::test]
async fn what_is_no_form_of_ours_is_refused_with_a_page() {
    let house = House::new();
    house.account("ann").await;
    let mut browser = Browser::of(&house, "ann").await;
    let large = format!("login={}", "a".repeat(16 * 1024));
    let mut forms: Vec<(String, String)> =
        OPEN_FORMS.iter().map(|(path, good)| ((*path).to_owned(), (*good).to_owned())).collect();
    forms.extend(own_forms(&house).map(|path| (path, String::new())));
    for (path, good) in forms {
        for (body, status) in [
            (large.clone().into_bytes(), 413),
            (format!("{good}&extra=1").into_bytes(), 422),
            (format!("{good}&extra=%00").into_bytes(), 422),
            (format!("{good}&extra=%").into_bytes(), 422),
            (b"%ff=1".to_vec(), 422),
            (b"\xff\xfe\x00".to_vec(), 422),
            (b"{\"login\":1}".to_vec(), 422),
        ] {
            browser.post_raw(&path, FORM, &body).await.page(status);
        }
        browser.post_raw(&path, "text/plain", b"login=a").await.page(415);
        browser.post_raw(&path, "multipart/form-data; boundary=a", b"--a--").await.page(415);
    }
    for (path, good) in OPEN_FORMS {
        browser.post_raw(path, FORM, b"").await.page(422);
        browser.post_raw(path, FORM, format!("{good}&{good}").as_bytes()).await.page(422);
        for (name, _) in good.split('&').filter_map(|field| field.split_once('=')) {
            let hostile = good.replace(&format!("{name}="), &format!("{name}=%00"));
            browser.post_raw(path, FORM, hostile.as_bytes()).await.page(422);
        }
    }
    browser.get("/").await.page(200);
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let house = House::new();
    let mut browser = Browser::at(&house).await;
    for (method, path, allowed) in [
        ("GET", "/sign-out", "POST"),
        ("GET", "/sessions/others/end", "POST"),
        ("GET", "/sessions/ses_x/end", "POST"),
        ("GET", "/organizations/org_x/enter", "POST"),
        ("GET", "/invitations/account", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/sign-in", "GET, HEAD, POST"),
        ("PUT", "/sign-in/link", "GET, HEAD, POST"),
        ("PATCH", "/invitations/accept", "GET, HEAD, POST"),
    ] {
        let answer = browser.method(method, path).await;
        assert_eq!(answer.page(405).header("allow"), allowed, "{method} {path}");
    }
}
