//! KEY-9: what is deleted or replaced is gone, in every process within a second, and in the database at once.

use std::time::Duration;

use testkit::{FakeProvider, TestApp};

use super::{House, OPENAI, keys, resolving};
use crate::rig::tables::{beside, rows};
use crate::rig::until;

/// Every sealed secret of the database.
async fn sealed(app: &TestApp) -> Vec<Vec<u8>> {
    let connection = beside(app).await;
    let found = rows(&connection, "SELECT sealed FROM provider_key").await;
    connection.close().await.expect("no connection");
    found.iter().map(|row| row.try_get_by_index(0).expect("bytes")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_key_is_gone_for_every_instance_within_a_second() {
    let fake = &FakeProvider::start();
    TestApp::each_with(
        |config| fake.admit(config),
        |app| async move {
            let sibling = app.sibling().await;
            let house = House::new(&app, "ada").await;
            let (there, person) = (house.service.at(&sibling.base), house.owner.at(&sibling));
            for round in 0..3 {
                house.add("openai", OPENAI).await;
                // The sibling knows the key, and has just used it.
                let known = async || resolving(&there, &house.org, "openai").await.status == 200;
                until(Duration::from_secs(1), "the sibling has the key", known).await;
                assert_eq!(keys(&person, &house.org).await.len(), 1);
                assert_eq!(sealed(&app).await.len(), 1);

                house.delete("openai").await.expect(200);
                house.resolve("openai").await.problem(404, "not_found");
                // Handing out asks the database; nobody needs the second.
                resolving(&there, &house.org, "openai").await.problem(404, "not_found");
                assert!(sealed(&app).await.is_empty(), "round {round}");
                let gone = async || keys(&person, &house.org).await.is_empty();
                until(Duration::from_secs(1), "the sibling lists none", gone).await;
                super::testing(&person, &house.org, "openai").await.problem(404, "not_found");
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_key_is_destroyed_with_its_data_key() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let house = House::new(&app, "ada").await;
        let there = house.service.at(&sibling.base);
        house.add("openai", OPENAI).await;
        resolving(&there, &house.org, "openai").await.expect(200);
        let [before] = sealed(&app).await.try_into().expect("one key");
        // The same secret again has a data key of its own.
        house.add("openai", OPENAI).await;
        let [again] = sealed(&app).await.try_into().expect("one key");
        let wrapped = |blob: &[u8]| blob[2 + usize::from(blob[1])..][..60].to_vec();
        assert_ne!(wrapped(&before), wrapped(&again));
        assert_ne!(before[before.len() - 28..], again[again.len() - 28..]);

        let other = "sk-proj-0Other0Other0Other0Other0OthrZZZZ";
        house.add("openai", other).await;
        let handed = resolving(&there, &house.org, "openai").await.expect(200);
        assert_eq!(handed["key"], other, "the sibling hands out what is there now");
        assert_eq!(sealed(&app).await.len(), 1);
    })
    .await;
}
