//! SES-1: session tokens cannot be guessed, and are stored nowhere.

use std::collections::HashSet;
use std::path::Path;

use auth_core::{SessionToken, UserTag};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Ambient;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};
use secrecy::ExposeSecret;
use serde_json::json;
use testkit::{Answer, TestApp};

use crate::rig::redis::everything;

const TOKENS: usize = 10_000;

/// χ² with 255 degrees of freedom is greater than this with p = 0.001.
const CRITICAL: f64 = 330.52;

/// The random bytes of a new token.
fn mint(ambient: &Ambient) -> Vec<u8> {
    let cookie = SessionToken::mint(&UserTag::mint(ambient), ambient).to_cookie();
    let (tag, secret) = cookie.split_once('.').expect("tag and secret");
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    [decode(tag), decode(secret)].concat()
}

/// The positions at which the bytes of these tokens are not uniform, with p ≤ 0.001 each.
fn skewed(tokens: &[Vec<u8>]) -> HashSet<usize> {
    let expected = f64::from(u32::try_from(tokens.len()).unwrap()) / 256.0;
    let chi_squared = |position: usize| {
        let mut counts = [0_u32; 256];
        for token in tokens {
            counts[usize::from(token[position])] += 1;
        }
        counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum::<f64>()
    };
    (0..tokens[0].len()).filter(|position| chi_squared(*position) > CRITICAL).collect()
}

#[test]
fn ten_thousand_tokens_are_distinct_and_every_byte_is_uniform() {
    let ambient = Ambient::system();
    let sample = || (0..TOKENS).map(|_| mint(&ambient)).collect::<Vec<_>>();
    let first = sample();
    assert!(first.iter().all(|token| token.len() == 12 + 32), "a tag of 96 bits and a secret of 256");
    let distinct: HashSet<&[u8]> = first.iter().map(|token| &token[12..]).collect();
    assert_eq!(distinct.len(), TOKENS);
    // Of 44 fair positions one in 23 samples shows p ≤ 0.001; that the same one does so twice is a finding.
    let twice: Vec<usize> = skewed(&first).intersection(&skewed(&sample())).copied().collect();
    assert!(twice.is_empty(), "bytes {twice:?} are not uniform");
}

/// The values of all cookies that an answer sets.
fn values(answer: &Answer) -> Vec<String> {
    let pairs = answer.set_cookies().into_iter().filter_map(|line| line.split(';').next()?.split_once('='));
    pairs.map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_redis_nor_the_database_holds_a_cookie() {
    TestApp::each(|app| async move {
        let ada = app.owner("ada@x.test", "Acme").await;
        let mut secrets: Vec<String> = ada.csrf().into_iter().collect();
        for _ in 0..5 {
            secrets.extend(values(&ada.in_new_browser().sign_in().await));
        }
        let org = ada.me().await["org_id"].clone();
        secrets.extend(values(&ada.post("/api/v1/org/switch").json(&json!({ "org_id": org })).await));
        let change = json!({ "current_password": ada.password, "new_password": "another ship sails at dusk" });
        let changed = ada.post("/api/v1/auth/change-password").json(&change).await;
        changed.expect(200);
        secrets.extend(values(&changed));
        let link = app.run(move |services| async move {
            let secret = services.users.issue_link(&kernel::Actor::system(), ada.id).await.expect("a link");
            secret.expose().to_owned()
        });
        secrets.push(link.await);
        assert!(secrets.len() >= 14, "session and device cookies, a CSRF token and a link: {}", secrets.len());

        let stored = stored(&app).await;
        for secret in secrets.iter().map(|value| value.split_once('.').map_or(value.as_str(), |(_, secret)| secret)) {
            for form in forms(secret) {
                assert!(!contains(&stored, &form), "a secret is stored as {}", String::from_utf8_lossy(&form));
            }
        }
    })
    .await;
}

/// A secret as text and as bytes, plain and as hexadecimal digits.
fn forms(secret: &str) -> [Vec<u8>; 4] {
    assert_eq!(secret.len(), 43, "{secret}");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes();
    let raw = URL_SAFE_NO_PAD.decode(secret).expect("base64url");
    [secret.as_bytes().to_vec(), hex(secret.as_bytes()), hex(&raw), raw]
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Everything that the app keeps: every column of every table, every key and value of Redis, every file.
async fn stored(app: &TestApp) -> Vec<u8> {
    let mut all = Vec::new();
    files(&app.data_dir(), &mut all);
    assert!(!app.backend.has_postgres() || app.config.database.url.is_some());
    if let Some(url) = &app.config.database.url {
        all.extend(tables(url.expose_secret()).await.into_bytes());
    }
    if let Some(url) = app.config.redis.url.as_ref().filter(|_| app.backend.has_redis()) {
        let text = everything(url.expose_secret());
        assert!(text.contains("ops:{"), "Redis holds the sessions");
        all.extend(text.into_bytes());
    }
    all
}

fn files(folder: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, all) } else { all.extend(std::fs::read(&path).expect("a file")) }
    }
}

/// Every row of every table of a PostgreSQL database, as text; bytes are hexadecimal digits.
async fn tables(url: &str) -> String {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let database = Database::connect(options).await.expect("the database");
    let texts = async |sql: String| -> Vec<String> {
        let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await;
        rows.expect("rows").iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
    };
    let names =
        texts("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'".to_owned());
    let names = names.await;
    assert!(names.iter().any(|name| name == "session"), "{names:?}");
    let mut all = String::new();
    for name in names {
        all += &texts(format!("SELECT t::text FROM \"{name}\" t")).await.join("\n");
    }
    all
}
