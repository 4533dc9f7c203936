//! A PostgreSQL of a test's own, to be stopped in the middle of something.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::Backend;

/// A server on a port of its own, as durable as by default. Killed when it is dropped.
pub(crate) struct Postgres {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Postgres {
    /// Starts one; `None` when this machine has none, which is said, and fails under CI. The scripts put its programs on the path.
    pub(crate) async fn start() -> Option<Self> {
        if !Backend::Postgres.is_there() {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("ops-center-postgres.").tempdir().expect("a folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder");
        if is_root() {
            // The server refuses to run as root.
            done(Command::new("chmod").arg("711").arg(folder.path()));
            done(Command::new("chown").arg("postgres:").arg(&data));
        }
        let mut init = as_server("initdb");
        init.args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
        done(init.arg(&data).current_dir(folder.path()));
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let mut server = Self { child: spawn(&folder, port), port, folder };
        server.awake().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// `pg_ctl stop -m immediate`: every process ends at once, nothing is written any more, and the next start recovers.
    pub(crate) fn stop_immediately(&mut self) {
        super::process::signal(self.child.id(), "QUIT");
        self.child.wait().expect("an end");
    }

    /// Starts it again, on what it wrote.
    pub(crate) async fn again(&mut self) {
        self.child = spawn(&self.folder, self.port);
        self.awake().await;
    }

    async fn awake(&mut self) {
        let began = Instant::now();
        let asks =
            |url: &str| Command::new("psql").args([url, "-Xqc", "SELECT 1"]).output().is_ok_and(|o| o.status.success());
        while !asks(&self.url()) {
            assert!(self.child.try_wait().expect("its state").is_none(), "PostgreSQL does not start");
            assert!(began.elapsed() < Duration::from_secs(30), "PostgreSQL does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may have been stopped before; there is nobody to tell. Its processes end when they see that the first one is gone.
        super::process::signal(self.child.id(), "QUIT");
        self.child.wait().ok();
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout.trim_ascii() == b"0"
}

/// One of the server's programs, as somebody who may run it; it ends with this process.
fn as_server(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig", "QUIT"]).arg(program);
    command
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn spawn(folder: &TempDir, port: u16) -> Child {
    let data: PathBuf = folder.path().join("data");
    let mut command = as_server("postgres");
    command.arg("-D").arg(data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    command.args(["-c", "unix_socket_directories=", "-c", "max_connections=50"]).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("PostgreSQL starts")
}
