use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use kernel::{Limit, OrgId, Period, ReservationId, ServiceName, Timestamp, UserId};

use crate::{
    Admitted, Allowance, Count, DayUsage, Draft, EventId, Held, Hold, Quantity, Released, Settled, Sum, Tally, Wall,
};

/// What one counter cell counts: one user (or nobody) on one day, as far as it lies in the month that begins then. Every counter of
/// the organization is a sum of cells.
type Cell = (Option<UserId>, NaiveDate, Timestamp);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Held,
    Paid(Quantity),
    Over,
}

/// One organization's ledger as cells: the second opinion to compare a ledger with. It keeps no rows and forgets nothing else.
pub(super) struct Model {
    pub(super) org: OrgId,
    pub(super) plan: Allowance,
    /// How many rows the ledger has.
    pub(super) rows: u64,
    cells: BTreeMap<Cell, i64>,
    known: HashMap<EventId, Draft>,
    holds: HashMap<ReservationId, (Hold, Stage)>,
    history: BTreeMap<(NaiveDate, ServiceName, Option<UserId>), (u64, u64)>,
}

/// Used and held of the three counters that a call falls under.
struct Levels {
    month: (u64, u64),
    day: (u64, u64),
    user: (u64, u64),
}

impl Model {
    pub(super) fn new(org: OrgId, plan: Allowance) -> Self {
        let (cells, known, holds, history) = Default::default();
        Self { org, plan, rows: 0, cells, known, holds, history }
    }

    fn month(&self, at: Timestamp) -> Timestamp {
        Period::month(self.plan.anchor, at).start
    }

    fn cell(&self, user: Option<UserId>, at: Timestamp) -> Cell {
        (user, at.date_naive(), self.month(at))
    }

    fn levels(&self, user: Option<UserId>, at: Timestamp, now: Timestamp) -> Levels {
        let (_, day, month) = self.cell(user, at);
        let mut sums = [(0_i64, 0_i64); 3];
        let mut count = |cell: &Cell, used: i64, held: i64| {
            let falls = [cell.2 == month, cell.1 == day, cell.2 == month && cell.0 == user];
            for (sum, falls) in sums.iter_mut().zip(falls) {
                if falls {
                    *sum = (sum.0 + used, sum.1 + held);
                }
            }
        };
        for (cell, used) in &self.cells {
            count(cell, *used, 0);
        }
        for (hold, stage) in self.holds.values() {
            if *stage == Stage::Held && now < hold.expires_at {
                count(&self.cell(hold.user, hold.at), 0, hold.quantity.get().cast_signed());
            }
        }
        let [month, day, user] = sums.map(|(used, held)| (used.cast_unsigned(), held.cast_unsigned()));
        Levels { month, day, user }
    }

    pub(super) fn tally(&self, user: Option<UserId>, at: Timestamp, now: Timestamp) -> Tally {
        let levels = self.levels(user, at, now);
        let count = |(used, reserved), limit, period| Count { used, reserved, limit, period };
        let month = Period::month(self.plan.anchor, at);
        Tally {
            tier: self.plan.tier.clone(),
            month: count(levels.month, self.plan.monthly, month),
            day: count(levels.day, self.plan.daily, Period::day(at)),
            user: user.map(|_| count(levels.user, self.plan.per_user, month)),
        }
    }

    /// The first limit that so much more goes over.
    fn over(&self, user: Option<UserId>, at: Timestamp, now: Timestamp, more: u64) -> Option<Wall> {
        let levels = self.levels(user, at, now);
        let beyond = |limit: Limit, (used, held): (u64, u64)| match limit {
            Limit::Of(most) => used + held + more > most,
            Limit::Unlimited => false,
        };
        if beyond(self.plan.monthly, levels.month) {
            Some(Wall::Month)
        } else if beyond(self.plan.daily, levels.day) {
            Some(Wall::Day)
        } else if user.is_some() && beyond(self.plan.per_user, levels.user) {
            Some(Wall::User)
        } else {
            None
        }
    }

