//! The board of a class in which much happens: events written on one machine of an installation, shown by another's pages.
//!
//! The generator writes learners' progress to the PostgreSQL database that it shares with the server, as a second web server
//! does, and follows the board as instructors do. When each event is due is fixed before; its delay is counted from that
//! moment until a board shows it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use classroom::VerdictKind;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use lab::{Lab, Variables};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use secrecy::SecretString;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use store::{CheckOutcome, Class, ClassId, LearnerId, Store};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::browser::Browser;
use crate::live;
use crate::recorder::Figures;
use crate::served::Served;
use crate::{limit, report, usage};

/// Each event has to be shown within this time, at the 99th percentile.
pub const BOUND: Duration = Duration::from_secs(1);
/// The step that all are at.
const STEP: &str = "delivery-stream";
/// Different troubles that learners have there.
const CAUSES: usize = 12;
/// Connections to the database.
const CONNECTIONS: u32 = 16;
/// Learners that are made at a time.
const MADE_AT_ONCE: usize = 12;
/// An event that no board has shown after this long is missing.
const GRACE: Duration = Duration::from_secs(60);
/// The log is settled when nothing came to it for so long.
const STILL: Duration = Duration::from_secs(1);
/// Sealing what was prepared takes no longer.
const SEALING: Duration = Duration::from_secs(600);
const LOGIN: &str = "load@school.example";
const PASSWORD: &str = "only for this measurement";

/// What to run.
#[derive(Clone, Debug, Args)]
pub struct BoardOptions {
    /// The program to serve with: a release build of `headwater`.
    #[arg(long)]
    pub headwater: PathBuf,
    /// Numbers of learners in the class, each for a run of its own against a fresh server.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    pub learners: Vec<u32>,
    /// Attempts at checks in a second. Every second one has a verdict of its own as well.
    #[arg(long, default_value_t = 500)]
    pub events: u32,
    /// How long they go on, in seconds.
    #[arg(long, default_value_t = 60)]
    pub seconds: u32,
    /// Instructors who have the board open.
    #[arg(long, default_value_t = 3)]
    pub viewers: u32,
    /// The seed that all events are drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Processors that the server is bound to, as taskset takes them, such as 0,1.
    #[arg(long)]
    pub server_cores: Option<String>,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub struct BoardOutcome {
    pub learners: u32,
    /// The board's page, rendered by the server, and all rows as the page loads them.
    pub page: Duration,
    pub rows: Duration,
    /// From an event's moment until it was acknowledged.
    pub written: Figures,
    /// From an event's moment until a board showed it: one for each event and viewer. Failures are those never shown.
    pub shown: Figures,
    /// Entries that the class's log got while events were written.
    pub entries: i64,
    pub lasted: Duration,
    /// Processor time in seconds: of the server, this generator, the whole machine with the database.
    pub server: f64,
    pub generator: f64,
    pub machine: f64,
    /// The most memory that the server used.
    pub memory: u64,
}

/// An attempt of a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Event {
    /// From the beginning of the run.
    due: Duration,
    /// In the list of learners.
    learner: usize,
}

