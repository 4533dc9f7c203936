use actix_web::HttpRequest;
use actix_web::dev::Payload;
use byok_core::Byok;

use crate::caller::{ManageKeys, Member, data};
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// Who may manage keys in an organization whose plan has them: refused before a body is read, as everybody who may not.
pub(super) struct Entitled(pub(super) Member<ManageKeys>);

impl Argument for Entitled {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let by = Member::<ManageKeys>::take(request, payload).await?;
        data::<Byok>(request)?.entitled(by.membership.org()).await?;
        Ok(Self(by))
    }

    fn describe(doc: &mut Doc) {
        Member::<ManageKeys>::describe(doc);
        doc.problem(403, "upgrade_required");
    }
}
