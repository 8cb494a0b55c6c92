# Step 6: there is nothing to make. What Terraform has made, Terraform deletes: run
#
#   terraform destroy
#
# in the folders of the steps, the last step first: 5, 4, 3, 1. The files of steps
# 3 and 5 have changed things of other files; those changes go with the things.
#
# What was made by other ways is unknown to Terraform and stays, and so do the logs
# of the functions, in the groups /aws/lambda/{{preprocess_function}} and
# /aws/lambda/{{output_function}}. The bash script of this step deletes all of it.
# {{only tumbling-window flink}}
#
# This file lists what still has the lab's tag.
# {{end}}

{{include shared/provider.tf}}
# {{only tumbling-window flink}}

data "aws_resourcegroupstaggingapi_resources" "left" {
  tag_filter {
    key    = "headwater"
    values = ["clickstream-lab"]
  }
}

output "left" {
  value = data.aws_resourcegroupstaggingapi_resources.left.resource_tag_mapping_list[*].resource_arn
}
# {{end}}
