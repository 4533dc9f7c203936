//! A running server and the people on it.

use std::sync::atomic::{AtomicU32, Ordering};

use auth_core::{NewUser, Username};
use kernel::{Actor, Email, PlatformRole};
use secrecy::SecretString;
use testkit::{Builder, FakeProvider, TestApp};

use super::person::Person;
use super::sample::PASSWORD;
use super::wire::Wire;

/// More members and invitations than a test makes.
const SEATS: u32 = 100_000;

/// A server with a database of its own. It ends when it is dropped.
pub(crate) struct Site {
    pub(crate) app: TestApp,
    pub(crate) wire: Wire,
    /// The origin of its own pages.
    pub(crate) origin: String,
    next: AtomicU32,
    /// Every provider of AI models.
    _provider: Option<FakeProvider>,
}

impl Site {
    /// On SQLite, as behind a proxy with TLS.
    pub(crate) async fn open() -> Self {
        Self::built(TestApp::builder()).await
    }

    pub(crate) async fn built(builder: Builder) -> Self {
        let provider = FakeProvider::start();
        let site = Self::of(builder.providers(&provider).start().await);
        site.app.seats(SEATS).await;
        Self { _provider: Some(provider), ..site }
    }

    pub(crate) fn of(app: TestApp) -> Self {
        let address = app.base.trim_start_matches("http://").parse().expect("an address");
        Self { wire: Wire::new(address), origin: app.base.clone(), app, next: AtomicU32::new(1), _provider: None }
    }

    /// An address that nobody has sent anything from.
    pub(crate) fn address(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        format!("10.{}.{}.{}", number[1], number[2], number[3])
    }

    /// Makes an account with a verified address; nobody signs in.
    pub(crate) async fn account(&self, name: &str) -> Person {
        self.account_as(name, &format!("{name}@people.example"), PlatformRole::User).await
    }

    /// Makes the account of a platform admin.
    pub(crate) async fn admin(&self) -> Person {
        self.account_as("operator", "operator@people.example", PlatformRole::Admin).await
    }

    pub(crate) async fn account_as(&self, username: &str, email: &str, role: PlatformRole) -> Person {
        let username = Username::parse(username).expect("a user name");
        let email = Email::parse(email).expect("an e-mail address");
        let new = NewUser { email, email_verified: true, username, role };
        let password = SecretString::from(PASSWORD);
        let made =
            self.app.run(|services| async move { services.users.create(&Actor::system(), new, &password).await }).await;
        let user = made.expect("an account");
        Person::new(&self.wire, &self.address(), &user.id.to_string(), user.email.as_str(), user.username.as_str())
    }

    /// Disables an account.
    pub(crate) async fn disable(&self, person: &Person) {
        let id = person.id.parse().expect("an id");
        let done =
            self.app.run(move |services| async move { services.users.disable(&Actor::system(), id).await }).await;
        done.expect("a disabled account");
    }

    /// Another instance on the same database.
    pub(crate) async fn sibling(&self) -> Self {
        Self::of(self.app.sibling().await)
    }
}
