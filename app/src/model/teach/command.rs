//! What the staff of a class may ask for, and how it is read from a form.

use super::{HelpSubject, Right, Role, WebhookKind};
use crate::{
    error::BackendError,
    model::{Fields, LabChoice},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::{PrimitiveDateTime, UtcOffset, macros::format_description};

/// Something to do in a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassCommand {
    SendHint {
        to: HintTo,
        text: String,
    },
    /// A raised hand, or being stuck, was dealt with.
    Resolve {
        learner: String,
        subject: HelpSubject,
    },
    Reopen {
        learner: String,
        subject: HelpSubject,
    },
    /// All of a cluster was dealt with.
    ResolveCluster {
        cluster: String,
    },
    /// Lets in one who waits; all when there is no name.
    Admit {
        learner: Option<String>,
    },
    /// Sends away one who waits; all when there is no name.
    Refuse {
        learner: Option<String>,
    },
    Rename {
        learner: String,
        name: String,
    },
    Remove {
        learner: String,
    },
    /// Takes in again who was removed or left.
    LetBackIn {
        learner: String,
    },
    Save(ClassDraft),
    /// Makes a new join code; the old one no longer works.
    NewJoinCode,
    SavePoints {
        /// By the checks' ids.
        points: BTreeMap<String, u32>,
        assisted_percent: u32,
    },
    /// Makes an invitation to the staff; its link waits in `take_shown_once`.
    Invite {
        role: Role,
        note: String,
    },
    Revoke {
        invitation: String,
    },
    /// One owner at least remains.
    SetRole {
        instructor: String,
        role: Role,
    },
    RemoveStaff {
        instructor: String,
    },
    /// Its secret waits in `take_shown_once`.
    AddWebhook {
        url: String,
        kinds: Vec<WebhookKind>,
    },
    TestWebhook {
        webhook: String,
    },
    /// It was switched off because it failed too long or wanted no more.
    SwitchOnWebhook {
        webhook: String,
    },
    RemoveWebhook {
        webhook: String,
    },
    AddPlatform(PlatformDraft),
    RemovePlatform {
        platform: String,
    },
    SaveXapi(XapiDraft),
    RemoveXapi,
    Archive,
    /// Takes the class out of the archive.
    Restore,
    /// The class and everything of it, if `typed` is its name.
    Delete {
        typed: String,
    },
}

/// To whom a hint goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HintTo {
    Learner(String),
    /// Those who are in the cluster when it is sent.
    Cluster(String),
}

/// A class as a form describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassDraft {
    pub name: String,
    pub starts_at: i64,
    /// After `starts_at`.
    pub ends_at: i64,
    /// One at least.
    pub labs: Vec<LabChoice>,
    pub approval: bool,
    /// Learners may do without a name.
    pub anonymous: bool,
}

/// A learning platform as a form describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformDraft {
    pub issuer: String,
    pub client_id: String,
    pub deployment_ids: Vec<String>,
    pub auth_url: String,
    pub token_url: String,
    pub jwks_url: String,
    /// Audience of requests for access tokens, where it is not `token_url`.
    pub token_audience: Option<String>,
    /// Further hosts of the platform's services.
    pub service_hosts: Vec<String>,
}

/// Where xAPI statements go. An empty secret leaves the one there is.
#[derive(Clone, PartialEq, Eq)]
pub struct XapiDraft {
    pub endpoint: String,
    pub key: String,
    pub secret: String,
}

impl std::fmt::Debug for XapiDraft {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("XapiDraft")
            .field("endpoint", &self.endpoint)
            .field("key", &self.key)
            .field("secret", &"[redacted]")
            .finish()
    }
}

