//! What instructors are given to see, and what they may ask for.

mod account;
mod arrange;
mod board;
mod class;
mod command;
mod event;
mod help;
mod learner;
mod points;
mod results;
mod settings;

pub use account::{EntranceView, InstructorView, InvitationView, OIDC_START_PATH, ProviderView};
pub use arrange::{Arranged, BoardFilter, BoardQuery, PAGE_ROWS, SortBy, arrange};
pub use board::{BoardCheck, BoardStep, BoardView, CellState, CellView, RowView, RowsView, WaitingView};
pub use class::{ClassCounters, ClassState, ClassSummary, ClassView, ClassesView, NewClassView, Right, Role};
pub use command::{Act, ClassCommand, ClassDraft, HintTo, PlatformDraft, XapiDraft, parse_draft};
pub use event::BoardEvent;
pub use help::{ClusterView, HelpItemView, HelpState, HelpSubject, HelpView, LearnerLink, SuggestionView};
pub use learner::{ClassLearnerView, LearnerStepView, Membership, SentHintView, TimelineView};
pub use points::Points;
pub use results::{CheckTally, ClassResultsView, LogHeadView, ResultRow, ResultsQuery, StepPointsEarned, TallyStep};
pub use settings::{
    DeliveryView, InvitationLinkView, LtiView, PlatformView, PointsView, SettingsView, ShownOnce, StaffView,
    StepPointsView, WebhookKind, WebhookView, XapiView,
};
