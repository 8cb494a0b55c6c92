//! What is known of a class at one moment, and what of it has changed since it was told last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use app::model::teach::{BoardEvent, ClassCounters, ClassState, RowView, RowsView, WaitingView};
use classroom::{
    Board, BoardRow, Cluster, Event, HelpQueue, HelpSubject, LogEntry, MemberState, StuckRules, clusters, help_queue,
};
use indexmap::IndexMap;
use store::{Class, ClassId, Staff, StoreError};
use time::OffsetDateTime;

use super::rows::{Person, row_view};
use super::syllabus::Syllabus;
use super::told::Told;
use crate::class_settings::ClassSettings;
use crate::state::{Headwater, now};

/// What changes by time is looked at so often, in milliseconds.
const LOOK_MS: i64 = 2000;

/// Everything that the pages of a class show.
pub struct BoardState {
    pub class: Class,
    pub settings: ClassSettings,
    pub syllabus: Syllabus,
    pub staff: Vec<Staff>,
    pub waiting: Vec<WaitingView>,
    pub counters: ClassCounters,
    /// What was read of the class again, and is taken over with the next turn.
    pub reread: Option<Reread>,
    board: Board,
    people: HashMap<String, Person>,
    rows: IndexMap<String, Row>,
    stuck: HashSet<String>,
    /// What the help queue held when it was told last.
    help: HashSet<HelpMark>,
    looked_ms: i64,
    /// Something of the help queue may have changed by the log.
    is_help_due: bool,
    /// A hint went out, which the help queue shows.
    was_hinted: bool,
    told_seq: i64,
    told_state: Option<ClassState>,
}

/// The class as the store has it.
pub struct Reread {
    class: Class,
    settings: ClassSettings,
    syllabus: Syllabus,
    staff: Vec<Staff>,
    waiting: Vec<WaitingView>,
}

/// A row with the log's head at which it changed last. One without a view is gone.
struct Row {
    view: Option<Arc<RowView>>,
    changed: i64,
}

/// By this it is told whether the help queue has changed; how long somebody has waited is not in it.
#[derive(PartialEq, Eq, Hash)]
enum HelpMark {
    Entry { learner: String, subject: HelpSubject, step: String, is_waiting: bool, reasons: usize },
    Cluster { check: String, cause: String, learners: Vec<String> },
}

impl Reread {
    /// Reads the class. `None` when it is not there.
    pub async fn of(headwater: &Headwater, class: &ClassId) -> Result<Option<Self>, StoreError> {
        let store = headwater.store();
        let (class, staff, waiting) = tokio::try_join!(store.class(class), store.staff(class), store.waiting(class))?;
        let Some(class) = class else { return Ok(None) };
        let settings: ClassSettings = serde_json::from_value(class.settings.clone())?;
        let syllabus = Syllabus::of(headwater, &settings.labs);
        let waiting = waiting.into_iter().map(|member| WaitingView {
            learner: member.learner.to_string(),
            name: member.name.unwrap_or_default(),
            since: member.joined.unix_timestamp(),
        });
        Ok(Some(Self { class, settings, syllabus, staff, waiting: waiting.collect() }))
    }
}

