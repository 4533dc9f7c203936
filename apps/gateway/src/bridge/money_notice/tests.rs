use std::sync::Mutex as StdMutex;

use kernel::{Actor, Ambient};
use mail_smtp::{Notice as Mail, NoticeMail};
use org_core::testing::{MemoryOrgs, Population};
use org_core::{OrgName, OrgPorts, Orgs};

use super::*;

/// What was sent, after a while.
#[derive(Default)]
struct Post(StdMutex<Vec<Mail>>);

#[async_trait]
impl NoticeMail for Post {
    async fn notify(&self, notice: &Mail) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        self.0.lock().expect("the post").push(notice.clone());
        Ok(())
    }
}

/// A mail server that takes mails and never says so.
struct Hole;

#[async_trait]
impl NoticeMail for Hole {
    async fn notify(&self, _: &Mail) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

async fn notices(mail: Arc<dyn NoticeMail>) -> (MoneyNotices, OrgId) {
    let memory = Arc::new(MemoryOrgs::new());
    let ports = OrgPorts { orgs: memory.clone(), members: memory.clone(), entitlements: memory.clone() };
    let owner = memory.user("ada@example.com", true).await;
    let name = OrgName::parse("M\u{fc}ller").expect("a name");
    let org = Orgs::new(ports, Ambient::system()).create(&Actor::system(), owner, name, None).await;
    let public_url = "https://ops.example.com".to_owned();
    let owners = OwnerNotices { orgs: memory.clone(), members: memory, mail, public_url };
    (MoneyNotices::new(owners), org.expect("an organization").id)
}

fn day_of(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[tokio::test]
async fn owners_are_told_in_words() {
    let post = Arc::new(Post::default());
    let (notices, org) = notices(post.clone()).await;
    let total = billing_core::Money::new(1900, "USD".parse().expect("a currency"));
    for notice in [
        Notice::PaymentMissing(day_of("2026-11-29T10:00:00Z")),
        Notice::AccessEnded,
        Notice::InvoiceOpen(total, day_of("2026-12-06T10:00:00Z")),
        Notice::UnknownPrice("price_unknown".to_owned()),
    ] {
        notices.tell(org, &notice).await.expect("told");
    }
    notices.sent(Duration::from_secs(5)).await;
    let sent = post.0.lock().expect("the post").clone();
    assert_eq!(sent.len(), 3, "what only the operator can mend is for the log: {sent:?}");
    for parts in [
        &["A payment for M\u{fc}ller is missing", "until 2026-11-29"][..],
        &["The plan of M\u{fc}ller is paused", "Nothing was deleted"],
        &["Invoice of 19.00 USD for M\u{fc}ller", "to be paid by 2026-12-06"],
    ] {
        let told = |mail: &&Mail| {
            let text = format!("{}\n{}", mail.subject, mail.paragraphs.join("\n"));
            parts.iter().all(|part| text.contains(part)) && text.contains("https://ops.example.com")
        };
        let mail = sent.iter().find(told).unwrap_or_else(|| panic!("{parts:?}: {sent:?}"));
        assert_eq!(mail.to.as_str(), "ada@example.com");
    }
}

#[tokio::test]
async fn a_mail_server_that_hangs_holds_up_nobody() {
    let (notices, org) = notices(Arc::new(Hole)).await;
    notices.tell(org, &Notice::AccessEnded).await.expect("told at once");
    notices.sent(Duration::from_millis(20)).await;
    notices.tell(org, &Notice::AccessEnded).await.expect("and again");
}
