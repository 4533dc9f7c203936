//! MET-1, MET-2: what was acknowledged is durable when PostgreSQL is stopped at once, and what is sent again counts once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use testkit::Backend;

use super::{House, free, limit, names};
use crate::rig::postgres::Postgres;
use crate::rig::service::Service;
use crate::rig::until;

const STOPS: usize = 5;
const WRITERS: usize = 16;

/// Reports calls, each again and again until it is acknowledged; their names.
async fn writer(service: Service, name: usize, stop: Arc<AtomicBool>, acknowledged: Arc<AtomicUsize>) -> Vec<String> {
    let mut known = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let next = format!("{name}-{}", known.len());
        loop {
            let answer = service.call(&next).await;
            if answer.status == 200 {
                break;
            }
            answer.problem(503, "unavailable");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        known.push(next);
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_immediate_stops_of_postgresql() {
    let Some(mut postgres) = Postgres::start().await else { return };
    let url = postgres.url();
    // Not a database of the common server: this one's own.
    let app = free(Backend::Sqlite).config(|config| config.database.url = Some(url.into())).start().await;
    limit(&app, -1).await;
    let house = House::new(&app, "acme").await;
    let (stop, acknowledged) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let writers: Vec<_> = (0..WRITERS)
        .map(|name| tokio::spawn(writer(house.service.clone(), name, stop.clone(), acknowledged.clone())))
        .collect();
    for _ in 0..STOPS {
        let goal = acknowledged.load(Ordering::SeqCst) + 200;
        let enough = async || acknowledged.load(Ordering::SeqCst) >= goal;
        until(Duration::from_mins(1), "calls are acknowledged", enough).await;
        postgres.stop_immediately();
        postgres.again().await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut sent = BTreeSet::new();
    for writer in writers {
        sent.extend(writer.await.expect("a writer"));
    }
    let ledger = house.ledger().await;
    assert_eq!(names(&ledger), sent.iter().cloned().collect::<Vec<_>>());
    assert_eq!(house.quota().await["monthly"]["used"], json!(sent.len()));
    println!("{} events over {STOPS} stops", sent.len());
}
