//! KEY-3: another installation's ring, put in the place of the right one while the server serves, seals nothing and spoils nothing.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use testkit::Backend;

use super::{OPENAI, add, adding, key_at, keys, resolving};
use crate::rig::process::{Server, Site, run, sign_in};
use crate::rig::service::Service;

const GROQ: &str = "gsk_Yc5Wb8Nd3Fh6Jk1PsXqA7Qz4LmVx2Rt9";

/// The name of the ring's active master key, and the ring with another key under it.
fn foreign(ring: &str) -> (String, String) {
    let name = ring.lines().find_map(|line| line.strip_prefix("active = \"")?.strip_suffix('"')).expect("a name");
    let line = ring.lines().find(|line| line.starts_with(&format!("{name} = "))).expect("its key");
    (name.to_owned(), ring.replace(line, &format!("{name} = \"{}\"", STANDARD.encode([9; 32]))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_with_another_key_of_the_same_name_seals_nothing() {
    for backend in [Backend::Sqlite, Backend::Postgres].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let server = Server::start(&mut site.program(&["--listen", "127.0.0.1:0"]));
        site.account("ada");
        let ada = sign_in(&server.base, "ada").await;
        let made = ada.post("/api/v1/org").json(&json!({ "name": "Acme" })).await.expect(201);
        let org = made["organization"]["id"].as_str().expect("an id").to_owned();
        let service = Service::of(&ada, &org, &["byok:resolve"]).await;
        add(&ada, &org, "openai", OPENAI).await;

        let path = site.folder().join("data/keyring.toml");
        let good = fs::read_to_string(&path).expect("a ring");
        let (name, other) = foreign(&good);
        fs::write(&path, other).expect("another ring");
        for (provider, key) in [("groq", GROQ), ("openai", OPENAI)] {
            let refused = adding(&ada, &org, &json!({ "provider": provider, "key": key })).await;
            refused.problem(503, "unavailable");
        }
        assert_eq!(keys(&ada, &org).await.len(), 1, "nothing was kept");
        assert_eq!(key_at(&ada, &org, "openai").await["status"], "active");
        assert_eq!(
            resolving(&service, &org, "openai").await.expect(200)["key"],
            OPENAI,
            "what was sealed before opens"
        );
        assert!(server.written().contains(&format!("another key named {name} than before")), "{}", server.written());

        let status = run(&mut site.program(&["keys", "status"]));
        assert_eq!(status.code, Some(1), "{status:?}");
        assert!(status.err.contains(&name) && status.out.contains("DIFFERENT"), "{status:?}");
        let status = run(&mut site.program(&["keys", "status", "--json"]));
        let report: serde_json::Value = serde_json::from_str(&status.out).expect("JSON");
        assert_eq!((status.code, &report["master_keys"][0]["different"]), (Some(1), &json!(true)), "{report}");
        let rotated = run(&mut site.program(&["keys", "rotate"]));
        assert!(rotated.refused(1).contains(&name), "{rotated:?}");

        // Put back, nobody has to restart anything.
        fs::write(&path, good).expect("the ring");
        let status = run(&mut site.program(&["keys", "status"]));
        assert!(status.code == Some(0) && !status.out.contains("DIFFERENT"), "{status:?}");
        add(&ada, &org, "groq", GROQ).await;
        for (provider, key) in [("groq", GROQ), ("openai", OPENAI)] {
            assert_eq!(resolving(&service, &org, provider).await.expect(200)["key"], key);
        }
        server.stop();
    }
}
