//! The receipt: what has gone since the inventories before, and what has not.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{FoundBy, Inventory, Kind, Resource, Unknown, sort, total};

/// What of the lab was there and has gone, what remains, and what cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What is there, what costs most first. What could not be looked at again stays here, as it was last seen.
    pub remaining: Vec<Resource>,
    /// What was there and is gone, the latest first.
    pub deleted: Vec<Deleted>,
    /// Where we could not look.
    pub unknown: Vec<Unknown>,
    /// Whether this is AWS, where things cost money.
    pub is_aws: bool,
    /// When this was read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// A thing that is gone. It was deleted between the two times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// What it was.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its region, or "global".
    pub region: String,
    /// When it was last seen.
    #[serde(with = "time::serde::rfc3339")]
    pub seen: OffsetDateTime,
    /// When it was first seen to be gone.
    #[serde(with = "time::serde::rfc3339")]
    pub gone: OffsetDateTime,
}

impl Receipt {
    /// The receipt after `now`, when the one before was `previous`. The first has none before it.
    pub fn compare(previous: Option<&Self>, now: &Inventory) -> Self {
        let mut remaining = now.found.clone();
        let mut deleted: Vec<Deleted> = Vec::new();
        let is_found = |kind: Kind, region: &str, name: &str| {
            now.found
                .iter()
                .any(|found| (found.kind, found.region.as_str(), found.name.as_str()) == (kind, region, name))
        };
        for resource in previous.iter().flat_map(|receipt| &receipt.remaining) {
            if is_found(resource.kind, &resource.region, &resource.name) {
                continue;
            }
            if now.unknown.iter().any(|unknown| unknown.hides(resource)) {
                remaining.push(resource.clone());
            } else {
                deleted.push(Deleted {
                    kind: resource.kind,
                    name: resource.name.clone(),
                    arn: resource.arn.clone(),
                    region: resource.region.clone(),
                    seen: resource.seen,
                    gone: now.at,
                });
            }
        }
        // What was made anew is not gone any more.
        let before = previous.iter().flat_map(|receipt| &receipt.deleted);
        deleted.extend(before.filter(|gone| !is_found(gone.kind, &gone.region, &gone.name)).cloned());
        sort(&mut remaining);
        Self { remaining, deleted, unknown: now.unknown.clone(), is_aws: now.is_aws, at: now.at }
    }

    /// Whether everything could be looked at, and nothing remains that costs money or holds data.
    pub fn is_clean(&self) -> bool {
        self.unknown.is_empty() && !self.remaining.iter().any(|resource| resource.must_go)
    }

    /// What all that remains costs, in millionths of a US dollar an hour.
    pub fn micro_dollars_an_hour(&self) -> u64 {
        total(&self.remaining)
    }

    /// The same in US dollars an hour.
    pub fn dollars_an_hour(&self) -> f64 {
        self.micro_dollars_an_hour() as f64 / 1e6
    }
}

impl Unknown {
    /// Whether `resource` may be there all the same, though it was not found.
    fn hides(&self, resource: &Resource) -> bool {
        match self.kind {
            // A bucket may turn out to be in another region than it was looked for.
            Some(kind) => kind == resource.kind && (self.region == resource.region || kind == Kind::Bucket),
            None => resource.found_by == FoundBy::Tag && self.region == resource.region,
        }
    }
}
