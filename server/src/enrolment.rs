//! Connecting an AWS account of the learner's own to the learner's lab: prepare, find, confirm.

use app::backend::AccountQuery;
use app::error::BackendError;
use lab::Variables;

use crate::connect::{ConnectError, ExternalId, REGIONS};
use crate::place::{Connected, Place};
use crate::state::{Headwater, Seat, internal, store_failed};

/// The fact that keeps the learner's external ID; it is made once and never taken from a request.
const EXTERNAL_ID: &str = "external_id";

/// Notes the account and region in which the learner will make a role.
pub async fn prepare(headwater: &Headwater, seat: &Seat, account: &str, region: &str) -> Result<(), BackendError> {
    refuse_if_not_an_account(seat)?;
    let account: String = account.chars().filter(|character| !matches!(character, ' ' | '-')).collect();
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid(
            "account",
            "An account number has twelve digits; the AWS console shows it at the top right.",
        ));
    }
    if !REGIONS.iter().any(|(name, _)| *name == region) {
        return Err(connect_failed(&ConnectError::Region));
    }
    refuse_another_account(seat, &account)?;
    let variables = moved(&seat.variables, &account, region);
    let variables = serde_json::to_value(&variables).map_err(internal)?;
    headwater.store().save_variables(&seat.learner.id, &variables).await.map_err(store_failed)?;
    seat.desk.put_found(None);
    Ok(())
}

/// Looks whose account it is and keeps it for the learner to confirm.
pub async fn find(headwater: &Headwater, seat: &Seat, by: AccountQuery) -> Result<(), BackendError> {
    refuse_if_not_an_account(seat)?;
    seat.desk.put_found(None);
    let connector = headwater.connector();
    let found = match by {
        AccountQuery::Profile { profile, region } => {
            let profile = Some(profile.trim().to_owned()).filter(|profile| !profile.is_empty());
            connector.find_by_profile(profile, region.trim()).await
        }
        AccountQuery::Role { role } => {
            let external_id = external_id(headwater, seat).await?;
            let region = seat.variables.region.clone();
            let found = connector.find_by_role(&role, &external_id, &region).await;
            match found {
                Ok(found) if found.identity.account != seat.variables.account => {
                    return Err(invalid(
                        "role",
                        &format!(
                            "This role is in account {}, and you named account {}. Correct the number, or the role.",
                            found.identity.account, seat.variables.account
                        ),
                    ));
                }
                found => found,
            }
        }
    };
    let found = found.map_err(|error| connect_failed(&error))?;
    refuse_another_account(seat, &found.identity.account)?;
    seat.desk.put_found(Some(found));
    Ok(())
}

/// Connects the account that was found, after the learner said that it is the right one.
pub async fn confirm(headwater: &Headwater, seat: &Seat, account: &str) -> Result<(), BackendError> {
    refuse_if_not_an_account(seat)?;
    let found = seat.desk.found().filter(|found| found.identity.account == account).ok_or_else(|| {
        BackendError::Refused { message: "There is no account to confirm any more. Look for it again.".to_owned() }
    })?;
    refuse_another_account(seat, account)?;
    let variables = moved(&seat.variables, account, &found.region);
    let place = Place::Account {
        connected: Some(Connected {
            connection: found.connection,
            arn: found.identity.arn,
            other_regions: found.other_regions,
        }),
    };
    let place = serde_json::to_value(&place).map_err(internal)?;
    let variables = serde_json::to_value(&variables).map_err(internal)?;
    let store = headwater.store();
    store.connect_learner(&seat.learner.id, account, &place, &variables).await.map_err(store_failed)?;
    seat.desk.put_found(None);
    seat.desk.changed.notify_waiters();
    Ok(())
}

/// The learner's external ID, made when it is first needed.
pub async fn external_id(headwater: &Headwater, seat: &Seat) -> Result<ExternalId, BackendError> {
    let store = headwater.store();
    if let Some(kept) = store.fact(&seat.learner.id, EXTERNAL_ID).await.map_err(store_failed)? {
        return Ok(kept);
    }
    let made = ExternalId::generate();
    store.keep_first_fact(&seat.learner.id, EXTERNAL_ID, &made).await.map_err(store_failed)
}

/// The names in another account: those that hold the account's number or the region follow, the learner's own stay.
fn moved(variables: &Variables, account: &str, region: &str) -> Variables {
    let usual = |account: &str, region: &str| {
        Variables::defaults_for(variables.engine, account, region, &variables.endpoint).bucket
    };
    let mut moved = variables.clone();
    if moved.bucket == usual(&variables.account, &variables.region) {
        moved.bucket = usual(account, region);
    }
    account.clone_into(&mut moved.account);
    region.clone_into(&mut moved.region);
    moved
}

fn refuse_if_not_an_account(seat: &Seat) -> Result<(), BackendError> {
    if seat.place.is_account() {
        return Ok(());
    }
    Err(BackendError::Refused {
        message: "This lab runs in the sandbox and stays there. Start another lab for an account of your own."
            .to_owned(),
    })
}

/// What was verified holds for one account: another needs a lab of its own.
fn refuse_another_account(seat: &Seat, account: &str) -> Result<(), BackendError> {
    if seat.learner.account.is_empty() || seat.learner.account == account {
        return Ok(());
    }
    Err(BackendError::Refused {
        message: format!(
            "This lab belongs to account {}, and these credentials to account {account}. Start another lab for it.",
            seat.learner.account
        ),
    })
}

fn invalid(field: &str, message: &str) -> BackendError {
    BackendError::Invalid { field: field.to_owned(), message: message.to_owned() }
}

fn connect_failed(error: &ConnectError) -> BackendError {
    match error {
        ConnectError::Region => invalid("region", &error.to_string()),
        ConnectError::Profile => invalid("profile", &error.to_string()),
        ConnectError::Role(_) | ConnectError::Assume(_) | ConnectError::OtherAccount { .. } => {
            invalid("role", &error.to_string())
        }
        ConnectError::Off | ConnectError::Policy(_) | ConnectError::Identity(_) => {
            BackendError::Refused { message: error.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use lab::Engine;

    use super::*;

    #[test]
    fn a_bucket_that_was_not_chosen_follows_the_account() {
        let variables = Variables::defaults_for(Engine::TumblingWindow, "", "us-east-1", "");
        let there = moved(&variables, "111122223333", "eu-west-1");
        assert_eq!(there.bucket, "clickstream-111122223333-eu-west-1");
        assert_eq!((there.account.as_str(), there.region.as_str()), ("111122223333", "eu-west-1"));
        let chosen = Variables { bucket: "mine".to_owned(), ..variables };
        assert_eq!(moved(&chosen, "111122223333", "eu-west-1").bucket, "mine");
    }
}
