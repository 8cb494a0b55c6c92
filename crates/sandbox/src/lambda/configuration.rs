//! A function's settings: how requests give them, what is allowed, and how they are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors::{invalid_parameter, not_offered, validation};
use super::limits;
use crate::AwsError;

/// What AWS gives when a request does not say.
const DEFAULT_TIMEOUT_SECONDS: i64 = 3;
const DEFAULT_MEMORY_MB: i64 = 128;
const DEFAULT_STORAGE_MB: i64 = 512;

/// Runtimes that are taken, all run by the machine's own Python.
const RUNTIMES: &[&str] = &["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"];
/// Runtimes that AWS has ended.
const ENDED_RUNTIMES: &[&str] = &["python2.7", "python3.6", "python3.7", "python3.8", "python3.9"];

/// Variables that AWS does not let a function set.
const RESERVED_VARIABLES: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// A function's settings, all checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Configuration {
    pub runtime: String,
    /// `MODULE.FUNCTION`
    pub handler: String,
    /// ARN of the role whose credentials the function gets.
    pub role: String,
    pub description: String,
    pub timeout_seconds: u32,
    pub memory_mb: u32,
    /// Environment variables; `None` and empty are the same to AWS.
    pub variables: BTreeMap<String, String>,
    pub storage_mb: u32,
    pub architecture: String,
    /// `PassThrough` or `Active`; nothing is traced either way.
    pub tracing: String,
    /// `Text` or `JSON`.
    pub log_format: String,
    /// Least level that reaches the log, with the format `JSON` only.
    pub application_log_level: Option<String>,
    pub system_log_level: Option<String>,
    pub log_group: String,
}

