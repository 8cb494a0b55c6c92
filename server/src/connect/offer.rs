//! The role that a learner makes for us, as CloudFormation, Terraform and CLI commands: three forms of one trust policy and
//! one permission policy, both derived from the table of calls.

use checks::{PolicyError, Subject};
use serde_json::{Value, json};

use super::role::ExternalId;

/// Name of the role and of its policy.
pub const ROLE_NAME: &str = "HeadwaterLab";
const POLICY_NAME: &str = "headwater-lab";
/// STS lets a role's sessions last an hour at least; ours last 900 seconds.
const MAX_SESSION_SECONDS: u32 = 3_600;

/// What the role is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleOffer {
    principal: String,
    external_id: ExternalId,
    permissions: Value,
}

impl RoleOffer {
    /// `principal` is the ARN of this server's own role.
    /// An error when the learner's names do not fit into a policy.
    pub fn new(principal: String, external_id: ExternalId, subject: &Subject) -> Result<Self, PolicyError> {
        let permissions = serde_json::from_str(&checks::policy(subject)?).unwrap_or(Value::Null);
        Ok(Self { principal, external_id, permissions })
    }

    pub fn principal(&self) -> &str {
        &self.principal
    }

    pub fn external_id(&self) -> &ExternalId {
        &self.external_id
    }

    /// Who may assume the role, and only with the external ID.
    fn trust(&self) -> Value {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": self.principal },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "sts:ExternalId": self.external_id.as_str() } }
            }]
        })
    }

    /// The permission policy, for reading: what we may do and no more.
    pub fn policy(&self) -> String {
        pretty(&self.permissions)
    }

    /// A CloudFormation template in JSON; its output `RoleArn` is what the page asks for.
    pub fn cloudformation(&self) -> String {
        pretty(&json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "Lets Headwater look at the clickstream lab in this account, send its demo clicks, and no more.",
            "Resources": {
                "HeadwaterLabRole": {
                    "Type": "AWS::IAM::Role",
                    "Properties": {
                        "RoleName": ROLE_NAME,
                        "Description": "Headwater's access to the clickstream lab. Delete the stack when you are done.",
                        "MaxSessionDuration": MAX_SESSION_SECONDS,
                        "AssumeRolePolicyDocument": self.trust(),
                        "Policies": [{ "PolicyName": POLICY_NAME, "PolicyDocument": self.permissions }],
                        "Tags": [{ "Key": "headwater", "Value": "clickstream-lab" }]
                    }
                }
            },
            "Outputs": {
                "RoleArn": {
                    "Description": "Copy this into Headwater's page.",
                    "Value": { "Fn::GetAtt": ["HeadwaterLabRole", "Arn"] }
                }
            }
        }))
    }

    /// The same in Terraform.
    pub fn terraform(&self) -> String {
        let permissions = heredoc(&self.policy());
        let trust = heredoc(&pretty(&self.trust()));
        format!(
            r#"terraform {{
  required_providers {{
    aws = {{
      source = "hashicorp/aws"
    }}
  }}
}}

resource "aws_iam_role" "headwater_lab" {{
  name                 = "{ROLE_NAME}"
  description          = "Headwater's access to the clickstream lab."
  max_session_duration = {MAX_SESSION_SECONDS}
  assume_role_policy   = <<-JSON
{trust}
  JSON

  tags = {{
    headwater = "clickstream-lab"
  }}
}}

resource "aws_iam_role_policy" "headwater_lab" {{
  name   = "{POLICY_NAME}"
  role   = aws_iam_role.headwater_lab.id
  policy = <<-JSON
{permissions}
  JSON
}}

output "role_arn" {{
  description = "Copy this into Headwater's page."
  value       = aws_iam_role.headwater_lab.arn
}}
"#
        )
    }

    /// The same as commands for a POSIX shell; the last one prints the ARN.
    pub fn commands(&self) -> String {
        let (trust, permissions) = (pretty(&self.trust()), self.policy());
        format!(
            "cat > headwater-trust.json <<'EOF'\n{trust}\nEOF\n\ncat > headwater-policy.json <<'EOF'\n{permissions}\nEOF\n\n\
             aws iam create-role --role-name {ROLE_NAME} \\\n  --assume-role-policy-document file://headwater-trust.json \\\n  \
             --tags Key=headwater,Value=clickstream-lab\naws iam put-role-policy --role-name {ROLE_NAME} \\\n  \
             --policy-name {POLICY_NAME} --policy-document file://headwater-policy.json\naws iam get-role --role-name \
             {ROLE_NAME} --query Role.Arn --output text\n"
        )
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// JSON as the body of a heredoc in Terraform, where `${` and `%{` would begin a template.
fn heredoc(json: &str) -> String {
    json.replace("${", "$${")
        .replace("%{", "%%{")
        .lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> RoleOffer {
        let subject = Subject::new("111122223333", "eu-central-1");
        RoleOffer::new("arn:aws:iam::444455556666:role/Headwater".to_owned(), ExternalId::generate(), &subject).unwrap()
    }

    #[test]
    fn all_three_forms_carry_the_same_two_policies() {
        let offer = offer();
        let template: Value = serde_json::from_str(&offer.cloudformation()).unwrap();
        let role = &template["Resources"]["HeadwaterLabRole"]["Properties"];
        let (trust, policy) = (&role["AssumeRolePolicyDocument"], &role["Policies"][0]["PolicyDocument"]);
        assert_eq!(trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], offer.external_id().as_str());
        let unindented = |text: &str| text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
        for text in [offer.terraform(), offer.commands()] {
            for json in [trust, policy] {
                assert!(unindented(&text).contains(&unindented(&pretty(json))), "{text}");
            }
        }
        let written: Value = serde_json::from_str(&offer.policy()).unwrap();
        assert_eq!(&written, policy);
    }

    #[test]
    fn names_that_no_policy_can_hold_give_no_role() {
        let subject = Subject { stream: "*".to_owned(), ..Subject::new("111122223333", "eu-central-1") };
        let offer = RoleOffer::new("arn:aws:iam::444455556666:role/H".to_owned(), ExternalId::generate(), &subject);
        assert!(matches!(offer, Err(PolicyError::Name { .. })));
    }
}
