//! Serves the pages with canned answers: `cargo run -p app --features ssr --example preview`.
//!
//! The cookie `preview` chooses the scene, by its name in `Scene::ALL`.
//! `LEPTOS_SITE_ROOT` must hold `pkg/headwater.css`, and the wasm package if the pages should come alive.

mod fixture;

use app::{App, backend::Backend, model::LiveEvent, shell};
use axum::{
    Router,
    extract::{Path, Request},
    http::{HeaderMap, header, request::Parts},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use fixture::{Fixture, Scene};
use leptos::{config::get_configuration, prelude::*};
use leptos_axum::{
    LeptosRoutes, file_and_error_handler_with_context, generate_route_list, handle_server_fns_with_context,
};
use std::{sync::Arc, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = get_configuration(None)?.leptos_options;
    let routes = generate_route_list(App);
    let router = Router::new()
        .route("/api/{*name}", post(|request: Request| handle_server_fns_with_context(provide, request)))
        .route("/live/{slug}", get(live))
        .leptos_routes_with_context(&options, routes, provide, {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler_with_context(provide, shell))
        .with_state(options.clone());
    let listener = tokio::net::TcpListener::bind(&options.site_addr).await?;
    println!("http://{}", options.site_addr);
    axum::serve(listener, router).await?;
    Ok(())
}

fn provide() {
    let scene = use_context::<Parts>().map(|parts| scene(&parts.headers)).unwrap_or_default();
    provide_context::<Arc<dyn Backend>>(Arc::new(Fixture { scene }));
}

fn scene(headers: &HeaderMap) -> Scene {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cookies.split(';').find_map(|pair| Scene::parse(pair.trim().strip_prefix("preview=")?)).unwrap_or_default()
}

/// Every two seconds the sender is further along.
async fn live(Path(slug): Path<String>, headers: HeaderMap) -> impl IntoResponse {
    let fixture = Fixture { scene: scene(&headers) };
    let events = futures::stream::unfold(0_u64, move |tick| {
        let mut demo = fixture.demo();
        demo.elapsed_ms += tick * 2000;
        demo.accepted += tick * 400;
        demo.sent += tick * 400;
        let event = match tick % 5 {
            0 => LiveEvent::Checks(fixture.checks(&slug)),
            1 => LiveEvent::Demo(demo),
            2 => LiveEvent::Trace(fixture.trace()),
            3 => LiveEvent::Cost(fixture.cost()),
            _ => LiveEvent::Chart(fixture.chart()),
        };
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Event::default().json_data(event), tick + 1))
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
