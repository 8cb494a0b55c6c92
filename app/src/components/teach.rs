//! The parts of the instructors' pages.

mod act_form;
mod board;
mod check_report;
mod class_form;
mod class_frame;
mod cluster;
mod datetime_field;
mod desk;
mod help_item;
mod hint_form;
mod histogram;
mod join;
mod keep_focus;
mod log_head;
mod plain_form;
mod settings;
mod waiting;
mod words;

pub use act_form::{ActForm, Confirmed};
pub use board::{Board, BoardPanel};
pub use check_report::CheckReport;
pub use class_form::{ClassFields, ClassFormValues, Tick};
pub use class_frame::{ClassFrame, ClassLive};
pub use cluster::Cluster;
pub use desk::ClassDesk;
pub use help_item::{HelpItem, ResolvedItem};
pub use hint_form::HintForm;
pub use histogram::Histogram;
pub use keep_focus::KeepFocus;
pub use log_head::LogHead;
pub use plain_form::{FormEnd, PasswordInput, TextInput};
pub use settings::SettingsSections;
pub use waiting::WaitingRoom;
pub use words::{cell_words, role_word, short_length, state_word};
