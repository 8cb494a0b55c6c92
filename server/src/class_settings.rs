//! What a class settles besides its name and times: kept as JSON in the store, and understood here only.

use app::error::BackendError;
use app::model::LabChoice;
use serde::{Deserialize, Serialize};
use store::Class;

use crate::state::internal;

/// What the staff of a class chose for its learners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassSettings {
    /// The labs that its learners may do.
    pub labs: Vec<LabChoice>,
    /// Learners may do without a name.
    pub anonymous: bool,
}

impl Default for ClassSettings {
    fn default() -> Self {
        Self { labs: LabChoice::ALL.to_vec(), anonymous: false }
    }
}

impl ClassSettings {
    /// Those of a class.
    pub fn of(class: &Class) -> Result<Self, BackendError> {
        serde_json::from_value(class.settings.clone()).map_err(internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_chosen_is_as_usual() {
        let settings: ClassSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, ClassSettings::default());
        let settings: ClassSettings = serde_json::from_str(r#"{"labs":["sandbox-sql"],"later":1}"#).unwrap();
        assert_eq!((settings.labs.as_slice(), settings.anonymous), (&[LabChoice::SandboxSql][..], false));
    }
}
