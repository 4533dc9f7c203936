use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use plan_core::{OnOutage, OutagePolicy};
use secrecy::ExposeSecret;

use super::*;

/// A file of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(text: &str, mode: u32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ops-center-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        Self(path)
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

fn environment(pairs: &[(&str, &str)]) -> Sources {
    Sources::of_variables(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn with_file(file: &Scratch, pairs: &[(&str, &str)]) -> Sources {
    Sources { file: Some(file.0.clone()), ..environment(pairs) }
}

fn complaint(sources: &Sources) -> String {
    Config::load(sources).expect_err("must be refused").to_string()
}

#[test]
fn the_defaults_are_a_configuration() {
    let config = Config::load(&Sources::default()).expect("the defaults");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8084");
    assert_eq!(config.session.rules().user, auth_core::SessionRules::default().user);
    assert_eq!(config.session.rules().admin, auth_core::SessionRules::default().admin);
    assert!(config.database.url.is_none() && config.redis.url.is_none() && config.server.tls().is_none());
}

#[test]
fn what_becomes_of_a_check_that_cannot_be_made_is_configured() {
    let outages = |pairs: &[(&str, &str)]| Config::load(&environment(pairs)).map(|config| config.decision.outages());
    assert_eq!(outages(&[]).expect("the defaults"), OutagePolicy::default());
    let [rate, byok] = ["OPS_CENTER__DECISION__ON_OUTAGE_RATE_LIMIT", "OPS_CENTER__DECISION__ON_OUTAGE_BYOK"];
    let turned = OutagePolicy { rate_limit: OnOutage::Refuse, byok: OnOutage::Allow };
    assert_eq!(outages(&[(rate, "refuse"), (byok, "allow")]).expect("words that it knows"), turned);
    let wrong = complaint(&environment(&[(rate, "ignore")]));
    assert!(wrong.contains("decision.on_outage_rate_limit") && wrong.contains("`allow` or `refuse`"), "{wrong}");
}

#[test]
fn the_command_line_beats_the_environment_beats_the_file_beats_the_defaults() {
    let file = Scratch::new("[server]\nworkers = 2\nmax_connections = 20\n[database]\nurl = 'sqlite:file.db'\n", 0o644);
    let mut sources = with_file(&file, &[("OPS_CENTER__SERVER__WORKERS", "3"), ("DATABASE_URL", "sqlite:alias.db")]);
    sources.flags.push(("server.listen".to_owned(), "127.0.0.1:1".to_owned()));
    sources.variables.push(("server.listen".to_owned(), "127.0.0.1:2".to_owned()));
    let (config, settings) = Config::explained(&sources).expect("a configuration");
    assert_eq!((config.server.workers, config.server.max_connections), (3, 20));
    assert_eq!(config.server.listen.port(), 1);
    assert_eq!(config.database.url.expect("a URL").expose_secret(), "sqlite:alias.db");
    let from = |key: &str| settings.iter().find(|setting| setting.key == key).expect("the key").from.clone();
    assert_eq!(from("server.workers"), "OPS_CENTER__SERVER__WORKERS");
    assert_eq!(from("server.max_connections"), file.text());
    assert_eq!(from("server.listen"), "--listen");
    assert_eq!(from("database.url"), "DATABASE_URL");
    assert_eq!(from("log.level"), "default");
}

#[test]
fn an_alias_is_weaker_than_our_own_variable() {
    let pairs =
        [("DATABASE_URL", "sqlite:a.db"), ("OPS_CENTER__DATABASE__URL", "sqlite:b.db"), ("REDIS_URL", "redis://r")];
    let config = Config::load(&environment(&pairs)).expect("a configuration");
    assert_eq!(config.database.url.expect("a URL").expose_secret(), "sqlite:b.db");
    assert_eq!(config.redis.url.expect("a URL").expose_secret(), "redis://r");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_and_its_place() {
    let file = Scratch::new("[server]\nlisen = '127.0.0.1:1'\n", 0o644);
    let said = complaint(&with_file(&file, &[]));
    assert!(said.contains("server.lisen") && said.contains(&file.text()) && said.contains("server.listen?"), "{said}");
    let said = complaint(&environment(&[("OPS_CENTER__SESION__IDLE_SECONDS", "3")]));
    assert!(said.contains("OPS_CENTER__SESION__IDLE_SECONDS"), "{said}");
    assert!(said.contains("OPS_CENTER__SESSION__IDLE_SECONDS?"), "{said}");
    for lost in
        ["[colour]\n", "server = 3\n", "[server]\nlisten_file = 'x'\n", "[server.listen]\nport = 3\n", "zzz = 1\n"]
    {
        let file = Scratch::new(lost, 0o644);
        assert!(complaint(&with_file(&file, &[])).contains("is no configuration key"), "{lost}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_names_its_key_and_shows_no_value() {
    let file = Scratch::new("[mail]\nsmtp_password = 4711\n", 0o644);
    let said = complaint(&with_file(&file, &[]));
    assert!(said.contains("mail.smtp_password") && said.contains("must be text") && !said.contains("4711"), "{said}");
    for (name, value, expected) in [
        ("OPS_CENTER__SERVER__WORKERS", "many", "a whole number"),
        ("OPS_CENTER__SERVER__WORKERS", "70000", "server.workers"),
        ("OPS_CENTER__SERVER__LISTEN", "nowhere", "server.listen"),
        ("OPS_CENTER__BLOB__S3_ALLOW_HTTP", "yes", "true or false"),
        ("OPS_CENTER__ENVIRONMENT", "prod", "development"),
        ("OPS_CENTER__LOG__FORMAT", "xml", "log.format"),
        ("OPS_CENTER__LOG__LEVEL", "info,=,", "log.level"),
        ("OPS_CENTER__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,home", "home"),
        ("OPS_CENTER__SERVER__TLS_CERT", "cert.pem", "server.tls_key"),
        ("OPS_CENTER__SESSION__IDLE_SECONDS", "0", "[session]"),
        ("OPS_CENTER__ENVIRONMENT", "production", "server.public_url"),
    ] {
        let said = complaint(&environment(&[(name, value)]));
        assert!(said.contains(expected), "{name}={value}: {said}");
        assert!(!said.contains('\n'), "one sentence: {said}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let file = Scratch::new("[server]\nlisen = '127.0.0.1:1'\nworkers = 70000\n[sesion]\nper_user = 3\n", 0o644);
    let pairs = [
        ("OPS_CENTER__SERVER__LISTN", "127.0.0.1:1"),
        ("OPS_CENTER__SERVER__LISTEN", "8084"),
        ("OPS_CENTER__BLOB__S3_ALLOW_HTTP", "yes"),
        ("OPS_CENTER__MAIL__FROM", "nobody"),
        ("OPS_CENTER__BLOB__KIND", "s3"),
        ("OPS_CENTER__ENVIRONMENT", "production"),
    ];
    let said = complaint(&with_file(&file, &pairs));
    let problems: Vec<&str> = said.lines().skip(1).collect();
    assert_eq!(said.lines().next(), Some("the configuration has 12 problems:"), "{said}");
    assert_eq!(problems.len(), 12, "{said}");
    for expected in [
        "server.lisen in",
        "did you mean server.listen?",
        "did you mean session.per_user?",
        "did you mean OPS_CENTER__SERVER__LISTEN?",
        "server.workers (from",
        "server.listen (from OPS_CENTER__SERVER__LISTEN): must be an IP address and a port",
        "did you mean 127.0.0.1:8084?",
        "OPS_CENTER__BLOB__S3_ALLOW_HTTP in the environment must be true or false",
        "mail.from (from OPS_CENTER__MAIL__FROM): must look like",
        "needs blob.s3_endpoint",
        "needs blob.s3_bucket",
        "needs blob.s3_access_key",
        "needs blob.s3_secret_key",
        "needs server.public_url",
    ] {
        let once = problems.iter().filter(|problem| problem.contains(expected)).count();
        assert_eq!(once, 1, "{expected}: {said}");
    }
}

#[test]
fn broken_toml_is_told_by_its_line_and_quotes_nothing() {
    let file = Scratch::new("[mail]\nsmtp_password = \"hunter2\n", 0o644);
    let said = complaint(&with_file(&file, &[]));
    assert!(said.contains("line 2") && !said.contains("hunter2") && !said.contains('\n'), "{said}");
    let missing = Sources { file: Some("/nowhere/config.toml".into()), ..Sources::default() };
    assert!(complaint(&missing).contains("--config"));
}

#[test]
fn a_secret_comes_from_a_file_that_only_its_owner_reads() {
    let secret = Scratch::new("two words\n\n", 0o600);
    let path = secret.text();
    let config =
        Config::load(&environment(&[("OPS_CENTER__MAIL__SMTP_PASSWORD_FILE", &path)])).expect("a configuration");
    assert_eq!(config.mail.smtp_password.expose_secret(), "two words\n");
    let file = Scratch::new(&format!("[mail]\nsmtp_password_file = '{path}'\n"), 0o644);
    let config = Config::load(&with_file(&file, &[])).expect("a configuration");
    assert_eq!(config.mail.smtp_password.expose_secret(), "two words\n");

    let several = Scratch::new("whsec_new\n\nwhsec_old\n", 0o600);
    let named = [("OPS_CENTER__BILLING__STRIPE__WEBHOOK_SECRETS_FILE", several.text())];
    let named = named.each_ref().map(|(name, path)| (*name, path.as_str()));
    let secrets = Config::load(&environment(&named)).expect("a configuration").billing.stripe.webhook_secrets;
    let secrets: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(secrets, ["whsec_new", "whsec_old"]);

    for mode in [0o640, 0o604, 0o644, 0o620] {
        let open = Scratch::new("x", mode);
        let said = complaint(&environment(&[("OPS_CENTER__MAIL__SMTP_PASSWORD_FILE", &open.text())]));
        assert!(said.contains("chmod 600") && said.contains("SMTP_PASSWORD_FILE"), "{said}");
    }
    let said = complaint(&environment(&[("OPS_CENTER__REDIS__URL_FILE", "/nowhere/secret")]));
    assert!(said.contains("/nowhere/secret") && said.contains("OPS_CENTER__REDIS__URL_FILE"), "{said}");
    let both = [("OPS_CENTER__MAIL__SMTP_PASSWORD_FILE", path.as_str()), ("OPS_CENTER__MAIL__SMTP_PASSWORD", "x")];
    assert!(complaint(&environment(&both)).contains("keep one of them"));
}

#[test]
fn nothing_prints_a_secret() {
    let pairs = [
        ("OPS_CENTER__MAIL__SMTP_PASSWORD", "canary-1"),
        ("DATABASE_URL", "postgres://u:canary-2@h/d"),
        ("REDIS_URL", "redis://:canary-3@h"),
        ("OPS_CENTER__BLOB__S3_ACCESS_KEY", "canary-4"),
        ("OPS_CENTER__BLOB__S3_SECRET_KEY", "canary-5"),
        ("STRIPE_SECRET_KEY", "sk_test_canary-6"),
        ("OPS_CENTER__BILLING__STRIPE__WEBHOOK_SECRETS", "canary-7,canary-8"),
        ("OPS_CENTER__BILLING__LAGO__API_KEY", "canary-9"),
        ("OPS_CENTER__BILLING__LAGO__WEBHOOK_SECRET", "canary-10"),
        ("OPS_CENTER__BILLING__QUOTE_KEY", "canary-11-canary-11-canary-11-canary-11"),
    ];
    let (config, settings) = Config::explained(&environment(&pairs)).expect("a configuration");
    let printed = format!("{config:?} {settings:?}");
    assert!(!printed.contains("canary"), "{printed}");
    let hidden = settings.iter().filter(|setting| setting.value == "***").count();
    assert_eq!(hidden, pairs.len());
}
