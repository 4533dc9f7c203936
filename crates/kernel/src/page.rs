/// Which part of a list is asked for. Exists only within the bounds: `limit` 1..=200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    limit: u32,
    offset: u32,
}

impl Page {
    /// The most rows of one answer.
    pub const MAX_LIMIT: u32 = 200;

    /// `None` when the limit is outside 1..=200.
    pub fn new(limit: u32, offset: u32) -> Option<Self> {
        (1..=Self::MAX_LIMIT).contains(&limit).then_some(Self { limit, offset })
    }

    /// How many rows at most.
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// How many rows to pass over first.
    pub const fn offset(self) -> u32 {
        self.offset
    }
}

impl Default for Page {
    /// The first 50.
    fn default() -> Self {
        Self { limit: 50, offset: 0 }
    }
}

/// A part of a list, with the length of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The rows asked for.
    pub items: Vec<T>,
    /// How many rows the whole list has.
    pub total: u64,
    /// Which part this is.
    pub page: Page,
}

impl<T> Paged<T> {
    /// The same part, with each row changed.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged { items: self.items.into_iter().map(f).collect(), total: self.total, page: self.page }
    }
}
