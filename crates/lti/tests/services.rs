//! How the client bears platforms that are slow to be trusted: keys that change, tokens withdrawn, answers out of bounds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use lti::{
    AgsEndpoint, Browser, Client, LaunchError, Loopback, NewLineItem, PendingLaunch, Platform, PlatformSettings, Scope,
    ServiceError, Tool, ToolKey,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// What the platform does, and what was asked of it.
#[derive(Default)]
struct Behaviour {
    keys: Mutex<Value>,
    keys_asked: AtomicUsize,
    tokens_given: AtomicUsize,
    /// Answers to calls of the list of line items, in their order; afterwards it is empty.
    answers: Mutex<Vec<Response>>,
    bearers: Mutex<Vec<String>>,
}

/// A client as [`Client::new`] wants it.
fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.timeout(Duration::from_secs(20)).build().unwrap()
}

struct Fixture {
    behaviour: Arc<Behaviour>,
    platform: Platform,
    address: String,
    client: Client,
    key: ToolKey,
}

impl Fixture {
    async fn new() -> Self {
        let behaviour = Arc::new(Behaviour::default());
        let routes = Router::new()
            .route("/jwks", get(keys))
            .route("/elsewhere", get(async || Redirect::temporary("/jwks")))
            .route("/token", post(token))
            .route("/lineitems", get(line_items).post(line_items))
            .with_state(Arc::clone(&behaviour));
        let address = serve(routes).await;
        let platform = platform(&address, "/jwks");
        Self { behaviour, platform, address, client: Client::new(http()), key: ToolKey::generate().unwrap() }
    }

    fn endpoint(&self, scopes: &[Scope]) -> AgsEndpoint {
        let line_items = serde_json::from_value(json!(format!("{}/lineitems", self.address))).unwrap();
        AgsEndpoint {
            line_items: Some(line_items),
            line_item: None,
            scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
        }
    }

    async fn list(&self) -> Result<usize, ServiceError> {
        let endpoint = self.endpoint(&[Scope::LineItems]);
        let items = self.client.grades(&self.key, &self.platform, &endpoint).line_items(None).await?;
        Ok(items.len())
    }

    fn answers(&self, answers: impl IntoIterator<Item = Response>) {
        *self.behaviour.answers.lock().unwrap() = answers.into_iter().collect();
    }

    /// What becomes of a token that a key has signed, at a time; and how often keys were asked for by then.
    async fn signed_with(&self, key: &ToolKey, now: OffsetDateTime) -> (LaunchError, usize) {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(key.kid().to_owned());
        let signing = EncodingKey::from_rsa_pem(key.to_pem().expose_secret().as_bytes()).unwrap();
        let token = jsonwebtoken::encode(&header, &json!({}), &signing).unwrap();
        let tool = Tool::new("https://lab.example").unwrap();
        let refused = self.client.verify_launch(&token, &self.platform, &pending(now), &tool, now).await.unwrap_err();
        (refused, self.behaviour.keys_asked.load(Ordering::SeqCst))
    }
}

fn platform(address: &str, keys: &str) -> Platform {
    let settings = PlatformSettings {
        issuer: address.to_owned(),
        client_id: "client".to_owned(),
        deployment_ids: vec!["1".to_owned()],
        authorization_url: format!("{address}/auth"),
        token_url: format!("{address}/token"),
        jwks_url: format!("{address}{keys}"),
        ..PlatformSettings::default()
    };
    Platform::new(settings, Loopback::Allowed).unwrap()
}

fn pending(now: OffsetDateTime) -> PendingLaunch {
    PendingLaunch {
        issuer: String::new(),
        client_id: String::new(),
        nonce: String::new(),
        target_link: "https://lab.example/".parse().unwrap(),
        expires: now + time::Duration::HOUR,
        browser: Browser::Same,
    }
}

async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn keys(State(behaviour): State<Arc<Behaviour>>) -> Json<Value> {
    behaviour.keys_asked.fetch_add(1, Ordering::SeqCst);
    Json(behaviour.keys.lock().unwrap().clone())
}

