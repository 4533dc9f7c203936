//! The organization that the matrix is about, and everybody who wants something of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::crawl::document::Operation;
use crate::crawl::person::Person;
use crate::crawl::sample::{NO_SESSION, PROVIDER_KEY, Subject};
use crate::crawl::site::Site;
use crate::crawl::wire::Call;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Actor {
    Stranger,
    EndedSession,
    DisabledAccount,
    NoOrganization,
    OtherOrganization,
    Member,
    BillingAdmin,
    Admin,
    Owner,
    RemovedMember,
    SuspendedOwner,
    PlatformAdmin,
}

/// In the order of the columns.
pub(super) const ACTORS: [Actor; 12] = [
    Actor::Stranger,
    Actor::EndedSession,
    Actor::DisabledAccount,
    Actor::NoOrganization,
    Actor::OtherOrganization,
    Actor::Member,
    Actor::BillingAdmin,
    Actor::Admin,
    Actor::Owner,
    Actor::RemovedMember,
    Actor::SuspendedOwner,
    Actor::PlatformAdmin,
];

impl Actor {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::EndedSession => "ended_session",
            Self::DisabledAccount => "disabled_account",
            Self::NoOrganization => "no_organization",
            Self::OtherOrganization => "other_organization",
            Self::Member => "member",
            Self::BillingAdmin => "billing_admin",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::RemovedMember => "removed_member",
            Self::SuspendedOwner => "suspended_owner",
            Self::PlatformAdmin => "platform_admin",
        }
    }

    /// Whether the session can be used at all.
    const fn is_somebody(self) -> bool {
        !matches!(self, Self::Stranger | Self::EndedSession | Self::DisabledAccount | Self::RemovedMember)
    }

    /// The role in the organization that the matrix is about.
    const fn role(self) -> Option<&'static str> {
        match self {
            Self::Member => Some("member"),
            Self::BillingAdmin => Some("billing_admin"),
            Self::Admin => Some("admin"),
            _ => None,
        }
    }
}

/// Everybody, and what they act on.
pub(super) struct Stage {
    people: BTreeMap<Actor, Person>,
    target: Person,
    shared: Subject,
    suspended: Subject,
    count: AtomicUsize,
}

impl Stage {
    pub(super) async fn set(site: &Site) -> Self {
        let mut people = BTreeMap::new();
        for actor in ACTORS.into_iter().filter(|actor| !matches!(actor, Actor::Stranger | Actor::PlatformAdmin)) {
            people.insert(actor, site.account(&format!("actor.{}", actor.name())).await);
        }
        people.insert(Actor::PlatformAdmin, site.admin().await);
        people.insert(Actor::Stranger, Person::stranger(&site.wire, "198.51.100.1"));
        let target = site.account("target").await;

        let owner = &people[&Actor::Owner];
        owner.sign_in().await;
        let org = owner.found("The matrix").await;
        owner.enter(&org).await;
        owner.add(&org, &target, "member").await;
        for actor in ACTORS {
            if let Some(role) = actor.role() {
                owner.add(&org, &people[&actor], role).await;
            }
        }
        owner.add(&org, &people[&Actor::RemovedMember], "member").await;
        owner.add(&org, &people[&Actor::DisabledAccount], "member").await;
        let shared = subject(owner, &org, &target.id, 0).await;

        for (actor, person) in people.iter().filter(|(actor, _)| !matches!(actor, Actor::Stranger | Actor::Owner)) {
            person.sign_in().await;
            if actor.role().is_some() || *actor == Actor::RemovedMember {
                person.enter(&org).await;
            }
        }
        let suspended = suspend(&people, &target.id).await;
        let elsewhere = people[&Actor::OtherOrganization].found("Another matrix").await;
        people[&Actor::OtherOrganization].enter(&elsewhere).await;
        end(site, &people, owner, &org).await;
        Self { people, target, shared, suspended, count: AtomicUsize::new(1) }
    }

    /// Status and code that an operation answers an actor with.
    pub(super) async fn cell(&self, operation: &Operation, actor: Actor) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let subject = match actor {
            Actor::SuspendedOwner => self.suspended.clone(),
            _ if spends_its_subject(operation) => self.fresh(actor, number).await,
            _ => self.shared.clone(),
        };
        let subject = Subject { newcomer: format!("newcomer{number}@example.test"), ..subject };
        let person = &self.people[&actor];
        let call = subject.call(operation);
        let answer = if operation.real_name() == "POST /api/v1/auth/logout" && actor.is_somebody() {
            person.elsewhere().await.send(call).await
        } else {
            person.send(call).await
        };
        answer.verdict()
    }

    /// An organization in which the actor has the same part as in the shared one.
    async fn fresh(&self, actor: Actor, number: usize) -> Subject {
        let owner = &self.people[&Actor::Owner];
        let org = owner.found(&format!("Matrix {number}")).await;
        owner.add(&org, &self.target, "member").await;
        if let Some(role) = actor.role() {
            owner.add(&org, &self.people[&actor], role).await;
        }
        subject(owner, &org, &self.target.id, number).await
    }
}

/// Whether the operation, allowed, takes away what the next actor's cell is about.
fn spends_its_subject(operation: &Operation) -> bool {
    let real = operation.real_name();
    let spent = ["/members/{id}", "/invitations/{id}", "/transfer-ownership", "/byok/keys/{provider}"];
    let spends = spent.iter().any(|part| real.contains(part));
    operation.is_unsafe() && (spends || real == "DELETE /api/v1/org/{org_id}")
}

async fn subject(owner: &Person, org: &str, member: &str, number: usize) -> Subject {
    let invitation = owner.invite(org, &format!("invited{number}@example.test"), "member").await;
    let key = json!({"provider": "openai", "key": PROVIDER_KEY});
    owner.post(&format!("/api/v1/byok/keys/add?org_id={org}"), key).await;
    let (org, member, session) = (org.to_owned(), member.to_owned(), NO_SESSION.to_owned());
    Subject { org, member, invitation, session, newcomer: String::new() }
}

/// The suspended owner's organization. They have signed in again since: their old session died with it.
async fn suspend(people: &BTreeMap<Actor, Person>, member: &str) -> Subject {
    let owner = &people[&Actor::SuspendedOwner];
    let org = owner.found("Suspended").await;
    let subject = subject(owner, &org, member, 0).await;
    let admin = &people[&Actor::PlatformAdmin];
    admin.put(&format!("/api/v1/org/{org}/status"), json!({"status": "suspended"})).await;
    owner.sign_in().await;
    subject
}

/// Ends three sessions in three ways; their cookies stay in use.
async fn end(site: &Site, people: &BTreeMap<Actor, Person>, owner: &Person, org: &str) {
    let ended = &people[&Actor::EndedSession];
    let cookie = ended.cookie();
    ended.send(Call::new("POST", "/api/v1/auth/logout")).await.ok();
    ended.keep_cookie(&cookie);
    site.disable(&people[&Actor::DisabledAccount]).await;
    let removed = format!("/api/v1/org/{org}/members/{}", people[&Actor::RemovedMember].id);
    owner.send(Call::new("DELETE", removed)).await.ok();
}
