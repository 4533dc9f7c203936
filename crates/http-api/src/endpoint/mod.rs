//! One row of the list that routing and the OpenAPI document both come from.
//!
//! A row names method, paths and handler; everything else the document says (parameters, body, answers, who may call) is read from
//! the handler's signature. Arguments are taken strictly in the order of the signature: service, caller, path or query, body. So a
//! stranger is told 401 before anything that they sent is looked at.

mod contain;
mod describe;
mod take;

use actix_web::http::{Method, StatusCode};
use actix_web::{Handler, HttpRequest, HttpResponse, Route, guard, web};
use futures_util::future::LocalBoxFuture;

pub(crate) use self::contain::contained;
pub use self::describe::{Doc, Who};
pub use self::take::{Argument, Arguments};
use crate::idempotency::{self, Attempt};
use crate::problem::Problem;
use crate::rate_limit::{self, Counting};

/// What a handler answers with when all is well.
pub trait Reply: Sized {
    /// The answer on the wire.
    fn reply(self) -> HttpResponse;
    /// Tells the document about it.
    fn describe(doc: &mut Doc);
}

/// One operation: a method on one or several paths.
pub struct Endpoint {
    /// The HTTP method.
    pub method: Method,
    /// Every path that serves it, the real one first, aliases after it.
    pub paths: Vec<&'static str>,
    /// What the document says of it.
    pub doc: Doc,
    rules: Rules,
    route: Box<dyn Fn(Rules) -> Route>,
}

/// What an operation does beside its use case.
#[derive(Clone, Copy, Default)]
struct Rules {
    counting: Counting,
    once: bool,
    explanation: Option<Explanation>,
}

/// Adds to an answer, whatever it is, what its caller is to know in headers.
pub(crate) type Explanation = for<'a> fn(&'a HttpRequest, &'a mut HttpResponse) -> LocalBoxFuture<'a, ()>;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {
        impl Endpoint {$(
            $(#[$doc])*
            pub fn $name<F, A, R>(path: &'static str, handler: F) -> Self
            where
                F: Handler<A, Output = Result<R, Problem>>,
                A: Arguments + 'static,
                R: Reply,
            {
                Self::new(Method::$method, path, handler)
            }
        )*}
    };
}

methods! {
    /// A row for `GET`; `HEAD` is answered too.
    get = GET;
    /// A row for `POST`.
    post = POST;
    /// A row for `PUT`.
    put = PUT;
    /// A row for `PATCH`.
    patch = PATCH;
    /// A row for `DELETE`.
    delete = DELETE;
}

impl Endpoint {
    fn new<F, A, R>(method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<A, Output = Result<R, Problem>>,
        A: Arguments + 'static,
        R: Reply,
    {
        let mut doc = Doc::default();
        A::describe(&mut doc);
        R::describe(&mut doc);
        let answered = method.clone();
        let route = Box::new(move |rules| guarded(&answered).to(in_order(handler.clone(), rules)));
        Self { method, paths: vec![path], doc, rules: Rules::default(), route }
    }

    /// The same operation under one more path.
    #[must_use]
    pub fn also(mut self, path: &'static str) -> Self {
        self.paths.push(path);
        self
    }

    /// One line that says what it does.
    #[must_use]
    pub fn summary(mut self, text: &'static str) -> Self {
        self.doc.summary = text;
        self
    }

    /// A further problem that it answers with: status and `code`.
    #[must_use]
    pub fn fails(mut self, status: u16, code: &'static str) -> Self {
        self.doc.problem(status, code);
        self
    }

    /// A further answer that is no problem and has no body: a redirect.
    #[must_use]
    pub fn answers(mut self, status: u16, text: &'static str) -> Self {
        self.doc.plain_answer(status, text);
        self
    }

    /// A further answer whose body has this media type and is not JSON of ours.
    #[must_use]
    pub fn serves(mut self, status: u16, media_type: &'static str, text: &'static str) -> Self {
        self.doc.raw_answer(status, text, media_type);
        self
    }

    /// Takes an `Idempotency-Key`: the same key and body give the first answer again.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.doc.idempotent();
        self.rules.once = true;
        self
    }

    /// Asked by other services about each call of theirs: counted in a bucket of its own.
    #[must_use]
    pub fn decision(mut self) -> Self {
        self.rules.counting = Counting::Decision;
        self
    }

    /// The same, for the one whose use case counts the user by itself: of a service that acts for somebody the key alone is counted.
    #[must_use]
    pub(crate) fn verdict(mut self) -> Self {
        self.rules.counting = Counting::Verdict;
        self
    }

    /// Every answer to a caller who may ask is told more about, a refusal too.
    #[must_use]
    pub(crate) fn explains(mut self, explanation: Explanation) -> Self {
        self.rules.explanation = Some(explanation);
        self
    }

    /// Never counted: what must work, or must cost nothing, whatever else the caller did.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.rules.counting = Counting::Never;
        self.doc.without(429, "rate_limited");
        self
    }

    /// The route, for one worker.
    pub fn route(&self) -> Route {
        (self.route)(self.rules)
    }
}

