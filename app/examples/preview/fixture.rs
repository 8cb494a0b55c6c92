//! A backend with canned answers, so that every page and state can be looked at.

#[path = "fixture/account.rs"]
mod account;
#[path = "fixture/catch_up.rs"]
mod catch_up;
#[path = "fixture/class.rs"]
pub mod class;
#[path = "fixture/receipt.rs"]
mod receipt;
#[path = "fixture/trace.rs"]
mod trace;

use app::{
    backend::{AccountQuery, Backend},
    error::BackendError,
    model::{
        AccessKeyView, AccountView, ActionView, AnswerView, BadLine, ChartView, CheckResult, CheckView, Choice,
        ClassInvite, CostView, DemoRequest, DemoSource, DemoState, DemoView, EvidenceField, EvidenceView, FieldInput,
        FieldView, Fields, HintView, HintsView, JoinRequest, Joined, LabChoice, LabView, LearnerView, MembershipState,
        MembershipView, MintedKeys, NodeId, NodeState, Notice, OwnLab, PageCount, Performed, PipelineShape,
        PipelineView, PlaceView, QuestionView, ResultsView, Solution, Standing, StepLink, StepResult, StepState,
        StepSummary, StepView, Tone, TraceView, Verdict, VerdictView, WindowState, WindowView, about,
    },
};
use async_trait::async_trait;

/// 2026-11-24T19:00:00Z
pub const NOW: i64 = 1_795_546_800;

/// How far the learner of the preview is, and where the lab runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scene {
    /// Nobody was here before.
    Stranger,
    /// The same, where accounts are not offered.
    SandboxOnly,
    /// Right after the start, with fresh keys.
    Fresh,
    /// Two steps passed; verdicts of every kind; clicks being sent.
    #[default]
    Midway,
    /// All passed, the chart full.
    Done,
    /// Every operation fails.
    Broken,
    /// In the sandbox, with a function that counts; two steps passed, one of them done for the learner.
    Window,
    /// In an account, on a server that no longer reaches any.
    Off,
    /// By the machine's credentials: before the code.
    Locked,
    /// Then to choose a profile.
    Profiles,
    /// Then to confirm the account.
    Found,
    /// Then connected; two steps passed, the clicks stopped on their way, and things cost money.
    Connected,
    /// By a role: before the account is known.
    Prepare,
    /// The role cannot be offered.
    Problem,
    /// The role to make.
    Offer,
    /// Then connected, with Flink.
    RoleConnected,
    /// In an account: all passed, nothing left.
    Clean,
    /// As midway, in a class, with a hand up and a hint from an instructor.
    Member,
    /// As midway, waiting to be let into a class.
    MemberWaiting,
    /// As midway, taken out of a class.
    MemberRemoved,
    /// As midway, in a class that is over.
    ClassOver,
    /// Nobody was here before, and labs are for members of classes.
    MembersOnly,
}

impl Scene {
    pub const ALL: [(&str, Self); 22] = [
        ("stranger", Self::Stranger),
        ("sandbox-only", Self::SandboxOnly),
        ("fresh", Self::Fresh),
        ("midway", Self::Midway),
        ("done", Self::Done),
        ("broken", Self::Broken),
        ("window", Self::Window),
        ("off", Self::Off),
        ("locked", Self::Locked),
        ("profiles", Self::Profiles),
        ("found", Self::Found),
        ("connected", Self::Connected),
        ("prepare", Self::Prepare),
        ("problem", Self::Problem),
        ("offer", Self::Offer),
        ("role-connected", Self::RoleConnected),
        ("clean", Self::Clean),
        ("member", Self::Member),
        ("member-waiting", Self::MemberWaiting),
        ("member-removed", Self::MemberRemoved),
        ("class-over", Self::ClassOver),
        ("members-only", Self::MembersOnly),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, scene)| scene)
    }

    /// How far it is, whatever the place.
    fn progress(self) -> Self {
        match self {
            Self::SandboxOnly | Self::MembersOnly => Self::Stranger,
            Self::Window
            | Self::Connected
            | Self::RoleConnected
            | Self::Member
            | Self::MemberWaiting
            | Self::MemberRemoved
            | Self::ClassOver => Self::Midway,
            Self::Clean => Self::Done,
            Self::Off | Self::Locked | Self::Profiles | Self::Found | Self::Prepare | Self::Problem | Self::Offer => {
                Self::Fresh
            }
            Self::Stranger | Self::Fresh | Self::Midway | Self::Done | Self::Broken => self,
        }
    }

    fn shape(self) -> PipelineShape {
        match self {
            Self::RoleConnected | Self::Prepare | Self::Problem | Self::Offer => PipelineShape::Flink,
            Self::Window | Self::Off | Self::Locked | Self::Profiles | Self::Found | Self::Connected | Self::Clean => {
                PipelineShape::Window
            }
            _ => PipelineShape::Sql,
        }
    }

    fn is_account(self) -> bool {
        !matches!(self, Self::Window) && self.shape() != PipelineShape::Sql
    }

    fn engine(self) -> &'static str {
        match self.shape() {
            PipelineShape::Sql => "a SQL application",
            PipelineShape::Window => "a Lambda function with a tumbling window",
            PipelineShape::Flink => "Managed Service for Apache Flink",
        }
    }
}

