use std::time::Duration;

use kernel::{Action, Ambient, OrgId, PlatformRole, Role, Timestamp, UserId};

use super::record;
use crate::testing::{Population, invented_user};
use crate::{Freshness, Home, MembershipStanding, Standing, Standings, User};

const SECOND: Duration = Duration::from_secs(1);

struct World<'a> {
    standings: &'a dyn Standings,
    population: &'a dyn Population,
    ambient: &'a Ambient,
}

impl World<'_> {
    async fn user(&self) -> UserId {
        let user = invented_user(self.ambient);
        self.population.account(&user).await;
        user.id
    }

    async fn of(&self, user: UserId, org: Option<OrgId>) -> Standing {
        self.standings.of(user, org, Freshness::Fresh).await.unwrap().unwrap()
    }

    async fn membership(&self, user: UserId, org: OrgId) -> Option<MembershipStanding> {
        self.of(user, Some(org)).await.membership
    }

    async fn home(&self, user: UserId) -> Option<Home> {
        self.standings.home(user).await.unwrap()
    }

    /// An organization of somebody else.
    async fn foreign_org(&self, at: Timestamp) -> OrgId {
        let owner = self.user().await;
        self.population.org(owner, at).await
    }

    async fn set_home(&self, user: UserId, org: OrgId) {
        let record = record(self.ambient, Action::OrgSwitched, user).within(org);
        self.standings.set_home(user, org, &record).await.unwrap();
        assert!(self.population.kept(record.id).await, "the switch is on the trail");
    }
}

/// What every [`Standings`] promises.
pub async fn standings_contract(standings: &dyn Standings, population: &dyn Population, ambient: &Ambient) {
    let world = World { standings, population, ambient };
    tells_accounts(&world).await;
    tells_memberships(&world).await;
    epochs_never_repeat(&world).await;
    homes(&world).await;
    ends_sessions(&world).await;
}

async fn tells_accounts(w: &World<'_>) {
    let nobody = UserId::mint(w.ambient);
    for freshness in [Freshness::Fresh, Freshness::Cached] {
        assert_eq!(w.standings.of(nobody, None, freshness).await.unwrap(), None, "no such user");
    }
    let admin = User { role: PlatformRole::Admin, ..invented_user(w.ambient) };
    let disabled = User { enabled: false, ..invented_user(w.ambient) };
    for user in [&admin, &disabled] {
        w.population.account(user).await;
        let standing = w.of(user.id, None).await;
        assert_eq!((standing.enabled, standing.platform_role), (user.enabled, user.role));
        assert_eq!(standing.membership, None, "no organization was asked for");
        let cached = w.standings.of(user.id, None, Freshness::Cached).await.unwrap();
        assert_eq!(cached, Some(standing), "nothing changed: both answers agree");
    }
}

async fn tells_memberships(w: &World<'_>) {
    let (user, now) = (w.user().await, w.ambient.now());
    let own = w.population.org(user, now).await;
    let foreign = w.foreign_org(now).await;
    let mine = w.membership(user, own).await.unwrap();
    assert_eq!((mine.role, mine.org_active), (Role::Owner, true));
    assert_eq!(w.membership(user, foreign).await, None, "not a member");
    assert_eq!(w.membership(user, OrgId::mint(w.ambient)).await, None, "no such organization");
    w.population.join(foreign, user, Role::Member, now).await;
    assert_eq!(w.membership(user, foreign).await.map(|m| m.role), Some(Role::Member));
    w.population.set_org_active(foreign, false).await;
    assert_eq!(w.membership(user, foreign).await.map(|m| m.org_active), Some(false), "suspended");
    w.population.set_org_active(foreign, true).await;
    assert_eq!(w.membership(user, foreign).await.map(|m| m.org_active), Some(true), "active again");
}

async fn epochs_never_repeat(w: &World<'_>) {
    let (user, now) = (w.user().await, w.ambient.now());
    let (org, other) = (w.foreign_org(now).await, w.foreign_org(now).await);
    w.population.join(org, user, Role::Member, now).await;
    w.population.join(other, user, Role::Member, now).await;
    let elsewhere = w.membership(user, other).await;
    let mut epochs = vec![w.membership(user, org).await.unwrap().epoch];
    for role in [Role::Admin, Role::Member, Role::Admin] {
        w.population.change_role(org, user, role).await;
        let membership = w.membership(user, org).await.unwrap();
        assert_eq!(membership.role, role, "the new role, at once");
        epochs.push(membership.epoch);
        w.population.remove(org, user).await;
        assert_eq!(w.membership(user, org).await, None, "removed, at once");
        w.population.join(org, user, role, now).await;
        epochs.push(w.membership(user, org).await.unwrap().epoch);
    }
    assert!(epochs.is_sorted_by(|earlier, later| earlier < later), "each is greater than all before: {epochs:?}");
    assert_eq!(w.membership(user, other).await, elsewhere, "nothing moves elsewhere");
}

async fn homes(w: &World<'_>) {
    let (user, now) = (w.user().await, w.ambient.now());
    assert_eq!(w.home(user).await, None, "no organization, no home");
    let oldest = w.population.org(user, now).await;
    let middle = w.foreign_org(now).await;
    w.population.join(middle, user, Role::Member, now + SECOND).await;
    let newest = w.foreign_org(now - SECOND).await;
    w.population.join(newest, user, Role::Admin, now + SECOND * 2).await;
    let home = async |expected: OrgId, why: &str| {
        let epoch = w.membership(user, expected).await.unwrap().epoch;
        assert_eq!(w.home(user).await, Some(Home { org: expected, epoch }), "{why}");
    };
    home(oldest, "never chosen: the one joined first").await;
    w.set_home(user, newest).await;
    home(newest, "the one used last").await;
    w.population.set_org_active(newest, false).await;
    home(oldest, "the one used last is suspended").await;
    w.population.set_org_active(newest, true).await;
    home(newest, "and active again").await;
    w.population.remove(newest, user).await;
    home(oldest, "no member of the one used last").await;
    w.population.set_org_active(oldest, false).await;
    home(middle, "the oldest is suspended: the next one").await;
    w.population.set_org_active(middle, false).await;
    assert_eq!(w.home(user).await, None, "no active one is left");
    w.population.set_org_active(middle, true).await;
    let foreign = w.foreign_org(now).await;
    w.set_home(user, foreign).await;
    home(middle, "nobody lands where they are no member").await;
}

async fn ends_sessions(w: &World<'_>) {
    let (user, other) = (w.user().await, w.user().await);
    let (mut before, theirs) = (w.of(user, None).await, w.of(other, None).await);
    for _ in 0..3 {
        let record = record(w.ambient, Action::SessionsRevoked, user);
        let epoch = w.standings.end_sessions(user, &record).await.unwrap().unwrap();
        assert!(epoch > before.user_epoch, "the epoch grows");
        assert!(w.population.kept(record.id).await, "with its record");
        let after = w.of(user, None).await;
        assert_eq!(after, Standing { user_epoch: epoch, ..before }, "and nothing else changes");
        before = after;
    }
    assert_eq!(w.of(other, None).await, theirs, "nobody else's epoch moves");
    let nobody = UserId::mint(w.ambient);
    let refused = record(w.ambient, Action::SessionsRevoked, nobody);
    assert_eq!(w.standings.end_sessions(nobody, &refused).await.unwrap(), None, "no such user");

    let note = record(w.ambient, Action::Logout, user);
    w.standings.note(&note).await.unwrap();
    assert!(w.population.kept(note.id).await, "a note is a record without a change");
}
