use byok_core::{
    Custody, CustodyError, CustodyState, InRing, MasterKeyId, MasterKeyState, Rotation, policy::seal::MAX_USES,
};
use clap::{Args, Subcommand};
use kernel::Actor;
use serde_json::{Value, json};
use store::Database;

use super::output::{say, say_json, warn};
use super::progress::Bar;
use super::{Context, Json};
use crate::config::Config;
use crate::data::DataDir;
use crate::failure::Failure;
use crate::kept;
use crate::wiring::{self, Asked, Vault};

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center keys status
  ops-center keys status --json | jq '.master_keys[] | select(.active)'
  ops-center keys rotate                            a new master key, and every provider key under it, while the server serves
  ops-center keys rotate --prepare                  several machines: a new master key, not in use yet; copy the ring to all of them,
  ops-center keys rotate --activate k20261122-2     then use it, and copy the ring again
  ops-center keys retire k20261122                  nothing is sealed with it any more: take it out of the ring";

/// The master keys that seal customers' provider keys
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Say which master keys there are, and what is sealed with them; exit code 1 when the ring lacks one of them or has another one
    #[command(after_long_help = EXAMPLES)]
    Status(Json),
    Rotate(RotateArgs),
    Retire(RetireArgs),
}

/// Seal every provider key with a new master key, while the server serves
///
/// Adds a master key to the ring, makes it the active one, and wraps every provider key's data key with it: the provider keys
/// themselves stay sealed all the while. May be stopped at any moment. Where an earlier rotation was stopped before its end, this one
/// finishes it and makes no master key; run it once more, or with --new, for one. A running server reads the same file again by itself;
/// other machines need a copy of it at once, or --prepare first.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct RotateArgs {
    /// Make a new master key also when an earlier rotation has not ended
    #[arg(long)]
    new: bool,
    /// Only add a master key to the ring, so that the ring can be copied to every machine before the key is used
    #[arg(long, conflicts_with_all = ["new", "activate"])]
    prepare: bool,
    /// Use this master key of the ring instead of a new one
    #[arg(long, value_name = "ID", conflicts_with = "new")]
    activate: Option<MasterKeyId>,
    #[command(flatten)]
    output: Json,
}

/// Take a master key out of the ring that nothing is sealed with
///
/// Refused for the active one, and while a provider key is sealed with it: rotate first. Whoever has an old copy of the ring can open
/// what old backups of the database hold, so retire a key when those are gone too.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct RetireArgs {
    /// The master key's name, as `ops-center keys status` shows it
    id: MasterKeyId,
    #[command(flatten)]
    output: Json,
}

impl KeysArgs {
    pub(super) async fn run(self, context: Context) -> Result<(), Failure> {
        let config = context.config()?;
        let database = wiring::open_database(&config, &context.data).await?;
        let done = self.command.run(&config, &context.data, &database).await;
        database.close().await.map_err(|error| Failure::store("closing the database", &error))?;
        done
    }
}

impl KeysCommand {
    async fn run(self, config: &Config, data: &DataDir, database: &Database) -> Result<(), Failure> {
        wiring::up_to_date(database).await?;
        let vault = Vault::open(config, data, database, &Context::ambient(), Asked::Keys).await?;
        let desk = Desk { vault: &vault, config, data };
        match self {
            Self::Status(output) => desk.status(output.json).await,
            Self::Rotate(arguments) => desk.rotate(arguments).await,
            Self::Retire(arguments) => desk.retire(arguments).await,
        }
    }
}

/// The ring on one side, the database on the other.
struct Desk<'a> {
    vault: &'a Vault,
    config: &'a Config,
    data: &'a DataDir,
}

impl Desk<'_> {
    fn custody(&self) -> &Custody {
        &self.vault.custody
    }

    fn explain(&self, error: CustodyError) -> Failure {
        self.vault.unfit(error, self.config, self.data)
    }

    async fn state(&self) -> Result<CustodyState, Failure> {
        self.custody().status().await.map_err(|error| self.explain(error))
    }

    async fn status(&self, as_json: bool) -> Result<(), Failure> {
        let state = self.state().await?;
        let (ring, database) = (kept::keyring(self.config, self.data), kept::database(self.config, self.data));
        if as_json {
            say_json(&report(&state, &ring, &database))?;
        } else {
            say(&table(&state, &ring, &database))?;
        }
        match wrong(&state) {
            None => Ok(()),
            Some(why) => Err(Failure::Runtime(why)),
        }
    }

    async fn rotate(&self, arguments: RotateArgs) -> Result<(), Failure> {
        let actor = Actor::system();
        match self.custody().check(&actor).await {
            // Another key is about to become the active one.
            Err(CustodyError::Retired(_)) if arguments.new || arguments.activate.is_some() => {}
            checked => checked.map_err(|error| self.explain(error))?,
        }
        if arguments.prepare {
            return self.prepare(&actor, arguments.output.json).await;
        }
        if let Some(id) = &arguments.activate {
            self.custody().activate(id).await.map_err(|error| self.explain(error))?;
        } else if !arguments.new && self.unfinished().await? > 0 {
            let continued = self.rewrap(&actor).await?;
            if continued.rewrapped > 0 {
                return told(&continued, How::Continued, arguments.output.json);
            }
            // What is left does not open at all: that is no reason to wait with a new key.
        }
        let how = if arguments.activate.is_some() { How::Activated } else { How::New };
        if how == How::New {
            self.custody().renew(&actor).await.map_err(|error| self.explain(error))?;
        }
        told(&self.rewrap(&actor).await?, how, arguments.output.json)
    }

    /// How many keys another master key than the active one has sealed.
    async fn unfinished(&self) -> Result<u64, Failure> {
        let state = self.state().await?;
        Ok(state.master_keys.iter().filter(|key| !key.active).map(|key| key.known.sealing).sum())
    }

    async fn rewrap(&self, actor: &Actor) -> Result<Rotation, Failure> {
        let bar = Bar::new("provider keys", "sealed anew");
        let done = self.custody().rewrap(actor, |done, of| bar.show(done, of)).await;
        bar.end();
        done.map_err(|error| self.explain(error))
    }

    async fn prepare(&self, actor: &Actor, as_json: bool) -> Result<(), Failure> {
        let id = self.custody().prepare(actor).await.map_err(|error| self.explain(error))?;
        let ring = kept::keyring(self.config, self.data);
        if as_json {
            return say_json(&json!({ "prepared": id.as_str(), "keyring": ring }));
        }
        say(&format!(
            "The key ring has a new master key {id}, which seals nothing yet. Copy {ring} to every machine, then run\n\
             ops-center keys rotate --activate {id}\n"
        ))
    }

    async fn retire(&self, arguments: RetireArgs) -> Result<(), Failure> {
        let (actor, id) = (Actor::system(), arguments.id);
        self.custody().check(&actor).await.map_err(|error| self.explain(error))?;
        self.custody().retire(&actor, &id).await.map_err(|error| self.explain(error))?;
        if arguments.output.json {
            return say_json(&json!({ "retired": id.as_str() }));
        }
        say(&format!("The master key {id} is retired, and no longer in the key ring.\n"))
    }
}

