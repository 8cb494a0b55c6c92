//! Which operation of the Lambda API a request means, by its method and path (`rest-json`).

use http::Method;
use percent_encoding::percent_decode_str;

/// An operation with what its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    CreateFunction,
    ListFunctions,
    GetFunction(String),
    DeleteFunction(String),
    GetFunctionConfiguration(String),
    UpdateFunctionConfiguration(String),
    UpdateFunctionCode(String),
    Invoke(String),
    GetPolicy(String),
    AddPermission(String),
    /// Function and statement id.
    RemovePermission(String, String),
    ListVersionsByFunction(String),
    CreateEventSourceMapping,
    ListEventSourceMappings,
    /// A mapping's UUID.
    GetEventSourceMapping(String),
    UpdateEventSourceMapping(String),
    DeleteEventSourceMapping(String),
    GetAccountSettings,
    /// The ARN of a function or an event source mapping.
    ListTags(String),
    TagResource(String),
    UntagResource(String),
    /// An operation that AWS has and the sandbox does not, or a path that neither has.
    Unknown(String),
}

/// Reads the method and the path, which is still percent-encoded.
pub(super) fn route(method: &Method, path: &str) -> Route {
    let Some(segments) = path
        .trim_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned).ok())
        .collect::<Option<Vec<String>>>()
    else {
        return Route::Unknown(format!("{method} {path}"));
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let name = |name: &&str| (*name).to_owned();
    match (method.as_str(), segments.as_slice()) {
        ("POST", ["2015-03-31", "functions"]) => Route::CreateFunction,
        ("GET", ["2015-03-31", "functions"]) => Route::ListFunctions,
        ("GET", ["2015-03-31", "functions", function]) => Route::GetFunction(name(function)),
        ("DELETE", ["2015-03-31", "functions", function]) => Route::DeleteFunction(name(function)),
        ("GET", ["2015-03-31", "functions", function, "configuration"]) => {
            Route::GetFunctionConfiguration(name(function))
        }
        ("PUT", ["2015-03-31", "functions", function, "configuration"]) => {
            Route::UpdateFunctionConfiguration(name(function))
        }
        ("PUT", ["2015-03-31", "functions", function, "code"]) => Route::UpdateFunctionCode(name(function)),
        ("POST", ["2015-03-31", "functions", function, "invocations"]) => Route::Invoke(name(function)),
        ("GET", ["2015-03-31", "functions", function, "policy"]) => Route::GetPolicy(name(function)),
        ("POST", ["2015-03-31", "functions", function, "policy"]) => Route::AddPermission(name(function)),
        ("DELETE", ["2015-03-31", "functions", function, "policy", statement]) => {
            Route::RemovePermission(name(function), name(statement))
        }
        ("GET", ["2015-03-31", "functions", function, "versions"]) => Route::ListVersionsByFunction(name(function)),
        ("POST", ["2015-03-31", "event-source-mappings"]) => Route::CreateEventSourceMapping,
        ("GET", ["2015-03-31", "event-source-mappings"]) => Route::ListEventSourceMappings,
        ("GET", ["2015-03-31", "event-source-mappings", uuid]) => Route::GetEventSourceMapping(name(uuid)),
        ("PUT", ["2015-03-31", "event-source-mappings", uuid]) => Route::UpdateEventSourceMapping(name(uuid)),
        ("DELETE", ["2015-03-31", "event-source-mappings", uuid]) => Route::DeleteEventSourceMapping(name(uuid)),
        ("GET", ["2016-08-19", "account-settings"]) => Route::GetAccountSettings,
        ("GET", ["2017-03-31", "tags", arn]) => Route::ListTags(name(arn)),
        ("POST", ["2017-03-31", "tags", arn]) => Route::TagResource(name(arn)),
        ("DELETE", ["2017-03-31", "tags", arn]) => Route::UntagResource(name(arn)),
        (method, segments) => {
            Route::Unknown(not_offered(method, segments).unwrap_or(&format!("{method} {path}")).to_owned())
        }
    }
}