fn guarded(method: &Method) -> Route {
    if *method == Method::GET {
        web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
    } else {
        web::method(method.clone())
    }
}

/// Wraps a handler so that its arguments are taken one after the other.
fn in_order<F, A, R>(handler: F, rules: Rules) -> impl Handler<(HttpRequest, web::Payload), Output = HttpResponse>
where
    F: Handler<A, Output = Result<R, Problem>>,
    A: Arguments + 'static,
    R: Reply,
{
    move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();
        async move {
            let place = request.clone();
            let done = contained(&place, run(handler, rules, request, payload)).await;
            let answer = done.unwrap_or_else(|problem| problem.answer(&place));
            let mut answer = idempotency::remembered(&place, answer).await;
            rate_limit::stamp(&place, &mut answer);
            answer
        }
    }
}

async fn run<F, A, R>(
    handler: F,
    rules: Rules,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem>
where
    F: Handler<A, Output = Result<R, Problem>>,
    A: Arguments,
    R: Reply,
{
    let mut payload = payload.into_inner();
    let attempt = if rules.once { Attempt::of(&request, &mut payload) } else { None };
    let taken = A::take(&request, &mut payload).await;
    let well_formed = taken.and_then(|arguments| Ok((arguments, attempt.map(Attempt::well_formed).transpose()?)));
    let (arguments, attempt) = match well_formed {
        Ok(well_formed) => well_formed,
        Err(problem) => return Err(refused(&request, rules.counting, problem).await),
    };
    let served = serve(handler, rules.counting, &request, arguments, attempt).await;
    let mut answer = served.unwrap_or_else(|problem| problem.answer(&request));
    if let Some(explain) = rules.explanation {
        explain(&request, &mut answer).await;
    }
    Ok(answer)
}

/// Answers a request with which nothing is wrong.
async fn serve<F, A, R>(
    handler: F,
    counting: Counting,
    request: &HttpRequest,
    arguments: A,
    attempt: Option<Attempt>,
) -> Result<HttpResponse, Problem>
where
    F: Handler<A, Output = Result<R, Problem>>,
    R: Reply,
{
    rate_limit::count(request, counting).await?;
    if let Some(attempt) = attempt
        && let Some(first) = attempt.begin(request).await?
    {
        return Ok(first);
    }
    Ok(handler.call(arguments).await?.reply())
}

/// What a request is told with which something is wrong. It costs its caller as much as any other, so that nobody tries without end;
/// while that lasts they are told what is wrong. What another site's page may have sent in their name costs them nothing.
async fn refused(request: &HttpRequest, counting: Counting, problem: Problem) -> Problem {
    if !problem.status().is_client_error() || problem.code() == Problem::csrf().code() {
        return problem;
    }
    match rate_limit::count(request, counting).await {
        Err(refusal) if refusal.status() == StatusCode::TOO_MANY_REQUESTS => refusal,
        Ok(()) | Err(_) => problem,
    }
}
