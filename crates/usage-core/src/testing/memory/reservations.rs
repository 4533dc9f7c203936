use kernel::{OrgId, ReservationId, Timestamp};

use super::{Fate, Reservation, Row, State};
use crate::{Entry, EntryKind, EventId, Held, Hold, Quantity, Released, Settled};

impl State {
    pub(super) fn hold(&mut self, hold: &Hold) -> Held {
        let before = self.tally(hold.org, hold.user, hold.at, hold.at).filter(|_| self.is_active(hold.org));
        let Some(before) = before else { return Held::NoOrg };
        if let Some((wall, _)) = before.wall(hold.quantity.get()) {
            return Held::OverLimit(wall, before);
        }
        let open = |it: &&Reservation| it.hold.org == hold.org && it.fate == Fate::Open && hold.at < it.hold.expires_at;
        let ends: Vec<_> = self.reservations.iter().filter(open).map(|it| it.hold.expires_at).collect();
        let first_end =
            ends.iter().min().filter(|_| u32::try_from(ends.len()).is_ok_and(|open| open >= Hold::MOST_OPEN));
        if let Some(first_end) = first_end {
            return Held::TooMany(*first_end);
        }
        self.reservations.push(Reservation { hold: hold.clone(), fate: Fate::Open });
        self.tally(hold.org, hold.user, hold.at, hold.at).map_or(Held::NoOrg, Held::Held)
    }

    pub(super) fn settle(&mut self, org: OrgId, id: ReservationId, quantity: Quantity, now: Timestamp) -> Settled {
        let Some(found) = self.reservation(org, id) else { return Settled::NotFound };
        let (hold, fate) = (found.hold.clone(), found.fate);
        let Some(before) = self.tally(org, hold.user, hold.at, now) else { return Settled::NotFound };
        match fate {
            Fate::Settled(settled) if settled == quantity => return Settled::Settled(before),
            Fate::Settled(_) | Fate::Released => return Settled::Ended,
            Fate::Open if hold.expires_at <= now => return Settled::Ended,
            Fate::Open => {}
        }
        let more = quantity.get().saturating_sub(hold.quantity.get());
        if let Some((wall, _)) = before.wall(more).filter(|_| more > 0) {
            return Settled::OverLimit(wall, before);
        }
        if let Some(found) = self.reservation(org, id) {
            found.fate = Fate::Settled(quantity);
        }
        let (user, at) = (hold.user, hold.at);
        self.rows.push(Row { org, entry: settled_entry(hold, quantity, now), fingerprint: None });
        self.tally(org, user, at, now).map_or(Settled::NotFound, Settled::Settled)
    }

    pub(super) fn release(&mut self, org: OrgId, id: ReservationId) -> Released {
        let Some(found) = self.reservation(org, id) else { return Released::NotFound };
        if let Fate::Settled(_) = found.fate {
            return Released::Settled;
        }
        found.fate = Fate::Released;
        Released::Released
    }

    pub(super) fn expire(&mut self, now: Timestamp, most: u32) -> u64 {
        let ran_out = |it: &&mut Reservation| it.fate == Fate::Open && it.hold.expires_at <= now;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let ended = self.reservations.iter_mut().filter(ran_out).take(most).map(|it| it.fate = Fate::Released);
        u64::try_from(ended.count()).unwrap_or(u64::MAX)
    }

    fn reservation(&mut self, org: OrgId, id: ReservationId) -> Option<&mut Reservation> {
        self.reservations.iter_mut().find(|it| it.hold.org == org && it.hold.id == id)
    }
}

fn settled_entry(hold: Hold, quantity: Quantity, now: Timestamp) -> Entry {
    Entry {
        event: EventId::of_reservation(hold.id),
        kind: EntryKind::Settled,
        user: hold.user,
        service: Some(hold.service),
        action: None,
        quantity: i64::try_from(quantity.get()).unwrap_or(i64::MAX),
        occurred_at: hold.at,
        recorded_at: now,
    }
}
