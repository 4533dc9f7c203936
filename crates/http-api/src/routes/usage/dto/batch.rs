use std::collections::BTreeSet;

use kernel::{OrgId, ServiceName, Timestamp, UserId};
use plan_core::Standing;
use serde::{Deserialize, Serialize};
use usage_core::{ActionName, EventId, Quantity, Report, Tracked, UsageError};
use utoipa::ToSchema;

use super::record::{Track, TrackedAnswer};
use crate::idempotency::EventNames;
use crate::input::Fields;
use crate::problem::{FieldProblem, Place, Problem, ProblemBody};
use crate::routes::usage::gauge::entitled;
use crate::wire::moment;

/// A call that was reported, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) service: ServiceName,
    pub(crate) action: Option<ActionName>,
    pub(crate) org: Option<OrgId>,
    pub(crate) user: Option<UserId>,
    quantity: Quantity,
    event: Option<EventId>,
    occurred_at: Option<Timestamp>,
    metadata: Option<String>,
}

impl Event {
    /// The name that its sender gave it.
    pub(crate) const fn name(&self) -> Option<&EventId> {
        self.event.as_ref()
    }

    /// As the use case wants it.
    pub(crate) fn report(self, org: OrgId, user: Option<UserId>) -> Report {
        Report {
            org,
            event: self.event,
            user,
            service: self.service,
            action: self.action,
            quantity: self.quantity,
            occurred_at: self.occurred_at,
            metadata: self.metadata,
        }
    }
}

impl TryFrom<Track> for Event {
    type Error = Problem;

    fn try_from(body: Track) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let service = fields.read("/service", body.service.parse::<ServiceName>());
        let action = fields.read_some("/action", body.action, |text| text.parse::<ActionName>());
        let quantity =
            fields.read("/quantity", body.quantity.map_or(Ok(Quantity::ONE), |whole| Quantity::new(whole.0)));
        let event = fields.read_some("/event_id", body.event_id, |text| text.parse::<EventId>());
        let org = fields.read_some("/org_id", body.org_id, |text| text.parse::<OrgId>());
        let user = fields.read_some("/user_id", body.user_id, |text| text.parse::<UserId>());
        let occurred_at = fields.read_some("/occurred_at", body.occurred_at, |text| moment(&text));
        let metadata = body.metadata.map(|map| serde_json::Value::Object(map).to_string());
        let read = service.zip(quantity);
        fields.done(read.map(|(service, quantity)| Self {
            service,
            action,
            org,
            user,
            quantity,
            event,
            occurred_at,
            metadata,
        }))
    }
}

/// Calls that happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UsageEvents)]
pub(crate) struct Batch {
    /// The calls, in the order in which they are to be admitted: 1 to 1 000.
    #[schema(min_items = 1, max_items = 1000)]
    events: Vec<Track>,
}

/// A batch whose events were read, each with what is wrong with it if it could not be.
pub(crate) struct ReadBatch {
    /// Everybody whom an event names.
    pub(crate) users: BTreeSet<UserId>,
    org: OrgId,
    user: Option<UserId>,
    events: Vec<Result<Event, Problem>>,
}

impl Batch {
    /// Reads each event. A wrong one does not hinder the others; a batch that names another organization than the request is refused.
    pub(crate) fn read(self, org: OrgId, user: Option<UserId>) -> Result<ReadBatch, Problem> {
        if self.events.is_empty() || self.events.len() > usage_core::Metering::MAX_BATCH {
            return Err(Problem::invalid_field("/events", "must be 1 to 1000 events"));
        }
        let elsewhere = || {
            let why = "all events of a batch are of the request's organization";
            Problem::invalid(vec![FieldProblem::new("/org_id", "invalid_value", why)])
        };
        let read = |track| {
            let event = Event::try_from(track)?;
            if event.org.is_some_and(|other| other != org) { Err(elsewhere()) } else { Ok(event) }
        };
        let events: Vec<Result<Event, Problem>> = self.events.into_iter().map(read).collect();
        let users = events.iter().flatten().filter_map(|event| event.user).collect();
        Ok(ReadBatch { users, org, user, events })
    }
}

