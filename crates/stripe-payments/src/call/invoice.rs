use billing_core::GatewayError;
use stripe_billing::invoice::{PayInvoice, RetrieveInvoice};
use stripe_client_core::StripeRequest;

use crate::gateway::StripeGateway;
use crate::read::{Object, id};

impl StripeGateway {
    /// Stripe's PDF; a draft has none.
    pub(crate) async fn document_of(&self, external: &str) -> Result<Vec<u8>, GatewayError> {
        let invoice = self.ask(RetrieveInvoice::new(id(external)?).build(), None).await?;
        let address = Object::new(&invoice).text("/invoice_pdf").ok_or(GatewayError::NotFound)?;
        Ok(self.api.document(address).await?)
    }

    /// Charges an invoice again; one that is paid is not paid twice.
    pub(crate) async fn pay_again(&self, external: &str, once: &str) -> Result<(), GatewayError> {
        let Err(failure) = self.ask(PayInvoice::new(id(external)?).build(), Some(once)).await else { return Ok(()) };
        if failure.is_refusal() {
            let invoice = self.ask(RetrieveInvoice::new(id(external)?).build(), None).await?;
            match Object::new(&invoice).text("/status") {
                Some("paid") => return Ok(()),
                Some("void") => return Err(GatewayError::Refused("the invoice is not to be paid any more".to_owned())),
                _ => {}
            }
        }
        Err(failure.into())
    }
}
