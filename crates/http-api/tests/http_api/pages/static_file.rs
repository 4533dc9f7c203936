use crate::browser::Browser;
use crate::house::House;

/// The addresses that a page loads.
fn loaded(page: &str) -> Vec<String> {
    let after = |mark: &str| -> Vec<String> {
        let parts = page.split(mark).skip(1);
        parts.filter_map(|part| part.split_once('"')).map(|(address, _)| address.to_owned()).collect()
    };
    [after("<link rel=\"stylesheet\" href=\""), after("src=\""), after("type=\"image/svg+xml\" href=\"")].concat()
}

#[actix_web::test]
async fn what_the_pages_load_is_there_and_is_kept_for_ever() {
    let house = House::new();
    let mut browser = Browser::at(&house).await;
    let addresses = loaded(&browser.get("/sign-in").await.page(200).body);
    assert_eq!(addresses.len(), 3);
    for address in addresses {
        let file = browser.get(&address).await;
        assert_eq!(
            (file.status, file.header("cache-control")),
            (200, "public, max-age=31536000, immutable"),
            "{address}"
        );
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert!(!file.body.is_empty() && !file.body.contains("url("), "{address}");
    }
    for unknown in
        ["/assets/style.css", "/assets/style-0000000000000000.css", "/assets/..%2f..%2fCargo.toml", "/assets/%00"]
    {
        assert_eq!(browser.get(unknown).await.status, 404, "{unknown}");
    }
}

#[actix_web::test]
async fn the_documentation_is_shown_from_this_server_alone() {
    let house = House::new();
    let mut browser = Browser::at(&house).await;
    let entry = browser.get("/docs").await;
    assert_eq!((entry.status, entry.header("location")), (308, "/docs/"));
    let page = browser.get("/docs/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!page.body.contains("http"), "{}", page.body);
    let files = page.body.split("=\"./").skip(1).filter_map(|part| part.split_once('"')).map(|(file, _)| file);
    let files: Vec<&str> = files.collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let found = browser.get(&format!("/docs/{file}")).await;
        assert_eq!((found.status, found.header("content-security-policy")), (200, policy), "{file}");
    }
    let settings = browser.get("/docs/swagger-initializer.js").await.body;
    assert!(settings.contains("\"/openapi.json\"") && settings.contains("\"validatorUrl\": \"none\""), "{settings}");
    assert_eq!(browser.get("/docs/unknown.js").await.page(404).status, 404);
    assert_eq!(browser.get("/docs/..%2f..%2fCargo.toml").await.status, 404);
}
