//! The front door: one HTTP endpoint for all services. Verifies the signature, finds the service by the credential scope
//! and renders answers and errors in that service's protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse as _;
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use s3s::service::S3Service;
use serving::Limits;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::account_management;
use crate::analytics::Analytics;
use crate::authorization::{self, S3Session};
use crate::body::Bodies;
use crate::dynamodb::DynamoDb;
use crate::firehose::Firehose;
use crate::iam::Iam;
use crate::keyring::Keyring;
use crate::kinesis::Kinesis;
use crate::lambda::{Endpoint, EventSources, Lambda};
use crate::logs::Logs;
use crate::master_key::{MasterKey, make_private_folder};
use crate::measures::Call;
use crate::protocol::{Protocol, Service};
use crate::s3::S3;
use crate::sigv4::{self, Claim, Presented};
use crate::sts::Sts;
use crate::tagging::{TaggedResources, Tagging};
use crate::{AccessKey, AccessKeyMetadata, AccountId, AwsError, Caller, Database, DatabaseError, SandboxConfig, Scope};

/// A running sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    services: Arc<Services>,
}

struct Services {
    bodies: Bodies,
    database: Database,
    config: SandboxConfig,
    keyring: Keyring,
    sts: Sts,
    iam: Iam,
    s3: S3Service,
    lambda: Lambda,
    event_sources: EventSources,
    firehose: Firehose,
    kinesis: Kinesis,
    analytics: Analytics,
    dynamodb: DynamoDb,
    tagging: Tagging,
    logs: Logs,
}

/// Who sent a request, and the secret that it must be signed with.
struct Sender {
    caller: Caller,
    secret: secrecy::SecretString,
    /// The policy that the caller's session was given.
    session_policy: Option<String>,
}

/// Why a sandbox could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the data folder {folder} cannot be used: {cause}")]
    DataFolder { folder: String, cause: std::io::Error },
    #[error(
        "the data folder {folder} has accounts but its master.key is gone: put the key back, or empty the folder to start anew"
    )]
    MasterKeyMissing { folder: String },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the sandbox's services cannot resume: {0}")]
    Resume(#[from] AwsError),
}

impl Sandbox {
    /// Opens the state in `config.data_dir` and starts the tasks of the streams and applications in it.
    pub async fn open(config: SandboxConfig) -> Result<Self, OpenError> {
        let folder = config.data_dir.display().to_string();
        let folder_error = |cause| OpenError::DataFolder { folder: folder.clone(), cause };
        make_private_folder(&config.data_dir).map_err(folder_error)?;
        let objects = config.data_dir.join("objects");
        make_private_folder(&objects).map_err(folder_error)?;
        let database = Database::open(&config.data_dir.join("sandbox.sqlite3")).await?;
        let master = match MasterKey::read(&config.data_dir).map_err(folder_error)? {
            Some(master) => master,
            None if has_access_keys(&database).await? => return Err(OpenError::MasterKeyMissing { folder }),
            None => MasterKey::create(&config.data_dir).map_err(folder_error)?,
        };
        let keyring = Keyring::open(database.clone(), master).await?;
        let clock = config.clock.clone();
        let iam = Iam::new(database.clone());
        let sts = Sts::new(keyring.clone(), iam.clone());
        let s3 = S3::new(database.clone(), objects);
        s3.sweep().await?;
        let logs = Logs::new(database.clone(), iam.clone());
        let lambda = Lambda::new(database.clone(), &config, iam.clone(), keyring.clone(), logs.clone());
        let limits = config.firehose.clone();
        let kinesis = Kinesis::new(database.clone(), clock.clone(), limits.clone());
        let event_sources = EventSources::new(database.clone(), iam.clone(), lambda.clone(), kinesis.clone());
        let firehose = Firehose::new(
            database.clone(),
            clock.clone(),
            iam.clone(),
            s3.clone(),
            lambda.clone(),
            kinesis.clone(),
            limits,
        );
        let analytics = Analytics::new(database.clone(), clock.clone(), iam.clone(), firehose.clone(), lambda.clone());
        let dynamodb = DynamoDb::new(database.clone(), clock);
        let tagged: [Arc<dyn TaggedResources>; 8] = [
            Arc::new(s3.clone()),
            Arc::new(firehose.clone()),
            Arc::new(lambda.clone()),
            Arc::new(event_sources.clone()),
            Arc::new(dynamodb.clone()),
            Arc::new(kinesis.clone()),
            Arc::new(analytics.clone()),
            Arc::new(logs.clone()),
        ];
        let tagging = Tagging::new(tagged);
        let s3 = s3.service(keyring.clone(), iam.clone());
        let bodies = Bodies::new();
        let services = Services {
            bodies,
            database,
            config,
            keyring,
            sts,
            iam,
            s3,
            lambda,
            event_sources,
            firehose,
            kinesis,
            analytics,
            dynamodb,
            tagging,
            logs,
        };
        let sandbox = Self { services: Arc::new(services) };
        let Services { lambda, event_sources, firehose, kinesis, analytics, .. } = &*sandbox.services;
        lambda.resume(sandbox.endpoint_of_functions()).await?;
        kinesis.resume().await?;
        event_sources.resume().await?;
        firehose.resume().await?;
        analytics.resume().await?;
        Ok(sandbox)
    }

