use std::time::Duration;

use kernel::testing::race;
use kernel::{Action, Ambient, Email, PlatformRole, Record, Role, TokenHash, UserId};
use secrecy::{ExposeSecret, SecretString};

use super::record;
use crate::testing::{Population, invented_user};
use crate::{Inserted, Switched, User, UserStore, Username, WithHash};

struct Accounts<'a> {
    store: &'a dyn UserStore,
    population: &'a dyn Population,
    ambient: &'a Ambient,
}

impl Accounts<'_> {
    fn record(&self, action: Action, user: UserId) -> Record {
        record(self.ambient, action, user)
    }

    /// Whether the account was made; its record must have had the same fate.
    async fn insert(&self, user: &User, hash: Option<&SecretString>) -> Inserted {
        let record = self.record(Action::UserCreated, user.id);
        let answer = self.store.insert(user, hash, &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, answer == Inserted::Inserted, "{answer:?} and its record");
        answer
    }

    async fn new_user(&self, hash: &str) -> User {
        let user = invented_user(self.ambient);
        assert_eq!(self.insert(&user, Some(&hash.into())).await, Inserted::Inserted);
        user
    }

    async fn read(&self, user: UserId) -> WithHash {
        self.store.by_id(user).await.unwrap().unwrap()
    }

    async fn set_password(&self, user: UserId, old: Option<&str>, new: &str) -> Option<i64> {
        let record = self.record(Action::PasswordChanged, user);
        let old = old.map(SecretString::from);
        let epoch = self.store.set_password(user, old.as_ref(), &new.into(), &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, epoch.is_some(), "a password and its record");
        epoch
    }

    async fn set_enabled(&self, user: UserId, enabled: bool) -> Switched {
        let action = if enabled { Action::UserEnabled } else { Action::UserDisabled };
        let record = self.record(action, user);
        let answer = self.store.set_enabled(user, enabled, &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, answer == Switched::Done, "{answer:?} and its record");
        answer
    }
}

fn text(hash: Option<&SecretString>) -> Option<&str> {
    hash.map(ExposeSecret::expose_secret)
}

/// A store in which nothing was made yet has no accounts.
pub async fn user_store_starts_empty(store: &dyn UserStore) {
    assert!(!store.any().await.unwrap(), "no account exists");
    assert!(!store.any_admin().await.unwrap(), "nor an admin's");
}

/// What every [`UserStore`] promises.
pub async fn user_store_contract(store: &dyn UserStore, population: &dyn Population, ambient: &Ambient) {
    let accounts = Accounts { store, population, ambient };
    knows_whether_there_is_an_admin(&accounts).await;
    reads_what_was_kept(&accounts).await;
    names_are_unique(&accounts).await;
    remembers_sign_ins(&accounts).await;
    replaces_the_password_it_knows(&accounts).await;
    disables_and_enables(&accounts).await;
    keeps_the_last_owner(&accounts).await;
}

async fn reads_what_was_kept(a: &Accounts<'_>) {
    let unknown = invented_user(a.ambient);
    assert!(a.store.by_id(unknown.id).await.unwrap().is_none(), "no such id");
    let local = unknown.username.as_str();
    let email = Email::parse(&format!("{local}.Straße@Bücher.example")).unwrap();
    let user = User { email, email_verified: false, ..unknown };
    for login in [user.username.as_str(), user.email.canonical()] {
        assert!(a.store.by_login(login).await.unwrap().is_none(), "no such login");
    }
    assert_eq!(a.insert(&user, Some(&"$hash$1".into())).await, Inserted::Inserted);
    let by_name = a.store.by_login(user.username.as_str()).await.unwrap();
    let by_mail = a.store.by_login(user.email.canonical()).await.unwrap();
    for found in [Some(a.read(user.id).await), by_name, by_mail].map(Option::unwrap) {
        assert_eq!(found.user, user, "an account reads back as it was kept");
        assert_eq!(found.user.email.as_str(), user.email.as_str(), "its address as it was written");
        assert_eq!(text(found.password_hash.as_ref()), Some("$hash$1"));
    }
    let guest = invented_user(a.ambient);
    assert_eq!(a.insert(&guest, None).await, Inserted::Inserted);
    assert_eq!(text(a.read(guest.id).await.password_hash.as_ref()), None, "an account without a password");
    for trick in ["%", "_", "u-%", "' OR '1'='1", "", "\u{0}"] {
        assert!(!matches!(a.store.by_login(trick).await, Ok(Some(_))), "{trick:?} is no login");
    }
    assert!(a.store.any().await.unwrap(), "accounts exist");
}

