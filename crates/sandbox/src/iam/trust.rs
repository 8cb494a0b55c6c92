//! Trust policies: who may assume a role.

use std::collections::BTreeMap;

use super::conditions::{ConditionKeys, like};
use super::policy_document::{Effect, OneOrMany, PolicyDocument, Principals, Statement, malformed};
use crate::{AccountId, AwsError, Scope};

/// A role's trust policy, checked.
#[derive(Debug)]
pub(super) struct TrustPolicy(PolicyDocument);

/// Who asks to assume a role.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Assumer<'a> {
    /// An AWS service acting for a resource of this account and region.
    Service { principal: &'a str, scope: &'a Scope },
    /// A user or a role's session. `role_arn` is the ARN of the session's role.
    Aws { account: &'a AccountId, arn: &'a str, role_arn: Option<&'a str> },
}

impl TrustPolicy {
    /// Reads and checks a trust policy: `MalformedPolicyDocument` if it is not one.
    pub(super) fn parse(document: &str) -> Result<Self, AwsError> {
        let policy = PolicyDocument::parse(document)?;
        for statement in &policy.statement {
            statement.check_trust()?;
            if let Some(Principals::Everyone(name)) = &statement.principal
                && name != "*"
            {
                return Err(malformed("Invalid principal in policy"));
            }
            if let Some(Principals::Named(named)) = &statement.principal {
                for (kind, names) in named {
                    if let Some(name) = names.iter().find(|name| !is_principal(kind, name)) {
                        return Err(malformed(&format!(
                            "Invalid principal in policy: \"{}\":\"{name}\"",
                            kind.to_uppercase()
                        )));
                    }
                }
            }
        }
        Ok(Self(policy))
    }

    /// Whether `sts:AssumeRole` is allowed: some statement allows it and none denies it.
    pub(super) fn allows(&self, assumer: &Assumer<'_>, external_id: Option<&str>) -> bool {
        let keys = condition_keys(assumer, external_id);
        let applies = |effect| {
            let statements = self.0.statement.iter();
            statements
                .filter(|statement| statement.effect == effect)
                .any(|statement| applies(statement, &keys, assumer))
        };
        applies(Effect::Allow) && !applies(Effect::Deny)
    }
}

/// The condition keys of a request to assume a role.
fn condition_keys(assumer: &Assumer<'_>, external_id: Option<&str>) -> ConditionKeys {
    let mut keys = BTreeMap::new();
    if let Some(external_id) = external_id {
        keys.insert("sts:externalid", external_id.to_owned());
    }
    match assumer {
        Assumer::Service { principal, scope } => {
            keys.insert("aws:sourceaccount", scope.account.to_string());
            let service = principal.split('.').next().unwrap_or_default();
            keys.insert("aws:sourcearn", scope.arn(service, ""));
            keys.insert("aws:principalisawsservice", "true".to_owned());
        }
        Assumer::Aws { account, arn, role_arn } => {
            keys.insert("aws:principalaccount", account.to_string());
            keys.insert("aws:principalarn", role_arn.unwrap_or(arn).to_owned());
            keys.insert("aws:principalisawsservice", "false".to_owned());
        }
    }
    ConditionKeys(keys)
}

/// Whether a statement is about this request.
fn applies(statement: &Statement, keys: &ConditionKeys, assumer: &Assumer<'_>) -> bool {
    let action = statement
        .action
        .iter()
        .flat_map(OneOrMany::iter)
        .any(|pattern| like(&pattern.to_ascii_lowercase(), "sts:assumerole"));
    let principal = match &statement.principal {
        Some(Principals::Everyone(_)) => true,
        Some(Principals::Named(named)) => {
            named.iter().any(|(kind, names)| names.iter().any(|name| is_same(kind, name, assumer)))
        }
        None => false,
    };
    action && principal && keys.meet(&statement.condition)
}

