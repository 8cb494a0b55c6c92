//! Serves the pages with canned answers: `cargo run -p app --features ssr --example preview`.
//!
//! The cookie `preview` chooses the scene, by its name in `Scene::ALL`; the cookie `teach` that of the instructors' pages,
//! by its name in `TeachScene::ALL`. Their class is at `/teach/classes/c7`; learners come in at `/join/K7QM-2XRD` and by the
//! other codes in `fixture/class.rs`. In the scene `member` a second hint comes after some seconds.
//! `LEPTOS_SITE_ROOT` must hold `pkg/headwater.css`, and the wasm package if the pages should come alive.

mod fixture;
mod teach_fixture;

use app::{
    App,
    backend::Backend,
    model::{
        LiveEvent,
        teach::{BoardEvent, ClassState},
    },
    shell,
    teaching::Teaching,
};
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
use teach_fixture::{NOW, TeachFixture, TeachScene};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = get_configuration(None)?.leptos_options;
    let routes = generate_route_list(App);
    let router = Router::new()
        .route("/api/{*name}", post(|request: Request| handle_server_fns_with_context(provide, request)))
        .route("/live/{slug}", get(live))
        .route("/teach/classes/{id}/events", get(class_events))
        .leptos_routes_with_context(&options, routes, provide, {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler_with_context(provide, shell))
        .with_state(options.clone());
    let listener = tokio::net::TcpListener::bind(&options.site_addr).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn provide() {
    let parts = use_context::<Parts>();
    let scene = parts.as_ref().map(|parts| scene(&parts.headers)).unwrap_or_default();
    provide_context::<Arc<dyn Backend>>(Arc::new(Fixture { scene }));
    let scene = parts.map(|parts| teach_scene(&parts.headers)).unwrap_or_default();
    provide_context::<Arc<dyn Teaching>>(Arc::new(TeachFixture { scene }));
}

fn scene(headers: &HeaderMap) -> Scene {
    cookies(headers).find_map(|pair| Scene::parse(pair.strip_prefix("preview=")?)).unwrap_or_default()
}

fn teach_scene(headers: &HeaderMap) -> TeachScene {
    cookies(headers).find_map(|pair| TeachScene::parse(pair.strip_prefix("teach=")?)).unwrap_or_default()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cookies.split(';').map(str::trim)
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
            0 if tick > 0 && fixture.scene == Scene::Member => LiveEvent::Class(fixture::class::place_later()),
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

/// Four times a second a hundred and twenty-five learners are further along: 500 events a second.
async fn class_events(headers: HeaderMap) -> impl IntoResponse {
    let fixture = TeachFixture { scene: teach_scene(&headers) };
    let events = futures::stream::unfold(0_u32, move |tick| {
        let learners = fixture.scene.learners();
        let moved = learners.min(if learners > 100 { 125 } else { 3 });
        let event = match tick % 8 {
            0 => BoardEvent::Class { state: ClassState::Running, counters: fixture.counters() },
            4 => BoardEvent::Waiting { waiting: fixture.waiting() },
            _ => BoardEvent::Rows {
                seq: i64::from(4210 + tick),
                read_at: NOW + i64::from(tick / 4),
                rows: (0..moved)
                    .map(|place| (tick * moved + place * 71) % learners)
                    .map(|number| Arc::new(teach_fixture::row(number, tick / 40 + 1)))
                    .collect(),
                gone: Vec::new(),
            },
        };
        async move {
            tokio::time::sleep(Duration::from_millis(250)).await;
            Some((Event::default().id((4210 + tick).to_string()).json_data(event), tick + 1))
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
