//! Redis goes away, hangs, forgets and comes back.

use std::time::Duration;

use auth_core::{Revoke, SessionStore};
use kernel::StoreError;
use secrecy::SecretString;
use session_redis::{RedisOptions, RedisSessions};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Somebody, assert_unavailable, at,
    server::{self, Server, free_port},
};

/// Every answer of an outage must be there by then.
const ANSWER: Duration = Duration::from_millis(1500);
/// Everything must work again by then.
const HEALED: Duration = Duration::from_secs(2);

/// Each method says within 1.5 s that it cannot tell.
async fn assert_outage(store: &RedisSessions, me: &Somebody) {
    let (tag, key) = (&me.tag, me.token().hash());
    let session = me.session(at(0));
    assert_unavailable(timeout(ANSWER, store.touch(tag, &key, at(1))).await.unwrap());
    assert_unavailable(timeout(ANSWER, store.create(tag, &key, &session, 10)).await.unwrap());
    assert_unavailable(timeout(ANSWER, store.renew(tag, &key, &me.token().hash(), &session)).await.unwrap());
    assert_unavailable(timeout(ANSWER, store.list(tag, me.user, at(1))).await.unwrap());
    assert_unavailable(timeout(ANSWER, store.revoke(tag, me.user, Revoke::All)).await.unwrap());
    assert_unavailable(timeout(ANSWER, store.ping()).await.unwrap());
}

/// Asks until it is answered.
async fn heal(store: &RedisSessions) {
    let healed = async {
        while store.ping().await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(HEALED, healed).await.expect("healed within 2 s");
}

#[tokio::test]
async fn a_hung_redis_is_an_outage_and_sessions_outlive_it() {
    let Some(server) = Server::start().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (token, session) = (me.token(), me.session(at(0)));
    store.create(&me.tag, &token.hash(), &session, 10).await.unwrap();
    server.signal("STOP");
    // Another user's calls: what a hung server was sent it does later.
    assert_outage(&store, &Somebody::new()).await;
    let fresh = server.sessions();
    assert_unavailable(timeout(ANSWER, fresh.ping()).await.unwrap());
    server.signal("CONT");
    heal(&store).await;
    heal(&fresh).await;
    assert_eq!(store.touch(&me.tag, &token.hash(), at(1)).await.unwrap(), Some(session));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_a_hung_redis_do_not_queue_behind_each_other() {
    let Some(server) = Server::start().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    store.ping().await.unwrap();
    server.signal("STOP");
    let mut calls = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..500 {
        let (store, tag, key) = (store.clone(), me.tag.clone(), me.token().hash());
        calls.spawn(async move { store.touch(&tag, &key, at(1)).await });
    }
    while let Some(answer) = calls.join_next().await {
        assert_unavailable(answer.unwrap());
    }
    assert!(begun.elapsed() < ANSWER, "{:?}", begun.elapsed());
    server.signal("CONT");
    heal(&store).await;
}

#[tokio::test]
async fn a_killed_redis_is_an_outage_and_its_successor_is_found() {
    let Some(mut server) = Server::start().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    server.kill();
    assert_outage(&store, &me).await;
    let Some(successor) = Server::start_on(server.port()).await else { return };
    heal(&store).await;
    assert_eq!(store.touch(&me.tag, &token.hash(), at(1)).await.unwrap(), None);
    assert!(!store.renew(&me.tag, &token.hash(), &me.token().hash(), &me.session(at(1))).await.unwrap());
    let size: u64 = redis::cmd("DBSIZE").query_async(&mut successor.raw().await).await.unwrap();
    assert_eq!(size, 0);
}

#[tokio::test]
async fn a_lost_connection_is_mended_before_it_is_needed() {
    let Some(server) = Server::start().await else { return };
    let store = server.sessions();
    store.ping().await.unwrap();
    let mut raw = server.raw().await;
    for _ in 0..5 {
        redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).exec_async(&mut raw).await.unwrap();
        let connected = async {
            loop {
                let clients: String = redis::cmd("CLIENT").arg("LIST").query_async(&mut raw).await.unwrap();
                if clients.lines().count() == 2 {
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(HEALED, connected).await.expect("connected again without being asked");
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn an_emptied_redis_ends_sessions_and_nothing_brings_them_back() {
    let Some(server) = Server::start().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (token, new) = (me.token(), me.token());
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    let mut raw = server.raw().await;
    redis::cmd("FLUSHALL").exec_async(&mut raw).await.unwrap();
    assert_eq!(store.touch(&me.tag, &token.hash(), at(1)).await.unwrap(), None);
    assert!(!store.renew(&me.tag, &token.hash(), &new.hash(), &me.session(at(1))).await.unwrap());
    assert_eq!(store.list(&me.tag, me.user, at(1)).await.unwrap(), []);
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::All).await.unwrap(), 0);
    let size: u64 = redis::cmd("DBSIZE").query_async(&mut raw).await.unwrap();
    assert_eq!(size, 0);
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again() {
    let Some(server) = Server::start().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (token, session) = (me.token(), me.session(at(0)));
    store.create(&me.tag, &token.hash(), &session, 10).await.unwrap();
    redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut server.raw().await).await.unwrap();
    assert_eq!(store.touch(&me.tag, &token.hash(), at(1)).await.unwrap(), Some(session));
}

#[tokio::test]
async fn the_process_starts_before_redis_does() {
    let port = free_port();
    let (store, me) = (server::sessions(&server::url(port)), Somebody::new());
    assert_outage(&store, &me).await;
    let Some(_server) = Server::start_on(port).await else { return };
    heal(&store).await;
    assert_eq!(store.touch(&me.tag, &me.token().hash(), at(1)).await.unwrap(), None);
}

#[tokio::test]
async fn an_address_that_cannot_be_one_is_refused_without_being_repeated() {
    for wrong in
        ["", "localhost", "http://127.0.0.1", "redis://user:hunter2@127.0.0.1:99999", "redis://h?protocol=hunter2"]
    {
        let answer = RedisSessions::connect(&SecretString::from(wrong), RedisOptions::default());
        let Err(StoreError::Broken(cause)) = answer else { panic!("{wrong:?} was accepted") };
        assert!(!format!("{cause} {cause:?}").contains("@127"), "{cause}");
    }
}

#[tokio::test]
async fn tls_that_fails_is_an_outage() {
    let Some(server) = Server::start().await else { return };
    // The server speaks no TLS.
    let store = server::sessions(&server.url().replace("redis://", "rediss://"));
    assert_unavailable(timeout(ANSWER, store.ping()).await.unwrap());
}
