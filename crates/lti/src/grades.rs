//! Assignment and Grade Services: line items, which are a gradebook's columns, and scores.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use crate::access_token::Access;
use crate::client::Client;
use crate::endpoints::{AgsEndpoint, Scope};
use crate::paging;
use crate::platform::Platform;
use crate::score::Score;
use crate::service_error::ServiceError;
use crate::service_url::ServiceUrl;
use crate::tool_key::ToolKey;

const LINE_ITEM: &str = "application/vnd.ims.lis.v2.lineitem+json";
const LINE_ITEMS: &str = "application/vnd.ims.lis.v2.lineitemcontainer+json";
const SCORE: &str = "application/vnd.ims.lis.v1.score+json";

/// The grades of one course. Made by [`Client::grades`]. Nothing is tried twice: that is the caller's, by
/// [`ServiceError::worth_trying_again`].
pub struct Grades<'a> {
    pub(crate) client: &'a Client,
    pub(crate) key: &'a ToolKey,
    pub(crate) platform: &'a Platform,
    pub(crate) endpoint: &'a AgsEndpoint,
}

/// A line item as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewLineItem {
    /// Shown at the head of the column.
    pub label: String,
    pub score_maximum: f64,
    /// Our own name for it: the check.
    pub resource_id: String,
    /// Our own name for all that belong together, such as those of a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The link in the course that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_link_id: Option<String>,
}

/// A line item that a platform has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineItem {
    /// Its address, and where scores go.
    pub id: ServiceUrl,
    #[serde(default)]
    pub label: String,
    pub score_maximum: f64,
    pub resource_id: Option<String>,
    pub tag: Option<String>,
    pub resource_link_id: Option<String>,
}

/// What became of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreOutcome {
    Taken,
    /// The platform has a newer one already.
    Superseded,
}

impl Grades<'_> {
    /// The course's line items that this tool has made; with a tag, those of that tag.
    pub async fn line_items(&self, tag: Option<&str>) -> Result<Vec<LineItem>, ServiceError> {
        let list = self.endpoint.line_items.as_ref().ok_or(ServiceError::NoLineItems)?;
        let reading = [Scope::LineItems, Scope::LineItemsReadOnly];
        if !reading.iter().any(|scope| self.endpoint.scopes.contains(scope)) {
            return Err(ServiceError::NotOffered(Scope::LineItemsReadOnly));
        }
        let mut address = list.as_url().clone();
        if let Some(tag) = tag {
            address.query_pairs_mut().append_pair("tag", tag);
        }
        let first = ServiceUrl::parse(address.as_str()).map_err(|_| ServiceError::NotUnderstood("list"))?;
        let mut items: Vec<LineItem> =
            paging::all(&self.access(), first, LINE_ITEMS, |page| serde_json::from_slice(page).ok()).await?;
        // Platforms may pass over what they do not know in a query.
        items.retain(|item| tag.is_none() || item.tag.as_deref() == tag);
        Ok(items)
    }

    /// Makes a line item, whether or not there is one like it.
    pub async fn create_line_item(&self, wanted: &NewLineItem) -> Result<LineItem, ServiceError> {
        let list = self.endpoint.line_items.as_ref().ok_or(ServiceError::NoLineItems)?;
        self.needs(Scope::LineItems)?;
        if !(wanted.score_maximum.is_finite() && wanted.score_maximum > 0.0) {
            return Err(ServiceError::NotAScore);
        }
        let body = serde_json::to_vec(wanted).map_err(|_| ServiceError::NotAScore)?;
        let answer = self
            .access()
            .call(Method::POST, list, |request| {
                request.header(CONTENT_TYPE, LINE_ITEM).header(ACCEPT, LINE_ITEM).body(body)
            })
            .await?;
        serde_json::from_slice(&answer.body).map_err(|_| ServiceError::NotUnderstood("line item"))
    }

    /// The line items that are wanted, in the same order: those there are, by `resource_id` and `tag`, and the others
    /// made. What was made before an error is found the next time. Two callers at once might both make one.
    pub async fn ensure_line_items(&self, wanted: &[NewLineItem]) -> Result<Vec<LineItem>, ServiceError> {
        let common = wanted.first().and_then(|first| first.tag.as_deref());
        let tag = common.filter(|tag| wanted.iter().all(|item| item.tag.as_deref() == Some(tag)));
        let present = self.line_items(tag).await?;
        let mut items = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let found = present.iter().find(|item| {
                item.resource_id.as_deref() == Some(&wanted.resource_id)
                    && item.tag == wanted.tag
                    && (wanted.resource_link_id.is_none() || item.resource_link_id == wanted.resource_link_id)
            });
            items.push(match found {
                Some(item) => item.clone(),
                None => self.create_line_item(wanted).await?,
            });
        }
        Ok(items)
    }

    /// Gives a score to a line item, by [`LineItem::id`].
    pub async fn post_score(&self, line_item: &ServiceUrl, score: &Score) -> Result<ScoreOutcome, ServiceError> {
        self.needs(Scope::Scores)?;
        if !score.is_sound() {
            return Err(ServiceError::NotAScore);
        }
        let body = serde_json::to_vec(score).map_err(|_| ServiceError::NotAScore)?;
        let address = scores_of(line_item)?;
        let answer =
            self.access().call(Method::POST, &address, |request| request.header(CONTENT_TYPE, SCORE).body(body)).await;
        match answer {
            Ok(_) => Ok(ScoreOutcome::Taken),
            Err(ServiceError::Refused { status: 409, .. }) => Ok(ScoreOutcome::Superseded),
            Err(error) => Err(error),
        }
    }

    fn needs(&self, scope: Scope) -> Result<(), ServiceError> {
        if self.endpoint.scopes.contains(&scope) { Ok(()) } else { Err(ServiceError::NotOffered(scope)) }
    }

    /// One token for all that is offered serves every call.
    fn access(&self) -> Access<'_> {
        let Self { client, key, platform, endpoint } = *self;
        let usable = [Scope::LineItems, Scope::LineItemsReadOnly, Scope::Scores];
        let scopes: BTreeSet<Scope> = usable.into_iter().filter(|scope| endpoint.scopes.contains(scope)).collect();
        Access { client, key, platform, scopes }
    }
}

/// Where a line item's scores go: `/scores` below it, whatever its query.
fn scores_of(line_item: &ServiceUrl) -> Result<ServiceUrl, ServiceError> {
    let mut url = line_item.as_url().clone();
    url.set_path(&format!("{}/scores", url.path().trim_end_matches('/')));
    ServiceUrl::parse(url.as_str()).map_err(|_| ServiceError::NotUnderstood("line item"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_go_below_the_line_item() {
        for (line_item, scores) in [
            ("https://school.example/items/1", "https://school.example/items/1/scores"),
            (
                "https://school.example/items/1/lineitem?type_id=2",
                "https://school.example/items/1/lineitem/scores?type_id=2",
            ),
        ] {
            assert_eq!(scores_of(&ServiceUrl::parse(line_item).unwrap()).unwrap().as_str(), scores);
        }
    }

    #[test]
    fn a_line_item_is_written_as_platforms_read_it() {
        let item = NewLineItem {
            label: "Stream exists".to_owned(),
            score_maximum: 2.0,
            resource_id: "stream-exists".to_owned(),
            tag: None,
            resource_link_id: None,
        };
        let written =
            serde_json::json!({ "label": "Stream exists", "scoreMaximum": 2.0, "resourceId": "stream-exists" });
        assert_eq!(serde_json::to_value(item).unwrap(), written);
    }
}
