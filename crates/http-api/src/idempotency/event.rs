use actix_web::HttpRequest;
use actix_web::dev::Payload;
use kernel::TokenHash;
use usage_core::{EventId, Report, UsageError};
use utoipa::openapi::path::ParameterIn;

use super::{HEADER, digest, reused, scope, well_formed};
use crate::caller::credential;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// What the `Idempotency-Key` of a request is for the events that it reports: those that have no name get one that follows from the
/// key, so that the ledger finds them when the request is repeated. It keeps them for ever, and nothing is kept beside it.
pub(crate) struct EventNames(Option<TokenHash>);

impl EventNames {
    /// Names the event at this place of the request, if it has no name of its own.
    pub(crate) fn give(&self, report: &mut Report, place: usize) {
        let Some(scope) = self.0.as_ref().filter(|_| report.event.is_none()) else { return };
        let place = u64::try_from(place).unwrap_or(u64::MAX).to_be_bytes();
        report.event = Some(EventId::of_key(&digest(&[scope.as_bytes(), &place])));
    }

    /// Whether it named an event that has this name of its own, or none.
    pub(crate) fn named(&self, own: Option<&EventId>) -> bool {
        self.0.is_some() && own.is_none()
    }

    /// The problem of such an event when its name is in the ledger for another one.
    pub(crate) fn reused(&self, own: Option<&EventId>, error: &UsageError) -> Option<Problem> {
        (self.named(own) && matches!(error, UsageError::EventConflict)).then(reused)
    }
}

impl Argument for EventNames {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        let Some(key) = request.headers().get(HEADER) else { return Ok(Self(None)) };
        well_formed(key)?;
        let credential = credential(request).await?;
        Ok(Self(credential.map(|credential| scope(request, &credential, key))))
    }

    fn describe(doc: &mut Doc) {
        let text = "At most 255 visible characters. An event without an `event_id` gets a name that follows from the key: the same \
                    request again finds it recorded, and is told `duplicate` (and `Idempotent-Replayed: true`) with the counts of \
                    today; another event under the key is a 422. Never forgotten.";
        doc.parameter(HEADER, ParameterIn::Header, false, text);
        doc.problem(422, "idempotency_key_reused");
    }
}
