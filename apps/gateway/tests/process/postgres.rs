//! A PostgreSQL database of one's own, on the server that scripts/test starts.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::runtime::{Builder, Runtime};

/// Gone when it is dropped.
pub(crate) struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    /// `None`, with a line, where no server is named; under CI that fails.
    #[expect(clippy::disallowed_methods, reason = "where the server is is a matter of the machine")]
    pub(crate) fn make() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(server) = variable("OPS_CENTER_TEST_POSTGRES") else {
            assert!(
                variable("CI").is_none(),
                "OPS_CENTER_TEST_POSTGRES must name a server under CI; scripts/test starts one"
            );
            eprintln!("skipped on PostgreSQL: OPS_CENTER_TEST_POSTGRES names no server; scripts/test starts one");
            return None;
        };
        let name = format!("ops_center_process_{}", std::process::id());
        run(&server, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        let (place, query) =
            server.split_once('?').map_or((server.as_str(), None), |(place, query)| (place, Some(query)));
        let scheme = place.find("://").map_or(0, |at| at + 3);
        let host = place[scheme..].find('/').map_or(place, |slash| &place[..scheme + slash]);
        let url = query.map_or_else(|| format!("{host}/{name}"), |query| format!("{host}/{name}?{query}"));
        Some(Self { server, name, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        run(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn run(server: &str, sql: &str) {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection: DatabaseConnection = sea_orm::Database::connect(server).await.expect("the server");
        connection.execute_unprepared(sql).await.expect("a statement");
        connection.close().await.expect("closed");
    });
}
