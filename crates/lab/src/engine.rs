//! What counts the clicks: the lab is taught in one variant for each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What counts the clicks, window by window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A SQL application that reads the delivery stream; AWS itself has it no more.
    #[default]
    SqlApplication,
    /// A Lambda function behind an event source mapping with a tumbling window.
    TumblingWindow,
    /// Flink SQL on Managed Service for Apache Flink.
    Flink,
}

/// A word that names no engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no engine; there are sql-application, tumbling-window and flink")]
pub struct UnknownEngine(String);

impl Engine {
    /// Every engine, the sandbox's default first.
    pub const ALL: [Self; 3] = [Self::SqlApplication, Self::TumblingWindow, Self::Flink];

    /// The engine as addresses, files and stored records name it.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::SqlApplication => "sql-application",
            Self::TumblingWindow => "tumbling-window",
            Self::Flink => "flink",
        }
    }

    /// Whether clicks go into a Kinesis data stream, from which Firehose reads
    /// as well; otherwise they go to Firehose directly.
    #[must_use]
    pub const fn reads_data_stream(self) -> bool {
        !matches!(self, Self::SqlApplication)
    }

    /// Whether the lab of this engine has a use for one of the names that a
    /// learner may choose.
    #[must_use]
    pub fn uses(self, variable: &str) -> bool {
        match variable {
            "data_stream" => self.reads_data_stream(),
            "counts_stream" => self == Self::Flink,
            "application" | "analytics_role" => self != Self::TumblingWindow,
            _ => true,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.slug())
    }
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(slug: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|engine| engine.slug() == slug).ok_or_else(|| UnknownEngine(slug.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_has_one_name_everywhere() {
        for engine in Engine::ALL {
            assert_eq!(engine.slug().parse(), Ok(engine));
            assert_eq!(engine.to_string(), engine.slug());
            assert_eq!(serde_json::to_value(engine).unwrap(), engine.slug());
        }
        insta::assert_snapshot!(
            "Flink".parse::<Engine>().unwrap_err(),
            @r#""Flink" is no engine; there are sql-application, tumbling-window and flink"#
        );
    }
}
