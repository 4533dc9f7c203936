use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Mutex;

/// Something that the service needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// `database`, `redis`.
    pub name: &'static str,
    /// Whether it answers.
    pub ok: bool,
}

/// Tells whether everything that the service needs answers.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Asks each dependency; one that does not answer within 50 ms is not ok.
    async fn check(&self) -> Vec<Dependency>;
    /// Whether the process was told to stop. From then on it is not ready, and every answer closes its connection, so that clients
    /// reconnect elsewhere.
    fn draining(&self) -> bool {
        false
    }
}

/// The longest that an answer is believed.
const KEPT: Duration = Duration::from_secs(1);

/// Asks at most once a second, however often it is asked.
#[derive(Clone)]
pub(crate) struct Ready {
    port: Arc<dyn Readiness>,
    last: Arc<Mutex<Option<Known>>>,
}

/// What was found, and when.
struct Known {
    at: Instant,
    dependencies: Vec<Dependency>,
}

impl Ready {
    pub(crate) fn new(port: Arc<dyn Readiness>) -> Self {
        Self { port, last: Arc::new(Mutex::new(None)) }
    }

    pub(crate) fn draining(&self) -> bool {
        self.port.draining()
    }

    pub(crate) async fn dependencies(&self) -> Vec<Dependency> {
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| known.at.elapsed() < KEPT) {
            return known.dependencies.clone();
        }
        let at = Instant::now();
        let dependencies = self.port.check().await;
        *last = Some(Known { at, dependencies: dependencies.clone() });
        dependencies
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use actix_web::http::ConnectionType;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};

    use super::*;
    use crate::middleware::headers;
    use crate::problem::Problem;
    use crate::site::{Environment, Site};

    struct Door(AtomicBool);

    #[async_trait]
    impl Readiness for Door {
        async fn check(&self) -> Vec<Dependency> {
            vec![Dependency { name: "database", ok: true }]
        }
        fn draining(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn site() -> Site {
        Site {
            public_url: "http://ops.example".to_owned(),
            origins: Vec::new(),
            secure: false,
            trusted_proxies: Vec::new(),
            deadline: Duration::from_secs(30),
            version: "test",
            environment: Environment::Development,
        }
    }

    #[actix_web::test]
    async fn whoever_is_told_to_stop_is_not_ready_at_once_and_closes_connections() {
        let door = Arc::new(Door(AtomicBool::new(false)));
        let app = App::new()
            .app_data(web::Data::new(site()))
            .app_data(web::Data::new(Ready::new(door.clone())))
            .configure(|cfg| crate::app::mount(cfg, &crate::routes::system::endpoints()))
            .wrap(from_fn(headers::secure));
        let app = init_service(app).await;
        let asked = async |path: &str| {
            let answer = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            (answer.status().as_u16(), answer.response().head().connection_type() == ConnectionType::Close)
        };
        assert_eq!((asked("/readyz").await, asked("/livez").await), ((200, false), (200, false)));
        door.0.store(true, Ordering::SeqCst);
        assert_eq!((asked("/readyz").await, asked("/livez").await), ((503, true), (200, true)));
        let answer = call_service(&app, TestRequest::get().uri("/readyz").to_request()).await;
        let told = answer.response().extensions().get::<Problem>().cloned().expect("a problem");
        assert_eq!((told.code(), told.cause()), ("unavailable", None), "nobody need look into the log for a cause");
    }
}
