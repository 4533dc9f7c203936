use actix_web::http::StatusCode;
use byok_core::{ByokError, EndpointError, Upgrade};

use super::{FieldProblem, Problem};

/// A key that cannot be one, or not one of this provider's.
pub(crate) const KEY_FORMAT: &str = "key_format";
/// An address that no key is sent to.
pub(crate) const ENDPOINT_FORBIDDEN: &str = "endpoint_forbidden";

impl From<ByokError> for Problem {
    fn from(error: ByokError) -> Self {
        let detail = error.to_string();
        match error {
            ByokError::UnknownProvider(_) | ByokError::NoKey(_) => Self::not_found(),
            ByokError::UpgradeRequired(upgrade) => Self::own_keys_need(*upgrade),
            ByokError::KeyFormat(why) => Self::invalid_as(KEY_FORMAT, vec![FieldProblem::new("/key", KEY_FORMAT, why)]),
            ByokError::Endpoint(why) => Self::bad_endpoint(why),
            ByokError::Undecryptable(_) => {
                Self::conflict("key_undecryptable", "this key cannot be used any more; store it again")
            }
            ByokError::NoLongerAllowed => Self::forbidden(detail),
            ByokError::WornOut(_) => Self::unavailable(detail),
            ByokError::Store(cause) => cause.into(),
        }
    }
}

impl Problem {
    /// Why a key was not kept: here the body names the provider. The text is not repeated, it might be a key in the wrong field.
    pub(crate) fn key_not_kept(error: ByokError) -> Self {
        match error {
            ByokError::UnknownProvider(_) => {
                let why = "there is no such provider; GET /api/v1/byok/providers lists them";
                Self::invalid_as("unknown_provider", vec![FieldProblem::new("/provider", "unknown_provider", why)])
            }
            other => other.into(),
        }
    }

    /// Why a key that is kept cannot be used: its endpoint is not a mistake of this request.
    pub(crate) fn key_not_used(error: ByokError) -> Self {
        match error {
            ByokError::Endpoint(_) => {
                let why = "this provider has another address than when the key was stored; store it again";
                Self::conflict("key_outdated", why)
            }
            other => other.into(),
        }
    }

    /// The same, under the code of the one field that is wrong, where that is one that programs wait for.
    pub(crate) fn under_its_field(mut self) -> Self {
        if let [only] = self.0.errors.as_slice() {
            let known = [KEY_FORMAT, ENDPOINT_FORBIDDEN].into_iter().find(|code| only.code == *code);
            self.0.code = known.unwrap_or(self.0.code);
        }
        self
    }

    fn bad_endpoint(why: EndpointError) -> Self {
        let field = |code: &str| vec![FieldProblem::new("/endpoint", code, why.to_string())];
        match why {
            EndpointError::Missing => Self::invalid(field("missing_field")),
            EndpointError::NotWanted | EndpointError::Bad(_) | EndpointError::Forbidden => {
                Self::invalid_as(ENDPOINT_FORBIDDEN, field(ENDPOINT_FORBIDDEN))
            }
        }
    }

    /// 403: the plan gives no keys of one's own.
    fn own_keys_need(upgrade: Upgrade) -> Self {
        let Upgrade { plan, required, url } = upgrade;
        let detail = match &required {
            Some(required) => format!("keys of your own need the plan {required} or a higher one; yours is {plan}"),
            None => format!("no plan that can be chosen has keys of your own; yours is {plan}"),
        };
        Self::new(StatusCode::FORBIDDEN, "upgrade_required", detail)
            .with("current_tier", plan)
            .with("required_tier", required)
            .with("upgrade_url", url)
    }
}

#[cfg(test)]
mod tests {
    use byok_core::{BadEndpoint, MasterKeyId, ProviderId};
    use kernel::StoreError;

    use super::*;
    use crate::problem::Place;

    /// Status, code and what it says.
    fn told(problem: &Problem) -> (u16, &str, &str) {
        (problem.status().as_u16(), problem.code(), problem.detail())
    }

