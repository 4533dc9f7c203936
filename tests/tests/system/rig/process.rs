//! The program itself, started as an operator starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testkit::{Backend, Client, Place};

/// A password that nobody would refuse.
pub(crate) const PASSWORD: &str = "seven rivers and a bridge";

/// A folder to work in (the data folder is `data` below it), a database, and perhaps Redis.
pub(crate) struct Site {
    place: Place,
    redis: Option<String>,
}

impl Site {
    /// With nothing in it yet.
    pub(crate) async fn on(backend: Backend) -> Self {
        let redis = backend.has_redis().then(testkit::redis_url);
        Self { place: Place::empty(backend).await, redis }
    }

    /// The same with sessions in this Redis.
    pub(crate) fn with_redis(self, url: String) -> Self {
        Self { redis: Some(url), ..self }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.place.path().to_owned()
    }

    /// The URL of its PostgreSQL database.
    pub(crate) fn database(&self) -> Option<String> {
        self.place.postgres()
    }

    /// The program, in this folder, on this database. Hashes cost next to nothing; this machine is a trusted proxy, so that every
    /// client has an address of its own.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        for (name, _) in environment().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.place.path()).stdin(Stdio::null());
        command.env("OPS_CENTER__PASSWORD__MEMORY_KIB", "8").env("OPS_CENTER__PASSWORD__ITERATIONS", "1");
        command.env("OPS_CENTER__SERVER__TRUSTED_PROXIES", "127.0.0.1/32");
        // Every organization has the largest plan, and nobody is slowed down, as in testkit.
        command.env("OPS_CENTER__PLANS__DEFAULT", "enterprise");
        command.env("OPS_CENTER__RATE_LIMIT__WITHOUT_ORG_PER_MINUTE", "4000000000");
        command.envs(self.place.postgres().map(|url| ("DATABASE_URL", url)));
        command.envs(self.redis.clone().map(|url| ("REDIS_URL", url)));
        command
    }

    /// Serves on a free port.
    pub(crate) fn serve(&self) -> Server {
        Server::start(&mut self.program(&["--listen", "127.0.0.1:0"]))
    }

    /// Makes an account from the command line; its id.
    pub(crate) fn account(&self, name: &str) -> String {
        let email = format!("{name}@x.test");
        let arguments = ["user", "create", "--email", &email, "--username", name, "--password-stdin", "--json"];
        let mut command = self.program(&arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        child.stdin.take().expect("its input").write_all(PASSWORD.as_bytes()).expect("a password");
        let output = child.wait_with_output().expect("an end");
        assert!(output.status.success(), "{output:?}");
        let made: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        made["id"].as_str().expect("an id").to_owned()
    }
}

/// Signs in with the password of [`Site::account`].
pub(crate) async fn sign_in(base: &str, name: &str) -> Client {
    sign_in_with(base, name, PASSWORD).await
}

/// Signs in.
pub(crate) async fn sign_in_with(base: &str, name: &str, password: &str) -> Client {
    let client = Client::new(base);
    let credentials = serde_json::json!({ "username": name, "password": password });
    client.post("/api/v1/auth/login").json(&credentials).await.expect(200);
    client
}

fn is_ours(name: &str) -> bool {
    name.starts_with("OPS_CENTER_") || ["DATABASE_URL", "REDIS_URL"].contains(&name)
}

#[expect(clippy::disallowed_methods, reason = "what the program is started with is not a matter of configuration")]
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The built program: `scripts/test` names it; otherwise it is where cargo puts it beside this test.
pub(crate) fn binary() -> PathBuf {
    let named = environment().find(|(name, value)| name == "OPS_CENTER_TEST_BINARY" && !value.is_empty());
    let built = || {
        let test = std::env::current_exe().expect("this test's path");
        test.ancestors().nth(2).expect("target/debug/deps").join("ops-center")
    };
    let path = named.map_or_else(built, |(_, path)| path.into());
    assert!(path.exists(), "{} is not there: build it with `cargo build -p ops-center`", path.display());
    path
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().expect("kill");
    assert!(sent.success(), "kill -{name} {process}");
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    let output = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

impl Ended {
    /// The one sentence of a run that failed with this code.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.trim_end().lines().count(), 1, "one sentence: {self:?}");
        self.err.trim_end()
    }
}

/// A server that serves. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    out: Output,
    err: Output,
}

impl Server {
    /// Starts it, and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let err = Output::of(child.stderr.take().expect("its errors"));
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut first = String::new();
        out.read_line(&mut first).expect("text");
        let Some((_, base)) = first.trim_end().split_once(" is ready: ") else {
            child.kill().ok();
            panic!("it did not start: {first:?} {}", err.text());
        };
        let base = base.to_owned();
        Self { child, base, out: Output::of(out), err }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output behind the first line, once it contains this.
    pub(crate) async fn screen(&self, part: &str) -> String {
        let began = Instant::now();
        while !self.out.text().contains(part) {
            assert!(began.elapsed() < Duration::from_secs(10), "no {part:?} in {:?}", self.out.text());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.out.text()
    }

    /// What it wrote to standard output, but for its first line, and to standard error, so far.
    pub(crate) fn written(&self) -> String {
        format!("{}\n{}", self.out.text(), self.err.text())
    }

    /// Its end, which somebody has asked for.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.child.wait().expect("an end")
    }

    /// Asks it to end without delay, and waits.
    pub(crate) fn stop(self) {
        signal(self.id(), "INT");
        assert!(self.ended().success());
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("an end");
        self.child.wait().expect("an end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before; there is nobody to tell.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a process writes, as far as it has.
struct Output {
    text: Arc<Mutex<String>>,
    _reader: JoinHandle<()>,
}

impl Output {
    fn of(mut from: impl Read + Send + 'static) -> Self {
        let text: Arc<Mutex<String>> = Arc::default();
        let kept = text.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                *kept.lock().unwrap() += &String::from_utf8_lossy(&buffer[..read]);
            }
        });
        Self { text, _reader: reader }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}