async fn token(State(behaviour): State<Arc<Behaviour>>) -> Json<Value> {
    let number = behaviour.tokens_given.fetch_add(1, Ordering::SeqCst) + 1;
    Json(json!({ "access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": 3600 }))
}

async fn line_items(State(behaviour): State<Arc<Behaviour>>, headers: HeaderMap) -> Response {
    let bearer = headers["authorization"].to_str().unwrap().to_owned();
    behaviour.bearers.lock().unwrap().push(bearer);
    let mut answers = behaviour.answers.lock().unwrap();
    if answers.is_empty() { Json(json!([])).into_response() } else { answers.remove(0) }
}

#[tokio::test]
async fn keys_are_asked_for_once_and_again_when_one_is_new() {
    let fixture = Fixture::new().await;
    let (old, new) = (ToolKey::generate().unwrap(), ToolKey::generate().unwrap());
    let start = OffsetDateTime::now_utc();
    let after = |seconds| start + time::Duration::seconds(seconds);
    *fixture.behaviour.keys.lock().unwrap() = old.public_jwks();
    // A token without claims whose key is known gets as far as its claims.
    assert_eq!(fixture.signed_with(&old, start).await, (LaunchError::Claims, 1));
    assert_eq!(fixture.signed_with(&old, after(60)).await, (LaunchError::Claims, 1));

    *fixture.behaviour.keys.lock().unwrap() = new.public_jwks();
    assert_eq!(fixture.signed_with(&new, after(29)).await, (LaunchError::UnknownKey, 1), "asked a moment ago");
    assert_eq!(fixture.signed_with(&new, after(61)).await, (LaunchError::Claims, 2));
    let made_up = ToolKey::generate().unwrap();
    for _ in 0..3 {
        assert_eq!(fixture.signed_with(&made_up, after(62)).await, (LaunchError::UnknownKey, 2));
    }
    assert_eq!(fixture.signed_with(&old, after(62)).await, (LaunchError::UnknownKey, 2), "it was withdrawn");
    assert_eq!(fixture.signed_with(&new, after(61 + 3600)).await, (LaunchError::Claims, 3), "they were an hour old");

    *fixture.behaviour.keys.lock().unwrap() = Value::Null;
    let (refused, asked) = fixture.signed_with(&made_up, after(2 * 3600)).await;
    assert_eq!((refused, asked), (LaunchError::Keys(ServiceError::NotUnderstood("key set")), 4));
    assert_eq!(fixture.signed_with(&new, after(2 * 3600)).await, (LaunchError::Claims, 4), "known keys stay known");
}

#[tokio::test]
async fn a_platform_that_fails_is_left_alone_for_a_while() {
    let fixture = Fixture::new().await;
    let key = ToolKey::generate().unwrap();
    let start = OffsetDateTime::now_utc();
    let not_understood = LaunchError::Keys(ServiceError::NotUnderstood("key set"));
    assert_eq!(fixture.signed_with(&key, start).await, (not_understood, 1));
    assert_eq!(fixture.signed_with(&key, start).await, (LaunchError::Keys(ServiceError::AskedAMomentAgo), 1));
    *fixture.behaviour.keys.lock().unwrap() = key.public_jwks();
    assert_eq!(fixture.signed_with(&key, start + time::Duration::MINUTE).await, (LaunchError::Claims, 2));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut fixture = Fixture::new().await;
    let key = ToolKey::generate().unwrap();
    *fixture.behaviour.keys.lock().unwrap() = key.public_jwks();
    fixture.platform = platform(&fixture.address, "/elsewhere");
    let refused = fixture.signed_with(&key, OffsetDateTime::now_utc()).await;
    assert_eq!(refused, (LaunchError::Keys(ServiceError::Redirected), 0));
}

