use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::time::{Duration, Instant};

use crate::program::{Place, answer};

#[test]
fn sigterm_lets_load_balancers_know_and_requests_finish() {
    let place = Place::new();
    let server = place.serve(&[]);
    let body = "{\"username\":\"nobody\",\"password\":\"a wrong password\"}";
    let mut slow = server.connect();
    write!(
        slow,
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        body.len(),
        &body[..5]
    )
    .expect("half a request");
    assert_eq!(server.get("/readyz").0, 200);
    server.signal("TERM");
    let told = Instant::now();
    // The signal is delivered, not yet seen: the first answers may be of before.
    while server.get("/readyz").0 == 200 {
        assert!(told.elapsed() < Duration::from_secs(1), "/readyz must say 503 at once");
    }
    assert_eq!(server.get("/readyz").0, 503);
    assert_eq!(server.get("/livez").0, 200, "the listener stays open for the notice");
    let mut kept = server.connect();
    write!(kept, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    let head: Vec<String> =
        BufReader::new(kept).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let closes = head.iter().any(|line| line.eq_ignore_ascii_case("connection: close"));
    assert!(closes, "clients are sent elsewhere: {head:?}");
    let address = server.address();
    // A busy machine may not answer in time; only a refusal says that nobody listens.
    let listens =
        || !std::net::TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    while listens() {
        assert!(told.elapsed() < Duration::from_secs(10), "the listener must close");
        std::thread::yield_now();
    }
    assert!(told.elapsed() >= Duration::from_millis(1900), "closed after {:?}", told.elapsed());
    slow.write_all(&body.as_bytes()[5..]).expect("the other half");
    assert_eq!(answer(slow).0, 401, "a request in flight is answered");
    let ended = server.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.err.contains("ERROR"), "nothing went wrong: {ended:?}");
    let asked = |line: &&str| line.contains("/readyz") && line.contains("503") && line.contains("INFO");
    assert!(ended.err.lines().any(|line| asked(&line)), "and it was asked: {ended:?}");
    assert!(told.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_interrupt_ends_an_idle_server_without_delay() {
    let place = Place::new();
    let server = place.serve(&[]);
    // A kept connection is no reason to wait.
    let idle = server.connect();
    server.signal("INT");
    let told = Instant::now();
    assert_eq!(server.ended().code, Some(0));
    assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
    drop(idle);
}
