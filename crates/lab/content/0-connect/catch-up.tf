# Step 0, connect: nothing is made. It sees whether your keys belong to the lab's account.
#
# Each step has a file like this one. Put each into a folder of its own, and run
# terraform init and terraform apply there. Steps find by name what earlier ones made.

{{include shared/provider.tf}}

data "aws_caller_identity" "me" {}

output "account" {
  value = data.aws_caller_identity.me.account_id
}
