//! The operations of the service.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::describe::{RUNTIME, arn, detail, input_description, output_description, processing_description, summary};
use super::model::{
    AddApplicationInput, AddApplicationOutput, AddInputProcessing, CodeContent, CreateApplication, Definition,
    DeleteApplication, DeleteApplicationOutput, DeleteInputProcessing, Input, InputParallelism,
    InputProcessingConfiguration, InputStartingPosition, InputUpdate, KeptInput, KeptLogStream, KeptOutput,
    ListApplications, NamedApplication, Output, OutputUpdate, Resource, StartApplication, UpdateApplication,
};
use super::repository::{Application, MAX_RUNNING, StartAllowed, Status};
use super::run::sources;
use super::sources::{InputLog, SERVICE_PRINCIPAL};
use super::sql::Program;
use super::tags::check_tags;
use super::{Analytics, end};
use crate::service::{empty_json, read_json, write_json};
use crate::{AwsError, Caller, Operation, Scope};

/// Outputs that an application may have, as the service's quota.
const MAX_OUTPUTS: usize = 3;
/// Log streams that an application may name, as the service's quota.
const MAX_LOG_STREAMS: usize = 1;

/// An answer that names the operation that was begun.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    operation_id: String,
}

impl Analytics {
    pub(super) async fn dispatch(
        &self,
        caller: &Caller,
        operation: Operation<'_>,
        body: &[u8],
    ) -> Result<Bytes, AwsError> {
        let scope = &caller.scope;
        match operation {
            "CreateApplication" => self.create(scope, read_json(body)?).await,
            "DescribeApplication" => {
                let request: NamedApplication = read_json(body)?;
                let application = self.repository.find(scope, &request.application_name).await?;
                write_json(&json!({ "ApplicationDetail": detail(&application) }))
            }
            "ListApplications" => self.list(scope, read_json(body)?).await,
            "AddApplicationInput" => self.add_input(scope, read_json(body)?).await,
            "AddApplicationInputProcessingConfiguration" => self.add_processing(scope, read_json(body)?).await,
            "DeleteApplicationInputProcessingConfiguration" => self.delete_processing(scope, read_json(body)?).await,
            "AddApplicationOutput" => self.add_output(scope, read_json(body)?).await,
            "DeleteApplicationOutput" => self.delete_output(scope, read_json(body)?).await,
            "UpdateApplication" => self.update(scope, read_json(body)?).await,
            "StartApplication" => self.start(scope, read_json(body)?).await,
            "StopApplication" => self.stop(scope, read_json(body)?).await,
            "DeleteApplication" => self.delete(scope, read_json(body)?).await,
            "DiscoverInputSchema" => self.discover(scope, read_json(body)?).await,
            "TagResource" => self.tag(scope, read_json(body)?).await,
            "UntagResource" => self.untag(scope, read_json(body)?).await,
            "ListTagsForResource" => self.list_tags(scope, read_json(body)?).await,
            "AddApplicationReferenceDataSource" | "DeleteApplicationReferenceDataSource" => Err(no_reference_data()),
            "AddApplicationCloudWatchLoggingOption"
            | "AddApplicationVpcConfiguration"
            | "CreateApplicationPresignedUrl"
            | "CreateApplicationSnapshot"
            | "DeleteApplicationCloudWatchLoggingOption"
            | "DeleteApplicationSnapshot"
            | "DeleteApplicationVpcConfiguration"
            | "DescribeApplicationOperation"
            | "DescribeApplicationSnapshot"
            | "DescribeApplicationVersion"
            | "ListApplicationOperations"
            | "ListApplicationSnapshots"
            | "ListApplicationVersions"
            | "RollbackApplication"
            | "UpdateApplicationMaintenanceConfiguration" => {
                Err(unsupported(format!("The sandbox does not offer the operation {operation}.")))
            }
            other => Err(AwsError::unknown_operation("kinesisanalyticsv2", other)),
        }
    }

