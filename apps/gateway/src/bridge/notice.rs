use std::sync::Arc;

use async_trait::async_trait;
use byok_core::{KeyNotice, Provider, ProviderKey};
use kernel::{Email, OrgId, Page, Role, StoreError};
use mail_smtp::{Notice, NoticeMail};
use org_core::{Member, MemberFilter, MemberStatus, MemberStore, OrgStore};

/// Tells an organization's owners what they should know, by mail.
pub(crate) struct OwnerNotices {
    pub(crate) orgs: Arc<dyn OrgStore>,
    pub(crate) members: Arc<dyn MemberStore>,
    pub(crate) mail: Arc<dyn NoticeMail>,
    /// Where the organization's people look after it.
    pub(crate) public_url: String,
}

impl OwnerNotices {
    /// The owners who can act and whose address was proved.
    async fn owners(&self, org: OrgId) -> Result<Vec<Email>, StoreError> {
        let filter = MemberFilter { search: None, role: Some(Role::Owner) };
        let can = |member: &Member| member.status == MemberStatus::Active && member.email_verified;
        let mut owners = Vec::new();
        let mut offset = 0;
        while let Some(page) = Page::new(Page::MAX_LIMIT, offset) {
            let found = self.members.page(org, &filter, page).await?;
            owners
                .extend(found.items.iter().filter(|member| can(member)).filter_map(|it| Email::parse(&it.email).ok()));
            offset += Page::MAX_LIMIT;
            if found.total <= offset.into() {
                break;
            }
        }
        Ok(owners)
    }

    /// Sends a mail to each of them; how many left. One that does not leave keeps nobody else from being told.
    pub(super) async fn tell_all(&self, org: OrgId, subject: &str, paragraphs: &[String]) -> Result<u64, StoreError> {
        let mut told = 0;
        for to in self.owners(org).await? {
            let notice = Notice { to, subject: subject.to_owned(), paragraphs: paragraphs.to_vec() };
            match self.mail.notify(&notice).await {
                Ok(()) => told += 1,
                Err(StoreError::Unavailable(cause) | StoreError::Broken(cause)) => {
                    tracing::warn!(%org, %cause, "an owner could not be told by mail");
                }
            }
        }
        Ok(told)
    }
}

#[async_trait]
impl KeyNotice for OwnerNotices {
    async fn rejected(&self, key: &ProviderKey, provider: &Provider) -> Result<(), StoreError> {
        let Some(org) = self.orgs.find(key.org).await? else { return Ok(()) };
        let (org, provider, provider_page) = (org.name.as_str(), provider.name.as_str(), provider.docs_url.as_str());
        let label = key.label.as_ref().map_or_else(String::new, |label| format!(" \u{201c}{}\u{201d}", label.as_str()));
        let paragraphs = [
            "Hello,".to_owned(),
            format!(
                "{provider} has begun to refuse the key{label} that the organization \u{201c}{org}\u{201d} keeps here (fingerprint {}).",
                key.fingerprint
            ),
            "Until a good one is stored, the organization pays for no calls with a key of its own there.".to_owned(),
            format!(
                "Look whether it was revoked or has expired ({}), and store a new one: {}",
                provider_page, self.public_url
            ),
        ];
        self.tell_all(key.org, &format!("{provider} refuses the key of {org}"), &paragraphs).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use byok_core::testing::{sample_providers, sample_ring};
    use byok_core::{Binding, ProviderSecret, Purpose, policy::seal};
    use kernel::{Actor, Ambient, ProviderKeyId, Record};
    use org_core::testing::{MemoryOrgs, Population};
    use org_core::{OrgName, OrgPorts, Orgs};

    use super::*;

    /// What was sent; the first mail does not leave.
    #[derive(Default)]
    struct Post(Mutex<(bool, Vec<Notice>)>);

    #[async_trait]
    impl NoticeMail for Post {
        async fn notify(&self, notice: &Notice) -> Result<(), StoreError> {
            let mut post = self.0.lock().expect("the post");
            if !post.0 {
                post.0 = true;
                return Err(StoreError::unavailable("the mail server is away"));
            }
            post.1.push(notice.clone());
            Ok(())
        }
    }

    fn key(org: OrgId, ambient: &Ambient) -> ProviderKey {
        let (ring, id) = (sample_ring(ambient, &["k1"]), ProviderKeyId::mint(ambient));
        let provider: byok_core::ProviderId = "openai".parse().expect("an id");
        let secret = ProviderSecret::parse("sk-canary-0123456789".to_owned().into()).expect("a key");
        let place = Binding { purpose: Purpose::ProviderKey, org, provider, id, version: 1, endpoint: None };
        ProviderKey {
            id,
            org,
            provider: place.provider.clone(),
            version: 1,
            master_key: ring.active().clone(),
            sealed: seal::seal(&ring, &place, &secret, ambient).expect("sealed"),
            endpoint: None,
            label: byok_core::Label::parse("Our production key").expect("a label"),
            tail: secret.tail(),
            fingerprint: secret.fingerprint(ring.fingerprint().expose()),
            added_at: ambient.now(),
            added_by: None,
            tested: None,
            last_used: None,
        }
    }

    #[tokio::test]
    async fn every_owner_who_can_act_is_told_and_nobody_else() {
        let (memory, ambient) = (Arc::new(MemoryOrgs::new()), Ambient::system());
        let ports = OrgPorts { orgs: memory.clone(), members: memory.clone(), entitlements: memory.clone() };
        let first = memory.user("first@example.com", true).await;
        let name = OrgName::parse("M\u{fc}ller").expect("a name");
        let org =
            Orgs::new(ports, ambient.clone()).create(&Actor::system(), first, name, None).await.expect("an org").id;
        for (email, verified, enabled, role) in [
            ("second@example.com", true, true, Role::Owner),
            ("third@example.com", true, true, Role::Owner),
            ("unproved@example.com", false, true, Role::Owner),
            ("disabled@example.com", true, false, Role::Owner),
            ("admin@example.com", true, true, Role::Admin),
        ] {
            let user = memory.user(email, verified).await;
            let record = Record::new(&ambient, &Actor::system(), kernel::Action::MemberAdded, "user", user);
            MemberStore::add(&*memory, org, user, role, 100, &record).await.expect("a member");
            memory.set_enabled(user, enabled).await;
        }
        let post = Arc::new(Post::default());
        let public_url = "https://ops.example.com".to_owned();
        let notices = OwnerNotices { orgs: memory.clone(), members: memory, mail: post.clone(), public_url };
        let providers = sample_providers();
        let key = key(org, &ambient);
        let openai = providers.get(&key.provider).expect("a provider");
        notices.rejected(&key, openai).await.expect("told");
        let sent = post.0.lock().expect("the post").1.clone();
        let told: BTreeSet<&str> = sent.iter().map(|notice| notice.to.as_str()).collect();
        let owners = BTreeSet::from(["first@example.com", "second@example.com", "third@example.com"]);
        // One mail did not leave: the others are told all the same.
        assert!(sent.len() == 2 && told.len() == 2 && told.is_subset(&owners), "{told:?}");
        for notice in &sent {
            let text = notice.paragraphs.join("\n");
            for part in ["Openai", "M\u{fc}ller", "Our production key", &key.fingerprint, "https://ops.example.com"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(notice.subject.contains("refuses") && !format!("{notice:?}").contains("canary"), "{notice:?}");
        }
    }
}
