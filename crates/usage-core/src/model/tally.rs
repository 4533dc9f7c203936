use std::ops::Deref;

use kernel::{Limit, Period, ReservationId, Timestamp};

/// What an organization's plan lets it use, read in the transaction that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The plan's name.
    pub tier: String,
    /// In a month of the subscription.
    pub monthly: Limit,
    /// In a day, UTC.
    pub daily: Limit,
    /// By one user in a month of the subscription.
    pub per_user: Limit,
    /// From when the subscription's months are counted.
    pub anchor: Timestamp,
}

/// One counter: what was used and is held, against what limit, until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Recorded quantity.
    pub used: u64,
    /// Quantity held by open reservations.
    pub reserved: u64,
    /// The most that both may reach.
    pub limit: Limit,
    /// The period that is counted.
    pub period: Period,
}

impl Count {
    /// What is left; `None` without an end. Never negative.
    pub const fn remaining(&self) -> Option<u64> {
        self.limit.remaining(self.used.saturating_add(self.reserved))
    }

    /// Whether `more` still fits.
    pub const fn admits(&self, more: u64) -> bool {
        self.limit.admits(self.used.saturating_add(self.reserved), more)
    }
}

/// Which limit a call ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wall {
    /// The organization's month.
    Month,
    /// The organization's day.
    Day,
    /// The user's month.
    User,
}

impl Wall {
    /// Every limit, in the order in which they are asked.
    pub const ALL: [Self; 3] = [Self::Month, Self::Day, Self::User];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "monthly",
            Self::Day => "daily",
            Self::User => "user_monthly",
        }
    }
}

/// Where an organization, and a user of it, stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The plan that counts.
    pub tier: String,
    /// The organization's month.
    pub month: Count,
    /// The organization's day.
    pub day: Count,
    /// The user's month, when a user was named.
    pub user: Option<Count>,
}

impl Tally {
    /// The counter that a limit bounds; `None` for the user's when no user was named.
    pub const fn count(&self, wall: Wall) -> Option<Count> {
        match wall {
            Wall::Month => Some(self.month),
            Wall::Day => Some(self.day),
            Wall::User => self.user,
        }
    }

    /// The first limit that `more` does not fit under, with when it resets; `None` when it fits.
    pub fn wall(&self, more: u64) -> Option<(Wall, Count)> {
        let counts = Wall::ALL.into_iter().filter_map(|wall| self.count(wall).map(|count| (wall, count)));
        counts.into_iter().find(|(_, count)| !count.admits(more))
    }
}

/// What was asked for and did not fit, with the counts that it did not fit under, as which it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The counts.
    pub tally: Tally,
    /// The cost of the whole call.
    pub quantity: super::event::Quantity,
    /// When it was refused.
    pub at: Timestamp,
    /// Whether a reservation was to be settled with it: the periods of the hold pay then, however long somebody waits.
    pub settles: bool,
}

impl Deref for Shortfall {
    type Target = Tally;
    fn deref(&self) -> &Tally {
        &self.tally
    }
}

/// What became of a [`super::event::Draft`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// It is in the ledger, with the counts after it of the periods in which it happened.
    Recorded(Tally),
    /// The same event was in the ledger before; nothing changed. The counts are today's: those at the draft's `received_at`.
    Duplicate(Tally),
    /// Another event of this name is in the ledger; nothing changed.
    Conflict,
    /// It does not fit; nothing changed. The counts are those it did not fit under: of the periods in which it happened.
    OverLimit(Wall, Tally),
    /// It happened too long ago, before there was the organization, or in the future; nothing changed.
    OutOfTime,
    /// There is no such organization, or it is suspended or deleted; nothing changed.
    NoOrg,
}

/// Quantity that is to be held for a call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: ReservationId,
    /// Whose quota.
    pub org: kernel::OrgId,
    /// Who calls.
    pub user: Option<kernel::UserId>,
    /// Which service.
    pub service: kernel::ServiceName,
    /// How much.
    pub quantity: super::event::Quantity,
    /// Now.
    pub at: Timestamp,
    /// When it releases itself.
    pub expires_at: Timestamp,
}

impl Hold {
    /// The most reservations of one organization that are open at once: each is a row that whoever holds another one counts.
    pub const MOST_OPEN: u32 = 10_000;
}

/// What became of a [`Hold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It is held, with the counts after it.
    Held(Tally),
    /// It does not fit; nothing changed.
    OverLimit(Wall, Tally),
    /// [`Hold::MOST_OPEN`] reservations of the organization are open, and the first of them ends by itself at this moment; nothing
    /// changed.
    TooMany(Timestamp),
    /// There is no such organization, or it is suspended or deleted.
    NoOrg,
}

/// What became of settling a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The quantity is in the ledger and nothing is held any more; with the counts after it, of the periods of the hold. Also when it
    /// was settled with this quantity before.
    Settled(Tally),
    /// There is no such reservation of this organization.
    NotFound,
    /// It was released, ran out, or was settled with another quantity; nothing changed.
    Ended,
    /// More than was held, and the rest does not fit; nothing changed.
    OverLimit(Wall, Tally),
}

/// What became of releasing a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// Nothing is held any more. Also when it was released or ran out before.
    Released,
    /// There is no such reservation of this organization.
    NotFound,
    /// It was settled; nothing changed.
    Settled,
}
