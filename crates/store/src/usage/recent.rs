//! Where organizations and their users stood at most a second ago.
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kernel::{OrgId, Timestamp, UserId};
use moka::sync::Cache;
use usage_core::{Count, Tally};

/// How old an answer may be.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The most organizations, and the most users, of which something is known.
const MOST: u64 = 100_000;

/// What this process told of organizations and of their users. Until somebody is set back it only ever raises what was used within a
/// period, so that whoever was told of a call is not told of less afterwards: neither by an answer that was on its way meanwhile, nor
/// by one of a second ago.
#[derive(Debug)]
pub(crate) struct RecentTallies {
    orgs: Cache<OrgId, Kept>,
    users: Cache<(OrgId, UserId), Part>,
    /// Moves when an organization is set back; what was asked before that, about whichever one, counts no more.
    resets: AtomicU64,
}

/// When the database was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    instant: Instant,
    resets: u64,
}

/// Somebody was told these counts, by what was read from the database since it was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) org: OrgId,
    pub(crate) user: Option<UserId>,
    pub(crate) tally: &'a Tally,
    /// When it was, by the clock of the calls.
    pub(crate) at: Timestamp,
    pub(crate) asked: Asked,
}

/// One counter, as it was.
#[derive(Debug, Clone, Copy)]
struct Part {
    count: Count,
    at: Timestamp,
    asked: Asked,
}

/// The counters of an organization. Of its day nothing is known where only calls of another day were told of.
#[derive(Debug, Clone)]
struct Kept {
    tier: String,
    month: Part,
    day: Option<Part>,
}

impl Asked {
    /// Whether an answer to it counts, after so many resets.
    fn is_of(&self, resets: u64) -> bool {
        self.resets == resets && self.instant.elapsed() < MAX_AGE
    }
}

impl Part {
    /// Whether it may be told at this moment.
    fn counts(&self, now: Timestamp, resets: u64) -> bool {
        let age = now.signed_duration_since(self.at).abs();
        let recent = TimeDelta::from_std(MAX_AGE).is_ok_and(|most| age < most);
        recent && self.asked.is_of(resets) && self.count.period.contains(now)
    }

    /// The one of two that knows of more calls; of as many, the newer one.
    fn raised(self, new: Self) -> Self {
        let known = self.count.period == new.count.period && self.asked.is_of(new.asked.resets);
        let outdated = new.asked.resets < self.asked.resets;
        if outdated || (known && self.count.used > new.count.used) { self } else { new }
    }
}

impl Told<'_> {
    /// A counter of the period in which it was told.
    fn part(&self, count: Count) -> Option<Part> {
        count.period.contains(self.at).then_some(Part { count, at: self.at, asked: self.asked })
    }

    /// `None` where the month is another one: nobody is told of that beside an answer.
    fn kept(&self) -> Option<Kept> {
        let month = self.part(self.tally.month)?;
        Some(Kept { tier: self.tally.tier.clone(), month, day: self.part(self.tally.day) })
    }

    fn users_part(&self) -> Option<((OrgId, UserId), Part)> {
        Some(((self.org, self.user?), self.part(self.tally.user?)?))
    }
}

impl Kept {
    fn raised(self, new: Self) -> Self {
        let day = match (self.day, new.day) {
            (Some(old), Some(new)) => Some(old.raised(new)),
            (old, new) => new.or(old),
        };
        Self { tier: new.tier, month: self.month.raised(new.month), day }
    }
}

impl Default for RecentTallies {
    fn default() -> Self {
        let users = Cache::builder().max_capacity(MOST).time_to_live(MAX_AGE).build();
        let orgs = Cache::builder().max_capacity(MOST).time_to_live(MAX_AGE).build();
        Self { orgs, users, resets: AtomicU64::new(0) }
    }
}

impl RecentTallies {
    /// To be asked for before the database is.
    pub(crate) fn asking(&self) -> Asked {
        Asked { instant: Instant::now(), resets: self.resets.load(Ordering::SeqCst) }
    }

    /// Where they stood at most a second before `now`, if that is known.
    pub(crate) fn get(&self, org: OrgId, user: Option<UserId>, now: Timestamp) -> Option<Tally> {
        let resets = self.resets.load(Ordering::SeqCst);
        let kept = self.orgs.get(&org).filter(|kept| kept.month.counts(now, resets))?;
        let day = kept.day.filter(|day| day.counts(now, resets))?;
        let month = kept.month.count;
        let counts = |part: &Part| part.counts(now, resets) && part.count.period == month.period;
        let user = match user {
            Some(user) => Some(self.users.get(&(org, user)).filter(counts)?.count),
            None => None,
        };
        Some(Tally { tier: kept.tier, month, day: day.count, user })
    }

    /// What was read.
    pub(crate) fn read(&self, told: Told<'_>) {
        if let Some(kept) = told.kept() {
            self.raise(told.org, kept);
        }
        if let Some((user, part)) = told.users_part() {
            self.raise_user(user, part);
        }
    }

