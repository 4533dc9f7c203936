use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use auth_core::{NewUser, Username};
use http_api::Services;
use kernel::{Actor, Ambient, Email, OsRng, PlatformRole};
use ops_center::config::{Config, Sources};
use ops_center::{DataDir, Failure, FirstAdmin, Start};
use plan_core::PlanPatch;
use secrecy::{ExposeSecret, SecretString};

use crate::backend::{Backend, redis_url};
use crate::client::Client;
use crate::clock::TestClock;
use crate::database::Place;
use crate::host::Host;
use crate::mail::Mail;
use crate::provider::FakeProvider;
use crate::user::TestUser;

/// The password of every user that [`TestApp::user`] makes.
const PASSWORD: &str = "tall ships sail at dawn";

/// A server in this process, on a free port, with a database of its own. It ends when it is dropped.
pub struct TestApp {
    /// `http://127.0.0.1:PORT`
    pub base: String,
    /// Where the private listener is (metrics, the state of each dependency).
    pub private_base: Option<String>,
    /// The time of this app and its siblings.
    pub clock: Arc<TestClock>,
    /// What it runs with.
    pub config: Config,
    /// What it stands on.
    pub backend: Backend,
    services: Services,
    first_admin: Arc<Option<FirstAdmin>>,
    // Declared before the place: the server ends before its database goes.
    host: Host,
    place: Arc<Place>,
}

/// How an app is to be.
#[must_use = "an app is made by `start`"]
pub struct Builder {
    postgres: bool,
    redis: bool,
    config: Config,
}

impl Builder {
    /// On PostgreSQL.
    pub const fn postgres(mut self) -> Self {
        self.postgres = true;
        self
    }

    /// With sessions in Redis.
    pub const fn redis(mut self) -> Self {
        self.redis = true;
        self
    }

    /// On this backend.
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.postgres = backend.has_postgres();
        self.redis = backend.has_redis();
        self
    }

    /// With a changed configuration.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// With this server in the place of every provider of AI models, and of a customer's own.
    pub fn providers(self, fake: &FakeProvider) -> Self {
        self.config(|config| fake.admit(config))
    }

    /// Starts it.
    pub async fn start(self) -> TestApp {
        self.try_start().await.unwrap_or_else(|failure| panic!("the app does not start: {failure}"))
    }

    /// Starts it, or says why it cannot.
    pub async fn try_start(mut self) -> Result<TestApp, Failure> {
        let backend = Backend::of(self.postgres, self.redis);
        let place = Arc::new(Place::make(backend).await);
        if let Some(url) = place.postgres() {
            self.config.database.url = Some(url.into());
        }
        if self.redis {
            self.config.redis.url.get_or_insert_with(|| redis_url().into());
        }
        launch(self.config, backend, place, Arc::default()).await
    }
}

/// Starts a server in this place.
async fn launch(
    config: Config,
    backend: Backend,
    place: Arc<Place>,
    clock: Arc<TestClock>,
) -> Result<TestApp, Failure> {
    let ambient = Ambient::new(clock.clone(), Arc::new(OsRng));
    let data = DataDir::new(place.folder.path().join("data"));
    let started = Host::start(Start { config: config.clone(), data, insecure_dev: false, ambient }).await?;
    let url = |address: SocketAddr| format!("http://{address}");
    Ok(TestApp {
        base: url(started.address),
        private_base: started.private_address.map(url),
        clock,
        config,
        backend,
        services: started.services,
        first_admin: Arc::new(started.first_admin),
        host: started.host,
        place,
    })
}

impl TestApp {
    /// An app on SQLite.
    pub async fn new() -> Self {
        Self::builder().start().await
    }

    /// An app to be described. Its own port, cheap hashes, this machine as a trusted proxy, and every organization on the largest plan
    /// of the shipped catalogue, which sets no limit but ten
    /// seats, nor is anybody else slowed down; the rest as by default.
    pub fn builder() -> Builder {
        let mut config = Config::load(&Sources::default()).expect("the defaults");
        config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.server.workers = 2;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        config.password.memory_kib = 8;
        config.password.iterations = 1;
        config.plans.default = config.plans.first_admin.clone();
        config.rate_limit.without_org_per_minute = NonZeroU32::MAX;
        // No test asks a provider out there: nothing listens at this name server.
        config.byok.dns_server = Some(SocketAddr::from(([127, 0, 0, 1], 1)));
        Builder { postgres: false, redis: false, config }
    }

    /// Runs a test on every backend, one after the other.
    pub async fn each<F, Fut>(body: F)
    where
        F: Fn(Self) -> Fut,
        Fut: Future<Output = ()>,
    {
        Self::each_with(|_| {}, body).await;
    }