fn is_same(kind: &str, name: &str, assumer: &Assumer<'_>) -> bool {
    match (kind, assumer) {
        ("Service", Assumer::Service { principal, .. }) => name == *principal,
        ("AWS", Assumer::Aws { account, arn, role_arn }) => {
            name == "*"
                || name == account.as_str()
                || name == format!("arn:aws:iam::{account}:root")
                || name == *arn
                || Some(name) == *role_arn
        }
        _ => false,
    }
}

fn is_principal(kind: &str, name: &str) -> bool {
    match kind {
        "Service" => name
            .strip_suffix(".amazonaws.com")
            .or_else(|| name.strip_suffix(".amazonaws.com.cn"))
            .is_some_and(|service| {
                !service.is_empty()
                    && service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
            }),
        "AWS" => {
            name == "*"
                || name.parse::<AccountId>().is_ok()
                || name.strip_prefix("arn:aws:").is_some_and(|rest| {
                    let mut parts = rest.splitn(4, ':');
                    let service = parts.next().unwrap_or_default();
                    let global = parts.next() == Some("");
                    let account = parts.next().is_some_and(|account| account.parse::<AccountId>().is_ok());
                    let resource = parts.next().unwrap_or_default();
                    let kinds = ["root", "user/", "role/", "assumed-role/", "federated-user/"];
                    matches!(service, "iam" | "sts")
                        && global
                        && account
                        && kinds.iter().any(|kind| resource.starts_with(kind))
                })
        }
        "Federated" | "CanonicalUser" => !name.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HOME: &str = "111122223333";
    const OTHER: &str = "444455556666";

    fn policy(statement: &Value) -> Result<TrustPolicy, AwsError> {
        TrustPolicy::parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string())
    }

    fn trusts_service(statement: &Value, principal: &str) -> bool {
        let scope = Scope { account: HOME.parse().unwrap(), region: "us-east-1".parse().unwrap() };
        policy(statement).unwrap().allows(&Assumer::Service { principal, scope: &scope }, Some(HOME))
    }

    fn trusts_user(statement: &Value, external_id: Option<&str>) -> bool {
        let account = OTHER.parse().unwrap();
        let arn = format!("arn:aws:iam::{OTHER}:user/learner");
        policy(statement).unwrap().allows(&Assumer::Aws { account: &account, arn: &arn, role_arn: None }, external_id)
    }

    fn statement(effect: &str, principal: &Value, condition: &Value) -> Value {
        json!({"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition})
    }

    #[test]
    fn a_service_is_trusted_by_name() {
        let firehose = json!({"Service": "firehose.amazonaws.com"});
        let both = json!({"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]});
        let always = json!({});
        assert!(trusts_service(&statement("Allow", &firehose, &always), "firehose.amazonaws.com"));
        assert!(trusts_service(&statement("Allow", &both, &always), "firehose.amazonaws.com"));
        assert!(!trusts_service(&statement("Allow", &firehose, &always), "lambda.amazonaws.com"));
        assert!(!trusts_service(&statement("Allow", &json!({"AWS": "*"}), &always), "firehose.amazonaws.com"));
        assert!(!trusts_user(&statement("Allow", &firehose, &always), None));
    }

    #[test]
    fn the_conditions_of_documented_service_roles_are_met() {
        let service = json!({"Service": "firehose.amazonaws.com"});
        let met = [
            json!({"StringEquals": {"sts:ExternalId": HOME}}),
            json!({"StringEquals": {"aws:SourceAccount": HOME}}),
            json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:firehose:us-east-1:{HOME}:deliverystream/*")}}),
        ];
        let unmet = [
            json!({"StringEquals": {"sts:ExternalId": OTHER}}),
            json!({"StringEquals": {"aws:SourceAccount": OTHER}}),
            json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:firehose:us-east-1:{OTHER}:deliverystream/*")}}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:firehose"}}),
            json!({"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}),
        ];
        for condition in met {
            assert!(trusts_service(&statement("Allow", &service, &condition), "firehose.amazonaws.com"), "{condition}");
        }
        for condition in unmet {
            assert!(
                !trusts_service(&statement("Allow", &service, &condition), "firehose.amazonaws.com"),
                "{condition}"
            );
        }
    }

    #[test]
    fn another_account_is_trusted_with_the_right_external_id_only() {
        let equals = json!({"StringEquals": {"sts:ExternalId": "class-7f3a"}});
        let like = json!({"StringLike": {"sts:ExternalId": "class-*"}});
        for principal in [json!({"AWS": OTHER}), json!({"AWS": format!("arn:aws:iam::{OTHER}:root")}), json!("*")] {
            for condition in [&equals, &like] {
                let statement = statement("Allow", &principal, condition);
                assert!(trusts_user(&statement, Some("class-7f3a")));
                assert!(!trusts_user(&statement, Some("klass-7f3a")));
                assert!(!trusts_user(&statement, None));
            }
        }
        assert!(!trusts_user(&statement("Allow", &json!({"AWS": HOME}), &json!({})), Some("class-7f3a")));
    }

    #[test]
    fn a_denial_wins() {
        let denied = json!([
            statement("Allow", &json!({"AWS": OTHER}), &json!({})),
            statement("Deny", &json!({"AWS": "*"}), &json!({"Null": {"sts:ExternalId": "true"}})),
        ]);
        assert!(trusts_user(&denied, Some("given")));
        assert!(!trusts_user(&denied, None));
    }

    #[test]
    fn what_is_no_trust_policy_is_refused() {
        let refusal = |document: &str| TrustPolicy::parse(document).unwrap_err().to_string();
        let of = |statement: Value| policy(&statement).unwrap_err().to_string();
        let service = json!({"Service": "firehose.amazonaws.com"});
        insta::assert_debug_snapshot!(
            [
                refusal("{"),
                refusal("{}"),
                refusal(r#"{"Version": "2011-01-01", "Statement": []}"#),
                refusal(r#"{"Statement": []}"#),
                of(json!({"Effect": "Allow", "Action": "sts:AssumeRole"})),
                of(json!({"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole", "Resource": "*"})),
                of(json!({"Effect": "Allow", "Principal": service})),
                of(json!({"Effect": "Allow", "Principal": service, "Action": "s3:GetObject"})),
                of(json!({"Effect": "Allow", "Principal": {"Service": "firehose"}, "Action": "sts:AssumeRole"})),
                of(json!({"Effect": "Allow", "Principal": {"AWS": "learner"}, "Action": "sts:AssumeRole"})),
                of(json!({"Effect": "Permit", "Principal": service, "Action": "sts:AssumeRole"})),
                of(statement("Allow", &service, &json!({"StringIs": {"sts:ExternalId": "x"}}))),
            ],
            @r#"
            [
                "MalformedPolicyDocument: This policy contains invalid Json",
                "MalformedPolicyDocument: Syntax errors in policy: missing field `Statement`.",
                "MalformedPolicyDocument: Policy document must be version 2012-10-17 or greater.",
                "MalformedPolicyDocument: Syntax errors in policy: Statement is empty.",
                "MalformedPolicyDocument: Missing required field Principal",
                "MalformedPolicyDocument: Has prohibited field Resource",
                "MalformedPolicyDocument: Policy statement must contain actions.",
                "MalformedPolicyDocument: AssumeRole policy may only specify STS AssumeRole actions.",
                "MalformedPolicyDocument: Invalid principal in policy: \"SERVICE\":\"firehose\"",
                "MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"learner\"",
                "MalformedPolicyDocument: Syntax errors in policy: unknown variant `Permit`, expected `Allow` or `Deny`.",
                "MalformedPolicyDocument: Invalid Condition type : StringIs.",
            ]
            "#
        );
    }
}