impl BoardState {
    /// The state of a class whose log has not been read. `None` for a class that is not there.
    pub async fn begin(headwater: &Headwater, class: &ClassId) -> Result<Option<Self>, StoreError> {
        let Some(Reread { class, settings, syllabus, staff, waiting }) = Reread::of(headwater, class).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            board: Board::new(class.id.as_str()),
            class,
            settings,
            syllabus,
            staff,
            waiting,
            counters: ClassCounters::default(),
            reread: None,
            people: HashMap::new(),
            rows: IndexMap::new(),
            stuck: HashSet::new(),
            help: HashSet::new(),
            looked_ms: 0,
            is_help_due: true,
            was_hinted: false,
            told_seq: 0,
            told_state: None,
        }))
    }

    /// The fold of the log; it may be further than the rows.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// All rows that are in the class.
    pub fn rows(&self, now: OffsetDateTime) -> RowsView {
        let rows = self.rows.values().filter_map(|row| row.view.clone()).collect();
        RowsView { seq: self.told_seq, read_at: now.unix_timestamp(), rows }
    }

    /// A learner's row, also of one who is not in the class any more.
    pub fn row(&self, learner: &str) -> Option<RowView> {
        let row = self.board.row(learner)?;
        Some(self.view(&row))
    }

    pub fn person(&self, learner: &str) -> Person {
        self.people.get(learner).cloned().unwrap_or_default()
    }

    /// What a learner is called; empty for one who has no name.
    pub fn name(&self, learner: &str) -> String {
        self.people.get(learner).map(|person| person.name.clone()).unwrap_or_default()
    }

    /// Where the class is in its time.
    pub fn state(&self, now: OffsetDateTime) -> ClassState {
        state_of(&self.class, now)
    }

    /// Who needs help.
    pub fn help(&self, now: OffsetDateTime) -> HelpQueue {
        help_queue(&self.board, &self.syllabus.planned, &StuckRules::default(), milliseconds(now))
    }

    /// Who has the same trouble.
    pub fn clusters(&self, now: OffsetDateTime) -> Vec<Cluster> {
        clusters(&self.board, &StuckRules::default(), milliseconds(now))
    }

    /// Takes in the next entries, and who is named in them. False when one is missing.
    pub fn take(&mut self, entries: &[LogEntry], people: Vec<(String, Person)>) -> bool {
        self.people.extend(people);
        for entry in entries {
            if self.board.apply(entry).is_err() {
                return false;
            }
            self.is_help_due |= is_about_help(&entry.event);
            self.was_hinted |= matches!(entry.event, Event::HintSent { .. });
        }
        true
    }

    /// Makes anew what has changed, and writes it for all who watch.
    pub fn turn(&mut self, now: OffsetDateTime) -> Told {
        let all = self.take_over();
        let (waiting, all) = (all.is_some(), all.unwrap_or_default());
        let seq = self.board.head().seq;
        let mut changed = if all { self.board.rows().collect() } else { self.board.changed_since(self.told_seq) };
        let (flipped, help_changed) = self.look_at_help(now);
        let mut learners: HashSet<String> = changed.iter().map(|row| row.learner.clone()).collect();
        for id in flipped {
            if learners.insert(id.clone()) {
                changed.extend(self.board.row(&id));
            }
        }
        let (mut rows, mut gone) = (Vec::new(), Vec::new());
        let is_first = self.told_state.is_none();
        for row in changed {
            let view = (row.state == MemberState::Active).then(|| Arc::new(self.view(&row)));
            // A board that was just made stands for the one that other viewers have seen elsewhere.
            let at = if is_first && !may_change_by_time(&row, &self.stuck, milliseconds(now)) {
                row.changed_seq
            } else {
                seq
            };
            let before = self.rows.get(&row.learner);
            if before.is_none() && view.is_none() || before.is_some_and(|before| before.view == view) {
                continue;
            }
            match &view {
                Some(view) => rows.push(Arc::clone(view)),
                None => gone.push(row.learner.clone()),
            }
            self.rows.insert(row.learner, Row { view, changed: at });
        }
        self.told_seq = seq;
        let has_rows = !rows.is_empty() || !gone.is_empty();
        let rows = BoardEvent::Rows { seq, read_at: now.unix_timestamp(), rows, gone };
        let mut others = Vec::new();
        let (counters, state) = (self.count(), self.state(now));
        if counters != self.counters || self.told_state != Some(state) {
            (self.counters, self.told_state) = (counters, Some(state));
            others.push(BoardEvent::Class { state, counters });
        }
        if waiting {
            others.push(BoardEvent::Waiting { waiting: self.waiting.clone() });
        }
        if help_changed {
            others.push(BoardEvent::Help);
        }
        Told::new(seq, has_rows.then_some(&rows), &others, Some(learners))
    }

    /// What one is told who has seen everything up to entry `after`; without it, no rows. What changes by time bears the
    /// number of the entry before it, so that the rows of that entry are told again.
    pub fn since(&self, after: Option<i64>, now: OffsetDateTime) -> Told {
        let others = [
            BoardEvent::Class { state: self.state(now), counters: self.counters },
            BoardEvent::Waiting { waiting: self.waiting.clone() },
        ];
        let rows = after.map(|after| {
            let missed = self.rows.iter().filter(|(_, row)| row.changed >= after);
            let (mut rows, mut gone) = (Vec::new(), Vec::new());
            for (learner, row) in missed {
                match &row.view {
                    Some(view) => rows.push(Arc::clone(view)),
                    None => gone.push(learner.clone()),
                }
            }
            BoardEvent::Rows { seq: self.told_seq, read_at: now.unix_timestamp(), rows, gone }
        });
        Told::new(self.told_seq, rows.as_ref(), &others, None)
    }

    /// Takes over what was read again. `Some` when there was something; true when every row has to be made anew.
    fn take_over(&mut self) -> Option<bool> {
        let Reread { class, settings, syllabus, staff, waiting } = self.reread.take()?;
        let is_other = self.syllabus != syllabus;
        (self.class, self.settings, self.syllabus) = (class, settings, syllabus);
        (self.staff, self.waiting) = (staff, waiting);
        Some(is_other)
    }

    /// Finds out who is stuck, when it is time. Gives those for whom that has changed, and whether the queue has.
    fn look_at_help(&mut self, now: OffsetDateTime) -> (Vec<String>, bool) {
        let now_ms = milliseconds(now);
        if !self.is_help_due && (0..LOOK_MS).contains(&(now_ms - self.looked_ms)) {
            return (Vec::new(), false);
        }
        (self.is_help_due, self.looked_ms) = (false, now_ms);
        let queue = self.help(now);
        let is_stuck = |entry: &&classroom::HelpEntry| !entry.reasons.is_empty();
        let stuck: HashSet<String> = queue.waiting.iter().filter(is_stuck).map(|one| one.learner.clone()).collect();
        let flipped = stuck.symmetric_difference(&self.stuck).cloned().collect();
        self.stuck = stuck;
        let help = marks(&queue, &self.clusters(now));
        let has_changed = help != self.help || self.was_hinted;
        self.was_hinted = false;
        self.help = help;
        (flipped, has_changed)
    }

    fn view(&self, row: &BoardRow) -> RowView {
        row_view(&self.board, row, &self.person(&row.learner), self.stuck.contains(&row.learner), &self.syllabus)
    }

    fn count(&self) -> ClassCounters {
        let mut counters = ClassCounters { waiting: count(self.waiting.len()), ..ClassCounters::default() };
        for row in self.rows.values().filter_map(|row| row.view.as_deref()) {
            counters.learners += 1;
            counters.hands += u32::from(row.hand.is_some());
            counters.stuck += u32::from(row.stuck);
            counters.finished += u32::from(row.is_finished());
        }
        counters
    }
}

