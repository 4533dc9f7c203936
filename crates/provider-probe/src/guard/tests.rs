use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use reqwest::{Method, header::HeaderMap};
use rustls::{RootCertStore, ServerConfig, crypto::ring};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{Failure, GuardedClient, Outbound, Rules, address::is_public};
use crate::ProbeOptions;

/// Addresses of each special block, the first and the last of many.
const SPECIAL: &str = "
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0 127.255.255.255
    168.63.129.16 169.254.0.0 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.0
    192.0.2.255 192.31.196.0 192.52.193.0 192.88.99.0 192.168.0.0 192.168.255.255 192.175.48.0 198.18.0.0
    198.19.255.255 198.51.100.0 203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
    :: ::1 ::8.8.8.8 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::808:808 64:ff9b:1::1 100:: 100:0:0:1:: 1fff:ffff::
    2001:: 2001:1::1 2001:1ff:ffff:ffff:: 2001:db8:: 2001:db8:ffff:: 2002:: 2002:808:808:: 2620:4f:8000::1 3fff::
    3fff:fff:ffff:: 4000:: 5f00::1 fbff:: fc00:: fdff:ffff:: fe80::1 febf:: fec0:: feff:: ff00:: ff02::1
    ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

/// Their neighbours, and what people use.
const PUBLIC: &str = "
    1.0.0.0 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
    168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0
    192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
    223.255.255.255 2000::1 2001:200::1 2001:db7::1 2001:db9::1 2003::1 2606:4700:4700::1111 2620:4f:8001::1
    3ffe::1 3fff:1000::1";

#[test]
fn what_is_public() {
    for address in SPECIAL.split_whitespace() {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }

    for address in PUBLIC.split_whitespace() {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn the_default_is_https_on_443_to_public_addresses() {
    let rules = Rules::new(&ProbeOptions::default());
    let admit = |url: &str| rules.admit(&Url::parse(url).unwrap());
    assert!(admit("https://api.example.com"));
    assert!(admit("https://api.example.com:443/v1"));
    assert!(admit("https://8.8.8.8"));
    for url in [
        "http://api.example.com",
        "https://api.example.com:8443",
        "http://api.example.com:443",
        "https://10.0.0.1",
        "https://[::1]",
        "https://user@api.example.com",
        "https://:pass@api.example.com",
        "ftp://api.example.com:443",
        "wss://api.example.com",
        "file:///etc/passwd",
    ] {
        assert!(!admit(url), "{url}");
    }
}

#[test]
fn without_tls_only_allowed_networks_are_asked() {
    let networks = vec!["10.1.0.0/16".parse().unwrap()];
    let options = ProbeOptions {
        allowed_networks: networks,
        allow_http: true,
        allowed_ports: vec![80, 443],
        ..ProbeOptions::default()
    };
    let rules = Rules::new(&options);
    let admit = |url: &str| rules.admit(&Url::parse(url).unwrap());
    assert!(admit("http://10.1.2.3") && admit("https://10.1.2.3") && admit("https://8.8.8.8"));
    assert!(!admit("http://8.8.8.8") && !admit("http://10.2.0.1") && !admit("https://10.2.0.1"));
    assert!(!admit("https://[::ffff:10.1.2.3]"));
}

/// A TLS server on 127.0.0.1 with a certificate for this name; and what must be believed to believe it.
async fn tls_server(name: &str) -> (u16, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            // A request without a body ends with an empty line.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                request.push(byte);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.ok();
            stream.shutdown().await.ok();
        }
    });
    (port, roots)
}

/// The status that a server with this certificate answers to a client that believes these.
async fn status(certified: &str, believed: bool) -> Result<u16, Failure> {
    let (port, roots) = tls_server(certified).await;
    let options = ProbeOptions {
        allowed_networks: vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()],
        allowed_ports: vec![port],
        ..ProbeOptions::default()
    };
    let client =
        if believed { GuardedClient::with_roots(&options, roots) } else { GuardedClient::new(&options) }.unwrap();
    let url = Url::parse(&format!("https://localhost:{port}/v1")).unwrap();
    let request = Outbound { method: Method::GET, url, headers: HeaderMap::new(), body: None };
    let answer = client.send(request, Instant::now() + Duration::from_secs(5)).await?;
    let status = answer.status();
    assert_eq!(answer.body().await, (b"ok".to_vec(), true));
    Ok(status)
}

#[tokio::test]
async fn tls_is_spoken_with_whom_it_certifies_alone() {
    assert_eq!(status("localhost", true).await.unwrap(), 200);
    for (certified, believed) in [("localhost", false), ("elsewhere.example", true)] {
        let failed = status(certified, believed).await;
        assert!(matches!(failed, Err(Failure::NoConnection(_))), "{failed:?}");
    }
}
