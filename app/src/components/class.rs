//! The parts of a learner's pages that are about the class.

mod bar;
mod code_form;
mod hints;
mod join_form;

pub use bar::ClassBar;
pub use code_form::CodeForm;
pub use hints::ClassHints;
pub use join_form::JoinForm;