impl ClassCommand {
    /// What the role must allow.
    pub fn needs(&self) -> Right {
        match self {
            Self::SendHint { .. }
            | Self::Resolve { .. }
            | Self::Reopen { .. }
            | Self::ResolveCluster { .. }
            | Self::Admit { .. }
            | Self::Refuse { .. }
            | Self::Rename { .. }
            | Self::Remove { .. }
            | Self::LetBackIn { .. } => Right::Help,
            Self::Save(_)
            | Self::NewJoinCode
            | Self::SavePoints { .. }
            | Self::Invite { .. }
            | Self::Revoke { .. }
            | Self::SetRole { .. }
            | Self::RemoveStaff { .. }
            | Self::AddWebhook { .. }
            | Self::TestWebhook { .. }
            | Self::SwitchOnWebhook { .. }
            | Self::RemoveWebhook { .. }
            | Self::AddPlatform(_)
            | Self::RemovePlatform { .. }
            | Self::SaveXapi(_)
            | Self::RemoveXapi
            | Self::Archive
            | Self::Restore
            | Self::Delete { .. } => Right::Manage,
        }
    }
}

/// Which command a form is for; its fields tell the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    SendHint,
    Resolve,
    Reopen,
    ResolveCluster,
    Admit,
    AdmitAll,
    Refuse,
    RefuseAll,
    Rename,
    Remove,
    LetBackIn,
    Save,
    NewJoinCode,
    SavePoints,
    Invite,
    Revoke,
    SetRole,
    RemoveStaff,
    AddWebhook,
    TestWebhook,
    SwitchOnWebhook,
    RemoveWebhook,
    AddPlatform,
    RemovePlatform,
    SaveXapi,
    RemoveXapi,
    Archive,
    Restore,
    Delete,
}

