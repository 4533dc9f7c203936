use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::postgres::Database;
use crate::program::{Ended, Place, Server, mode, shell};

/// A provider key as long as real ones, to be looked for where it must not be.
const KEY: &str = "sk-canary-9f3b71c05d8e42a6b7c1d0e9f8a7b6c5";

/// What this place made of itself: `init --json`.
fn init(place: &Place, variables: &[(&str, &str)]) -> Value {
    place.run_with(variables, &["init", "--json"]).json()
}

fn ring(place: &Place) -> PathBuf {
    place.data().join("keyring.toml")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The admin, signed in with `curl`.
struct Admin<'a> {
    place: &'a Place,
    server: &'a Server,
}

impl<'a> Admin<'a> {
    fn sign_in(place: &'a Place, server: &'a Server, made: &Value) -> Self {
        let admin = Self { place, server };
        let body = json!({ "username": "admin", "password": made["password"] });
        admin.ask("POST", "/api/v1/auth/login", &body);
        admin
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let Server { base, .. } = self.server;
        let json = "-H 'Content-Type: application/json'";
        let line = format!(
            "curl -sS --fail-with-body -X {method} -b jar -c jar -H 'Origin: {base}' {json} -d '{body}' {base}{path}"
        );
        shell(self.place.path(), &line).json()
    }

    fn keep(&self, provider: &str, key: &str) {
        self.ask("POST", "/api/v1/byok/keys/add", &json!({ "provider": provider, "key": key }));
    }

    /// Each key's provider and status.
    fn keys(&self) -> Vec<(String, String)> {
        let listed = self.ask("GET", "/api/v1/byok/keys", &json!({}));
        let word = |key: &Value, name: &str| key[name].as_str().expect("a word").to_owned();
        let listed = listed.as_array().expect("a list");
        listed.iter().map(|key| (word(key, "provider"), word(key, "status"))).collect()
    }
}

/// A place with keys for two providers, and no server any more.
fn stored() -> (Place, Value) {
    let place = Place::new();
    let made = init(&place, &[]);
    let server = place.serve(&[]);
    let admin = Admin::sign_in(&place, &server, &made);
    admin.keep("openai", KEY);
    admin.keep("groq", &KEY.replace("sk-", "gsk_"));
    assert_eq!(server.stop().code, Some(0));
    (place, made)
}

/// Starts the server, which must end by itself at once with a sentence that holds all of these and nothing of a key.
#[track_caller]
fn refused(place: &Place, variables: &[(&str, &str)], secrets: &[&str], codes: &[i32], parts: &[&str]) {
    let began = Instant::now();
    let ended = place.run_with(variables, &["--listen", "127.0.0.1:0"]);
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    assert!(ended.code.is_some_and(|code| codes.contains(&code)), "{ended:?}");
    for part in parts {
        assert!(ended.err.contains(part), "{part}: {ended:?}");
    }
    says_nothing_of(&ended, secrets);
}

/// No eight characters in a row of any of these.
#[track_caller]
fn says_nothing_of(ended: &Ended, secrets: &[&str]) {
    for secret in secrets {
        for at in 0..secret.len().saturating_sub(8) {
            let piece = secret.get(at..at + 8).expect("ASCII");
            assert!(!ended.err.contains(piece) && !ended.out.contains(piece), "{piece}: {ended:?}");
        }
    }
}

/// The keys of a ring's text, as they are written.
fn secrets(ring: &str) -> Vec<&str> {
    let quoted = ring.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('"').nth(1));
    quoted.filter(|value| value.len() == 44).collect()
}

