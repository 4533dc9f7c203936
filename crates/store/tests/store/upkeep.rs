//! What grows is forgotten in time, and what is read often stays cheap.
use std::time::{Duration, Instant};

use account_core::{DisplayName, NotificationPatch, ProfilePatch, ProfileStore, ShortText};
use audit_core::{TrailFilter, TrailStore};
use auth_core::testing::invented_user;
use auth_core::{Attempt, LinkStore, Session, SessionStore, Throttle, ThrottleRule, UserStore};
use kernel::{
    Action, Actor, Begun, Idempotency, IdempotencyKey, Outcome, Page, Record, Recorded, SessionId, TokenHash, UserId,
};
use org_core::{OrgStore, People};
use store::{SeaIdempotency, SeaLinks, SeaOrgs, SeaPeople, SeaProfiles, SeaSessions, SeaThrottle, SeaTrail, SeaUsers};

use crate::fixture::on_each;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn dead_rows_are_forgotten_and_live_ones_kept() {
    on_each(async |f| {
        let (now, user) = (f.ambient.now(), invented_user(&f.ambient));
        let (sessions, links) = (SeaSessions::new(&f.db), SeaLinks::new(&f.db));
        for (n, lifetime) in [(1, HOUR), (2, HOUR * 3)] {
            let session = Session {
                id: SessionId::mint(&f.ambient),
                user: user.id,
                org: None,
                created_at: now,
                auth_time: now,
                expires_at: now + lifetime,
                idle: HOUR * 9,
                user_epoch: 0,
                org_epoch: 0,
                platform_epoch: 0,
                ip: None,
                user_agent: None,
            };
            let hash = TokenHash::from_bytes([n; 32]);
            sessions.create(&user.tag, &hash, &session, 10).await.unwrap();
            links.issue(&hash, user.id, now + lifetime, &f.record(Action::LinkIssued)).await.unwrap();
        }
        let throttle = SeaThrottle::new(&f.db);
        for (key, period) in [("short", HOUR), ("long", HOUR * 3)] {
            let rule = ThrottleRule::Steady { burst: 1, period };
            assert_eq!(throttle.admit(key, rule, now).await.unwrap(), Attempt::Admitted);
        }
        let answers = SeaIdempotency::new(&f.db);
        for (n, keep) in [(1, HOUR), (2, HOUR * 3)] {
            let key = IdempotencyKey { scope: TokenHash::from_bytes([n; 32]), payload: TokenHash::from_bytes([0; 32]) };
            assert_eq!(answers.begin(&key, now, now + HOUR).await.unwrap(), Begun::First);
            let answer = Recorded { status: 200, content_type: "text/plain".into(), body: Vec::new() };
            answers.finish(&key, &answer, now + keep).await.unwrap();
        }
        let later = now + HOUR * 2;
        for expected in [1, 0] {
            assert_eq!(sessions.purge(later).await.unwrap(), expected, "sessions");
            assert_eq!(links.purge(later).await.unwrap(), expected, "links");
            assert_eq!(throttle.purge(later).await.unwrap(), expected, "throttles");
            assert_eq!(answers.purge(later).await.unwrap(), expected, "answers");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_twenty_devices_at_most() {
    on_each(async |f| {
        let (users, user) = (SeaUsers::new(&f.db), f.new_user().await);
        for n in 0..25_u8 {
            let at = f.ambient.now() + Duration::from_secs(n.into());
            let record = Record { at, ..f.record(Action::Login) };
            users.signed_in(user, Some(&TokenHash::from_bytes([n; 32])), &record).await.unwrap();
        }
        for n in 0..25_u8 {
            let known = users.knows_device(user, &TokenHash::from_bytes([n; 32])).await.unwrap();
            assert_eq!(known, n >= 5, "device {n}");
        }
    })
    .await;
}

/// FLT-6: a clock that is set back brings no dead session to life and makes nobody wait longer than the rule says.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_back_revives_nothing() {
    on_each(async |f| {
        let (now, user) = (f.ambient.now(), invented_user(&f.ambient));
        let sessions = SeaSessions::new(&f.db);
        let key = TokenHash::from_bytes([1; 32]);
        let session = Session {
            id: SessionId::mint(&f.ambient),
            user: user.id,
            org: None,
            created_at: now,
            auth_time: now,
            expires_at: now + HOUR * 9,
            idle: HOUR,
            user_epoch: 0,
            org_epoch: 0,
            platform_epoch: 0,
            ip: None,
            user_agent: None,
        };
        sessions.create(&user.tag, &key, &session, 10).await.unwrap();
        assert_eq!(sessions.touch(&user.tag, &key, now + HOUR * 2).await.unwrap(), None, "idle too long");
        assert_eq!(sessions.touch(&user.tag, &key, now).await.unwrap(), None, "and dead for good");

        let throttle = SeaThrottle::new(&f.db);
        let period = Duration::from_secs(20);
        for rule in [
            ThrottleRule::Steady { burst: 1, period },
            ThrottleRule::Doubling { first: Duration::from_secs(1), longest: period },
        ] {
            assert_eq!(throttle.admit("key", rule, now + HOUR).await.unwrap(), Attempt::Admitted);
            match throttle.admit("key", rule, now).await.unwrap() {
                Attempt::Wait(wait) => assert!(wait <= period, "{wait:?}"),
                Attempt::Admitted => panic!("{rule:?} forgot the attempt"),
            }
        }
    })
    .await;
}

/// A user of 2 000 among 10 000 organizations waits about as long for the first page of theirs as a user of one.
#[tokio::test(flavor = "multi_thread")]
async fn many_organizations_cost_about_as_much_as_one() {
    on_each(async |f| {
        let (few, many) = (f.new_user().await, f.new_user().await);
        let one = f.new_org(few).await;
        f.run(&crowd(f.is_postgres(), many.uuid().simple())).await;
        let orgs = SeaOrgs::new(&f.db);
        let time = async |user: UserId, total: u64| {
            let start = Instant::now();
            let page = orgs.joined(user, Page::default()).await.unwrap();
            assert_eq!((page.total, page.items.len()), (total, usize::try_from(total.min(50)).unwrap()));
            start.elapsed()
        };
        assert_eq!(orgs.joined(few, Page::default()).await.unwrap().items[0].org, one);
        let (mut cheapest, mut dearest) = (Duration::MAX, Duration::MAX);
        for _ in 0..20 {
            cheapest = cheapest.min(time(few, 1).await);
            dearest = dearest.min(time(many, 2000).await);
        }
        // Fifty rows are read instead of one; nothing else may cost more.
        assert!(dearest < cheapest * 4 + Duration::from_millis(10), "{dearest:?} instead of {cheapest:?}");
    })
    .await;
}

/// Ten thousand organizations; every fifth has this member.
fn crowd(postgres: bool, user: impl std::fmt::Display) -> String {
    let (id, at, user, yes) = if postgres {
        ("gen_random_uuid()", "now()", format!("'{user}'::uuid"), "true")
    } else {
        ("randomblob(16)", "'2030-01-01T00:00:00+00:00'", format!("x'{user}'"), "1")
    };
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
         INSERT INTO organization (id, name, slug, search_text, status, settings, member_count, active_count, created_at) \
         SELECT {id}, 'Acme', 'crowd-' || i, 'acme', 'active', '{{}}', 1, 1, {at} FROM n; \
         INSERT INTO membership (org_id, user_id, role, status, listed, epoch, joined_at) \
         SELECT id, {user}, 'owner', 'active', {yes}, 0, {at} FROM organization WHERE slug LIKE 'crowd-%0' OR slug LIKE 'crowd-%5'; \
         ANALYZE"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_keep_what_concurrent_patches_say() {
    on_each(async |f| {
        let (profiles, user) = (SeaProfiles::new(&f.db), f.new_user().await);
        let name = DisplayName::parse("Ann \u{1f980}").unwrap();
        let bio = ShortText::parse("A few\nsentences").unwrap();
        let first = ProfilePatch { display_name: Some(Some(name.clone())), ..ProfilePatch::default() };
        let second = ProfilePatch { bio: Some(Some(bio.clone())), ..ProfilePatch::default() };
        let records = [f.record(Action::ProfileUpdated), f.record(Action::ProfileUpdated)];
        let (one, two) =
            tokio::join!(profiles.patch(user, &first, &records[0]), profiles.patch(user, &second, &records[1]));
        assert!(one.unwrap().is_some() && two.unwrap().is_some());
        let found = profiles.find(user).await.unwrap().unwrap();
        assert_eq!((found.display_name.as_ref(), found.bio.as_ref()), (Some(&name), Some(&bio)));
        assert_eq!(SeaPeople::new(&f.db).by_id(user).await.unwrap().unwrap().name, "Ann \u{1f980}");

        let nobody = UserId::mint(&f.ambient);
        let refused = f.record(Action::ProfileUpdated);
        assert_eq!(profiles.find(nobody).await.unwrap(), None);
        assert_eq!(profiles.patch(nobody, &first, &refused).await.unwrap(), None);
        assert_eq!(profiles.set_avatar(nobody, None, &refused).await.unwrap(), None);
        let choices = NotificationPatch { sms: Some(true), ..NotificationPatch::default() };
        assert_eq!(profiles.patch_notifications(nobody, &choices, &refused).await.unwrap(), None);
        let other = NotificationPatch { push: Some(true), ..NotificationPatch::default() };
        let records = [f.record(Action::NotificationsUpdated), f.record(Action::NotificationsUpdated)];
        let (one, two) = tokio::join!(
            profiles.patch_notifications(user, &choices, &records[0]),
            profiles.patch_notifications(user, &other, &records[1])
        );
        assert!(one.unwrap().is_some() && two.unwrap().is_some());
        let found = profiles.notifications(user).await.unwrap().unwrap();
        assert!(found.sms && found.push && found.email, "both changes and the defaults");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_reads_back_what_was_said() {
    on_each(async |f| {
        let user = f.new_user().await;
        let org = f.new_org(user).await;
        let actor = Actor {
            ip: Some("2001:db8::1".parse().unwrap()),
            user_agent: Some("x".repeat(300)),
            request_id: Some("req".into()),
            session: Some("hash".into()),
            ..Actor::user(user)
        };
        let record = Record::new(&f.ambient, &actor, Action::OrgSwitched, "organization", org)
            .within(org)
            .ended(Outcome::Denied)
            .with("zebra", "\"1\"\0")
            .with("ant", "y".repeat(600));
        auth_core::Standings::note(&store::SeaStandings::new(&f.db), &record).await.unwrap();
        let trail = SeaTrail::new(&f.db);
        let filter = TrailFilter { org: Some(org), user: Some(user), action: Some("org.switched".into()) };
        let page = trail.page(&filter, Page::default()).await.unwrap();
        assert_eq!(page.total, 1);
        let entry = &page.items[0];
        assert_eq!((entry.id, entry.at, entry.org, entry.user), (record.id, record.at, Some(org), Some(user)));
        assert_eq!((entry.actor_type.as_str(), entry.result.as_str()), ("user", "denied"));
        assert_eq!(entry.resource_id, org.to_string());
        assert_eq!(entry.user_agent.as_ref().unwrap().len(), 256);
        assert_eq!(entry.metadata[0], ("zebra".to_owned(), "\"1\"\0".to_owned()));
        assert_eq!(entry.metadata[1], ("ant".to_owned(), "y".repeat(512)));
        let all = trail.page(&TrailFilter::default(), Page::new(1, 0).unwrap()).await.unwrap();
        assert_eq!((all.items.len(), all.total), (1, 3), "an account, an organization and this");
        let strange = TrailFilter { action: Some("\0".into()), ..TrailFilter::default() };
        assert_eq!(trail.page(&strange, Page::default()).await.unwrap().total, 0);
    })
    .await;
}
