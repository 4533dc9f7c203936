//! KEY-3: ten thousand keys get a new master key while they are in use, with five kills in between, and nobody notices.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use byok_core::policy::seal;
use byok_core::{Binding, KeyRing, MasterKey, MasterKeyId, ProviderSecret, Purpose};
use kernel::{Ambient, OrgId, ProviderKeyId};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, Value as Bound};
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::{Backend, Client, FakeProvider};

use super::{KEYS, resolving};
use crate::rig::process::{Ended, Server, Site, run, sign_in};
use crate::rig::service::Service;
use crate::rig::tables::{open, rows};
use crate::rig::until;

const ORGS: usize = 40;
const PROVIDERS: usize = 250;
const KILLS: usize = 5;
/// Keys that are read while a rotation is at work: one by a resolution, all of an organization's by a list.
const READS: usize = 10_000;
const READERS: usize = 8;

fn provider(number: usize) -> String {
    format!("p{number:03}")
}

fn secret(org: usize, provider: usize) -> String {
    format!("key-of-{org:03}-at-{provider:03}-7Qz4LmVx2Rt9")
}

/// A catalogue of so many providers more.
fn catalogue() -> String {
    let entry = |number: usize| {
        let name = provider(number);
        format!(
            "[providers.{name}]\nname = \"{name}\"\ndocs_url = \"https://docs.example\"\nendpoint = \"HOME\"\nauth = \"bearer\"\nprobe = \"none\"\n"
        )
    };
    (0..PROVIDERS).map(entry).collect()
}

/// The ring that the first start made, read by its documented form.
fn ring(path: &Path) -> KeyRing {
    let text = fs::read_to_string(path).expect("a ring");
    let pairs = text.lines().filter_map(|line| line.split_once(" = "));
    let mut entries: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned())).collect();
    let key = |text: String| {
        MasterKey::new(STANDARD.decode(text).expect("base64").try_into().expect("256 bits")).expect("a key")
    };
    let active: MasterKeyId = entries.remove("active").expect("an active key").parse().expect("a name");
    let fingerprint = key(entries.remove("fingerprint").expect("a key of fingerprints"));
    let keys = entries.into_iter().map(|(name, text)| (name.parse().expect("a name"), key(text)));
    KeyRing::new(active, keys.collect::<Vec<_>>(), fingerprint).expect("a ring")
}

/// Puts a key of each organization at each provider into the database, sealed as the server seals.
async fn seed(database: &DatabaseConnection, ring: &KeyRing, orgs: &[String]) {
    let ambient = Ambient::system();
    for (number, org) in orgs.iter().enumerate() {
        let org: OrgId = org.parse().expect("an id");
        let (mut values, mut places): (Vec<Bound>, Vec<String>) = Default::default();
        for at in 0..PROVIDERS {
            let id = ProviderKeyId::mint(&ambient);
            let place = Binding {
                purpose: Purpose::ProviderKey,
                org,
                provider: provider(at).parse().expect("a name"),
                id,
                version: 1,
                endpoint: None,
            };
            let key = ProviderSecret::parse(SecretString::from(secret(number, at))).expect("a key");
            let sealed = seal::seal(ring, &place, &key, &ambient).expect("sealed").as_bytes().to_vec();
            let first = values.len() + 1;
            places.push(format!("({})", (first..first + 10).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")));
            values.extend::<[Bound; 10]>([
                org.uuid().into(),
                provider(at).into(),
                id.uuid().into(),
                1_i64.into(),
                ring.active().as_str().into(),
                sealed.into(),
                key.tail().into(),
                key.fingerprint(ring.fingerprint().expose()).into(),
                ambient.now().into(),
                false.into(),
            ]);
        }
        let columns = "org_id, provider, id, version, master_key, sealed, tail, fingerprint, added_at, refused";
        let sql = format!("INSERT INTO provider_key ({columns}) VALUES {}", places.join(", "));
        let statement = Statement::from_sql_and_values(database.get_database_backend(), &sql, values);
        database.execute_raw(statement).await.expect("the keys");
    }
}

/// How many keys each master key has sealed.
async fn sealed_by(database: &DatabaseConnection) -> BTreeMap<String, i64> {
    let found = rows(database, "SELECT master_key, count(*) FROM provider_key GROUP BY master_key").await;
    let pair = |row: &sea_orm::QueryResult| {
        (row.try_get_by_index(0).expect("a name"), row.try_get_by_index(1).expect("a number"))
    };
    found.iter().map(pair).collect()
}

/// Readers at work: services that resolve, and now and then somebody who looks at the list.
struct Load {
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    readers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn begin(person: &Client, houses: &Arc<Vec<(String, Service)>>) -> Self {
        let (stop, reads, failures) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default(), Arc::default());
        let reader = |number: usize| {
            let (stop, reads, failures): (_, _, Arc<Mutex<Vec<String>>>) =
                (stop.clone(), reads.clone(), Arc::clone(&failures));
            let (houses, person) = (houses.clone(), person.clone());
            tokio::spawn(async move {
                for turn in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let mixed = (number * 7919 + turn * 104_729) % (ORGS * PROVIDERS);
                    let (org, at) = (mixed / PROVIDERS, mixed % PROVIDERS);
                    let (id, service) = &houses[org];
                    let wrong =
                        if turn % 50 == 0 { listed(&person, id).await } else { resolved(service, id, org, at).await };
                    failures.lock().unwrap().extend(wrong);
                    reads.fetch_add(if turn % 50 == 0 { PROVIDERS } else { 1 }, Ordering::SeqCst);
                }
            })
        };
        let readers = (0..READERS).map(reader).collect();
        Self { stop, reads, failures, readers }
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for reader in self.readers {
            reader.await.expect("a reader");
        }
        let failures = self.failures.lock().unwrap();
        assert!(
            failures.is_empty(),
            "{} of {:?} reads failed: {:#?}",
            failures.len(),
            self.reads,
            failures.iter().take(5).collect::<Vec<_>>()
        );
        self.reads.load(Ordering::SeqCst)
    }
}