    fn use_up(&mut self, user: Option<UserId>, service: ServiceName, at: Timestamp, quantity: u64) {
        *self.cells.entry(self.cell(user, at)).or_default() += quantity.cast_signed();
        let day = self.history.entry((at.date_naive(), service, user)).or_default();
        *day = (day.0 + 1, day.1 + quantity);
        self.rows += 1;
    }

    pub(super) fn admit(&mut self, draft: &Draft) -> Admitted {
        let (now, at) = (draft.received_at, draft.occurred_at.unwrap_or(draft.received_at));
        if let Some(known) = self.known.get(&draft.event) {
            let same = Draft { received_at: now, ..known.clone() } == *draft;
            return if same { Admitted::Duplicate(self.tally(draft.user, now, now)) } else { Admitted::Conflict };
        }
        let minutes = now.signed_duration_since(at).num_seconds();
        if !(-5 * 60..=24 * 60 * 60).contains(&minutes) {
            return Admitted::OutOfTime;
        }
        if let Some(wall) = self.over(draft.user, at, now, draft.quantity.get()) {
            return Admitted::OverLimit(wall, self.tally(draft.user, at, now));
        }
        self.use_up(draft.user, draft.service.clone(), at, draft.quantity.get());
        self.known.insert(draft.event.clone(), draft.clone());
        Admitted::Recorded(self.tally(draft.user, at, now))
    }

    pub(super) fn hold(&mut self, hold: &Hold) -> Held {
        if let Some(wall) = self.over(hold.user, hold.at, hold.at, hold.quantity.get()) {
            return Held::OverLimit(wall, self.tally(hold.user, hold.at, hold.at));
        }
        self.holds.insert(hold.id, (hold.clone(), Stage::Held));
        Held::Held(self.tally(hold.user, hold.at, hold.at))
    }

    pub(super) fn settle(&mut self, id: ReservationId, quantity: Quantity, now: Timestamp) -> Settled {
        let Some((hold, stage)) = self.holds.get(&id).cloned() else { return Settled::NotFound };
        if stage == Stage::Held && now < hold.expires_at {
            let more = quantity.get().saturating_sub(hold.quantity.get());
            let over = self.over(hold.user, hold.at, now, more).filter(|_| more > 0);
            if let Some(wall) = over {
                return Settled::OverLimit(wall, self.tally(hold.user, hold.at, now));
            }
            self.use_up(hold.user, hold.service.clone(), hold.at, quantity.get());
            self.holds.insert(id, (hold.clone(), Stage::Paid(quantity)));
        } else if stage != Stage::Paid(quantity) {
            return Settled::Ended;
        }
        Settled::Settled(self.tally(hold.user, hold.at, now))
    }

    pub(super) fn release(&mut self, id: ReservationId) -> Released {
        match self.holds.get_mut(&id) {
            None => Released::NotFound,
            Some((_, Stage::Paid(_))) => Released::Settled,
            Some((_, stage)) => {
                *stage = Stage::Over;
                Released::Released
            }
        }
    }

    pub(super) fn reset(&mut self, now: Timestamp) -> Tally {
        let (_, today, month) = self.cell(None, now);
        for ((_, day, start), sum) in &mut self.cells {
            if (*start == month || *day == today) && *sum != 0 {
                *sum = 0;
                self.rows += 1;
            }
        }
        self.tally(None, now, now)
    }

    /// What the ledger's rows sum up to.
    pub(super) fn sum(&self) -> i64 {
        self.cells.values().sum()
    }

    pub(super) fn history(&self) -> Vec<DayUsage> {
        let mut days = BTreeMap::<_, (u64, u64)>::new();
        for ((day, service, _), (events, quantity)) in &self.history {
            let sum = days.entry((*day, service.clone())).or_default();
            *sum = (sum.0 + events, sum.1 + quantity);
        }
        let usage = |((day, service), (events, quantity))| DayUsage { day, service, events, quantity };
        days.into_iter().map(usage).collect()
    }

    pub(super) fn users(&self) -> Vec<(Option<UserId>, Sum)> {
        let mut users = BTreeMap::<_, Sum>::new();
        for ((_, _, user), (events, quantity)) in &self.history {
            let sum = users.entry(*user).or_default();
            *sum = Sum { events: sum.events + events, quantity: sum.quantity + quantity };
        }
        users.into_iter().collect()
    }
}
