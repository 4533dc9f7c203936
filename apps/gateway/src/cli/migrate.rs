use clap::Args;
use serde_json::json;

use super::output::{say, say_json};
use super::{Context, Json};
use crate::failure::Failure;
use crate::{kept, wiring};

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center migrate
  DATABASE_URL=postgres://ops@db/ops ops-center migrate --json";

/// Bring the database's schema up to date, and end
///
/// `serve` does the same by itself. Any number of processes may do so at once; the previous version keeps working on the new schema.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    output: Json,
}

impl MigrateArgs {
    pub(super) async fn run(self, context: Context) -> Result<(), Failure> {
        let config = context.config()?;
        let database = wiring::open_database(&config, &context.data).await?;
        let explain = |error| Failure::store("migrating the database", &error);
        let steps = database.pending().await.map_err(explain)?;
        database.migrate().await.map_err(explain)?;
        database.close().await.map_err(explain)?;
        if self.output.json {
            return say_json(&json!({ "database": kept::database(&config, &context.data), "taken": steps }));
        }
        match steps.as_slice() {
            [] => say("The database is up to date.\n"),
            steps => say(&format!("The database is up to date; steps taken: {}.\n", steps.join(", "))),
        }
    }
}
