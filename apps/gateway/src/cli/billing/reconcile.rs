use billing_core::{BillingError, BillingStore, Drift, PaymentProvider, Reconciled};
use clap::Args;
use serde_json::{Value, json};

use super::{Desk, EXAMPLES, explain, hours};
use crate::billing::words;
use crate::cli::output::{say, say_json};
use crate::cli::progress::Bar;
use crate::cli::{Context, Json};
use crate::failure::Failure;
use crate::wiring;

/// How many accounts are compared between two looks at the progress bar.
const STEP: u32 = 25;
/// How many are counted at once.
const COUNT: u32 = 1000;

/// Compare every account with the payment provider, and put right what differs; exit code 1 when some could not be compared
///
/// May run while the server serves, and be stopped at any moment. A server does the same by itself every `billing.reconcile_every_hours`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ReconcileArgs {
    /// Compare only those about whom something happened at the provider in the last hours
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u16).range(1..=720))]
    since_hours: Option<u16>,
    #[command(flatten)]
    output: Json,
}

impl ReconcileArgs {
    pub(super) async fn run(self, desk: &Desk<'_>) -> Result<(), Failure> {
        if desk.provider() == PaymentProvider::Manual {
            return Err(Failure::Usage(
                "billing.provider is \"manual\": there is no payment provider to compare with".to_owned(),
            ));
        }
        let found = match self.since_hours {
            Some(since) => {
                let since = Context::ambient().now() - hours(since);
                let found = desk.billing().reconcile_since(since).await;
                found.map_err(|error| explain("asking the payment provider what happened", error))?
            }
            None => desk.compare_all().await?,
        };
        if self.output.json { say_json(&as_json(&found)) } else { say(&as_text(&found)) }?;
        if found.failed.is_empty() {
            return Ok(());
        }
        Err(Failure::Runtime(format!("{} accounts could not be compared: run it again", found.failed.len())))
    }
}

impl Desk<'_> {
    async fn compare_all(&self) -> Result<Reconciled, Failure> {
        let of = self.count().await?;
        let bar = Bar::new("accounts", "compared");
        let all = self.compare(|done| bar.show(done, of.max(done))).await;
        bar.end();
        all.map_err(|error| explain("comparing the accounts", error))
    }

    async fn compare(&self, progress: impl Fn(u64)) -> Result<Reconciled, BillingError> {
        let (mut all, mut after) = (Reconciled::default(), None);
        loop {
            progress(all.compared);
            let step = self.billing().reconcile(after, STEP).await?;
            all.compared += step.compared;
            all.drift.extend(step.drift);
            all.failed.extend(step.failed);
            match step.next {
                None => return Ok(all),
                next => after = next,
            }
        }
    }

    /// How many accounts there are to compare.
    async fn count(&self) -> Result<u64, Failure> {
        let (store, mut count, mut after) = (wiring::accounts(&self.foundation.database), 0, None);
        loop {
            let step = store.accounts(self.provider(), after, COUNT).await;
            let step = step.map_err(|error| Failure::store("counting the accounts", &error))?;
            count += u64::try_from(step.len()).unwrap_or(u64::MAX);
            match step.last() {
                Some(last) if step.len() >= usize::try_from(COUNT).unwrap_or(usize::MAX) => after = Some(last.org),
                _ => return Ok(count),
            }
        }
    }
}

fn as_text(found: &Reconciled) -> String {
    let drift = |Drift { org, before, after }: &Drift| format!("{org}: was {}, is {}\n", words(before), words(after));
    let lines: String = found.drift.iter().map(drift).collect();
    let failed: String = found.failed.iter().map(|(org, error)| format!("{org}: {error}\n")).collect();
    let (compared, differed, lost) = (found.compared, found.drift.len(), found.failed.len());
    format!(
        "{lines}{failed}{compared} accounts compared: {differed} differed and are right now, {lost} could not be compared.\n"
    )
}

fn as_json(found: &Reconciled) -> Value {
    let drift = |Drift { org, before, after }: &Drift| {
        let status = |account: &billing_core::Account| {
            account
                .subscription
                .as_ref()
                .map(|it| json!({ "plan": it.plan, "billing_cycle": it.cycle.as_str(), "status": it.status.as_str() }))
        };
        json!({ "org_id": org.to_string(), "before": status(before), "after": status(after) })
    };
    json!({
        "compared": found.compared,
        "drift": found.drift.iter().map(drift).collect::<Vec<_>>(),
        "failed": found.failed.iter().map(|(org, error)| json!({ "org_id": org.to_string(), "error": error.to_string() })).collect::<Vec<_>>(),
    })
}
