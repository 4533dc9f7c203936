/// How much of something a plan gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// So much and no more.
    Of(u64),
    /// As much as is asked for. On the wire −1 or `"unlimited"`.
    Unlimited,
}

impl Limit {
    /// What is left after `used`; `None` when there is no end. Never negative: a plan may have shrunk below what was used.
    pub const fn remaining(self, used: u64) -> Option<u64> {
        match self {
            Self::Of(limit) => Some(limit.saturating_sub(used)),
            Self::Unlimited => None,
        }
    }

    /// Whether `more` still fits after `used`.
    pub const fn admits(self, used: u64, more: u64) -> bool {
        match self {
            Self::Of(limit) => match used.checked_add(more) {
                Some(sum) => sum <= limit,
                None => false,
            },
            Self::Unlimited => true,
        }
    }

    /// The number that stands for it on the wire and in the store: −1 for unlimited. A limit beyond `i64::MAX` is cut to it.
    pub fn to_i64(self) -> i64 {
        match self {
            Self::Of(limit) => i64::try_from(limit).unwrap_or(i64::MAX),
            Self::Unlimited => -1,
        }
    }

    /// Reads [`Limit::to_i64`]; `None` for numbers below −1.
    pub fn from_i64(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Unlimited),
            other => u64::try_from(other).ok().map(Self::Of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_never_overrun_by_arithmetic() {
        assert!(Limit::Of(10).admits(3, 7));
        assert!(!Limit::Of(10).admits(3, 8));
        assert!(!Limit::Of(10).admits(20, 0));
        assert!(!Limit::Of(u64::MAX).admits(u64::MAX, 1));
        assert!(Limit::Unlimited.admits(u64::MAX, u64::MAX));
        assert_eq!(Limit::Of(10).remaining(12), Some(0));
        assert_eq!(Limit::Unlimited.remaining(12), None);
        for number in [-1, 0, 1, i64::MAX] {
            assert_eq!(Limit::from_i64(number).map(Limit::to_i64), Some(number));
        }
        assert_eq!(Limit::from_i64(-2), None);
    }
}
