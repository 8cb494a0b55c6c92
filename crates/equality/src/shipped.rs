//! The lab's own functions and SQL, as learners get them.

use lab::{Engine, Variables};

pub(crate) const PREPROCESS: &str = include_str!("../../lab/content/functions/preprocess/lambda_function.py");
pub(crate) const COUNT: &str = include_str!("../../lab/content/functions/count/lambda_function.py");
pub(crate) const SQL: &str = include_str!("../../lab/content/sql/window_counts.sql");
pub(crate) const FLINK_SQL: &str = include_str!("../../lab/content/engines/flink/sql/window_counts.sql");
pub(crate) const FLINK_PROGRAM: &str = include_str!("../../lab/content/engines/flink/functions/flink/main.py");

/// The SQL with the names that a learner begins with, and windows of this length.
pub(crate) fn with_names(sql: &str, window_seconds: u32) -> String {
    let mut variables = Variables::defaults_for(Engine::Flink, "123456789012", "us-east-1", "https://aws.example");
    variables.window_seconds = window_seconds;
    let names = Variables::CHOSEN.iter().chain(&Variables::GIVEN).chain(&Variables::DERIVED);
    names.fold(sql.to_owned(), |sql, name| match variables.get(name) {
        Some(value) => sql.replace(&format!("{{{{{name}}}}}"), &value),
        None => sql,
    })
}