    /// The routes of the one endpoint: every path belongs to some service.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// How functions reach this sandbox from their isolation. It does not keep the sandbox alive.
    fn endpoint_of_functions(&self) -> Endpoint {
        let services = Arc::downgrade(&self.services);
        Arc::new(move |request| {
            let services = services.upgrade();
            Box::pin(async move {
                match services {
                    Some(services) => answer(State(Self { services }), request).await,
                    None => http::StatusCode::SERVICE_UNAVAILABLE.into_response(),
                }
            })
        })
    }

    /// Serves on `listener` until `shutdown` is cancelled and the requests under way are answered.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> std::io::Result<()> {
        self.serve_within(listener, Limits::default(), shutdown).await
    }

    /// The same within these limits.
    pub async fn serve_within(
        &self,
        listener: TcpListener,
        limits: Limits,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        serving::serve(listener, self.router(), limits, shutdown).await
    }

    /// What this sandbox was opened with.
    pub fn config(&self) -> &SandboxConfig {
        &self.services.config
    }

    /// Makes an account, as yet without keys.
    pub async fn new_account(&self) -> Result<AccountId, AwsError> {
        self.services.keyring.new_account().await
    }

    /// How many accounts there are.
    pub async fn count_accounts(&self) -> Result<u32, AwsError> {
        self.services.keyring.count_accounts().await
    }

    /// Mints an access key; its secret can be told only now. `NoSuchEntity` if there is no such account, `LimitExceeded`
    /// if the account has two keys already.
    pub async fn create_access_key(&self, account: &AccountId) -> Result<AccessKey, AwsError> {
        self.services.keyring.create_access_key(account).await
    }

    /// Revokes an access key at once. `NoSuchEntity` if the account has no such key.
    pub async fn delete_access_key(&self, account: &AccountId, access_key_id: &str) -> Result<(), AwsError> {
        self.services.keyring.delete_access_key(account, access_key_id).await
    }

    /// The access keys of an account, the oldest first.
    pub async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKeyMetadata>, AwsError> {
        self.services.keyring.access_keys(account).await
    }

    /// A number that differs from the one before if something in the account was changed in between: by a call, by a service
    /// at work in the background, or by the learner's code. It means nothing after a restart.
    pub fn changes(&self, account: &AccountId) -> u64 {
        self.services.database.changes().of(account)
    }

    /// The regions in which an account has anything, in alphabetical order.
    pub async fn regions(&self, account: &AccountId) -> Result<Vec<String>, AwsError> {
        Ok(self.services.database.regions(account).await?)
    }

    /// The key with which this server itself acts in a learner's account. Never show it to anyone.
    pub fn service_credentials(&self, account: &AccountId) -> AccessKey {
        self.services.keyring.service_credentials(account)
    }
}

