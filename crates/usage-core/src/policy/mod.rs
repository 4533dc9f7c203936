//! Pure decisions of this feature.

mod fingerprint;
mod history;
mod quota;
mod time;

pub use self::{
    history::{history, slots},
    quota::{Outlook, leases_end, never_fits, outlook, percentage, resets_at, wall},
    time::{EARLY, LATE, counts, days_until, in_time, start},
};