pub struct Fixture {
    pub scene: Scene,
}

const TITLES: [(&str, &str, u32, u32); 7] = [
    ("connect", "Connect", 5, 1),
    ("delivery-stream", "Delivery stream", 15, 7),
    ("ingest", "Ingest", 10, 3),
    ("preprocess", "Preprocess", 20, 5),
    ("streaming-sql", "Streaming SQL", 25, 6),
    ("results", "Results", 20, 6),
    ("clean-up", "Clean up", 5, 5),
];

impl Fixture {
    fn passed(&self) -> usize {
        match self.scene.progress() {
            Scene::Midway => 2,
            Scene::Done => 7,
            _ => 0,
        }
    }

    fn guard(&self) -> Result<(), BackendError> {
        match self.scene.progress() {
            Scene::Stranger => Err(BackendError::NoLearner),
            Scene::Broken => Err(BackendError::Internal { request: Some("3f2c77".to_owned()) }),
            _ => Ok(()),
        }
    }

    fn steps(&self) -> Vec<StepSummary> {
        let passed = self.passed();
        TITLES
            .iter()
            .enumerate()
            .map(|(index, (slug, title, minutes, checks))| StepSummary {
                slug: (*slug).to_owned(),
                number: index as u32,
                title: (*title).to_owned(),
                summary: String::new(),
                minutes: *minutes,
                state: match index {
                    1 if self.scene.progress() == Scene::Midway => StepState::PassedThenChanged,
                    index if index < passed => StepState::Passed,
                    index if index == passed && self.scene.progress() == Scene::Midway => StepState::UnderWay,
                    _ => StepState::NotStarted,
                },
                checks_passed: if index < passed {
                    *checks
                } else {
                    u32::from(self.scene.progress() == Scene::Midway && index == passed)
                },
                checks_total: *checks,
            })
            .collect()
    }

    fn learner_view(&self) -> LearnerView {
        LearnerView {
            current_step: TITLES[self.passed().min(6)].0.to_owned(),
            steps_passed: self.passed() as u32,
            steps_total: 7,
        }
    }