async fn has_access_keys(database: &Database) -> Result<bool, OpenError> {
    let keys: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM access_key")
        .fetch_one(database.read())
        .await
        .map_err(AwsError::from)?;
    Ok(keys > 0)
}

/// Answers one request. Whatever happens, the answer is in the protocol of the service that was meant.
async fn answer(State(sandbox): State<Sandbox>, request: Request<Body>) -> Response<Body> {
    let request_id = Uuid::new_v4().to_string();
    let (parts, mut body) = request.into_parts();
    // A client that waits for "100 Continue" gets one when its body is first read. botocore muddles its next request on a
    // connection on which it got a final answer instead, as it does for an empty body, so that such a one is closed.
    let unread = parts.headers.contains_key(EXPECT).then(|| {
        let unread = Arc::new(AtomicBool::new(true));
        let seen = unread.clone();
        body = Body::new(std::mem::take(&mut body).map_frame(move |frame| {
            seen.store(false, Ordering::Relaxed);
            frame
        }));
        unread
    });
    let presented = sigv4::read(&parts);
    let service = match &presented {
        Ok(Presented::Header(signature)) => Service::from_signing_name(&signature.claim.service),
        Ok(Presented::Query(claim)) => Service::from_signing_name(&claim.service),
        Ok(Presented::Nothing) | Err(_) => Service::guess(&parts),
    };
    let protocol = service.protocol(&parts);
    let mut call = Call::begin(&service);
    let answered = match presented {
        Ok(presented) => {
            sandbox.services.serve(&service, protocol, presented, parts, body, &request_id, &mut call).await
        }
        Err(refused) => Err(protocol.signature_refused(&refused)),
    };
    let code = answered.as_ref().err().map(|error| error.code.clone());
    let mut response = answered.unwrap_or_else(|error| protocol.error(&error, &request_id));
    protocol.stamp(&mut response, &request_id);
    if unread.is_some_and(|unread| unread.load(Ordering::Relaxed)) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    call.end(response.status(), code.as_deref());
    response
}

