//! The lab as data: steps, text, hints, quiz questions, the checks by name, and
//! the fields of the in-page actions. The content lies in `content/` and is
//! embedded in the binary; another folder can be loaded in its place. There is a
//! lab for each [`Engine`] that can count the clicks.
//!
//! ```
//! use lab::{Lab, Variables, render};
//!
//! let lab = Lab::embedded();
//! let variables = Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566");
//! for step in &lab.steps {
//!     let html = render(&step.background, &variables);
//!     assert!(html.as_str().starts_with("<"));
//! }
//! ```
//!
//! `docs/authoring.md` tells how content is written.

mod engine;
mod error;
mod files;
mod format;
mod lint;
mod load;
mod markdown;
mod model;
mod step;
mod template;
mod variables;
mod variant;

use std::path::Path;

pub use engine::{Engine, UnknownEngine};
pub use error::LintError;
pub use markdown::{Html, Markdown, render, render_inline};
pub use model::{
    Action, Answer, CatchUp, CheckRef, Field, FieldKind, Hint, HintTier, Lab, Question, QuestionKind, Step,
    VariableHelp,
};
pub use variables::{VariableError, Variables};

/// The newest content format this loader reads (`format_version` in `lab.toml`).
pub const FORMAT_VERSION: u32 = 1;

/// The preprocessing Lambda function's code, as a path for [`Lab::file`].
pub const PREPROCESS_CODE: &str = "functions/preprocess/lambda_function.py";
/// The output Lambda function's code, as a path for [`Lab::file`].
pub const OUTPUT_CODE: &str = "functions/store/lambda_function.py";
/// The code of the Lambda function that counts in tumbling windows, as a path for
/// [`Lab::file`]. Its zip file also holds the text of [`OUTPUT_CODE`], as `store.py`.
pub const COUNT_CODE: &str = "functions/count/lambda_function.py";
/// The Python program that hands the SQL to Flink, as a path for [`Lab::file`].
pub const FLINK_CODE: &str = "functions/flink/main.py";
/// The streaming SQL, as a path for [`Lab::file`].
pub const SQL_CODE: &str = "sql/window_counts.sql";

/// Every fault of the lab in `folder`, in order of file and line; empty when it
/// is fit to be taught.
#[must_use]
pub fn lint(folder: &Path) -> Vec<LintError> {
    Lab::load(folder).err().unwrap_or_default()
}
