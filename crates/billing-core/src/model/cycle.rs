use kernel::{Period, Timestamp};

/// How often a subscription is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cycle {
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

impl Cycle {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Monthly, Self::Yearly];

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// Reads [`Cycle::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cycle| cycle.as_str() == text)
    }

    /// How many months it has.
    pub const fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::Yearly => 12,
        }
    }

    /// The period of a subscription that is counted from `anchor`, in which `at` lies.
    pub fn period(self, anchor: Timestamp, at: Timestamp) -> Period {
        Period::months(anchor, at, self.months())
    }
}