    async fn create(&self, scope: &Scope, request: CreateApplication) -> Result<Bytes, AwsError> {
        let name = request.application_name;
        let valid = (1..=128).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !valid {
            return Err(invalid("ApplicationName has 1 to 128 letters, digits, dots, hyphens and underscores."));
        }
        if request.runtime_environment != RUNTIME {
            let message = format!(
                "The sandbox runs applications with RuntimeEnvironment {RUNTIME} only, not {}.",
                request.runtime_environment
            );
            return Err(unsupported(message));
        }
        if request.application_mode.is_some_and(|mode| mode != "STREAMING") {
            return Err(invalid("A SQL application has the ApplicationMode STREAMING."));
        }
        if request.application_description.as_ref().is_some_and(|text| text.chars().count() > 1_024) {
            return Err(invalid("ApplicationDescription has at most 1024 characters."));
        }
        let configuration = request.application_configuration;
        let others = [
            (configuration.flink_application_configuration.is_some(), "FlinkApplicationConfiguration"),
            (configuration.zeppelin_application_configuration.is_some(), "ZeppelinApplicationConfiguration"),
            (configuration.environment_properties.is_some(), "EnvironmentProperties"),
            (configuration.vpc_configurations.is_some(), "VpcConfigurations"),
        ];
        if let Some((_, member)) = others.iter().find(|(is_there, _)| *is_there) {
            return Err(invalid(format!("{member} does not belong to a SQL application.")));
        }
        if request.cloud_watch_logging_options.len() > MAX_LOG_STREAMS {
            return Err(invalid("An application names at most one log stream."));
        }
        check_tags(&request.tags)?;
        self.check_role(scope, &request.service_execution_role).await?;
        let sql = configuration.sql_application_configuration.unwrap_or_default();
        if !sql.reference_data_sources.is_empty() {
            return Err(no_reference_data());
        }
        if sql.inputs.len() > 1 {
            return Err(invalid("An application has one input."));
        }
        let code = match configuration.application_code_configuration {
            None => None,
            Some(code) => plain_code(&code.code_content_type, code.code_content)?,
        };
        let mut definition = Definition {
            description: request.application_description,
            role: request.service_execution_role,
            code,
            input: None,
            outputs: Vec::new(),
            log_streams: Vec::new(),
        };
        if let Some(input) = sql.inputs.into_iter().next() {
            self.check_input(scope, &input).await?;
            definition.input = Some(KeptInput { id: "1.1".to_owned(), input, starting_position: None });
        }
        for output in sql.outputs {
            push_output(scope, &mut definition, 1, output)?;
        }
        for (index, option) in request.cloud_watch_logging_options.into_iter().enumerate() {
            let id = format!("1.{}", index + 1);
            definition.log_streams.push(KeptLogStream { id, arn: option.log_stream_arn });
        }
        check_code(&definition, "CodeValidationException")?;
        let application = self.repository.insert(scope, &name, &definition, &request.tags).await?;
        write_json(&json!({ "ApplicationDetail": detail(&application) }))
    }

    async fn list(&self, scope: &Scope, request: ListApplications) -> Result<Bytes, AwsError> {
        let limit = request.limit.unwrap_or(50);
        if !(1..=50).contains(&limit) {
            return Err(AwsError::client("InvalidRequestException", "Limit is 1 to 50."));
        }
        let after = request.next_token.unwrap_or_default();
        let mut applications = self.repository.list(scope, &after, limit + 1).await?;
        let has_more = applications.len() as i64 > limit;
        applications.truncate(limit as usize);
        let summaries: Vec<Value> = applications.iter().map(summary).collect();
        let mut answer = json!({ "ApplicationSummaries": summaries });
        if let (true, Some(last)) = (has_more, applications.last()) {
            answer["NextToken"] = json!(last.name);
        }
        write_json(&answer)
    }

