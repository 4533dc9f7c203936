use std::time::Duration;

use kernel::testing::race;
use kernel::{Action, Ambient, Timestamp, TokenHash, UserId};

use super::record;
use crate::LinkStore;
use crate::testing::{Population, invented_user};

struct Links<'a> {
    store: &'a dyn LinkStore,
    population: &'a dyn Population,
    ambient: &'a Ambient,
}

impl Links<'_> {
    async fn user(&self) -> UserId {
        let user = invented_user(self.ambient);
        self.population.account(&user).await;
        user.id
    }

    async fn issue(&self, user: UserId, expires_at: Timestamp) -> TokenHash {
        let link = TokenHash::from_bytes(self.ambient.random());
        let record = record(self.ambient, Action::LinkIssued, user);
        self.store.issue(&link, user, expires_at, &record).await.unwrap();
        assert!(self.population.kept(record.id).await, "the link's record is kept with it");
        link
    }
}

/// What every [`LinkStore`] promises.
pub async fn link_store_contract(store: &dyn LinkStore, population: &dyn Population, ambient: &Ambient) {
    let links = Links { store, population, ambient };
    let (now, day, second) = (ambient.now(), Duration::from_hours(24), Duration::from_secs(1));
    let (user, other) = (links.user().await, links.user().await);

    let link = links.issue(user, now + day).await;
    let later = links.issue(user, now + day).await;
    let theirs = links.issue(other, now + day).await;
    let unknown = TokenHash::from_bytes(ambient.random());
    assert_eq!(store.redeem(&unknown, now).await.unwrap(), None, "a link that was never issued");
    assert_eq!(store.redeem(&link, now + second).await.unwrap(), Some(user), "the link's user");
    assert_eq!(store.redeem(&link, now + second).await.unwrap(), None, "a link is used up");
    assert_eq!(store.redeem(&link, now).await.unwrap(), None, "also for a clock that is behind");
    assert_eq!(store.redeem(&theirs, now + second).await.unwrap(), Some(other), "each link has its user");
    assert_eq!(store.redeem(&later, now + day - second).await.unwrap(), Some(user), "a second link lives on by itself");

    let expired = links.issue(user, now + day).await;
    assert_eq!(store.redeem(&expired, now + day + second).await.unwrap(), None, "nobody uses a link after its end");
}

/// Of 32 callers who race for a link exactly one gets the user.
pub async fn link_store_race(store: &dyn LinkStore, population: &dyn Population, ambient: &Ambient) {
    let links = Links { store, population, ambient };
    let user = links.user().await;
    for _ in 0..3 {
        let link = links.issue(user, ambient.now() + Duration::from_mins(1)).await;
        let answers = race(32, async |_| store.redeem(&link, ambient.now()).await.unwrap()).await;
        assert_eq!(answers.iter().flatten().collect::<Vec<_>>(), vec![&user], "exactly one caller uses the link up");
    }
}