/// Runs all and prints the report. Exit status 1: something failed, was not shown, or took longer than it may.
pub async fn run(options: BoardOptions) -> anyhow::Result<ExitCode> {
    ensure!(options.learners.iter().all(|learners| (1..=100_000).contains(learners)), "--learners is from 1 to 100000");
    ensure!((1..=10_000).contains(&options.events), "--events is from 1 to 10000");
    ensure!((1..=3_600).contains(&options.seconds), "--seconds is from 1 to 3600");
    ensure!((1..=100).contains(&options.viewers), "--viewers is from 1 to 100");
    usage::raise_open_files()?;
    eprintln!("load: the generator's own limit");
    let limit = limit::measure().await?;
    let mut outcomes = Vec::new();
    for learners in &options.learners {
        eprintln!("load: a board of {learners} learners, {} events/s", options.events);
        outcomes.push(one(&options, *learners).await?);
    }
    print!("{}", report::board(&options, &outcomes, limit));
    let kept = outcomes.iter().all(report::keeps_board_bound);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one(options: &BoardOptions, learners: u32) -> anyhow::Result<BoardOutcome> {
    let database = scratch_postgres::new_database().await?;
    let served = Served::start(&options.headwater, options.server_cores.as_deref(), learners, Some(&database)).await?;
    let store = Store::connect(&SecretString::from(database), CONNECTIONS).await.context("the database")?;
    // As every server of an installation seals what it has written itself; others look once a second only.
    let mut sealer = JoinSet::new();
    sealer.spawn(store.clone().keep_sealing());
    let mut instructor = Browser::new(&served.pages);
    let class = open_class(&mut instructor, &served.set_up_code, &store).await?;
    let members = fill(&store, &class, learners).await?;
    let before = settled(&store, &class.id).await?;

    let board = format!("/teach/classes/{}", class.id);
    let page = instructor.page(&board, Instant::now()).await?;
    ensure!(page.is_good(), "the board's page: {}", page.message());
    let loaded = instructor.post("teach-rows", &[field("class", class.id.as_str())], Instant::now()).await?;
    ensure!(loaded.is_good(), "the board's rows: {}", loaded.message());
    let rows: Rows = serde_json::from_value(loaded.json()?)?;
    ensure!(rows.rows.len() == members.len(), "the board has {} of {learners} learners", rows.rows.len());

    let events = events(options, members.len());
    let written = Arc::new(Mutex::new(Figures::default()));
    let (us, beginning) = (std::process::id(), Instant::now() + Duration::from_secs(1));
    let (server_before, we_before, machine_before) = (usage::of(served.process)?, usage::of(us)?, usage::machine()?);
    let places: HashMap<String, usize> =
        members.iter().enumerate().map(|(place, learner)| (learner.to_string(), place)).collect();
    let places = Arc::new(places);
    let (end, ended) = watch::channel(None);
    let mut viewers = JoinSet::new();
    for _ in 0..options.viewers {
        let stream = instructor.events(&format!("{board}/events?after={}", rows.seq)).await?;
        let waited_for = Expected::new(&events, members.len());
        viewers.spawn(watch_board(stream, Arc::clone(&places), waited_for, beginning, ended.clone()));
    }
    write_all(&store, &members, &events, &written, beginning).await?;
    let lasted = beginning.elapsed();
    end.send_replace(Some(Instant::now() + GRACE));
    let mut shown = Figures::default();
    while let Some(watched) = viewers.join_next().await {
        shown.add(&watched??);
    }
    let (server, we, machine) = (usage::of(served.process)?, usage::of(us)?, usage::machine()?);
    let after = store.head(&class.id).await?.map_or(0, |head| head.seq);
    let written = written.lock().unwrap_or_else(PoisonError::into_inner).clone();
    served.stop().await?;
    Ok(BoardOutcome {
        learners,
        page: page.time,
        rows: loaded.time,
        written,
        shown,
        entries: after - before,
        lasted,
        server: server.time - server_before.time,
        generator: we.time - we_before.time,
        machine: machine - machine_before,
        memory: server.memory.max(server_before.memory),
    })
}

/// Makes the first account and a class, by the forms of the pages.
async fn open_class(instructor: &mut Browser, code: &str, store: &Store) -> anyhow::Result<Class> {
    let account = [field("code", code), field("login", LOGIN), field("name", "Load"), field("password", PASSWORD)];
    let made = instructor.post("teach-set-up", &account, Instant::now()).await?;
    ensure!(made.is_good(), "no account: {}", made.message());
    let draft = [
        field("fields[name]", "Load"),
        field("fields[starts_at]", "2020-01-01T08:00"),
        field("fields[ends_at]", "2099-01-01T08:00"),
        field("fields[lab-sandbox-sql]", "on"),
    ];
    let made = instructor.post("teach-create-class", &draft, Instant::now()).await?;
    ensure!(made.is_good(), "no class: {}", made.message());
    let owner = store.instructor_by_login(LOGIN).await?.context("the account is not there")?;
    let (class, _) = store.classes_of(&owner.id).await?.into_iter().next().context("the class is not there")?;
    Ok(class)
}

/// Learners who are in the class, at the same step, where each has tried in vain once.
async fn fill(store: &Store, class: &Class, learners: u32) -> anyhow::Result<Vec<LearnerId>> {
    let checks = checks_of_step()?;
    let made = stream::iter(0..learners).map(|number| {
        let checks = &checks;
        async move {
            let account = format!("{:012}", 100_000_000_000_u64 + u64::from(number));
            let variables = serde_json::to_value(Variables::defaults(&account, "us-east-1", "http://127.0.0.1:4566"))?;
            let now = OffsetDateTime::now_utc();
            let (learner, _) = store.create_learner(&account, &json!({ "kind": "sandbox" }), &variables, now).await?;
            store.join(class, &learner.id, Some(&format!("Learner {number:05}")), now).await?;
            store.open_step(&learner.id, STEP, now).await?;
            let cause = number as usize % CAUSES;
            store.record_checks(&learner.id, STEP, &[in_vain(checks, cause)], false, now).await?;
            Ok::<_, anyhow::Error>(learner.id)
        }
    });
    made.buffered(MADE_AT_ONCE).try_collect().await
}

fn checks_of_step() -> anyhow::Result<Vec<String>> {
    let lab = Lab::embedded();
    let step = lab.step(STEP).context("the lab has another first step")?;
    Ok(step.checks.iter().map(|check| check.name.clone()).collect())
}

fn in_vain(checks: &[String], cause: usize) -> CheckOutcome {
    CheckOutcome {
        name: checks[cause % checks.len()].clone(),
        verdict: VerdictKind::Wrong,
        cause: format!("cause-{}", cause / checks.len()),
        result: json!({ "verdict": "wrong" }),
    }
}

/// Waits until all that was written has its place in the log, and gives the last one's number.
async fn settled(store: &Store, class: &ClassId) -> anyhow::Result<i64> {
    let seq = async || store.head(class).await.map(|head| head.map_or(0, |head| head.seq));
    let mut before = seq().await?;
    let settled = async {
        loop {
            sleep(STILL).await;
            let now = seq().await?;
            if now == before {
                return Ok::<_, anyhow::Error>(now);
            }
            before = now;
        }
    };
    timeout(SEALING, settled).await.context("the log was not sealed in time")?
}

/// The attempts of all learners, drawn from the seed: they come at random, at the asked rate.
fn events(options: &BoardOptions, learners: usize) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(options.seed);
    let mut due = 0.0_f64;
    let mut events = Vec::new();
    while events.len() < options.events as usize * options.seconds as usize {
        due -= (1.0 - random.random::<f64>()).ln() / f64::from(options.events);
        events.push(Event { due: Duration::from_secs_f64(due), learner: random.random_range(0..learners) });
    }
    events
}

