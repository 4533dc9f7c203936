//! When something that failed is tried again.
use chrono::TimeDelta;
use kernel::Timestamp;

/// The waits after each failed try, in seconds: eight of them, from a second to an hour; then somebody must look.
const WAITS: [i64; 8] = [1, 5, 30, 120, 300, 900, 1800, 3600];

/// When it is tried again after so many failed tries, the last one of them now; `None` when it is not, by itself.
pub fn next(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let before = usize::try_from(attempts.checked_sub(1)?).ok()?;
    WAITS.get(before).map(|seconds| now + TimeDelta::seconds(*seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_tries_and_no_more() {
        let now = Timestamp::default();
        let waits: Vec<_> = (1..=9).map(|tries| next(tries, now).map(|at| (at - now).num_seconds())).collect();
        assert_eq!(waits[..2], [Some(1), Some(5)]);
        assert_eq!(waits[7..], [Some(3600), None]);
        assert_eq!(next(0, now), None);
    }
}
