use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::output::{say, say_json, warn};
use super::{Context, Json};
use crate::config::{Config, DEFAULTS, Setting, providers};
use crate::data::DataDir;
use crate::failure::Failure;
use crate::ring::{FileRing, RingError};
use crate::wiring;

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center config check
  ops-center --config ops-center.toml config check --json
  ops-center config defaults > ops-center.toml      every key with its documentation, to begin with";

/// The configuration
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    Check(CheckArgs),
    /// Print the built-in defaults, which document every key
    #[command(after_long_help = EXAMPLES)]
    Defaults,
}

/// Check the configuration, and print every key, its value and where it comes from
///
/// Secrets that are set are printed as ***. The files of plans.catalogue and byok.providers and the key ring are read and checked too.
/// Nothing is connected to.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct CheckArgs {
    #[command(flatten)]
    output: Json,
}

impl ConfigArgs {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self.command {
            ConfigCommand::Defaults => say(DEFAULTS),
            ConfigCommand::Check(arguments) => {
                let (config, settings) = Config::explained(&context.sources)?;
                wiring::chosen_catalogue(&config)?;
                providers::load(&config)?;
                look_at_ring(&config, &context.data)?;
                wiring::provider(&config.billing, &Context::ambient())?;
                for warning in config.billing.warnings() {
                    warn(&warning)?;
                }
                if arguments.output.json { say_json(&as_json(settings)) } else { say(&as_text(&settings)) }
            }
        }
    }
}

/// Reads the ring, and shows nothing of it. One that is yet to be made is no mistake.
fn look_at_ring(config: &Config, data: &DataDir) -> Result<(), Failure> {
    match FileRing::open(data.keyring(config)) {
        Ok(_) => Ok(()),
        Err(RingError::Missing(_)) if config.byok.keyring.is_none() => Ok(()),
        Err(RingError::Missing(path)) => {
            warn(&format!("byok.keyring: there is no key ring {} yet; ops-center init makes it", path.display()))
        }
        Err(error) => Err(error.into()),
    }
}

fn as_json(settings: Vec<Setting>) -> Value {
    let entries = settings.into_iter().map(|it| (it.key, json!({ "value": it.value, "from": it.from })));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// One line for each key; a key that no default explains any more stands out by its origin.
fn as_text(settings: &[Setting]) -> String {
    let line = |it: &Setting| {
        let value = format!("{} = {}", it.key, it.value);
        if it.from == "default" { format!("{value}\n") } else { format!("{value:<48}  # {}\n", it.from) }
    };
    settings.iter().map(line).collect()
}