/// Where the master key of a rotation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    New,
    Activated,
    /// It is the one of an earlier rotation that had not ended.
    Continued,
}

/// What a rotation did. Keys that do not open stay as they are, and are a reason to look.
fn told(done: &Rotation, how: How, as_json: bool) -> Result<(), Failure> {
    let Rotation { active, rewrapped, undecryptable } = done;
    if as_json {
        say_json(&json!({
            "active": active.as_str(),
            "new_master_key": how == How::New,
            "rewrapped": rewrapped,
            "undecryptable": undecryptable,
        }))?;
    } else {
        say(&format!("{rewrapped} provider keys are sealed anew; the active master key is {active}.\n"))?;
    }
    if how == How::Continued {
        warn(
            "an earlier rotation had not ended: this finished it; run ops-center keys rotate again for a new master key",
        )?;
    }
    if *undecryptable == 0 {
        return Ok(());
    }
    Err(Failure::Runtime(format!(
        "{undecryptable} provider keys do not open and stay as they are: their organizations see them as undecryptable and must store \
         them again"
    )))
}

/// What keeps the ring from opening what the database holds.
fn wrong(state: &CustodyState) -> Option<String> {
    let different =
        state.master_keys.iter().filter(|key| key.in_ring == InRing::Different).map(|key| key.known.id.as_str());
    let different: Vec<&str> = different.collect();
    if !different.is_empty() {
        return Some(format!(
            "the key ring is not the one of this database: its {} is another master key of the same name",
            different.join(", ")
        ));
    }
    let lost = state.master_keys.iter().filter(|key| key.in_ring == InRing::Missing);
    let lost: u64 = lost.map(|key| key.known.sealing).sum();
    (lost > 0).then(|| format!("{lost} provider keys are sealed with master keys that the key ring does not have"))
}

fn word(key: &MasterKeyState) -> &'static str {
    match (key.active, key.known.retired_at.is_some(), key.in_ring) {
        (_, _, InRing::Different) => "DIFFERENT",
        (true, false, _) => "active",
        (_, true, _) => "retired",
        (false, false, InRing::Same) => "in the ring",
        (false, false, InRing::Missing) => "MISSING",
    }
}

fn report(state: &CustodyState, ring: &str, database: &str) -> Value {
    let line = |key: &MasterKeyState| {
        json!({
            "id": key.known.id.as_str(),
            "active": key.active,
            "in_ring": key.in_ring != InRing::Missing,
            "different": key.in_ring == InRing::Different,
            "sealing": key.known.sealing,
            "uses": key.known.uses,
            "max_uses": MAX_USES,
            "rotate_soon": key.alarm,
            "retired_at": key.known.retired_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        })
    };
    let sealed: u64 = state.master_keys.iter().map(|key| key.known.sealing).sum();
    let otherwise: u64 = state.master_keys.iter().filter(|key| !key.active).map(|key| key.known.sealing).sum();
    json!({
        "keyring": ring,
        "database": database,
        "provider_keys": sealed,
        "to_rotate": otherwise,
        "master_keys": state.master_keys.iter().map(line).collect::<Vec<_>>(),
    })
}

fn table(state: &CustodyState, ring: &str, database: &str) -> String {
    let line = |key: &MasterKeyState| {
        let soon = if key.alarm { "  ROTATE SOON" } else { "" };
        format!(
            "{:<32} {:<12} {:>12} {:>12}{soon}\n",
            key.known.id.as_str(),
            word(key),
            key.known.sealing,
            key.known.uses
        )
    };
    let lines: String = state.master_keys.iter().map(line).collect();
    let head = format!("{:<32} {:<12} {:>12} {:>12}\n", "master key", "", "keys sealed", "uses of 2^32");
    format!("Key ring {ring}\nProvider keys in the {database}\n\n{head}{lines}")
}
