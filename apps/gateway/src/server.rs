//! The running server: from configuration to listeners, and back to a quiet end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpServer, http::KeepAlive};
use billing_core::PaymentProvider;
use http_api::{Services, Site};
use kernel::Ambient;
use rustls::ServerConfig;
use tokio::net::TcpSocket;
use tokio::task::{AbortHandle, JoinSet};

use crate::billing::Working;
use crate::bridge::MoneyNotices;
use crate::config::Config;
use crate::data::DataDir;
use crate::failure::Failure;
use crate::first::{self, FirstAdmin};
use crate::wiring::{Asked, Foundation};
use crate::{kept, place, tls, wiring};

/// The head of a request must be there by then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection is kept so long for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long mails that are on their way have at the end.
const MAILS: Duration = Duration::from_secs(3);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 2048;

/// What a server is started with.
#[derive(Clone)]
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// Where files go.
    pub data: DataDir,
    /// Serve other machines without TLS.
    pub insecure_dev: bool,
    /// Time and randomness.
    pub ambient: Ambient,
}

/// A server that answers requests.
pub struct Running {
    /// Where it listens; the real port where port 0 was asked for.
    pub address: SocketAddr,
    /// Where the private listener is, if there is one.
    pub private_address: Option<SocketAddr>,
    /// How people reach it.
    pub site: Site,
    /// Its services.
    pub services: Services,
    /// The account that this start made, if it was the first.
    pub first_admin: Option<FirstAdmin>,
    foundation: Foundation,
    handles: Vec<ServerHandle>,
    servers: JoinSet<io::Result<()>>,
    housekeeping: AbortHandle,
    working: Working,
    notices: MoneyNotices,
    /// How long what is begun may take to finish at the end.
    patience: Duration,
}

impl Start {
    /// Takes the port, opens the database, makes the first admin if nobody has an account, and serves. To be called within a Tokio
    /// runtime, which the server lives in.
    pub async fn run(self) -> Result<Running, Failure> {
        let Self { config, data, insecure_dev, ambient } = self;
        place::guard(&config, insecure_dev)?;
        let tls = config.server.tls().map(tls::read).transpose()?;
        // The port first: whoever cannot have it must not make an admin whose password nobody sees.
        let public = Listening::at(config.server.listen, "--listen")?;
        let private = config.server.private_listen.map(|at| Listening::at(at, "server.private_listen")).transpose()?;
        let (address, private_address) = (public.address, private.as_ref().map(|private| private.address));
        let site = place::site(&config, address);
        let foundation = Foundation::lay(&config, &data, ambient.clone()).await?;
        let vault = foundation.vault(&config, &data, Asked::Serve).await?;
        let till = foundation.till(&config, &data, &site, wiring::quote_key(&config, &vault)?)?;
        let services = foundation.services(&config, &data, site.clone(), &vault, &till)?;
        let first_admin = foundation.first_start(&config).admin(&site.public_url, &ambient).await?;

        if first_admin.is_none() && first::nobody_administers(&services.users).await? {
            tracing::warn!("{}", first::NO_ADMIN);
        }
        let mut handles = Vec::new();
        let mut servers = JoinSet::new();
        let public = serve(&config, public.socket, tls, services.clone());
        let private = private.map(|private| serve_private(&config, private.socket, services.clone()));
        for server in std::iter::once(public).chain(private) {
            let server = server.map_err(|error| Failure::Runtime(format!("the server cannot start: {error}")))?;
            handles.push(server.handle());
            servers.spawn(server);
        }
        let watch = foundation.watch(&config, &data, &site, services.byok.clone())?;
        let housekeeping = tokio::spawn(foundation.housekeeping(watch).run()).abort_handle();
        let working = Working::begin(foundation.worker(&config, &till));
        tell_of_money(&config);
        tracing::info!(%address, version = site.version, database = kept::database(&config, &data), "serving");
        Ok(Running {
            address,
            private_address,
            site,
            services,
            first_admin,
            foundation,
            handles,
            servers,
            housekeeping,
            working,
            notices: till.notices,
            patience: config.server.shutdown,
        })
    }
}