async fn resolved(service: &Service, org: &str, number: usize, at: usize) -> Option<String> {
    let answer = resolving(service, org, &provider(at)).attempt().await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Some(format!("no answer: {error:?}")),
    };
    let good = answer.status == 200 && answer.json()["key"] == json!(secret(number, at));
    (!good).then(|| format!("{number} {at}: {} {}", answer.status, answer.text()))
}

async fn listed(person: &Client, org: &str) -> Option<String> {
    let answer = person.get(&format!("{KEYS}?org_id={org}")).await;
    if answer.status != 200 {
        return Some(format!("{} {}", answer.status, answer.text()));
    }
    let list = answer.json();
    let active = list.as_array().map_or(0, |keys| keys.iter().filter(|key| key["status"] == "active").count());
    (active != PROVIDERS).then(|| format!("{active} of {PROVIDERS} are active"))
}

/// A number below this one, of which nobody knows beforehand which.
fn any_below(limit: u64) -> u64 {
    u64::from_be_bytes(Ambient::system().random::<8>()) % limit
}

/// Starts a rotation and kills it: at a random moment from its start, or from its first progress. Whether it was still at work.
async fn killed(site: &Site, fake: &FakeProvider, database: &DatabaseConnection, from_progress: bool) -> bool {
    let before = sealed_by(database).await;
    let mut command = site.program(&["keys", "rotate", "--json"]);
    command.envs(fake.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    if from_progress {
        let moved = async || sealed_by(database).await != before;
        until(Duration::from_secs(30), "the rotation makes progress", moved).await;
    }
    tokio::time::sleep(Duration::from_millis(any_below(if from_progress { 150 } else { 400 }))).await;
    let ended = child.try_wait().expect("a state");
    child.kill().expect("an end");
    child.wait().expect("an end");
    ended.is_none()
}

fn keys(site: &Site, fake: &FakeProvider, arguments: &[&str]) -> Ended {
    let all = [["keys"].as_slice(), arguments].concat();
    run(site.program(&all).envs(fake.environment()))
}

fn said(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_killed_five_times_fails_no_read() {
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let fake = FakeProvider::with(&catalogue());
        let start = || Server::start(site.program(&["--listen", "127.0.0.1:0"]).envs(fake.environment()));
        let server = start();
        site.account("ada");
        let ada = sign_in(&server.base, "ada").await;
        let mut houses = Vec::new();
        for number in 0..ORGS {
            let made = ada.post("/api/v1/org").json(&json!({ "name": format!("Acme {number}") })).await.expect(201);
            let org = made["organization"]["id"].as_str().expect("an id").to_owned();
            let service = Service::of(&ada, &org, &["byok:resolve"]).await;
            houses.push((org, service));
        }
        let data = site.folder().join("data");
        let old = ring(&data.join("keyring.toml"));
        let database = open(&data, site.database().as_deref()).await;
        let orgs: Vec<String> = houses.iter().map(|(org, _)| org.clone()).collect();
        seed(&database, &old, &orgs).await;
        let total = i64::try_from(ORGS * PROVIDERS).expect("a number");
        assert_eq!(sealed_by(&database).await, BTreeMap::from([(old.active().to_string(), total)]));

        let load = Load::begin(&ada, &Arc::new(houses));
        let warm = async || load.reads() >= 200;
        until(Duration::from_secs(30), "the readers read", warm).await;
        let began = Instant::now();
        let mut struck = 0;
        for kill in 0..KILLS {
            struck += usize::from(killed(&site, &fake, &database, kill % 2 == 1).await);
            println!("kill {kill} after {:?}: {:?}", began.elapsed(), sealed_by(&database).await);
            // What is still needed is not given away.
            let refused = keys(&site, &fake, &["retire", old.active().as_str()]);
            assert_ne!(refused.code, Some(0), "{refused:?}");
        }
        assert!(struck >= 3, "only {struck} rotations were killed at work");
        // The one that ends what was begun, and then others, until enough was read while one was at work.
        let mut rotations = 0;
        while rotations == 0 || load.reads() < READS {
            let done = said(&keys(&site, &fake, &["rotate", "--json"]));
            println!("{done} after {:?}, {} reads", began.elapsed(), load.reads());
            assert_eq!((&done["undecryptable"], &done["new_master_key"]), (&json!(0), &json!(rotations > 0)), "{done}");
            let active = ring(&data.join("keyring.toml")).active().to_string();
            assert_eq!(sealed_by(&database).await, BTreeMap::from([(active, total)]), "all under the new key");
            rotations += 1;
        }
        let active = ring(&data.join("keyring.toml")).active().to_string();
        assert_ne!(active, old.active().as_str());
        for (id, _) in ring(&data.join("keyring.toml")).iter().filter(|(id, _)| id.as_str() != active) {
            let retired = keys(&site, &fake, &["retire", id.as_str()]);
            assert_eq!(retired.code, Some(0), "{retired:?}");
        }
        assert_eq!(ring(&data.join("keyring.toml")).iter().count(), 1);
        let status = keys(&site, &fake, &["status", "--json"]);
        assert!(said(&status).to_string().contains(&active), "{status:?}");
        println!("{} reads, none failed", load.end().await);

        // Another start has the ring as it is now, and opens everything.
        server.stop();
        let again = start();
        let ada = ada.at(&again.base);
        for org in orgs.iter().step_by(8) {
            assert_eq!(listed(&ada, org).await, None);
        }
        database.close().await.expect("no connection");
    }
}
