//! Writers in flight: while something ends sessions, the same sessions are used to change things and to get new tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Answer, Client, Request};
use tokio::task::JoinHandle;

use super::cookie::{Cookies, choose, own};
use super::until;

/// How many write at once.
pub(crate) const WRITERS: usize = 50;

/// A request that was sent.
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) answer: Answer,
}

/// Writers at work.
pub(crate) struct Storm {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Vec<Sent>>>,
}

impl Storm {
    /// Sets writers to work on these sessions at these instances, and waits until each has had answers. Tabs of one browser share
    /// its cookies, as they do.
    pub(crate) async fn begin(sessions: &[Client], bases: &[&str], org: &str, cookies: &Cookies) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let warm = Arc::new(AtomicUsize::new(0));
        let writer = |number: usize| {
            let session = sessions[number % sessions.len()].at(bases[(number / sessions.len()) % bases.len()]);
            let (stop, warm, cookies, org) = (stop.clone(), warm.clone(), cookies.clone(), org.to_owned());
            tokio::spawn(async move {
                let mut sent = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let at = Instant::now();
                    let answer = request(number, &session, &org).await;
                    cookies.note(&answer);
                    sent.push(Sent { at, answer });
                    if sent.len() == 1 {
                        warm.fetch_add(1, Ordering::SeqCst);
                    }
                }
                sent
            })
        };
        let writers = (0..WRITERS).map(writer).collect();
        until(Duration::from_secs(30), "every writer is answered", async || warm.load(Ordering::SeqCst) == WRITERS)
            .await;
        Self { stop, writers }
    }

    /// Lets the requests in flight end; all that were sent.
    pub(crate) async fn end(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Vec::new();
        for writer in self.writers {
            all.extend(writer.await.expect("a writer"));
        }
        for Sent { answer, .. } in &all {
            // 404: the organization to move to is not theirs any more. 503: two writers of one SQLite file may wait too long for
            // each other; that is no answer to who somebody is.
            assert!(
                [200, 401, 404, 503].contains(&answer.status),
                "{}: {} {}",
                answer.of,
                answer.status,
                answer.text()
            );
        }
        all
    }
}

/// Mostly changes; one in five moves the session to the organization, which gives it a new token.
fn request(number: usize, session: &Client, org: &str) -> Request {
    match number % 5 {
        0 => own(session.post("/api/v1/org/switch")).json(&json!({ "org_id": org })),
        1 | 3 => own(session.put("/api/v1/auth/profile")).json(&json!({ "bio": format!("writer {number}") })),
        _ => choose(session),
    }
}

/// Requests that began after this moment and were let through.
pub(crate) fn let_in_after(sent: &[Sent], moment: Instant) -> Vec<String> {
    let late = sent.iter().filter(|sent| sent.at > moment && ![401, 503].contains(&sent.answer.status));
    late.map(|sent| format!("{}: {}", sent.answer.of, sent.answer.status)).collect()
}
