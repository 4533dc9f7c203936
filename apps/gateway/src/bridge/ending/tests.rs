use billing_core::{BillingStore, Command, Outbox, PaymentProvider, PaymentStatus, Settles};
use kernel::{Action, Ambient, UserId};
use org_core::testing::{MemoryOrgs, Population};
use org_core::{OrgName, OrgPorts, Orgs};

use super::*;
use crate::billing::stage::Stage;

/// Organizations that may pay, and one of them.
struct Town {
    stage: Stage,
    memory: Arc<MemoryOrgs>,
    orgs: OrgsThatPay,
    org: OrgId,
}

impl Town {
    async fn new() -> Self {
        let (stage, memory) = (Stage::new(), Arc::new(MemoryOrgs::new()));
        let ports = OrgPorts { orgs: memory.clone(), members: memory.clone(), entitlements: memory.clone() };
        let owner: UserId = memory.user("ada@example.com", true).await;
        let made = Orgs::new(ports, Ambient::system());
        let org = made.create(&Actor::system(), owner, OrgName::parse("Acme").expect("a name"), None).await;
        let orgs = OrgsThatPay { orgs: memory.clone(), billing: stage.billing.clone() };
        Self { stage, memory, orgs, org: org.expect("an organization").id }
    }

    /// It pays for something, and that is known.
    async fn buy(&self) {
        self.stage.buyer(self.org).await;
        self.stage.billing.sync(self.org, &Settles::Nothing).await.expect("an account");
    }

    async fn set(&self, status: OrgStatus) -> Result<StatusChanged, StoreError> {
        let record = Record::new(&self.stage.ambient, &Actor::system(), Action::OrgDeleted, "organization", self.org);
        self.orgs.set_status(self.org, status, &record.within(self.org)).await
    }

    async fn is_there(&self) -> bool {
        let found = OrgStore::find(&*self.memory, self.org).await.expect("an answer").expect("an organization");
        found.status != OrgStatus::Deleted
    }

    async fn paid(&self) -> PaymentStatus {
        let account = self.stage.memory.account(self.org, PaymentProvider::Stripe).await.expect("an answer");
        account.expect("an account").subscription.expect("a subscription").status
    }

    fn end(&self) -> Command {
        Command::CancelNow { external: format!("sub_{}", self.org) }
    }
}

#[tokio::test]
async fn who_deletes_an_organization_ends_what_it_pays_for() {
    let town = Town::new().await;
    town.buy().await;
    assert_eq!(town.paid().await, PaymentStatus::Active);
    assert_eq!(town.set(OrgStatus::Suspended).await.expect("suspended"), StatusChanged::Changed);
    assert_eq!(town.stage.teller.done(), [], "who is suspended goes on paying");
    assert_eq!(town.set(OrgStatus::Deleted).await.expect("deleted"), StatusChanged::Changed);
    assert_eq!(town.stage.teller.done(), [town.end()]);
    assert_eq!(town.paid().await, PaymentStatus::Canceled);
    assert!(!town.is_there().await);
}

#[tokio::test]
async fn who_never_paid_is_deleted_as_well() {
    let town = Town::new().await;
    town.stage.memory.add_org(town.org);
    assert_eq!(town.set(OrgStatus::Deleted).await.expect("deleted"), StatusChanged::Changed);
    assert!(!town.is_there().await && town.stage.teller.done().is_empty());
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_and_hinders_nobody() {
    let town = Town::new().await;
    town.buy().await;
    town.stage.teller.away(true);
    assert_eq!(town.set(OrgStatus::Deleted).await.expect("deleted"), StatusChanged::Changed);
    assert!(!town.is_there().await);
    let waiting = town.stage.memory.pending(town.org).await.expect("an answer").expect("a command");
    assert_eq!(waiting.command, town.end());
    town.stage.teller.away(false);
    town.stage.clock.advance(std::time::Duration::from_mins(2));
    town.stage.billing.work().await.expect("a round");
    assert_eq!(town.stage.teller.done(), [town.end()]);
}

#[tokio::test]
async fn what_cannot_be_ended_now_is_not_deleted_now() {
    let town = Town::new().await;
    town.buy().await;
    town.stage.memory.break_down(true);
    assert!(matches!(town.set(OrgStatus::Deleted).await, Err(StoreError::Unavailable(_))));
    assert!(town.is_there().await, "nothing is deleted whose payments go on");
    town.stage.memory.break_down(false);
    town.stage.teller.away(true);
    town.stage.billing.cancel(&Actor::system(), town.org, true).await.expect("agreed");
    assert!(matches!(town.set(OrgStatus::Deleted).await, Err(StoreError::Unavailable(_))), "one thing after the other");
    assert!(town.is_there().await);
}