#[test]
fn a_bad_ring_stops_the_start() {
    let (place, _) = stored();
    let path = ring(&place);
    let good = text(&path);
    let keys = secrets(&good);
    assert_eq!(keys.len(), 2, "fingerprint and one master key");
    let (fingerprint, master) = (keys[0], keys[1]);
    let name = good.lines().find_map(|line| line.strip_prefix("active = \"")?.strip_suffix('"')).expect("a name");
    let zero = "A".repeat(43) + "=";
    let file = path.strip_prefix(place.path()).expect("below").display().to_string();
    let corpus = [
        (String::new(), "line 1: it is empty"),
        (good.replace(master, &master[..22]), &format!("keys: {name}: ")),
        (good.replace(master, &zero), &format!("keys: {name}: is all zeros")),
        (good.replace(fingerprint, &zero), "fingerprint: is all zeros"),
        (
            good.replace(master, &master.replace('=', "!")),
            &format!("keys: {name}: must be 32 bytes in standard base64"),
        ),
        (format!("{good}{name} = \"{fingerprint}\"\n"), "duplicate key"),
        (format!("{good}other = \"{master}\"\n"), "is the same key as another one"),
        (good.replace(&format!("active = \"{name}\""), "active = \"other\""), "active: [keys] has no other"),
        (good.replace(&format!("active = \"{name}\"\n"), ""), "active: is missing"),
        (good.replace(&format!("\"{master}\""), master), "not valid TOML"),
    ];
    for (bad, said) in corpus {
        place.file(&file, &bad, 0o600);
        refused(&place, &[], &keys, &[2], &[&file, said, "line "]);
        assert_eq!(text(&path), bad, "nothing is mended behind the operator's back");
    }
    place.file(&file, &good, 0o640);
    refused(&place, &[], &keys, &[2], &[&file, "chmod 600"]);
    place.file(&file, &good, 0o600);
    assert_eq!(place.serve(&[]).stop().code, Some(0));
}

#[test]
fn a_ring_that_is_gone_or_another_one_stops_the_start_and_says_how_many_keys_need_it() {
    let (place, made) = stored();
    let path = ring(&place);
    let good = text(&path);
    let keys = secrets(&good);
    std::fs::remove_file(&path).expect("gone");
    let counted = ["2 provider keys", "keyring.toml", "copy"];
    refused(&place, &[], &keys, &[1], &[&counted[..], &["there is no key ring"]].concat());
    place.run(&["init"]).refused(1, &counted);
    place.run(&["keys", "status"]).refused(1, &counted);
    assert!(!path.exists(), "no ring is made where one is missing");

    // Somebody else's, with a name of its own, and with the same.
    let other = Place::new();
    init(&other, &[]);
    let theirs = text(&ring(&other));
    let name = theirs.lines().find_map(|line| line.strip_prefix("active = \"")?.strip_suffix('"')).expect("a name");
    let (mine, all) = (secrets(&theirs), [keys.clone(), secrets(&theirs)].concat());
    place.file("data/keyring.toml", &theirs.replace(name, "elsewhere"), 0o600);
    refused(&place, &[], &all, &[1], &["2 provider keys", "is not the one of the SQLite file", &format!("{name} (2)")]);
    place.file("data/keyring.toml", &theirs, 0o600);
    refused(&place, &[], &mine, &[1], &["is not the one", name]);
    place.run(&["keys", "rotate"]).refused(1, &["is not the one"]);

    place.file("data/keyring.toml", &good, 0o600);
    let server = place.serve(&[]);
    let admin = Admin::sign_in(&place, &server, &made);
    let active = |provider: &str| (provider.to_owned(), "active".to_owned());
    assert_eq!(admin.keys(), [active("groq"), active("openai")]);
}

#[test]
fn init_makes_a_ring_for_its_owner_only_and_serve_uses_it() {
    let place = Place::new();
    let elsewhere = place.path().join("secrets/ring.toml");
    let named = [("OPS_CENTER__BYOK__KEYRING", elsewhere.to_str().expect("a path"))];
    // Where somebody said that it is, a server makes none.
    refused(&place, &named, &[], &[2], &["byok.keyring", "ring.toml", "ops-center init"]);
    let warned = place.run_with(&named, &["config", "check"]);
    assert!(warned.ok().contains("byok.keyring") && warned.err.contains("ops-center init makes it"), "{warned:?}");
    assert!(!elsewhere.exists());
    let made = init(&place, &named);
    assert_eq!((&made["keyring_created"], &made["keyring"]), (&true.into(), &elsewhere.to_str().into()));
    assert_eq!((mode(&elsewhere), mode(elsewhere.parent().expect("a folder"))), (0o600, 0o700));
    let before = text(&elsewhere);
    let again = init(&place, &named);
    assert_eq!((&again["created"], &again["keyring_created"]), (&false.into(), &false.into()));
    assert_eq!(text(&elsewhere), before);
    assert!(!ring(&place).exists());
    let server = Server::start(place.program(&["--listen", "127.0.0.1:0"]).envs(named));
    assert_eq!(server.get("/readyz").0, 200);
    let limits = text(&PathBuf::from(format!("/proc/{}/limits", server.id())));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
}

