use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Context, output::say, screen};
use crate::failure::Failure;
use crate::kept::Kept;
use crate::server::{Running, Start};

/// How long load balancers have to see that we are about to stop, before the listener closes.
const NOTICE: Duration = Duration::from_secs(2);

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center serve
  ops-center serve --listen 127.0.0.1:9000
  ops-center serve --listen 0.0.0.0:8084 --insecure-dev     on a network you trust, without TLS

SIGNALS:
  SIGTERM  /readyz says 503 at once; 2 s later no connection is taken any more; requests in flight have server.shutdown_seconds
  SIGINT   (Ctrl-C) the same without the 2 s; a second signal ends at once";

/// Serve the API and the built-in pages (what happens without a subcommand)
///
/// Migrates the database first. When nobody has an account yet, a platform admin is made and its password and a one-time sign-in link
/// are printed.
#[derive(Debug, Clone, Default, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ServeArgs {
    /// The IP address and port to listen on, such as 127.0.0.1:9000 (server.listen)
    #[arg(long, value_name = "ADDR", value_parser = crate::config::address)]
    listen: Option<SocketAddr>,
    /// Let other machines in without TLS: passwords and cookies cross the network in the clear
    #[arg(long)]
    insecure_dev: bool,
}

impl ServeArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.listen.is_none() && !self.insecure_dev
    }

    /// What stands behind the subcommand, else what stands before it.
    pub(super) fn or(self, other: Self) -> Self {
        Self { listen: self.listen.or(other.listen), insecure_dev: self.insecure_dev || other.insecure_dev }
    }

    pub(super) async fn run(self, mut context: Context) -> Result<(), Failure> {
        if let Some(listen) = self.listen {
            context.sources = context.sources.with_flag("server.listen", listen);
        }
        let config = context.config()?;
        let mut signals = Signals::new()?;
        let kept = Kept::by(&config, &context.data);
        let ambient = Context::ambient();
        let running = Start { config, data: context.data, insecure_dev: self.insecure_dev, ambient }.run().await?;
        let mut text = screen::ready(&running.site);
        if let Some(admin) = &running.first_admin {
            text += &screen::first(admin, &running.site.public_url, &kept);
        }
        say(&text)?;
        Box::pin(until_told(running, &mut signals)).await
    }
}

async fn until_told(mut running: Running, signals: &mut Signals) -> Result<(), Failure> {
    let notice = tokio::select! {
        failure = running.failed() => return Err(failure),
        notice = signals.next() => notice,
    };
    tracing::info!("stopping: requests in flight may finish");
    running.announce_end();
    tokio::select! {
        () = tokio::time::sleep(notice) => {}
        _ = signals.next() => return running.abort().await,
    }
    tokio::select! {
        stopped = running.stop() => stopped,
        _ = signals.next() => Err(Failure::Runtime("stopped by a second signal; requests in flight were cut off".to_owned())),
    }
}

/// The signals that ask us to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::Runtime(format!("signals cannot be received: {error}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// How long to go on serving after it.
    async fn next(&mut self) -> Duration {
        tokio::select! {
            _ = self.terminate.recv() => NOTICE,
            _ = self.interrupt.recv() => Duration::ZERO,
        }
    }
}
