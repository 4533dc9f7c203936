//! KEY-2: a sealed secret is bound to its place. Whoever can write to the database can destroy keys, and read or redirect none.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::OrgId;
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, Value};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Backend, FakeProvider, TestApp};

use super::{BYOK, House, adding, keys, tells_nothing};
use crate::rig::tables::{beside, rows};
use crate::rig::until;

const ADA: &str = "sk-proj-ADA7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1P";
const BOB: &str = "sk-proj-BOB0Jk1PsXqA7Qz4LmVx2Rt9Yc5Wb8Nd";
const GROQ: &str = "gsk_Yc5Wb8Nd3Fh6Jk1PsXqA7Qz4LmVx2Rt9";
const CUSTOM: &str = "Xq7-Hh2-Pp5-Ww9-Ee4-Rr1-Tt8-Yy3-Uu6";

/// The database beside the server, and a row of a key in it.
struct Vault(DatabaseConnection);

impl Vault {
    async fn run(&self, sql: &str, values: Vec<Value>) {
        let statement = Statement::from_sql_and_values(self.0.get_database_backend(), sql, values);
        let done = self.0.execute_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(done.rows_affected(), 1, "{sql}");
    }

    /// Sets a column of a key, as somebody who can write to the database.
    async fn set(&self, house: &House, provider: &str, column: &str, value: impl Into<Value>) {
        let sql = format!("UPDATE provider_key SET {column} = $1 WHERE org_id = $2 AND provider = $3");
        self.run(&sql, vec![value.into(), uuid(house).into(), provider.into()]).await;
    }

    async fn get<T: sea_orm::TryGetable>(&self, house: &House, provider: &str, column: &str) -> T {
        let sql = format!("SELECT {column} FROM provider_key WHERE org_id = $1 AND provider = $2");
        let backend = self.0.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [uuid(house).into(), Value::from(provider)]);
        let row = self.0.query_one_raw(statement).await.expect("an answer").expect("a row");
        row.try_get_by_index(0).expect("a value")
    }

    async fn sealed(&self, house: &House, provider: &str) -> Vec<u8> {
        self.get(house, provider, "sealed").await
    }

    /// Puts each one's secret in the other's place.
    async fn swap(&self, one: (&House, &str), other: (&House, &str)) {
        let (first, second) = (self.sealed(one.0, one.1).await, self.sealed(other.0, other.1).await);
        self.set(one.0, one.1, "sealed", second).await;
        self.set(other.0, other.1, "sealed", first).await;
    }

    /// How often the trail says that a key could not be handed out, and not be tested.
    async fn alarms(&self) -> [usize; 2] {
        let of = |action: &str| format!("SELECT id FROM audit_record WHERE action = '{action}' AND result = 'failure'");
        let (resolved, tested) = (of("byok.key.resolved"), of("byok.key.tested"));
        [rows(&self.0, &resolved).await.len(), rows(&self.0, &tested).await.len()]
    }
}

fn uuid(house: &House) -> Uuid {
    house.org.parse::<OrgId>().expect("an id").uuid()
}

/// Two organizations with keys, and a ring of two master keys, of which `k-old` seals.
struct Scene {
    app: TestApp,
    fake: FakeProvider,
    vault: Vault,
    ada: House,
    bob: House,
    _folder: TempDir,
}