/// The members that `CreateFunction` and `UpdateFunctionConfiguration` have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ConfigurationRequest {
    pub runtime: Option<String>,
    pub role: Option<String>,
    pub handler: Option<String>,
    pub description: Option<String>,
    pub timeout: Option<i64>,
    pub memory_size: Option<i64>,
    pub environment: Option<EnvironmentRequest>,
    pub ephemeral_storage: Option<StorageRequest>,
    pub tracing_config: Option<TracingRequest>,
    pub logging_config: Option<LoggingRequest>,
    // What the sandbox does not offer is read so that it can be refused by name.
    pub layers: Option<Vec<Value>>,
    pub vpc_config: Option<BTreeMap<String, Value>>,
    pub dead_letter_config: Option<BTreeMap<String, Value>>,
    pub file_system_configs: Option<Vec<Value>>,
    pub image_config: Option<BTreeMap<String, Value>>,
    #[serde(rename = "KMSKeyArn")]
    pub kms_key_arn: Option<String>,
    pub snap_start: Option<BTreeMap<String, Value>>,
    pub durable_config: Option<Value>,
    pub capacity_provider_config: Option<Value>,
    pub tenancy_config: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct EnvironmentRequest {
    pub variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct StorageRequest {
    pub size: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TracingRequest {
    pub mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LoggingRequest {
    pub log_format: Option<String>,
    pub application_log_level: Option<String>,
    pub system_log_level: Option<String>,
    pub log_group: Option<String>,
}

impl Configuration {
    /// The settings of a new function.
    pub(super) fn new(name: &str, request: ConfigurationRequest, architecture: String) -> Result<Self, AwsError> {
        let blank = Self {
            runtime: String::new(),
            handler: String::new(),
            role: String::new(),
            description: String::new(),
            timeout_seconds: DEFAULT_TIMEOUT_SECONDS as u32,
            memory_mb: DEFAULT_MEMORY_MB as u32,
            variables: BTreeMap::new(),
            storage_mb: DEFAULT_STORAGE_MB as u32,
            architecture,
            tracing: "PassThrough".to_owned(),
            log_format: "Text".to_owned(),
            application_log_level: None,
            system_log_level: None,
            log_group: format!("/aws/lambda/{name}"),
        };
        if request.role.is_none() {
            return Err(validation("null", "role", "not be null"));
        }
        if request.runtime.is_none() {
            return Err(invalid_parameter("Runtime is mandatory for functions created with deployment packages."));
        }
        if request.handler.is_none() {
            return Err(invalid_parameter("Handler is mandatory for functions created with deployment packages."));
        }
        blank.updated(request)
    }

    /// The settings after a request; what it does not name stays.
    pub(super) fn updated(mut self, request: ConfigurationRequest) -> Result<Self, AwsError> {
        request.refuse_what_is_not_offered()?;
        if let Some(runtime) = request.runtime {
            self.runtime = check_runtime(runtime)?;
        }
        if let Some(role) = request.role {
            self.role = check_role(role)?;
        }
        if let Some(handler) = request.handler {
            self.handler = check_handler(handler)?;
        }
        if let Some(description) = request.description {
            if description.chars().count() > 256 {
                return Err(validation(description, "description", "have length less than or equal to 256"));
            }
            self.description = description;
        }
        if let Some(timeout) = request.timeout {
            self.timeout_seconds = in_range(timeout, "timeout", 1, 900)?;
        }
        if let Some(memory) = request.memory_size {
            self.memory_mb = in_range(memory, "memorySize", 128, 10_240)?;
        }
        if let Some(variables) = request.environment.map(|environment| environment.variables.unwrap_or_default()) {
            self.variables = check_variables(variables)?;
        }
        if let Some(size) = request.ephemeral_storage.and_then(|storage| storage.size) {
            self.storage_mb = in_range(size, "ephemeralStorage.size", 512, 10_240)?;
        }
        if let Some(mode) = request.tracing_config.and_then(|tracing| tracing.mode) {
            self.tracing = one_of(mode, "tracingConfig.mode", &["Active", "PassThrough"])?;
        }
        if let Some(logging) = request.logging_config {
            self.update_logging(logging)?;
        }
        Ok(self)
    }

    fn update_logging(&mut self, request: LoggingRequest) -> Result<(), AwsError> {
        if let Some(format) = request.log_format {
            self.log_format = one_of(format, "loggingConfig.logFormat", &["JSON", "Text"])?;
            let level = || Some("INFO".to_owned()).filter(|_| self.log_format == "JSON");
            (self.application_log_level, self.system_log_level) = (level(), level());
        }
        let levels = [request.application_log_level, request.system_log_level];
        if self.log_format == "Text" && levels.iter().any(Option::is_some) {
            return Err(invalid_parameter("Log level is not supported with the Text log format."));
        }
        let [application, system] = levels;
        if let Some(level) = application {
            let all = &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
            self.application_log_level = Some(one_of(level, "loggingConfig.applicationLogLevel", all)?);
        }
        if let Some(level) = system {
            self.system_log_level = Some(one_of(level, "loggingConfig.systemLogLevel", &["DEBUG", "INFO", "WARN"])?);
        }
        if let Some(group) = request.log_group {
            let allowed = |character: char| character.is_ascii_alphanumeric() || "_-/.#".contains(character);
            if !(1..=512).contains(&group.len()) || !group.chars().all(allowed) {
                return Err(validation(
                    group,
                    "loggingConfig.logGroup",
                    r"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
                ));
            }
            self.log_group = group;
        }
        Ok(())
    }
}

impl ConfigurationRequest {
    fn refuse_what_is_not_offered(&self) -> Result<(), AwsError> {
        let has = |list: &Option<Vec<Value>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let says = |map: &Option<BTreeMap<String, Value>>, usual: &str| {
            map.as_ref().is_some_and(|map| {
                map.values().any(|value| match value {
                    Value::Null | Value::Bool(false) => false,
                    Value::String(text) => !text.is_empty() && text != usual,
                    Value::Array(list) => !list.is_empty(),
                    _ => true,
                })
            })
        };
        let refused = [
            (has(&self.layers), "layers"),
            (says(&self.vpc_config, ""), "a VPC"),
            (says(&self.dead_letter_config, ""), "dead-letter queues"),
            (has(&self.file_system_configs), "file systems"),
            (says(&self.image_config, ""), "container images"),
            (self.kms_key_arn.as_ref().is_some_and(|key| !key.is_empty()), "keys of KMS"),
            (says(&self.snap_start, "None"), "SnapStart"),
            (self.durable_config.as_ref().is_some_and(|value| !value.is_null()), "durable execution"),
            (self.capacity_provider_config.as_ref().is_some_and(|value| !value.is_null()), "capacity providers"),
            (self.tenancy_config.as_ref().is_some_and(|value| !value.is_null()), "tenants (TenancyConfig)"),
        ];
        match refused.iter().find(|(asked, _)| *asked) {
            Some((_, what)) => Err(not_offered(what)),
            None => Ok(()),
        }
    }
}

/// Checks `Architectures`, which `CreateFunction` and `UpdateFunctionCode` take. The machine's own runs either.
pub(super) fn check_architectures(architectures: Option<&[String]>) -> Result<Option<String>, AwsError> {
    match architectures {
        None | Some([]) => Ok(None),
        Some([one]) => one_of(one.clone(), "architectures", &["x86_64", "arm64"]).map(Some),
        Some(_) => Err(validation(
            format!("[{}]", architectures.unwrap_or_default().join(", ")),
            "architectures",
            "have length less than or equal to 1",
        )),
    }
}

fn check_runtime(runtime: String) -> Result<String, AwsError> {
    if RUNTIMES.contains(&runtime.as_str()) {
        return Ok(runtime);
    }
    if ENDED_RUNTIMES.contains(&runtime.as_str()) {
        return Err(invalid_parameter(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We \
             recommend you use a supported runtime while creating or updating functions."
        )));
    }
    Err(invalid_parameter(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a \
         valid ARN. The sandbox runs Python functions only.",
        RUNTIMES.join(", ")
    )))
}

fn check_role(role: String) -> Result<String, AwsError> {
    let name = role.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"));
    let is_arn = name.is_some_and(|(account, name)| {
        account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=512).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&byte))
    });
    if is_arn {
        return Ok(role);
    }
    Err(validation(
        role,
        "role",
        r"satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
    ))
}