    fn account_id(&self) -> &'static str {
        match self.scene {
            Scene::Connected | Scene::RoleConnected | Scene::Clean => account::NUMBER,
            scene if scene.is_account() => "",
            _ => "481920375566",
        }
    }

    fn region(&self) -> &'static str {
        if self.scene.is_account() { account::REGION } else { "us-east-1" }
    }

    fn account(&self) -> AccountView {
        let name = |name: &str, label: &str, value: &str| FieldView {
            name: name.to_owned(),
            label: label.to_owned(),
            help_html: String::new(),
            value: value.to_owned(),
            required: true,
            input: FieldInput::Text { max_length: 63 },
        };
        AccountView {
            account_id: self.account_id().to_owned(),
            region: self.region().to_owned(),
            engine: self.scene.engine().to_owned(),
            place: account::connect(self.scene).map_or_else(
                || PlaceView::Sandbox {
                    endpoint: "http://127.0.0.1:4566".to_owned(),
                    access_keys: vec![AccessKeyView { id: "AKIAHEADWATER4821".to_owned(), created_at: NOW - 5400 }],
                },
                PlaceView::Account,
            ),
            names: vec![
                name("bucket", "Bucket", "clickstream-481920375566-us-east-1"),
                name("stream", "Delivery stream", "ClickStreamData"),
                name("table", "Table", "ClickstreamWindowCounts"),
                FieldView {
                    input: FieldInput::Number { min: 1, max: 3600, unit: Some("seconds".to_owned()) },
                    help_html: "How long the SQL counts before it hands a number on.".to_owned(),
                    ..name("window_seconds", "Window", "60")
                },
            ],
        }
    }

    pub fn pipeline(&self) -> PipelineView {
        let mut view = PipelineView::new(self.scene.shape(), |id| {
            let name = match id {
                NodeId::Clicks => "demo sender",
                NodeId::DataStream => "ClickStreamInput",
                NodeId::Stream => "ClickStreamData",
                NodeId::Bucket => "clickstream-481920375566-us-east-1",
                NodeId::Preprocess => "PreprocessClickstreamData",
                NodeId::Application => "ClickstreamAnalytics",
                NodeId::Output => "StoreWindowCounts",
                NodeId::Table => "ClickstreamWindowCounts",
            };
            let state = match (self.scene.progress(), id) {
                (Scene::Done, _) | (Scene::Midway, NodeId::Clicks | NodeId::DataStream | NodeId::Stream) => {
                    NodeState::Lit
                }
                (Scene::Midway, NodeId::Bucket) => NodeState::Begun,
                _ => NodeState::Dark,
            };
            (state, name.to_owned())
        });
        for flow in &mut view.flows {
            flow.moving = flow.state == NodeState::Lit;
        }
        view
    }

    pub fn demo(&self) -> DemoView {
        let base = DemoView { max_rate: 2000, max_duration_seconds: 600, ..DemoView::default() };
        match self.scene.progress() {
            Scene::Midway => DemoView {
                state: DemoState::Running,
                request: DemoRequest { rate: 200, duration_seconds: 120, seed: 7 },
                elapsed_ms: 47_300,
                sent: 9_460,
                accepted: 9_412,
                retried: 48,
                clicks_accepted: 143_902,
                rows_per_second: 199,
                ..base
            },
            Scene::Done => DemoView {
                state: DemoState::Finished,
                source: DemoSource::File { name: "enwiki-top-pairs.tsv".to_owned(), rows: 5_000 },
                elapsed_ms: 25_000,
                sent: 5_000,
                accepted: 4_998,
                retried: 12,
                failed: 2,
                clicks_accepted: 881_204,
                bad_lines: vec![
                    BadLine { line: 17, reason: "Three columns, not four.".to_owned() },
                    BadLine { line: 1_204, reason: "The count is 0; it starts at 1.".to_owned() },
                ],
                bad_line_count: 2,
                ..base
            },
            _ => base,
        }
    }

    pub fn chart(&self) -> ChartView {
        let table = "ClickstreamWindowCounts".to_owned();
        if self.scene.progress() != Scene::Done {
            return ChartView { window_seconds: 60, windows: Vec::new(), table, read_at: None };
        }
        let counts = [
            620, 1_480, 2_910, 3_350, 3_120, 0, 0, 2_480, 4_120, 4_310, 3_990, 4_450, 4_020, 3_760, 4_210, 4_600,
            4_380, 3_900,
        ];
        let windows = counts
            .iter()
            .zip(0_i64..)
            .map(|(count, index)| {
                let start = NOW - 1080 + index * 60;
                let last = index == 17;
                let state = match (*count, index) {
                    (_, 17) => WindowState::Awaited,
                    (0, _) => WindowState::Empty,
                    (_, 7 | 12) => WindowState::Late { by_seconds: 48 },
                    _ => WindowState::Complete,
                };
                let known = *count > 0 && !last;
                let page = |title: &str, share: u64| PageCount { title: title.to_owned(), count: count / share + 3 };
                WindowView {
                    start,
                    end: start + 60,
                    views: known.then_some(*count),
                    distinct_pages: known.then_some(count / 7 + 40 + (index as u64 * 13) % 50),
                    top_pages: if known {
                        vec![
                            page("Main_Page", 20),
                            page("Amsterdam", 31),
                            page("Jürgen_Klopp", 37),
                            page("2026_FIFA_World_Cup", 42),
                            page("Washington,_D.C.", 55),
                            page("東京", 70),
                            page("List_of_highest-grossing_Indian_films_in_overseas_markets", 81),
                            page("ChatGPT", 90),
                            page("Rhine", 97),
                            page("São_Paulo", 120),
                        ]
                    } else {
                        Vec::new()
                    },
                    state,
                }
            })
            .collect();
        ChartView { window_seconds: 60, windows, table, read_at: Some(NOW + 12) }
    }

    pub fn cost(&self) -> Option<CostView> {
        receipt::cost(self.scene)
    }

    pub fn trace(&self) -> Option<TraceView> {
        trace::trace(self.scene)
    }

    pub fn checks(&self, slug: &str) -> Vec<CheckView> {
        let evidence = || {
            let field = |name: &str, value: &str| EvidenceField { name: name.to_owned(), value: value.to_owned() };
            vec![EvidenceView {
                call: "Firehose DescribeDeliveryStream".to_owned(),
                at: NOW - 8,
                fields: vec![
                    field("DeliveryStreamStatus", "ACTIVE"),
                    field("ExtendedS3DestinationDescription.Prefix", "click/"),
                    field("BucketARN", "arn:aws:s3:::clickstream-481920375566-us-east-1"),
                ],
            }]
        };
        let check = |name: &str, title: &str, verdict: Option<(Verdict, &str)>| {
            let passed = matches!(verdict, Some((Verdict::Pass, _)));
            CheckView {
                id: format!("{slug}.{name}"),
                title: title.to_owned(),
                needs_consent: false,
                running: false,
                last: verdict.map(|(verdict, message)| VerdictView {
                    verdict,
                    message: message.to_owned(),
                    evidence: evidence(),
                    checked_at: NOW - 8,
                }),
                passed_at: passed.then_some(NOW - 300),
                regression: None,
            }
        };
        let wrong =
            Verdict::Wrong { setting: "Prefix".to_owned(), expected: "clicks/".to_owned(), found: "click/".to_owned() };
        match (self.scene.progress(), slug) {
            (Scene::Fresh, "connect") => vec![check("identity", "Your keys work: STS knows who you are", None)],
            (Scene::Fresh, _) => vec![
                check(
                    "bucket",
                    "The bucket is there",
                    Some((Verdict::NotYet, "There is no bucket of this name yet. The first form makes it.")),
                ),
                check("active", "The delivery stream is active", None),
            ],
            (Scene::Midway, "delivery-stream") => {
                let mut list = vec![
                    check("bucket", "The bucket is there", Some((Verdict::Pass, ""))),
                    check("active", "The delivery stream is active", Some((Verdict::Pass, ""))),
                    check(
                        "prefix",
                        "Objects go under the prefix clicks/",
                        Some((
                            wrong,
                            "The prefix differs, so the next step would look in the wrong place. Update the destination.",
                        )),
                    ),
                ];
                if let Some(active) = list.get_mut(1) {
                    active.regression = Some(
                        "It passed at 18:52 UTC. Since then the stream has changed to CREATING_FAILED.".to_owned(),
                    );
                }
                list
            }
            (Scene::Midway, "ingest") => vec![
                check("objects", "Objects arrive in the bucket", Some((Verdict::Pass, ""))),
                check(
                    "prefix",
                    "They lie under clicks/",
                    Some((
                        wrong,
                        "The prefix differs, so the next step would look in the wrong place. Update the destination.",
                    )),
                ),
                check(
                    "readable",
                    "They can be read",
                    Some((
                        Verdict::Settling { until: NOW + 45 },
                        "Firehose buffers for up to 60 seconds before it writes an object. Nothing is wrong.",
                    )),
                ),
                check(
                    "rows",
                    "Their rows have the right shape",
                    Some((Verdict::NotYet, "There is no object to read yet.")),
                ),
                check(
                    "region",
                    "They lie in your region",
                    Some((
                        Verdict::Elsewhere { place: "eu-west-1".to_owned() },
                        "The bucket is there, but in another region. The stream and the bucket must share one.",
                    )),
                ),
                check(
                    "list",
                    "The lab may list the bucket",
                    Some((
                        Verdict::NoPermission { action: "s3:ListBucket".to_owned() },
                        "Your key may not do this. The policy in step 0 allows it.",
                    )),
                ),
                check(
                    "newest",
                    "The newest object is whole",
                    Some((
                        Verdict::ServiceFault,
                        "S3 answered 503 twice. That is not your doing; we look again shortly.",
                    )),
                ),
            ],
            (Scene::Midway, "preprocess") => {
                let mut answer = check("answer", "It answers a made-up batch correctly", None);
                answer.needs_consent = true;
                vec![
                    check("function", "The function is there", Some((Verdict::Pass, ""))),
                    check("runtime", "It runs on Python 3.13", Some((Verdict::Pass, ""))),
                    answer,
                ]
            }
            _ => (0..4)
                .map(|index| {
                    check(
                        &format!("check-{index}"),
                        [
                            "The bucket is there",
                            "The delivery stream is active",
                            "Records come from Direct PUT",
                            "Objects are compressed with GZIP",
                        ][index],
                        Some((Verdict::Pass, "")),
                    )
                })
                .collect(),
        }
    }
}

