//! What of the lab is in an account: for the receipt at the end, and so that nobody pays for what was forgotten.
//!
//! Things are looked for by the learner's names and by the tag that the lab gives them, in the learner's region and in the
//! others. A look that was refused or failed proves nothing and is told as such.

mod cost;
mod delete;
mod kind;
mod look;
mod receipt;
mod tagged;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::Instant;

pub use cost::{Cost, PRICES};
pub use kind::Kind;
pub use receipt::{Deleted, Receipt};

use crate::{
    call::{CallError, Clock},
    clients::Clients,
    subject::Subject,
};
use kind::Target;
use look::{Found, Look};

/// The tag that the lab gives everything it makes.
pub const TAG_KEY: &str = "headwater";
/// Its value.
pub const TAG_VALUE: &str = "clickstream-lab";

/// So many looks are under way at once.
const LOOKS_AT_ONCE: usize = 24;
/// All looks may take this long together. What is not done by then is unknown.
const INVENTORY_TIMEOUT: Duration = Duration::from_secs(60);
/// The region of what has none.
pub(crate) const GLOBAL: &str = "global";

/// What of the lab is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// What costs most first.
    pub found: Vec<Resource>,
    /// Where we could not look.
    pub unknown: Vec<Unknown>,
    /// Whether this is AWS, where things cost money, and not the sandbox, where they would.
    pub is_aws: bool,
    /// When this was read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// A thing that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// Its name; of an event source mapping its UUID.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its region, or "global".
    pub region: String,
    /// How it was found.
    pub found_by: FoundBy,
    /// Its state as AWS calls it, or what else there is to say about it; may be empty.
    pub state: String,
    /// What it costs an hour, as an estimate.
    pub cost: Cost,
    /// Whether it costs money or holds data, and has to go. Roles and logs may remain.
    pub must_go: bool,
    /// The commands of the AWS CLI that delete it, one after the other. None for a kind that we do not know.
    pub delete: Vec<String>,
    /// When it was last seen.
    #[serde(with = "time::serde::rfc3339")]
    pub seen: OffsetDateTime,
}

/// How a thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// It has one of the learner's names.
    Name,
    /// It has the lab's tag, and another name.
    Tag,
    /// Both.
    NameAndTag,
}

/// A look that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unknown {
    /// Where, or "global".
    pub region: String,
    /// What was looked for; `None` for things with the tag.
    pub kind: Option<Kind>,
    /// The IAM action that is missing, if that is why.
    pub action: Option<String>,
    /// Why it proves nothing.
    pub why: String,
}

impl FoundBy {
    /// In a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "by name",
            Self::Tag => "by tag",
            Self::NameAndTag => "by name and tag",
        }
    }
}

impl Inventory {
    /// What all of it costs, in millionths of a US dollar an hour.
    pub fn micro_dollars_an_hour(&self) -> u64 {
        total(&self.found)
    }
}

fn total(resources: &[Resource]) -> u64 {
    resources.iter().map(|resource| resource.cost.micro_dollars_an_hour).fold(0, u64::saturating_add)
}