    async fn add_input(&self, scope: &Scope, request: AddApplicationInput) -> Result<Bytes, AwsError> {
        let application =
            self.find_version(scope, &request.application_name, Some(request.current_application_version_id)).await?;
        let mut definition = application.definition.clone();
        if definition.input.is_some() {
            return Err(invalid("The application has an input already; UpdateApplication changes it."));
        }
        self.check_input(scope, &request.input).await?;
        let id = format!("{}.1", application.version + 1);
        definition.input = Some(KeptInput { id, input: request.input, starting_position: None });
        check_code(&definition, "CodeValidationException")?;
        let updated = self.apply(&application, &definition).await?;
        let descriptions: Vec<Value> =
            definition.input.iter().map(|kept| input_description(kept, &definition.role)).collect();
        write_json(&versioned(&updated, "InputDescriptions", json!(descriptions)))
    }

    async fn add_processing(&self, scope: &Scope, request: AddInputProcessing) -> Result<Bytes, AwsError> {
        let application =
            self.find_version(scope, &request.application_name, Some(request.current_application_version_id)).await?;
        let mut definition = application.definition.clone();
        let input = input_with_id(&mut definition, &request.input_id)?;
        if input.input.input_processing_configuration.is_some() {
            return Err(invalid("The input has a preprocessor already; UpdateApplication changes it."));
        }
        check_function(scope, &request.input_processing_configuration.input_lambda_processor)?;
        let description = processing_description(&request.input_processing_configuration, &application.definition.role);
        input.input.input_processing_configuration = Some(request.input_processing_configuration);
        let updated = self.apply(&application, &definition).await?;
        let mut answer = versioned(&updated, "InputProcessingConfigurationDescription", description);
        answer["InputId"] = json!(request.input_id);
        write_json(&answer)
    }

    async fn delete_processing(&self, scope: &Scope, request: DeleteInputProcessing) -> Result<Bytes, AwsError> {
        let application =
            self.find_version(scope, &request.application_name, Some(request.current_application_version_id)).await?;
        let mut definition = application.definition.clone();
        let input = input_with_id(&mut definition, &request.input_id)?;
        if input.input.input_processing_configuration.take().is_none() {
            return Err(not_found("The input has no preprocessor."));
        }
        let updated = self.apply(&application, &definition).await?;
        write_json(&json!({ "ApplicationARN": arn(&updated), "ApplicationVersionId": updated.version }))
    }

    async fn add_output(&self, scope: &Scope, request: AddApplicationOutput) -> Result<Bytes, AwsError> {
        let application =
            self.find_version(scope, &request.application_name, Some(request.current_application_version_id)).await?;
        let mut definition = application.definition.clone();
        push_output(scope, &mut definition, application.version + 1, request.output)?;
        let updated = self.apply(&application, &definition).await?;
        let descriptions: Vec<Value> =
            definition.outputs.iter().map(|kept| output_description(kept, &definition.role)).collect();
        write_json(&versioned(&updated, "OutputDescriptions", json!(descriptions)))
    }

    async fn delete_output(&self, scope: &Scope, request: DeleteApplicationOutput) -> Result<Bytes, AwsError> {
        let application =
            self.find_version(scope, &request.application_name, Some(request.current_application_version_id)).await?;
        let mut definition = application.definition.clone();
        let before = definition.outputs.len();
        definition.outputs.retain(|kept| kept.id != request.output_id);
        if definition.outputs.len() == before {
            return Err(not_found(format!("The application has no output {}.", request.output_id)));
        }
        let updated = self.apply(&application, &definition).await?;
        write_json(&json!({ "ApplicationARN": arn(&updated), "ApplicationVersionId": updated.version }))
    }

