use billing_core::{Billing, BillingError, PaymentProvider};
use chrono::{SecondsFormat, TimeDelta};
use clap::{Args, Subcommand};
use kernel::{Actor, Email, OrgId, Timestamp};
use plan_core::PlanError;
use serde_json::{Value, json};

use self::inbox::InboxArgs;
use self::reconcile::ReconcileArgs;
use super::output::{say, say_json};
use super::{Context, Json};
use crate::billing::words;
use crate::config::Config;
use crate::failure::Failure;
use crate::place;
use crate::wiring::{self, Foundation, Till};

mod inbox;
mod reconcile;

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center billing status ada@example.com                            what the organization that Ada owns pays for
  ops-center billing paid INV-2026-000042 --method \"bank transfer 2026-11-22\"
  ops-center billing inbox list --state dead                           events that could not be applied
  ops-center billing inbox replay stripe/evt_1PabcXYZ
  ops-center billing reconcile --json                                  everything compared with the payment provider
  ops-center billing reconcile --since-hours 72                        only what changed there in three days";

/// Subscriptions, manual invoices, and what the payment provider sent
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct BillingArgs {
    #[command(subcommand)]
    command: BillingCommand,
}

#[derive(Debug, Subcommand)]
enum BillingCommand {
    Status(StatusArgs),
    Paid(PaidArgs),
    Inbox(InboxArgs),
    Reconcile(ReconcileArgs),
}

/// Say what an organization pays for, and what it has by that
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct StatusArgs {
    /// The organization's id (org_…), or the e-mail address of its owner
    #[arg(value_name = "ORG|EMAIL")]
    org: String,
    #[command(flatten)]
    output: Json,
}

/// Mark a manual invoice paid: what it was for happens now
///
/// Invoices of a payment provider are paid there.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct PaidArgs {
    /// The invoice's number, such as INV-2026-000042
    number: String,
    /// How it was paid, as it will stand on the invoice
    #[arg(long, value_name = "TEXT", default_value = "bank transfer")]
    method: String,
    #[command(flatten)]
    output: Json,
}

/// The most characters of how an invoice was paid.
const METHOD: usize = 200;

impl BillingArgs {
    pub(super) async fn run(self, context: Context) -> Result<(), Failure> {
        let config = context.config()?;
        let ambient = Context::ambient();
        let foundation = Foundation::visit(&config, &context.data, ambient.clone()).await?;
        let site = place::site(&config, config.server.listen);
        // The command line makes no quotes and takes none: any key does.
        let till = foundation.till(&config, &context.data, &site, ambient.random().into())?;
        let desk = Desk { config: &config, foundation: &foundation, till: &till };
        let done = match self.command {
            BillingCommand::Status(arguments) => desk.status(arguments).await,
            BillingCommand::Paid(arguments) => desk.paid(arguments).await,
            BillingCommand::Inbox(arguments) => arguments.run(&desk).await,
            BillingCommand::Reconcile(arguments) => arguments.run(&desk).await,
        };
        till.notices.sent(MAILS).await;
        foundation.database.close().await.map_err(|error| Failure::store("closing the database", &error))?;
        done
    }
}

/// How long mails may take that a command has brought about.
const MAILS: std::time::Duration = std::time::Duration::from_secs(15);

/// Where an operator stands.
struct Desk<'a> {
    config: &'a Config,
    foundation: &'a Foundation,
    till: &'a Till,
}

