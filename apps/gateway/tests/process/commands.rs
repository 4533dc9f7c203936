use std::io::Write;
use std::process::Stdio;

use crate::program::{Ended, Place, shell};

/// Runs the program with a text on its standard input.
fn fed(place: &Place, input: &str, arguments: &[&str]) -> Ended {
    let mut command = place.program(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // A program that refuses its arguments does not read.
    child.stdin.take().expect("its input").write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

const CREATE: [&str; 7] = ["user", "create", "--email", "ada@example.com", "--username", "ada", "--password-stdin"];

#[test]
fn user_create_makes_an_account_that_can_sign_in() {
    let place = Place::new();
    let made = fed(&place, "tall ships sail at dawn\n", &[&CREATE[..], &["--admin", "--json"]].concat()).json();
    assert_eq!((&made["role"], &made["email_verified"]), (&"admin".into(), &true.into()));
    assert!(made["id"].as_str().is_some_and(|id| id.starts_with("usr_")), "{made}");
    fed(&place, "tall ships sail at dawn", &CREATE).refused(2, &["e-mail address exists"]);

    let server = place.serve(&[]);
    let line = |password: &str| {
        let body = format!("{{\"username\":\"ada\",\"password\":\"{password}\"}}");
        format!(
            "curl -sS -o /dev/null -w '%{{http_code}}' -H 'Content-Type: application/json' -d '{body}' {}/api/v1/auth/login",
            server.base
        )
    };
    assert_eq!(shell(place.path(), &line("tall ships sail at dawn")).ok(), "200");
    assert_eq!(shell(place.path(), &line("tall ships sail at dusk")).ok(), "401");
    let screen = server.stop().out;
    assert!(!screen.contains("first start"), "somebody has an account: {screen}");
}

#[test]
fn whoever_makes_an_account_is_told_in_which_database() {
    let place = Place::new();
    let made = fed(&place, "tall ships sail at dawn\n", &[&CREATE[..], &["--admin"]].concat());
    let file = place.data().join("ops-center.db").canonicalize().expect("the database");
    let named = format!("in the SQLite file {}", file.display());
    assert!(made.ok().contains(&named), "{made:?}");
    assert!(!made.err.contains("warning"), "{made:?}");
    let off = place.run(&["user", "disable", "ada"]);
    assert!(off.ok().contains(&named), "{off:?}");
    let other = ["user", "create", "--email", "bob@example.com", "--username", "bob", "--password-stdin", "--json"];
    let made = fed(&place, "tall ships sail at dawn\n", &other).json();
    assert_eq!(made["database"], format!("SQLite file {}", file.display()));
}

#[test]
fn accounts_that_nobody_administers_are_warned_about() {
    let place = Place::new();
    let made = fed(&place, "tall ships sail at dawn\n", &[&CREATE[..], &["--json"]].concat());
    assert_eq!(made.json()["role"], "user");
    assert_eq!(made.err.matches("ops-center: warning: ").count(), 1, "{made:?}");
    let (_, mend) = made.err.split_once("make one with ops-center ").expect("the command that mends it");
    let warned = place.serve(&[]).stop().err;
    assert_eq!(warned.matches("make one with ops-center user create").count(), 1, "{warned}");
    // The command as it stands, with an address and a name of one's own.
    let mend = mend.trim().replace("YOU@EXAMPLE.COM", "grace@example.com").replace("YOU", "grace") + " --json";
    let made = fed(&place, "tall ships sail at dawn\n", &mend.split(' ').collect::<Vec<_>>());
    assert_eq!(made.json()["role"], "admin");
    assert!(!made.err.contains("warning"), "{made:?}");
    assert!(!place.serve(&[]).stop().err.contains("nobody can administer"));
}

#[test]
fn user_create_refuses_what_cannot_be() {
    let place = Place::new();
    fed(&place, "short\n", &CREATE).refused(2, &["at least 12 characters"]);
    fed(&place, "ada@example.com1\n", &CREATE).refused(2, &["user name or e-mail address"]);
    let wrong = ["user", "create", "--email", "ada", "--username", "ada", "--password-stdin"];
    fed(&place, "tall ships sail at dawn\n", &wrong).refused(2, &["--email"]);
    let on_the_line = fed(&place, "", &CREATE[..6]);
    assert_eq!(on_the_line.code, Some(2));
    assert!(on_the_line.err.contains("--password-stdin"), "{on_the_line:?}");
    assert!(!place.data().join("ops-center.db").exists() || place.run(&["init", "--json"]).json()["created"] == true);
}

#[test]
fn routes_and_document_tell_the_same() {
    let place = Place::new();
    let document = place.run(&["openapi"]).json();
    let routes = place.run(&["routes", "--json"]).json();
    let routes = routes.as_array().expect("a list");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths
        .values()
        .map(|path| path.as_object().map_or(0, |path| path.keys().filter(|key| *key != "parameters").count()));
    assert_eq!(routes.len(), operations.sum::<usize>());
    for row in routes {
        let path = row["path"].as_str().expect("a path");
        let method = row["method"].as_str().expect("a method").to_lowercase();
        assert!(paths.get(path).and_then(|path| path.get(&method)).is_some(), "{row}");
    }
    assert!(place.run(&["routes"]).ok().contains("/api/v1/auth/login"));
    let exempt = place.run(&["routes", "--csrf-exempt", "--json"]).json();
    assert!(exempt.is_array());
    assert!(!place.data().exists(), "asking makes nothing");
}

#[test]
fn every_command_explains_itself_with_examples() {
    let place = Place::new();
    for command in [
        &[][..],
        &["serve"],
        &["migrate"],
        &["init"],
        &["user"],
        &["user", "create"],
        &["user", "disable"],
        &["user", "enable"],
        &["keys"],
        &["keys", "status"],
        &["keys", "rotate"],
        &["keys", "retire"],
        &["billing"],
        &["billing", "status"],
        &["billing", "paid"],
        &["billing", "inbox"],
        &["billing", "inbox", "list"],
        &["billing", "inbox", "replay"],
        &["billing", "reconcile"],
        &["openapi"],
        &["config"],
        &["config", "check"],
        &["config", "defaults"],
        &["routes"],
    ] {
        let help = place.run(&[command, &["--help"]].concat());
        let example = format!("  {}", ["ops-center"].iter().chain(command).copied().collect::<Vec<_>>().join(" "));
        assert!(help.ok().contains(&example), "{command:?}: {help:?}");
        assert!(help.ok().contains("EXAMPLES:") && help.ok().contains("--data-dir"), "{command:?}: {help:?}");
    }
    assert!(place.run(&["--help"]).ok().contains("EXIT CODES:"));
    let lost = place.run(&["sreve"]);
    assert_eq!(lost.code, Some(2));
    assert!(lost.err.contains("serve"), "{lost:?}");
}