impl Scene {
    async fn set(backend: Backend) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring.toml");
        let key = |byte: u8| STANDARD.encode([byte; 32]);
        let ring = format!(
            "active = \"k-old\"\nfingerprint = \"{}\"\n\n[keys]\nk-old = \"{}\"\nk-new = \"{}\"\n",
            key(7),
            key(1),
            key(2)
        );
        std::fs::write(&path, ring).expect("a ring");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("a file of one's own");
        let fake = FakeProvider::start();
        let builder = TestApp::builder().backend(backend).providers(&fake);
        let app = builder.config(|config| config.byok.keyring = Some(path)).start().await;
        let (ada, bob) = (House::new(&app, "ada").await, House::new(&app, "bob").await);
        ada.add("openai", ADA).await;
        ada.add("groq", GROQ).await;
        bob.add("openai", BOB).await;
        let body = json!({ "provider": "custom", "key": CUSTOM, "endpoint": format!("{}/v1", fake.url()) });
        adding(&ada.owner, &ada.org, &body).await.expect(200);
        let vault = Vault(beside(&app).await);
        let scene = Self { app, fake, vault, ada, bob, _folder: folder };
        for (house, provider) in
            [(&scene.ada, "openai"), (&scene.ada, "groq"), (&scene.ada, "custom"), (&scene.bob, "openai")]
        {
            scene.is_whole(house, provider, "before").await;
        }
        scene
    }

    /// The key is listed as one that cannot be opened, the others as what they are; nobody is handed it, nobody is sent it, and the
    /// trail says so.
    async fn is_spoiled(&self, house: &House, provider: &str, how: &str) {
        let seen = async || house.key(provider).await["status"] == "undecryptable";
        until(Duration::from_secs(3), &format!("{how}: {provider} is undecryptable"), seen).await;
        let listed = keys(&house.owner, &house.org).await;
        assert!(listed.len() >= usize::from(house.org == self.ada.org) * 3, "{how}: the listing survives");
        let ([resolutions, tests], asked) = (self.vault.alarms().await, self.fake.connections());
        let resolved = house.resolve(provider).await;
        resolved.problem(409, "key_undecryptable");
        assert_eq!(self.vault.alarms().await, [resolutions + 1, tests], "{how}: the trail tells");
        let tested = house.test(provider).await;
        tested.problem(409, "key_undecryptable");
        assert_eq!(self.vault.alarms().await, [resolutions + 1, tests + 1], "{how}: the trail tells of a test too");
        assert_eq!(self.fake.connections(), asked, "{how}: nobody is sent anything");
        for text in [resolved.text(), tested.text(), json!(listed).to_string()] {
            for secret in [ADA, BOB, GROQ, CUSTOM] {
                tells_nothing(&text, secret);
            }
        }
    }

    async fn is_whole(&self, house: &House, provider: &str, how: &str) {
        let secret = match (provider, house.org == self.bob.org) {
            ("openai", true) => BOB,
            ("openai", false) => ADA,
            ("groq", _) => GROQ,
            _ => CUSTOM,
        };
        let seen = async || house.key(provider).await["status"] == "active";
        until(Duration::from_secs(3), &format!("{how}: {provider} is active"), seen).await;
        assert_eq!(house.resolve(provider).await.expect(200)["key"], secret, "{how}");
    }

    /// Both keys are spoiled by what was done, and whole when it is undone.
    async fn swapped(&self, one: (&House, &str), other: (&House, &str), how: &str) {
        self.vault.swap(one, other).await;
        self.is_spoiled(one.0, one.1, how).await;
        self.is_spoiled(other.0, other.1, how).await;
        self.vault.swap(one, other).await;
        self.is_whole(one.0, one.1, how).await;
        self.is_whole(other.0, other.1, how).await;
    }

    /// A key is spoiled by another value of a column, and whole with its own.
    async fn changed<T>(&self, provider: &str, column: &str, wrong: T, how: &str)
    where
        T: sea_orm::TryGetable + Into<Value>,
    {
        let right: T = self.vault.get(&self.ada, provider, column).await;
        self.vault.set(&self.ada, provider, column, wrong).await;
        self.is_spoiled(&self.ada, provider, how).await;
        self.vault.set(&self.ada, provider, column, right).await;
        self.is_whole(&self.ada, provider, how).await;
    }
}

fn backends() -> impl Iterator<Item = Backend> {
    [Backend::Sqlite, Backend::Postgres].into_iter().filter(|backend| backend.is_there())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_in_another_place_opens_nowhere() {
    for backend in backends() {
        println!("on {backend}:");
        let scene = Scene::set(backend).await;
        let (ada, bob) = (&scene.ada, &scene.bob);
        scene.swapped((ada, "openai"), (bob, "openai"), "organization").await;
        scene.swapped((ada, "openai"), (ada, "groq"), "provider").await;
        scene.swapped((ada, "groq"), (bob, "openai"), "organization and provider").await;
        scene.swapped((ada, "openai"), (ada, "custom"), "provider and endpoint").await;
        scene.changed("openai", "id", Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_0000_0000_0009), "record").await;
        for version in [-1_i64, 0, 2, 7, i64::MAX] {
            scene.changed("openai", "version", version, "version").await;
        }
        for endpoint in [format!("{}/v2", scene.fake.url()), "https://sink.example".to_owned()] {
            scene.changed("custom", "endpoint", endpoint, "endpoint").await;
        }
        scene.changed("custom", "endpoint", None::<String>, "no endpoint").await;
        let sink = Some("https://sink.example".to_owned());
        scene.changed("groq", "endpoint", sink, "an endpoint where the provider has its own").await;
        // The whole row, in every column but whose it is.
        let moved = "UPDATE provider_key SET org_id = $1 WHERE org_id = $2 AND provider = 'groq'";
        scene.vault.run(moved, vec![uuid(bob).into(), uuid(ada).into()]).await;
        scene.is_spoiled(bob, "groq", "a whole row, moved").await;
        scene.vault.run(moved, vec![uuid(ada).into(), uuid(bob).into()]).await;
        scene.is_whole(ada, "groq", "moved back").await;
        assert_eq!(scene.app.private_base, None);
    }
}

