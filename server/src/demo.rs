//! The sender of demo clicks, one for each learner, and what the pages show of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::error::BackendError;
use app::model::{BadLine, DemoRequest, DemoSource, DemoState, DemoView};
use aws_config::SdkConfig;
use checks::Guard;
use checks::api_calls::Caller;
use clickstream::{
    MAX_DURATION, Mark, PlanError, Progress, RowSource, SdkClients, SendPlan, SendState, Sender, Target, Upload,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::checking::SENT_AT;
use crate::state::{Headwater, Seat, now, store_failed};

/// The fact that keeps the sender as it was seen last.
const LAST_SENDING: &str = "sending";
/// The fact that adds up the clicks that Firehose accepted in all sendings.
const CLICKS_ACCEPTED: &str = "clicks_accepted";
/// How often a running sending is written to the store.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// The sender of one learner.
#[derive(Default)]
pub struct DemoDesk(Mutex<Option<Sending>>);

/// One sending, running or over.
#[derive(Clone)]
struct Sending {
    about: About,
    progress: watch::Receiver<Progress>,
    stop: CancellationToken,
}

/// What was asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct About {
    request: DemoRequest,
    source: DemoSource,
    bad_lines: Vec<BadLine>,
    bad_line_count: u64,
}

/// A sending as the store keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    about: About,
    progress: Progress,
}

impl DemoDesk {
    /// Whether something is being sent.
    pub fn is_active(&self) -> bool {
        self.sending().is_some_and(|sending| !sending.progress.borrow().is_over())
    }

