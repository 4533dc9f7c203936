//! What is said of a key.

use crate::{KeyStatus, Test};

/// How a key is: one that cannot be opened is that first, one that the plan has no use for next. A test that found nothing out says
/// nothing against a key.
pub fn status(opens: bool, entitled: bool, tested: Option<Test>) -> KeyStatus {
    match (opens, entitled, tested) {
        (false, _, _) => KeyStatus::Undecryptable,
        (true, false, _) => KeyStatus::Disabled,
        (true, true, Some(Test { refused: true, .. })) => KeyStatus::Rejected,
        (true, true, Some(Test { refused: false, .. }) | None) => KeyStatus::Active,
    }
}