    async fn update(&self, scope: &Scope, request: UpdateApplication) -> Result<Bytes, AwsError> {
        let application =
            self.find_version(scope, &request.application_name, request.current_application_version_id).await?;
        if request.runtime_environment_update.is_some_and(|runtime| runtime != RUNTIME) {
            return Err(invalid(format!("The sandbox runs {RUNTIME} only.")));
        }
        if !request.cloud_watch_logging_option_updates.is_empty() {
            return Err(invalid("The sandbox does not offer CloudWatchLoggingOptionUpdates."));
        }
        let changes = request.application_configuration_update;
        if changes.flink_application_configuration_update.is_some()
            || changes.zeppelin_application_configuration_update.is_some()
        {
            return Err(invalid("A SQL application has no Flink or Zeppelin configuration."));
        }
        let mut definition = application.definition.clone();
        if let Some(role) = request.service_execution_role_update {
            self.check_role(scope, &role).await?;
            definition.role = role;
        }
        if let Some(code) = changes.application_code_configuration_update
            && let Some(content) = code.code_content_update
        {
            let content = CodeContent {
                text_content: content.text_content_update,
                zip_file_content: content.zip_file_content_update,
                s3_content_location: content.s3_content_location_update,
            };
            let content_type = code.code_content_type_update.unwrap_or_else(|| "PLAINTEXT".to_owned());
            definition.code = plain_code(&content_type, Some(content))?;
        }
        if let Some(sql) = changes.sql_application_configuration_update {
            if !sql.reference_data_source_updates.is_empty() {
                return Err(no_reference_data());
            }
            for change in sql.input_updates {
                let kept = input_with_id(&mut definition, &change.input_id)?;
                change_input(&mut kept.input, change)?;
                let input = kept.input.clone();
                self.check_input(scope, &input).await?;
            }
            for change in sql.output_updates {
                change_output(scope, &mut definition, change)?;
            }
        }
        check_code(&definition, "CodeValidationException")?;
        let updated = self.apply(&application, &definition).await?;
        write_json(&json!({ "ApplicationDetail": detail(&updated) }))
    }

    async fn start(&self, scope: &Scope, request: StartApplication) -> Result<Bytes, AwsError> {
        let application = self.repository.find(scope, &request.application_name).await?;
        if application.status != Status::Ready {
            return Err(in_use(&application, "start"));
        }
        // from here on no other request starts the application, and a stop waits until it has started
        let place = self.task_of(application.id);
        let mut task = place.lock().await;
        let Some(application) = self.repository.find_id(application.id).await? else {
            return Err(not_found("The application was deleted meanwhile."));
        };
        let mut definition = application.definition.clone();
        let role = definition.role.clone();
        let Some(input) = &mut definition.input else {
            return Err(misconfigured("The application has no input: AddApplicationInput first."));
        };
        let mut position =
            if application.has_run { InputStartingPosition::LastStoppedPoint } else { InputStartingPosition::Now };
        for run in &request.run_configuration.sql_run_configurations {
            if run.input_id != input.id {
                return Err(invalid(format!(
                    "The application has no input {}; its input is {}.",
                    run.input_id, input.id
                )));
            }
            let asked = run.input_starting_position_configuration.input_starting_position;
            position = asked.unwrap_or(InputStartingPosition::Now);
        }
        if position == InputStartingPosition::LastStoppedPoint && !application.has_run {
            return Err(invalid("LAST_STOPPED_POINT needs a run before this one; start with NOW."));
        }
        input.starting_position = Some(position);
        let stream = self.stream_name(scope, &input.input).await.map_err(|error| misconfigured(error.message))?;
        self.check_role(scope, &role).await?;
        check_code(&definition, "InvalidApplicationConfigurationException")?;
        match self.repository.begin_start(&application).await? {
            StartAllowed::Yes => {}
            StartAllowed::InUse => return Err(in_use(&application, "start")),
            StartAllowed::TooManyRun => {
                let message = format!(
                    "The account runs {MAX_RUNNING} applications, as many as the sandbox runs for one; stop another one first."
                );
                return Err(AwsError::client("ResourceInUseException", message));
            }
        }
        let started = async {
            match position {
                InputStartingPosition::LastStoppedPoint => {}
                InputStartingPosition::TrimHorizon => self.repository.start_afresh(application.id, 0).await?,
                InputStartingPosition::Now => {
                    let next = InputLog::next_sequence(&*self.log, scope, &stream).await?;
                    self.repository.start_afresh(application.id, next).await?;
                }
            }
            self.repository.keep_definition(application.id, &definition).await?;
            self.launch(application.id, &mut task).await
        };
        if let Err(error) = started.await {
            end(&mut task).await;
            self.settle(application.id, Status::Starting, Status::Ready).await;
            return Err(error);
        }
        write_json(&Begun { operation_id: Uuid::new_v4().to_string() })
    }

