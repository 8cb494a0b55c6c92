//! The names of the steps and the checks, in one table.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    engine::{APPLICATIONS, EVERY, Engine, FLINK, SQL, STREAMS, WINDOW},
    verdict::VerdictKind::{self, Elsewhere, NoPermission, NotYet, Pass, ServiceFault, Settling, Wrong},
};

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

    /// The checks of this step with that engine, in the order in which to show them.
    pub fn checks(self, engine: Engine) -> impl Iterator<Item = CheckName> {
        CheckName::ALL.iter().copied().filter(move |name| name.step() == self && name.engines().contains(&engine))
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
        Self::ALL.into_iter().find(|step| step.slug() == text).ok_or_else(|| UnknownName::new("step", text))
    }
}

/// A name that stands for no step or check.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no {what} named {name:?}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, name: &str) -> Self {
        Self { what, name: name.to_owned() }
    }
}

/// Declares [`CheckName`]: variant, dotted name, step, engines, title, and the verdicts that the check can yield.
macro_rules! checks {
    ($($variant:ident $name:literal $step:ident $engines:ident $title:literal [$($kind:ident)*])*) => {
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

            /// The engines whose pipeline has what this check looks at.
            pub fn engines(self) -> &'static [Engine] {
                match self { $(Self::$variant => $engines),* }
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
    ConnectIdentity "connect.identity" Connect EVERY "AWS knows you, and the account is the right one"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]

    DeliveryStreamBucket "delivery-stream.bucket" DeliveryStream EVERY "The bucket exists"
        [Pass NotYet Elsewhere NoPermission ServiceFault]
    DeliveryStreamDataStream "delivery-stream.data-stream" DeliveryStream STREAMS "The data stream is active, with one shard"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamActive "delivery-stream.active" DeliveryStream EVERY "The delivery stream is active"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamSource "delivery-stream.source" DeliveryStream EVERY "It takes its records from the right source"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamDestination "delivery-stream.destination" DeliveryStream EVERY "It delivers to your bucket with the right role"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamPrefix "delivery-stream.prefix" DeliveryStream EVERY "Objects and errors have their own prefix"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamBuffering "delivery-stream.buffering" DeliveryStream EVERY "It buffers for a minute at most"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    DeliveryStreamCompression "delivery-stream.compression" DeliveryStream EVERY "Objects are compressed with GZIP"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    IngestObjects "ingest.objects" Ingest EVERY "Objects arrive under the prefix"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    IngestReadable "ingest.readable" Ingest EVERY "The newest object can be read"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    IngestRows "ingest.rows" Ingest EVERY "Its lines are clicks"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    PreprocessFunction "preprocess.function" Preprocess EVERY "The function exists and is ready"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    PreprocessRuntime "preprocess.runtime" Preprocess EVERY "It runs on a supported Python"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    PreprocessHandler "preprocess.handler" Preprocess EVERY "Its handler is the one in the code"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    PreprocessTimeout "preprocess.timeout" Preprocess EVERY "It may run for a minute"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    PreprocessAnswer "preprocess.answer" Preprocess EVERY "It answers a test batch correctly"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    PreprocessAttached "preprocess.attached" Preprocess STREAMS "The delivery stream hands its records to it"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    StreamingSqlApplication "streaming-sql.application" StreamingSql SQL "The SQL application exists"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlInput "streaming-sql.input" StreamingSql SQL "It reads your delivery stream"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlPreprocessor "streaming-sql.preprocessor" StreamingSql SQL "Your function preprocesses its input"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlSchema "streaming-sql.schema" StreamingSql SQL "The input schema names the four columns"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlCode "streaming-sql.code" StreamingSql SQL "The SQL counts in tumbling windows"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlRunning "streaming-sql.running" StreamingSql SQL "The application is running"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    StreamingSqlCountFunction "streaming-sql.count-function" StreamingSql WINDOW "The counting function exists and is ready"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlMapping "streaming-sql.mapping" StreamingSql WINDOW "It reads your data stream"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlWindow "streaming-sql.window" StreamingSql WINDOW "Lambda closes its windows at the right length"
        [Pass NotYet Wrong Elsewhere NoPermission ServiceFault]
    StreamingSqlCountAnswer "streaming-sql.count-answer" StreamingSql WINDOW "It counts a test window correctly"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    StreamingSqlApplicationFlink "streaming-sql.application-flink" StreamingSql FLINK "The Flink application exists"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlFlinkInput "streaming-sql.flink-input" StreamingSql FLINK "It reads your data stream"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlFlinkRunning "streaming-sql.flink-running" StreamingSql FLINK "The application is running"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    StreamingSqlCountsStream "streaming-sql.counts-stream" StreamingSql FLINK "The stream for its counts is active"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]

    ResultsTable "results.table" Results EVERY "The table exists"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsKeys "results.keys" Results EVERY "Its keys are metric and window_end"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsFunction "results.function" Results EVERY "The output function is ready"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsOutput "results.output" Results SQL "The application sends its counts to the function"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsCountsMapping "results.counts-mapping" Results FLINK "The output function reads the stream of counts"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsTableName "results.table-name" Results WINDOW "The counting function writes to your table"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsIdempotent "results.idempotent" Results EVERY "A row delivered twice counts once"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    ResultsRows "results.rows" Results EVERY "Window counts arrive in the table"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]

    CleanUpApplication "clean-up.application" CleanUp APPLICATIONS "The application is gone"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]
    CleanUpStream "clean-up.stream" CleanUp EVERY "The delivery stream is gone"
        [Pass NotYet Wrong Elsewhere NoPermission Settling ServiceFault]
    CleanUpDataStream "clean-up.data-stream" CleanUp STREAMS "The data stream is gone"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]
    CleanUpCountsStream "clean-up.counts-stream" CleanUp FLINK "The stream of counts is gone"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]
    CleanUpFunctions "clean-up.functions" CleanUp EVERY "Both functions are gone"
        [Pass NotYet Elsewhere NoPermission ServiceFault]
    CleanUpMapping "clean-up.mapping" CleanUp STREAMS "No event source mapping is left"
        [Pass NotYet NoPermission Settling ServiceFault]
    CleanUpTable "clean-up.table" CleanUp EVERY "The table is gone"
        [Pass NotYet Elsewhere NoPermission Settling ServiceFault]
    CleanUpBucket "clean-up.bucket" CleanUp EVERY "The bucket is gone"
        [Pass NotYet Elsewhere NoPermission ServiceFault]
}

impl CheckName {
    /// Whether the check runs the learner's code, which the learner has to agree to.
    pub fn needs_consent(self) -> bool {
        use CheckName::{PreprocessAnswer, ResultsIdempotent, StreamingSqlCountAnswer};
        matches!(self, PreprocessAnswer | ResultsIdempotent | StreamingSqlCountAnswer)
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CheckName {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|name| name.as_str() == text).ok_or_else(|| UnknownName::new("check", text))
    }
}