impl ReadBatch {
    /// What is to be recorded: the events that could be read and whose service the plan opens, each with a name if there is one for
    /// its place.
    pub(crate) fn reports(&mut self, standing: &Standing, upgrade_url: &str, names: &EventNames) -> Vec<Report> {
        for slot in &mut self.events {
            let closed = slot.as_ref().ok().and_then(|event| entitled(standing, upgrade_url, &event.service).err());
            if let Some(problem) = closed {
                *slot = Err(problem);
            }
        }
        let (org, user) = (self.org, self.user);
        let report = |(place, slot): (usize, &Result<Event, Problem>)| {
            let event = slot.as_ref().ok()?;
            let mut report = event.clone().report(org, event.user.or(user));
            names.give(&mut report, place);
            Some(report)
        };
        self.events.iter().enumerate().filter_map(report).collect()
    }

    /// Refuses the events that name this user.
    pub(crate) fn refuse(&mut self, user: UserId, problem: &Problem) {
        for slot in &mut self.events {
            if slot.as_ref().is_ok_and(|event| event.user == Some(user)) {
                *slot = Err(problem.clone());
            }
        }
    }

    /// What became of each, of a request at this place.
    pub(crate) fn answer(
        self,
        place: &Place,
        recorded: Vec<Result<Tracked, UsageError>>,
        refusal: impl Fn(&Event, UsageError) -> Problem,
    ) -> BatchAnswer {
        let mut recorded = recorded.into_iter();
        let mut answer = BatchAnswer { results: Vec::with_capacity(self.events.len()), tracked: 0, failed: 0 };
        for slot in self.events {
            let ended = slot.and_then(|event| match recorded.next() {
                Some(Ok(tracked)) => Ok(TrackedAnswer::new(&event, &tracked, self.org, event.user.or(self.user))),
                Some(Err(error)) => Err(refusal(&event, error)),
                None => Err(Problem::internal("an event of a batch was not answered")),
            });
            answer.push(ended, place);
        }
        answer
    }
}

/// What became of each event, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrackedUsages)]
pub(crate) struct BatchAnswer {
    /// One for each event.
    results: Vec<BatchResult>,
    /// How many are in the ledger.
    #[schema(example = 999)]
    tracked: usize,
    /// How many are not.
    #[schema(example = 1)]
    failed: usize,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = TrackedUsageResult)]
enum BatchResult {
    /// It is in the ledger.
    Tracked(TrackedAnswer),
    /// It is not: the problem that it would have been answered with alone.
    Refused(ProblemBody),
}

impl BatchAnswer {
    fn push(&mut self, ended: Result<TrackedAnswer, Problem>, place: &Place) {
        match ended {
            Ok(tracked) => {
                self.tracked += 1;
                self.results.push(BatchResult::Tracked(tracked));
            }
            Err(problem) => {
                self.failed += 1;
                self.results.push(BatchResult::Refused(problem.body(place)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Event, Problem> {
        crate::input::parse_json::<Track>(json.as_bytes()).and_then(Event::try_from)
    }

    #[test]
    fn a_wrong_quantity_is_named_and_a_right_one_read() {
        for (json, quantity) in
            [(r#"{"service":"chat"}"#, 1), (r#"{"service":"chat","quantity":1000000000}"#, 1_000_000_000)]
        {
            assert_eq!(read(json).map(|event| event.quantity.get()).ok(), Some(quantity), "{json}");
        }
        for wrong in
            ["0", "-1", "1.5", "1e400", "9223372036854775808", "1000000001", "\"x\"", "\"5\"", "\"+7\"", "true", "[]"]
        {
            let refused = read(&format!(r#"{{"service":"chat","quantity":{wrong}}}"#));
            let status = refused.map(drop).map_err(|problem| problem.status().as_u16());
            assert_eq!(status, Err(422), "{wrong}");
        }
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let json =
            r#"{"service":"Chat","action":"","event_id":"a b","user_id":"me","org_id":"us","occurred_at":"now"}"#;
        let told = read(json).map(drop).unwrap_err().body(&Place::default()).errors.unwrap_or_default();
        let pointers: Vec<&str> = told.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/service", "/action", "/event_id", "/org_id", "/user_id", "/occurred_at"]);
    }
}
