use chrono::TimeDelta;
use kernel::{OrgId, ReservationId, ServiceName, Timestamp, UserId};

use crate::{FieldError, Held, Hold, Metering, Quantity, Released, Settled, Shortfall, Tally, UsageError};

/// A call that is about to be made, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose quota pays.
    pub org: OrgId,
    /// Who calls; `None` for a call that no person makes.
    pub user: Option<UserId>,
    /// Which service.
    pub service: ServiceName,
    /// The most that it may cost.
    pub quantity: Quantity,
    /// After how many seconds it releases itself: 1 to [`Lease::MAX_SECONDS`].
    pub seconds: u32,
}

impl Lease {
    /// The seconds of a lease whose holder names none.
    pub const DEFAULT_SECONDS: u32 = 60;
    /// The most seconds of a lease.
    pub const MAX_SECONDS: u32 = 3_600;
}

/// Quantity that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// By which it is settled or released.
    pub id: ReservationId,
    /// When it releases itself.
    pub expires_at: Timestamp,
    /// The counts after it.
    pub tally: Tally,
}

impl Metering {
    /// How many reservations one step of [`Metering::expire`] ends at most, so that none locks for long.
    pub const EXPIRE_STEP: u32 = 500;

    /// Holds quantity for a call that is about to be made, if it fits under the limits.
    pub async fn hold(&self, lease: Lease) -> Result<Reservation, UsageError> {
        if !(1..=Lease::MAX_SECONDS).contains(&lease.seconds) {
            return Err(UsageError::Invalid("ttl_s", FieldError::Lease));
        }
        let at = self.ambient.now();
        let hold = Hold {
            id: ReservationId::mint(&self.ambient),
            org: lease.org,
            user: lease.user,
            service: lease.service,
            quantity: lease.quantity,
            at,
            expires_at: at + TimeDelta::seconds(i64::from(lease.seconds)),
        };
        match self.ledger.hold(&hold).await? {
            Held::Held(tally) => Ok(Reservation { id: hold.id, expires_at: hold.expires_at, tally }),
            Held::OverLimit(wall, tally) => {
                Err(UsageError::over(wall, Shortfall { tally, quantity: hold.quantity, at, settles: false }))
            }
            Held::TooMany(first_end) => Err(UsageError::TooManyReservations(first_end)),
            Held::NoOrg => Err(UsageError::NoOrg),
        }
    }

    /// Writes what a held call really cost, which may be less or more than was held; the counts after that. Settling again with the
    /// same quantity answers the same.
    pub async fn settle(&self, org: OrgId, id: ReservationId, quantity: Quantity) -> Result<Tally, UsageError> {
        let at = self.ambient.now();
        match self.ledger.settle(org, id, quantity, at).await? {
            Settled::Settled(tally) => Ok(tally),
            Settled::NotFound => Err(UsageError::NoSuchReservation),
            Settled::Ended => Err(UsageError::ReservationEnded),
            Settled::OverLimit(wall, tally) => {
                Err(UsageError::over(wall, Shortfall { tally, quantity, at, settles: true }))
            }
        }
    }

    /// Gives back what is held: the call was not made. Releasing again answers the same.
    pub async fn release(&self, org: OrgId, id: ReservationId) -> Result<(), UsageError> {
        match self.ledger.release(org, id, self.ambient.now()).await? {
            Released::Released => Ok(()),
            Released::NotFound => Err(UsageError::NoSuchReservation),
            Released::Settled => Err(UsageError::ReservationEnded),
        }
    }

    /// Ends reservations whose time is over, at most [`Metering::EXPIRE_STEP`]; how many there were. For housekeeping, which calls it
    /// again as long as it answers that many: what ran out counts no more even before.
    pub async fn expire(&self) -> Result<u64, UsageError> {
        Ok(self.ledger.expire(self.ambient.now(), Self::EXPIRE_STEP).await?)
    }
}
