//! The learner's sandbox account, without secrets.

use app::error::BackendError;
use app::model::{AccessKeyView, AccountView, FieldInput, FieldView};
use lab::VariableHelp;
use sandbox::AccountId;

use super::seconds;
use crate::state::{Headwater, Seat, internal};

/// Longest name that the form takes; each has its own bound, which is told when it is broken.
const NAME_LENGTH: u32 = 256;

/// The account with its keys' ids and the learner's names.
pub async fn account(headwater: &Headwater, seat: &Seat) -> Result<AccountView, BackendError> {
    let account: AccountId = seat.learner.account.parse().map_err(internal)?;
    let keys = headwater.sandbox().access_keys(&account).await.map_err(internal)?;
    Ok(AccountView {
        account_id: seat.learner.account.clone(),
        region: seat.variables.region.clone(),
        endpoint: seat.variables.endpoint.clone(),
        access_keys: keys
            .into_iter()
            .map(|key| AccessKeyView { id: key.id, created_at: seconds(key.created) })
            .collect(),
        names: headwater.lab().variables.iter().map(|help| name_view(help, seat)).collect(),
    })
}

fn name_view(help: &VariableHelp, seat: &Seat) -> FieldView {
    let input = if help.name == "window_seconds" {
        FieldInput::Number { min: 1, max: 3600, unit: Some("seconds".to_owned()) }
    } else {
        FieldInput::Text { max_length: NAME_LENGTH }
    };
    FieldView {
        name: help.name.clone(),
        label: help.label.clone(),
        help_html: lab::render_inline(&help.help, &seat.variables).into_string(),
        value: seat.variables.get(&help.name).unwrap_or_default(),
        required: true,
        input,
    }
}
