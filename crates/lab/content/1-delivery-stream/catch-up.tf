# {{only sql-application}}
# Step 1: the bucket, the role of the delivery stream, and the delivery stream.
# {{end}}
# {{only tumbling-window flink}}
# Step 1: the bucket, the data stream, the role of the delivery stream, and the delivery stream.
# Step 3 puts the preprocessing function into its way, with changes that this file leaves alone.
# {{end}}

{{include shared/provider.tf}}

resource "aws_s3_bucket" "clicks" {
  bucket        = "{{bucket}}"
  force_destroy = true
}
# {{only tumbling-window flink}}

resource "aws_kinesis_stream" "clicks" {
  name        = "{{data_stream}}"
  shard_count = 1

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }
}
# {{end}}

resource "aws_iam_role" "firehose" {
  name = "{{firehose_role}}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "firehose.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "deliver" {
  name = "deliver-to-bucket"
  role = aws_iam_role.firehose.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
# {{only tumbling-window flink}}
      {
        Effect   = "Allow"
        Action   = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
        Resource = aws_kinesis_stream.clicks.arn
      },
# {{end}}
      {
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = aws_s3_bucket.clicks.arn
      },
      {
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.clicks.arn}/*"
      },
    ]
  })
}

resource "aws_kinesis_firehose_delivery_stream" "clicks" {
  name        = "{{stream}}"
  destination = "extended_s3"
# {{only tumbling-window flink}}

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.clicks.arn
    role_arn           = aws_iam_role.firehose.arn
  }
# {{end}}

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose.arn
    bucket_arn          = aws_s3_bucket.clicks.arn
    prefix              = "{{prefix}}"
    error_output_prefix = "{{error_prefix}}"
    buffering_size      = 5
    buffering_interval  = 10
    compression_format  = "GZIP"
  }

  depends_on = [aws_iam_role_policy.deliver]
# {{only tumbling-window flink}}

  lifecycle {
    ignore_changes = [extended_s3_configuration[0].processing_configuration]
  }
# {{end}}
}
