//! The operations on functions: create, read, change, list, delete.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::{self, Configuration, ConfigurationRequest};
use super::errors::{
    code_storage_exceeded, conflict, invalid_parameter, not_found, not_offered, precondition_failed, too_large,
};
use super::store::{self, Function, State};
use super::{Lambda, code, function_name, limits, report};
use crate::service::read_json;
use crate::{AwsError, Scope};

/// Most functions of one answer to `ListFunctions`.
const MAX_PAGE: i64 = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateFunction {
    function_name: String,
    #[serde(default)]
    code: CodeRequest,
    #[serde(default)]
    package_type: Option<String>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    publish: bool,
    #[serde(default)]
    publish_to: Option<String>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    code_signing_config_arn: Option<String>,
    #[serde(flatten)]
    configuration: ConfigurationRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct UpdateFunctionCode {
    architectures: Option<Vec<String>>,
    publish: bool,
    publish_to: Option<String>,
    dry_run: bool,
    revision_id: Option<String>,
    #[serde(flatten)]
    code: CodeRequest,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct UpdateFunctionConfiguration {
    revision_id: Option<String>,
    #[serde(flatten)]
    configuration: ConfigurationRequest,
}

/// Where the code of a function comes from.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct CodeRequest {
    /// Base64 of a zip file.
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    s3_object_version: Option<String>,
    image_uri: Option<String>,
    s3_object_storage_mode: Option<String>,
    #[serde(rename = "SourceKMSKeyArn")]
    source_kms_key_arn: Option<String>,
}

impl Lambda {
    pub(super) async fn create_function(&self, scope: &Scope, body: &[u8]) -> Result<Value, AwsError> {
        let request: CreateFunction = read_json(body)?;
        let name = function_name::parse_new(scope, &request.function_name)?;
        match request.package_type.as_deref() {
            None | Some("Zip") => {}
            Some(_) => return Err(not_offered("container images")),
        }
        if request.publish || request.publish_to.is_some() {
            return Err(not_offered("published versions"));
        }
        if request.code_signing_config_arn.is_some() {
            return Err(not_offered("code signing"));
        }
        let architecture = configuration::check_architectures(request.architectures.as_deref())?
            .unwrap_or_else(|| "x86_64".to_owned());
        let configuration = Configuration::new(&name, request.configuration, architecture)?;
        self.check_role(scope, &configuration.role).await?;
        let zip = read_code(request.code, "CreateFunction").await?;
        let now = report::now_ms();
        let function = Function {
            scope: scope.clone(),
            name,
            configuration,
            policy: Vec::new(),
            tags: super::tags::check(request.tags.unwrap_or_default())?,
            revision_id: Uuid::new_v4().to_string(),
            created_ms: now,
            modified_ms: now,
            code_size: i64::try_from(zip.len()).map_err(AwsError::internal)?,
            code_sha256: code::code_sha256(&zip),
        };
        let mut transaction = self.inner.database.write().await?;
        if store::find_to_change(&mut transaction, scope, &function.name).await?.is_some() {
            return Err(conflict(format!("Function already exist: {}", function.name)));
        }
        let (functions, bytes) = store::totals(&mut transaction, scope).await?;
        if functions >= limits::MAX_FUNCTIONS {
            let most = limits::MAX_FUNCTIONS;
            return Err(invalid_parameter(format!(
                "The account has {most} functions in this region, the most the sandbox allows. Delete one first."
            )));
        }
        if bytes + function.code_size > limits::MAX_CODE_BYTES {
            return Err(code_storage_exceeded());
        }
        store::insert(&mut transaction, &function, &zip).await?;
        transaction.commit().await?;
        Ok(function.answer())
    }

    pub(super) async fn get_function(
        &self,
        scope: &Scope,
        name: &str,
        version: Option<&str>,
    ) -> Result<Value, AwsError> {
        let function = self.find(scope, name, version).await?;
        let mut answer = json!({
            "Configuration": function.answer(),
            "Code": { "RepositoryType": "S3" },
        });
        if !function.tags.is_empty() {
            answer["Tags"] = json!(function.tags);
        }
        Ok(answer)
    }

    pub(super) async fn update_function_code(&self, scope: &Scope, name: &str, body: &[u8]) -> Result<Value, AwsError> {
        let request: UpdateFunctionCode = read_json(body)?;
        let name = function_name::parse(scope, name, None)?;
        if request.publish || request.publish_to.is_some() {
            return Err(not_offered("published versions"));
        }
        let architecture = configuration::check_architectures(request.architectures.as_deref())?;
        // Before the code is read, so that a wrong name is told first.
        self.find(scope, &name, None).await?;
        let zip = read_code(request.code, "UpdateFunctionCode").await?;
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &name).await?;
        let mut function = function.ok_or_else(|| not_found(&function_name::arn(scope, &name)))?;
        may_change(&function, request.revision_id.as_deref())?;
        let (_, bytes) = store::totals(&mut transaction, scope).await?;
        let size = i64::try_from(zip.len()).map_err(AwsError::internal)?;
        if bytes - function.code_size + size > limits::MAX_CODE_BYTES {
            return Err(code_storage_exceeded());
        }
        function.code_size = size;
        function.code_sha256 = code::code_sha256(&zip);
        if let Some(architecture) = architecture {
            function.configuration.architecture = architecture;
        }
        if !request.dry_run {
            changed(&mut function);
            store::update(&mut transaction, &function).await?;
            store::update_code(&mut transaction, &function, &zip).await?;
            transaction.commit().await?;
            self.inner.pool.retire(&function.arn());
        }
        Ok(function.answer())
    }

    pub(super) async fn update_function_configuration(
        &self,
        scope: &Scope,
        name: &str,
        body: &[u8],
    ) -> Result<Value, AwsError> {
        let request: UpdateFunctionConfiguration = read_json(body)?;
        let before = self.find(scope, name, None).await?;
        if let Some(role) = &request.configuration.role
            && *role != before.configuration.role
        {
            // Checked outside the transaction, since it asks another service; the form of the ARN is checked first.
            let probe = ConfigurationRequest { role: Some(role.clone()), ..ConfigurationRequest::default() };
            before.configuration.clone().updated(probe)?;
            self.check_role(scope, role).await?;
        }
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &before.name).await?;
        let mut function = function.ok_or_else(|| not_found(&before.arn()))?;
        may_change(&function, request.revision_id.as_deref())?;
        function.configuration = function.configuration.updated(request.configuration)?;
        changed(&mut function);
        store::update(&mut transaction, &function).await?;
        transaction.commit().await?;
        self.inner.pool.retire(&function.arn());
        Ok(function.answer())
    }

    pub(super) async fn list_functions(
        &self,
        scope: &Scope,
        query: &BTreeMap<String, String>,
    ) -> Result<Value, AwsError> {
        if query.contains_key("MasterRegion") {
            return Err(not_offered("Lambda@Edge (MasterRegion)"));
        }
        let limit = page_size(query)?;
        let after = match query.get("Marker").filter(|marker| !marker.is_empty()) {
            None => String::new(),
            Some(marker) => URL_SAFE_NO_PAD
                .decode(marker)
                .ok()
                .and_then(|name| String::from_utf8(name).ok())
                .ok_or_else(|| invalid_parameter("Invalid marker: give the NextMarker of the answer before."))?,
        };
        let mut functions = store::list(&self.inner.database, scope, &after, limit + 1).await?;
        let more = functions.len() as i64 > limit;
        functions.truncate(usize::try_from(limit).unwrap_or_default());
        let mut answer = json!({ "Functions": functions.iter().map(Function::answer).collect::<Vec<_>>() });
        if more && let Some(last) = functions.last() {
            answer["NextMarker"] = json!(URL_SAFE_NO_PAD.encode(&last.name));
        }
        Ok(answer)
    }

    pub(super) async fn list_versions(&self, scope: &Scope, name: &str) -> Result<Value, AwsError> {
        let function = self.find(scope, name, None).await?;
        let mut version = function.answer();
        version["FunctionArn"] = json!(format!("{}:$LATEST", function.arn()));
        Ok(json!({ "Versions": [version] }))
    }

    pub(super) async fn delete_function(
        &self,
        scope: &Scope,
        name: &str,
        version: Option<&str>,
    ) -> Result<(), AwsError> {
        let name = function_name::parse(scope, name, version)?;
        if version.is_some() {
            return Err(invalid_parameter("$LATEST version cannot be deleted without deleting the function."));
        }
        let arn = function_name::arn(scope, &name);
        if !store::delete(&self.inner.database, scope, &name).await? {
            return Err(not_found(&arn));
        }
        self.inner.pool.retire(&arn);
        Ok(())
    }

    pub(super) async fn account_settings(&self, scope: &Scope) -> Result<Value, AwsError> {
        let mut transaction = self.inner.database.write().await?;
        let (functions, bytes) = store::totals(&mut transaction, scope).await?;
        Ok(json!({
            "AccountLimit": {
                "TotalCodeSize": limits::MAX_CODE_BYTES,
                "CodeSizeUnzipped": limits::MAX_UNZIPPED_BYTES,
                "CodeSizeZipped": limits::MAX_ZIP_BYTES,
                "ConcurrentExecutions": limits::MAX_CONCURRENT,
                "UnreservedConcurrentExecutions": limits::MAX_CONCURRENT,
            },
            "AccountUsage": { "TotalCodeSize": bytes, "FunctionCount": functions },
        }))
    }

    /// The function that a request names.
    pub(super) async fn find(&self, scope: &Scope, name: &str, version: Option<&str>) -> Result<Function, AwsError> {
        let name = function_name::parse(scope, name, version)?;
        store::find(&self.inner.database, scope, &name)
            .await?
            .ok_or_else(|| not_found(&function_name::arn(scope, &name)))
    }

    async fn check_role(&self, scope: &Scope, role: &str) -> Result<(), AwsError> {
        if self.inner.iam.may_assume(scope, role, super::PRINCIPAL).await? {
            return Ok(());
        }
        Err(invalid_parameter("The role defined for the function cannot be assumed by Lambda."))
    }
}