    async fn stop(&self, scope: &Scope, request: NamedApplication) -> Result<Bytes, AwsError> {
        let application = self.repository.find(scope, &request.application_name).await?;
        let running = [Status::Running, Status::Starting];
        if !self.repository.change_status(application.id, &running, Status::Stopping).await? {
            return Err(in_use(&application, "stop"));
        }
        let service = self.clone();
        tokio::spawn(async move {
            let place = service.task_of(application.id);
            let mut task = place.lock().await;
            end(&mut task).await;
            service.settle(application.id, Status::Stopping, Status::Ready).await;
        });
        write_json(&Begun { operation_id: Uuid::new_v4().to_string() })
    }

    async fn delete(&self, scope: &Scope, request: DeleteApplication) -> Result<Bytes, AwsError> {
        let application = self.repository.find(scope, &request.application_name).await?;
        // clients read the time as a float and may write it back with fewer digits
        if (request.create_timestamp * 1_000.0 - application.created_ms as f64).abs() >= 1_000.0 {
            return Err(invalid("CreateTimestamp must be the one that DescribeApplication tells."));
        }
        let deletable = [Status::Ready, Status::Running, Status::Starting];
        if !self.repository.change_status(application.id, &deletable, Status::Deleting).await? {
            return Err(in_use(&application, "delete"));
        }
        let service = self.clone();
        tokio::spawn(async move { service.finish_deletion(&application).await });
        Ok(empty_json())
    }

    /// The application at the version that the request was made for.
    async fn find_version(&self, scope: &Scope, name: &str, version: Option<i64>) -> Result<Application, AwsError> {
        let application = self.repository.find(scope, name).await?;
        if let Some(version) = version
            && version != application.version
        {
            return Err(AwsError::client(
                "ConcurrentModificationException",
                format!(
                    "The application is at version {}, not {version}; describe it and try again.",
                    application.version
                ),
            ));
        }
        match application.status {
            Status::Ready | Status::Running => Ok(application),
            _ => Err(in_use(&application, "change")),
        }
    }

    /// Keeps a changed definition; a running application goes on with it.
    async fn apply(&self, application: &Application, definition: &Definition) -> Result<Application, AwsError> {
        let running = application.status == Status::Running;
        let status = if running { Status::Updating } else { Status::Ready };
        let updated = self.repository.update(application, definition, status).await?;
        let (service, before) = (self.clone(), application.clone());
        if running {
            tokio::spawn(async move { service.restart(&before).await });
        } else {
            service.forget_other_stream(&before, definition).await;
        }
        Ok(updated)
    }

    async fn check_role(&self, scope: &Scope, role: &str) -> Result<(), AwsError> {
        if !role.starts_with("arn:") || role.len() > 2_048 {
            return Err(invalid("ServiceExecutionRole must be the ARN of a role."));
        }
        if self.iam.may_assume(scope, role, SERVICE_PRINCIPAL).await? {
            return Ok(());
        }
        Err(invalid(format!(
            "Kinesis Analytics cannot assume the role {role}. It must exist in this account, and its trust policy must \
             allow sts:AssumeRole to the service {SERVICE_PRINCIPAL}."
        )))
    }

    async fn check_input(&self, scope: &Scope, input: &Input) -> Result<(), AwsError> {
        let prefix = &input.name_prefix;
        let valid = (1..=32).contains(&prefix.chars().count())
            && !prefix.contains(|character: char| character.is_whitespace() || "-<>&".contains(character));
        if !valid {
            return Err(invalid("NamePrefix has 1 to 32 characters, none of them a space, -, <, > or &."));
        }
        if input.input_parallelism.and_then(|parallelism| parallelism.count).is_some_and(|count| count != 1) {
            return Err(invalid("The sandbox fills one in-application stream: InputParallelism.Count must be 1."));
        }
        super::input::InputFormat::new(&input.input_schema).map_err(invalid)?;
        if let Some(InputProcessingConfiguration { input_lambda_processor }) = &input.input_processing_configuration {
            check_function(scope, input_lambda_processor)?;
        }
        self.stream_name(scope, input).await.map(|_| ())
    }

