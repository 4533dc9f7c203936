use billing_core::GatewayError;

use crate::{
    client::{Call, Lago},
    wire::InvoiceReply,
};

/// The document; `NotFound` while Lago has not made it.
pub(crate) async fn pdf(lago: &Lago, external: &str) -> Result<Vec<u8>, GatewayError> {
    let call = Call::act(&["invoices", external, "download"]);
    let reply: InvoiceReply = lago.find(call).await?.ok_or(GatewayError::NotFound)?;
    let address = reply.invoice.file_url.filter(|url| !url.is_empty()).ok_or(GatewayError::NotFound)?;
    let bytes = lago.file(&address).await?;
    if bytes.starts_with(b"%PDF-") { Ok(bytes) } else { Err(GatewayError::broken("the document is no PDF")) }
}

/// Has the payment tried again, unless it was made.
pub(crate) async fn retry(lago: &Lago, external: &str) -> Result<(), GatewayError> {
    let reply: InvoiceReply = lago.ask(Call::get(&["invoices", external])).await?;
    match (reply.invoice.status.as_deref(), reply.invoice.payment_status.as_deref()) {
        (_, Some("succeeded")) => Ok(()),
        (Some("finalized"), _) => lago.tell(Call::act(&["invoices", external, "retry_payment"])).await,
        _ => Err(GatewayError::Refused("the invoice is not one that is to be paid".to_owned())),
    }
}
