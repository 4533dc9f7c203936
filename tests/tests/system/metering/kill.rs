//! MET-1: what was acknowledged is durable, and what is sent again after a crash counts once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::Backend;

use super::{METER, ledger, names, quota};
use crate::rig::process::{Server, Site, run, sign_in};
use crate::rig::service::{Service, crowd};
use crate::rig::until;

const ROUNDS: usize = 50;
/// After so many rounds the books are looked at.
const LOOK: usize = 10;
const WRITERS: usize = 16;

/// A server whose organizations have no limits.
fn serve(site: &Site) -> Server {
    let mut program = site.program(&["--listen", "127.0.0.1:0"]);
    Server::start(program.env("OPS_CENTER__PLANS__DEFAULT", "enterprise"))
}

/// Reports calls until the server is no more; the names that were acknowledged, and the one of which nothing is known.
async fn writer(service: Service, name: String, acknowledged: Arc<AtomicUsize>) -> (Vec<String>, String) {
    let mut known = Vec::new();
    loop {
        let next = format!("{name}-{}", known.len());
        let Ok(answer) = service.call(&next).attempt().await else { return (known, next) };
        assert_eq!(answer.expect(200)["duplicate"], false, "{next}");
        known.push(next);
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

fn verified(site: &Site) -> Value {
    let ended = run(&mut site.program(&["usage", "verify", "--json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_fifty_kills_and_counts_once() {
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let mut server = serve(&site);
        site.account("ada");
        let ada = sign_in(&server.base, "ada").await;
        let made = ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
        let org = made["organization"]["id"].as_str().expect("an id").to_owned();
        let service = Service::of(&ada, &org, &METER).await;

        let mut sent = BTreeSet::new();
        let mut found = 0;
        for round in 0..ROUNDS {
            let here = service.at(&server.base);
            let count: Arc<AtomicUsize> = Arc::default();
            let write = |number| tokio::spawn(writer(here.clone(), format!("{round}-{number}"), count.clone()));
            let writers: Vec<_> = (0..WRITERS).map(write).collect();
            let enough = async || count.load(Ordering::SeqCst) >= 5 + 9 * (round % 7);
            until(Duration::from_secs(30), "some are acknowledged", enough).await;
            server.kill();
            let mut unknown = Vec::new();
            for writer in writers {
                let (known, last) = writer.await.expect("a writer");
                sent.extend(known);
                unknown.push(last);
            }
            if round % LOOK == 0 {
                let report = verified(&site);
                assert_eq!((&report["ok"], &report["differences"]), (&json!(true), &json!([])), "{report}");
                let entries = usize::try_from(report["entries"].as_u64().expect("a number")).expect("a number");
                assert!(
                    (sent.len()..=sent.len() + WRITERS).contains(&entries),
                    "{} acknowledged, {report}",
                    sent.len()
                );
            }

            // Nobody knows what became of the last ones: they are sent again, and then they are there, once.
            server = serve(&site);
            let here = service.at(&server.base);
            for answer in crowd(WRITERS, unknown.iter().map(|name| here.call(name)).collect()).await {
                if answer.expect(200)["duplicate"] == true {
                    found += 1;
                }
            }
            sent.extend(unknown);
        }
        println!("{} events, {found} of them acknowledged only when they were sent again", sent.len());

        let ada = ada.at(&server.base);
        let all = ledger(&ada, &org).await;
        assert_eq!(names(&all), sent.iter().cloned().collect::<Vec<_>>());
        assert!(all.iter().all(|row| row["quantity"] == 1));
        assert_eq!(quota(&ada, &org).await["monthly"]["used"], json!(sent.len()));
        let report = verified(&site);
        assert_eq!((&report["ok"], &report["entries"]), (&json!(true), &json!(sent.len())), "{report}");
    }
}
