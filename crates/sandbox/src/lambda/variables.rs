//! The environment variables of a function, as AWS defines them.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::environment;
use super::isolation::{PACKAGES, TASK_ROOT};
use super::store::Function;
use crate::keyring::SessionCredentials;

/// The variables of a new environment: what a function may change, its own, and what it may not change.
pub(super) fn of(
    function: &Function,
    credentials: &SessionCredentials,
    log_stream: &str,
    endpoint_port: u16,
) -> Map<String, Value> {
    let configuration = &function.configuration;
    let mut variables = Map::new();
    let mut set = |name: &str, value: &str| {
        variables.insert(name.to_owned(), Value::from(value));
    };
    set("LANG", "en_US.UTF-8");
    set("TZ", ":UTC");
    set("PATH", "/usr/bin:/bin");
    set("PYTHONPATH", PACKAGES);
    set("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{endpoint_port}"));
    for (name, value) in &configuration.variables {
        if name == "PYTHONPATH" {
            // Without the packages there would be no runtime.
            set(name, &format!("{value}:{PACKAGES}"));
        } else {
            set(name, value);
        }
    }
    let region = function.scope.region.as_str();
    for (name, value) in credentials.environment() {
        set(name, value);
    }
    set("AWS_REGION", region);
    set("AWS_DEFAULT_REGION", region);
    set("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{}", configuration.runtime));
    set("AWS_LAMBDA_FUNCTION_NAME", &function.name);
    set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &configuration.memory_mb.to_string());
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set("AWS_LAMBDA_LOG_GROUP_NAME", &configuration.log_group);
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    set("AWS_LAMBDA_LOG_FORMAT", &configuration.log_format);
    if let Some(level) = &configuration.application_log_level {
        set("AWS_LAMBDA_LOG_LEVEL", level);
    }
    set("AWS_LAMBDA_RUNTIME_API", &format!("127.0.0.1:{}", environment::runtime_port(endpoint_port)));
    set("LAMBDA_TASK_ROOT", TASK_ROOT);
    set("LAMBDA_RUNTIME_DIR", PACKAGES);
    set("_HANDLER", &configuration.handler);
    variables
}

/// A name for the log stream of a new environment: the day, the version and a random id.
pub(super) fn new_log_stream() -> String {
    let today = OffsetDateTime::now_utc();
    let id = Uuid::new_v4().simple();
    format!("{}/{:02}/{:02}/[$LATEST]{id}", today.year(), u8::from(today.month()), today.day())
}
