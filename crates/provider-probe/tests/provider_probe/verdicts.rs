//! What answers say of a key.

use byok_core::{Finding, Provider, Verdict};

use crate::{
    server::{Server, answer, free},
    setting::{KEY, customers, find, fixed, loose, probe},
};

async fn at_provider(status: u16, body: &'static str, refused_by: &[&str]) -> Finding {
    let server = Server::http(free("127.0.0.1"), move |_| answer(status, body)).await;
    let refused_by = refused_by.iter().map(ToString::to_string).collect();
    let provider = Provider { refused_by, ..fixed(&server.url()) };
    find(&probe(loose(&["127.0.0.1/32"])), &provider, &server.url()).await
}

#[tokio::test]
async fn by_status() {
    let said = [
        (200, Verdict::Valid),
        (204, Verdict::Valid),
        (401, Verdict::Invalid),
        (403, Verdict::Invalid),
        (301, Verdict::Unknown),
        (400, Verdict::Unknown),
        (402, Verdict::Unknown),
        (404, Verdict::Unknown),
        (429, Verdict::Unknown),
        (500, Verdict::Unknown),
        (503, Verdict::Unknown),
        (529, Verdict::Unknown),
    ];
    for (status, verdict) in said {
        let body = if status == 204 { "" } else { "words of the provider" };
        let finding = at_provider(status, body, &[]).await;
        assert_eq!((finding.verdict, finding.status_code), (verdict, Some(status)));
        assert!(!finding.message.contains("words"), "{}", finding.message);
        assert!(!finding.message.contains(KEY));
    }
}

#[tokio::test]
async fn by_what_the_body_says() {
    let marks = [r#""valid":false"#, "API_KEY_INVALID", "Incorrect API key provided"];
    let said = [
        (200, "{\"valid\" : \n false}", Verdict::Invalid),
        (200, r#"{"valid":true}"#, Verdict::Valid),
        (400, r#"{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}"#, Verdict::Invalid),
        (400, r#"{"error":"Incorrect API key provided: sk***"}"#, Verdict::Invalid),
        (400, r#"{"error":"User location is not supported"}"#, Verdict::Unknown),
        (429, r#"{"valid":false}"#, Verdict::Unknown),
        (500, r#"{"valid":false}"#, Verdict::Unknown),
    ];
    for (status, body, verdict) in said {
        let finding = at_provider(status, body, &marks).await;
        assert_eq!((finding.verdict, finding.status_code), (verdict, Some(status)), "{body}");
    }
}

/// A server that a customer named: what it answers with the key, and without.
async fn at_customers(with: u16, without: u16) -> (Finding, Vec<String>) {
    let says = move |request: &str| answer(if request.contains(KEY) { with } else { without }, "secret words");
    let server = Server::http(free("127.0.0.1"), says).await;
    let finding = find(&probe(loose(&["127.0.0.1/32"])), &customers(), &server.url()).await;
    (finding, server.requests())
}

#[tokio::test]
async fn a_server_that_answers_everybody_proves_nothing() {
    for (without, verdict) in [
        (401, Verdict::Valid),
        (403, Verdict::Valid),
        (302, Verdict::Valid),
        (400, Verdict::Valid),
        (200, Verdict::Unknown),
        (429, Verdict::Unknown),
        (500, Verdict::Unknown),
    ] {
        let (finding, requests) = at_customers(200, without).await;
        assert_eq!((finding.verdict, finding.status_code), (verdict, Some(200)), "{without}");
        assert!(!finding.message.contains("words"));
        assert_eq!(requests.len(), 2);
        assert!(requests[0].contains(KEY));
        assert!(!requests[1].contains(KEY));
    }
    let (finding, requests) = at_customers(401, 401).await;
    assert_eq!((finding.verdict, requests.len()), (Verdict::Invalid, 1));
}

#[tokio::test]
async fn a_network_is_allowed_only_when_it_was_configured() {
    let server =
        Server::http(free("127.0.0.2"), |request| answer(if request.contains(KEY) { 200 } else { 401 }, "{}")).await;
    for (networks, verdict, connections) in [
        (&["127.0.0.3/32"][..], Verdict::Error, 0),
        (&[][..], Verdict::Error, 0),
        (&["127.0.0.2/32"][..], Verdict::Valid, 2),
    ] {
        let finding = find(&probe(loose(networks)), &customers(), &server.url()).await;
        assert_eq!((finding.verdict, server.connections()), (verdict, connections), "{networks:?}");
    }
}

#[tokio::test]
async fn ports_and_http_are_allowed_only_when_they_were_configured() {
    let server = Server::sink(free("127.0.0.1")).await;
    let mut other_port = loose(&["127.0.0.1/32"]);
    other_port.allowed_ports.retain(|port| *port != server.address.port());
    let mut encrypted = loose(&["127.0.0.1/32"]);
    encrypted.allow_http = false;
    for options in [other_port, encrypted] {
        let finding = find(&probe(options), &customers(), &server.url()).await;
        assert_eq!(finding.verdict, Verdict::Error);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_refusal_of_something_else_is_no_refusal_of_the_key() {
    let scopes = r#"{"error": {"message": "You have insufficient permissions for this operation. Missing scopes: api.model.read."}}"#;
    for status in [401, 403] {
        for (body, verdict) in
            [(scopes, Verdict::Unknown), (r#"{"error": "Incorrect API key provided"}"#, Verdict::Invalid)]
        {
            let server = Server::http(free("127.0.0.1"), move |_| answer(status, body)).await;
            let provider = Provider { says_nothing: vec!["Missing scopes".into()], ..fixed(&server.url()) };
            let finding = find(&probe(loose(&["127.0.0.1/32"])), &provider, &server.url()).await;
            assert_eq!((finding.verdict, finding.status_code), (verdict, Some(status)), "{body}");
            assert!(!finding.message.contains("scopes"), "never words of the provider: {}", finding.message);
        }
    }
}