impl Services {
    #[allow(clippy::too_many_arguments, reason = "all of them are parts of the one request")]
    async fn serve(
        &self,
        service: &Service,
        protocol: Protocol,
        presented: Presented,
        mut parts: Parts,
        body: Body,
        request_id: &str,
        call: &mut Call,
    ) -> Result<Response<Body>, AwsError> {
        let signature = match presented {
            Presented::Header(signature) => signature,
            Presented::Query(claim) if *service == Service::S3 => {
                return self.serve_s3(Some(&claim), parts, body, call).await;
            }
            Presented::Nothing if *service == Service::S3 => return self.serve_s3(None, parts, body, call).await,
            Presented::Query(_) | Presented::Nothing => return Err(protocol.no_credentials()),
        };
        if *service == Service::S3 {
            return self.serve_s3(Some(&signature.claim), parts, body, call).await;
        }
        let Sender { caller, secret, session_policy } = self.look_up(protocol, &signature.claim)?;
        let body = self.bodies.read(&caller.scope.account, &parts, body, service.max_body()).await?;
        sigv4::verify(&signature, &secret, &parts, &body, OffsetDateTime::now_utc())
            .map_err(|refused| protocol.signature_refused(&refused))?;
        if let Some(policy) = session_policy {
            let wanted = authorization::wanted_by(service, &caller.scope, &parts, &body);
            authorization::check(&self.iam, &caller, &policy, &wanted)
                .await?
                .map_err(|denied| protocol.access_denied(denied.message(&caller)))?;
        }
        call.note(service, &caller.scope, &parts, &body);
        match service {
            Service::Sts => self.sts.call(&caller, &body, request_id).await.map(|body| protocol.answer(body)),
            Service::Iam => self.iam.call(&caller, &body, request_id).await.map(|body| protocol.answer(body)),
            Service::Firehose => {
                let operation = operation(service, &parts)?;
                self.firehose.call(&caller, operation, &body).await.map(|body| protocol.answer(body))
            }
            Service::Kinesis => {
                let operation = operation(service, &parts)?;
                self.kinesis.call(&caller, operation, &body).await.map(|body| protocol.answer(body))
            }
            Service::KinesisAnalytics => {
                let operation = operation(service, &parts)?;
                self.analytics.call(&caller, operation, &body).await.map(|body| protocol.answer(body))
            }
            Service::DynamoDb => {
                let operation = operation(service, &parts)?;
                self.dynamodb.call(&caller, operation, &body).await.map(|body| protocol.answer(body))
            }
            Service::Lambda => {
                parts.extensions.clear();
                let answer = self.event_sources.handle(caller, Request::from_parts(parts, body)).await?;
                Ok(answer.map(Body::from))
            }
            Service::Account => {
                let answer = account_management::handle(&caller, &Request::from_parts(parts, body))?;
                Ok(protocol.answer(answer))
            }
            Service::Tagging => {
                let operation = operation(service, &parts)?;
                self.tagging.call(&caller, operation, &body).await.map(|body| protocol.answer(body))
            }
            Service::Logs => {
                let operation = operation(service, &parts)?;
                self.logs.call(&caller, operation, &body).await.map(|body| protocol.answer(body))
            }
            Service::S3 => Err(AwsError::internal("S3 requests are not routed here")),
            Service::Other(name) => Err(AwsError::client(
                "UnknownOperationException",
                format!(
                    "The sandbox does not offer the service {name}. It has sts, iam, s3, firehose, kinesis, \
                     kinesisanalytics, lambda, dynamodb, logs, tagging and account."
                ),
            )),
        }
    }

    /// Hands a request to `s3s`, which reads the body as a stream and verifies the signature with the same key.
    async fn serve_s3(
        &self,
        claim: Option<&Claim>,
        mut parts: Parts,
        body: Body,
        call: &mut Call,
    ) -> Result<Response<Body>, AwsError> {
        if let Some(claim) = claim {
            let sender = self.look_up(Protocol::S3, claim)?;
            call.note_s3(&parts);
            parts.extensions.insert(sender.caller);
            if let Some(policy) = sender.session_policy {
                parts.extensions.insert(S3Session { policy });
            }
        }
        let request = Request::from_parts(parts, s3s::Body::http_body_unsync(body));
        let response = self.s3.call(request).await.map_err(|error| AwsError::internal(format!("{error:?}")))?;
        Ok(response.map(Body::new))
    }

    fn look_up(&self, protocol: Protocol, claim: &Claim) -> Result<Sender, AwsError> {
        let known = self
            .keyring
            .look_up(&claim.access_key_id, claim.session_token.as_deref())
            .map_err(|refused| protocol.key_refused(refused))?;
        let region = claim.region.parse().map_err(|error: crate::InvalidRegion| {
            protocol.signature_refused(&sigv4::SignatureError::Incomplete(error.to_string()))
        })?;
        let scope = Scope { account: known.account, region };
        let caller = Caller { scope, principal: known.principal };
        Ok(Sender { caller, secret: known.secret, session_policy: known.session_policy })
    }
}

/// The operation in `X-Amz-Target`, which must be one of this service.
fn operation<'a>(service: &Service, parts: &'a Parts) -> Result<&'a str, AwsError> {
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match (target.split_once('.'), service.target_prefix()) {
        (Some((prefix, operation)), Some(expected)) if prefix == expected && !operation.is_empty() => Ok(operation),
        _ => Err(AwsError::client(
            "UnknownOperationException",
            format!("The request's X-Amz-Target '{target}' names no operation of this service."),
        )),
    }
}