/// Where a class is in its time.
pub fn state_of(class: &Class, now: OffsetDateTime) -> ClassState {
    if class.archived.is_some() {
        ClassState::Archived
    } else if class.ends.is_some_and(|ends| ends <= now) {
        ClassState::Ended
    } else if class.starts.is_some_and(|starts| starts > now) {
        ClassState::NotBegun
    } else {
        ClassState::Running
    }
}

/// Unix milliseconds.
pub fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

/// Whether the row may be other than it was when its last entry was new: who is stuck becomes so by time, and is so no longer
/// when idle.
fn may_change_by_time(row: &BoardRow, stuck: &HashSet<String>, now_ms: i64) -> bool {
    let is_idle = row.last_active_ms.is_some_and(|active| now_ms - active >= StuckRules::default().idle_ms);
    let current = row.current_step.as_ref().and_then(|slug| row.steps.iter().find(|step| step.step == *slug));
    stuck.contains(&row.learner) || is_idle && current.is_some_and(|step| step.passed_ms.is_none())
}

fn is_about_help(event: &Event) -> bool {
    match event {
        Event::HandRaised { .. }
        | Event::HandLowered
        | Event::HintSent { .. }
        | Event::Resolved { .. }
        | Event::Reopened { .. }
        | Event::Left
        | Event::Removed => true,
        Event::PointsSet { .. }
        | Event::Waiting
        | Event::Joined
        | Event::Renamed
        | Event::StepOpened { .. }
        | Event::Attempted { .. }
        | Event::Verdict { .. }
        | Event::StepPassed { .. }
        | Event::Assisted { .. }
        | Event::HintRevealed { .. }
        | Event::Answered { .. }
        | Event::HintSeen { .. } => false,
    }
}

fn marks(queue: &HelpQueue, clusters: &[Cluster]) -> HashSet<HelpMark> {
    let entries = queue.waiting.iter().map(|one| (one, true)).chain(queue.resolved.iter().map(|one| (one, false)));
    let entries = entries.map(|(entry, is_waiting)| HelpMark::Entry {
        learner: entry.learner.clone(),
        subject: entry.subject.clone(),
        step: entry.step.clone(),
        is_waiting,
        reasons: entry.reasons.len(),
    });
    let clusters = clusters.iter().map(|cluster| {
        let mut learners = cluster.learners.clone();
        learners.sort_unstable();
        HelpMark::Cluster { check: cluster.check.clone(), cause: cluster.cause.clone(), learners }
    });
    entries.chain(clusters).collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The time now in Unix milliseconds.
pub fn now_ms() -> i64 {
    milliseconds(now())
}
