use billing_core::{EventEntry, EventKey, PaymentProvider, WorkState};
use clap::{Args, Subcommand, ValueEnum};
use kernel::{Actor, Page, Paged};
use serde_json::{Value, json};

use super::{Desk, EXAMPLES, explain, time};
use crate::cli::Json;
use crate::cli::output::{say, say_json};
use crate::failure::Failure;

/// What the payment provider sent
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct InboxArgs {
    #[command(subcommand)]
    command: InboxCommand,
}

#[derive(Debug, Subcommand)]
enum InboxCommand {
    List(ListArgs),
    Replay(ReplayArgs),
}

/// List events, the newest first, and how many there are of each state
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct ListArgs {
    /// Only events in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// The most events to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// How many to pass over first
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    #[command(flatten)]
    output: Json,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// It waits for its turn, or for another try
    Pending,
    /// It took effect
    Done,
    /// It is about nothing that is kept here
    Ignored,
    /// It failed so often that somebody must look
    Dead,
}

impl From<State> for WorkState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Done => Self::Done,
            State::Ignored => Self::Ignored,
            State::Dead => Self::Dead,
        }
    }
}

/// Let events be applied again, by the server
///
/// An event only tells about whom the provider is asked, so that one that was applied before changes nothing.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct ReplayArgs {
    /// The event, as `inbox list` shows it: stripe/evt_…; without its provider, one of billing.provider
    #[arg(value_name = "EVENT", required_unless_present = "dead")]
    event: Option<String>,
    /// All that are dead
    #[arg(long, conflicts_with = "event")]
    dead: bool,
    #[command(flatten)]
    output: Json,
}

impl InboxArgs {
    pub(super) async fn run(self, desk: &Desk<'_>) -> Result<(), Failure> {
        match self.command {
            InboxCommand::List(arguments) => desk.list(arguments).await,
            InboxCommand::Replay(arguments) => desk.replay(arguments).await,
        }
    }
}

impl Desk<'_> {
    async fn events(&self, state: Option<WorkState>, page: Page) -> Result<Paged<EventEntry>, Failure> {
        self.billing().events(state, page).await.map_err(|error| explain("reading the inbox", error))
    }

    async fn list(&self, arguments: ListArgs) -> Result<(), Failure> {
        let page = Page::new(arguments.limit, arguments.offset).unwrap_or_default();
        let found = self.events(arguments.state.map(Into::into), page).await?;
        let mut counts = Vec::new();
        for state in WorkState::ALL {
            counts.push((state.as_str(), self.events(Some(state), one()).await?.total));
        }
        if arguments.output.json {
            let counts: Value =
                counts.into_iter().map(|(state, count)| (state.to_owned(), Value::from(count))).collect();
            let events: Vec<Value> = found.items.iter().map(as_json).collect();
            return say_json(&json!({ "events": events, "total": found.total, "counts": counts }));
        }
        let lines: String = found.items.iter().map(line).collect();
        let counts: Vec<String> = counts.into_iter().map(|(state, count)| format!("{count} {state}")).collect();
        say(&format!("{lines}{} of {} events; in all: {}\n", found.items.len(), found.total, counts.join(", ")))
    }

    async fn replay(&self, arguments: ReplayArgs) -> Result<(), Failure> {
        let keys = match &arguments.event {
            Some(event) => vec![self.key(event)?],
            None => self.dead().await?,
        };
        for key in &keys {
            let replayed = self.billing().replay(&Actor::system(), key).await;
            let known = replayed.map_err(|error| explain("replaying an event", error))?;
            if !known {
                return Err(Failure::Usage(format!(
                    "there is no event {}; `inbox list` shows those there are",
                    name(key)
                )));
            }
        }
        if arguments.output.json {
            return say_json(&json!({ "replayed": keys.iter().map(name).collect::<Vec<_>>() }));
        }
        match keys.as_slice() {
            [] => say("No event is dead.\n"),
            [only] => say(&format!("{} waits to be applied again; a running server does it.\n", name(only))),
            all => say(&format!("{} events wait to be applied again; a running server does it.\n", all.len())),
        }
    }

    /// All that are dead now: read as a whole first, because each replay makes the list shorter.
    async fn dead(&self) -> Result<Vec<EventKey>, Failure> {
        let (mut keys, mut offset) = (Vec::new(), 0);
        while let Some(page) = Page::new(Page::MAX_LIMIT, offset) {
            let found = self.events(Some(WorkState::Dead), page).await?;
            keys.extend(found.items.into_iter().map(|event| event.key));
            offset += Page::MAX_LIMIT;
            if found.total <= offset.into() {
                break;
            }
        }
        Ok(keys)
    }

    fn key(&self, text: &str) -> Result<EventKey, Failure> {
        let named = text.split_once('/').and_then(|(name, id)| Some((PaymentProvider::parse(name)?, id)));
        let (provider, id) = named.unwrap_or((self.provider(), text));
        if provider == PaymentProvider::Manual {
            let why =
                "nobody sends events while billing.provider is \"manual\": name the provider too, such as stripe/evt_…";
            return Err(Failure::Usage(why.to_owned()));
        }
        Ok(EventKey { provider, id: id.to_owned() })
    }
}

/// The shortest page: for who only counts.
fn one() -> Page {
    Page::new(1, 0).unwrap_or_default()
}

fn name(key: &EventKey) -> String {
    format!("{}/{}", key.provider.as_str(), key.id)
}

/// One line for each; what the sender wrote shows no control characters.
fn line(event: &EventEntry) -> String {
    let (state, tries) = (event.state.as_str(), event.attempts);
    let visible = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let (name, kind) = (visible(&name(&event.key)), visible(&event.kind));
    let org = event.org.map(|org| format!("  {org}")).unwrap_or_default();
    let error = event.error.as_deref().map(|error| format!("\n    {}", visible(error))).unwrap_or_default();
    format!("{}  {state:<8} {tries} tries  {name}  {kind}{org}{error}\n", time(event.received_at))
}

fn as_json(event: &EventEntry) -> Value {
    json!({
        "event": name(&event.key),
        "provider": event.key.provider.as_str(),
        "id": event.key.id,
        "type": event.kind,
        "org_id": event.org.map(|org| org.to_string()),
        "received_at": time(event.received_at),
        "state": event.state.as_str(),
        "attempts": event.attempts,
        "next_at": event.next_at.map(time),
        "error": event.error,
    })
}