async fn knows_whether_there_is_an_admin(a: &Accounts<'_>) {
    a.new_user("$hash$1").await;
    assert!(!a.store.any_admin().await.unwrap(), "a user is no admin");
    let admin = User { role: PlatformRole::Admin, ..invented_user(a.ambient) };
    assert_eq!(a.insert(&admin, None).await, Inserted::Inserted);
    assert!(a.store.any_admin().await.unwrap(), "an admin exists");
    assert_eq!(a.set_enabled(admin.id, false).await, Switched::Done);
    assert!(!a.store.any_admin().await.unwrap(), "a disabled admin is none");
}

async fn names_are_unique(a: &Accounts<'_>) {
    let first = invented_user(a.ambient);
    let local = first.username.as_str().to_owned();
    let first = User { email: Email::parse(&format!("{local}.straße@bücher.example")).unwrap(), ..first };
    assert_eq!(a.insert(&first, None).await, Inserted::Inserted);
    let (upper, wide) = (local.to_uppercase(), local.replace('u', "ｕ"));
    for same in [
        format!("{local}.straße@bücher.example"),
        format!("{upper}.STRASSE@BÜCHER.EXAMPLE"),
        format!("{local}.strasse@xn--bcher-kva.example"),
        format!("{wide}.Straße@bücher.example"),
    ] {
        let email = Email::parse(&same).unwrap();
        let second = User { email, ..invented_user(a.ambient) };
        assert_eq!(a.insert(&second, None).await, Inserted::EmailTaken, "{same}");
        assert!(a.store.by_id(second.id).await.unwrap().is_none(), "and nothing was made");
    }
    let username = Username::parse(&upper).unwrap();
    let second = User { username, ..invented_user(a.ambient) };
    assert_eq!(a.insert(&second, None).await, Inserted::UsernameTaken);
    assert!(a.store.by_id(second.id).await.unwrap().is_none(), "and nothing was made");
}

async fn remembers_sign_ins(a: &Accounts<'_>) {
    let (user, other) = (a.new_user("$hash$1").await, a.new_user("$hash$2").await);
    let devices = [TokenHash::from_bytes(a.ambient.random()), TokenHash::from_bytes(a.ambient.random())];
    let mut at = a.ambient.now();
    for device in [Some(&devices[0]), Some(&devices[1]), None, Some(&devices[0])] {
        at += Duration::from_mins(1);
        let record = Record { at, ..a.record(Action::Login, user.id) };
        a.store.signed_in(user.id, device, &record).await.unwrap();
        assert!(a.population.kept(record.id).await, "a sign-in is on the trail");
        assert_eq!(a.read(user.id).await.user.last_login, Some(at), "the record says when");
    }
    for device in &devices {
        assert!(a.store.knows_device(user.id, device).await.unwrap(), "each device that was given");
        assert!(!a.store.knows_device(other.id, device).await.unwrap(), "of this user only");
    }
    let unknown = TokenHash::from_bytes(a.ambient.random());
    assert!(!a.store.knows_device(user.id, &unknown).await.unwrap(), "another device");
    assert_eq!(a.read(other.id).await.user.last_login, None, "nobody else signed in");
}

async fn replaces_the_password_it_knows(a: &Accounts<'_>) {
    let (user, other) = (a.new_user("$hash$1").await.id, a.new_user("$hash$1").await.id);
    let before = a.read(user).await.epoch;
    for wrong in [Some("$hash$0"), Some(""), None] {
        assert_eq!(a.set_password(user, wrong, "$hash$2").await, None, "the hash is not {wrong:?}");
    }
    let unchanged = a.read(user).await;
    assert_eq!((text(unchanged.password_hash.as_ref()), unchanged.epoch), (Some("$hash$1"), before));
    let epoch = a.set_password(user, Some("$hash$1"), "$hash$2").await.unwrap();
    assert!(epoch > before, "the epoch moves: older sessions are dead");
    let changed = a.read(user).await;
    assert_eq!((text(changed.password_hash.as_ref()), changed.epoch), (Some("$hash$2"), epoch));
    assert_eq!(a.set_password(user, Some("$hash$1"), "$hash$3").await, None, "the old hash is old");
    assert_eq!(text(a.read(other).await.password_hash.as_ref()), Some("$hash$1"), "nobody else's password changes");

    let guest = invented_user(a.ambient);
    a.insert(&guest, None).await;
    assert_eq!(a.set_password(guest.id, Some("$hash$1"), "$hash$2").await, None, "there is no hash yet");
    assert!(a.set_password(guest.id, None, "$hash$2").await.is_some(), "the first password");
    assert_eq!(a.set_password(UserId::mint(a.ambient), None, "$hash$2").await, None, "no such user");
}