/// The name of the master key in the bytes is bound too, and an older secret of the same record stays dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_under_another_name_or_of_another_time_opens_nowhere() {
    for backend in backends() {
        println!("on {backend}:");
        let scene = Scene::set(backend).await;
        let sealed = scene.vault.sealed(&scene.ada, "openai").await;
        assert_eq!(sealed[..7], *b"\x01\x05k-old");
        let renamed = [b"\x01\x05k-new", &sealed[7..]].concat();
        scene.changed("openai", "sealed", renamed, "master key").await;
        let unknown = [b"\x01\x05k-nil", &sealed[7..]].concat();
        scene.changed("openai", "sealed", unknown, "a master key that is not there").await;

        // Every byte of it counts: format, length, name, nonces, ciphertexts, tags.
        for at in [0, 1, 4, 7, 18, 19, 50, 66, 67, 78, 79, sealed.len() - 17, sealed.len() - 1] {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            scene.changed("openai", "sealed", flipped, &format!("byte {at}")).await;
        }
        for cut in [0, 1, 2, 7, 67, sealed.len() - 1] {
            scene.changed("openai", "sealed", sealed[..cut].to_vec(), &format!("cut to {cut}")).await;
        }
        scene.changed("openai", "sealed", [sealed.as_slice(), b"!"].concat(), "one byte more").await;

        let newer = "sk-proj-NEW1PsXqA7Qz4LmVx2Rt9Yc5Wb8Nd3Fh";
        scene.ada.add("openai", newer).await;
        assert_eq!(scene.ada.resolve("openai").await.expect(200)["key"], newer);
        scene.vault.set(&scene.ada, "openai", "sealed", sealed).await;
        scene.is_spoiled(&scene.ada, "openai", "an older secret").await;
        // It can always be stored again, and deleted.
        scene.ada.add("openai", ADA).await;
        scene.is_whole(&scene.ada, "openai", "stored again").await;
        scene.ada.delete("openai").await.expect(200);
    }
}

/// Who pays for a call of the service `chat`, and how many keys count as valid.
async fn worth(house: &House) -> (serde_json::Value, serde_json::Value) {
    let decided = house.service.post("/api/v1/decide").json(&json!({ "service": "chat" })).await.expect(200);
    let stats = house.owner.get(&format!("{BYOK}/stats?org_id={}", house.org)).await.expect(200);
    (decided["pays"].clone(), stats["valid_providers"].clone())
}

/// Nobody is told that a key pays which nobody could be handed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_does_not_open_pays_for_nothing() {
    for backend in backends() {
        println!("on {backend}:");
        let scene = Scene::set(backend).await;
        let bob = &scene.bob;
        assert_eq!(bob.test("openai").await.expect(200)["status"], "valid");
        let will_be = async |pays: &str, valid: u32| {
            let so = async || worth(bob).await == (json!(pays), json!(valid));
            until(Duration::from_secs(3), &format!("{pays} pays, {valid} are valid"), so).await;
        };
        will_be("byok", 1).await;
        let whole = scene.vault.sealed(bob, "openai").await;
        let mut flipped = whole.clone();
        flipped[70] ^= 1;
        for (column, wrong) in [
            ("sealed", Value::from(flipped)),
            ("endpoint", Value::from("https://sink.example")),
            ("version", Value::from(7_i64)),
            ("master_key", Value::from("k-new")),
            ("master_key", Value::from("k-nobody")),
        ] {
            scene.vault.set(bob, "openai", column, wrong).await;
            will_be("platform", 0).await;
            for (column, right) in [
                ("sealed", Value::from(whole.clone())),
                ("endpoint", Value::from(None::<String>)),
                ("version", Value::from(1_i64)),
                ("master_key", Value::from("k-old")),
            ] {
                scene.vault.set(bob, "openai", column, right).await;
            }
            will_be("byok", 1).await;
        }
    }
}
