use chrono::NaiveDate;
use kernel::{OrgId, UserId};

use super::stage::{DAY, HOUR, SECOND, Stage, name, numbers, quantity};
use crate::testing::UsageStores;
use crate::{Cursor, DayUsage, Days, Draft, Entry, Sum};

/// What every [`UsageReader`](crate::UsageReader) promises.
pub async fn usage_reader_contract(stores: UsageStores<'_>) {
    tells_history_by_day_and_service(&Stage::new(stores)).await;
    tells_users_apart(&Stage::new(stores)).await;
    gives_entries_by_pages(&Stage::new(stores)).await;
    orders_names_byte_by_byte(&Stage::new(stores)).await;
    tells_nobody_less_than_before(&Stage::new(stores)).await;
}

fn usage(day: NaiveDate, service: &str, numbers: (u64, u64)) -> DayUsage {
    DayUsage { day, service: service.parse().unwrap(), events: numbers.0, quantity: numbers.1 }
}

/// Uses something of an organization today and yesterday, by two users and by nobody, and of another one.
async fn use_some(s: &Stage<'_>, (org, other): (OrgId, OrgId), users: [UserId; 2]) {
    let before = s.noon - DAY;
    let by = |user, service: &str, cost, at| Draft {
        user,
        service: service.parse().unwrap(),
        received_at: at,
        ..s.draft(org, cost)
    };
    for draft in [
        by(Some(users[1]), "search", 3, s.noon),
        by(Some(users[0]), "search", 5, s.noon),
        by(Some(users[0]), "search", 7, s.noon + HOUR),
        by(None, "chat", 1, s.noon),
        by(None, "search", 2, s.noon),
        by(Some(users[0]), "chat", 9, before),
        Draft { occurred_at: Some(before), ..by(Some(users[0]), "chat", 2, s.noon) },
        Draft { org: other, ..by(None, "tts", 8, s.noon) },
    ] {
        s.record(&draft).await;
    }
}

async fn tells_history_by_day_and_service(s: &Stage<'_>) {
    let (org, other) = (s.org(&s.unlimited()).await, s.org(&s.unlimited()).await);
    use_some(s, (org, other), [s.user().await, s.user().await]).await;
    let (today, yesterday) = (s.noon.date_naive(), (s.noon - DAY).date_naive());
    let hold = s.lease(org, None, 6);
    s.hold(&hold).await;
    let history = async |from, to| s.stores.reader.history(org, Days { from, to }).await.unwrap();
    let expected =
        vec![usage(yesterday, "chat", (2, 11)), usage(today, "chat", (1, 1)), usage(today, "search", (4, 17))];
    assert_eq!(history(yesterday, today).await, expected, "by day and service; what is held was not used");
    assert_eq!(history(today, today).await, expected[1..], "both ends are included");
    assert_eq!(history(yesterday, yesterday).await, expected[..1]);
    assert_eq!(history(today, yesterday).await, vec![], "no days, no rows");
    s.settle(&hold, 4, s.noon + SECOND).await;
    s.reset(org, s.noon + SECOND).await;
    let settled = usage(today, "chat", (2, 5));
    assert_eq!(history(today, today).await[0], settled, "what was settled counts, a reset changes nothing");
}

async fn tells_users_apart(s: &Stage<'_>) {
    let (org, other) = (s.org(&s.unlimited()).await, s.org(&s.unlimited()).await);
    let mut users = [s.user().await, s.user().await];
    users.sort();
    use_some(s, (org, other), users).await;
    let (today, yesterday) = (s.noon.date_naive(), (s.noon - DAY).date_naive());
    let sum = |events, quantity| Sum { events, quantity };
    let told = async |from, to| s.stores.reader.users(org, Days { from, to }).await.unwrap();
    let everybody = vec![(None, sum(2, 3)), (Some(users[0]), sum(4, 23)), (Some(users[1]), sum(1, 3))];
    assert_eq!(told(yesterday, today).await, everybody, "over all days and services, nobody first");
    assert_eq!(told(yesterday, yesterday).await, vec![(Some(users[0]), sum(2, 11))]);
    s.reset(org, s.noon + SECOND).await;
    assert_eq!(told(yesterday, today).await, everybody, "a reset changes nothing");
    assert_eq!(told(today, yesterday).await, vec![], "no days, nobody");
}

