# Step 4: the stream for the counts, and the Flink application with its role and code, running.
# From then on it costs about 0.22 dollars an hour, until it is stopped.

{{include shared/provider.tf}}

data "aws_kinesis_stream" "clicks" {
  name = "{{data_stream}}"
}

data "aws_s3_bucket" "clicks" {
  bucket = "{{bucket}}"
}

resource "aws_kinesis_stream" "counts" {
  name        = "{{counts_stream}}"
  shard_count = 1

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }
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

resource "aws_iam_role_policy" "read_and_write" {
  name = "read-and-write"
  role = aws_iam_role.analytics.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "kinesis:DescribeStream",
          "kinesis:DescribeStreamSummary",
          "kinesis:GetRecords",
          "kinesis:GetShardIterator",
          "kinesis:ListShards",
        ]
        Resource = data.aws_kinesis_stream.clicks.arn
      },
      {
        Effect   = "Allow"
        Action   = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecord", "kinesis:PutRecords"]
        Resource = aws_kinesis_stream.counts.arn
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${data.aws_s3_bucket.clicks.arn}/code/*"
      },
    ]
  })
}

locals {
  sql     = <<EOT
{{include sql/window_counts.sql}}
EOT
  program = <<EOT
{{include functions/flink/main.py}}
EOT
}

# The zip file of program, SQL, and the connector that the Flink project publishes.
resource "terraform_data" "code" {
  triggers_replace = [sha256(local.sql), sha256(local.program)]

  provisioner "local-exec" {
    interpreter = ["bash", "-euo", "pipefail", "-c"]
    working_dir = path.module
    environment = {
      SQL     = local.sql
      PROGRAM = local.program
    }
    command = <<EOT
mkdir -p flink/lib
printf '%s' "$SQL" > flink/window_counts.sql
printf '%s' "$PROGRAM" > flink/main.py
{{include shared/flink_connector.sh}}
(cd flink && python3 -m zipfile -c ../flink.zip main.py window_counts.sql lib)
EOT
  }
}

resource "aws_s3_object" "code" {
  bucket      = data.aws_s3_bucket.clicks.bucket
  key         = "code/flink.zip"
  source      = "${path.module}/flink.zip"
  source_hash = terraform_data.code.id
}

resource "aws_kinesisanalyticsv2_application" "counts" {
  name                   = "{{application}}"
  runtime_environment    = "FLINK-1_20"
  service_execution_role = aws_iam_role.analytics.arn
  start_application      = true

  application_configuration {
    application_code_configuration {
      code_content_type = "ZIPFILE"

      code_content {
        s3_content_location {
          bucket_arn = data.aws_s3_bucket.clicks.arn
          file_key   = aws_s3_object.code.key
        }
      }
    }

    environment_properties {
      property_group {
        property_group_id = "kinesis.analytics.flink.run.options"
        property_map = {
          python  = "main.py"
          jarfile = "lib/flink-sql-connector-kinesis.jar"
        }
      }

      property_group {
        property_group_id = "headwater"
        property_map = {
          data_stream   = data.aws_kinesis_stream.clicks.name
          counts_stream = aws_kinesis_stream.counts.name
        }
      }
    }

    flink_application_configuration {
      parallelism_configuration {
        configuration_type   = "CUSTOM"
        parallelism          = 1
        parallelism_per_kpu  = 1
        auto_scaling_enabled = false
      }
    }
  }

  depends_on = [aws_iam_role_policy.read_and_write]
}