impl Act {
    /// As forms post it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendHint => "send-hint",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::ResolveCluster => "resolve-cluster",
            Self::Admit => "admit",
            Self::AdmitAll => "admit-all",
            Self::Refuse => "refuse",
            Self::RefuseAll => "refuse-all",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::LetBackIn => "let-back-in",
            Self::Save => "save",
            Self::NewJoinCode => "new-join-code",
            Self::SavePoints => "save-points",
            Self::Invite => "invite",
            Self::Revoke => "revoke",
            Self::SetRole => "set-role",
            Self::RemoveStaff => "remove-staff",
            Self::AddWebhook => "add-webhook",
            Self::TestWebhook => "test-webhook",
            Self::SwitchOnWebhook => "switch-on-webhook",
            Self::RemoveWebhook => "remove-webhook",
            Self::AddPlatform => "add-platform",
            Self::RemovePlatform => "remove-platform",
            Self::SaveXapi => "save-xapi",
            Self::RemoveXapi => "remove-xapi",
            Self::Archive => "archive",
            Self::Restore => "restore",
            Self::Delete => "delete",
        }
    }

    /// Reads the command from what was typed. Errors: `Invalid` by field.
    pub fn command(self, fields: &Fields) -> Result<ClassCommand, BackendError> {
        let form = Form(fields);
        Ok(match self {
            Self::SendHint => ClassCommand::SendHint { to: form.hint_to()?, text: form.text("text", "hint", 2000)? },
            Self::Resolve => ClassCommand::Resolve { learner: form.learner()?, subject: form.subject()? },
            Self::Reopen => ClassCommand::Reopen { learner: form.learner()?, subject: form.subject()? },
            Self::ResolveCluster => ClassCommand::ResolveCluster { cluster: form.text("cluster", "cluster", 200)? },
            Self::Admit => ClassCommand::Admit { learner: Some(form.learner()?) },
            Self::AdmitAll => ClassCommand::Admit { learner: None },
            Self::Refuse => ClassCommand::Refuse { learner: Some(form.learner()?) },
            Self::RefuseAll => ClassCommand::Refuse { learner: None },
            Self::Rename => ClassCommand::Rename { learner: form.learner()?, name: form.text("name", "name", 80)? },
            Self::Remove => ClassCommand::Remove { learner: form.learner()? },
            Self::LetBackIn => ClassCommand::LetBackIn { learner: form.learner()? },
            Self::Save => ClassCommand::Save(parse_draft(fields)?),
            Self::NewJoinCode => ClassCommand::NewJoinCode,
            Self::SavePoints => form.points()?,
            Self::Invite => ClassCommand::Invite { role: form.role()?, note: form.optional("note", 200)? },
            Self::Revoke => ClassCommand::Revoke { invitation: form.id("invitation")? },
            Self::SetRole => ClassCommand::SetRole { instructor: form.id("instructor")?, role: form.role()? },
            Self::RemoveStaff => ClassCommand::RemoveStaff { instructor: form.id("instructor")? },
            Self::AddWebhook => ClassCommand::AddWebhook { url: form.web_address("url")?, kinds: form.kinds()? },
            Self::TestWebhook => ClassCommand::TestWebhook { webhook: form.id("webhook")? },
            Self::SwitchOnWebhook => ClassCommand::SwitchOnWebhook { webhook: form.id("webhook")? },
            Self::RemoveWebhook => ClassCommand::RemoveWebhook { webhook: form.id("webhook")? },
            Self::AddPlatform => ClassCommand::AddPlatform(PlatformDraft {
                issuer: form.web_address("issuer")?,
                client_id: form.text("client_id", "client id", 255)?,
                deployment_ids: several(&form.text("deployment_ids", "deployment id", 4000)?),
                auth_url: form.web_address("auth_url")?,
                token_url: form.web_address("token_url")?,
                jwks_url: form.web_address("jwks_url")?,
                token_audience: Some(form.optional("token_audience", 255)?).filter(|audience| !audience.is_empty()),
                service_hosts: several(&form.optional("service_hosts", 4000)?),
            }),
            Self::RemovePlatform => ClassCommand::RemovePlatform { platform: form.id("platform")? },
            Self::SaveXapi => ClassCommand::SaveXapi(XapiDraft {
                endpoint: form.web_address("endpoint")?,
                key: form.text("key", "key", 255)?,
                secret: form.optional("secret", 1000)?,
            }),
            Self::RemoveXapi => ClassCommand::RemoveXapi,
            Self::Archive => ClassCommand::Archive,
            Self::Restore => ClassCommand::Restore,
            Self::Delete => ClassCommand::Delete { typed: form.text("typed", "name of the class", 200)? },
        })
    }

    /// The fields that may be typed again after an error: secrets are not kept.
    pub fn kept(self, fields: Fields) -> Fields {
        match self {
            Self::SaveXapi => fields.into_iter().filter(|(name, _)| name != "secret").collect(),
            _ => fields,
        }
    }
}

/// Reads a class from what was typed. Errors: `Invalid` by field.
pub fn parse_draft(fields: &Fields) -> Result<ClassDraft, BackendError> {
    let form = Form(fields);
    let draft = ClassDraft {
        name: form.text("name", "name", 120)?,
        starts_at: form.moment("starts_at")?,
        ends_at: form.moment("ends_at")?,
        labs: LabChoice::ALL.into_iter().filter(|lab| form.is_on(&format!("lab-{}", lab.as_str()))).collect(),
        approval: form.is_on("approval"),
        anonymous: form.is_on("anonymous"),
    };
    if draft.ends_at <= draft.starts_at {
        return Err(invalid("ends_at", "The class has to end after it starts."));
    }
    if draft.labs.is_empty() {
        return Err(invalid("labs", "Choose one lab at least."));
    }
    Ok(draft)
}

/// What was typed with spaces between.
fn several(typed: &str) -> Vec<String> {
    typed.split_whitespace().map(str::to_owned).collect()
}

struct Form<'a>(&'a Fields);

