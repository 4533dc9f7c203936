use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::to_bytes;
use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::test::{TestRequest, init_service};

use crate::house::{House, PASSWORD};

type Answering = Pin<Box<dyn Future<Output = ServiceResponse>>>;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location")
    }

    /// Fails unless this is a page of ours with this status.
    pub(crate) fn page(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        let policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; object-src 'none'";
        assert_eq!(self.header("content-security-policy"), policy);
        for part in ["<!doctype html>", "<html lang=\"en\">", "<title>", "<h1>", "<main>", "name=\"viewport\""] {
            assert_eq!(self.body.matches(part).count(), 1, "{part}: {}", self.body);
        }
        for part in ["<script", "style=", "onclick", "http://", "https://"] {
            assert!(!self.body.contains(part), "{part}: {}", self.body);
        }
        self
    }

    /// Fails unless the page says this.
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{text} is not in {}", self.body);
        self
    }

    /// Fails if the page says this.
    pub(crate) fn hides(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text} is in {}", self.body);
        self
    }

    /// The value of the first hidden field of this name.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&start).unwrap_or_else(|| panic!("{name} is not in {}", self.body)).1;
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

/// A browser: keeps cookies, and says with each request that a page of ours made it, unless told otherwise.
pub(crate) struct Browser {
    app: Rc<dyn Fn(TestRequest) -> Answering>,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

impl Browser {
    /// A browser with no cookies.
    pub(crate) async fn at(house: &House) -> Self {
        let app = Rc::new(init_service(http_api::app(&house.services)).await);
        let call = move |request: TestRequest| -> Answering {
            let app = app.clone();
            Box::pin(async move { app.call(request.to_request()).await.expect("an answer, not an error") })
        };
        Self { app: Rc::new(call), cookies: BTreeMap::new(), headers: vec![("Sec-Fetch-Site", "same-origin")] }
    }

    /// A browser that has signed in.
    pub(crate) async fn of(house: &House, login: &str) -> Self {
        let mut browser = Self::at(house).await;
        browser.sign_in(login).await;
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(TestRequest::post().uri(path).set_form(fields)).await
    }

    /// A form as it stands, good or bad.
    pub(crate) async fn post_raw(&mut self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        let request = TestRequest::post().uri(path).insert_header(("Content-Type", media_type.to_owned()));
        self.send(request.set_payload(body.to_vec())).await
    }

    pub(crate) async fn method(&mut self, method: &str, path: &str) -> Answer {
        self.send(TestRequest::with_uri(path).method(Method::from_bytes(method.as_bytes()).unwrap())).await
    }

    /// Signs in, and the account page.
    pub(crate) async fn sign_in(&mut self, login: &str) -> Answer {
        let answer = self.post("/sign-in", &[("login", login), ("password", PASSWORD)]).await;
        assert_eq!(answer.location(), "/");
        self.get("/").await
    }

    async fn send(&mut self, mut request: TestRequest) -> Answer {
        for header in &self.headers {
            request = request.insert_header(*header);
        }
        for (name, value) in &self.cookies {
            request = request.cookie(Cookie::new(name, value));
        }
        let answer = (self.app)(request.peer_addr("192.0.2.7:4000".parse().unwrap())).await;
        for cookie in answer.response().cookies() {
            if cookie.max_age() == Some(Duration::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let status = answer.status().as_u16();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let bytes = to_bytes(answer.into_body()).await.unwrap();
        Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }
}
