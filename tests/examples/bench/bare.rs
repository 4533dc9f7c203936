//! What the web server does by itself.

use actix_web::{App, HttpResponse, HttpServer, web};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

/// A route that does one Redis GET.
pub async fn serve(port: u16, url: &str) {
    let manager = ConnectionManager::new(redis::Client::open(url).unwrap()).await.unwrap();
    let _: () = manager.clone().set("bench:floor", "x".repeat(400)).await.unwrap();
    let app = move || App::new().app_data(web::Data::new(manager.clone())).route("/", web::get().to(one_get));
    HttpServer::new(app).workers(2).bind(("127.0.0.1", port)).unwrap().run().await.unwrap();
}

async fn one_get(redis: web::Data<ConnectionManager>) -> HttpResponse {
    let mut connection = redis.get_ref().clone();
    let value: Option<String> = connection.get("bench:floor").await.unwrap_or_default();
    HttpResponse::Ok().content_type("application/json").body(value.unwrap_or_default())
}