fn check_handler(handler: String) -> Result<String, AwsError> {
    if (1..=128).contains(&handler.len()) && !handler.contains(char::is_whitespace) && !handler.contains('\0') {
        return Ok(handler);
    }
    Err(validation(handler, "handler", r"satisfy regular expression pattern: [^\s]+"))
}

fn check_variables(variables: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, AwsError> {
    let well_named = |name: &str| {
        let mut bytes = name.bytes();
        name.len() >= 2
            && bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED_VARIABLES.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid_parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    if let Some(name) = variables.keys().find(|name| !well_named(name)) {
        return Err(validation(
            name,
            "environment.variables",
            "satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
        ));
    }
    if variables.values().any(|value| value.contains('\0')) {
        return Err(invalid_parameter("The value of an environment variable cannot hold the character NUL."));
    }
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > limits::MAX_ENVIRONMENT_BYTES {
        return Err(invalid_parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. Measured: {bytes} bytes."
        )));
    }
    Ok(variables)
}

fn in_range(value: i64, member: &str, least: u32, most: u32) -> Result<u32, AwsError> {
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ if value < i64::from(least) => {
            Err(validation(value, member, &format!("have value greater than or equal to {least}")))
        }
        _ => Err(validation(value, member, &format!("have value less than or equal to {most}"))),
    }
}