/// Writes each event at its moment, whether or not the ones before are acknowledged.
async fn write_all(
    store: &Store,
    members: &[LearnerId],
    events: &[Event],
    written: &Arc<Mutex<Figures>>,
    beginning: Instant,
) -> anyhow::Result<()> {
    let checks = Arc::new(checks_of_step()?);
    let mut writing = JoinSet::new();
    for (number, event) in events.iter().enumerate() {
        let due = beginning + event.due;
        sleep_until(due).await;
        while let Some(done) = writing.try_join_next() {
            done??;
        }
        let (store, learner) = (store.clone(), members[event.learner].clone());
        let (checks, written) = (Arc::clone(&checks), Arc::clone(written));
        writing.spawn(async move {
            let now = OffsetDateTime::now_utc();
            store.count_attempt(&learner, STEP, now).await?;
            written.lock().unwrap_or_else(PoisonError::into_inner).record(due.elapsed());
            if number % 2 == 0 {
                store.record_checks(&learner, STEP, &[in_vain(&checks, number % CAUSES)], false, now).await?;
            }
            Ok::<_, store::StoreError>(())
        });
    }
    while let Some(done) = writing.join_next().await {
        done??;
    }
    Ok(())
}

/// What a board has yet to show: the moments of each learner's attempts, the first one first.
struct Expected {
    moments: Vec<Vec<Duration>>,
    /// How many of them were shown.
    shown: Vec<usize>,
    left: usize,
}