/// Looks for everything of the lab, in all regions of `clients`. It reads, within bounds.
pub async fn inventory(clients: &Clients, subject: &Subject, now: OffsetDateTime) -> Inventory {
    let look = Look { clients, subject, clock: Clock::starting_at(now) };
    let deadline = Instant::now() + INVENTORY_TIMEOUT;
    let other_regions = clients.other_regions().await;
    let other_regions = other_regions.iter().map(String::as_str);
    let regions: Vec<&str> = std::iter::once(subject.region.as_str()).chain(other_regions).collect();
    let mut gathered = Gathered::default();
    // What to look at, with its ARN where a tag told of it.
    let mut targets: BTreeMap<Target, (FoundBy, Option<String>)> = BTreeMap::new();

    let by_tag = regions.iter().map(|region| (*region, look.tagged(region).boxed()));
    for (region, looked) in side_by_side(deadline, by_tag).await {
        match looked {
            Ok(tagged) => {
                targets.extend(tagged.into_iter().map(|(target, arn)| (target, (FoundBy::Tag, Some(arn)))));
            }
            Err(error) => gathered.unknown(region, None, &error),
        }
    }

    let with_mappings = regions.iter().filter(|_| Kind::EventSourceMapping.is_used_by(subject.engine));
    let mappings = with_mappings.map(|region| (*region, look.mappings(region).boxed()));
    for (region, looked) in side_by_side(deadline, mappings).await {
        match looked {
            Ok(mappings) => {
                for (target, found, is_named) in mappings {
                    let found_by = match (targets.remove(&target).is_some(), is_named) {
                        (true, true) => FoundBy::NameAndTag,
                        (true, false) => FoundBy::Tag,
                        (false, true) => FoundBy::Name,
                        (false, false) => continue,
                    };
                    gathered.found(target, found_by, found, look.clock.now());
                }
                // A tag lives on for a while after its thing.
                targets.retain(|target, _| target.kind != Kind::EventSourceMapping || target.region != region);
            }
            Err(error) => gathered.unknown(region, Some(Kind::EventSourceMapping), &error),
        }
    }

    for target in kind::named(subject, &regions) {
        let by_name = (FoundBy::Name, None);
        targets.entry(target).and_modify(|(found_by, _)| *found_by = FoundBy::NameAndTag).or_insert(by_name);
    }
    let looks = targets.iter().map(|(target, (found_by, arn))| {
        let arn = arn.as_deref();
        ((target, *found_by, arn), look.at(target, arn).boxed())
    });
    for ((target, found_by, arn), looked) in side_by_side(deadline, looks).await {
        match looked {
            Ok(Some(found)) => gathered.found(target.clone(), found_by, found, look.clock.now()),
            Ok(None) => {}
            Err(error) => match arn {
                // The tag tells that it is there; a name alone does not.
                Some(arn) => {
                    let found = Found::not_looked_at(target.kind, arn, &error);
                    gathered.found(target.clone(), found_by, found, look.clock.now());
                }
                None => gathered.unknown(&target.region, Some(target.kind), &error),
            },
        }
    }
    gathered.into_inventory(clients.is_aws(), look.clock.now())
}

/// Carries out looks, so many at once, up to the deadline.
async fn side_by_side<'a, K: Send, T: Send>(
    deadline: Instant,
    looks: impl IntoIterator<Item = (K, BoxFuture<'a, Result<T, CallError>>)>,
) -> Vec<(K, Result<T, CallError>)> {
    let looks: Vec<_> = looks
        .into_iter()
        .map(|(key, look)| async move {
            let too_slow = || Err(CallError::Fault("AWS took too long to answer".to_owned()));
            (key, tokio::time::timeout_at(deadline, look).await.unwrap_or_else(|_| too_slow()))
        })
        .collect();
    stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).collect().await
}

#[derive(Default)]
struct Gathered {
    found: Vec<Resource>,
    unknown: Vec<Unknown>,
}

impl Gathered {
    fn found(&mut self, target: Target, found_by: FoundBy, found: Found, seen: OffsetDateTime) {
        let region = found.region.clone().unwrap_or_else(|| target.region.clone());
        let delete = delete::commands(target.kind, &target.name, &region, &found);
        self.found.push(Resource {
            kind: target.kind,
            must_go: target.kind.must_go(),
            name: target.name,
            arn: found.arn,
            region,
            found_by,
            state: found.state,
            cost: found.cost,
            delete,
            seen,
        });
    }

    fn unknown(&mut self, region: &str, kind: Option<Kind>, error: &CallError) {
        let action = match error {
            CallError::Denied { action, .. } => Some(action.clone()),
            _ => None,
        };
        let region = if kind == Some(Kind::Role) { GLOBAL } else { region };
        self.unknown.push(Unknown { region: region.to_owned(), kind, action, why: error.to_string() });
    }

    fn into_inventory(mut self, is_aws: bool, at: OffsetDateTime) -> Inventory {
        sort(&mut self.found);
        // A bucket that is in another region than its name says is found there, too.
        self.found.dedup_by(|later, first| {
            let is_same = (later.kind, &later.region, &later.name) == (first.kind, &first.region, &first.name);
            if is_same && later.found_by != first.found_by {
                first.found_by = FoundBy::NameAndTag;
            }
            is_same
        });
        // Two functions that may not be looked at are one thing to know.
        self.unknown.sort();
        self.unknown.dedup();
        Inventory { found: self.found, unknown: self.unknown, is_aws, at }
    }
}

/// What costs most first; then in the order in which things are best deleted.
fn sort(resources: &mut [Resource]) {
    resources.sort_by(|a, b| {
        let cost = b.cost.micro_dollars_an_hour.cmp(&a.cost.micro_dollars_an_hour);
        cost.then_with(|| (a.kind, &a.region, &a.name).cmp(&(b.kind, &b.region, &b.name)))
    });
}
