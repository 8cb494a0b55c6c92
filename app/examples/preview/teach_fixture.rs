//! A teaching side with canned answers, so that every page of the instructors can be looked at.

#[path = "teach_fixture/people.rs"]
mod people;
#[path = "teach_fixture/settings.rs"]
mod settings;
#[path = "teach_fixture/trouble.rs"]
mod trouble;

use app::{
    error::BackendError,
    model::{
        CheckView, EvidenceField, EvidenceView, LabChoice, Verdict, VerdictView,
        teach::{
            BoardCheck, BoardStep, BoardView, CheckTally, ClassCommand, ClassCounters, ClassDraft, ClassLearnerView,
            ClassResultsView, ClassState, ClassSummary, ClassView, ClassesView, EntranceView, HelpView, InstructorView,
            InvitationView, LearnerStepView, LogHeadView, Membership, NewClassView, Points, ProviderView, ResultRow,
            ResultsQuery, Right, Role, RowsView, SentHintView, SettingsView, ShownOnce, StepPointsEarned, TallyStep,
            TimelineView, WaitingView,
        },
    },
    teaching::Teaching,
};
use async_trait::async_trait;
pub use people::row;
use secrecy::SecretString;
use std::sync::Arc;

/// 2026-11-24T19:00:00Z
pub const NOW: i64 = 1_795_546_800;
pub const CLASS: &str = "c7";

/// Who is looking, and at what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TeachScene {
    /// An owner of a class of thirty.
    #[default]
    Owner,
    Teacher,
    Viewer,
    /// Nobody is signed in.
    Nobody,
    /// The same, with a provider to sign in by.
    Provider,
    /// There is no account yet.
    First,
    /// An owner without classes, or of a class without learners.
    Empty,
    /// An owner of a class of ten thousand.
    Large,
    /// Secrets were made a moment ago.
    Once,
    /// Every operation fails.
    Broken,
}

impl TeachScene {
    pub const ALL: [(&str, Self); 10] = [
        ("owner", Self::Owner),
        ("teacher", Self::Teacher),
        ("viewer", Self::Viewer),
        ("nobody", Self::Nobody),
        ("provider", Self::Provider),
        ("first", Self::First),
        ("empty", Self::Empty),
        ("large", Self::Large),
        ("once", Self::Once),
        ("broken", Self::Broken),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, scene)| scene)
    }

    fn role(self) -> Role {
        match self {
            Self::Teacher => Role::Teacher,
            Self::Viewer => Role::Viewer,
            _ => Role::Owner,
        }
    }

    pub fn learners(self) -> u32 {
        match self {
            Self::Empty => 0,
            Self::Large => 10_000,
            _ => 30,
        }
    }
}

pub struct TeachFixture {
    pub scene: TeachScene,
}

/// Slug and title of a step, and its checks by id and title.
type Step = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const STEPS: [Step; 7] = [
    ("connect", "Connect", &[("connect.identity", "The account answers")]),
    (
        "delivery-stream",
        "Delivery stream",
        &[
            ("delivery-stream.active", "The delivery stream is active"),
            ("delivery-stream.prefix", "Objects go under the prefix clicks/"),
            ("delivery-stream.compression", "Objects are compressed"),
        ],
    ),
    ("ingest", "Ingest", &[("ingest.objects", "Objects arrived in S3"), ("ingest.shape", "Rows have four columns")]),
    (
        "preprocess",
        "Preprocess",
        &[
            ("preprocess.handler", "The handler is the right one"),
            ("preprocess.batch", "A synthetic batch comes back right"),
        ],
    ),
    (
        "streaming-sql",
        "Streaming SQL",
        &[
            ("streaming-sql.running", "The application is running"),
            ("streaming-sql.window", "Counts come by the minute"),
        ],
    ),
    ("results", "Results", &[("results.table", "The table has the right key"), ("results.rows", "Rows arrive")]),
    ("clean-up", "Clean up", &[("clean-up.gone", "Everything is gone")]),
];

pub fn steps() -> Vec<BoardStep> {
    (0..)
        .zip(STEPS)
        .map(|(number, (slug, title, checks))| BoardStep {
            slug: slug.to_owned(),
            number,
            title: title.to_owned(),
            checks: checks
                .iter()
                .map(|(id, title)| BoardCheck { id: (*id).to_owned(), title: (*title).to_owned() })
                .collect(),
        })
        .collect()
}