/// The name of an operation that the sandbox does not offer, where its path tells.
fn not_offered(method: &str, segments: &[&str]) -> Option<&'static str> {
    let rest = segments.get(1..)?;
    Some(match (method, rest) {
        ("POST", ["functions", _, "versions"]) => "PublishVersion",
        ("POST", ["functions", _, "aliases"]) => "CreateAlias",
        ("GET", ["functions", _, "aliases"]) => "ListAliases",
        ("GET", ["functions", _, "aliases", _]) => "GetAlias",
        ("PUT", ["functions", _, "aliases", _]) => "UpdateAlias",
        ("DELETE", ["functions", _, "aliases", _]) => "DeleteAlias",
        ("PUT", ["functions", _, "concurrency"]) => "PutFunctionConcurrency",
        ("GET", ["functions", _, "concurrency"]) => "GetFunctionConcurrency",
        ("DELETE", ["functions", _, "concurrency"]) => "DeleteFunctionConcurrency",
        ("PUT", ["functions", _, "provisioned-concurrency"]) => "PutProvisionedConcurrencyConfig",
        ("GET", ["functions", _, "provisioned-concurrency"]) => "GetProvisionedConcurrencyConfig",
        ("DELETE", ["functions", _, "provisioned-concurrency"]) => "DeleteProvisionedConcurrencyConfig",
        ("PUT", ["functions", _, "event-invoke-config"]) => "PutFunctionEventInvokeConfig",
        ("POST", ["functions", _, "event-invoke-config"]) => "UpdateFunctionEventInvokeConfig",
        ("GET", ["functions", _, "event-invoke-config"]) => "GetFunctionEventInvokeConfig",
        ("DELETE", ["functions", _, "event-invoke-config"]) => "DeleteFunctionEventInvokeConfig",
        ("GET", ["functions", _, "event-invoke-config", "list"]) => "ListFunctionEventInvokeConfigs",
        ("PUT", ["functions", _, "code-signing-config"]) => "PutFunctionCodeSigningConfig",
        ("GET", ["functions", _, "code-signing-config"]) => "GetFunctionCodeSigningConfig",
        ("DELETE", ["functions", _, "code-signing-config"]) => "DeleteFunctionCodeSigningConfig",
        ("GET", ["functions", _, "runtime-management-config"]) => "GetRuntimeManagementConfig",
        ("PUT", ["functions", _, "runtime-management-config"]) => "PutRuntimeManagementConfig",
        ("GET", ["functions", _, "recursion-config"]) => "GetFunctionRecursionConfig",
        ("PUT", ["functions", _, "recursion-config"]) => "PutFunctionRecursionConfig",
        ("POST", ["functions", _, "url"]) => "CreateFunctionUrlConfig",
        ("GET", ["functions", _, "url"]) => "GetFunctionUrlConfig",
        ("PUT", ["functions", _, "url"]) => "UpdateFunctionUrlConfig",
        ("DELETE", ["functions", _, "url"]) => "DeleteFunctionUrlConfig",
        ("GET", ["functions", _, "urls"]) => "ListFunctionUrlConfigs",
        ("POST", ["functions", _, "invoke-async"]) => "InvokeAsync",
        ("POST", ["functions", _, "response-streaming-invocations"]) => "InvokeWithResponseStream",
        ("GET", ["layers"]) => "ListLayers",
        ("GET", ["layers", _, "versions"]) => "ListLayerVersions",
        ("POST", ["layers", _, "versions"]) => "PublishLayerVersion",
        ("GET", ["layers", _, "versions", _]) => "GetLayerVersion",
        ("DELETE", ["layers", _, "versions", _]) => "DeleteLayerVersion",
        ("GET", ["code-signing-configs"]) => "ListCodeSigningConfigs",
        ("POST", ["code-signing-configs"]) => "CreateCodeSigningConfig",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_of_the_api() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:Clicks";
        let encoded = arn.replace(':', "%3A");
        assert_eq!(
            route(&Method::POST, &format!("/2015-03-31/functions/{encoded}/invocations")),
            Route::Invoke(arn.to_owned())
        );
        assert_eq!(route(&Method::POST, "/2015-03-31/functions/"), Route::CreateFunction);
        assert_eq!(route(&Method::GET, &format!("/2017-03-31/tags/{encoded}")), Route::ListTags(arn.to_owned()));
        assert_eq!(
            route(&Method::PUT, "/2017-10-31/functions/Clicks/concurrency"),
            Route::Unknown("PutFunctionConcurrency".to_owned())
        );
        assert_eq!(route(&Method::GET, "/elsewhere"), Route::Unknown("GET /elsewhere".to_owned()));
        assert_eq!(
            route(&Method::GET, "/2015-03-31/functions/%FF"),
            Route::Unknown("GET /2015-03-31/functions/%FF".to_owned())
        );
    }
}
