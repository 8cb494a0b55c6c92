//! What of the lab is in the account, what has gone, and what it costs.

use app::error::BackendError;
use app::model::{CostView, DeletedView, ReceiptView, ResourceView, UnknownView};
use checks::inventory::{Deleted, Receipt, Resource, Unknown};

use super::seconds;
use crate::state::{Headwater, Seat};
use crate::stocktaking;

/// The receipt on the page of the clean-up; a look through the account begins if the last one is old.
pub async fn receipt(headwater: &Headwater, seat: &Seat) -> Result<Option<ReceiptView>, BackendError> {
    stocktaking::refresh(headwater, seat, stocktaking::WHILE_CLEANING_UP);
    kept_receipt(headwater, seat).await
}

/// The receipt as it stands.
pub async fn kept_receipt(headwater: &Headwater, seat: &Seat) -> Result<Option<ReceiptView>, BackendError> {
    Ok(stocktaking::kept(headwater, seat).await?.map(view))
}

/// What the lab costs in an account of the learner's own; `None` in the sandbox, and when nothing is left that must go.
pub async fn cost(headwater: &Headwater, seat: &Seat) -> Result<Option<CostView>, BackendError> {
    stocktaking::refresh(headwater, seat, stocktaking::MEANWHILE);
    if !seat.place.is_account() {
        return Ok(None);
    }
    let Some(receipt) = stocktaking::kept(headwater, seat).await? else { return Ok(None) };
    let resources = receipt.remaining.iter().filter(|resource| resource.must_go).count();
    Ok((resources > 0).then(|| CostView {
        per_hour: receipt.dollars_an_hour(),
        resources: resources as u32,
        read_at: seconds(receipt.at),
    }))
}

fn view(receipt: Receipt) -> ReceiptView {
    ReceiptView {
        read_at: seconds(receipt.at),
        cost_per_hour: receipt.dollars_an_hour(),
        is_clean: receipt.is_clean(),
        remaining: receipt.remaining.into_iter().map(resource).collect(),
        deleted: receipt.deleted.into_iter().map(deleted).collect(),
        unknown: receipt.unknown.into_iter().map(unknown).collect(),
    }
}

fn resource(resource: Resource) -> ResourceView {
    ResourceView {
        kind: resource.kind.title().to_owned(),
        cost_per_hour: resource.cost.dollars_an_hour(),
        found_by: resource.found_by.title().to_owned(),
        delete_command: resource.delete.join("\n"),
        name: resource.name,
        region: resource.region,
        state: resource.state,
        must_go: resource.must_go,
    }
}

fn deleted(deleted: Deleted) -> DeletedView {
    DeletedView {
        kind: deleted.kind.title().to_owned(),
        name: deleted.name,
        region: deleted.region,
        seen_at: seconds(deleted.seen),
        gone_at: seconds(deleted.gone),
    }
}

fn unknown(unknown: Unknown) -> UnknownView {
    let what = unknown.kind.map_or_else(|| "Tagged resources".to_owned(), |kind| format!("{}s", kind.title()));
    UnknownView { what: format!("{what} in {}", unknown.region), why: unknown.why }
}
