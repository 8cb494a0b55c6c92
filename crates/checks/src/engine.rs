//! What counts the clicks. AWS closed SQL applications in January 2026, so that the lab knows three ways.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::name::UnknownName;

/// What counts the clicks, and so which resources the lab has and which checks it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A SQL application that reads the delivery stream. Only the sandbox still runs it.
    #[default]
    SqlApplication,
    /// A function that Lambda calls with the records of a Kinesis data stream, window by window.
    TumblingWindow,
    /// A Flink application that reads a Kinesis data stream and writes its counts to another.
    Flink,
}

impl Engine {
    /// All engines.
    pub const ALL: [Self; 3] = [Self::SqlApplication, Self::TumblingWindow, Self::Flink];

    /// The name used in addresses and files, such as "tumbling-window".
    pub fn slug(self) -> &'static str {
        match self {
            Self::SqlApplication => "sql-application",
            Self::TumblingWindow => "tumbling-window",
            Self::Flink => "flink",
        }
    }

    /// Whether clicks are sent to a Kinesis data stream, from which the delivery stream reads, too.
    pub fn reads_data_stream(self) -> bool {
        self != Self::SqlApplication
    }
}

/// Every engine.
pub(crate) const EVERY: &[Engine] = &Engine::ALL;
/// The engines that read a Kinesis data stream.
pub(crate) const STREAMS: &[Engine] = &[Engine::TumblingWindow, Engine::Flink];
/// The engines that count in an application.
pub(crate) const APPLICATIONS: &[Engine] = &[Engine::SqlApplication, Engine::Flink];
pub(crate) const SQL: &[Engine] = &[Engine::SqlApplication];
pub(crate) const WINDOW: &[Engine] = &[Engine::TumblingWindow];
pub(crate) const FLINK: &[Engine] = &[Engine::Flink];

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl FromStr for Engine {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|engine| engine.slug() == text).ok_or_else(|| UnknownName::new("engine", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_read_as_it_is_written() {
        for engine in Engine::ALL {
            assert_eq!(engine.slug().parse(), Ok(engine));
            assert_eq!(serde_json::to_value(engine).unwrap(), engine.slug());
        }
        assert_eq!("sql".parse::<Engine>().unwrap_err().to_string(), "there is no engine named \"sql\"");
    }
}
