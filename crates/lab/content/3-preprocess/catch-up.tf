# {{only sql-application}}
# Step 3: the role of the functions and the preprocessing function.
# {{end}}
# {{only tumbling-window flink}}
# Step 3: the role of the functions and the preprocessing function, put into the way of the delivery stream.
# {{end}}

{{include shared/provider.tf}}

resource "aws_iam_role" "lambda" {
  name = "{{lambda_role}}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "logs" {
  name = "write-logs"
  role = aws_iam_role.lambda.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = [
        "arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/aws/lambda/{{preprocess_function}}:*",
        "arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/aws/lambda/{{output_function}}:*",
      ]
    }]
  })
}

data "archive_file" "preprocess" {
  type        = "zip"
  output_path = "${path.module}/preprocess.zip"

  source {
    filename = "lambda_function.py"
    content  = <<EOT
{{include functions/preprocess/lambda_function.py}}
EOT
  }
}

resource "aws_lambda_function" "preprocess" {
  function_name    = "{{preprocess_function}}"
  role             = aws_iam_role.lambda.arn
  runtime          = "python3.13"
  handler          = "lambda_function.handler"
  timeout          = 60
  filename         = data.archive_file.preprocess.output_path
  source_code_hash = data.archive_file.preprocess.output_base64sha256

  depends_on = [aws_iam_role_policy.logs]
}
# {{only tumbling-window flink}}

resource "aws_iam_role_policy" "transform" {
  name = "call-preprocessor"
  role = "{{firehose_role}}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
      Resource = [aws_lambda_function.preprocess.arn, "${aws_lambda_function.preprocess.arn}:*"]
    }]
  })
}

# The delivery stream belongs to the file of step 1. This changes one setting of it, by the AWS CLI.
resource "terraform_data" "transformation" {
  triggers_replace = [aws_lambda_function.preprocess.arn]
  depends_on       = [aws_iam_role_policy.transform]

  provisioner "local-exec" {
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    command     = <<EOT
delivery_stream() {
  aws firehose describe-delivery-stream --region {{region}} --delivery-stream-name {{stream}} \
    --query "DeliveryStreamDescription.$1" --output text
}
aws firehose update-destination --region {{region}} --delivery-stream-name {{stream}} \
  --current-delivery-stream-version-id "$(delivery_stream VersionId)" \
  --destination-id "$(delivery_stream 'Destinations[0].DestinationId')" \
  --extended-s3-destination-update '${local.transformation}'
EOT
  }
}

locals {
  transformation = jsonencode({
    ProcessingConfiguration = {
      Enabled = true
      Processors = [{
        Type = "Lambda"
        Parameters = [
          { ParameterName = "LambdaArn", ParameterValue = aws_lambda_function.preprocess.arn },
          { ParameterName = "BufferSizeInMBs", ParameterValue = "1" },
          { ParameterName = "BufferIntervalInSeconds", ParameterValue = "10" },
        ]
      }]
    }
  })
}
# {{end}}
