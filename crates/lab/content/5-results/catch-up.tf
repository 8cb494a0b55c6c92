# {{only sql-application}}
# Step 5: the table, the output function, and the application's output to it.
# {{end}}
# {{only tumbling-window}}
# Step 5: the table, and its name for the counting function.
# {{end}}
# {{only flink}}
# Step 5: the table, the output function, and the mapping from the counts stream to it.
# {{end}}

{{include shared/provider.tf}}

data "aws_iam_role" "lambda" {
  name = "{{lambda_role}}"
}
# {{only flink}}

data "aws_kinesis_stream" "counts" {
  name = "{{counts_stream}}"
}
# {{end}}

resource "aws_dynamodb_table" "counts" {
  name         = "{{table}}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "metric"
  range_key    = "window_end"

  attribute {
    name = "metric"
    type = "S"
  }

  attribute {
    name = "window_end"
    type = "S"
  }
}

resource "aws_iam_role_policy" "write_table" {
  name = "write-table"
  role = data.aws_iam_role.lambda.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "dynamodb:UpdateItem"
      Resource = aws_dynamodb_table.counts.arn
    }]
  })
}
# {{only tumbling-window}}

# The function belongs to the file of step 4. This changes one setting of it, by the AWS CLI.
resource "terraform_data" "table_name" {
  triggers_replace = [aws_dynamodb_table.counts.name]
  depends_on       = [aws_iam_role_policy.write_table]

  provisioner "local-exec" {
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    command     = <<EOT
aws lambda update-function-configuration --region {{region}} --function-name {{output_function}} \
  --environment 'Variables={TABLE_NAME=${aws_dynamodb_table.counts.name}}'
aws lambda wait function-updated-v2 --region {{region}} --function-name {{output_function}}
EOT
  }
}
# {{end}}
# {{only sql-application flink}}

data "archive_file" "store" {
  type        = "zip"
  output_path = "${path.module}/store.zip"

  source {
    filename = "lambda_function.py"
    content  = <<EOT
{{include functions/store/lambda_function.py}}
EOT
  }
}

resource "aws_lambda_function" "store" {
  function_name    = "{{output_function}}"
  role             = data.aws_iam_role.lambda.arn
  runtime          = "python3.13"
  handler          = "lambda_function.handler"
  timeout          = 60
  filename         = data.archive_file.store.output_path
  source_code_hash = data.archive_file.store.output_base64sha256

  environment {
    variables = {
      TABLE_NAME = aws_dynamodb_table.counts.name
    }
  }

  depends_on = [aws_iam_role_policy.write_table]
}
# {{end}}
# {{only flink}}

resource "aws_iam_role_policy" "read_counts" {
  name = "read-counts"
  role = data.aws_iam_role.lambda.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
      ]
      Resource = data.aws_kinesis_stream.counts.arn
    }]
  })
}

resource "aws_lambda_event_source_mapping" "counts" {
  event_source_arn        = data.aws_kinesis_stream.counts.arn
  function_name           = aws_lambda_function.store.function_name
  starting_position       = "TRIM_HORIZON"
  batch_size              = 100
  function_response_types = ["ReportBatchItemFailures"]

  depends_on = [aws_iam_role_policy.read_counts]
}
# {{end}}
# {{only sql-application}}

# The application belongs to the file of step 4. This adds its output, by the AWS CLI.
resource "terraform_data" "output" {
  triggers_replace = [aws_lambda_function.store.arn]

  provisioner "local-exec" {
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    command     = <<EOT
version=$(aws kinesisanalyticsv2 describe-application --region {{region}} --application-name {{application}} \
  --query ApplicationDetail.ApplicationVersionId --output text)
aws kinesisanalyticsv2 add-application-output --region {{region}} --application-name {{application}} \
  --current-application-version-id "$version" \
  --application-output '${local.output}'
EOT
  }
}

locals {
  output = jsonencode({
    Name              = "WINDOW_COUNTS"
    LambdaOutput      = { ResourceARN = aws_lambda_function.store.arn }
    DestinationSchema = { RecordFormatType = "JSON" }
  })
}
# {{end}}
