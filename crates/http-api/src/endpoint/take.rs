use std::future::Future;

use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};

use super::Doc;
use crate::problem::Problem;

/// Something that a handler asks for: taken from the request, or the request ends with a problem.
pub trait Argument: Sized {
    /// Takes it.
    fn take(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Self, Problem>>;
    /// Tells the document about it.
    fn describe(doc: &mut Doc);
}

/// The arguments of a handler, taken strictly in order.
pub trait Arguments: Sized {
    /// Takes them.
    fn take(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Self, Problem>>;
    /// Tells the document about them.
    fn describe(doc: &mut Doc);
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: Argument),*> Arguments for ($($name,)*) {
            async fn take(_request: &HttpRequest, _payload: &mut Payload) -> Result<Self, Problem> {
                Ok(($($name::take(_request, _payload).await?,)*))
            }
            fn describe(_doc: &mut Doc) {
                $($name::describe(_doc);)*
            }
        }
    };
}

arguments! {}
arguments! { A }
arguments! { A B }
arguments! { A B C }
arguments! { A B C D }
arguments! { A B C D E }
arguments! { A B C D E F }

/// A service, provided by whoever mounts the routes.
impl<T: 'static> Argument for web::Data<T> {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        request.app_data::<Self>().cloned().ok_or_else(|| Problem::internal(std::any::type_name::<T>()))
    }
    fn describe(_: &mut Doc) {}
}

/// The request itself, for the few handlers that answer from its headers.
impl Argument for HttpRequest {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(request.clone())
    }
    fn describe(_: &mut Doc) {}
}