async fn disables_and_enables(a: &Accounts<'_>) {
    let (user, other) = (a.new_user("$hash$1").await.id, a.new_user("$hash$1").await.id);
    let before = a.read(user).await.epoch;
    assert_eq!(a.set_enabled(user, false).await, Switched::Done);
    let disabled = a.read(user).await;
    assert!(!disabled.user.enabled, "disabled");
    assert!(disabled.epoch > before, "the epoch moves: its sessions are dead");
    assert_eq!(a.set_enabled(user, true).await, Switched::Done);
    let enabled = a.read(user).await;
    assert!(enabled.user.enabled, "enabled again");
    assert!(enabled.epoch >= disabled.epoch, "old sessions stay dead");
    assert!(a.read(other).await.user.enabled, "nobody else is touched");
    assert_eq!(a.set_enabled(UserId::mint(a.ambient), false).await, Switched::NotFound);
}

async fn keeps_the_last_owner(a: &Accounts<'_>) {
    let (owner, second, admin) =
        (a.new_user("$hash$1").await.id, a.new_user("$hash$1").await.id, a.new_user("$hash$1").await.id);
    let now = a.ambient.now();
    let org = a.population.org(owner, now).await;
    a.population.join(org, admin, Role::Admin, now).await;
    let epoch = a.read(owner).await.epoch;
    assert_eq!(a.set_enabled(owner, false).await, Switched::LastOwner, "an admin is no owner");
    let unchanged = a.read(owner).await;
    assert_eq!((unchanged.user.enabled, unchanged.epoch), (true, epoch), "nothing changed");

    a.population.join(org, second, Role::Owner, now).await;
    assert_eq!(a.set_enabled(owner, false).await, Switched::Done, "another owner is active");
    assert_eq!(a.set_enabled(second, false).await, Switched::LastOwner, "a disabled owner does not count");
    assert_eq!(a.set_enabled(owner, true).await, Switched::Done);
    a.population.remove(org, owner).await;
    assert_eq!(a.set_enabled(second, false).await, Switched::LastOwner, "a removed owner does not count");
    assert_eq!(a.set_enabled(owner, false).await, Switched::Done, "who was removed owns nothing");
    a.population.set_org_active(org, false).await;
    assert_eq!(a.set_enabled(second, false).await, Switched::Done, "a suspended organization asks for no owner");
}

/// Racing callers: of 32 accounts with one address or one name exactly one is made, of 32 changes of one password exactly one
/// holds, and of owners who are disabled at once one stays.
pub async fn user_store_race(store: &dyn UserStore, population: &dyn Population, ambient: &Ambient) {
    let a = Accounts { store, population, ambient };
    let wanted = invented_user(ambient);
    let answers = race(32, async |n| {
        let other = invented_user(ambient);
        let rival = if n % 2 == 0 {
            User { email: wanted.email.clone(), ..other }
        } else {
            User { username: wanted.username.clone(), ..other }
        };
        a.insert(&rival, None).await
    })
    .await;
    let made = |parity: usize| {
        answers.iter().skip(parity).step_by(2).filter(|inserted| **inserted == Inserted::Inserted).count()
    };
    assert_eq!((made(0), made(1)), (1, 1), "one account with the address, one with the name");

    let user = a.new_user("$hash$1").await.id;
    let answers = race(32, async |n| a.set_password(user, Some("$hash$1"), &format!("$new${n}")).await).await;
    let winners: Vec<_> = answers.iter().enumerate().filter_map(|(n, epoch)| epoch.map(|epoch| (n, epoch))).collect();
    let [(winner, epoch)] = winners.as_slice() else { panic!("{} changes hold, instead of one", winners.len()) };
    let found = a.read(user).await;
    assert_eq!(found.epoch, *epoch, "the answer is the epoch");
    assert_eq!(
        text(found.password_hash.as_ref()),
        Some(format!("$new${winner}").as_str()),
        "of the hash that was kept"
    );

    for _ in 0..5 {
        owners_disabled_at_once(&a).await;
    }
}

async fn owners_disabled_at_once(a: &Accounts<'_>) {
    let mut owners = vec![a.new_user("$hash$1").await.id];
    let org = a.population.org(owners[0], a.ambient.now()).await;
    for _ in 1..4 {
        let owner = a.new_user("$hash$1").await.id;
        a.population.join(org, owner, Role::Owner, a.ambient.now()).await;
        owners.push(owner);
    }
    let answers = race(owners.len(), async |n| a.set_enabled(owners[n], false).await).await;
    let spared = answers.iter().filter(|answer| **answer == Switched::LastOwner).count();
    assert_eq!(spared, 1, "one owner stays: {answers:?}");
}
