use auth_core::{NewUser, Username};
use billing_core::{Cycle, PaymentProvider};
use kernel::{Action, Actor, Email, Limit, PlatformRole, Record, UserId};
use org_core::OrgName;
use secrecy::SecretString;

use super::*;
use crate::config::{Config, Sources};
use crate::data::DataDir;
use crate::wiring::Foundation;

/// A whole installation in a folder, without its server.
struct House {
    config: Config,
    foundation: Foundation,
    facts: PlatformFacts,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ops-center-platform.").tempdir().expect("a folder");
        let mut config = Config::load(&Sources::default()).expect("the defaults");
        config.password.memory_kib = 8;
        config.password.iterations = 1;
        let data = DataDir::new(folder.path().join("data"));
        let foundation = Foundation::lay(&config, &data, Ambient::system()).await.expect("a foundation");
        let facts = foundation.platform_facts();
        Self { config, foundation, facts, _folder: folder }
    }

    async fn user(&self, name: &str) -> UserId {
        let new = NewUser {
            email: Email::parse(&format!("{name}@example.com")).expect("an address"),
            email_verified: true,
            username: Username::parse(name).expect("a name"),
            role: PlatformRole::User,
        };
        let password = SecretString::from("tall ships sail at dawn");
        self.foundation.users(&self.config).create(&Actor::system(), new, &password).await.expect("an account").id
    }

    async fn org(&self, owner: UserId) -> OrgId {
        let name = OrgName::parse("Acme").expect("a name");
        self.foundation.orgs().create(&Actor::system(), owner, name, None).await.expect("an organization").id
    }
}

#[tokio::test]
async fn what_is_sold_is_the_catalogue() {
    let house = House::new().await;
    let offers = house.facts.offers().await.expect("offers");
    let starter = offers.plan("starter").expect("a plan");
    assert_eq!((starter.level, starter.price(Cycle::Monthly).to_string().as_str()), (2, "19.00 USD"));
    assert_eq!((starter.price(Cycle::Yearly).minor, starter.seats, starter.byok), (19_000, 3, true));
    assert!(starter.is_active && starter.is_public && !offers.plan("founders-friend").expect("a plan").is_public);
    assert_eq!(offers.plan("enterprise").expect("a plan").calls, Limit::Unlimited);
    assert_eq!(offers.plan("trial").expect("a plan").trial_days, 14);
    assert_eq!(starter.sold_as(PaymentProvider::Manual, Cycle::Yearly).as_deref(), Some("starter/yearly"));
}

#[tokio::test]
async fn bills_go_to_the_oldest_owner_who_can_act() {
    let house = House::new().await;
    let (ada, bob) = (house.user("ada").await, house.user("bob").await);
    let org = house.org(ada).await;
    let customer = house.facts.customer(org).await.expect("an answer").expect("a customer");
    assert_eq!((customer.name.as_str(), customer.email.as_str()), ("Acme", "ada@example.com"));
    let record = Record::new(&house.facts.ambient, &Actor::system(), Action::MemberAdded, "user", bob).within(org);
    house.facts.members.add(org, bob, Role::Owner, 5, &record).await.expect("a member");
    house.foundation.users(&house.config).disable(&Actor::system(), ada).await.expect("disabled");
    let customer = house.facts.customer(org).await.expect("an answer").expect("a customer");
    assert_eq!(customer.email, "bob@example.com");

    let load = house.facts.load(org).await.expect("a load");
    assert_eq!((load.seats, load.keys, load.calls), (2, 0, 0));
    assert_eq!(house.facts.plan_of(org).await.expect("an answer").as_deref(), Some("free"));

    let record = Record::new(&house.facts.ambient, &Actor::system(), Action::OrgDeleted, "organization", org);
    house.facts.orgs.set_status(org, OrgStatus::Deleted, &record.within(org)).await.expect("deleted");
    assert_eq!(house.facts.customer(org).await.expect("an answer"), None);
    assert_eq!(house.facts.plan_of(org).await.expect("an answer"), None);
}
