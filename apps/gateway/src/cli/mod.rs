//! The command line.

mod billing;
mod config;
mod init;
mod keys;
mod migrate;
mod output;
mod progress;
mod routes;
mod screen;
mod serve;
mod usage;
mod user;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kernel::Ambient;
use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_appender::non_blocking::WorkerGuard;

use self::output::say;
use crate::config::{Config, Sources};
use crate::data::DataDir;
use crate::failure::Failure;
use crate::logging;

const EXIT_CODES: &str = "\
EXIT CODES:
  0   done
  1   it was tried and did not work: the port is taken, the folder cannot be written, the database is somebody else's
  2   the command line or the configuration is wrong
  69  the database, Redis or the payment provider does not answer: trying again later may help";

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center                                   serve on http://127.0.0.1:8084, with SQLite in ./data
  ops-center --listen 127.0.0.1:9000           the same on another port
  ops-center --config ops-center.toml serve    with a configuration file
  DATABASE_URL=postgres://ops@db/ops REDIS_URL=redis://cache ops-center
  ops-center config check                      what is configured, and where it comes from";

/// Accounts, organizations and entitlements of a self-hosted platform.
///
/// Without a subcommand it serves. The first start makes the data folder, the database and a platform admin, and prints how to sign in.
#[derive(Debug, Parser)]
#[command(name = "ops-center", version, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
struct Cli {
    /// The folder for the database, mails and pictures, where they are kept on this machine
    #[arg(long, global = true, value_name = "DIR", env = "OPS_CENTER_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
    /// A configuration file (TOML); `ops-center config check` lists the keys
    #[arg(long, global = true, value_name = "FILE", env = "OPS_CENTER_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    serve: serve::ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Migrate(migrate::MigrateArgs),
    Init(init::InitArgs),
    User(user::UserArgs),
    Usage(usage::UsageArgs),
    Keys(keys::KeysArgs),
    Billing(billing::BillingArgs),
    Openapi(routes::OpenapiArgs),
    Config(config::ConfigArgs),
    Routes(routes::RoutesArgs),
}

/// For programs that read the output.
#[derive(Debug, Clone, Copy, Args)]
struct Json {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What every command can need.
struct Context {
    data: DataDir,
    sources: Sources,
    /// Writes the last lines when the command has ended.
    log: OnceCell<WorkerGuard>,
}

impl Context {
    /// The configuration, with the log begun as it says.
    fn config(&self) -> Result<Config, Failure> {
        let config = Config::load(&self.sources)?;
        self.log.set(logging::start(&config.log)?).ok();
        Ok(config)
    }

    /// The machine's time and randomness.
    fn ambient() -> Ambient {
        Ambient::system()
    }
}

/// Reads the command line, does what it says, and explains a failure in one line on standard error.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told when standard error is gone.
            output::complain(&failure).ok();
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    keep_memory_private()?;
    let sources = Sources::of_process()?.with_file(cli.config);
    let context = Context { data: DataDir::new(cli.data_dir), sources, log: OnceCell::new() };
    let command = match cli.command {
        Some(command) if cli.serve.is_empty() => command,
        None => Command::Serve(cli.serve),
        Some(Command::Serve(arguments)) => Command::Serve(arguments.or(cli.serve)),
        Some(_) => {
            return Err(Failure::Usage("--listen and --insecure-dev belong to serve: leave them out".to_owned()));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Runtime(format!("no threads can be started: {error}")))?;
    runtime.block_on(async move {
        match command {
            Command::Serve(arguments) => Box::pin(arguments.run(context)).await,
            Command::Migrate(arguments) => arguments.run(context).await,
            Command::Init(arguments) => arguments.run(context).await,
            Command::User(arguments) => arguments.run(context).await,
            Command::Usage(arguments) => arguments.run(context).await,
            Command::Keys(arguments) => arguments.run(context).await,
            Command::Billing(arguments) => Box::pin(arguments.run(context)).await,
            Command::Openapi(_) => say(&http_api::openapi()),
            Command::Config(arguments) => arguments.run(&context),
            Command::Routes(arguments) => arguments.run(),
        }
    })
}

/// No core dump: it would put master keys and provider keys on a disk.
fn keep_memory_private() -> Result<(), Failure> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)
        .map_err(|error| Failure::Runtime(format!("core dumps cannot be turned off (RLIMIT_CORE): {error}")))
}