#[test]
fn the_first_start_makes_a_ring_and_says_where() {
    let place = Place::new();
    let first = place.serve(&[]).stop().out;
    let path = ring(&place).canonicalize().expect("a ring");
    assert!(first.contains(&format!("key ring   {}\n", path.display())), "{first}");
    assert!(first.contains("apart from the database"), "{first}");
    assert_eq!(mode(&path), 0o600);
    let before = text(&path);
    assert_eq!(place.serve(&[]).stop().code, Some(0));
    assert_eq!(text(&path), before);
}

/// A second machine on the same database, without the first one's ring.
fn second_machine(url: &str) {
    let (first, second) = (Place::new(), Place::new());
    let variables = [("DATABASE_URL", url)];
    init(&first, &variables);
    let good = text(&ring(&first));
    let said = ["there is no key ring", "keyring.toml", "copy keyring.toml from the data folder of the machine"];
    refused(&second, &variables, &secrets(&good), &[1], &said);
    second.run_with(&variables, &["init"]).refused(1, &said);
    assert!(!ring(&second).exists());
    second.file("data/keyring.toml", &good, 0o600);
    let server = Server::start(second.program(&["--listen", "127.0.0.1:0"]).envs(variables));
    assert_eq!(server.get("/readyz").0, 200);
}

#[test]
fn two_data_folders_on_one_sqlite_file_need_one_ring() {
    let shared = Place::new();
    second_machine(&format!("sqlite:{}", shared.path().join("shared.db").display()));
}

#[test]
fn two_machines_on_one_postgresql_database_need_one_ring() {
    let Some(database) = Database::make() else { return };
    second_machine(database.url());
}

#[test]
fn keys_rotate_and_retire_while_the_server_serves() {
    let (place, made) = stored();
    let server = place.serve(&[]);
    let admin = Admin::sign_in(&place, &server, &made);
    let status = || place.run(&["keys", "status", "--json"]).json();
    let before = status();
    let old = before["master_keys"][0]["id"].as_str().expect("a name").to_owned();
    assert_eq!((&before["provider_keys"], &before["to_rotate"]), (&2.into(), &0.into()));
    assert_eq!((&before["master_keys"][0]["sealing"], &before["master_keys"][0]["active"]), (&2.into(), &true.into()));

    let rotated = place.run(&["keys", "rotate", "--json"]).json();
    let new = rotated["active"].as_str().expect("a name").to_owned();
    assert_ne!(old, new);
    assert_eq!(rotated, json!({ "active": new, "new_master_key": true, "rewrapped": 2, "undecryptable": 0 }));
    assert_eq!(mode(&ring(&place)), 0o600);
    let active = |provider: &str| (provider.to_owned(), "active".to_owned());
    assert_eq!(admin.keys(), [active("groq"), active("openai")], "the server reads the new ring by itself");
    admin.keep("openai", KEY);
    let table = place.run(&["keys", "status"]);
    let line = |name: &str| table.ok().lines().find(|line| line.starts_with(&format!("{name} "))).expect("a line");
    assert_eq!(
        (line("master key").len(), line(&old).len()),
        (line(&new).len(), line(&new).len()),
        "columns: {table:?}"
    );
    assert!(line(&new).contains(" active ") && line(&old).contains(" in the ring "), "{table:?}");

    place.run(&["keys", "retire", &new]).refused(1, &[&new, "the active one"]);
    place.run(&["keys", "retire", "nobody"]).refused(1, &["nobody"]);
    assert_eq!(place.run(&["keys", "retire", &old, "--json"]).json(), json!({ "retired": old }));
    assert!(!text(&ring(&place)).contains(&format!("{old} = ")));
    let after = status();
    let retired = after["master_keys"].as_array().expect("a list").iter().find(|key| key["id"] == old.as_str());
    assert!(retired.is_some_and(|key| key["retired_at"].is_string() && key["in_ring"] == false), "{after}");
    admin.keep("anthropic", &KEY.replace("sk-", "sk-ant-"));
    assert_eq!(admin.keys().len(), 3);
    // The name of a retired key is never used again.
    let third = place.run(&["keys", "rotate", "--json"]).json();
    assert!(third["active"] != old.as_str() && third["active"] != new.as_str(), "{third}");
    drop(server);
    assert_eq!(place.serve(&[]).stop().code, Some(0));
}