#[async_trait]
impl Backend for Fixture {
    async fn learner(&self) -> Result<Option<LearnerView>, BackendError> {
        Ok((self.scene.progress() != Scene::Stranger).then(|| self.learner_view()))
    }

    async fn choices(&self) -> Result<Vec<LabChoice>, BackendError> {
        if self.scene == Scene::MembersOnly {
            return Ok(Vec::new());
        }
        let accounts = self.scene != Scene::SandboxOnly;
        Ok(LabChoice::ALL.into_iter().filter(|choice| accounts || !choice.is_account()).collect())
    }

    async fn start(&self, choice: LabChoice) -> Result<(), BackendError> {
        if choice == LabChoice::AccountFlink {
            return Err(BackendError::Refused { message: "The lab is full at the moment.".to_owned() });
        }
        Ok(())
    }

    async fn unlock(&self, _code: &str) -> Result<(), BackendError> {
        Err(BackendError::Invalid { field: "code".to_owned(), message: "That is not the code.".to_owned() })
    }

    async fn prepare_account(&self, account: &str, _region: &str) -> Result<(), BackendError> {
        if account.len() == 12 {
            return Ok(());
        }
        Err(BackendError::Invalid {
            field: "account".to_owned(),
            message: "An account number has twelve digits.".to_owned(),
        })
    }

