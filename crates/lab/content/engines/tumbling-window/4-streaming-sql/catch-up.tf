# Step 4: the counting function, and the mapping that calls it with the rows of one window at a time.

{{include shared/provider.tf}}

data "aws_kinesis_stream" "clicks" {
  name = "{{data_stream}}"
}

data "aws_iam_role" "lambda" {
  name = "{{lambda_role}}"
}

resource "aws_iam_role_policy" "read_clicks" {
  name = "read-clicks"
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
      Resource = data.aws_kinesis_stream.clicks.arn
    }]
  })
}

data "archive_file" "count" {
  type        = "zip"
  output_path = "${path.module}/count.zip"

  source {
    filename = "lambda_function.py"
    content  = <<EOT
{{include functions/count/lambda_function.py}}
EOT
  }

  source {
    filename = "store.py"
    content  = <<EOT
{{include functions/store/lambda_function.py}}
EOT
  }
}

resource "aws_lambda_function" "count" {
  function_name    = "{{output_function}}"
  role             = data.aws_iam_role.lambda.arn
  runtime          = "python3.13"
  handler          = "lambda_function.handler"
  timeout          = 60
  filename         = data.archive_file.count.output_path
  source_code_hash = data.archive_file.count.output_base64sha256

  # Step 5 tells the function its table.
  lifecycle {
    ignore_changes = [environment]
  }
}

resource "aws_lambda_event_source_mapping" "clicks" {
  event_source_arn           = data.aws_kinesis_stream.clicks.arn
  function_name              = aws_lambda_function.count.function_name
  starting_position          = "TRIM_HORIZON"
  batch_size                 = 500
  tumbling_window_in_seconds = {{window_seconds}}
  function_response_types    = ["ReportBatchItemFailures"]

  depends_on = [aws_iam_role_policy.read_clicks]
}
