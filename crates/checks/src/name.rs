//! The names of the steps and the checks, in one table.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::verdict::VerdictKind::{self, Elsewhere, NoPermission, NotYet, Pass, ServiceFault, Settling, Wrong};

/// A step of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// 0: who are you, and where.
    Connect,
    /// 1: Firehose to S3.
    DeliveryStream,
    /// 2: clicks arrive as objects.
    Ingest,
    /// 3: the preprocessing function.
    Preprocess,
    /// 4: the application that counts.
    StreamingSql,
    /// 5: counts in DynamoDB.
    Results,
    /// 6: everything gone.
    CleanUp,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::DeliveryStream,
        Self::Ingest,
        Self::Preprocess,
        Self::StreamingSql,
        Self::Results,
        Self::CleanUp,
    ];

    /// The name used in addresses and in the lab's files, such as "delivery-stream".
    pub fn slug(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::DeliveryStream => "delivery-stream",
            Self::Ingest => "ingest",
            Self::Preprocess => "preprocess",
            Self::StreamingSql => "streaming-sql",
            Self::Results => "results",
            Self::CleanUp => "clean-up",
        }
    }

    /// The checks of this step, in the order in which to show them.
    pub fn checks(self) -> impl Iterator<Item = CheckName> {
        CheckName::ALL.iter().copied().filter(move |name| name.step() == self)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl FromStr for Step {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|step| step.slug() == text)
            .ok_or_else(|| UnknownName { what: "step", name: text.to_owned() })
    }
}

/// A name that stands for no step or check.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no {what} named {name:?}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
}

/// Declares [`CheckName`]: variant, dotted name, step, title, and the verdicts that the check can yield.
macro_rules! checks {
    ($($variant:ident $name:literal $step:ident $title:literal [$($kind:ident)*])*) => {
        /// A check. Its text form is the dotted name, such as "delivery-stream.active".
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum CheckName {
            $(#[doc = concat!("`", $name, "`")] #[serde(rename = $name)] $variant,)*
        }

        impl CheckName {
            /// All checks, in the order in which to show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The dotted name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The step that this check belongs to.
            pub fn step(self) -> Step {
                match self { $(Self::$variant => Step::$step),* }
            }

            /// A short title for the learner.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }

            /// The verdicts that this check can yield. Each has a fixture in the tests.
            pub fn verdicts(self) -> &'static [VerdictKind] {
                match self { $(Self::$variant => &[$($kind),*]),* }
            }
        }
    };
}

checks! {
    ConnectIdentity "connect.identity" Connect "AWS knows you, and the account is the right one"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]

    DeliveryStreamBucket "delivery-stream.bucket" DeliveryStream "The bucket exists"
        [Pass NotYet Elsewhere NoPermission ServiceFault]
    DeliveryStreamActive "delivery-stream.active" DeliveryStream "The delivery stream is active"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamSource "delivery-stream.source" DeliveryStream "Its source is Direct PUT"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamDestination "delivery-stream.destination" DeliveryStream "It delivers to your bucket with the right role"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamPrefix "delivery-stream.prefix" DeliveryStream "Objects and errors have their own prefix"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamBuffering "delivery-stream.buffering" DeliveryStream "It buffers for a minute at most"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamCompression "delivery-stream.compression" DeliveryStream "Objects are compressed with GZIP"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    IngestObjects "ingest.objects" Ingest "Objects arrive under the prefix"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    IngestReadable "ingest.readable" Ingest "The newest object can be read"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    IngestRows "ingest.rows" Ingest "Its lines are clicks"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    PreprocessFunction "preprocess.function" Preprocess "The function exists and is ready"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    PreprocessRuntime "preprocess.runtime" Preprocess "It runs on a supported Python"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    PreprocessHandler "preprocess.handler" Preprocess "Its handler is the one in the code"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    PreprocessTimeout "preprocess.timeout" Preprocess "It may run for a minute"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    PreprocessAnswer "preprocess.answer" Preprocess "It answers a test batch correctly"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    StreamingSqlApplication "streaming-sql.application" StreamingSql "The SQL application exists"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlInput "streaming-sql.input" StreamingSql "It reads your delivery stream"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlPreprocessor "streaming-sql.preprocessor" StreamingSql "Your function preprocesses its input"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlSchema "streaming-sql.schema" StreamingSql "The input schema names the four columns"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlCode "streaming-sql.code" StreamingSql "The SQL counts in tumbling windows"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlRunning "streaming-sql.running" StreamingSql "The application is running"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    ResultsTable "results.table" Results "The table exists"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsKeys "results.keys" Results "Its keys are metric and window_end"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsFunction "results.function" Results "The output function is ready"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsOutput "results.output" Results "The application sends its counts to the function"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsIdempotent "results.idempotent" Results "A row delivered twice counts once"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsRows "results.rows" Results "Window counts arrive in the table"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    CleanUpApplication "clean-up.application" CleanUp "The SQL application is gone"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]
    CleanUpStream "clean-up.stream" CleanUp "The delivery stream is gone"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    CleanUpFunctions "clean-up.functions" CleanUp "Both functions are gone"
        [Pass NotYet Elsewhere NoPermission ServiceFault]
    CleanUpTable "clean-up.table" CleanUp "The table is gone"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]
    CleanUpBucket "clean-up.bucket" CleanUp "The bucket is gone"
        [Pass NotYet Elsewhere NoPermission ServiceFault]
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CheckName {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .iter()
            .copied()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| UnknownName { what: "check", name: text.to_owned() })
    }
}