impl Desk<'_> {
    fn billing(&self) -> &Billing {
        &self.till.billing
    }

    fn provider(&self) -> PaymentProvider {
        self.config.billing.provider
    }

    /// The organization of this id, or the one that the owner of this address owns.
    async fn org(&self, text: &str) -> Result<OrgId, Failure> {
        if let Ok(org) = text.parse() {
            return Ok(org);
        }
        let email = Email::parse(text).map_err(|error| {
            Failure::Usage(format!("{text:?} is no organization's id (org_…), nor an address: {error}"))
        })?;
        match self.foundation.metered.grants.owned_by(&email).await {
            Ok(owned) => Ok(owned.org),
            Err(PlanError::NoSuchOrg) => {
                Err(Failure::Usage(format!("nobody of the address {email} owns an active organization")))
            }
            Err(error) => Err(wiring::explain("finding the organization", error)),
        }
    }

    async fn status(&self, arguments: StatusArgs) -> Result<(), Failure> {
        let org = self.org(&arguments.org).await?;
        let status = self.billing().status(org).await.map_err(|error| explain("reading the account", error))?;
        let plan = self.foundation.metered.access.standing(org).await;
        let plan = plan.map_err(|error| wiring::explain("reading the plan", error))?.plan.id.to_string();
        let account = &status.account;
        if arguments.output.json {
            return say_json(&account_json(account, &plan));
        }
        let first =
            [("on the plan", plan), ("pays for", words(account)), ("through", account.provider.as_str().to_owned())];
        let lines = first.into_iter().chain(details(account)).map(|(name, value)| format!("  {name:<16} {value}\n"));
        let text: String = std::iter::once(format!("{org}\n")).chain(lines).collect();
        say(&text)
    }

    async fn paid(&self, arguments: PaidArgs) -> Result<(), Failure> {
        let method = kernel::plain_line(&arguments.method, METHOD)
            .map_err(|error| Failure::Usage(format!("--method: {error}")))?;
        if method.is_empty() {
            return Err(Failure::Usage("--method: say how it was paid".to_owned()));
        }
        let number = arguments.number;
        let marked =
            self.billing().mark_paid(&Actor::system(), &number, &method).await.map_err(|error| match error {
                BillingError::NoSuchInvoice => {
                    Failure::Usage(format!("there is no manual invoice of the number {number}"))
                }
                other => explain("marking the invoice paid", other),
            })?;
        let (account, invoice) = (&marked.account, &marked.invoice);
        if arguments.output.json {
            return say_json(&json!({
                "number": invoice.number,
                "status": invoice.status.as_str(),
                "total_cents": invoice.total.minor,
                "currency": invoice.total.currency.as_str(),
                "org_id": account.org.to_string(),
                "pays_for": words(account),
            }));
        }
        say(&format!("{number} ({}) is paid; {} pays for {} now.\n", invoice.total, account.org, words(account)))
    }
}

fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What there is to say about an account, in words.
fn details(account: &billing_core::Account) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    all.extend(account.customer.clone().map(|customer| ("as the customer", customer)));
    all.extend(account.synced_at.map(|at| ("as of", time(at))));
    let Some(it) = &account.subscription else { return all };
    all.push(("for", format!("{} {}", it.amount, it.cycle.as_str())));
    all.push(("period", format!("{} to {}", time(it.period.start), time(it.period.end))));
    all.extend(account.access.map(|access| ("which gives", access.as_str().to_owned())));
    all.extend(it.trial_ends_at.map(|at| ("trial until", time(at))));
    all.extend(it.past_due_since.map(|at| ("unpaid since", time(at))));
    if it.cancel_at_period_end {
        all.push(("ends", time(it.period.end)));
    }
    all.extend(it.pending.as_ref().map(|change| {
        let when = change.at.map_or_else(|| "when its invoice is paid".to_owned(), time);
        ("then", format!("{} {}, {when}", change.plan, change.cycle.as_str()))
    }));
    all.extend(it.ended_at.map(|at| ("ended", time(at))));
    all
}

/// An account, for programs.
fn account_json(account: &billing_core::Account, plan: &str) -> Value {
    let subscription = account.subscription.as_ref().map(|it| {
        json!({
            "id": it.id.to_string(),
            "external_id": it.external,
            "plan": it.plan,
            "billing_cycle": it.cycle.as_str(),
            "amount_cents": it.amount.minor,
            "currency": it.amount.currency.as_str(),
            "status": it.status.as_str(),
            "period_start": time(it.period.start),
            "period_end": time(it.period.end),
            "trial_ends_at": it.trial_ends_at.map(time),
            "past_due_since": it.past_due_since.map(time),
            "cancel_at_period_end": it.cancel_at_period_end,
            "pending": it.pending.as_ref().map(|change| json!({
                "plan": change.plan,
                "billing_cycle": change.cycle.as_str(),
                "at": change.at.map(time),
            })),
            "ended_at": it.ended_at.map(time),
        })
    });
    json!({
        "org_id": account.org.to_string(),
        "plan": plan,
        "provider": account.provider.as_str(),
        "customer": account.customer,
        "access": account.access.map(billing_core::Access::as_str),
        "synced_at": account.synced_at.map(time),
        "subscription": subscription,
    })
}

/// An error of money's use cases, as the end of the program.
fn explain(doing: &str, error: BillingError) -> Failure {
    match error {
        BillingError::Store(error) => Failure::store(doing, &error),
        error if error.is_outage() => Failure::Unavailable(format!("{doing} failed: {error}; try again later")),
        error @ BillingError::Gateway(_) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Failure::Runtime(format!("{doing} failed: {error} ({cause})"))
        }
        other => Failure::Usage(format!("{doing} failed: {other}")),
    }
}

/// So many hours.
fn hours(hours: u16) -> TimeDelta {
    TimeDelta::hours(hours.into())
}