/// All pages of a listing, one after the other.
async fn pages(s: &Stage<'_>, org: OrgId, days: Days, most: u32) -> Vec<Entry> {
    let (mut all, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = s.entries(org, days, after, most).await;
        assert!(page.len() <= usize::try_from(most).unwrap(), "at most {most}");
        after = page.last().map(|entry| (entry.recorded_at, entry.event.clone()));
        if after.is_none() {
            return all;
        }
        all.extend(page);
    }
}

async fn gives_entries_by_pages(s: &Stage<'_>) {
    let (org, other) = (s.org(&s.unlimited()).await, s.org(&s.unlimited()).await);
    for n in 0..7_u32 {
        // Three are recorded at one moment; the order of recording is not that of happening.
        let received_at = s.noon + SECOND * (n / 3);
        let occurred_at = Some(received_at - HOUR * n);
        s.record(&Draft { occurred_at, received_at, ..s.draft(org, u64::from(n) + 1) }).await;
    }
    s.record(&s.draft(other, 99)).await;
    let all = s.entries(org, s.around(3), None, 100).await;
    let mut quantities: Vec<_> = all.iter().map(|entry| entry.quantity).collect();
    quantities.sort_unstable();
    assert_eq!(quantities, (1..=7).collect::<Vec<_>>(), "every row of this organization and no other");
    let sorted = all.is_sorted_by_key(|entry| (entry.recorded_at, entry.event.clone()));
    assert!(sorted, "in the order of recording, then of name");
    for most in [1, 2, 3, 7, 100] {
        assert_eq!(pages(s, org, s.around(3), most).await, all, "pages of {most}: no row twice, none left out");
    }
    let day = Days { from: s.noon.date_naive(), to: s.noon.date_naive() };
    s.record(&Draft { occurred_at: Some(s.noon - HOUR * 13), ..s.draft(org, 50) }).await;
    let today = s.entries(org, day, None, 100).await;
    assert_eq!(today.len(), 7, "the day on which it happened counts");
    let next = Days { from: day.from + chrono::Days::new(1), to: day.to + chrono::Days::new(1) };
    assert_eq!(s.entries(org, next, None, 100).await, vec![]);
    assert_eq!(s.entries(OrgId::mint(s.stores.ambient), day, None, 100).await, vec![], "unknown: nothing");
}

/// What is told beside an answer may be a second old, but not older than what the same process recorded or told before.
async fn tells_nobody_less_than_before(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(100)).await, s.user().await);
    let recent = async |user, at| {
        let tally = s.stores.reader.recent_tally(org, user, at).await.unwrap().unwrap();
        (numbers(tally.month), numbers(tally.day), tally.user.map(numbers))
    };
    let seen = async |used, held| {
        assert_eq!(recent(Some(user), s.noon).await, ((used, held), (used, held), Some((used, held))), "with the user");
        assert_eq!(recent(None, s.noon).await, ((used, held), (used, held), None), "without");
    };
    let by = |cost| Draft { user: Some(user), ..s.draft(org, cost) };
    seen(0, 0).await;
    s.record(&by(1)).await;
    seen(1, 0).await;
    let batch = s.batch(&[by(1), by(2), by(1_000), Draft { occurred_at: Some(s.noon - DAY), ..by(5) }]).await;
    assert_eq!(batch.len(), 4);
    assert_eq!(recent(Some(user), s.noon).await, ((9, 0), (4, 0), Some((9, 0))), "each period has its own");
    let hold = s.lease(org, Some(user), 7);
    s.hold(&hold).await;
    assert_eq!(recent(Some(user), s.noon).await, ((9, 7), (4, 7), Some((9, 7))));
    s.settle(&hold, 3, s.noon).await;
    assert_eq!(recent(None, s.noon).await, ((12, 0), (7, 0), None));
    let next = s.tally(org, None, s.noon).await.month.period.end;
    assert_eq!(recent(Some(user), next).await, ((0, 0), (0, 0), Some((0, 0))), "another month is another matter");
    s.reset(org, s.noon).await;
    seen(0, 0).await;
}

async fn orders_names_byte_by_byte(s: &Stage<'_>) {
    let org = s.org(&s.unlimited()).await;
    let mut names = ["b", "B", "a", "_", "~", "a-b", "aB", "a.b", "A", "10", "9", "!"].map(name);
    for event in names.clone() {
        s.record(&Draft { event, quantity: quantity(1), ..s.draft(org, 1) }).await;
    }
    names.sort();
    for most in [5, 100] {
        let given: Vec<_> = pages(s, org, s.around(1), most).await.into_iter().map(|entry| entry.event).collect();
        assert_eq!(given, names, "whatever the database's language is");
    }
}
