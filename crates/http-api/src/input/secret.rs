use actix_web::HttpRequest;
use actix_web::dev::Payload;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{MAX_JSON, parse_json, read_into, require_json};
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// A JSON body with a secret in it: the bytes that it was read from are wiped.
pub struct SecretJson<T>(pub T);

impl<T: DeserializeOwned + ToSchema> Argument for SecretJson<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        require_json(request)?;
        // Of the full length from the start: a buffer that grows leaves its beginnings behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_JSON));
        read_into(request, payload, MAX_JSON, &mut bytes).await?;
        parse_json(&bytes).map(Self)
    }
    fn describe(doc: &mut Doc) {
        doc.body::<T>("application/json");
    }
}
