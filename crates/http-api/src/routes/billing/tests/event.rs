//! What payment providers send.

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use serde_json::{Value, json};

use super::Stage;
use crate::endpoint::Who;

const PATHS: [&str; 3] = ["/api/v1/billing/webhooks/stripe", "/api/v1/webhooks/stripe", "/api/v1/webhooks/lago"];

async fn listening() -> Stage {
    let mut stage = super::stage().await;
    stage.till.listen();
    stage
}

async fn send(stage: &Stage, path: &str, seal: Option<&str>, body: Vec<u8>) -> (u16, Value) {
    let request = TestRequest::post().uri(path).set_payload(body);
    let request = seal.into_iter().fold(request, |request, seal| request.insert_header(("X-Seal", seal)));
    let app = init_service(App::new().configure(|cfg| stage.mount(cfg)).default_service(web::to(nothing))).await;
    let answer = call_service(&app, request.to_request()).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&read_body(answer).await).unwrap_or_default())
}

async fn nothing(request: actix_web::HttpRequest) -> actix_web::HttpResponse {
    crate::problem::Problem::not_found().answer(&request)
}

#[actix_web::test]
async fn an_event_is_kept_once_and_only_with_its_seal() {
    let stage = listening().await;
    for (path, refusal) in PATHS.into_iter().zip([400, 400, 401]) {
        let name = format!("evt_{}", path.len()).into_bytes();
        // Nothing is read or written before the seal is right: the store is down, and nobody notices.
        stage.till.store.break_down(true);
        for seal in [None, Some("wrong")] {
            let (status, body) = send(&stage, path, seal, name.clone()).await;
            assert_eq!((status, &body["code"]), (refusal, &json!("invalid_signature")), "{path}");
        }
        assert_eq!(send(&stage, path, Some("right"), name.clone()).await.0, 503, "never acknowledged and lost");
        stage.till.store.break_down(false);
        let id = String::from_utf8(name.clone()).unwrap();
        for state in ["received", "duplicate"] {
            let kept = send(&stage, path, Some("right"), name.clone()).await;
            assert_eq!(kept, (200, json!({"status": state, "event_id": id})), "{path}");
        }
    }
}

#[actix_web::test]
async fn an_event_has_at_most_one_mebibyte() {
    let stage = listening().await;
    for path in PATHS {
        assert_eq!(send(&stage, path, Some("right"), vec![b'a'; 1024 * 1024]).await.0, 200);
        stage.till.store.break_down(true);
        let (status, body) = send(&stage, path, Some("right"), vec![b'a'; 1024 * 1024 + 1]).await;
        assert_eq!((status, &body["code"]), (413, &json!("payload_too_large")));
        stage.till.store.break_down(false);
    }
}

#[actix_web::test]
async fn without_a_secret_the_address_does_not_exist() {
    let stage = super::stage().await;
    let nowhere = |path: &str| json!({"instance": path});
    for path in PATHS {
        let (status, mut body) = send(&stage, path, Some("right"), b"evt_1".to_vec()).await;
        let (_, mut unknown) = send(&stage, "/api/v1/nothing", Some("right"), b"evt_1".to_vec()).await;
        assert_eq!((status, &body["instance"]), (404, &nowhere(path)["instance"]));
        body["instance"].take();
        unknown["instance"].take();
        assert_eq!(body, unknown);
    }
}

#[test]
fn what_is_exempt_from_the_csrf_policy_takes_no_cookie() {
    let rows = crate::routes::endpoints();
    for exempt in crate::csrf_exempt() {
        let (method, path) = exempt.split_once(' ').unwrap();
        let row = rows.iter().find(|row| row.method == method && row.paths.contains(&path)).expect("an operation");
        assert_eq!(row.doc.who, Who::Anyone, "{exempt}");
    }
    let exempt = crate::csrf_exempt();
    assert_eq!(PATHS.map(|path| format!("POST {path}")).to_vec(), exempt);
}