/// Takes the zip file out of a request and checks it, away from the threads that serve requests.
async fn read_code(request: CodeRequest, operation: &'static str) -> Result<Vec<u8>, AwsError> {
    if request.image_uri.is_some() {
        return Err(not_offered("container images"));
    }
    if request.source_kms_key_arn.is_some() {
        return Err(not_offered("keys of KMS (SourceKMSKeyArn)"));
    }
    let s3 = [request.s3_bucket, request.s3_key, request.s3_object_version, request.s3_object_storage_mode];
    if s3.iter().any(Option::is_some) {
        return Err(invalid_parameter(
            "The sandbox does not read a function's code from S3. Send the zip file itself (ZipFile, --zip-file fileb://...).",
        ));
    }
    let Some(encoded) = request.zip_file else {
        return Err(invalid_parameter("Please provide a source for function code."));
    };
    // The encoded form is a third longer; what exceeds the limit needs no decoding.
    if encoded.len() / 4 * 3 > limits::MAX_ZIP_BYTES + 3 {
        return Err(too_large(limits::MAX_ZIP_BYTES, operation));
    }
    let checked = tokio::task::spawn_blocking(move || {
        let zip = STANDARD
            .decode(encoded)
            .map_err(|_| AwsError::client("SerializationException", "ZipFile is not valid base64."))?;
        code::check(&zip, operation).map(|()| zip)
    });
    checked.await.map_err(AwsError::internal)?
}

fn may_change(function: &Function, revision: Option<&str>) -> Result<(), AwsError> {
    if revision.is_some_and(|revision| revision != function.revision_id) {
        return Err(precondition_failed());
    }
    match function.state() {
        State::Active => Ok(()),
        State::Pending => Err(is_pending()),
        State::Updating => Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            function.arn()
        ))),
    }
}

/// A function that was just created can be neither invoked nor changed.
pub(super) fn is_pending() -> AwsError {
    conflict(
        "The operation cannot be performed at this time. The function is currently in the following state: Pending",
    )
}

fn changed(function: &mut Function) {
    function.revision_id = Uuid::new_v4().to_string();
    function.modified_ms = report::now_ms();
}

fn page_size(query: &BTreeMap<String, String>) -> Result<i64, AwsError> {
    match query.get("MaxItems").map(|items| items.parse::<i64>()) {
        None => Ok(MAX_PAGE),
        Some(Ok(items)) if (1..=10_000).contains(&items) => Ok(items.min(MAX_PAGE)),
        Some(_) => {
            let value = query.get("MaxItems").map_or("", String::as_str);
            Err(super::errors::validation(value, "maxItems", "have value between 1 and 10000"))
        }
    }
}
