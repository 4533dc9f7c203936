use std::time::Duration;

/// How many organizations take part.
pub(super) const ORGS: usize = 2;

/// Something that happens to a ledger. Made from plain numbers, so that any source of randomness will do, and any shrinking:
/// `any::<(u8, u8, u16)>().prop_map(LedgerStep::from)`. Numbers near zero make the simplest steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerStep {
    /// A call is reported.
    Track(Call),
    /// Three calls are reported in one batch: this one, one more by the number, and this one again.
    Batch(Call, u8),
    /// Quantity is held.
    Hold {
        /// Of which organization.
        org: usize,
        /// By which user; none for 0.
        user: usize,
        /// How much.
        quantity: u64,
        /// For how long, in seconds.
        seconds: u64,
    },
    /// A reservation is settled: the one of this number, counted from the last one.
    Settle(usize, u64),
    /// A reservation is given back: the one of this number, counted from the last one.
    Release(usize),
    /// What ran out is ended, at most so much.
    Expire(u32),
    /// An organization is set back.
    Reset(usize),
    /// An organization's counters are made anew.
    Rebuild(usize),
    /// An organization gets other limits, by month, day and user; none for `None`.
    Allow(usize, [Option<u64>; 3]),
    /// Time passes.
    Pass(Duration),
}

/// A call, of which all but the time follows from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub(super) org: usize,
    /// From which its name, user, service and quantity follow.
    pub(super) name: u8,
    /// Whether it costs one more than its name says.
    pub(super) twisted: bool,
    /// How many minutes ago it happened; `None` says no time.
    pub(super) ago: Option<i64>,
}

fn pick<T: Copy>(from: &[T], number: u16, default: T) -> T {
    from.get(usize::from(number) % from.len().max(1)).copied().unwrap_or(default)
}

impl Call {
    fn from_numbers(name: u8, number: u16) -> Self {
        const AGO: [Option<i64>; 10] =
            [None, None, None, None, Some(0), Some(7 * 60), Some(13 * 60), Some(24 * 60), Some(25 * 60), Some(-2)];
        Self {
            org: usize::from(number / 16) % ORGS,
            name: name % 24,
            twisted: number % 16 == 15,
            ago: pick(&AGO, number / 64, None),
        }
    }
}

impl From<(u8, u8, u16)> for LedgerStep {
    fn from((kind, small, large): (u8, u8, u16)) -> Self {
        const SECONDS: [u64; 9] = [1, 20, 60, 600, 3 * 3_600, 9 * 3_600, 24 * 3_600, 11 * 24 * 3_600, 40 * 24 * 3_600];
        const MONTHS: [Option<u64>; 6] = [None, Some(0), Some(10), Some(40), Some(41), Some(100)];
        const DAYS: [Option<u64>; 4] = [None, Some(5), Some(25), Some(26)];
        const USERS: [Option<u64>; 4] = [None, Some(3), Some(18), Some(19)];
        let org = usize::from(large) % ORGS;
        let which = usize::from(small % 4);
        match kind % 20 {
            0..=5 => Self::Track(Call::from_numbers(small, large)),
            6 => Self::Batch(Call::from_numbers(small, large), small / 2),
            7..=9 => Self::Hold {
                org,
                user: usize::from(small % 3),
                quantity: u64::from(large / 2 % 12) + 1,
                seconds: pick(&[60, 1, 300, 3_600], large / 32, 60),
            },
            10 | 11 => Self::Settle(which, u64::from(large % 14) + 1),
            12 => Self::Release(which),
            13 => Self::Expire(u32::from(small % 3) + 1),
            14 => Self::Reset(org),
            15 => Self::Rebuild(org),
            16 => {
                let limits =
                    [pick(&MONTHS, large / 2, None), pick(&DAYS, large / 16, None), pick(&USERS, large / 64, None)];
                Self::Allow(org, limits)
            }
            _ => Self::Pass(Duration::from_secs(pick(&SECONDS, large, 1))),
        }
    }
}
