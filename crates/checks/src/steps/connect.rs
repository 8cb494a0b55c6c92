//! Step 0: `GetCallerIdentity` of STS.

use crate::{
    api_calls::GET_CALLER_IDENTITY,
    call::{CallError, CredentialsFault, make},
    clients::CALL_TIMEOUT,
    finding::{Finding, Judged, remedy},
    observed::Observed,
};

pub(crate) async fn identity(observed: &Observed<'_>) -> Judged {
    let send = observed.clients.sts.get_caller_identity().send();
    let answer = make(&GET_CALLER_IDENTITY, observed.clock, CALL_TIMEOUT, send).await;
    let identity = match &answer.result {
        Ok(identity) => identity,
        Err(CallError::Credentials(fault @ CredentialsFault::Missing)) => {
            let message = format!("We found no AWS credentials. {}", remedy(*fault));
            return Ok(Finding::not_yet("AWS credentials", message).with(answer.evidence([])));
        }
        Err(CallError::Credentials(fault)) => {
            let message = format!("We could not sign in: {fault}. {}", remedy(*fault));
            let finding = Finding::wrong("credentials", "credentials that AWS accepts", fault.to_string(), message);
            return Ok(finding.with(answer.evidence([])));
        }
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    let account = identity.account().unwrap_or_default();
    let expected = &observed.subject.account;
    let finding = if account.is_empty() {
        Finding::fault(
            "AWS STS named no account",
            "AWS STS answered without naming an account. Check again in a minute.",
        )
    } else if expected.is_empty() || account == expected {
        Finding::pass(format!("AWS knows you in account {account}, and the lab runs in {}.", observed.subject.region))
    } else {
        Finding::elsewhere(
            format!("account {account}"),
            format!(
                "Your credentials belong to account {account}, and the lab was set up for account {expected}. Sign in to \
                 account {expected}, or start the lab anew for account {account}."
            ),
        )
    };
    let evidence = answer.evidence([
        ("Account", account.to_owned()),
        ("Arn", identity.arn().unwrap_or_default().to_owned()),
        ("region", observed.subject.region.clone()),
    ]);
    Ok(finding.with(evidence))
}