    /// The same with a changed configuration.
    pub async fn each_with<F, Fut>(change: impl Fn(&mut Config), body: F)
    where
        F: Fn(Self) -> Fut,
        Fut: Future<Output = ()>,
    {
        for backend in Backend::ALL.into_iter().filter(|backend| backend.is_there()) {
            // Shown when the test fails.
            println!("on {backend}:");
            body(Self::builder().backend(backend).config(&change).start().await).await;
        }
    }

    /// A second instance: the same database and Redis, another port.
    pub async fn sibling(&self) -> Self {
        let launched = launch(self.config.clone(), self.backend, self.place.clone(), self.clock.clone()).await;
        let mut sibling = launched.unwrap_or_else(|failure| panic!("the sibling does not start: {failure}"));
        sibling.first_admin = self.first_admin.clone();
        sibling
    }

    /// Ends the server; gracefully, which lets requests in flight finish, or at once.
    pub async fn stop(mut self, graceful: bool) {
        let ended = tokio::task::spawn_blocking(move || self.host.end(graceful));
        ended.await.expect("a quiet end");
    }

    /// The services behind the routes. Await their futures with [`Self::run`], on the server's own runtime.
    pub const fn services(&self) -> &Services {
        &self.services
    }

    /// Runs something with the server's services, on its runtime.
    pub async fn run<F, Fut>(&self, work: F) -> Fut::Output
    where
        F: FnOnce(Services) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        self.host.runtime.spawn(work(self.services.clone())).await.expect("work that does not panic")
    }

    /// A browser that is not signed in.
    pub fn visitor(&self) -> Client {
        Client::new(&self.base)
    }

    /// Makes an account with a verified address, and signs in. It belongs to no organization.
    pub async fn user(&self, email: &str) -> TestUser {
        self.account(email, PlatformRole::User, true).await
    }

    /// The same with an address that was not proved.
    pub async fn unverified_user(&self, email: &str) -> TestUser {
        self.account(email, PlatformRole::User, false).await
    }

    /// The same, who owns a new organization and acts in it.
    pub async fn owner(&self, email: &str, org: &str) -> TestUser {
        let user = self.user(email).await;
        user.create_org(org).await;
        user
    }

    /// Makes an account with this role, and signs in.
    pub async fn account(&self, email: &str, role: PlatformRole, email_verified: bool) -> TestUser {
        let address = Email::parse(email).expect("an e-mail address");
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let username: String = email.chars().map(|c| if allowed(c) { c } else { '.' }).collect();
        let username = Username::parse(&username).expect("a user name");
        let new = NewUser { email: address, email_verified, username, role };
        let made = self.run(|services| async move {
            services.users.create(&Actor::system(), new, &SecretString::from(PASSWORD)).await
        });
        let made = made.await.unwrap_or_else(|error| panic!("no account for {email}: {error}"));
        let names = [made.email.to_string(), made.username.to_string()];
        let user = TestUser::new(self.visitor(), made.id, names, PASSWORD.to_owned());
        user.sign_in().await;
        user
    }

    /// The platform admin that the first start made, owner of "Default organization", signed in.
    pub async fn admin(&self) -> TestUser {
        let first = self.first_admin.as_ref().as_ref().expect("the app was the first on its database");
        let names = [first.email.clone(), first.username.clone()];
        let client = self.visitor();
        let password = first.password.expose_secret().to_owned();
        let body = serde_json::json!({ "username": first.email, "password": password });
        let answer = client.post("/api/v1/auth/login").json(&body).await.expect(200);
        let id = answer["user"]["id"].as_str().and_then(|id| id.parse().ok()).expect("the admin's id");
        TestUser::new(client, id, names, password)
    }

    /// Changes a plan of the catalogue, for this app at once and for its siblings within a second.
    pub async fn change_plan(&self, id: &str, patch: PlanPatch) {
        let id = id.parse().expect("a plan's name");
        let changed =
            self.run(|services| async move { services.plans.update(&Actor::system(), &id, None, &patch).await });
        changed.await.unwrap_or_else(|error| panic!("the plan is not changed: {error}"));
    }

    /// Gives every organization so many seats.
    pub async fn seats(&self, seats: u32) {
        let patch = PlanPatch { team_seats: Some(seats.into()), ..PlanPatch::default() };
        self.change_plan(self.config.plans.default.as_str(), patch).await;
    }

    /// The mails that were sent, the oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        Mail::all(&self.data_dir().join("outbox"))
    }

    /// Where files are, and the SQLite database `ops-center.db`.
    pub fn data_dir(&self) -> PathBuf {
        self.place.folder.path().join("data")
    }
}