    fn sending(&self) -> Option<Sending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts to send generated clicks. `Busy` while something is being sent.
pub fn start(headwater: &Headwater, seat: &Seat, request: DemoRequest) -> Result<(), BackendError> {
    let duration = Duration::from_secs(u64::from(request.duration_seconds));
    let source = RowSource::Demo { seed: request.seed, duration };
    let plan = SendPlan::new(target(seat), request.rate, source).map_err(|error| invalid(&error))?;
    begin(headwater, seat, plan, About { request, ..About::default() })
}

/// Starts to send the rows of a learner's own file. `Busy` while something is being sent.
pub fn send_file(
    headwater: &Headwater,
    seat: &Seat,
    name: String,
    upload: Upload,
    rate: u32,
) -> Result<(), BackendError> {
    let about = About {
        request: DemoRequest { rate, ..DemoRequest::default() },
        source: DemoSource::File { name, rows: upload.rows.len() as u64 },
        bad_lines: upload
            .bad_lines
            .into_iter()
            .map(|bad| BadLine { line: bad.line_number as u64, reason: bad.reason })
            .collect(),
        bad_line_count: upload.bad_line_count as u64,
    };
    let plan = SendPlan::new(target(seat), rate, RowSource::Rows(upload.rows)).map_err(|error| invalid(&error))?;
    begin(headwater, seat, plan, about)
}

/// Stops the sender, if it runs.
pub fn stop(seat: &Seat) {
    if let Some(sending) = seat.desk.demo.sending() {
        sending.stop.cancel();
    }
}

/// The sender as the pages show it: the running or last one of this server, else the last one kept.
pub async fn view(headwater: &Headwater, seat: &Seat) -> Result<DemoView, BackendError> {
    if let Some(sending) = seat.desk.demo.sending() {
        let progress = sending.progress.borrow().clone();
        let stopping = sending.stop.is_cancelled();
        return Ok(view_of(seat, &sending.about, &progress, stopping));
    }
    Ok(match kept(headwater, seat).await? {
        Some(Kept { about, progress }) => view_of(seat, &about, &progress, false),
        None => limits(seat, DemoView::default()),
    })
}

/// The latest sending, running or over, for the tracer to follow.
pub async fn latest(headwater: &Headwater, seat: &Seat) -> Result<Option<Progress>, BackendError> {
    if let Some(sending) = seat.desk.demo.sending() {
        return Ok(Some(sending.progress.borrow().clone()));
    }
    Ok(kept(headwater, seat).await?.map(|kept| kept.progress))
}

/// The sending that the store keeps. One that another process began is over.
async fn kept(headwater: &Headwater, seat: &Seat) -> Result<Option<Kept>, BackendError> {
    let kept: Option<Kept> = headwater.store().fact(&seat.learner.id, LAST_SENDING).await.map_err(store_failed)?;
    Ok(kept.map(|mut kept| {
        if !kept.progress.is_over() {
            let reason = "The server was restarted while it was sending. What was accepted is kept.".to_owned();
            kept.progress.state = SendState::Failed { reason };
        }
        kept
    }))
}

/// Where this learner's clicks go.
fn target(seat: &Seat) -> Target {
    if seat.engine().reads_data_stream() {
        Target::DataStream(seat.variables.data_stream.clone())
    } else {
        Target::DeliveryStream(seat.variables.stream.clone())
    }
}

/// Clicks that Firehose accepted from this learner in all sendings.
pub async fn clicks_accepted(headwater: &Headwater, seat: &Seat) -> Result<u64, BackendError> {
    let kept: Option<u64> = headwater.store().fact(&seat.learner.id, CLICKS_ACCEPTED).await.map_err(store_failed)?;
    Ok(kept.unwrap_or_default())
}

fn begin(headwater: &Headwater, seat: &Seat, plan: SendPlan, about: About) -> Result<(), BackendError> {
    seat.refuse_unconnected()?;
    let plan = plan.marked(Mark::new(&mut rand::rng()));
    let mut place = seat.desk.demo.0.lock().unwrap_or_else(PoisonError::into_inner);
    if place.as_ref().is_some_and(|sending| !sending.progress.borrow().is_over()) {
        return Err(BackendError::Busy);
    }
    let (tell, progress) = watch::channel(Progress::starting(plan.planned_rows()));
    let stop = CancellationToken::new();
    *place = Some(Sending { about: about.clone(), progress: progress.clone(), stop: stop.clone() });
    drop(place);
    let sender = Sender::new(clients(&seat.desk.access().sdk));
    tokio::spawn(keep(headwater.clone(), seat.clone(), about, progress));
    tokio::spawn(async move { sender.send(plan, tell, stop).await });
    Ok(())
}

/// Clients that send and do nothing else: the guard of the table of calls refuses the rest.
fn clients(sdk: &SdkConfig) -> SdkClients {
    let firehose = aws_sdk_firehose::config::Builder::from(sdk).interceptor(Guard::of(Caller::Sender)).build();
    let kinesis = aws_sdk_kinesis::config::Builder::from(sdk).interceptor(Guard::of(Caller::Sender)).build();
    SdkClients {
        firehose: aws_sdk_firehose::Client::from_conf(firehose),
        kinesis: aws_sdk_kinesis::Client::from_conf(kinesis),
    }
}

/// Writes a sending to the store while it runs and once when it is over.
async fn keep(headwater: Headwater, seat: Seat, about: About, mut progress: watch::Receiver<Progress>) {
    let store = headwater.store();
    let learner = &seat.learner.id;
    let before = clicks_accepted(&headwater, &seat).await.unwrap_or_default();
    let mut accepted = 0;
    loop {
        let seen = progress.borrow_and_update().clone();
        let over = seen.is_over();
        let clicks = before + seen.clicks_accepted;
        // What was not accepted was not sent: the checks must not wait for it.
        let arrived = seen.accepted.rows > accepted;
        accepted = seen.accepted.rows;
        let kept = Kept { about: about.clone(), progress: seen };
        let written = async {
            store.save_fact(learner, LAST_SENDING, &kept).await?;
            store.save_fact(learner, CLICKS_ACCEPTED, &clicks).await?;
            if arrived {
                let sent_ms = (now().unix_timestamp_nanos() / 1_000_000) as i64;
                store.save_fact(learner, SENT_AT, &sent_ms).await?;
            }
            Ok::<(), store::StoreError>(())
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the progress of a sending could not be kept");
        }
        seat.desk.changed.notify_waiters();
        if over || progress.changed().await.is_err() {
            return;
        }
        // A pace for the store, not a wait for a result: the sender tells its progress many times a second.
        let _ = tokio::time::timeout(KEEP_EVERY, progress.wait_for(Progress::is_over)).await;
    }
}

fn view_of(seat: &Seat, about: &About, progress: &Progress, stopping: bool) -> DemoView {
    let seconds = progress.elapsed_ms as f64 / 1000.0;
    let view = DemoView {
        state: match &progress.state {
            SendState::Running if stopping => DemoState::Stopping,
            SendState::Running => DemoState::Running,
            SendState::Stopped | SendState::Finished => DemoState::Finished,
            SendState::Failed { reason } => DemoState::Failed { message: reason.clone() },
        },
        source: about.source.clone(),
        request: about.request,
        elapsed_ms: progress.elapsed_ms,
        sent: progress.sent.rows,
        accepted: progress.accepted.rows,
        retried: progress.retried.rows,
        failed: progress.failed.rows,
        clicks_accepted: progress.clicks_accepted,
        rows_per_second: if seconds > 0.0 { (progress.accepted.rows as f64 / seconds) as u32 } else { 0 },
        bad_lines: about.bad_lines.clone(),
        bad_line_count: about.bad_line_count,
        ..DemoView::default()
    };
    limits(seat, view)
}

fn limits(seat: &Seat, view: DemoView) -> DemoView {
    DemoView { max_rate: target(seat).max_rate(), max_duration_seconds: MAX_DURATION.as_secs() as u32, ..view }
}

fn invalid(error: &PlanError) -> BackendError {
    let field = match error {
        PlanError::Rate | PlanError::DataStreamRate | PlanError::TooSlow { .. } => "rate",
        PlanError::Duration => "duration_seconds",
        PlanError::NoRows | PlanError::TooManyRows => "file",
    };
    BackendError::Invalid { field: field.to_owned(), message: error.to_string() }
}
