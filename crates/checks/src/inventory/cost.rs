//! Estimates of what things cost, by the hour and for being there. What is paid by use, such as calls and stored bytes, is
//! far below a cent for the lab.

use serde::{Deserialize, Serialize};

/// The prices that the estimates rest on, and where they are from.
pub const PRICES: &str = "Prices of AWS for us-east-1, from aws.amazon.com/kinesis/data-streams/pricing, \
    aws.amazon.com/managed-service-apache-flink/pricing and aws.amazon.com/dynamodb/pricing, as known in November 2026; \
    other regions differ a little, and taxes come on top.";

/// A Kinesis shard, provisioned.
const SHARD: u64 = 15_000;
/// A Kinesis data stream on demand.
const ON_DEMAND_STREAM: u64 = 40_000;
/// A Kinesis Processing Unit of an application.
const KPU: u64 = 110_000;
/// A read and a write capacity unit of a table.
const READ_UNIT: u64 = 130;
const WRITE_UNIT: u64 = 650;
/// More than any account may have, so that a nonsensical answer gives no nonsensical sum.
const MOST_UNITS: u64 = 100_000;

/// What a thing costs an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// In millionths of a US dollar.
    pub micro_dollars_an_hour: u64,
    /// How that comes about.
    pub basis: String,
}

impl Cost {
    /// In US dollars an hour.
    pub fn dollars_an_hour(&self) -> f64 {
        self.micro_dollars_an_hour as f64 / 1e6
    }

    pub(super) fn nothing(basis: &str) -> Self {
        Self { micro_dollars_an_hour: 0, basis: basis.to_owned() }
    }

    /// Costs nothing for being there.
    pub(super) fn idle() -> Self {
        Self::nothing("nothing while it is idle")
    }

    /// Costs by what it holds.
    pub(super) fn storage() -> Self {
        Self::nothing("below a cent, by what is stored")
    }

    fn of(units: u64, price: u64, basis: String) -> Self {
        Self { micro_dollars_an_hour: units.min(MOST_UNITS) * price, basis }
    }

    pub(super) fn shards(count: u64) -> Self {
        let shards = if count == 1 { "1 shard".to_owned() } else { format!("{count} shards") };
        Self::of(count, SHARD, format!("{shards}, at $0.015 each"))
    }

    pub(super) fn on_demand_stream() -> Self {
        Self::of(1, ON_DEMAND_STREAM, "a stream on demand, at $0.04".to_owned())
    }

    /// A running Flink application: its own units, and one that conducts them.
    pub(super) fn flink(parallelism: u64, parallelism_per_unit: u64) -> Self {
        let own = parallelism.max(1).div_ceil(parallelism_per_unit.max(1));
        let units = own.saturating_add(1);
        Self::of(
            units,
            KPU,
            format!("{units} KPUs, one of them for the orchestration, at $0.11 each; storage comes on top"),
        )
    }

    /// A running SQL application.
    pub(super) fn sql() -> Self {
        Self::of(1, KPU, "1 KPU at $0.11".to_owned())
    }

    pub(super) fn provisioned_table(read_units: u64, write_units: u64) -> Self {
        Self {
            micro_dollars_an_hour: read_units.min(MOST_UNITS) * READ_UNIT + write_units.min(MOST_UNITS) * WRITE_UNIT,
            basis: format!("{read_units} read and {write_units} write units, at $0.00013 and $0.00065"),
        }
    }
}