    /// The delivery stream of an input, which must exist.
    pub(super) async fn stream_name(&self, scope: &Scope, input: &Input) -> Result<String, AwsError> {
        let Some(resource) = &input.kinesis_firehose_input else {
            return Err(invalid("The sandbox reads delivery streams: the input needs KinesisFirehoseInput."));
        };
        if input.kinesis_streams_input.is_some() {
            return Err(invalid("The input has KinesisFirehoseInput or KinesisStreamsInput, not both."));
        }
        self.existing_stream(scope, &resource.resource_arn).await
    }

    /// The name in a delivery stream's ARN, which must be of this account and region and exist.
    pub(super) async fn existing_stream(&self, scope: &Scope, stream_arn: &str) -> Result<String, AwsError> {
        let prefix = scope.arn("firehose", "deliverystream/");
        let Some(name) = stream_arn.strip_prefix(&prefix).filter(|name| !name.is_empty()) else {
            return Err(invalid(format!("{stream_arn} is not a delivery stream here; its ARN starts with {prefix}.")));
        };
        match InputLog::next_sequence(&*self.log, scope, name).await {
            Ok(_) => Ok(name.to_owned()),
            Err(error) if error.code == "ResourceNotFoundException" => {
                Err(invalid(format!("There is no delivery stream {name} in this account and region.")))
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the code runs, as far as can be told: without an input only its syntax.
pub(super) fn check_code(definition: &Definition, error_code: &str) -> Result<(), AwsError> {
    let Some(code) = &definition.code else { return Ok(()) };
    let checked = if definition.input.is_some() {
        Program::compile(code, &sources(definition).map_err(invalid)?).map(|_| ())
    } else {
        Program::check_syntax(code)
    };
    checked.map_err(|error| AwsError::client(error_code, format!("The SQL cannot run: {error}")))
}

fn plain_code(content_type: &str, content: Option<CodeContent>) -> Result<Option<String>, AwsError> {
    if content_type != "PLAINTEXT" {
        return Err(invalid("The code of a SQL application has the CodeContentType PLAINTEXT."));
    }
    let Some(content) = content else { return Ok(None) };
    if content.zip_file_content.is_some() || content.s3_content_location.is_some() {
        return Err(invalid("The code of a SQL application is in TextContent."));
    }
    match content.text_content {
        Some(text) if text.len() > 102_400 => Err(invalid("TextContent has at most 102400 bytes.")),
        Some(text) if text.trim().is_empty() => Ok(None),
        text => Ok(text),
    }
}

fn input_with_id<'a>(definition: &'a mut Definition, id: &str) -> Result<&'a mut KeptInput, AwsError> {
    definition
        .input
        .as_mut()
        .filter(|kept| kept.id == id)
        .ok_or_else(|| not_found(format!("The application has no input {id}; DescribeApplication tells the InputId.")))
}

fn push_output(scope: &Scope, definition: &mut Definition, version: i64, output: Output) -> Result<(), AwsError> {
    if definition.outputs.len() >= MAX_OUTPUTS {
        return Err(invalid(format!("An application has at most {MAX_OUTPUTS} outputs.")));
    }
    if definition.outputs.iter().any(|kept| kept.output.name == output.name) {
        return Err(invalid(format!("The in-application stream {} has an output already.", output.name)));
    }
    check_output(scope, &output)?;
    let index = definition.outputs.len() + 1;
    definition.outputs.push(KeptOutput { id: format!("{version}.{index}"), output });
    Ok(())
}

fn check_output(scope: &Scope, output: &Output) -> Result<(), AwsError> {
    let length = output.name.chars().count();
    if !(1..=32).contains(&length) || output.name.contains(char::is_whitespace) {
        return Err(invalid("The output's Name is that of an in-application stream, 1 to 32 characters."));
    }
    match (&output.lambda_output, &output.kinesis_streams_output, &output.kinesis_firehose_output) {
        (Some(function), None, None) => check_function(scope, function),
        _ => Err(invalid("The sandbox delivers to functions: the output needs LambdaOutput and nothing else.")),
    }
}

fn check_function(scope: &Scope, function: &Resource) -> Result<(), AwsError> {
    let prefix = scope.arn("lambda", "function:");
    if function.resource_arn.strip_prefix(&prefix).is_some_and(|name| !name.is_empty()) {
        return Ok(());
    }
    Err(invalid(format!("{} is not a function here; its ARN starts with {prefix}.", function.resource_arn)))
}

fn change_input(input: &mut Input, change: InputUpdate) -> Result<(), AwsError> {
    if change.kinesis_streams_input_update.is_some() {
        return Err(invalid("The sandbox reads delivery streams: use KinesisFirehoseInputUpdate."));
    }
    if let Some(prefix) = change.name_prefix_update {
        input.name_prefix = prefix;
    }
    if let Some(processing) = change.input_processing_configuration_update {
        let resource_arn = processing.input_lambda_processor_update.resource_arn_update;
        input.input_processing_configuration =
            Some(InputProcessingConfiguration { input_lambda_processor: Resource { resource_arn } });
    }
    if let Some(stream) = change.kinesis_firehose_input_update {
        input.kinesis_firehose_input = Some(Resource { resource_arn: stream.resource_arn_update });
    }
    if let Some(schema) = change.input_schema_update {
        if let Some(format) = schema.record_format_update {
            input.input_schema.record_format = format;
        }
        if let Some(encoding) = schema.record_encoding_update {
            input.input_schema.record_encoding = Some(encoding);
        }
        if let Some(columns) = schema.record_column_updates {
            input.input_schema.record_columns = columns;
        }
    }
    if let Some(parallelism) = change.input_parallelism_update {
        input.input_parallelism = Some(InputParallelism { count: Some(parallelism.count_update) });
    }
    Ok(())
}

fn change_output(scope: &Scope, definition: &mut Definition, change: OutputUpdate) -> Result<(), AwsError> {
    if change.kinesis_streams_output_update.is_some() || change.kinesis_firehose_output_update.is_some() {
        return Err(invalid("The sandbox delivers to functions: use LambdaOutputUpdate."));
    }
    let taken = change.name_update.as_ref().is_some_and(|name| {
        definition.outputs.iter().any(|kept| kept.id != change.output_id && kept.output.name == *name)
    });
    if taken {
        return Err(invalid("Another output delivers that in-application stream already."));
    }
    let kept = definition.outputs.iter_mut().find(|kept| kept.id == change.output_id);
    let Some(kept) = kept else {
        return Err(not_found(format!("The application has no output {}.", change.output_id)));
    };
    if let Some(name) = change.name_update {
        kept.output.name = name;
    }
    if let Some(function) = change.lambda_output_update {
        kept.output.lambda_output = Some(Resource { resource_arn: function.resource_arn_update });
    }
    if let Some(schema) = change.destination_schema_update {
        kept.output.destination_schema = schema;
    }
    check_output(scope, &kept.output)
}

fn versioned(application: &Application, member: &str, value: Value) -> Value {
    let mut answer = json!({ "ApplicationARN": arn(application), "ApplicationVersionId": application.version });
    answer[member] = value;
    answer
}

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidArgumentException", message)
}

fn unsupported(message: impl Into<String>) -> AwsError {
    AwsError::client("UnsupportedOperationException", message)
}

fn no_reference_data() -> AwsError {
    unsupported("The sandbox does not offer reference data sources (AddApplicationReferenceDataSource).")
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::client("ResourceNotFoundException", message)
}

fn misconfigured(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidApplicationConfigurationException", message)
}

fn in_use(application: &Application, what: &str) -> AwsError {
    let Application { name, status, .. } = application;
    let status = status.as_str();
    AwsError::client("ResourceInUseException", format!("The application {name} is {status}; you cannot {what} it now."))
}
