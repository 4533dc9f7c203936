//! Each way of showing a key, byte for byte: so nothing else of the request carries it either.

use byok_core::{AuthStyle, ProbeCall, Provider, Verdict};

use crate::{
    server::{Server, answer, free},
    setting::{KEY, find, fixed, loose, probe},
};

/// Sends the probe of a provider at this path of a server, and compares the one request that the server was sent.
async fn sends(base: &str, provider: impl Fn(Provider) -> Provider, expected: &[&str], body: &str) {
    let server = Server::http(free("127.0.0.1"), |_| answer(200, "{}")).await;
    let url = format!("{}{base}", server.url());
    let provider = provider(fixed(&url));
    let finding = find(&probe(loose(&["127.0.0.1/32"])), &provider, &url).await;
    assert_eq!((finding.verdict, finding.status_code), (Verdict::Valid, Some(200)));
    let expected = format!("{}\r\nhost: {}\r\n", expected.join("\r\n"), server.address);
    let tail = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    assert_eq!(server.requests(), [format!("{expected}{tail}\r\n{body}")]);
}

#[tokio::test]
async fn bearer() {
    let expected = [
        "GET /v1/models HTTP/1.1",
        "accept: application/json",
        &format!("authorization: Bearer {KEY}"),
        "user-agent: ops-center",
    ];
    sends("", |provider| provider, &expected, "").await;
}

#[tokio::test]
async fn header_with_a_version() {
    let expected = [
        "GET /v1/models HTTP/1.1",
        "accept: application/json",
        "anthropic-version: 2023-06-01",
        &format!("x-api-key: {KEY}"),
        "user-agent: ops-center",
    ];
    let anthropic = |provider| Provider {
        auth: AuthStyle::Header("x-api-key".into()),
        headers: vec![("anthropic-version".into(), "2023-06-01".into())],
        ..provider
    };
    sends("", anthropic, &expected, "").await;
}

#[tokio::test]
async fn header_and_a_query() {
    let expected = [
        "GET /base/openai/models?api-version=2024-10-21 HTTP/1.1",
        "accept: application/json",
        &format!("api-key: {KEY}"),
        "user-agent: ops-center",
    ];
    let azure = |provider| Provider {
        auth: AuthStyle::Header("api-key".into()),
        probe: ProbeCall::Get("/openai/models?api-version=2024-10-21".into()),
        ..provider
    };
    sends("/base", azure, &expected, "").await;
}

#[tokio::test]
async fn post_with_a_body() {
    let expected = [
        "POST /v1/check-api-key HTTP/1.1",
        "accept: application/json",
        "content-type: application/json",
        &format!("authorization: Bearer {KEY}"),
        "user-agent: ops-center",
    ];
    let cohere = |provider| Provider {
        probe: ProbeCall::Post("/v1/check-api-key".into(), "{}".into()),
        refused_by: vec![r#""valid":false"#.into()],
        says_nothing: Vec::new(),
        ..provider
    };
    sends("", cohere, &expected, "{}").await;
}

#[tokio::test]
async fn no_path_of_the_catalogue_leads_to_another_host() {
    let (server, sink) = (Server::sink(free("127.0.0.1")).await, Server::sink(free("127.0.0.1")).await);
    let probe = probe(loose(&["127.0.0.1/32"]));
    for path in [format!("@{}/", sink.address), format!("//{}/", sink.address), format!("http://{}/", sink.address)] {
        let provider = Provider { probe: ProbeCall::Get(path), ..fixed(&server.url()) };
        let finding = find(&probe, &provider, &server.url()).await;
        assert_eq!(finding.status_code, Some(200));
    }
    assert_eq!((server.connections(), sink.connections()), (3, 0));
}

#[tokio::test]
async fn a_provider_without_a_probe_is_not_asked() {
    let server = Server::sink(free("127.0.0.1")).await;
    let provider = Provider { probe: ProbeCall::None, ..fixed(&server.url()) };
    let finding = find(&probe(loose(&["127.0.0.1/32"])), &provider, &server.url()).await;
    assert_eq!((finding.verdict, finding.status_code), (Verdict::Unknown, None));
    assert_eq!(server.connections(), 0);
}
