use std::net::TcpListener;

use crate::program::{Place, Server, shell};

#[test]
fn a_port_in_use_is_told_before_anything_is_made() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    place.run(&["--listen", &address]).refused(1, &[&address, "in use", "--listen"]);
    assert!(!place.data().exists(), "an admin was made whose password nobody saw");
}

#[test]
fn a_bad_address_is_answered_with_the_form_of_a_good_one() {
    let place = Place::new();
    for (typed, meant) in [("8084", "127.0.0.1:8084"), ("localhost", "127.0.0.1:8084"), ("1.2.3.4", "1.2.3.4:8084")] {
        let flag = place.run(&["--listen", typed]);
        assert_eq!(flag.code, Some(2), "{flag:?}");
        let meant = format!("an IP address and a port, such as 127.0.0.1:8084 or [::1]:8084; did you mean {meant}?");
        assert!(flag.err.contains(&meant) && flag.err.contains("--listen"), "{flag:?}");
        let variable = place.run_with(&[("OPS_CENTER__SERVER__LISTEN", typed)], &["serve"]);
        variable.refused(2, &[&meant, "OPS_CENTER__SERVER__LISTEN"]);
        let private = place.run_with(&[("OPS_CENTER__SERVER__PRIVATE_LISTEN", typed)], &["serve"]);
        private.refused(2, &[&meant, "server.private_listen"]);
    }
    assert!(!place.data().exists());
}

#[test]
fn other_machines_get_in_over_tls_only() {
    let place = Place::new();
    let ways = ["server.tls_cert", "server.trusted_proxies", "--insecure-dev"];
    place.run(&["--listen", "0.0.0.0:0"]).refused(2, &ways);
    place.run_with(&[("OPS_CENTER__SERVER__LISTEN", "[::]:0")], &["serve"]).refused(2, &ways);
    assert!(!place.data().exists());
    let server = Server::start(&mut place.program(&["--listen", "0.0.0.0:0", "serve", "--insecure-dev"]));
    assert_eq!(server.get("/livez").0, 200);
    let misplaced = place.run(&["--insecure-dev", "migrate"]);
    misplaced.refused(2, &["serve"]);
}

#[test]
fn it_speaks_tls_with_the_certificate_it_is_given() {
    let place = Place::new();
    let cert = place.file("cert.pem", include_str!("tls/cert.pem"), 0o644);
    let key = place.file("key.pem", include_str!("tls/key.pem"), 0o644);
    let variables = [
        ("OPS_CENTER__SERVER__TLS_CERT", cert.to_str().expect("a path")),
        ("OPS_CENTER__SERVER__TLS_KEY", key.to_str().expect("a path")),
    ];
    let arguments = ["--listen", "127.0.0.1:0"];
    place.run_with(&variables, &arguments).refused(2, &["server.tls_key", "chmod 600"]);
    place.file("key.pem", "no key\n", 0o600);
    place.run_with(&variables, &arguments).refused(2, &["server.tls_key", "key.pem"]);
    place.file("key.pem", include_str!("tls/key.pem"), 0o600);
    let server = Server::start(place.program(&arguments).envs(variables));
    assert!(server.base.starts_with("https://"), "{}", server.base);
    let answered = shell(place.path(), &format!("curl -sS --cacert cert.pem {}/livez", server.base));
    assert_eq!(answered.ok(), "ok\n");
}

#[test]
fn the_private_listener_shows_what_the_public_one_does_not() {
    let place = Place::new();
    let private = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let mut command = place.program(&["--listen", "127.0.0.1:0"]);
    let server = Server::start(command.env("OPS_CENTER__SERVER__PRIVATE_LISTEN", &private));
    assert_eq!(server.get("/metrics").0, 404);
    let metrics = shell(place.path(), &format!("curl -sS --fail http://{private}/metrics"));
    assert!(metrics.ok().contains("ops_center_http_requests"), "{metrics:?}");
    let state = shell(place.path(), &format!("curl -sS --fail http://{private}/readyz"));
    assert!(state.ok().contains("\"database\""), "{state:?}");
}
