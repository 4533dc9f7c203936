//! The thread that a server lives in, with a runtime of its own: a test's runtime may come and go.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use http_api::Services;
use ops_center::{Failure, FirstAdmin, Running, Start};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A server on its thread; dropping it ends the server.
pub(crate) struct Host {
    pub(crate) runtime: Handle,
    stop: Option<oneshot::Sender<bool>>,
    thread: Option<JoinHandle<()>>,
}

/// What is known of a server that runs.
pub(crate) struct Started {
    pub(crate) host: Host,
    pub(crate) address: SocketAddr,
    pub(crate) private_address: Option<SocketAddr>,
    pub(crate) services: Services,
    pub(crate) first_admin: Option<FirstAdmin>,
}

type Report = Result<(Handle, SocketAddr, Option<SocketAddr>, Services, Option<FirstAdmin>), Failure>;

impl Host {
    pub(crate) async fn start(start: Start) -> Result<Started, Failure> {
        let (report, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread =
            std::thread::Builder::new().name("test-app".to_owned()).spawn(move || live(start, report, stopped));
        let thread = thread.expect("a thread");
        let (runtime, address, private_address, services, first_admin) =
            started.await.expect("a server that says how it went")?;
        let host = Self { runtime, stop: Some(stop), thread: Some(thread) };
        Ok(Started { host, address, private_address, services, first_admin })
    }

    /// Ends the server; gracefully, or at once.
    pub(crate) fn end(&mut self, graceful: bool) {
        let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) else { return };
        // The server may have ended by itself.
        stop.send(graceful).ok();
        let quiet = thread.join().is_ok();
        // A test that fails already is not to be told twice.
        assert!(quiet || std::thread::panicking(), "the server did not end well");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end(false);
    }
}

fn live(start: Start, report: oneshot::Sender<Report>, stopped: oneshot::Receiver<bool>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match start.run().await {
            Err(failure) => drop(report.send(Err(failure))),
            Ok(mut running) => {
                let first_admin = running.first_admin.take();
                let Running { address, private_address, .. } = running;
                let facts = (Handle::current(), address, private_address, running.services.clone(), first_admin);
                if report.send(Ok(facts)).is_ok() {
                    let graceful = stopped.await.unwrap_or(false);
                    let ended = if graceful { running.stop().await } else { running.abort().await };
                    ended.expect("a quiet end");
                }
            }
        }
    });
}