impl Expected {
    fn new(events: &[Event], learners: usize) -> Self {
        let mut moments = vec![Vec::new(); learners];
        for event in events {
            moments[event.learner].push(event.due);
        }
        Self { moments, shown: vec![0; learners], left: events.len() }
    }

    /// A board shows so many attempts of a learner; gives the moments of those that it did not show before.
    fn show(&mut self, learner: usize, attempts: usize) -> Vec<Duration> {
        let moments = &self.moments[learner];
        let until = attempts.min(moments.len());
        let fresh = moments.get(self.shown[learner]..until).unwrap_or_default().to_vec();
        self.shown[learner] += fresh.len();
        self.left -= fresh.len();
        fresh
    }
}

/// What a board's stream tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    Rows(Rows),
    Class(IgnoredAny),
    Waiting(IgnoredAny),
    Help,
    Learner,
    Reset,
}

/// Rows, as far as they are needed here.
#[derive(Debug, Deserialize)]
struct Rows {
    seq: i64,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    learner: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Deserialize)]
struct Cell {
    #[serde(default)]
    attempts: usize,
}

/// Follows a board until it has shown everything, or the time for that is over.
async fn watch_board(
    mut stream: hyper::body::Incoming,
    places: Arc<HashMap<String, usize>>,
    mut expected: Expected,
    beginning: Instant,
    mut ended: watch::Receiver<Option<Instant>>,
) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let mut unread = Vec::new();
    while expected.left > 0 {
        let over = async {
            // The sender lives until all viewers have ended.
            let _ = ended.wait_for(Option::is_some).await;
            let at = *ended.borrow();
            sleep_until(at.unwrap_or_else(Instant::now)).await;
        };
        let event = tokio::select! {
            event = live::next(&mut stream, &mut unread) => event?,
            () = over => break,
        };
        let Some(event) = event else { bail!("the stream of the board ended") };
        let now = Instant::now();
        let event = serde_json::from_slice(&event).context("an event of the board")?;
        let Told::Rows(Rows { rows, .. }) = event else { continue };
        for row in rows {
            let Some(learner) = places.get(&row.learner) else { continue };
            let attempts = row.cells.iter().map(|cell| cell.attempts).sum();
            for due in expected.show(*learner, attempts) {
                figures.record(now.saturating_duration_since(beginning + due));
            }
        }
    }
    figures.failures = expected.left as u64;
    Ok(figures)
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_fixed_by_their_seed_and_come_at_the_rate() {
        let options = BoardOptions {
            headwater: PathBuf::new(),
            learners: vec![20],
            events: 500,
            seconds: 20,
            viewers: 1,
            seed: 3,
            server_cores: None,
        };
        let drawn = events(&options, 20);
        assert_eq!(drawn, events(&options, 20));
        assert_eq!(drawn.len(), 10_000);
        assert!(drawn.is_sorted_by_key(|event| event.due));
        assert!((19.0..21.0).contains(&drawn.last().unwrap().due.as_secs_f64()));
    }

    #[test]
    fn what_a_board_shows_is_counted_once() {
        let events = [1, 2, 3].map(|due| Event { due: Duration::from_secs(due), learner: 1 });
        let mut expected = Expected::new(&events, 2);
        assert_eq!(expected.show(1, 1), [Duration::from_secs(1)]);
        assert!(expected.show(1, 1).is_empty(), "a row may be told again");
        assert_eq!(expected.show(1, 3), [2, 3].map(Duration::from_secs));
        assert!(expected.show(0, 4).is_empty(), "nothing was due");
        assert_eq!(expected.left, 0);
    }
}
