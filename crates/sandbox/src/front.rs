//! The front door: one HTTP endpoint for all services. Verifies the signature, finds the service by the credential scope
//! and renders answers and errors in that service's protocol.

use thiserror::Error;

use crate::analytics::Analytics;
use crate::dynamodb::DynamoDb;
use crate::firehose::Firehose;
use crate::iam::Iam;
use crate::lambda::Lambda;
use crate::s3::S3;
use crate::{AwsError, Database, DatabaseError, SandboxConfig};

/// A running sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) config: SandboxConfig,
    pub(crate) database: Database,
    pub(crate) iam: Iam,
    pub(crate) s3: S3,
    pub(crate) lambda: Lambda,
    pub(crate) firehose: Firehose,
    pub(crate) analytics: Analytics,
    pub(crate) dynamodb: DynamoDb,
}

/// Why a sandbox could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the data folder {folder} cannot be used: {cause}")]
    DataFolder { folder: String, cause: std::io::Error },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the sandbox's services cannot resume: {0}")]
    Resume(#[from] AwsError),
}

impl Sandbox {
    /// Opens the state in `config.data_dir` and starts the tasks of the streams and applications in it.
    pub async fn open(config: SandboxConfig) -> Result<Self, OpenError> {
        let folder_error = |cause| OpenError::DataFolder { folder: config.data_dir.display().to_string(), cause };
        tokio::fs::create_dir_all(config.data_dir.join("objects")).await.map_err(folder_error)?;
        let database = Database::open(&config.data_dir.join("sandbox.sqlite3")).await?;
        let clock = config.clock.clone();
        let iam = Iam::new(database.clone());
        let s3 = S3::new(database.clone(), config.data_dir.join("objects"));
        let lambda = Lambda::new(database.clone(), config.clone());
        let firehose = Firehose::new(database.clone(), clock.clone(), iam.clone(), s3.clone(), lambda.clone());
        let analytics = Analytics::new(database.clone(), clock.clone(), iam.clone(), firehose.clone(), lambda.clone());
        let dynamodb = DynamoDb::new(database.clone(), clock);
        firehose.resume().await?;
        analytics.resume().await?;
        Ok(Self { config, database, iam, s3, lambda, firehose, analytics, dynamodb })
    }
}
