use crate::program::Place;

#[test]
fn an_unknown_variable_or_key_names_the_nearest() {
    let place = Place::new();
    let lost = place.run_with(&[("OPS_CENTER__SERVER__LISTN", "127.0.0.1:1")], &["serve"]);
    lost.refused(2, &["OPS_CENTER__SERVER__LISTN", "did you mean OPS_CENTER__SERVER__LISTEN?"]);
    let file = place.file("ops.toml", "[sesion]\nidle_seconds = 3\n", 0o644);
    let file = file.to_str().expect("a path");
    place.run(&["--config", file, "serve"]).refused(2, &["sesion.idle_seconds", file, "session.idle_seconds?"]);
    place.run(&["--config", "nowhere.toml"]).refused(2, &["nowhere.toml", "--config"]);
    assert!(!place.data().exists(), "nothing is made for a wrong configuration");
}

#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let place = Place::new();
    let secret = place.file("secret", "sqlite:other.db\n", 0o640);
    let named = [("OPS_CENTER__DATABASE__URL_FILE", secret.to_str().expect("a path"))];
    place.run_with(&named, &["migrate"]).refused(2, &["OPS_CENTER__DATABASE__URL_FILE", "chmod 600"]);
    place.file("secret", "sqlite:other.db\n", 0o600);
    place.run_with(&named, &["migrate"]).ok();
    assert!(place.path().join("other.db").exists());
    let missing = [("OPS_CENTER__DATABASE__URL_FILE", "/nowhere/secret")];
    place.run_with(&missing, &["migrate"]).refused(2, &["/nowhere/secret", "OPS_CENTER__DATABASE__URL_FILE"]);
}

#[test]
fn config_check_tells_everything_but_secrets() {
    let place = Place::new();
    let file = place.file("ops.toml", "[mail]\nsmtp_password = \"canary-file\"\n[log]\nlevel = \"warn\"\n", 0o600);
    let variables = [("DATABASE_URL", "postgres://ops:canary-env@db/ops"), ("OPS_CENTER__SERVER__WORKERS", "3")];
    let arguments = ["--config", file.to_str().expect("a path"), "config", "check"];
    let text = place.run_with(&variables, &arguments);
    assert!(!text.ok().contains("canary"), "{text:?}");
    for line in
        ["mail.smtp_password = \"***\"", "database.url = \"***\"", "server.workers = 3", "session.per_user = 10"]
    {
        assert!(text.ok().contains(line), "{line}: {text:?}");
    }
    let json = place.run_with(&variables, &[&arguments[..], &["--json"]].concat());
    assert!(!json.ok().contains("canary"));
    let json = json.json();
    assert_eq!(json["server.workers"], serde_json::json!({ "value": 3, "from": "OPS_CENTER__SERVER__WORKERS" }));
    assert_eq!(json["database.url"], serde_json::json!({ "value": "***", "from": "DATABASE_URL" }));
    assert_eq!(json["log.level"]["from"], file.to_str().expect("a path"));
    assert_eq!(json["mail.smtp_port"], serde_json::json!({ "value": 587, "from": "default" }));
    let wrong = place.run_with(&[("OPS_CENTER__ENVIRONMENT", "production")], &["config", "check"]);
    wrong.refused(2, &["server.public_url"]);
    assert!(!place.data().exists(), "a check makes nothing");
}

#[test]
fn a_check_tells_everything_that_is_wrong() {
    let place = Place::new();
    let variables = [
        ("OPS_CENTER__SERVER__LISTN", "127.0.0.1:1"),
        ("OPS_CENTER__SESION__PER_USER", "3"),
        ("OPS_CENTER__ENVIRONMENT", "production"),
    ];
    let wrong = place.run_with(&variables, &["config", "check"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""), "{wrong:?}");
    assert!(wrong.err.starts_with("ops-center: the configuration has 3 problems:\n"), "{wrong:?}");
    for (line, expected) in wrong.err.lines().skip(1).zip([
        "did you mean OPS_CENTER__SERVER__LISTEN?",
        "did you mean OPS_CENTER__SESSION__PER_USER?",
        "server.public_url",
    ]) {
        assert!(line.contains(expected), "{expected}: {wrong:?}");
    }
}

#[test]
fn a_check_reads_the_catalogue_too() {
    let place = Place::new();
    let good = "[services.chat]\ndisplay_name = \"Chat\"\n\n[plans.free]\nname = \"Free\"\nlevel = 0\nprice_monthly_cents = 0\napi_calls_limit = 10\nservices = [\"chat\"]\n";
    let check = |file: &std::path::Path| {
        place.run_with(&[("OPS_CENTER__PLANS__CATALOGUE", file.to_str().expect("a path"))], &["config", "check"])
    };
    let file = place.file("good.toml", good, 0o644);
    assert!(check(&file).ok().contains("plans.catalogue = "), "{:?}", check(&file));
    let file = place.file("wrong.toml", &good.replace("level = 0", "level = \"zero\""), 0o644);
    check(&file).refused(2, &["wrong.toml", "line 6", "free", "level"]);
    let file = place.file("broken.toml", &good.replace("[plans.free]", "[plans.free"), 0o644);
    check(&file).refused(2, &["broken.toml", "line 4"]);
    check(&place.path().join("nowhere.toml")).refused(2, &["plans.catalogue", "nowhere.toml"]);
    assert!(!place.data().exists(), "a check makes nothing");
}

#[test]
fn the_printed_defaults_are_a_configuration() {
    let place = Place::new();
    let defaults = place.run(&["config", "defaults"]);
    let file = place.file("ops.toml", defaults.ok(), 0o644);
    place.run(&["--config", file.to_str().expect("a path"), "config", "check"]).ok();
}