impl Form<'_> {
    fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    fn is_on(&self, name: &str) -> bool {
        !self.value(name).is_empty()
    }

    fn optional(&self, name: &str, most: usize) -> Result<String, BackendError> {
        let value = self.value(name);
        if value.chars().count() > most {
            return Err(invalid(name, format!("That is too long: {most} characters at most.")));
        }
        Ok(value.to_owned())
    }

    fn text(&self, name: &str, what: &str, most: usize) -> Result<String, BackendError> {
        let value = self.optional(name, most)?;
        if value.is_empty() { Err(invalid(name, format!("The {what} is missing."))) } else { Ok(value) }
    }

    /// An id that the page itself put into the form.
    fn id(&self, name: &str) -> Result<String, BackendError> {
        let value = self.value(name);
        let is_id = !value.is_empty()
            && value.len() <= 64
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if is_id { Ok(value.to_owned()) } else { Err(BackendError::NotFound) }
    }

    fn learner(&self) -> Result<String, BackendError> {
        self.id("learner")
    }

    fn subject(&self) -> Result<HelpSubject, BackendError> {
        HelpSubject::parse(self.value("subject")).ok_or(BackendError::NotFound)
    }

    fn role(&self) -> Result<Role, BackendError> {
        Role::parse(self.value("role")).ok_or_else(|| invalid("role", "Choose a role."))
    }

    fn hint_to(&self) -> Result<HintTo, BackendError> {
        match self.value("cluster") {
            "" => Ok(HintTo::Learner(self.learner()?)),
            cluster => Ok(HintTo::Cluster(cluster.chars().take(200).collect())),
        }
    }

    fn web_address(&self, name: &str) -> Result<String, BackendError> {
        let value = self.text(name, "address", 2000)?;
        let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
        let is_address =
            rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && !value.contains(char::is_whitespace);
        if is_address { Ok(value) } else { Err(invalid(name, "An address begins with https:// and a host.")) }
    }

    fn kinds(&self) -> Result<Vec<WebhookKind>, BackendError> {
        let kinds: Vec<WebhookKind> =
            WebhookKind::ALL.into_iter().filter(|kind| self.is_on(&format!("kind-{}", kind.as_str()))).collect();
        if kinds.is_empty() { Err(invalid("kinds", "Choose one kind of events at least.")) } else { Ok(kinds) }
    }

    fn points(&self) -> Result<ClassCommand, BackendError> {
        let mut points = BTreeMap::new();
        for (name, value) in self.0 {
            let Some(check) = name.strip_prefix("points-") else { continue };
            let worth = value.trim().parse().ok().filter(|worth| *worth <= 1000);
            let worth = worth.ok_or_else(|| invalid(name, "Points are a whole number from 0 to 1000."))?;
            points.insert(check.to_owned(), worth);
        }
        let percent = self.value("assisted_percent").parse().ok().filter(|percent| *percent <= 100);
        let assisted_percent =
            percent.ok_or_else(|| invalid("assisted_percent", "Percent are a whole number from 0 to 100."))?;
        Ok(ClassCommand::SavePoints { points, assisted_percent })
    }

    /// A time as `datetime-local` has it, with the minutes by which the browser's clock is ahead of UTC in
    /// `NAME_offset`. Without script that is 0.
    fn moment(&self, name: &str) -> Result<i64, BackendError> {
        let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
        let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        let text = self.value(name);
        let local = PrimitiveDateTime::parse(text, minutes)
            .or_else(|_| PrimitiveDateTime::parse(text, seconds))
            .map_err(|_| invalid(name, "Enter a day and a time."))?;
        let offset = match self.value(&format!("{name}_offset")) {
            "" => Some(UtcOffset::UTC),
            text => text.parse().ok().and_then(|minutes: i32| {
                minutes.checked_mul(60).and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok())
            }),
        };
        let offset = offset.ok_or_else(|| invalid(name, "The time zone is not one."))?;
        Ok(local.assume_offset(offset).unix_timestamp())
    }
}

