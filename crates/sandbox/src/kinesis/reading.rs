//! Whether a role may read a data stream, which those check that read in its name.

use super::DataStream;
use crate::AwsError;
use crate::iam::Iam;

/// What a reader does with a stream (AWS Lambda developer guide, "Required permissions for event source mapping"; Amazon Data
/// Firehose developer guide, "Grant Firehose access to a Kinesis data stream").
const ACTIONS: [&str; 4] =
    ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"];

/// Why a role cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not exist or does not trust the service.
    NotAssumable,
    /// Its policies do not allow this action on the stream.
    NotAllowed(&'static str),
}

/// Whether the service `principal` can read the stream with the role `role_arn`. Policies of AWS that the sandbox does not know
/// are held to allow it.
pub(crate) async fn may_read(
    iam: &Iam,
    stream: &DataStream,
    role_arn: &str,
    principal: &str,
) -> Result<Result<(), Refusal>, AwsError> {
    if !iam.may_assume(&stream.scope, role_arn, principal).await? {
        return Ok(Err(Refusal::NotAssumable));
    }
    let Some((_, role)) = iam.role_by_arn(role_arn).await? else { return Ok(Err(Refusal::NotAssumable)) };
    let permissions = iam.permissions_of_role(&stream.scope, &role.role_name).await?;
    let arn = stream.arn();
    let refused = ACTIONS.into_iter().find(|action| !permissions.may_allow(action, &arn));
    Ok(refused.map_or(Ok(()), |action| Err(Refusal::NotAllowed(action))))
}