impl TeachFixture {
    fn guard(&self) -> Result<(), BackendError> {
        match self.scene {
            TeachScene::Nobody | TeachScene::Provider | TeachScene::First => Err(BackendError::NotSignedIn),
            TeachScene::Broken => Err(BackendError::Internal { request: Some("3f2c77".to_owned()) }),
            _ => Ok(()),
        }
    }

    fn class_view(&self, class: &str) -> Result<ClassView, BackendError> {
        self.guard()?;
        if class != CLASS {
            return Err(BackendError::NotFound);
        }
        Ok(ClassView {
            id: CLASS.to_owned(),
            name: "Streaming data, autumn 2026".to_owned(),
            state: ClassState::Running,
            starts_at: NOW - 3600,
            ends_at: NOW + 7200,
            join_code: "K7QM-2XRD".to_owned(),
            join_link: "https://lab.example/join/K7QM-2XRD".to_owned(),
            approval: true,
            role: self.scene.role(),
            counters: self.counters(),
        })
    }

    pub fn counters(&self) -> ClassCounters {
        let rows = self.rows();
        let count = |fits: &dyn Fn(&app::model::teach::RowView) -> bool| {
            rows.rows.iter().filter(|row| fits(row)).count() as u32
        };
        ClassCounters {
            learners: self.scene.learners(),
            waiting: self.waiting().len() as u32,
            hands: count(&|row| row.hand.is_some()),
            stuck: count(&|row| row.stuck),
            finished: count(&|row| row.is_finished()),
        }
    }

    pub fn rows(&self) -> RowsView {
        RowsView {
            seq: 4210,
            read_at: NOW,
            rows: (0..self.scene.learners()).map(|number| Arc::new(row(number, 0))).collect(),
        }
    }

    pub fn waiting(&self) -> Vec<WaitingView> {
        if self.scene == TeachScene::Empty {
            return Vec::new();
        }
        [("a0b1c2d3", "Noor Haddad", 240), ("a1b2c3d4", "Jonas Weber", 90)]
            .map(|(id, name, ago)| WaitingView { learner: id.repeat(4), name: name.to_owned(), since: NOW - ago })
            .into()
    }

    fn check(id: &str, title: &str, verdict: Option<Verdict>) -> CheckView {
        let passed_at = matches!(verdict, Some(Verdict::Pass)).then_some(NOW - 1800);
        CheckView {
            id: id.to_owned(),
            title: title.to_owned(),
            needs_consent: false,
            running: false,
            last: verdict.map(|verdict| VerdictView {
                message: match verdict {
                    Verdict::Pass => "As it should be.".to_owned(),
                    _ => "The prefix has no slash at its end, so that the date follows right behind it.".to_owned(),
                },
                verdict,
                evidence: vec![EvidenceView {
                    call: "Firehose DescribeDeliveryStream".to_owned(),
                    at: NOW - 60,
                    fields: vec![EvidenceField { name: "Prefix".to_owned(), value: "clicks".to_owned() }],
                }],
                checked_at: NOW - 60,
            }),
            passed_at,
            regression: None,
        }
    }
}

#[async_trait]
impl Teaching for TeachFixture {
    async fn entrance(&self) -> Result<EntranceView, BackendError> {
        if self.scene == TeachScene::Broken {
            return Err(BackendError::Internal { request: Some("3f2c77".to_owned()) });
        }
        Ok(EntranceView {
            needs_set_up: self.scene == TeachScene::First,
            provider: (self.scene == TeachScene::Provider).then(|| "Example University".to_owned()),
        })
    }