fn invalid(field: &str, message: impl Into<String>) -> BackendError {
    BackendError::Invalid { field: field.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn draft() -> Fields {
        fields(&[
            ("name", " Data engineering "),
            ("starts_at", "2026-11-24T19:00"),
            ("starts_at_offset", "60"),
            ("ends_at", "2026-11-24T19:00"),
            ("lab-sandbox-sql", "on"),
            ("approval", "on"),
        ])
    }

    #[test]
    fn times_are_those_of_the_browser_and_utc_without_script() {
        let read = parse_draft(&draft()).unwrap();
        assert_eq!(read.starts_at, 1_795_546_800 - 3600);
        assert_eq!(read.ends_at, 1_795_546_800);
        assert_eq!(read.name, "Data engineering");
        assert_eq!(read.labs, [LabChoice::SandboxSql]);
        assert!(read.approval && !read.anonymous);
    }

    #[test]
    fn what_cannot_be_a_class_is_told_by_field() {
        for (name, value, at_fault) in [
            ("name", "  ", "name"),
            ("starts_at", "tomorrow", "starts_at"),
            ("starts_at_offset", "99999999", "starts_at"),
            ("ends_at", "2026-11-24T18:00", "ends_at"),
            ("lab-sandbox-sql", "", "labs"),
        ] {
            let mut fields = draft();
            fields.insert(name.to_owned(), value.to_owned());
            assert_eq!(parse_draft(&fields).unwrap_err().field(), Some(at_fault), "{name}");
        }
    }

    #[test]
    fn a_hint_goes_to_a_learner_or_a_cluster() {
        let hint = |pairs: &[(&str, &str)]| match Act::SendHint.command(&fields(pairs)) {
            Ok(ClassCommand::SendHint { to, .. }) => Some(to),
            _ => None,
        };
        assert_eq!(hint(&[("learner", "3fa9"), ("text", "Look")]), Some(HintTo::Learner("3fa9".to_owned())));
        assert_eq!(hint(&[("cluster", "a.b"), ("text", "Look")]), Some(HintTo::Cluster("a.b".to_owned())));
        assert_eq!(hint(&[("learner", "../x"), ("text", "Look")]), None);
        assert_eq!(hint(&[("learner", "3fa9"), ("text", " ")]), None);
    }

    #[test]
    fn points_are_bounded() {
        let save = |worth: &str, percent: &str| {
            Act::SavePoints.command(&fields(&[("points-a.b", worth), ("assisted_percent", percent)]))
        };
        assert!(save("1000", "100").is_ok());
        assert_eq!(
            save("1001", "100").err().and_then(|error| error.field().map(str::to_owned)).as_deref(),
            Some("points-a.b")
        );
        assert_eq!(
            save("1", "101").err().and_then(|error| error.field().map(str::to_owned)).as_deref(),
            Some("assisted_percent")
        );
    }

    #[test]
    fn addresses_are_those_of_the_web() {
        for (url, good) in [
            ("https://a.example/x", true),
            ("http://127.0.0.1:9/", true),
            ("ftp://a", false),
            ("https:///x", false),
            ("https://a b", false),
        ] {
            let read = Act::AddWebhook.command(&fields(&[("url", url), ("kind-help", "on")]));
            assert_eq!(read.is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_teacher_may_help_but_not_manage() {
        let remove = Act::Remove.command(&fields(&[("learner", "3fa9")])).unwrap_or(ClassCommand::Archive);
        assert_eq!(remove.needs(), Right::Help);
        assert_eq!(ClassCommand::Archive.needs(), Right::Manage);
    }

    #[test]
    fn acts_are_posted_by_their_names() {
        for act in [Act::SendHint, Act::LetBackIn, Act::NewJoinCode] {
            assert_eq!(serde_json::to_string(&act).unwrap(), format!("\"{}\"", act.as_str()));
        }
    }

    #[test]
    fn a_secret_is_not_kept() {
        let kept = Act::SaveXapi.kept(fields(&[("key", "k"), ("secret", "s")]));
        assert_eq!(kept, fields(&[("key", "k")]));
    }
}
