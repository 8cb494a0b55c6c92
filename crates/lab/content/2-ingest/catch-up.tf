# Step 2: nothing is made, so that there is nothing for Terraform to do. Send
# clicks with the sender in the page, the AWS CLI, or the bash script of this step.
# {{only sql-application}}
# This file sees whether the delivery stream is there to take them.
# {{end}}
# {{only tumbling-window flink}}
# This file sees whether the data stream is there to take them.
# {{end}}

{{include shared/provider.tf}}

# {{only sql-application}}
data "aws_kinesis_firehose_delivery_stream" "clicks" {
  name = "{{stream}}"
}

output "send_to" {
  value = data.aws_kinesis_firehose_delivery_stream.clicks.arn
}
# {{end}}
# {{only tumbling-window flink}}
data "aws_kinesis_stream" "clicks" {
  name = "{{data_stream}}"
}

output "send_to" {
  value = data.aws_kinesis_stream.clicks.arn
}
# {{end}}
