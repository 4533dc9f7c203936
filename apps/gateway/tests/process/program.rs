//! Starts the program in a folder of its own, and talks to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

/// A folder to work in; the program's data folder is `data` below it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("ops-center-process.").tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
        path
    }

    /// The program, in this folder, with nothing of ours in its environment.
    #[expect(clippy::disallowed_methods, reason = "what the machine's environment says must not reach the program")]
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ops-center"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.program(arguments))
    }

    /// Runs it with these variables to its end.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        Ended::of(self.program(arguments).envs(variables.iter().copied()))
    }

    /// Serves on a free port.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        all.extend(arguments);
        Server::start(&mut self.program(&all))
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("OPS_CENTER_")
        || ["DATABASE_URL", "REDIS_URL", "STRIPE_SECRET_KEY", "STRIPE_SECRET_KEY_FILE"].contains(&name)
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Standard output of a run that went well.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.out
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.ok()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The one sentence of a run that failed with this code; it contains all of these.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.err.starts_with("ops-center: "), "{self:?}");
        assert_eq!(self.err.trim_end().lines().count(), 1, "one sentence: {self:?}");
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in {self:?}");
        }
    }
}

/// A server that serves; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut errors = child.stderr.take().expect("its errors");
        let err = std::thread::spawn(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).expect("text");
            text
        });
        let mut first = String::new();
        out.read_line(&mut first).expect("a line");
        let Some((_, base)) = first.trim_end().split_once(" is ready: ") else {
            child.kill().ok();
            panic!("it did not start: {first:?} {:?}", err.join());
        };
        let base = base.to_owned();
        let out = std::thread::spawn(move || {
            let mut rest = String::new();
            out.read_to_string(&mut rest).expect("text");
            first + &rest
        });
        Self { child, base, out, err }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let place = self.base.split_once("://").map_or(self.base.as_str(), |(_, place)| place);
        place.replace("localhost", "127.0.0.1").parse().expect("an address")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().expect("sh");
        assert!(sent.success());
    }

    /// Waits for its end, which somebody has asked for.
    pub(crate) fn ended(mut self) -> Ended {
        let code = self.child.wait().expect("an end").code();
        let (out, err) = (std::mem::replace(&mut self.out, nothing()), std::mem::replace(&mut self.err, nothing()));
        Ended { code, out: out.join().expect("its output"), err: err.join().expect("its errors") }
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(self) -> Ended {
        self.signal("INT");
        self.ended()
    }

    /// `GET`, status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
        answer(stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn nothing() -> JoinHandle<String> {
    std::thread::spawn(String::new)
}

/// Status and body of the one answer of this connection.
pub(crate) fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {text:?}")), body.to_owned())
}

/// Who may do what with a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o777
}

/// Runs one line of a shell in a folder.
pub(crate) fn shell(folder: &Path, line: &str) -> Ended {
    Ended::of(Command::new("sh").args(["-c", line]).current_dir(folder))
}
