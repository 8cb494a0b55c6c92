//! The parts that pages are made of.

mod action_form;
mod chart;
mod checks;
mod demo;
mod field;
mod header;
mod hints;
mod icon;
mod keys;
mod names;
mod notice;
mod pipeline;
mod prose;
mod quiz;
mod resume_code;
mod river;
mod welcome;

pub use action_form::ActionPanel;
pub use chart::{Chart, Size as ChartSize};
pub use checks::Checks;
pub use demo::{DemoPanel, DemoProgress, UploadPanel};
pub use field::FieldInput;
pub use header::{Footer, Header};
pub use hints::Hints;
pub use icon::{Icon, icon};
pub use keys::Keys;
pub use names::Names;
pub use notice::{NoticeBox, Notices, outcome, waiting_notice};
pub use pipeline::{PipelineAcross, PipelineDown};
pub use prose::{Hydrated, Prose, copy_button};
pub use quiz::Quiz;
pub use resume_code::ResumeCode;
pub use river::River;
pub use welcome::Welcome;