#[test]
fn a_rotation_that_was_stopped_is_finished_without_another_master_key() {
    let (place, _) = stored();
    let old = place.run(&["keys", "status", "--json"]).json()["master_keys"][0]["id"].clone();
    let old = old.as_str().expect("a name");
    // As a rotation leaves it that is killed before its first step: the ring has the new key, and nothing is sealed with it.
    let prepared = place.run(&["keys", "rotate", "--prepare", "--json"]).json()["prepared"].clone();
    let new = prepared.as_str().expect("a name");
    let path = ring(&place);
    let stopped = text(&path).replace(&format!("active = \"{old}\""), &format!("active = \"{new}\""));
    place.file("data/keyring.toml", &stopped, 0o600);
    place.run(&["keys", "retire", old]).refused(1, &["2 provider keys", old, "keys rotate"]);
    let status = place.run(&["keys", "status", "--json"]).json();
    assert_eq!((&status["to_rotate"], &status["provider_keys"]), (&2.into(), &2.into()));

    let finished = place.run(&["keys", "rotate", "--json"]);
    assert_eq!(finished.json(), json!({ "active": new, "new_master_key": false, "rewrapped": 2, "undecryptable": 0 }));
    assert!(finished.err.contains("had not ended"), "{finished:?}");
    assert_eq!(secrets(&text(&path)).len(), 3, "fingerprint and two master keys");
    place.run(&["keys", "retire", old]).ok();
    // Now there is nothing to finish.
    let next = place.run(&["keys", "rotate", "--json"]).json();
    assert_eq!((&next["new_master_key"], &next["rewrapped"]), (&true.into(), &2.into()));
}

#[test]
fn several_machines_rotate_in_two_steps() {
    let (place, _) = stored();
    let (before, path) = (text(&ring(&place)), ring(&place));
    let prepared = place.run(&["keys", "rotate", "--prepare"]);
    let mend = prepared.ok().lines().last().expect("the next command").to_owned();
    assert_eq!(
        before.lines().find(|line| line.starts_with("active")),
        text(&path).lines().find(|line| line.starts_with("active"))
    );
    let next: Vec<&str> = mend.strip_prefix("ops-center ").expect("a command").split(' ').collect();
    assert!(place.run(&next).ok().contains("2 provider keys are sealed anew"));
    let new = next.last().expect("a name");
    assert!(text(&path).contains(&format!("active = \"{new}\"")));
    place.run(&["keys", "rotate", "--activate", "nobody"]).refused(1, &["nobody", "is not in the ring"]);
    assert_eq!(place.run(&["keys", "rotate", "--activate", new, "--new"]).code, Some(2));
}

#[test]
fn keys_wants_a_database_that_was_served() {
    let place = Place::new();
    place.run(&["keys", "status"]).refused(2, &["never served", "--data-dir"]);
    place.run(&["migrate"]).ok();
    place.run(&["keys", "rotate"]).refused(2, &["there is no key ring", "ops-center init"]);
    assert!(!ring(&place).exists());
}

#[test]
fn config_check_reads_ring_and_providers_and_prints_neither() {
    let place = Place::new();
    init(&place, &[]);
    let good = text(&ring(&place));
    let checked = place.run(&["config", "check"]);
    assert!(checked.ok().contains("byok.test_every_hours = 0"), "{checked:?}");
    says_nothing_of(&checked, &secrets(&good));
    let file = place.file("providers.toml", "[providers.acme]\nname = \"Acme\"\nauth = \"query\"\n", 0o644);
    let named = [("OPS_CENTER__BYOK__PROVIDERS", file.to_str().expect("a path"))];
    let wrong = place.run_with(&named, &["config", "check"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    for said in ["line 3: provider acme: auth: must be", "line 1: provider acme: docs_url: is missing"] {
        assert!(wrong.err.contains(said), "{wrong:?}");
    }
    place.file("data/keyring.toml", &good.replace("active = ", "actve = "), 0o600);
    let wrong = place.run(&["config", "check"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.err.contains("did you mean active?"), "{wrong:?}");
    says_nothing_of(&wrong, &secrets(&good));
}
