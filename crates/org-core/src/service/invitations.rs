use std::sync::Arc;
use std::time::Duration;

use kernel::{Action, Actor, Ambient, Email, InvitationId, OrgId, Record, Role, Timestamp, UserId};

use crate::policy::{admits, within_reach};
use crate::{
    Accepted, Added, Entitlements, Invitation, InvitationMail, InvitationStore, InvitationToken, Invited, Inviting,
    MemberStore, Membership, NamedBy, Org, OrgError, OrgStatus, OrgStore, People, Permission, Person, Preview, Renewal,
    Renewed, Revoked,
};

/// The ports of [`Invitations`].
#[derive(Clone)]
pub struct InvitationPorts {
    /// Invitations.
    pub invitations: Arc<dyn InvitationStore>,
    /// Members.
    pub members: Arc<dyn MemberStore>,
    /// Organizations.
    pub orgs: Arc<dyn OrgStore>,
    /// Accounts.
    pub people: Arc<dyn People>,
    /// Seats.
    pub entitlements: Arc<dyn Entitlements>,
    /// The mail.
    pub mail: Arc<dyn InvitationMail>,
}

/// An invitation, and whether its mail left the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The invitation.
    pub invitation: Invitation,
    /// If not, resending tries again.
    pub mailed: bool,
}

/// Asks people in.
#[derive(Clone)]
pub struct Invitations {
    ports: InvitationPorts,
    ambient: Ambient,
}

impl Invitations {
    /// How long an invitation can be accepted.
    pub const LIFETIME: Duration = Duration::from_hours(7 * 24);

    /// The use cases over these ports.
    pub fn new(ports: InvitationPorts, ambient: Ambient) -> Self {
        Self { ports, ambient }
    }

    /// Adds a person by e-mail address: a known user with that verified address at once, where the organization's settings say so;
    /// everybody else by an invitation and a mail. Without a role they get the organization's default one.
    pub async fn invite(
        &self,
        actor: &Actor,
        by: &Membership,
        email: Email,
        role: Option<Role>,
    ) -> Result<Invited, OrgError> {
        self.ask_in(actor, by, (email, NamedBy::Email), role).await
    }

    async fn ask_in(
        &self,
        actor: &Actor,
        by: &Membership,
        (email, named): (Email, NamedBy),
        role: Option<Role>,
    ) -> Result<Invited, OrgError> {
        by.require(Permission::ManageMembers)?;
        let org = self.org(by.org).await?;
        let role = role.unwrap_or(org.settings.default_role);
        within_reach(by.role, role)?;
        if !admits(&org.settings.allowed_domains, &email) {
            return Err(OrgError::DomainNotAllowed(named));
        }
        let known = self.ports.people.by_email(&email).await?;
        match known.filter(|person| person.email_verified && org.settings.auto_accept_members) {
            Some(person) => self.add(actor, by, &person, role).await,
            None => self.open(actor, by, &org, email, role).await,
        }
    }

    /// Adds a colleague of the caller by id, with the same rules as by address. Other people's ids name nobody.
    pub async fn invite_user(
        &self,
        actor: &Actor,
        by: &Membership,
        user: UserId,
        role: Option<Role>,
    ) -> Result<Invited, OrgError> {
        by.require(Permission::ManageMembers)?;
        if let Some(role) = role {
            within_reach(by.role, role)?;
        }
        let person = self.ports.people.colleague(user, by.user).await?.ok_or(OrgError::MemberNotFound)?;
        self.ask_in(actor, by, (person.email, NamedBy::UserId), role).await
    }

    /// The open invitations, newest first.
    pub async fn list(&self, by: &Membership) -> Result<Vec<Invitation>, OrgError> {
        by.require(Permission::ManageMembers)?;
        Ok(self.ports.invitations.open(by.org, self.ambient.now()).await?)
    }

    /// Sends an invitation again: with a new token (the old link is dead) and a new end. An expired one needs a free seat again; one
    /// whose address the organization does not take any more could not be accepted, and is not sent.
    pub async fn resend(&self, actor: &Actor, by: &Membership, id: InvitationId) -> Result<Sent, OrgError> {
        let old = self.reach(by, id).await?;
        let org = self.org(by.org).await?;
        if !admits(&org.settings.allowed_domains, &old.email) {
            return Err(OrgError::DomainNotAllowed(NamedBy::Invitation));
        }
        let token = InvitationToken::mint(&self.ambient);
        let record = self.record(actor, by.org, Action::InvitationResent, id);
        let seats = self.ports.entitlements.of(by.org).await?.seats;
        let renewal = Renewal { token: token.hash(), expires_at: self.end(), seats };
        let invitation = match self.ports.invitations.renew(by.org, id, &renewal, &record).await? {
            Renewed::Renewed(invitation) => invitation,
            Renewed::NotFound => return Err(OrgError::InvitationNotFound),
            Renewed::SeatLimit => return Err(OrgError::SeatLimit(seats)),
            Renewed::Outdated => return Err(OrgError::Outdated),
        };
        let mailed = self.mail(&invitation, &token, &org, by.user).await?;
        Ok(Sent { invitation, mailed })
    }

    /// Takes an invitation back.
    pub async fn revoke(&self, actor: &Actor, by: &Membership, id: InvitationId) -> Result<(), OrgError> {
        self.reach(by, id).await?;
        let record = self.record(actor, by.org, Action::InvitationRevoked, id);
        match self.ports.invitations.revoke(by.org, id, &record).await? {
            Revoked::Revoked => Ok(()),
            Revoked::NotFound => Err(OrgError::InvitationNotFound),
            Revoked::Outdated => Err(OrgError::Outdated),
        }
    }

