# Step 4: the role of the SQL application and the application, with the preprocessing function, running.

{{include shared/provider.tf}}

data "aws_kinesis_firehose_delivery_stream" "clicks" {
  name = "{{stream}}"
}

data "aws_lambda_function" "preprocess" {
  function_name = "{{preprocess_function}}"
}

locals {
  preprocess_function = "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}"
  output_function     = "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{output_function}}"
}

resource "aws_iam_role" "analytics" {
  name = "{{analytics_role}}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "kinesisanalytics.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "read_and_call" {
  name = "read-and-call"
  role = aws_iam_role.analytics.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["firehose:DescribeDeliveryStream", "firehose:Get*"]
        Resource = data.aws_kinesis_firehose_delivery_stream.clicks.arn
      },
      {
        Effect = "Allow"
        Action = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
        Resource = [
          local.preprocess_function,
          "${local.preprocess_function}:*",
          local.output_function,
          "${local.output_function}:*",
        ]
      },
    ]
  })
}

resource "aws_kinesisanalyticsv2_application" "counts" {
  name                   = "{{application}}"
  runtime_environment    = "SQL-1_0"
  service_execution_role = aws_iam_role.analytics.arn
  start_application      = true

  application_configuration {
    application_code_configuration {
      code_content_type = "PLAINTEXT"

      code_content {
        text_content = <<EOT
{{include sql/window_counts.sql}}
EOT
      }
    }

    sql_application_configuration {
      input {
        name_prefix = "SOURCE_SQL_STREAM"

        input_starting_position_configuration {
          input_starting_position = "NOW"
        }

        kinesis_firehose_input {
          resource_arn = data.aws_kinesis_firehose_delivery_stream.clicks.arn
        }

        input_processing_configuration {
          input_lambda_processor {
            resource_arn = data.aws_lambda_function.preprocess.arn
          }
        }

        input_schema {
          record_encoding = "UTF-8"

          record_column {
            name     = "prev_page"
            sql_type = "VARCHAR(512)"
          }

          record_column {
            name     = "curr_page"
            sql_type = "VARCHAR(512)"
          }

          record_column {
            name     = "link_type"
            sql_type = "VARCHAR(8)"
          }

          record_column {
            name     = "hits"
            sql_type = "INTEGER"
          }

          record_format {
            record_format_type = "CSV"

            mapping_parameters {
              csv_mapping_parameters {
                record_column_delimiter = "\t"
                record_row_delimiter    = "\n"
              }
            }
          }
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.read_and_call]

  # Step 5 adds the output.
  lifecycle {
    ignore_changes = [application_configuration[0].sql_application_configuration[0].output]
  }
}