#[tokio::test]
async fn an_access_token_is_used_again_until_it_is_withdrawn() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.list().await, Ok(0));
    assert_eq!(fixture.list().await, Ok(0));
    fixture.answers([StatusCode::UNAUTHORIZED.into_response()]);
    let error = fixture.list().await.unwrap_err();
    assert!(error.worth_trying_again());
    assert_eq!(fixture.list().await, Ok(0));
    let bearers = fixture.behaviour.bearers.lock().unwrap().clone();
    assert_eq!(bearers, ["Bearer token-1", "Bearer token-1", "Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn what_is_worth_trying_again_is_told() {
    let fixture = Fixture::new().await;
    fixture.answers([
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]).into_response(),
        StatusCode::BAD_GATEWAY.into_response(),
        (StatusCode::FORBIDDEN, Json(json!({ "error": "no_<script>access" }))).into_response(),
        Json(json!({ "not": "a list" })).into_response(),
        "a".repeat(2 * 1024 * 1024).into_response(),
    ]);
    let error = fixture.list().await.unwrap_err();
    assert_eq!((error.worth_trying_again(), error.retry_after()), (true, Some(Duration::from_secs(7))));
    let error = fixture.list().await.unwrap_err();
    assert_eq!((error.worth_trying_again(), error.retry_after()), (true, None));
    let error = fixture.list().await.unwrap_err();
    assert_eq!(error.to_string(), "the platform answered 403 (no_scriptaccess)");
    assert!(!error.worth_trying_again());
    assert_eq!(fixture.list().await, Err(ServiceError::NotUnderstood("list")));
    assert_eq!(fixture.list().await, Err(ServiceError::TooLarge));
    assert!(!ServiceError::TooLarge.worth_trying_again());
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_worth_another_try() {
    let fixture = Fixture::new().await;
    // A port below those that are given out, where nothing listens.
    let gone = platform("http://127.0.0.1:1", "/jwks");
    let endpoint = AgsEndpoint {
        line_items: Some(gone.token_url().clone()),
        line_item: None,
        scopes: BTreeSet::from([Scope::LineItems]),
    };
    let error = fixture.client.grades(&fixture.key, &gone, &endpoint).line_items(None).await.unwrap_err();
    assert_eq!(error, ServiceError::Unreachable("no connection"));
    assert!(error.worth_trying_again());
}

#[tokio::test]
async fn pages_without_end_and_pages_elsewhere_are_not_read() {
    let fixture = Fixture::new().await;
    let page = |next: &str| ([("link", format!("<{next}>; rel=\"next\""))], Json(json!([]))).into_response();
    let other = serve(Router::new().fallback(async || Json(json!([])))).await;
    fixture.answers([page(&other)]);
    assert_eq!(fixture.list().await, Err(ServiceError::HostNotRegistered(other)));
    let own = format!("{}/lineitems", fixture.address);
    fixture.answers((0..1000).map(|_| page(&own)));
    assert_eq!(fixture.list().await, Err(ServiceError::TooLarge));
}

#[tokio::test]
async fn nothing_is_called_without_the_right_to_it_or_elsewhere() {
    let fixture = Fixture::new().await;
    let wanted = NewLineItem {
        label: "Check".to_owned(),
        score_maximum: 1.0,
        resource_id: "check".to_owned(),
        tag: None,
        resource_link_id: None,
    };
    let endpoint = fixture.endpoint(&[Scope::LineItemsReadOnly]);
    let grades = fixture.client.grades(&fixture.key, &fixture.platform, &endpoint);
    let refused = grades.ensure_line_items(std::slice::from_ref(&wanted)).await;
    assert_eq!(refused, Err(ServiceError::NotOffered(Scope::LineItems)));
    assert_eq!(fixture.behaviour.tokens_given.load(Ordering::SeqCst), 1, "for the list");

    let elsewhere = serde_json::from_value(json!("https://elsewhere.example/lineitems")).unwrap();
    let endpoint =
        AgsEndpoint { line_items: Some(elsewhere), line_item: None, scopes: BTreeSet::from([Scope::LineItems]) };
    let other = ToolKey::generate().unwrap();
    let refused = fixture.client.grades(&other, &fixture.platform, &endpoint).line_items(None).await;
    assert_eq!(refused, Err(ServiceError::HostNotRegistered("https://elsewhere.example".to_owned())));
    assert_eq!(fixture.behaviour.tokens_given.load(Ordering::SeqCst), 1, "no token was fetched to be sent there");
}