/// Says who takes the money, and what about that is probably not meant.
fn tell_of_money(config: &Config) {
    let (provider, company) = (config.billing.provider, config.billing.company.name.as_str());
    match provider {
        PaymentProvider::Manual if company.is_empty() => tracing::info!(
            "payments: invoices of your own, marked paid by hand; they do not say whose they are until [billing.company] is filled in. For \
             cards set billing.provider = \"stripe\" and STRIPE_SECRET_KEY"
        ),
        PaymentProvider::Manual => tracing::info!(company, "payments: invoices of your own, marked paid by hand"),
        PaymentProvider::Stripe | PaymentProvider::Lago => tracing::info!(provider = provider.as_str(), "payments"),
    }
    for warning in config.billing.warnings() {
        tracing::warn!("{warning}");
    }
}

impl Running {
    /// Waits until a server ends without having been told to, and says why.
    pub async fn failed(&mut self) -> Failure {
        match self.servers.join_next().await {
            Some(Ok(Err(error))) => Failure::Runtime(format!("the server stopped: {error}")),
            Some(Err(error)) => Failure::Runtime(format!("the server stopped: {error}")),
            Some(Ok(Ok(()))) | None => Failure::Runtime("the server stopped".to_owned()),
        }
    }

    /// From now on `/readyz` says 503 and answers close their connections; everything is still served.
    pub fn announce_end(&self) {
        self.foundation.draining.begin();
    }

    /// Takes no more connections, lets requests in flight finish for `server.shutdown_seconds` at most, and closes the database.
    pub async fn stop(self) -> Result<(), Failure> {
        self.end(true).await
    }

    /// Ends at once: requests in flight are cut off.
    pub async fn abort(self) -> Result<(), Failure> {
        self.end(false).await
    }

    async fn end(mut self, graceful: bool) -> Result<(), Failure> {
        self.foundation.draining.begin();
        let stops: Vec<_> = self.handles.iter().map(|handle| handle.stop(graceful)).collect();
        let servers = async {
            for stop in stops {
                stop.await;
            }
            self.servers.shutdown().await;
        };
        if graceful {
            tokio::join!(servers, self.working.end(self.patience));
            self.notices.sent(MAILS).await;
        } else {
            self.working.abort();
            servers.await;
        }
        self.housekeeping.abort();
        self.foundation.database.close().await.map_err(|error| Failure::store("closing the database", &error))
    }
}

/// A port that is ours.
struct Listening {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listening {
    fn at(wanted: SocketAddr, key: &str) -> Result<Self, Failure> {
        let open = || -> io::Result<Self> {
            let socket = if wanted.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
            socket.set_reuseaddr(true)?;
            socket.bind(wanted)?;
            let socket = socket.listen(BACKLOG)?.into_std()?;
            Ok(Self { address: socket.local_addr()?, socket })
        };
        open().map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Failure::Runtime(format!(
                "{wanted} is in use by another program: stop that one, or take another port ({key})"
            )),
            io::ErrorKind::PermissionDenied => Failure::Runtime(format!(
                "{wanted} cannot be listened on without privileges: take a port above 1023 ({key})"
            )),
            io::ErrorKind::AddrNotAvailable => {
                Failure::Runtime(format!("{wanted} is no address of this machine: take another one ({key})"))
            }
            _ => Failure::Runtime(format!("{wanted} cannot be listened on ({error}): take another address ({key})")),
        })
    }
}

fn workers(config: &Config) -> usize {
    match config.server.workers {
        0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        some => some.into(),
    }
}

/// The listener for everybody.
fn serve(config: &Config, socket: TcpListener, tls: Option<ServerConfig>, services: Services) -> io::Result<Server> {
    let workers = workers(config);
    let connections = usize::try_from(config.server.max_connections).unwrap_or(usize::MAX);
    let server = HttpServer::new(move || http_api::app(&services))
        .workers(workers)
        .max_connections(connections.div_ceil(workers))
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .shutdown_timeout(config.server.shutdown.as_secs())
        .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(socket, tls)?,
        None => server.listen(socket)?,
    };
    Ok(server.run())
}

/// The listener for the operator.
fn serve_private(config: &Config, socket: TcpListener, services: Services) -> io::Result<Server> {
    let server = HttpServer::new(move || http_api::private_app(&services))
        .workers(1)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(config.server.shutdown.as_secs())
        .disable_signals();
    Ok(server.listen(socket)?.run())
}
