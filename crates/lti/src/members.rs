//! Names and Role Provisioning Services: who is in the course.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::access_token::Access;
use crate::claims;
use crate::client::Client;
use crate::endpoints::{NamesEndpoint, Scope};
use crate::paging;
use crate::platform::Platform;
use crate::roles::Roles;
use crate::service_error::ServiceError;
use crate::tool_key::ToolKey;

const MEMBERS: &str = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json";

/// Somebody in the course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The same as [`crate::Launch::subject`].
    pub subject: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub roles: Roles,
    pub status: MemberStatus,
}

/// Whether somebody takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum MemberStatus {
    #[default]
    Active,
    Inactive,
    Deleted,
}

#[derive(Deserialize)]
struct Page {
    members: Vec<MemberEntry>,
}

#[derive(Deserialize)]
struct MemberEntry {
    user_id: String,
    name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    status: Option<MemberStatus>,
}

pub(crate) async fn list(
    client: &Client,
    key: &ToolKey,
    platform: &Platform,
    endpoint: &NamesEndpoint,
) -> Result<Vec<Member>, ServiceError> {
    let access = Access { client, key, platform, scopes: BTreeSet::from([Scope::Members]) };
    paging::all(&access, endpoint.members.clone(), MEMBERS, |page| {
        let page: Page = serde_json::from_slice(page).ok()?;
        page.members.into_iter().map(member).collect()
    })
    .await
}

fn member(entry: MemberEntry) -> Option<Member> {
    Some(Member {
        subject: claims::id(entry.user_id)?,
        name: claims::text(entry.name.as_deref()),
        email: claims::text(entry.email.as_deref()),
        roles: Roles::of(entry.roles.iter().map(String::as_str)),
        status: entry.status.unwrap_or_default(),
    })
}