fn one_of(value: String, member: &str, allowed: &[&str]) -> Result<String, AwsError> {
    if allowed.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(validation(value, member, &format!("satisfy enum value set: [{}]", allowed.join(", "))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn create(changes: &Value) -> Result<Configuration, AwsError> {
        let mut request = json!({
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::123456789012:role/HeadwaterLambdaRole",
            "Handler": "lambda_function.handler",
        });
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        Configuration::new("Clicks", serde_json::from_value(request).unwrap(), "x86_64".to_owned())
    }

    fn error(changes: &Value) -> String {
        create(changes).unwrap_err().to_string()
    }

    #[test]
    fn fills_in_what_aws_fills_in() {
        let configuration = create(&json!({ "Environment": { "Variables": { "TABLE_NAME": "x" } } })).unwrap();
        insta::assert_json_snapshot!(configuration, @r#"
        {
          "runtime": "python3.13",
          "handler": "lambda_function.handler",
          "role": "arn:aws:iam::123456789012:role/HeadwaterLambdaRole",
          "description": "",
          "timeout_seconds": 3,
          "memory_mb": 128,
          "variables": {
            "TABLE_NAME": "x"
          },
          "storage_mb": 512,
          "architecture": "x86_64",
          "tracing": "PassThrough",
          "log_format": "Text",
          "application_log_level": null,
          "system_log_level": null,
          "log_group": "/aws/lambda/Clicks"
        }
        "#);
    }

    #[test]
    fn keeps_what_an_update_does_not_name() {
        let before = create(&json!({ "Timeout": 60, "Environment": { "Variables": { "TABLE_NAME": "x" } } })).unwrap();
        let request = serde_json::from_value(json!({ "MemorySize": 256 })).unwrap();
        let after = before.clone().updated(request).unwrap();
        assert_eq!(after, Configuration { memory_mb: 256, ..before.clone() });
        let request = serde_json::from_value(json!({ "Environment": { "Variables": {} } })).unwrap();
        assert!(before.updated(request).unwrap().variables.is_empty());
    }

    #[test]
    fn refuses_as_aws_does() {
        for runtime in ["python3.9", "python2.7"] {
            assert!(error(&json!({ "Runtime": runtime })).contains(&format!("of {runtime} is no longer supported")));
        }
        assert!(
            error(&json!({ "Runtime": "nodejs22.x" })).starts_with("InvalidParameterValueException: Value nodejs22.x")
        );
        assert!(error(&json!({ "Timeout": 0 })).contains("Value '0' at 'timeout'"));
        assert!(error(&json!({ "Timeout": 901 })).contains("less than or equal to 900"));
        assert!(error(&json!({ "MemorySize": 127 })).contains("greater than or equal to 128"));
        assert!(error(&json!({ "Handler": "a b" })).contains("'handler'"));
        assert!(error(&json!({ "Role": "Admin" })).contains("'role'"));
        assert!(error(&json!({ "Layers": ["arn"] })).contains("layers"));
        let tenancy = json!({ "TenancyConfig": { "TenantIsolationMode": "PER_TENANT" } });
        assert!(error(&tenancy).contains("TenancyConfig"));
        assert!(error(&json!({ "VpcConfig": { "SubnetIds": ["subnet-1"] } })).contains("VPC"));
        assert!(create(&json!({ "VpcConfig": { "SubnetIds": [] }, "Layers": [] })).is_ok());
        let variables = |name: &str, value: &str| json!({ "Environment": { "Variables": { name: value } } });
        assert!(error(&variables("AWS_REGION", "x")).contains("Reserved keys used in this request: AWS_REGION"));
        assert!(error(&variables("1A", "x")).contains("regular expression"));
        assert!(error(&variables("A=B", "x")).contains("regular expression"));
        assert!(error(&variables("BIG", &"x".repeat(4094))).contains("exceeded the 4KB limit"));
        assert!(create(&variables("BIG", &"x".repeat(4093))).is_ok());
    }

    #[test]
    fn log_levels_need_the_json_format() {
        assert!(error(&json!({ "LoggingConfig": { "ApplicationLogLevel": "DEBUG" } })).contains("Text log format"));
        let logging = json!({ "LoggingConfig": { "LogFormat": "JSON", "ApplicationLogLevel": "DEBUG" } });
        let configuration = create(&logging).unwrap();
        assert_eq!(configuration.application_log_level.as_deref(), Some("DEBUG"));
        assert_eq!(configuration.system_log_level.as_deref(), Some("INFO"));
    }
}
