use std::{fmt, str::FromStr};

/// The text cannot name a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 of the characters a-z, 0-9 and '-', beginning and ending with a letter or digit")]
pub struct BadServiceName;

/// What a service of the platform is called in catalogue, usage and decisions: `chat`, `search-reranking`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

impl ServiceName {
    /// The most characters of a name.
    pub const MAX: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = BadServiceName;
    fn from_str(text: &str) -> Result<Self, BadServiceName> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let within = text.bytes().all(|b| plain(b) || b == b'-');
        let ends = text.bytes().next().is_some_and(plain) && text.bytes().next_back().is_some_and(plain);
        if within && ends && text.len() <= Self::MAX { Ok(Self(text.to_owned())) } else { Err(BadServiceName) }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_in_lower_case() {
        for good in ["a", "chat", "search-reranking", "v2"] {
            assert_eq!(good.parse::<ServiceName>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", "a-", "Chat", "a b", "a_b", "ä", "a\0", &long] {
            assert_eq!(bad.parse::<ServiceName>(), Err(BadServiceName), "{bad:?}");
        }
    }
}
