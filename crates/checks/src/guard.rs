//! Refuses, inside the SDK client and before anything is sent, a call that is not in the table.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeSerializationInterceptorContextRef},
        orchestrator::Metadata,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use thiserror::Error;

use crate::api_calls;

#[derive(Debug, Clone, Copy)]
pub(crate) struct OnlyCallsInTheTable;

#[derive(Debug, Error)]
#[error("the checks do not make this call: {0}")]
pub(crate) struct NotInTheTable(String);

impl Intercept for OnlyCallsInTheTable {
    fn name(&self) -> &'static str {
        "OnlyCallsInTheTable"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else {
            return Err(NotInTheTable("an operation without a name".to_owned()).into());
        };
        let known = api_calls::ALL
            .iter()
            .any(|call| call.service.sdk_id() == metadata.service() && call.operation == metadata.name());
        if known { Ok(()) } else { Err(NotInTheTable(format!("{} {}", metadata.service(), metadata.name())).into()) }
    }
}