    async fn instructor(&self) -> Result<Option<InstructorView>, BackendError> {
        match self.guard() {
            Ok(()) => Ok(Some(InstructorView {
                id: "i1".to_owned(),
                login: "mira@example.edu".to_owned(),
                name: "Mira Lind".to_owned(),
                has_password: true,
                provider: (self.scene == TeachScene::Provider)
                    .then(|| ProviderView { name: "Example University".to_owned(), is_connected: false }),
            })),
            Err(BackendError::NotSignedIn) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn sign_in(&self, login: &str, _password: SecretString) -> Result<(), BackendError> {
        if login == "mira@example.edu" {
            return Ok(());
        }
        Err(BackendError::Invalid {
            field: "password".to_owned(),
            message: "Login and password do not go together.".to_owned(),
        })
    }

    async fn set_up(&self, code: &str, _: &str, _: &str, _: SecretString) -> Result<(), BackendError> {
        if code == "7QXD-92MK" {
            return Ok(());
        }
        Err(BackendError::Invalid {
            field: "code".to_owned(),
            message: "That is not the code. It stands in the terminal.".to_owned(),
        })
    }

    async fn sign_out(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn rename_instructor(&self, _name: &str) -> Result<(), BackendError> {
        self.guard()
    }

    async fn disconnect_provider(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn change_password(&self, _current: SecretString, _password: SecretString) -> Result<(), BackendError> {
        self.guard()?;
        Err(BackendError::Invalid { field: "current".to_owned(), message: "That is not your password.".to_owned() })
    }

    async fn invitation(&self, code: &str) -> Result<InvitationView, BackendError> {
        if code != "H8TW" {
            return Err(BackendError::NotFound);
        }
        Ok(InvitationView {
            class_name: "Streaming data, autumn 2026".to_owned(),
            role: Role::Teacher,
            invited_by: "Mira Lind".to_owned(),
            expires_at: NOW + 86_400,
            signed_in: self.instructor().await?,
            provider: (self.scene == TeachScene::Provider).then(|| "Example University".to_owned()),
        })
    }

    async fn accept_invitation(&self, _code: &str) -> Result<String, BackendError> {
        self.guard()?;
        Ok(CLASS.to_owned())
    }

    async fn accept_with_account(&self, _: &str, _: &str, _: &str, _: SecretString) -> Result<String, BackendError> {
        Ok(CLASS.to_owned())
    }

    async fn new_class(&self) -> Result<NewClassView, BackendError> {
        self.guard()?;
        let labs = vec![LabChoice::SandboxSql, LabChoice::SandboxWindow, LabChoice::AccountWindow];
        Ok(NewClassView { labs, read_at: NOW })
    }

    async fn classes(&self) -> Result<ClassesView, BackendError> {
        self.guard()?;
        let summary = |id: &str, name: &str, state, role, learners, hands| ClassSummary {
            id: id.to_owned(),
            name: name.to_owned(),
            state,
            starts_at: NOW - 3600,
            ends_at: NOW + 7200,
            role,
            learners,
            waiting: if hands > 0 { 2 } else { 0 },
            hands,
            unread: hands * 2,
        };
        let classes = if self.scene == TeachScene::Empty {
            Vec::new()
        } else {
            vec![
                summary(
                    CLASS,
                    "Streaming data, autumn 2026",
                    ClassState::Running,
                    self.scene.role(),
                    self.scene.learners(),
                    3,
                ),
                summary("c8", "Data engineering, second group", ClassState::NotBegun, Role::Teacher, 0, 0),
                summary("c5", "Streaming data, spring 2026", ClassState::Ended, Role::Owner, 412, 0),
                summary("c2", "Trial run", ClassState::Archived, Role::Viewer, 8, 0),
            ]
        };
        Ok(ClassesView { instructor: "Mira Lind".to_owned(), classes })
    }

    async fn create_class(&self, _draft: ClassDraft) -> Result<String, BackendError> {
        self.guard()?;
        Ok(CLASS.to_owned())
    }

    async fn board(&self, class: &str) -> Result<BoardView, BackendError> {
        let class = self.class_view(class)?;
        Ok(BoardView { class, steps: steps(), rows: self.rows(), waiting: self.waiting() })
    }

    async fn help(&self, class: &str) -> Result<HelpView, BackendError> {
        Ok(trouble::help(self.class_view(class)?, self.scene))
    }

    async fn class_learner(&self, class: &str, learner: &str) -> Result<ClassLearnerView, BackendError> {
        let class = self.class_view(class)?;
        let rows = self.rows().rows;
        let row = rows.into_iter().find(|row| row.learner == learner).ok_or(BackendError::NotFound)?;
        let current = row.current();
        let steps = steps()
            .into_iter()
            .enumerate()
            .map(|(place, step)| {
                let cell = row.cells.get(place).cloned().unwrap_or_default();
                let checks = step
                    .checks
                    .iter()
                    .zip(0_u32..)
                    .map(|(check, index)| {
                        let verdict = if cell.state.is_passed() {
                            Some(Verdict::Pass)
                        } else if cell.failing == Some(index) {
                            Some(Verdict::Wrong {
                                setting: "Prefix".to_owned(),
                                expected: "clicks/".to_owned(),
                                found: "clicks".to_owned(),
                            })
                        } else if current == Some(place) {
                            Some(Verdict::NotYet)
                        } else {
                            None
                        };
                        Self::check(&check.id, &check.title, verdict)
                    })
                    .collect();
                let possible = step.checks.len() as u32 * 10;
                LearnerStepView {
                    points: if cell.state.is_passed() { Points::whole(possible) } else { Points::default() },
                    points_possible: possible,
                    hints_revealed: 1,
                    hints_total: 3,
                    checks,
                    step,
                }
            })
            .collect();
        Ok(ClassLearnerView {
            class,
            read_at: NOW,
            row: (*row).clone(),
            membership: Membership::In { since: NOW - 3400 },
            lab: "a SQL application, in the sandbox".to_owned(),
            points_possible: 140,
            steps,
            timeline: [
                (60, "Set differently: Objects go under the prefix clicks/", Some("Delivery stream")),
                (300, "Asked for a check, the third time", Some("Delivery stream")),
                (900, "Opened the step", Some("Delivery stream")),
                (1000, "Step passed", Some("Connect")),
                (3400, "Joined the class", None),
            ]
            .map(|(ago, text, step)| TimelineView {
                at: NOW - ago,
                text: text.to_owned(),
                step: step.map(str::to_owned),
            })
            .into(),
            hints: vec![SentHintView {
                at: NOW - 500,
                by: "Mira Lind".to_owned(),
                text: "Look at the very end of the prefix.".to_owned(),
                seen_at: None,
            }],
            suggestions: trouble::suggestions(),
        })
    }

    async fn class_results(&self, class: &str, query: ResultsQuery) -> Result<ClassResultsView, BackendError> {
        const PAGE: usize = 100;
        let class = self.class_view(class)?;
        let mut rows = self.rows().rows;
        rows.sort_by_key(|row| (query.by_points.then_some(std::cmp::Reverse(row.points)), row.name.clone()));
        let totals = rows.iter().map(|row| row.points).collect();
        let learners = rows.len() as u32;
        let pages = learners.div_ceil(PAGE as u32).max(1);
        let page = query.page.clamp(1, pages);
        let tally = |step: BoardStep| TallyStep {
            points: step.checks.len() as u32 * 10,
            checks: step
                .checks
                .into_iter()
                .map(|check| CheckTally {
                    id: check.id,
                    title: check.title,
                    points: 10,
                    passed: learners.saturating_sub(step.number * learners / 7),
                    assisted: step.number % 2,
                })
                .collect(),
            slug: step.slug,
            number: step.number,
            title: step.title,
        };
        let shown = rows.iter().skip((page as usize - 1) * PAGE).take(PAGE).map(|row| ResultRow {
            learner: row.learner.clone(),
            name: row.name.clone(),
            steps: row
                .cells
                .iter()
                .zip(STEPS)
                .map(|(cell, (_, _, checks))| StepPointsEarned {
                    points: match cell.state.is_passed() {
                        true if cell.assisted => Points { hundredths: checks.len() as u32 * 500 },
                        true => Points::whole(checks.len() as u32 * 10),
                        false => Points::default(),
                    },
                    is_passed: cell.state.is_passed(),
                    assisted: cell.assisted,
                })
                .collect(),
            total: row.points,
            finished_at: row.is_finished().then_some(NOW - 300),
        });
        Ok(ClassResultsView {
            class,
            steps: steps().into_iter().map(tally).collect(),
            points_possible: 130,
            rows: shown.collect(),
            learners,
            page,
            pages,
            totals,
            head: LogHeadView { seq: 4210, hash: "9f2c7a".repeat(11)[..64].to_owned() },
        })
    }

    async fn settings(&self, class: &str) -> Result<SettingsView, BackendError> {
        let class = self.class_view(class)?;
        if !class.role.may(Right::Manage) {
            return Err(BackendError::NotAllowed);
        }
        Ok(settings::view(class))
    }

    async fn command(&self, class: &str, command: ClassCommand) -> Result<String, BackendError> {
        let class = self.class_view(class)?;
        if !class.role.may(command.needs()) {
            return Err(BackendError::NotAllowed);
        }
        match command {
            ClassCommand::Delete { typed } if typed != class.name => Err(BackendError::Invalid {
                field: "typed".to_owned(),
                message: "That is not the name of the class.".to_owned(),
            }),
            _ => Ok("Done.".to_owned()),
        }
    }

    async fn take_shown_once(&self, _class: &str) -> Result<Option<ShownOnce>, BackendError> {
        Ok((self.scene == TeachScene::Once).then(|| ShownOnce::WebhookSecret {
            url: "https://hooks.example/lab".to_owned(),
            secret: "whsec-only-an-example".to_owned(),
        }))
    }
}