    /// What the calls of one transaction were told, in their order: an organization is looked up once, whatever their number, and
    /// users only as far as somebody asks about them.
    pub(crate) fn committed<'a>(&self, calls: impl IntoIterator<Item = Told<'a>>) {
        let (mut orgs, mut users) = (HashMap::<OrgId, (Told<'a>, Option<Part>)>::new(), HashMap::new());
        for told in calls.into_iter().filter(|told| told.part(told.tally.month).is_some()) {
            let day = orgs.get(&told.org).and_then(|(_, day)| *day);
            orgs.insert(told.org, (told, told.part(told.tally.day).or(day)));
            users.extend(told.users_part().filter(|(user, _)| self.users.contains_key(user)));
        }
        for (org, (told, day)) in orgs {
            if let Some(kept) = told.kept() {
                self.raise(org, Kept { day, ..kept });
            }
        }
        for (user, part) in users {
            self.raise_user(user, part);
        }
    }

    /// An organization was set back.
    pub(crate) fn reset(&self) {
        self.resets.fetch_add(1, Ordering::SeqCst);
    }

    fn raise(&self, org: OrgId, new: Kept) {
        self.orgs.entry(org).and_upsert_with(|old| match old {
            Some(old) => old.into_value().raised(new),
            None => new,
        });
    }

    fn raise_user(&self, user: (OrgId, UserId), new: Part) {
        self.users.entry(user).and_upsert_with(|old| match old {
            Some(old) => old.into_value().raised(new),
            None => new,
        });
    }
}

#[cfg(test)]
mod tests {
    use kernel::testing::manual_ambient;
    use kernel::{Ambient, Limit, Period};

    use super::*;

    fn tally(used: u64, at: Timestamp) -> Tally {
        let count = |period| Count { used, reserved: 0, limit: Limit::Of(100), period };
        let (month, day) = (count(Period::month(Timestamp::UNIX_EPOCH, at)), count(Period::day(at)));
        Tally { tier: "t".to_owned(), month, day, user: Some(month) }
    }

    /// An organization, a user of it, and what is known of it at noon.
    struct Stage {
        recent: RecentTallies,
        org: OrgId,
        user: UserId,
        noon: Timestamp,
    }

    impl Stage {
        fn new() -> Self {
            let ambient: Ambient = manual_ambient(1).1;
            // In the middle of a month.
            let noon = Period::day(ambient.now()).start + TimeDelta::hours(12 + 14 * 24);
            let (org, user) = (OrgId::mint(&ambient), UserId::mint(&ambient));
            Self { recent: RecentTallies::default(), org, user, noon }
        }

        fn told<'a>(&self, tally: &'a Tally, asked: Asked) -> Told<'a> {
            Told { org: self.org, user: Some(self.user), tally, at: self.noon, asked }
        }

        fn read(&self, used: u64, asked: Asked) {
            self.recent.read(self.told(&tally(used, self.noon), asked));
        }

        /// Used of month, day and the user's month.
        fn used(&self, at: Timestamp) -> Option<[u64; 3]> {
            let found = self.recent.get(self.org, Some(self.user), at)?;
            Some([found.month.used, found.day.used, found.user?.used])
        }
    }

    #[test]
    fn an_answer_that_was_on_its_way_takes_nothing_back() {
        let s = Stage::new();
        let slow = s.recent.asking();
        s.read(5, s.recent.asking());
        s.read(4, slow);
        assert_eq!(s.used(s.noon), Some([5; 3]));
        let fits = tally(7, s.noon);
        s.recent.committed([s.told(&tally(6, s.noon), slow), s.told(&fits, slow)]);
        assert_eq!(s.used(s.noon), Some([7; 3]), "the last of them");
        let yesterday = tally(9, s.noon - TimeDelta::days(1));
        s.recent.committed([s.told(&fits, slow), s.told(&yesterday, slow)]);
        assert_eq!(s.used(s.noon), Some([9, 7, 9]), "a late call is one of this month, not of this day");
    }

    #[test]
    fn a_reset_is_no_answer_that_was_on_its_way() {
        let s = Stage::new();
        let slow = s.recent.asking();
        s.read(5, slow);
        s.recent.reset();
        assert_eq!(s.used(s.noon), None);
        s.read(0, s.recent.asking());
        assert_eq!(s.used(s.noon), Some([0; 3]));
        s.read(5, slow);
        assert_eq!(s.used(s.noon), Some([0; 3]), "that was before");
    }

    #[test]
    fn nothing_is_told_of_another_moment() {
        let s = Stage::new();
        s.read(5, s.recent.asking());
        assert_eq!(s.used(s.noon + TimeDelta::milliseconds(999)), Some([5; 3]));
        assert_eq!(s.used(s.noon + TimeDelta::seconds(1)), None);
        assert_eq!(s.used(s.noon - TimeDelta::seconds(1)), None);
        assert_eq!(s.recent.get(s.org, None, s.noon).and_then(|tally| tally.user), None);
        let other = UserId::mint(&manual_ambient(2).1);
        assert_eq!(s.recent.get(s.org, Some(other), s.noon), None, "nobody asked about them");
    }
}