    /// What the holder of a token may see before they sign in.
    pub async fn preview(&self, token: &InvitationToken) -> Result<Preview, OrgError> {
        let invitation = self.live(token).await?;
        let org = self.active(invitation.org).await?;
        Ok(Preview { org_name: org.name.as_str().to_owned(), email: invitation.email, role: invitation.role })
    }

    /// Accepts an invitation: once, in time, by the user whose verified address it was sent to, while the organization takes
    /// addresses of its domain.
    pub async fn accept(
        &self,
        actor: &Actor,
        user: UserId,
        token: &InvitationToken,
    ) -> Result<(OrgId, Role), OrgError> {
        let person = self.ports.people.by_id(user).await?.ok_or(OrgError::InvitationNotFound)?;
        let found = self.ports.invitations.by_token(&token.hash()).await?.ok_or(OrgError::InvitationNotFound)?;
        if found.email != person.email || !person.email_verified {
            return Err(OrgError::InvitationNotFound);
        }
        let invitation = self.live(token).await?;
        let org = self.active(invitation.org).await?;
        if !admits(&org.settings.allowed_domains, &invitation.email) {
            return Err(OrgError::DomainNotAllowed(NamedBy::Token));
        }
        let seats = self.ports.entitlements.of(invitation.org).await?.seats;
        let record =
            self.record(actor, invitation.org, Action::InvitationAccepted, invitation.id).with("role", invitation.role);
        match self.ports.invitations.accept(&token.hash(), user, seats, &record).await? {
            Accepted::Accepted => Ok((invitation.org, invitation.role)),
            Accepted::Gone => Err(OrgError::InvitationNotFound),
            Accepted::AlreadyMember => Err(OrgError::AlreadyMember),
            Accepted::SeatLimit => Err(OrgError::SeatLimit(seats)),
        }
    }

    async fn add(&self, actor: &Actor, by: &Membership, person: &Person, role: Role) -> Result<Invited, OrgError> {
        let seats = self.ports.entitlements.of(by.org).await?.seats;
        let record = Record::new(&self.ambient, actor, Action::MemberAdded, "user", person.user)
            .within(by.org)
            .with("role", role);
        match self.ports.members.add(by.org, person.user, role, seats, &record).await? {
            Added::Added => Ok(Invited::Member(person.user, role)),
            Added::AlreadyMember => Err(OrgError::AlreadyMember),
            Added::SeatLimit => Err(OrgError::SeatLimit(seats)),
            Added::Outdated => Err(OrgError::Outdated),
        }
    }

    async fn open(
        &self,
        actor: &Actor,
        by: &Membership,
        org: &Org,
        email: Email,
        role: Role,
    ) -> Result<Invited, OrgError> {
        let seats = self.ports.entitlements.of(by.org).await?.seats;
        let invitation = Invitation {
            id: InvitationId::mint(&self.ambient),
            org: by.org,
            email,
            role,
            invited_by: by.user,
            created_at: self.ambient.now(),
            expires_at: self.end(),
        };
        let token = InvitationToken::mint(&self.ambient);
        let record = self.record(actor, by.org, Action::InvitationCreated, invitation.id).with("role", role);
        match self.ports.invitations.create(&invitation, &token.hash(), seats, &record).await? {
            Inviting::Created => {
                let mailed = self.mail(&invitation, &token, org, by.user).await?;
                Ok(Invited::Invitation { invitation, mailed })
            }
            Inviting::AlreadyMember => Err(OrgError::AlreadyMember),
            Inviting::AlreadyInvited => Err(OrgError::AlreadyInvited),
            Inviting::SeatLimit => Err(OrgError::SeatLimit(seats)),
            Inviting::Outdated => Err(OrgError::Outdated),
        }
    }

    /// The invitation stands whether or not its mail leaves: the answer tells, and resending tries again.
    async fn mail(
        &self,
        invitation: &Invitation,
        token: &InvitationToken,
        org: &Org,
        by: UserId,
    ) -> Result<bool, OrgError> {
        let inviter = self.ports.people.by_id(by).await?.map_or_else(|| "A colleague".to_owned(), |person| person.name);
        Ok(self.ports.mail.send(invitation, token, org.name.as_str(), &inviter).await.is_ok())
    }

    /// The invitation, if the caller may manage members and it is not for a role above theirs.
    async fn reach(&self, by: &Membership, id: InvitationId) -> Result<Invitation, OrgError> {
        by.require(Permission::ManageMembers)?;
        let open = self.ports.invitations.open(by.org, Timestamp::MIN_UTC).await?;
        let found = open.into_iter().find(|invitation| invitation.id == id).ok_or(OrgError::InvitationNotFound)?;
        within_reach(by.role, found.role)?;
        Ok(found)
    }

    async fn live(&self, token: &InvitationToken) -> Result<Invitation, OrgError> {
        let found = self.ports.invitations.by_token(&token.hash()).await?.ok_or(OrgError::InvitationNotFound)?;
        if self.ambient.now() < found.expires_at { Ok(found) } else { Err(OrgError::InvitationExpired) }
    }

    async fn org(&self, org: OrgId) -> Result<Org, OrgError> {
        self.ports.orgs.find(org).await?.ok_or(OrgError::OrgNotFound)
    }

    async fn active(&self, org: OrgId) -> Result<Org, OrgError> {
        let found = self.ports.orgs.find(org).await?.filter(|found| found.status == OrgStatus::Active);
        found.ok_or(OrgError::InvitationNotFound)
    }

    fn end(&self) -> Timestamp {
        let lifetime = chrono::TimeDelta::from_std(Self::LIFETIME).unwrap_or_default();
        self.ambient.now() + lifetime
    }

    fn record(&self, actor: &Actor, org: OrgId, action: Action, id: InvitationId) -> Record {
        Record::new(&self.ambient, actor, action, "invitation", id).within(org)
    }
}
