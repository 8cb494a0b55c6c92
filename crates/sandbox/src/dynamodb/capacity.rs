//! Capacity units, as "DynamoDB read and write operations" in the Developer Guide counts them, and how they are answered.

use serde::Serialize;

use super::request::one_of;
use crate::AwsError;

/// Whether `ReturnConsumedCapacity` asks for the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnCapacity {
    #[default]
    None,
    Total,
    /// The total, and the table's share of it; there are no indexes here.
    Indexes,
}

/// What the units were used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityUse {
    Read,
    Write,
    /// Twice the units, told apart by kind in the answer.
    TransactionalRead,
    TransactionalWrite,
}

/// `ConsumedCapacity`
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConsumedCapacity {
    table_name: String,
    capacity_units: f64,
    #[serde(flatten)]
    by_kind: Units,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TableUnits>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Units {
    #[serde(skip_serializing_if = "Option::is_none")]
    read_capacity_units: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_capacity_units: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableUnits {
    capacity_units: f64,
    #[serde(flatten)]
    by_kind: Units,
}

impl ReturnCapacity {
    /// Reads the parameter `ReturnConsumedCapacity`.
    pub fn parse(given: Option<&str>) -> Result<Self, AwsError> {
        let choices = [("INDEXES", Self::Indexes), ("TOTAL", Self::Total), ("NONE", Self::None)];
        Ok(one_of("returnConsumedCapacity", given, &choices)?.unwrap_or_default())
    }

    /// The answer's `ConsumedCapacity`, if it was asked for.
    pub fn tell(self, table: &str, units: f64, use_: CapacityUse) -> Option<ConsumedCapacity> {
        let (units, by_kind) = match use_ {
            CapacityUse::Read | CapacityUse::Write => (units, Units::default()),
            CapacityUse::TransactionalRead => {
                (2.0 * units, Units { read_capacity_units: Some(2.0 * units), write_capacity_units: None })
            }
            CapacityUse::TransactionalWrite => {
                (2.0 * units, Units { read_capacity_units: None, write_capacity_units: Some(2.0 * units) })
            }
        };
        let table_units = TableUnits { capacity_units: units, by_kind: by_kind.clone() };
        let share = (self == Self::Indexes).then_some(table_units);
        (self != Self::None).then(|| ConsumedCapacity {
            table_name: table.to_owned(),
            capacity_units: units,
            by_kind,
            table: share,
        })
    }
}

/// Units for writing an item of `bytes`: one for each KB begun, at least one.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}

/// Units for reading `bytes`: one for each 4 KB begun, half of that for an eventually consistent read.
pub fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(4096).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}
