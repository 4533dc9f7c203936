use async_trait::async_trait;
use kernel::{Ambient, Email, InvitationId, OrgId, Role, UserId};

use super::stage::{MANY, Stage};
use crate::testing::{OrgStores, Population};
use crate::{
    Added, Entitlements, Invitation, InvitationMail, InvitationToken, OrgStatus, People, Removed, StatusChanged,
};

/// What every [`People`] promises.
pub async fn people_contract(people: &dyn People, population: &dyn Population, ambient: &Ambient) {
    let unique: String = ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
    let shown = format!("{unique}-Straße@Bücher.example");
    let email = Email::parse(&shown).unwrap();
    assert_eq!(people.by_email(&email).await.unwrap(), None, "nobody has this address");
    assert_eq!(people.by_id(UserId::mint(ambient)).await.unwrap(), None, "no such account");
    let user = population.user(&shown, true).await;
    let guest = population.user(&format!("{unique}-guest@example.com"), false).await;
    let person = people.by_id(user).await.unwrap().unwrap();
    assert_eq!((person.user, person.email.as_str(), person.email_verified), (user, shown.as_str(), true));
    assert!(!person.name.is_empty(), "there is something to call them");
    let canonical = Email::parse(&format!("{unique}-STRASSE@xn--bcher-kva.example")).unwrap();
    for address in [&email, &canonical] {
        assert_eq!(
            people.by_email(address).await.unwrap().as_ref(),
            Some(&person),
            "{address}: the canonical form counts"
        );
    }
    assert!(!people.by_id(guest).await.unwrap().unwrap().email_verified, "an address that was not proved");
    population.set_enabled(user, false).await;
    assert_eq!(people.by_id(user).await.unwrap(), None, "a disabled account is nobody");
    assert_eq!(people.by_email(&email).await.unwrap(), None);
    population.set_enabled(user, true).await;
    assert_eq!(people.by_id(user).await.unwrap(), Some(person));
}

/// What every [`People`] promises about colleagues: an id alone tells nobody whose it is.
pub async fn colleague_contract(people: &dyn People, stores: OrgStores<'_>) {
    let s = Stage::new(stores);
    let ((org, owner), (other, stranger)) = (s.org().await, s.org().await);
    let (first, second) = (s.member(org, Role::Member).await, s.member(org, Role::Admin).await);
    let colleague = async |user, of| people.colleague(user, of).await.unwrap().map(|person| person.user);
    for (user, of) in [(first, owner), (owner, first), (first, second)] {
        assert_eq!(colleague(user, of).await, Some(user), "members of one organization, in whatever role");
    }
    assert_eq!(people.colleague(first, owner).await.unwrap(), people.by_id(first).await.unwrap(), "the same person");
    let nobody = UserId::mint(s.stores.ambient);
    for (user, of) in [(first, stranger), (stranger, first), (nobody, owner), (first, nobody), (s.user().await, owner)]
    {
        assert_eq!(colleague(user, of).await, None, "who share no organization do not see each other");
    }
    assert_eq!(s.add(other, first, Role::Member, MANY).await, Added::Added);
    assert_eq!(colleague(first, stranger).await, Some(first), "one shared organization is enough");
    assert_eq!(s.remove(org, first, Role::Member).await, Removed::Removed);
    assert_eq!(colleague(first, owner).await, None, "who left is no colleague");
    assert_eq!(colleague(owner, first).await, None, "in both directions");
    stores.population.set_enabled(first, false).await;
    assert_eq!(colleague(first, stranger).await, None, "a disabled account is nobody");
    stores.population.set_enabled(first, true).await;
    assert_eq!(s.set_status(other, OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(colleague(first, stranger).await, None, "a deleted organization has no members");
}

/// What every [`Entitlements`] promises of an organization.
pub async fn entitlements_contract(entitlements: &dyn Entitlements, org: OrgId) {
    let given = entitlements.of(org).await.unwrap();
    assert!(given.seats >= 1, "an owner needs a seat");
    assert!(!given.tier.is_empty() && !given.subscription_status.is_empty());
    assert!(given.price_cents >= 0, "nobody is paid for using it");
    assert!(given.currency.len() == 3 && given.currency.bytes().all(|b| b.is_ascii_uppercase()), "ISO 4217");
    assert!(["month", "year"].contains(&given.interval.as_str()), "{}", given.interval);
    let again = entitlements.of(org).await.unwrap();
    assert_eq!(again.tier, given.tier, "asked again, the same plan");
    assert_eq!(entitlements.tier(org).await.unwrap(), given.tier, "the same plan by itself");
}

/// A mail as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The addresses of the envelope.
    pub recipients: Vec<String>,
    /// The header fields, `Name: value`, unfolded and decoded.
    pub headers: Vec<String>,
    /// The text, decoded.
    pub text: String,
}

/// The other end of a mail adapter under test.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Every mail that arrived, the first first.
    async fn delivered(&self) -> Vec<Delivered>;
}

/// What every [`InvitationMail`] promises while its server is up.
pub async fn invitation_mail_contract(mail: &dyn InvitationMail, outbox: &dyn Outbox, ambient: &Ambient) {
    let before = outbox.delivered().await.len();
    let invitation = Invitation {
        id: InvitationId::mint(ambient),
        org: OrgId::mint(ambient),
        email: Email::parse("new.colleague@example.com").unwrap(),
        role: Role::Member,
        invited_by: UserId::mint(ambient),
        created_at: ambient.now(),
        expires_at: ambient.now(),
    };
    for (org, inviter) in [
        ("Acme GmbH & Söhne", "Ann \u{1f980} Lee"),
        ("Acme\r\nBcc: victim@example.com\r\n\r\nspam", "Ann\nTo: victim@example.com"),
    ] {
        let token = InvitationToken::mint(ambient);
        mail.send(&invitation, &token, org, inviter).await.unwrap();
        let arrived = outbox.delivered().await;
        let last = arrived.last().unwrap();
        assert_eq!(last.recipients, vec!["new.colleague@example.com".to_owned()], "to the invited person alone");
        assert!(last.text.contains(token.expose()), "with the token's link");
        let leaked = |header: &&String| header.contains(token.expose());
        assert_eq!(last.headers.iter().find(leaked), None, "the token is in no header");
        let forged = |header: &&String| {
            let header = header.to_ascii_lowercase();
            header.starts_with("bcc:") || header.starts_with("to:") && header.contains("victim")
        };
        assert_eq!(last.headers.iter().find(forged), None, "no name becomes a header");
    }
    assert_eq!(outbox.delivered().await.len(), before + 2, "one mail for each call");
}
