//! The guard inside each SDK client: it refuses, before anything is sent, a call that is not in the table, and
//! writes what is sent to the wire log.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use thiserror::Error;

use crate::{
    api_calls::{self, Caller},
    wire_log::WireLog,
};

/// An interceptor for every SDK client that is given a learner's account:
/// `config::Builder::from(&sdk_config).interceptor(Guard::of(Caller::Sender))`.
///
/// It lets pass the calls that [`api_calls`] grants to its caller, and keeps the [`WireLog`].
#[derive(Debug, Clone)]
pub struct Guard {
    caller: Caller,
    wire_log: WireLog,
}

impl Guard {
    /// The guard for the clients of `caller`.
    pub fn of(caller: Caller) -> Self {
        Self { caller, wire_log: WireLog::of(caller) }
    }
}

/// The call that was refused.
#[derive(Debug, Error)]
#[error("the {caller} makes no call {call}", caller = caller.as_str())]
pub(crate) struct NotInTheTable {
    caller: Caller,
    call: String,
}

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "Guard"
    }

    // The first hook that knows which operation it is.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let refused = |call: String| Err(NotInTheTable { caller: self.caller, call }.into());
        let Some(metadata) = config.load::<Metadata>() else {
            return refused("without a name".to_owned());
        };
        let may = api_calls::ALL.iter().any(|call| {
            call.service.sdk_id() == metadata.service() && call.operation == metadata.name() && self.caller.may(call)
        });
        if may { Ok(()) } else { refused(format!("{} {}", metadata.service(), metadata.name())) }
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.wire_log.read_before_transmit(context, components, config)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_sdk_firehose::{primitives::Blob, types::Record};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// The requests that leave a client of `caller` which lists, describes and puts.
    async fn sent_by(caller: Caller) -> Vec<&'static str> {
        let mut sent = Vec::new();
        for operation in ["ListDeliveryStreams", "DescribeDeliveryStream", "PutRecordBatch"] {
            let arrived = Arc::new(AtomicBool::new(false));
            let http = {
                let arrived = Arc::clone(&arrived);
                infallible_client_fn(move |_| {
                    arrived.store(true, Ordering::SeqCst);
                    http::Response::builder().status(400).body(SdkBody::empty()).unwrap()
                })
            };
            let config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
                .http_client(http)
                .build();
            let config = aws_sdk_firehose::config::Builder::from(&config).interceptor(Guard::of(caller)).build();
            let firehose = aws_sdk_firehose::Client::from_conf(config);
            let record = Record::builder().data(Blob::new("x")).build().unwrap();
            let stream = firehose.put_record_batch().delivery_stream_name("s").records(record);
            match operation {
                "ListDeliveryStreams" => drop(firehose.list_delivery_streams().send().await),
                "DescribeDeliveryStream" => {
                    drop(firehose.describe_delivery_stream().delivery_stream_name("s").send().await);
                }
                _ => drop(stream.send().await),
            }
            sent.extend(arrived.load(Ordering::SeqCst).then_some(operation));
        }
        sent
    }

    #[tokio::test]
    async fn each_caller_makes_its_own_calls_alone() {
        assert_eq!(sent_by(Caller::Checks).await, ["DescribeDeliveryStream"]);
        assert_eq!(sent_by(Caller::Sender).await, ["PutRecordBatch"]);
        assert_eq!(sent_by(Caller::Connect).await, Vec::<&str>::new());
    }
}