    async fn find_account(&self, by: AccountQuery) -> Result<(), BackendError> {
        match by {
            AccountQuery::Profile { .. } => Ok(()),
            AccountQuery::Role { .. } => Err(BackendError::Invalid {
                field: "role".to_owned(),
                message: "AWS does not let us take on this role.".to_owned(),
            }),
        }
    }

    async fn confirm_account(&self, _account: &str) -> Result<(), BackendError> {
        self.guard()
    }

    async fn reject_account(&self) -> Result<(), BackendError> {
        self.guard()
    }

    async fn catch_up(&self, slug: &str) -> Result<Performed, BackendError> {
        self.guard()?;
        let calls = catch_up::calls(slug).into_iter().map(|call| call.operation).collect();
        Ok(Performed { message: "The step is done.".to_owned(), calls })
    }

    async fn resume(&self, code: &str) -> Result<LearnerView, BackendError> {
        if code == "QUIET-OTTER-4821" {
            return Ok(self.learner_view());
        }
        Err(BackendError::Invalid {
            field: "code".to_owned(),
            message: "No lab has this code. Check it letter by letter.".to_owned(),
        })
    }

    async fn forget(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn lab(&self) -> Result<LabView, BackendError> {
        self.guard()?;
        Ok(LabView {
            learner: self.learner_view(),
            account: self.account(),
            steps: self.steps(),
            pipeline: self.pipeline(),
            demo: self.demo(),
            chart: self.chart(),
            trace: self.trace(),
            cost: self.cost(),
        })
    }

    async fn step(&self, slug: &str) -> Result<StepView, BackendError> {
        self.guard()?;
        let steps = self.steps();
        let index = steps.iter().position(|step| step.slug == slug).ok_or(BackendError::NotFound)?;
        let link =
            |step: &StepSummary| StepLink { slug: step.slug.clone(), number: step.number, title: step.title.clone() };
        let revealed = if self.scene.progress() == Scene::Midway {
            vec![HintView {
                title: "A nudge".to_owned(),
                html: "<p>The stream writes into the bucket by a <strong>role</strong>. Whose name must stand in the role’s trust policy?</p>".to_owned(),
            }]
        } else {
            Vec::new()
        };
        Ok(StepView {
            summary: steps[index].clone(),
            aim_html: "Create a delivery stream that takes clicks by <code>PutRecordBatch</code> and keeps every one of them in S3.".to_owned(),
            background_html: BACKGROUND.to_owned(),
            page_html: "<p>Fill in the forms from top to bottom. Each says which calls it makes in your account; after each, the checks on the right look again by themselves.</p>".to_owned(),
            cli_html: CLI.to_owned(),
            actions: if self.scene.is_account() { Vec::new() } else { actions(slug) },
            hints: HintsView { remaining: 3 - revealed.len() as u32, revealed },
            questions: vec![question(self.scene.progress())],
            checks: self.checks(slug),
            consent_html: (slug == "preprocess").then(|| "I agree that the check invokes <code>PreprocessClickstreamData</code> with three made-up rows.".to_owned()),
            catch_up: catch_up::view(self.scene, slug),
            receipt: if slug == "clean-up" { receipt::receipt(self.scene) } else { None },
            previous: index.checked_sub(1).and_then(|before| steps.get(before)).map(link),
            next: steps.get(index + 1).map(link),
        })
    }

    async fn results(&self) -> Result<ResultsView, BackendError> {
        self.guard()?;
        let done = self.scene.progress() == Scene::Done;
        let steps = self
            .steps()
            .into_iter()
            .map(|summary| {
                let passed_at = summary.state.is_passed().then_some(NOW - 3600 + i64::from(summary.number) * 540);
                let checks = (0..summary.checks_total)
                    .map(|index| CheckResult {
                        title: [
                            "The delivery stream is active",
                            "Objects go under clicks/",
                            "Objects are compressed",
                            "The role trusts Firehose",
                        ][index as usize % 4]
                            .to_owned(),
                        passed_at,
                    })
                    .collect();
                StepResult {
                    hints_used: summary.number % 3,
                    assisted_at: catch_up::view(self.scene, &summary.slug).assisted_at,
                    questions_right: u32::from(passed_at.is_some()),
                    questions_total: 1,
                    summary,
                    passed_at,
                    checks,
                }
            })
            .collect();
        Ok(ResultsView {
            learner: self.learner_view(),
            account_id: self.account_id().to_owned(),
            region: self.region().to_owned(),
            started_at: NOW - 5400,
            finished_at: done.then_some(NOW),
            steps,
            chart: self.chart(),
            clicks_accepted: if done { 55_120 } else { 9_412 },
            engine: self.scene.engine().to_owned(),
            is_account: self.scene.is_account(),
            receipt: receipt::receipt(self.scene),
        })
    }

    async fn recheck(&self, slug: &str, _consent: bool) -> Result<Vec<CheckView>, BackendError> {
        self.guard()?;
        Ok(self.checks(slug))
    }

    async fn perform(&self, _slug: &str, action: &str, fields: &Fields) -> Result<Performed, BackendError> {
        self.guard()?;
        if fields.get("bucket").is_some_and(|bucket| bucket.contains(char::is_uppercase)) {
            return Err(BackendError::Invalid {
                field: "bucket".to_owned(),
                message: "A bucket name has lower-case letters, digits and hyphens only.".to_owned(),
            });
        }
        Ok(Performed {
            message: format!("Done: {action}."),
            calls: vec!["S3 CreateBucket".to_owned(), "S3 HeadBucket".to_owned()],
        })
    }

    async fn reveal_hint(&self, _slug: &str) -> Result<(), BackendError> {
        self.guard()
    }

    async fn answer(&self, _slug: &str, _question: &str, choices: &[String]) -> Result<QuestionView, BackendError> {
        self.guard()?;
        if choices.is_empty() {
            return Err(BackendError::Invalid {
                field: "choices".to_owned(),
                message: "Choose an answer first.".to_owned(),
            });
        }
        Ok(question(Scene::Midway))
    }

    async fn start_demo(&self, _request: DemoRequest) -> Result<(), BackendError> {
        Err(BackendError::Busy)
    }

    async fn stop_demo(&self) -> Result<(), BackendError> {
        self.guard()
    }

    async fn rotate_keys(&self) -> Result<(), BackendError> {
        self.guard()
    }

    async fn renew_resume_code(&self) -> Result<(), BackendError> {
        self.guard()
    }

    async fn take_resume_code(&self) -> Result<Option<String>, BackendError> {
        Ok((self.scene == Scene::Fresh).then(|| "K7QM-2XRD-9HTV-W4BC".to_owned()))
    }

    async fn take_minted_keys(&self) -> Result<Option<MintedKeys>, BackendError> {
        Ok((self.scene == Scene::Fresh).then(|| MintedKeys {
            access_key_id: "AKIAHEADWATER4821".to_owned(),
            secret_access_key: "k3yTh4tIsOnlyAnExample/Not+AReal0ne12345".to_owned(),
        }))
    }

    async fn save_names(&self, _names: &Fields) -> Result<(), BackendError> {
        Err(BackendError::Invalid {
            field: "table".to_owned(),
            message: "A table name has 3 to 255 letters, digits, and _ - .".to_owned(),
        })
    }

    async fn class_of(&self, code: &str) -> Result<ClassInvite, BackendError> {
        let own = self.learner().await?.map(|learner| OwnLab {
            choice: LabChoice::SandboxSql,
            current_step: learner.current_step,
            steps_passed: learner.steps_passed,
            steps_total: learner.steps_total,
            standing: Standing::Free,
        });
        class::invite(self.scene, own, code)
    }

    async fn join(&self, request: JoinRequest) -> Result<Joined, BackendError> {
        let invite = self.class_of(&request.code).await?;
        if !invite.anonymous && request.name.is_none_or(|name| name.trim().is_empty()) {
            return Err(BackendError::Invalid { field: "name".to_owned(), message: "Enter a name.".to_owned() });
        }
        let state = if invite.approval { MembershipState::Waiting } else { MembershipState::Active };
        Ok(Joined { class_name: invite.class_name, state, current_step: self.learner_view().current_step })
    }

    async fn membership(&self) -> Result<Option<MembershipView>, BackendError> {
        Ok(class::place(self.scene))
    }

    async fn rename_in_class(&self, name: Option<&str>) -> Result<(), BackendError> {
        if name.is_some_and(|name| name.trim().is_empty()) {
            return Err(BackendError::Invalid { field: "name".to_owned(), message: "Enter a name.".to_owned() });
        }
        Ok(())
    }

    async fn leave_class(&self) -> Result<String, BackendError> {
        let place = class::place(self.scene);
        place
            .map(|place| place.class_name)
            .ok_or_else(|| BackendError::Refused { message: "You are in no class.".to_owned() })
    }

    async fn raise_hand(&self, slug: &str) -> Result<(), BackendError> {
        self.step(slug).await.map(drop)
    }

    async fn lower_hand(&self) -> Result<(), BackendError> {
        self.guard()
    }

    async fn put_away_hint(&self, hint: &str) -> Result<(), BackendError> {
        let place = class::place(self.scene).ok_or(BackendError::NotFound)?;
        let is_there = place.hints.iter().any(|sent| sent.id == hint);
        is_there.then_some(()).ok_or(BackendError::NotFound)
    }

    async fn put_notice(&self, _notice: Notice) -> Result<(), BackendError> {
        Ok(())
    }

    async fn take_notice(&self) -> Result<Option<Notice>, BackendError> {
        Ok(match self.scene {
            Scene::Found => {
                Some(Notice::new(about::CONNECT, Tone::Good, "Found an account. Look whether it is the right one."))
            }
            Scene::Locked => Some(Notice {
                field: Some("code".to_owned()),
                ..Notice::new(about::CONNECT, Tone::Bad, "That is not the code. It stands in the terminal.")
            }),
            Scene::Fresh => Some(Notice::new(about::START, Tone::Good, "Your account in the sandbox is ready.")),
            Scene::Midway => Some(Notice {
                field: Some("bucket".to_owned()),
                kept: Fields::from([("bucket".to_owned(), "MyClicks".to_owned())]),
                ..Notice::new(
                    about::action("create-bucket"),
                    Tone::Bad,
                    "A bucket name has lower-case letters, digits and hyphens only.",
                )
            }),
            _ => None,
        })
    }
}

fn actions(slug: &str) -> Vec<ActionView> {
    let field = |name: &str, label: &str, help: &str, value: &str, input: FieldInput| FieldView {
        name: name.to_owned(),
        label: label.to_owned(),
        help_html: help.to_owned(),
        value: value.to_owned(),
        required: true,
        input,
    };
    let text = || FieldInput::Text { max_length: 63 };
    match slug {
        "delivery-stream" => vec![
            ActionView {
                name: "create-bucket".to_owned(),
                title: "Create the bucket".to_owned(),
                help_html: "Calls <code>CreateBucket</code> in your region.".to_owned(),
                button: "Create bucket".to_owned(),
                destructive: false,
                fields: vec![field(
                    "bucket",
                    "Bucket name",
                    "Lower case; nobody else may have it.",
                    "clickstream-481920375566-us-east-1",
                    text(),
                )],
            },
            ActionView {
                name: "create-delivery-stream".to_owned(),
                title: "Create the delivery stream".to_owned(),
                help_html:
                    "Makes the role <code>HeadwaterFirehoseRole</code>, then calls <code>CreateDeliveryStream</code>."
                        .to_owned(),
                button: "Create delivery stream".to_owned(),
                destructive: false,
                fields: vec![
                    field("stream", "Name", "", "ClickStreamData", text()),
                    field("prefix", "Prefix", "Ends with a slash, or the date follows without one.", "clicks/", text()),
                    field("error_prefix", "Error prefix", "", "errors/", text()),
                    field(
                        "buffer_size",
                        "Buffer size",
                        "",
                        "5",
                        FieldInput::Number { min: 1, max: 128, unit: Some("MiB".to_owned()) },
                    ),
                    field(
                        "buffer_interval",
                        "Buffer interval",
                        "",
                        "10",
                        FieldInput::Number { min: 0, max: 900, unit: Some("seconds".to_owned()) },
                    ),
                    field(
                        "compression",
                        "Compression",
                        "",
                        "GZIP",
                        FieldInput::Select {
                            options: ["UNCOMPRESSED", "GZIP", "ZIP", "Snappy"]
                                .map(|name| Choice { value: name.to_owned(), label: name.to_owned() })
                                .into(),
                        },
                    ),
                ],
            },
        ],
        "preprocess" => vec![ActionView {
            name: "create-preprocess-function".to_owned(),
            title: "Create the function".to_owned(),
            help_html: "Creates it, or updates it when it is there.".to_owned(),
            button: "Create function".to_owned(),
            destructive: false,
            fields: vec![
                field("function_name", "Name", "", "PreprocessClickstreamData", text()),
                field(
                    "code",
                    "Code",
                    "Python 3.13 with <code>boto3</code>.",
                    PYTHON,
                    FieldInput::Code { language: "python".to_owned(), rows: 16 },
                ),
            ],
        }],
        "clean-up" => vec![ActionView {
            name: "delete-table".to_owned(),
            title: "Delete the table".to_owned(),
            help_html: "The counts go with it; your results page keeps what it saw.".to_owned(),
            button: "Delete table".to_owned(),
            destructive: true,
            fields: Vec::new(),
        }],
        _ => Vec::new(),
    }
}

fn question(scene: Scene) -> QuestionView {
    let answered = matches!(scene, Scene::Midway | Scene::Done);
    let right = if scene == Scene::Done { "size-or-time" } else { "time" };
    let answer = |value: &str, html: &str, is_right: bool, why: &str| AnswerView {
        value: value.to_owned(),
        html: html.to_owned(),
        solution: (answered && (value == right || is_right))
            .then(|| Solution { right: is_right, explanation_html: why.to_owned() }),
    };
    QuestionView {
        id: "buffering".to_owned(),
        question_html:
            "With <code>SizeInMBs</code> 5 and <code>IntervalInSeconds</code> 10, when does Firehose write an object?"
                .to_owned(),
        multiple: false,
        choices: vec![
            answer("time", "Every ten seconds, whatever came", false, "At 5 MiB it does not wait for the ten seconds."),
            answer(
                "size-or-time",
                "When 5 MiB or ten seconds are reached, whichever is first",
                true,
                "Both are upper bounds, and the first one met ends the buffer.",
            ),
            answer("both", "When both are reached", false, ""),
        ],
        chosen: if answered { vec![right.to_owned()] } else { Vec::new() },
        right: answered.then_some(scene == Scene::Done),
    }
}

const BACKGROUND: &str = r#"<p>Firehose gathers records into a buffer and writes each buffer as one object. Two limits close it, a <strong>size</strong> and a <strong>time</strong>, and the first one met wins. Small buffers arrive sooner and cost more requests; large ones are cheaper to read later.</p>
<p>The older version of this lab asked for a prefix without a slash. Firehose puts the date right behind the prefix, so the objects landed in <code>clicks2026/</code>.</p>
<table><thead><tr><th>Setting</th><th>Lab</th><th>Why</th></tr></thead><tbody><tr><td><code>SizeInMBs</code></td><td>5</td><td>The default</td></tr><tr><td><code>IntervalInSeconds</code></td><td>10</td><td>You want to see something</td></tr></tbody></table>
<ul><li>The stream assumes a <em>role</em> to write.</li><li>The role trusts <code>firehose.amazonaws.com</code>.</li></ul>"#;

const CLI: &str = r#"<p>First the bucket:</p>
<pre id="code-delivery-stream-cli-1" class="code-block" data-language="bash" tabindex="0"><code class="language-bash">aws s3api create-bucket --bucket clickstream-481920375566-us-east-1
</code></pre>
<p>Then the stream. The role must be there first, since Firehose assumes it while it creates the stream.</p>
<pre id="code-delivery-stream-cli-2" class="code-block" data-language="bash" tabindex="0"><code class="language-bash">aws firehose create-delivery-stream \
  --delivery-stream-name ClickStreamData \
  --delivery-stream-type DirectPut \
  --extended-s3-destination-configuration '{
    "RoleARN": "arn:aws:iam::481920375566:role/HeadwaterFirehoseRole",
    "BucketARN": "arn:aws:s3:::clickstream-481920375566-us-east-1",
    "Prefix": "clicks/"
  }'
</code></pre>"#;

const PYTHON: &str = "import base64\n\nTYPES = {\"link\", \"external\", \"other\"}\n\n\ndef handler(event, context):\n    \"\"\"Keeps rows of four columns; drops the rest.\"\"\"\n    return {\"records\": [answer(record) for record in event[\"records\"]]}\n";
