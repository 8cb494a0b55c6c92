//! The services that a platform offers with a launch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::service_url::ServiceUrl;

/// What an access token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To list, make and change this tool's line items.
    LineItems,
    /// To list them.
    LineItemsReadOnly,
    /// To give scores.
    Scores,
    /// To read who is in the course.
    Members,
}

/// Where grades go: the claim of the Assignment and Grade Services. To be stored with the class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgsEndpoint {
    /// The course's line items.
    pub line_items: Option<ServiceUrl>,
    /// The line item of the link that was opened, if it has just one.
    pub line_item: Option<ServiceUrl>,
    pub scopes: BTreeSet<Scope>,
}

/// Where the course's members are listed: the claim of the Names and Role Provisioning Services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesEndpoint {
    pub members: ServiceUrl,
}

impl Scope {
    pub fn uri(self) -> &'static str {
        match self {
            Self::LineItems => "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
            Self::LineItemsReadOnly => "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
            Self::Scores => "https://purl.imsglobal.org/spec/lti-ags/scope/score",
            Self::Members => "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
        }
    }

    pub(crate) fn of(uri: &str) -> Option<Self> {
        [Self::LineItems, Self::LineItemsReadOnly, Self::Scores, Self::Members]
            .into_iter()
            .find(|scope| scope.uri() == uri)
    }
}

impl AgsEndpoint {
    /// Whether one line item a check can be made, and scores be given to it.
    pub fn takes_grades_of_checks(&self) -> bool {
        self.line_items.is_some() && self.scopes.contains(&Scope::LineItems) && self.scopes.contains(&Scope::Scores)
    }
}
