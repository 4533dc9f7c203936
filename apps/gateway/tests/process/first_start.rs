use crate::program::{Place, mode, shell};

/// The value behind a label of the first screen.
fn told<'a>(screen: &'a str, label: &str) -> &'a str {
    let line = screen.lines().find_map(|line| line.trim_start().strip_prefix(label));
    line.and_then(|rest| rest.split_whitespace().next()).unwrap_or_else(|| panic!("no {label} in {screen}"))
}

#[test]
fn what_the_first_screen_says_works_as_it_stands() {
    let place = Place::new();
    let server = place.serve(&[]);
    let base = server.base.clone();
    let lines = {
        // The screen is whole when the server answers; its output is read to the end by `stop` only.
        assert_eq!(server.get("/readyz").0, 200);
        assert_eq!(server.get("/docs/").0, 200);
        let screen = server.stop().out;
        let file = place.data().join("ops-center.db").canonicalize().expect("the database");
        assert!(screen.contains(&format!("SQLite file {}\n", file.display())), "{screen}");
        assert!(screen.contains("\"Default organization\""), "{screen}");
        assert!(told(&screen, "sign in").starts_with(&format!("{base}/sign-in/link?token=")), "{screen}");
        let lines: Vec<String> =
            screen.lines().map(str::trim).filter(|line| line.starts_with("curl ")).map(str::to_owned).collect();
        assert_eq!(lines.len(), 3, "{screen}");
        lines
    };
    // The same port again, so that the lines stand as they were printed.
    let again = crate::program::Server::start(&mut place.program(&["--listen", base.trim_start_matches("http://")]));
    let wanted = ["\"token_type\"", "\"authenticated\":true", "\"invitation\""];
    for (line, wanted) in lines.iter().zip(wanted) {
        let answered = shell(place.path(), &line.replacen("curl", "curl -sS --fail-with-body", 1));
        assert!(answered.ok().replace(' ', "").contains(wanted), "{line}: {answered:?}");
    }
    assert!(std::fs::read_dir(place.data().join("outbox")).expect("an outbox").count() == 1);
    drop(again);
}

#[test]
fn what_is_kept_is_for_our_user_only() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert_eq!(mode(&place.data()), 0o700);
    for file in ["ops-center.db", "ops-center.db-wal", "ops-center.db-shm", "keyring.toml"] {
        assert_eq!(mode(&place.data().join(file)), 0o600, "{file}");
    }
    drop(server);
}

#[test]
fn a_second_start_shows_the_address_and_no_secret() {
    let place = Place::new();
    let first = place.serve(&[]).stop();
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(!first.err.contains(told(&first.out, "password")), "the log tells the password: {first:?}");
    assert!(!first.err.contains("token="), "the log tells the link: {first:?}");
    let second = place.serve(&[]).stop();
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(second.out.lines().count(), 2, "{second:?}");
    assert!(!second.out.contains("password") && second.out.contains("/docs"), "{second:?}");
}

#[test]
fn of_instances_that_start_at_once_one_makes_the_admin() {
    let place = Place::new();
    let started: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| place.serve(&[]))).collect();
        starts.into_iter().map(|start| start.join().expect("a server")).collect()
    });
    let ended: Vec<_> = started.into_iter().map(crate::program::Server::stop).collect();
    let made = ended.iter().filter(|one| one.out.contains("This is the first start")).count();
    assert_eq!(made, 1, "{ended:?}");
    assert!(ended.iter().all(|one| one.code == Some(0)), "{ended:?}");
}

#[test]
fn every_json_answer_ends_its_line_also_when_it_is_replayed() {
    let place = Place::new();
    let password = place.run(&["init", "--json"]).json()["password"].as_str().expect("a password").to_owned();
    let server = place.serve(&[]);
    let json = "-H 'Content-Type: application/json'";
    let line = |rest: &str| format!("curl -sS -i -b jar -c jar -H 'Origin: {0}' {json} {rest}", server.base);
    let login =
        format!("-d '{{\"username\":\"admin\",\"password\":\"{password}\"}}' {}/api/v1/auth/login", server.base);
    let make = format!("-H 'Idempotency-Key: one' -d '{{\"name\":\"Acme\"}}' {}/api/v1/org", server.base);
    let lost = format!("{}/api/v1/nowhere", server.base);
    let mut bodies = Vec::new();
    for (rest, status) in [(&login, "200"), (&make, "201"), (&make, "201"), (&lost, "404")] {
        let answered = shell(place.path(), &line(rest));
        let (head, body) = answered.ok().split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answered:?}");
        assert!(body.ends_with("}\n") && !body.ends_with("\n\n"), "{answered:?}");
        assert!(head.to_lowercase().contains(&format!("content-length: {}\r\n", body.len())), "{answered:?}");
        bodies.push((head.to_lowercase().contains("idempotent-replayed: true"), body.to_owned()));
    }
    assert_eq!((bodies[1].0, bodies[2].0), (false, true));
    assert_eq!(bodies[1].1, bodies[2].1, "the same bytes");
}

#[test]
fn init_does_the_same_without_serving_and_only_once() {
    let place = Place::new();
    let made = place.run(&["init", "--json"]).json();
    assert_eq!((&made["created"], &made["username"]), (&true.into(), &"admin".into()));
    let password = made["password"].as_str().expect("a password").to_owned();
    assert_eq!(place.run(&["init", "--json"]).json()["created"], false);
    assert!(place.run(&["init"]).ok().contains("nothing was made"));
    let server = place.serve(&[]);
    let line = format!(
        "curl -sS --fail-with-body -H 'Content-Type: application/json' -d '{{\"username\":\"admin\",\"password\":\"{password}\"}}' {}/api/v1/auth/login",
        server.base
    );
    shell(place.path(), &line).ok();
    assert!(!server.stop().out.contains("first start"));
}