    #[test]
    fn every_error_has_its_problem() {
        let openai = || "openai".parse::<ProviderId>().unwrap();
        let worn_out = "k1".parse::<MasterKeyId>().unwrap();
        for (error, status, code) in [
            (ByokError::UnknownProvider("openai".to_owned()), 404, "not_found"),
            (ByokError::NoKey(openai()), 404, "not_found"),
            (ByokError::KeyFormat("too short".to_owned()), 422, "key_format"),
            (ByokError::Endpoint(EndpointError::Missing), 422, "invalid_request"),
            (ByokError::Endpoint(EndpointError::NotWanted), 422, "endpoint_forbidden"),
            (ByokError::Endpoint(EndpointError::Bad(BadEndpoint::Tail)), 422, "endpoint_forbidden"),
            (ByokError::Endpoint(EndpointError::Forbidden), 422, "endpoint_forbidden"),
            (ByokError::Undecryptable(openai()), 409, "key_undecryptable"),
            (ByokError::NoLongerAllowed, 403, "forbidden"),
            (ByokError::WornOut(worn_out), 503, "unavailable"),
            (ByokError::Store(StoreError::unavailable("away")), 503, "unavailable"),
            (ByokError::Store(StoreError::broken("odd")), 500, "internal"),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code), "{problem}");
        }
        let lost = Problem::from(ByokError::NoKey(openai()));
        assert_eq!(told(&lost), told(&Problem::not_found()), "an unknown one is told from a foreign one by nothing");
        let broken = Problem::from(ByokError::Undecryptable(openai()));
        assert_eq!(broken.detail(), "this key cannot be used any more; store it again");
    }

    #[test]
    fn another_plan_is_named_with_where_to_get_it() {
        let upgrade = |required: Option<&str>| {
            let (plan, url) = ("free".to_owned(), "https://ops.example.com/upgrade".to_owned());
            let upgrade = Upgrade { plan, required: required.map(str::to_owned), url };
            Problem::from(ByokError::UpgradeRequired(Box::new(upgrade)))
        };
        let some = upgrade(Some("starter"));
        let wanted = "keys of your own need the plan starter or a higher one; yours is free";
        assert_eq!(told(&some), (403, "upgrade_required", wanted));
        let body = some.body(&Place::default()).extensions;
        assert_eq!((&body["current_tier"], &body["required_tier"]), (&"free".into(), &"starter".into()));
        assert_eq!(body["upgrade_url"], "https://ops.example.com/upgrade");
        let none = upgrade(None);
        assert_eq!(
            told(&none),
            (403, "upgrade_required", "no plan that can be chosen has keys of your own; yours is free")
        );
        assert!(none.body(&Place::default()).extensions["required_tier"].is_null());
    }

    #[test]
    fn what_a_request_cannot_mend_is_not_told_as_its_mistake() {
        let unknown = || ByokError::UnknownProvider("sk-in-the-wrong-field".to_owned());
        let kept = Problem::key_not_kept(unknown());
        assert_eq!((kept.status().as_u16(), kept.code()), (422, "unknown_provider"));
        assert!(!kept.detail().contains("sk-in"), "{kept}");
        assert_eq!(Problem::key_not_kept(EndpointError::Forbidden.into()).code(), "endpoint_forbidden");
        assert_eq!(Problem::key_not_used(unknown()).code(), "not_found");
        let outdated = Problem::key_not_used(EndpointError::NotWanted.into());
        assert_eq!((outdated.status().as_u16(), outdated.code()), (409, "key_outdated"));
    }

    #[test]
    fn one_wrong_field_gives_the_problem_its_code() {
        let fields = |codes: &[&str]| {
            let fields = codes.iter().map(|code| FieldProblem::new("/x", *code, "no")).collect();
            Problem::invalid(fields).under_its_field().code()
        };
        assert_eq!(fields(&["key_format"]), "key_format");
        assert_eq!(fields(&["endpoint_forbidden"]), "endpoint_forbidden");
        assert_eq!(fields(&["invalid_value"]), "invalid_request");
        assert_eq!(fields(&["key_format", "invalid_value"]), "invalid_request");
    }
}
