//! What is in Redis, and what is not.

use auth_core::{Revoke, SessionStore, SessionToken};
use kernel::StoreError;
use redis::aio::MultiplexedConnection;

use crate::{
    HOUR, MINUTE, Somebody, at,
    server::{AnyServer, Server, keys},
};

/// All that one user's keys say, as text.
async fn everything(raw: &mut MultiplexedConnection, tag: &str) -> String {
    let mut all = String::new();
    for key in keys(raw, tag).await {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(raw).await.unwrap();
        let values: Vec<String> = match kind.as_str() {
            "hash" => redis::cmd("HGETALL").arg(&key).query_async(raw).await.unwrap(),
            "zset" => redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query_async(raw).await.unwrap(),
            other => panic!("{key} is a {other}"),
        };
        all.push_str(&key);
        all.push_str(&values.concat());
    }
    all
}

#[tokio::test]
async fn no_key_and_no_value_holds_a_secret() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (first, second) = (me.token(), me.token());
    store.create(&me.tag, &first.hash(), &me.session(at(0)), 10).await.unwrap();
    store.touch(&me.tag, &first.hash(), at(1)).await.unwrap().unwrap();
    let renewed = store.renew(&me.tag, &first.hash(), &second.hash(), &me.session(at(2))).await.unwrap();
    store.create(&me.tag, &me.token().hash(), &me.session(at(3)), 10).await.unwrap();
    assert!(renewed);
    let all = everything(&mut server.raw().await, me.tag.as_str()).await;
    assert!(all.contains(&second.hash().to_hex()), "the scan sees the store");
    for token in [&first, &second] {
        let cookie = token.to_cookie();
        let (_, secret) = cookie.split_once('.').unwrap();
        assert!(!all.contains(secret) && !all.contains(&token.csrf()));
        // Nor eight characters of it (a smaller piece could be there by chance).
        assert!(!secret.as_bytes().windows(8).any(|piece| all.contains(std::str::from_utf8(piece).unwrap())));
    }
}

#[tokio::test]
async fn the_keys_of_a_user_share_a_slot_and_end_by_themselves() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    let (mut raw, tag) = (server.raw().await, me.tag.as_str());
    let (index, key) = (format!("ops:{{{tag}}}:i"), format!("ops:{{{tag}}}:s:{}", token.hash().to_hex()));
    assert_eq!(keys(&mut raw, tag).await, [index.clone(), key.clone()]);
    assert_ttl(&mut raw, &key, 30 * MINUTE).await;
    assert_ttl(&mut raw, &index, 12 * HOUR).await;
    // Ten minutes before the absolute end, the end bounds the key.
    for step in 1..=24 {
        store.touch(&me.tag, &token.hash(), at(step * 29 * MINUTE)).await.unwrap().unwrap();
    }
    store.touch(&me.tag, &token.hash(), at(12 * HOUR - 10 * MINUTE)).await.unwrap().unwrap();
    assert_ttl(&mut raw, &key, 10 * MINUTE).await;
    // A clock that jumps back does not lengthen it.
    store.touch(&me.tag, &token.hash(), at(HOUR)).await.unwrap().unwrap();
    assert_ttl(&mut raw, &key, 10 * MINUTE).await;
}

/// The key ends after so many seconds and the grace of 10 s.
async fn assert_ttl(raw: &mut MultiplexedConnection, key: &str, seconds: i64) {
    let left: i64 = redis::cmd("PTTL").arg(key).query_async(raw).await.unwrap();
    let longest = (seconds + 10) * 1000;
    assert!((longest - 5_000..=longest).contains(&left), "{key}: {left} ms, expected about {longest} ms");
}

#[tokio::test]
async fn an_index_entry_whose_session_is_gone_is_pruned() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let (gone, alive) = (me.token(), me.token());
    store.create(&me.tag, &gone.hash(), &me.session(at(0)), 10).await.unwrap();
    store.create(&me.tag, &alive.hash(), &me.session(at(1)), 10).await.unwrap();
    let (mut raw, tag) = (server.raw().await, me.tag.as_str());
    let key = format!("ops:{{{tag}}}:s:{}", gone.hash().to_hex());
    redis::cmd("DEL").arg(key).exec_async(&mut raw).await.unwrap();
    assert_eq!(store.list(&me.tag, me.user, at(2)).await.unwrap().len(), 1);
    let left: u64 = redis::cmd("ZCARD").arg(format!("ops:{{{tag}}}:i")).query_async(&mut raw).await.unwrap();
    assert_eq!(left, 1);
    assert_eq!(store.revoke(&me.tag, me.user, Revoke::All).await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_not_ours_is_a_defect_and_not_an_absence() {
    let Some(server) = AnyServer::find().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    let mut raw = server.raw().await;
    let key = format!("ops:{{{}}}:s:{}", me.tag.as_str(), token.hash().to_hex());
    let data: String = redis::cmd("HGET").arg(&key).arg("data").query_async(&mut raw).await.unwrap();
    for wrong in ["", "{}", "null", &data.replace("\"v\":1", "\"v\":2"), &data.replace("usr_", "org_")] {
        redis::cmd("HSET").arg(&key).arg("data").arg(wrong).exec_async(&mut raw).await.unwrap();
        let answer = store.touch(&me.tag, &token.hash(), at(1)).await;
        assert!(matches!(answer, Err(StoreError::Broken(_))), "{wrong}: {answer:?}");
    }
    redis::cmd("SET").arg(&key).arg("not a hash").exec_async(&mut raw).await.unwrap();
    let answer = store.touch(&me.tag, &token.hash(), at(1)).await;
    assert!(matches!(answer, Err(StoreError::Broken(_))), "{answer:?}");
}

#[tokio::test]
async fn a_request_costs_one_round_trip() {
    let Some(server) = Server::start().await else { return };
    let (store, me) = (server.sessions(), Somebody::new());
    let token: SessionToken = me.token();
    store.create(&me.tag, &token.hash(), &me.session(at(0)), 10).await.unwrap();
    store.touch(&me.tag, &token.hash(), at(1)).await.unwrap().unwrap();
    let mut raw = server.raw().await;
    redis::cmd("CONFIG").arg("RESETSTAT").exec_async(&mut raw).await.unwrap();
    for _ in 0..20 {
        store.touch(&me.tag, &token.hash(), at(1)).await.unwrap().unwrap();
    }
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut raw).await.unwrap();
    assert!(stats.contains("cmdstat_hmget:calls=20,"), "{stats}");
    let beside = ["evalsha:", "script|load", "eval:", "ping:", "client|", "hello:"];
    assert!(!beside.iter().any(|command| stats.contains(&format!("cmdstat_{command}"))), "{stats}");
}
