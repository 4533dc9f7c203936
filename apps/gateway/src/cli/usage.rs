use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use store::{Database, SeaBooks};
use usage_core::{Books, Difference, UsageError, Verification};

use super::output::{say, say_json};
use super::progress::Bar;
use super::{Context, Json};
use crate::failure::Failure;
use crate::wiring;

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center usage verify
  ops-center usage verify --json | jq .differences
  ops-center usage rebuild";

/// Check that every counter is the sum of its ledger rows, or make the counters anew
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct UsageArgs {
    #[command(subcommand)]
    command: UsageCommand,
}

#[derive(Debug, Subcommand)]
enum UsageCommand {
    /// Compare counters and history with the ledger, organization by organization; exit code 1 when something differs
    ///
    /// Reads only, and may run while the server serves: each organization is read as of one moment.
    #[command(after_long_help = EXAMPLES)]
    Verify(Json),
    /// Make counters and history anew from the ledger, organization by organization
    ///
    /// May be interrupted and begun again. On PostgreSQL, calls of an organization with a long ledger can be answered with 503 while it is
    /// made anew; nobody else's are.
    #[command(after_long_help = EXAMPLES)]
    Rebuild(Json),
}

impl UsageArgs {
    pub(super) async fn run(self, context: Context) -> Result<(), Failure> {
        let config = context.config()?;
        let database = wiring::open_database(&config, &context.data).await?;
        wiring::up_to_date(&database).await?;
        let books = Books::new(Arc::new(SeaBooks::new(&database)), Context::ambient());
        let done = match self.command {
            UsageCommand::Verify(output) => verify(&books, output.json).await,
            UsageCommand::Rebuild(output) => rebuild(&books, output.json).await,
        };
        close(&database).await?;
        done
    }
}

async fn verify(books: &Books, as_json: bool) -> Result<(), Failure> {
    let bar = Bar::new("organizations", "checked");
    let found = books.verify(|step| bar.show(step.done, step.of)).await.map_err(|error| explain("checking", error))?;
    bar.end();
    if as_json {
        say_json(&report(&found))?;
    } else {
        say(&sentence(&found))?;
    }
    if found.differences.is_empty() {
        return Ok(());
    }
    Err(Failure::Runtime(
        "counters and ledger differ: the ledger is right; `ops-center usage rebuild` makes the counters anew from it"
            .to_owned(),
    ))
}

async fn rebuild(books: &Books, as_json: bool) -> Result<(), Failure> {
    let bar = Bar::new("organizations", "rebuilt");
    let entries =
        books.rebuild(|step| bar.show(step.done, step.of)).await.map_err(|error| explain("rebuilding", error))?;
    bar.end();
    if as_json {
        return say_json(&json!({ "entries": entries }));
    }
    say(&format!("Counters and history were made anew from {entries} ledger rows.\n"))
}

async fn close(database: &Database) -> Result<(), Failure> {
    database.close().await.map_err(|error| Failure::store("closing the database", &error))
}

fn explain(doing: &str, error: UsageError) -> Failure {
    match error {
        UsageError::Store(error) => Failure::store(&format!("{doing} the counters"), &error),
        other => Failure::Runtime(format!("{doing} the counters failed: {other}")),
    }
}

fn report(found: &Verification) -> Value {
    let line = |difference: &Difference| {
        json!({
            "org_id": difference.org.to_string(),
            "what": difference.what,
            "counted": difference.counted,
            "ledger": difference.ledger,
        })
    };
    json!({
        "ok": found.differences.is_empty(),
        "organizations": found.organizations,
        "entries": found.entries,
        "differences": found.differences.iter().map(line).collect::<Vec<_>>(),
    })
}

fn sentence(found: &Verification) -> String {
    let line = |d: &Difference| format!("{} {}: counted {}, ledger {}\n", d.org, d.what, d.counted, d.ledger);
    let differences: String = found.differences.iter().map(line).collect();
    let (orgs, entries) = (found.organizations, found.entries);
    let verdict = if found.differences.is_empty() { "agree" } else { "DIFFER" };
    format!("{differences}Counters and ledger {verdict}: {entries} ledger rows of {orgs} organizations.\n")
}
